//===- PackWeight.cpp - A weight as threads read it -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// `mma.sync` m16n8k32 takes 32 × 8 of a weight: lane l has the inputs
// k = 4·(l mod 4) + 0…3, and the same + 16, of column l div 4. What a thread
// needs is laid out so that it loads 16 bytes at a time, its neighbour the next
// 16, and a tile of the weight is one run of memory:
//
//     [tile of columns][step][warp's columns][16 bytes' turn][lane][16 bytes]
//
// A word of 4-bit codes is one fragment, the first four codes in its low halves
// and the other four in the high ones. In 8 bits a fragment is two words. Words
// are ordered by 32 inputs, then by eight columns.
//
// Which channel is which column is free. A thread holds columns 2·(l mod 4) and
// the next one of each eight; in two such eights it shall find four
// neighbouring channels, to store them at once:
//
//     columns of eight 2p      0 1 · 2 3 · 4 5 · 6 7
//     are channels             0 1 · 4 5 · 8 9 · 12 13      + 16·p
//     columns of eight 2p+1    0 1 · 2 3 · 4 5 · 6 7
//     are channels             2 3 · 6 7 · 10 11 · 14 15    + 16·p
//
// `wgmma` takes 64 channels × 32 inputs as A, and lane l has, of rows l div 4
// and l div 4 + 8 of its warp's 16, the same inputs. Two such matrices make
// four rows of a thread: they are four neighbouring channels.
//
// Inputs and channels beyond the weight's are 0.
//
//===----------------------------------------------------------------------===//

#include "CodedRows.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

namespace {
/// Where a word's codes come from: four neighbouring inputs of a channel. Of 4
/// bits it has eight codes, the second four of 16 inputs further on.
struct Word {
  int64_t channel, feature;
};
} // namespace

/// Word w of a lane's in one step of one tile, for `mma.sync`.
static Word locateWord(const ProductTile &tile, int64_t bits, int64_t warp,
                       int64_t lane, int64_t w) {
  int64_t wordsOfFragment = bits / 4, eights = tile.warpColumns / 8;
  int64_t fragment = w / wordsOfFragment, half = w % wordsOfFragment;
  int64_t run = fragment / eights, eight = fragment % eights;
  int64_t column = lane / 4;
  return {warp * tile.warpColumns + eight / 2 * 16 + column / 2 * 4 +
              eight % 2 * 2 + column % 2,
          run * 32 + half * 16 + lane % 4 * 4};
}

/// The same for `wgmma`.
static Word locateWarpgroupWord(const ProductTile &tile, int64_t bits,
                                int64_t warp, int64_t lane, int64_t w) {
  int64_t run = w / bits, matrix, row, half = 0;
  if (bits == 4) {
    matrix = w % 4 / 2, row = w % 2;
  } else {
    matrix = w % 8 / 4, row = w % 2, half = w % 4 / 2;
  }
  return {warp * tile.warpColumns + lane / 4 * 4 + matrix * 2 + row,
          run * 32 + half * 16 + lane % 4 * 4};
}

Value stamp::createPackedWeight(ImplicitLocOpBuilder &b,
                                const GPUTarget &target,
                                const WeightCodes &weight, int64_t bits) {
  const ProductTile &tile = target.productTile;
  auto locate = target.hasWgmma ? locateWarpgroupWord : locateWord;
  int64_t tiles = llvm::divideCeil(weight.channels, tile.columns);
  int64_t steps = llvm::divideCeil(weight.features, tile.depth);
  int64_t words =
      tile.warpColumns * tile.depth * bits / 8 / 32 / 4; // of a lane

  auto code = [&](int64_t feature, int64_t channel) -> uint8_t {
    if (feature >= weight.features || channel >= weight.channels)
      return 0;
    return static_cast<uint8_t>(weight.at(feature, channel));
  };
  int64_t bytes = tiles * steps * tile.columns * tile.depth * bits / 8;
  AsmResourceBlob blob =
      HeapAsmResourceBlob::allocate(static_cast<size_t>(bytes), /*align=*/64,
                                    /*dataIsMutable=*/true);
  char *next = blob.getMutableData().data();
  for (int64_t t = 0; t < tiles; ++t)
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t warp = 0; warp < tile.columns / tile.warpColumns; ++warp)
        for (int64_t turn = 0; turn < words; turn += 4)
          for (int64_t lane = 0; lane < 32; ++lane)
            for (int64_t w = turn; w < turn + 4; ++w) {
              Word word = locate(tile, bits, warp, lane, w);
              int64_t channel = t * tile.columns + word.channel;
              int64_t feature = step * tile.depth + word.feature;
              for (int64_t i = 0; i < 4; ++i) {
                uint8_t byte = code(feature + i, channel);
                if (bits == 4)
                  byte = (byte & 15) | (code(feature + 16 + i, channel) & 15)
                                           << 4;
                *next++ = static_cast<char>(byte);
              }
            }

  auto &resources =
      DenseResourceElementsHandle::getManagerInterface(b.getContext());
  return arith::ConstantOp::create(
      b, DenseResourceElementsAttr::get(
             RankedTensorType::get(bytes, b.getI8Type()),
             resources.insert("stamp_weight", std::move(blob))));
}
