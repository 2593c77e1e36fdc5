//===- PackWeight.cpp - A weight as threads read it --------------*- C++
//-*-===//
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
// are ordered by 32 inputs, then by eight columns; so 32 inputs of 32 channels
// are one run of memory too, which the product of few tokens goes by.
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

Value stamp::createPackedWeight(ImplicitLocOpBuilder &b,
                                const ProductTile &tile,
                                const WeightCodes &weight, int64_t bits) {
  int64_t tiles = llvm::divideCeil(weight.channels, tile.columns);
  int64_t steps = llvm::divideCeil(weight.features, tile.depth);
  int64_t bytesOfTile = tile.columns * tile.depth * bits / 8;
  int64_t eights = tile.warpColumns / 8, runs = tile.depth / 32;

  auto code = [&](int64_t feature, int64_t channel) -> uint8_t {
    if (feature >= weight.features || channel >= weight.channels)
      return 0;
    return static_cast<uint8_t>(weight.at(feature, channel));
  };
  int64_t bytes = tiles * steps * bytesOfTile;
  AsmResourceBlob blob =
      HeapAsmResourceBlob::allocate(static_cast<size_t>(bytes), /*align=*/64,
                                    /*dataIsMutable=*/true);
  char *next = blob.getMutableData().data();
  // The words of a lane, four at a time.
  int64_t wordsOfFragment = bits / 4, words = runs * eights * wordsOfFragment;
  for (int64_t t = 0; t < tiles; ++t)
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t warp = 0; warp < tile.columns / tile.warpColumns; ++warp)
        for (int64_t word = 0; word < words; word += 4)
          for (int64_t lane = 0; lane < 32; ++lane)
            for (int64_t w = word; w < word + 4; ++w) {
              int64_t fragment = w / wordsOfFragment;
              int64_t run = fragment / eights, eight = fragment % eights;
              int64_t column = lane / 4;
              int64_t channel = t * tile.columns + warp * tile.warpColumns +
                                eight / 2 * 16 + column / 2 * 4 +
                                eight % 2 * 2 + column % 2;
              int64_t feature = step * tile.depth + run * 32 + lane % 4 * 4;
              for (int64_t i = 0; i < 4; ++i) {
                uint8_t byte;
                if (bits == 4)
                  byte = (code(feature + i, channel) & 15) |
                         (code(feature + 16 + i, channel) & 15) << 4;
                else
                  byte = code(feature + 16 * (w % 2) + i, channel);
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
