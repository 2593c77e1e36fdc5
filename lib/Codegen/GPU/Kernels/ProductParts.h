//===- ProductParts.h - What all products share -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Where a CTA's tile is, what codes of 4 bits become, and how sums become
// results. Arguments are those of emitProductKernel.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_GPU_KERNELS_PRODUCTPARTS_H
#define STAMP_CODEGEN_GPU_KERNELS_PRODUCTPARTS_H

#include "CodedRows.h"

namespace stamp {

/// A CTA's tile of the result.
struct TilePlace {
  mlir::Value seqLen;       ///< tokens of a sequence
  mlir::Value firstRow;     ///< of the sequence
  mlir::Value firstOfAll;   ///< the same row, of all sequences
  mlir::Value rowOfResult;  ///< where token 0 of the sequence is in y
  mlir::Value firstChannel; ///< of all

  TilePlace(GPUKernelBuilder &b, const ProductTile &tile,
            mlir::ValueRange arguments);
};

/// What one cp.async copies, and what one thread loads at once.
constexpr int64_t kChunk = 16;

/// 16 bytes from global to shared memory; or only as many as `bytes`, and
/// zeros.
void copyChunk(GPUKernelBuilder &b, mlir::Value to, mlir::Value from,
               mlir::Value bytes = {});

/// Stages of shared memory that the steps of a product go through: while one is
/// multiplied, the copies of the `stages` − 1 behind it are on their way.
struct Ring {
  int64_t stages, stageBytes;

  /// Sums over every `stride`-th step from `first` to `end`. `startCopies` is
  /// also called for steps behind the last, and must commit a group each time;
  /// `sync` waits for all who share the ring.
  Values sumUp(
      GPUKernelBuilder &b, mlir::Value first, mlir::Value end, int64_t stride,
      Values sums,
      llvm::function_ref<void(mlir::Value step, mlir::Value stage)> startCopies,
      llvm::function_ref<void()> sync,
      llvm::function_ref<void(Values &sums, mlir::Value stage)> multiply) const;
};

/// Eight codes of 4 bits as bytes, 16 times too large: what were the low halves
/// of a word's bytes, and the high ones.
std::pair<mlir::Value, mlir::Value> unpackCodes(GPUKernelBuilder &b,
                                                mlir::Value word);

/// Four 8×8 matrices of 16 bits; a lane's address is that of a row.
Values loadMatrices(GPUKernelBuilder &b, mlir::Value row);

/// c + a·b by `mma.sync` m16n8k32 on i8; sums wrap.
Values multiplyAdd(GPUKernelBuilder &b, mlir::ValueRange a,
                   mlir::ValueRange fragment, mlir::ValueRange c);

/// Both words of fragment j of `mma.sync`.
Values unpackFragment(GPUKernelBuilder &b, llvm::ArrayRef<mlir::Value> words,
                      int64_t j, int64_t weightBits);

/// Takes that factor off sums of products with them.
void finishSums(GPUKernelBuilder &b, int64_t weightBits,
                llvm::MutableArrayRef<mlir::Value> sums);

struct RowQuantizer {
  mlir::Value scale, zeroPoint;
  mlir::Value spread; ///< of the bias; or null
};
struct ColumnQuantizer {
  mlir::Value scale, sum;
  mlir::Value bias; ///< or null
};

/// (s_x·s_w)·float(acc − z·c) [+ l·b]
mlir::Value rescaleSum(GPUKernelBuilder &b, mlir::Value sum,
                       const RowQuantizer &row, const ColumnQuantizer &column);

/// The rows that a thread has of its columns: neighbouring tokens, a multiple
/// of eight. Thread `group + 1`, the `lanes`-th next lane, has the next ones.
struct ThreadRows {
  int64_t count;
  mlir::Value first; ///< of the tile
  mlir::Value group;
  int64_t lanes;
  mlir::Value shared; ///< what shareRows was given; or null
};

/// Puts what is known of the tile's rows into shared memory, for threads that
/// have too many to keep it in registers. Only what follows a barrier sees it.
void shareRows(GPUKernelBuilder &b, const ProductTile &tile,
               const ProductKernel &kernel, mlir::ValueRange arguments,
               const TilePlace &place, mlir::Value shared);
int64_t getSharedRowsBytes(const ProductTile &tile);

/// Makes results of a thread's sums: scales, zero points, bias, the inverse
/// transform.
class ResultEmitter {
public:
  ResultEmitter(GPUKernelBuilder &b, const ProductTile &tile,
                const ProductKernel &kernel, mlir::ValueRange arguments,
                const TilePlace &place, const ThreadRows &rows);

  /// Calls `body` once for tiles of tokens alone that are all transformed, and
  /// once for the others.
  void forEachKind(llvm::function_ref<void(bool isWhole)> body);

  using Sum = llvm::function_ref<mlir::Value(int64_t channel, int64_t row)>;

  /// Stores the results of four neighbouring channels from `channel` on.
  void finish(mlir::Value channel, Sum sum, bool isWhole);

private:
  void loadRows(int64_t first);
  bool storesVectors() const { return kernel.channels % 4 == 0; }
  Values loadColumns(mlir::Value address, mlir::Type type, mlir::Value channel);
  llvm::SmallVector<Values> rescale(Sum sum, mlir::Value channel);
  void undo(Values &column, bool isWhole);
  void undoCoarse(mlir::Value &value, int64_t distance, bool isWhole);
  void storeRow(mlir::ValueRange values, mlir::Value to, mlir::Value token,
                mlir::Value channel, bool isWhole);

  GPUKernelBuilder &b;
  const ProductTile tile;
  const ProductKernel &kernel;
  mlir::ValueRange arguments;
  const TilePlace &place;
  ThreadRows rows;
  mlir::Value firstToken;
  llvm::SmallVector<RowQuantizer> eightRows;
};

/// emitProductKernel for chips with wgmma.
void emitWarpgroupProduct(GPUKernelBuilder &b, const GPUTarget &target,
                          const ProductKernel &kernel,
                          mlir::ValueRange arguments, mlir::Value shared);
int64_t getWarpgroupSharedBytes(const GPUTarget &target);

} // namespace stamp

#endif // STAMP_CODEGEN_GPU_KERNELS_PRODUCTPARTS_H
