//===- PackOnDevice.cpp - A weight that is no constant ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A thread makes one word of the layout that PackWeight.cpp describes.
//
//===----------------------------------------------------------------------===//

#include "CodedRows.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

int64_t stamp::getPackedWords(const ProductTile &tile,
                              const WeightCodes &weight, int64_t bits) {
  return llvm::divideCeil(weight.channels, tile.columns) *
         llvm::divideCeil(weight.features, tile.depth) * tile.columns *
         tile.depth * bits / 32;
}

void stamp::emitPackKernel(GPUKernelBuilder &b, const ProductTile &tile,
                           const WeightCodes &weight, int64_t bits,
                           int64_t threads, ValueRange arguments) {
  int64_t steps = llvm::divideCeil(weight.features, tile.depth);
  int64_t eights = tile.warpColumns / 8, runs = tile.depth / 32;
  int64_t wordsOfFragment = bits / 4, words = runs * eights * wordsOfFragment;
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
  Value left = item;
  auto next = [&](int64_t size) {
    Value digit = b.rem(left, size);
    left = b.div(left, size);
    return digit;
  };
  b.branch(b.less(item, b.index(getPackedWords(tile, weight, bits))), [&] {
    Value inTurn = next(4), lane = next(32), turn = next(words / 4);
    Value warp = next(tile.columns / tile.warpColumns), step = next(steps);
    Value word = b.add(b.mul(turn, 4), inTurn);
    Value fragment = b.div(word, wordsOfFragment);
    Value run = b.div(fragment, eights), eight = b.rem(fragment, eights);
    Value column = b.div(lane, 4);
    Value channel =
        b.add(b.mul(left, tile.columns), b.mul(warp, tile.warpColumns));
    channel = b.add(
        channel, b.add(b.mul(b.div(eight, 2), 16), b.mul(b.div(column, 2), 4)));
    channel =
        b.add(channel, b.add(b.mul(b.rem(eight, 2), 2), b.rem(column, 2)));
    Value feature = b.add(b.add(b.mul(step, tile.depth), b.mul(run, 32)),
                          b.mul(b.rem(lane, 4), 4));
    Value packed = b.constantI32(0);
    auto insert = [&](Value byte, int64_t at) {
      packed = arith::OrIOp::create(
          b, packed, arith::ShLIOp::create(b, byte, b.constantI32(at)));
    };
    for (int64_t i = 0; i < 4; ++i) {
      if (bits == 8) {
        Value half = b.mul(b.rem(word, 2), 16);
        insert(code(b.add(b.add(feature, half), i), channel), 8 * i);
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
