//===- Linear.h - What a linear layer is -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A linear is told by its maps, not by its name. The loops of the contraction
// are
//
//   the tokens, which X and Y have and W does not: the last one of them in X is
//     the sequence, those in front of it are sequences of their own;
//   the features, which X and W have and are summed over;
//   the channels, which W and Y have;
//   the batch, which all three have.
//
// Several loops of features count as one, and so do several of channels and the
// two of blocked tokens: the operands are arranged so that each role has one
// dimension. What was packed into blocks for the contraction is read in front
// of the pack.
//
// So W·X with tokens in columns is a linear like X·W, whose operands have
// changed places.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_LINEAR_H
#define STAMP_TRANSFORMS_LINEAR_H

#include "stamp/Transforms/Arrangement.h"
#include "stamp/Transforms/Weight.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>
#include <string>

namespace stamp {

/// A contraction Y = X·W over float tensors, its operands by their roles.
///
/// Its loops and dimensions are those of the arranged operands.
struct Linear {
  mlir::linalg::LinalgOp op;
  mlir::Value x;
  Weight weight;
  mlir::Value init;
  bool weightIsFirst = false; ///< Whether the weight is the left operand.

  Arrangement xArrangement, weightArrangement, resultArrangement;

  mlir::AffineMap xMap;      ///< From the loops to X.
  mlir::AffineMap weightMap; ///< From the loops to W.
  mlir::AffineMap resultMap; ///< From the loops to Y.

  int64_t sequence;       ///< S among the dimensions of X.
  int64_t features;       ///< K among the dimensions of X.
  int64_t weightReduced;  ///< K among the dimensions of W.
  int64_t resultSequence; ///< S among the dimensions of Y.
  int64_t channels;       ///< N among the dimensions of Y.

  /// What a convolution steps along the dimensions of X; empty if it leaves
  /// nothing out. It is Y that says how many pixels are left.
  mlir::SmallVector<int64_t> strides;

  /// The first of two dimensions of Y as it is, a grid of H×W pixels, that are
  /// the sequence.
  std::optional<int64_t> grid;

  /// Whether X or W is read in front of its pack. Then Y is computed without
  /// blocks, too, and may be smaller than they are.
  bool isUnpacked = false;

  /// The number of tokens; ShapedType::kDynamic if run time decides.
  int64_t getSequenceLength() const;
  /// The length of the sums; ShapedType::kDynamic if run time decides.
  int64_t getReductionLength() const;
  /// The number of output channels, and of multiply-adds; kDynamic likewise.
  int64_t getChannelCount() const;
  int64_t getMultiplyAdds() const;

  /// Whether `unpack`, a user of Y, makes from it what it is as arranged.
  bool isUnpackedBy(mlir::linalg::UnPackOp unpack) const;

  /// `op` as a linear; nullopt, and `why` as a phrase, if it is none.
  static std::optional<Linear> match(mlir::linalg::LinalgOp op,
                                     std::string &why);
};

/// Whether an op multiplies and adds up what may be a weight: what ought to be
/// a linear, or to have a reason why it is none.
bool isLinearCandidate(mlir::linalg::LinalgOp op);

/// Whether all elements are surely zero: a contraction's neutral init.
bool isZeroTensor(mlir::Value tensor);

} // namespace stamp

#endif // STAMP_TRANSFORMS_LINEAR_H
