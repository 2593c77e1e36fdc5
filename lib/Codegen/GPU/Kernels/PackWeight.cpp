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
// `wgmma` takes 64 channels × 32 inputs as A, and lane l has, of rows l div 4
// and l div 4 + 8 of its warp's 16, the same inputs. Two such matrices make
// four rows of a thread: they are four neighbouring channels.
//
// Inputs and channels beyond the weight's are 0. A weight that is no constant
// is packed by a kernel, of which a thread makes a word.
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
/// An index in a kernel. What computes with these and with numbers says for
/// both sides where a word's codes come from.
struct KernelIndex {
  GPUKernelBuilder *b;
  Value value;

  friend KernelIndex operator+(KernelIndex x, KernelIndex y) {
    return {x.b, x.b->add(x.value, y.value)};
  }
  friend KernelIndex operator*(KernelIndex x, int64_t y) {
    return {x.b, x.b->mul(x.value, y)};
  }
  friend KernelIndex operator/(KernelIndex x, int64_t y) {
    return {x.b, x.b->div(x.value, y)};
  }
  friend KernelIndex operator%(KernelIndex x, int64_t y) {
    return {x.b, x.b->rem(x.value, y)};
  }
};

/// Four neighbouring inputs of a channel of the tile. Of 4 bits a word has
/// eight codes, the other four of 16 inputs further on.
template <typename Index> struct Word {
  Index channel, feature;
};
} // namespace

/// Word w of a lane's in one step of one tile.
template <typename Index>
static Word<Index> locateWord(const GPUTarget &target, int64_t bits, Index warp,
                              Index lane, Index w) {
  const ProductTile &tile = target.productTile;
  int64_t wordsOfFragment = bits / 4, eights = tile.warpColumns / 8;
  Index fragment = w / wordsOfFragment, half = w % wordsOfFragment;
  Index run = fragment / eights, eight = fragment % eights;
  Index column = lane / 4;
  Index inWarp = target.hasWgmma ? column * 4 + eight
                                 : eight / 2 * 16 + column / 2 * 4 +
                                       eight % 2 * 2 + column % 2;
  return {warp * tile.warpColumns + inWarp,
          run * 32 + half * 16 + lane % 4 * 4};
}

/// Of a lane, in a step.
static int64_t getWordsOfLane(const ProductTile &tile, int64_t bits) {
  return tile.warpColumns * tile.depth * bits / 8 / 32 / 4;
}

int64_t stamp::getPackedWords(const ProductTile &tile,
                              const WeightCodes &weight, int64_t bits) {
  return llvm::divideCeil(weight.channels, tile.columns) *
         llvm::divideCeil(weight.features, tile.depth) * tile.columns *
         tile.depth * bits / 32;
}

Value stamp::createPackedWeight(ImplicitLocOpBuilder &b,
                                const GPUTarget &target,
                                const WeightCodes &weight, int64_t bits) {
  const ProductTile &tile = target.productTile;
  int64_t tiles = llvm::divideCeil(weight.channels, tile.columns);
  int64_t steps = llvm::divideCeil(weight.features, tile.depth);
  int64_t words = getWordsOfLane(tile, bits);

  auto code = [&](int64_t feature, int64_t channel) -> uint8_t {
    if (feature >= weight.features || channel >= weight.channels)
      return 0;
    return static_cast<uint8_t>(weight.at(feature, channel));
  };
  int64_t bytes = 4 * getPackedWords(tile, weight, bits);
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
              Word<int64_t> word = locateWord(target, bits, warp, lane, w);
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

void stamp::emitPackKernel(GPUKernelBuilder &b, const GPUTarget &target,
                           const WeightCodes &weight, int64_t bits,
                           int64_t threads, ValueRange arguments) {
  const ProductTile &tile = target.productTile;
  int64_t steps = llvm::divideCeil(weight.features, tile.depth);
  Type i32 = b.getI32Type();
  Value codes = b.global(arguments[0]);

  /// 0 … 255, at a place that may be beyond the weight.
  auto code = [&](Value feature, Value channel) -> Value {
    Value isCode = b.both(b.less(feature, b.index(weight.features)),
                          b.less(channel, b.index(weight.channels)));
    Value place = weight.isTransposed
                      ? b.add(b.mul(channel, weight.features), feature)
                      : b.add(b.mul(feature, weight.channels), channel);
    return b
        .choose(
            isCode, i32,
            [&]() -> Values {
              return {arith::ExtUIOp::create(
                  b, i32, b.load(b.getI8Type(), b.at(codes, place)))};
            },
            [&]() -> Values { return {b.constantI32(0)}; })
        .front();
  };

  Value item = b.add(b.mul(b.block(gpu::Dimension::x), threads), b.thread());
  b.branch(b.less(item, b.index(getPackedWords(tile, weight, bits))), [&] {
    KernelIndex left = {&b, item};
    auto next = [&](int64_t size) {
      KernelIndex digit = left % size;
      left = left / size;
      return digit;
    };
    KernelIndex inTurn = next(4), lane = next(32);
    KernelIndex w = next(getWordsOfLane(tile, bits) / 4) * 4 + inTurn;
    KernelIndex warp = next(tile.columns / tile.warpColumns);
    KernelIndex step = next(steps);
    Word<KernelIndex> word = locateWord(target, bits, warp, lane, w);
    Value channel = (left * tile.columns + word.channel).value;
    Value feature = (step * tile.depth + word.feature).value;

    Value packed = b.constantI32(0);
    auto insert = [&](Value bits, int64_t at) {
      packed = arith::OrIOp::create(
          b, packed, arith::ShLIOp::create(b, bits, b.constantI32(at)));
    };
    for (int64_t i = 0; i < 4; ++i) {
      if (bits == 8) {
        insert(code(b.add(feature, i), channel), 8 * i);
        continue;
      }
      for (int64_t half = 0; half < 2; ++half)
        insert(b.both(code(b.add(feature, i + 16 * half), channel),
                      b.constantI32(15)),
               8 * i + 4 * half);
    }
    b.store(packed, b.at(b.global(arguments[1]), b.mul(item, 4)));
  });
}
