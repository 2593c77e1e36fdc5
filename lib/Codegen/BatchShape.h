//===- BatchShape.h - Tensors as batch × tokens × columns -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A transform mixes the tokens of one dimension. To its kernels all dimensions
// in front of that are one, the sequences of a batch, and so are all behind it,
// the columns.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_BATCHSHAPE_H
#define STAMP_CODEGEN_BATCHSHAPE_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace stamp {

/// How the dimensions of a tensor become batch × tokens × columns.
struct BatchShape {
  int64_t dimension; ///< of the tokens
  int64_t rank;

  bool hasBatch() const { return dimension > 0; }

  /// From the tensor to batch × tokens × columns, or without the batch if there
  /// is none.
  llvm::SmallVector<mlir::ReassociationIndices> groups() const;
  /// From one sequence to a batch of it.
  static llvm::ArrayRef<mlir::ReassociationIndices> ofOneSequence();

  bool isCollapsed() const { return rank == (hasBatch() ? 3 : 2); }

  /// Why there is no way to those three dimensions and back, or nothing.
  llvm::StringRef check(mlir::RankedTensorType type) const;

  mlir::Value collapse(mlir::ImplicitLocOpBuilder &b, mlir::Value x) const;
  /// The reverse, to the sizes of `like`.
  mlir::Value expand(mlir::ImplicitLocOpBuilder &b, mlir::Value y,
                     mlir::Value like) const;
};

} // namespace stamp

#endif // STAMP_CODEGEN_BATCHSHAPE_H
