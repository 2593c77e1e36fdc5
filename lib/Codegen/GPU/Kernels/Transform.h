//===- Transform.h - Transforms as kernels of their own ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What the kernels of linears leave of transforms: y = L·x or L⁻¹·x, of
//
//     x[sequence][token][column], y likewise
//
// One sequence's tokens are mixed, every column by itself, so neighbouring
// threads have neighbouring columns.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_GPU_KERNELS_TRANSFORM_H
#define STAMP_CODEGEN_GPU_KERNELS_TRANSFORM_H

#include "GPUKernelBuilder.h"

#include "stamp/IR/Stamp.h"

namespace stamp {

/// Makes a kernel and launches it at the builder's place, as `grid` CTAs if
/// that is not 0. It takes the addresses of `buffers`, then `sizes`.
using LaunchKernel = llvm::function_ref<void(
    GPUKernelBuilder &, llvm::StringRef name, mlir::ValueRange buffers,
    mlir::ValueRange sizes, mlir::Value grid, int64_t threads,
    int64_t sharedBytes,
    llvm::function_ref<void(GPUKernelBuilder &, mlir::ValueRange arguments,
                            mlir::Value shared)>)>;

/// y = L·x or L⁻¹·x.
struct GPUTransform {
  BasisAttrInterface basis;
  int64_t minTokens; ///< shorter sequences are left as they are
  Direction direction;
  RowOrder order;
  mlir::Value x, y; ///< memrefs: batch × tokens × columns

  bool isForward() const { return direction == Direction::Forward; }
  mlir::MemRefType type() const {
    return mlir::cast<mlir::MemRefType>(x.getType());
  }
  mlir::Type input() const { return type().getElementType(); }
  mlir::Type result() const {
    return mlir::cast<mlir::MemRefType>(y.getType()).getElementType();
  }
  /// Whether there may be tokens that are not mixed.
  bool leavesTokens() const { return basis.getSkip() > 0 || minTokens > 1; }
  /// The tokens that are mixed, if their number is known.
  std::optional<int64_t> staticLength() const;
  /// The sizes of x that are not static.
  Values dynamicSizes(GPUKernelBuilder &b) const;
};

/// The sizes of a transform: constants where they are known, on the host as in
/// kernels.
struct TransformSizes {
  /// On the host.
  TransformSizes(GPUKernelBuilder &b, const GPUTransform &transform);
  /// In a kernel that got `seqLen` and `columns`.
  TransformSizes(GPUKernelBuilder &b, const GPUTransform &transform,
                 mlir::ValueRange arguments);
  mlir::Value seqLen, columns;
  mlir::Value left;   ///< tokens in front that are not mixed
  mlir::Value length; ///< the others

private:
  void findLength(GPUKernelBuilder &b, const GPUTransform &transform);
};

/// The CTAs that have some columns of one sequence.
using CountTiles =
    llvm::function_ref<mlir::Value(GPUKernelBuilder &, const TransformSizes &)>;

/// What a thread of every transform's kernel knows. CTAs that have the same
/// tile of neighbouring columns are neighbours.
class TransformThread {
protected:
  /// Arguments: the addresses of x and y, others, the sizes.
  TransformThread(GPUKernelBuilder &b, const GPUTransform &transform,
                  mlir::ValueRange arguments, int64_t columns,
                  CountTiles tiles);

  int64_t vectors() const { return columns / width; }
  bool forward() const { return transform.isForward(); }
  /// The sequence's part of what is at `address`.
  mlir::Value sequenceAt(mlir::Value address, mlir::Type type);
  /// As f32.
  mlir::Value load(mlir::Value memory, mlir::Type type, mlir::Value row,
                   mlir::Value column);
  void store(mlir::Value value, mlir::Value memory, mlir::Type type,
             mlir::Value row, mlir::Value column);
  /// The first tile's CTA copies rows of x to y.
  void copyRows(mlir::Value count, int64_t threads);

  GPUKernelBuilder &b;
  const GPUTransform &transform;
  const TransformSizes sizes;
  const int64_t columns; ///< of the CTA
  const int64_t width;   ///< of a thread's vectors of columns
  mlir::Value thread, firstColumn, tile, x, y;

private:
  mlir::Value elements; ///< in front of the sequence
};

/// Launches a kernel on all sequences and columns, if `isNeeded`. `others` are
/// memrefs.
void launchTransform(
    GPUKernelBuilder &b, llvm::StringRef name, const GPUTransform &transform,
    mlir::ValueRange others, mlir::Value isNeeded, int64_t columns,
    CountTiles tiles, int64_t threads, int64_t sharedBytes, LaunchKernel launch,
    llvm::function_ref<void(GPUKernelBuilder &, mlir::ValueRange, mlir::Value)>
        body);

/// Haar and WHT: butterflies in shared memory.
void launchLevels(GPUKernelBuilder &b, llvm::StringRef name,
                  const GPUTransform &transform, LaunchKernel launch);

/// DCT and explicit matrices: a product.
void launchDense(GPUKernelBuilder &b, llvm::StringRef name,
                 const GPUTransform &transform, LaunchKernel launch);

/// Every transform op of the module that has a kernel.
void formTransforms(mlir::RewriterBase &rewriter, mlir::ModuleOp module,
                    LaunchKernel launch);

} // namespace stamp

#endif // STAMP_CODEGEN_GPU_KERNELS_TRANSFORM_H
