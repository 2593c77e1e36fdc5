//===- Linear.h - What a linear layer is -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_LINEAR_H
#define STAMP_TRANSFORMS_LINEAR_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>
#include <string>

namespace stamp {

/// A contraction Y = X·W over float tensors, its operands by their roles. X is
/// (batch ×) S × K, W is (batch ×) K × N and Y (batch ×) S × N.
struct Linear {
  mlir::linalg::LinalgOp op;
  mlir::Value x;
  mlir::Value weight;
  mlir::Value init;
  int64_t sequence;      ///< S among the dimensions of X and Y.
  int64_t features;      ///< K among the dimensions of X.
  int64_t channels;      ///< N among the dimensions of Y.
  int64_t weightReduced; ///< K among the dimensions of W.

  /// The number of tokens; ShapedType::kDynamic if run time decides.
  int64_t getSequenceLength() const;
  /// The length of the sums; ShapedType::kDynamic if run time decides.
  int64_t getReductionLength() const;

  /// `op` as a linear; nullopt, and `why` as a phrase, if it is none.
  static std::optional<Linear> match(mlir::linalg::LinalgOp op,
                                     std::string &why);
};

/// Whether all elements are surely zero: a contraction's neutral init.
bool isZeroTensor(mlir::Value tensor);

} // namespace stamp

#endif // STAMP_TRANSFORMS_LINEAR_H
