//===- CodedRows.h - Activations as kernels read them -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Codes of a batch of sequences, row after row, in block order, filled up to
// whole tiles of the product, or of the quantizer if the tokens are few: row i
// of a sequence is token i − shift, and the shift puts the first token after
// the skipped ones at the start of a block. Rows and features that are none
// have codes too, which nobody's result depends on.
//
//     codes[sequence][row][feature]   i8    features: whole steps of a product
//     scales[sequence][row]           f32
//     zeroPoints[sequence][row]       i32
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_GPU_KERNELS_CODEDROWS_H
#define STAMP_CODEGEN_GPU_KERNELS_CODEDROWS_H

#include "../../QuantizedLinear.h"
#include "GPUKernelBuilder.h"

namespace stamp {

/// Blocks of more tokens than a warp's rows have would need other warps.
constexpr int64_t kLargestBlock = 64;

/// Which rows a basis mixes.
struct TokenBlocks {
  int64_t size = 1; ///< tokens that the basis mixes
  int64_t skip = 0;
  int64_t shift = 0;
  int64_t minTokens = 0; ///< shorter sequences are left as they are

  explicit TokenBlocks(BasisAttrInterface basis);

  /// How many rows are mixed of the `most` that start with token `first`, at
  /// the start of a block or inside of it: none if they are skipped.
  mlir::Value mixed(GPUKernelBuilder &b, mlir::Value first, mlir::Value seqLen,
                    int64_t most) const {
    mlir::Value here = b.clamp(b.sub(seqLen, first), b.index(0), b.index(most));
    mlir::Value none = b.index(0);
    if (skip > 0)
      here = b.select(b.less(first, b.index(skip)), none, here);
    return minTokens > 1 ? b.select(isLong(b, seqLen), here, none) : here;
  }
  mlir::Value isLong(GPUKernelBuilder &b, mlir::Value seqLen) const {
    return b.atMost(b.index(minTokens), seqLen);
  }
  /// Whether `count` rows from token `first` on are tokens that are mixed.
  mlir::Value isWhole(GPUKernelBuilder &b, mlir::Value first,
                      mlir::Value seqLen, int64_t count) const {
    mlir::Value areThere = b.both(b.atMost(b.index(skip), first),
                                  b.atMost(b.add(first, count), seqLen));
    return minTokens > 1 ? b.both(areThere, isLong(b, seqLen)) : areThere;
  }
};

/// What the product of few tokens must know of its rows and counters.
struct FewTokensRows {
  bool isBatch = false;     ///< there may be several sequences
  int64_t firstTile = 0;    ///< of a sequence that has tokens
  int64_t counters = 0;     ///< of a tile, for all linears
  int64_t firstCounter = 0; ///< of this linear
};

/// On the host: where a launch finds what.
struct CodedRows {
  TokenBlocks blocks;
  int64_t features, paddedFeatures;
  mlir::Value codes, scales, zeroPoints; ///< memrefs
  mlir::Value batch, seqLen;             ///< indices
  mlir::Value areFew;                    ///< i1: which product multiplies them
  mlir::Value tiles;                     ///< of a sequence, if they are many
  mlir::Value rowsOfSequence;
  // If they are few:
  mlir::Value fewTiles;        ///< of all sequences
  mlir::Value tilesOfSequence; ///< among those
  FewTokensRows layout;
  mlir::Value counters; ///< a memref; null if no CTAs share sums
};

/// What becomes codes.
struct QuantizeKernel {
  ScheduleAttr schedule;
  BasisAttrInterface order;     ///< of the rows, for their widths; or null
  BasisAttrInterface transform; ///< that is to be applied; or null
  TokenBlocks blocks;
  int64_t features, paddedFeatures;
  mlir::Type input;       ///< of X's elements
  mlir::Type transformed; ///< of those of L·X
};

/// What multiplies them.
struct ProductKernel {
  TokenBlocks blocks;
  int64_t paddedFeatures;
  int64_t channels;
  int64_t weightBits;
  bool hasBias, hasSpread;
  BasisAttrInterface inverse; ///< or null
  mlir::Type bias;            ///< of its elements, if there is one
  mlir::Type rescaled;        ///< of those that the inverse starts with
  mlir::Type result;
};

/// The rows that a CTA quantizes: whole blocks, which divide a product's tile.
int64_t getRowsOfCTA(const TokenBlocks &blocks);

/// Emits a thread's work. Arguments: x, codes, scales, zero points (addresses),
/// tokens of a sequence, CTAs of a sequence; then, if the tokens may be few and
/// CTAs share sums, how many counters are to be cleared, and where these are.
void emitQuantizeKernel(GPUKernelBuilder &b, const GPUTarget &target,
                        const QuantizeKernel &kernel,
                        mlir::ValueRange arguments, mlir::Value shared);
int64_t getQuantizeSharedBytes(const GPUTarget &target,
                               const TokenBlocks &blocks);

/// Arguments: codes, scales, zero points, weight, column scales, column sums,
/// y, tokens of a sequence, tiles of a sequence; then the bias and the spread,
/// if there are any.
void emitProductKernel(GPUKernelBuilder &b, const GPUTarget &target,
                       const ProductKernel &kernel, mlir::ValueRange arguments,
                       mlir::Value shared);
int64_t getProductSharedBytes(const GPUTarget &target, int64_t weightBits);

/// How many CTAs multiply few tokens.
struct FewTokensSplit {
  int64_t groups; ///< of channels
  int64_t splits; ///< of the features

  /// i32 that the CTAs of a tile of tokens write for each other.
  int64_t sumsOfTile(const GPUTarget &target) const;
};
FewTokensSplit splitFewTokens(const GPUTarget &target, int64_t paddedFeatures,
                              int64_t channels);

/// Arguments: codes, scales, zero points, weight, column scales, column sums,
/// y, tokens of a sequence, rows of a sequence, tiles of a sequence, sequences;
/// then the bias and the spread, if there are any; then sums and counters, if
/// CTAs share the features.
void emitFewTokensKernel(GPUKernelBuilder &b, const GPUTarget &target,
                         const ProductKernel &kernel,
                         const FewTokensRows &layout,
                         mlir::ValueRange arguments, mlir::Value shared);
int64_t getFewTokensSharedBytes(const GPUTarget &target, int64_t weightBits);

/// The weight in the order that threads read it, as a constant tensor of i8;
/// see PackWeight.cpp.
mlir::Value createPackedWeight(mlir::ImplicitLocOpBuilder &b,
                               const GPUTarget &target,
                               const WeightCodes &weight, int64_t bits);

/// The same on the device, of codes that are no constant; a thread has a word
/// of four bytes. Arguments: codes, packed weight (addresses).
void emitPackKernel(GPUKernelBuilder &b, const GPUTarget &target,
                    const WeightCodes &weight, int64_t bits, int64_t threads,
                    mlir::ValueRange arguments);
int64_t getPackedWords(const ProductTile &tile, const WeightCodes &weight,
                       int64_t bits);

} // namespace stamp

#endif // STAMP_CODEGEN_GPU_KERNELS_CODEDROWS_H
