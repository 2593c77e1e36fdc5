//===- Transform.h - Transforms along the sequence --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A transform mixes tokens and treats every column by itself, so a vector holds
// neighbouring columns of one token and all of the arithmetic is between whole
// rows. As many rows as the registers hold are loaded, taken through several
// levels of the algorithm at once, and stored.
//
// All algorithms work in place and leave a coefficient in some row. The first
// ones to read rows take them from where they came, the last ones put them
// where they belong, so that no permutation is a pass of its own.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_KERNELS_TRANSFORM_H
#define STAMP_CODEGEN_CPU_KERNELS_TRANSFORM_H

#include "KernelBuilder.h"

#include "stamp/IR/Stamp.h"

namespace stamp {

/// y = L·x or L⁻¹·x.
struct SequenceTransform {
  BasisAttrInterface basis;
  int64_t minTokens; ///< shorter sequences are left as they are
  Direction direction;
  RowOrder order;
  mlir::Value x, y; ///< in memory: batch × tokens × columns

  bool isForward() const { return direction == Direction::Forward; }
  /// Where tokens and coefficients are.
  mlir::Value tokens() const { return isForward() ? x : y; }
  mlir::Value coefficients() const { return isForward() ? y : x; }

  /// How many tokens are transformed, if it is known.
  std::optional<int64_t> staticLength() const;
};

/// Longer tables of places are no constants.
constexpr int64_t kLargestTable = int64_t{1} << 22;

/// A kernel for a kind of basis.
struct TransformKernel {
  void (*emit)(KernelBuilder &, const SequenceTransform &);
  /// Whether y may be x: all of a column is read before any of it is written.
  bool worksInPlace;
};

/// The kernel for that basis and number of tokens (which may be dynamic), or
/// why there is none.
std::optional<TransformKernel> getTransformKernel(BasisAttrInterface basis,
                                                  RowOrder order,
                                                  int64_t seqLen,
                                                  llvm::StringRef &why);

void emitWHT(KernelBuilder &b, const SequenceTransform &transform);
void emitHaar(KernelBuilder &b, const SequenceTransform &transform);
void emitHaar2D(KernelBuilder &b, const SequenceTransform &transform);
void emitDCT(KernelBuilder &b, const SequenceTransform &transform);

/// Some levels of Haar 2-D on a patch of height × width rows, of at most
/// 2^levels × 2^levels. Each row is loaded once, when it is needed, and stored
/// when it is complete.
void mixPatch(KernelBuilder &b, int64_t height, int64_t width, int64_t levels,
              Direction direction,
              llvm::function_ref<mlir::Value(int64_t)> load,
              llvm::function_ref<void(int64_t, mlir::Value)> store);

/// Where the coefficients are, coarse first, that Haar 2-D leaves in the places
/// of the tokens of its grid: an i32 for each.
mlir::Value createGridPlaces(KernelBuilder &b, Haar2DAttr basis);

/// A product with the matrix of an explicit basis.
void emitDense(KernelBuilder &b, const SequenceTransform &transform);

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_KERNELS_TRANSFORM_H
