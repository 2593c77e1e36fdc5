//===- Arrangement.h - Dimensions that a linear joins ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A linear has one sequence, one dimension of features and one of channels. An
// operand may spread them over several of its dimensions: heads, the pixels of
// a grid, the blocks of a packed matrix.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_ARRANGEMENT_H
#define STAMP_TRANSFORMS_ARRANGEMENT_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace stamp {

/// How the dimensions of a tensor become those that a linear knows: each is
/// a group of the tensor's, outer ones first.
struct Arrangement {
  mlir::SmallVector<mlir::ReassociationIndices> groups;

  /// Each dimension by itself, where it is.
  static Arrangement identity(int64_t rank);

  bool isIdentity() const;

  /// What the tensor's sizes become.
  mlir::SmallVector<int64_t> apply(mlir::ArrayRef<int64_t> sizes) const;

  /// The tensor in this arrangement: transposed, if the groups need it, and
  /// collapsed.
  mlir::Value apply(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value tensor) const;

  /// The reverse, in the shape of `like`. If that holds whole blocks of what
  /// may have a ragged end, zeros fill them up.
  mlir::Value undo(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value arranged, mlir::Value like,
                   bool wholeBlocks = false) const;

private:
  mlir::SmallVector<int64_t> getPermutation() const;
};

} // namespace stamp

#endif // STAMP_TRANSFORMS_ARRANGEMENT_H
