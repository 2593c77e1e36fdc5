//===- Weight.h - What a weight is -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Frontends put ops between a weight and its contraction that only say how it
// lies in memory: transposes, broadcasts to the batch, reshapes, casts. A
// contraction reads the weight in front of them as well, by other maps.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_WEIGHT_H
#define STAMP_TRANSFORMS_WEIGHT_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>
#include <string>

namespace stamp {

/// A tensor as a contraction reads it.
struct Weight {
  mlir::Value tensor;
  /// The shape in which it is read: that of the tensor unless a reshape of a
  /// constant, or of what only has dimensions of size 1 more, has been skipped.
  mlir::RankedTensorType type;
  mlir::AffineMap map; ///< From the contraction's loops to its elements.

  /// What `operand`, read by `map`, is in front of everything that only copies,
  /// permutes, repeats or widens its elements.
  static Weight seeThrough(mlir::Value operand, mlir::AffineMap map);

  /// Why nothing knows its values before the program runs, as a clause; nullopt
  /// for constants, codes with their scales, and arguments that are marked as
  /// weights.
  std::optional<std::string> whyUnknown() const;

  /// Whether it comes as codes, which are kept (WeightCodes.h).
  bool isCodes() const;

  /// The tensor in the shape in which it is read; a new constant shares the
  /// elements of the old one, and stands beside it.
  mlir::Value materialize(mlir::OpBuilder &builder, mlir::Location loc) const;
};

/// One weight of several, which run time picks: that of a layer or an expert.
/// What may be done to a weight before it is quantized has been done to it.
struct PickedWeight {
  /// Takes some dimensions of its source as a whole, and one index of the
  /// others.
  mlir::tensor::ExtractSliceOp slice;
  /// For each dimension of the picked weight, which one of the source it is.
  mlir::SmallVector<int64_t> dimensions;

  static std::optional<PickedWeight> match(mlir::Value tensor);
};

} // namespace stamp

#endif // STAMP_TRANSFORMS_WEIGHT_H
