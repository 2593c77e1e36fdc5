//===- ProductWarpgroup.cpp - A product by warpgroups -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// `wgmma` reads its operand B from shared memory, where 4-bit codes would have
// to be bytes already; A may come from registers. So what is multiplied is the
// transpose, Yᵀ = Wᵀ·Xᵀ: the weight is A, 64 channels at a time, unpacked in
// the registers that it was loaded into, and B is the codes, as the quantizer
// wrote them, one row of a token after the other.
//
// Two warpgroups share a CTA's tokens, and each has 128 of its channels: two
// matrices A, in which a thread has rows l div 4 and l div 4 + 8 each, four in
// all. They are four neighbouring channels (PackWeight.cpp). Of the tokens it
// has
//
//     columns 8·j + 2·t + e of B          j = 0…15, t = l mod 4, e = 0, 1
//
// which are tokens 32·t + 2·j + e: 32 neighbouring ones. So it undoes the
// transform of blocks of up to 32 tokens in its registers and stores 16 bytes
// of each token, and the eight lanes of one t store a whole line.
//
// A stage of the ring has the codes of 128 inputs, a row of 128 bytes for each
// token, whose chunk c is kept in place c ⊕ row mod 8: `wgmma`'s swizzle of 128
// bytes. The weight does not pass through shared memory: no two warps need the
// same words.
//
// What is on its way when a warp waits at the barrier of a step: the last
// product of the step before, the codes of the next steps and the words of this
// one. So the stage that is filled after the barrier is the one that was read
// two steps ago.
//
//===----------------------------------------------------------------------===//

#include "ProductParts.h"

#include "../RegisterWgmma.h"

using namespace mlir;
using namespace stamp;

/// Inputs of one wgmma.
static constexpr int64_t kRun = 32;
/// Matrices A of a warpgroup, rows of each.
static constexpr int64_t kMatrices = 2, kMatrixRows = 64;
/// Rows of B whose chunks are exchanged in the same way every time, together
/// 1 KiB, to which they are aligned.
static constexpr int64_t kSwizzledRows = 8;

static int64_t getStageBytes(const ProductTile &tile) {
  return tile.rows * tile.depth;
}

int64_t stamp::getWarpgroupSharedBytes(const GPUTarget &target) {
  const ProductTile &tile = target.productTile;
  return tile.stages * getStageBytes(tile) + getSharedRowsBytes(tile);
}

namespace {
class WarpgroupProductEmitter {
public:
  WarpgroupProductEmitter(GPUKernelBuilder &b, const GPUTarget &target,
                          const ProductKernel &kernel, ValueRange arguments,
                          Value shared)
      : b(b), kernel(kernel), tile(target.productTile),
        steps(kernel.paddedFeatures / tile.depth), arguments(arguments),
        shared(shared), place(b, tile, arguments) {
    assert(tile.depth == kSwizzledRows * kChunk && tile.warpRows == tile.rows &&
           tile.stages > 2 && 4 * tile.warpColumns == kMatrices * kMatrixRows);
    thread = b.thread();
    lane = b.rem(thread, 32);
  }

  void emit() {
    Value sharedRows = b.at(shared, tile.stages * getStageBytes(tile));
    shareRows(b, tile, kernel, arguments, place, sharedRows);
    SmallVector<Values> sums = accumulate();
    for (Values &matrix : sums)
      finishSums(b, kernel.weightBits, matrix);
    Value group = b.rem(lane, 4);
    Value row = b.mul(group, threadRows());
    ResultEmitter results(b, tile, kernel, arguments, place,
                          {threadRows(), row, group, /*lanes=*/1, sharedRows});
    // Four channels for each eighth of a warp.
    Value channel = b.add(place.firstChannel, b.mul(b.div(thread, 4), 4));
    auto sumOf = [&](int64_t u, int64_t i) {
      return sums[u / 2][i / 2 * 4 + u % 2 * 2 + i % 2];
    };
    results.forEachKind(
        [&](bool isWhole) { results.finish(channel, sumOf, isWhole); });
  }

private:
  int64_t threadRows() const { return tile.rows / 4; }
  int64_t runs() const { return tile.depth / kRun; }

  //===--- Codes --------------------------------------------------------===//

  int64_t copiesOfRow() const { return tile.depth / kChunk; }

  /// Prepares this thread's copies: 16 bytes each of a few rows.
  void prepareCopies() {
    Value row = b.div(thread, copiesOfRow());
    Value chunk = b.rem(thread, copiesOfRow());
    // Row 8·j + 2·t + e is token 32·t + 2·j + e.
    Value token = b.add(b.add(b.mul(b.rem(b.div(row, 2), 4), threadRows()),
                              b.mul(b.div(row, 8), 2)),
                        b.rem(row, 2));
    from =
        b.at(b.global(arguments[0]),
             b.add(b.mul(b.add(place.firstOfAll, token), kernel.paddedFeatures),
                   b.mul(chunk, kChunk)));
    Value slot = b.exclusiveOr(chunk, b.rem(row, kSwizzledRows));
    to = b.at(shared, b.add(b.mul(row, tile.depth), b.mul(slot, kChunk)));
  }

  /// Step `step` on its way into the stage at `stage` bytes.
  void startCopies(Value step, Value stage) {
    Value from = b.at(this->from, b.mul(step, tile.depth));
    Value to = b.at(this->to, stage);
    int64_t rowsAtOnce = tile.threads() / copiesOfRow();
    for (int64_t row = 0; row < tile.rows; row += rowsAtOnce)
      copyChunk(b, b.at(to, row * tile.depth),
                b.at(from, row / 8 * 2 * kernel.paddedFeatures));
    NVVM::CpAsyncCommitGroupOp::create(b);
  }

  /// What wgmma is told of a stage but for its place.
  Value describe() {
    constexpr int64_t swizzleOf128Bytes = int64_t{1} << 62;
    constexpr int64_t bytesOfEight = kSwizzledRows * kSwizzledRows * kChunk;
    Type i64 = b.getI64Type();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
    };
    Value address = LLVM::PtrToIntOp::create(b, i64, shared);
    // 18 bits of the address, all of which are 16 bytes apart.
    Value start = arith::ShRUIOp::create(b, b.both(address, constant(0x3ffff)),
                                         constant(4));
    return arith::OrIOp::create(
        b, start, constant(swizzleOf128Bytes | bytesOfEight / 16 << 32));
  }

  Value describeRun(Value descriptor, Value stage, int64_t run) {
    Value bytes =
        arith::IndexCastOp::create(b, b.getI64Type(), b.add(stage, run * kRun));
    Value four = arith::ConstantOp::create(b, b.getI64IntegerAttr(4));
    return b.add(descriptor, Value(arith::ShRUIOp::create(b, bytes, four)));
  }

  //===--- Weight -------------------------------------------------------===//

  /// A thread's words of one run, four of each 16 bytes.
  int64_t wordsOfRun() const { return kernel.weightBits; }

  Values loadWords(Value step, int64_t run) {
    int64_t bytesOfRun = 4 * wordsOfRun();
    Value from = b.at(words, b.mul(step, runs() * bytesOfRun * tile.threads()));
    Values loaded;
    for (int64_t byte = 0; byte < bytesOfRun; byte += kChunk)
      llvm::append_range(
          loaded,
          b.elementsOf(b.load(b.vectorOf(b.getI32Type(), 4),
                              b.at(from, (run * bytesOfRun + byte) * 32))));
    return loaded;
  }

  /// The four words of a matrix A: both rows at eight inputs, then further on.
  Values unpack(ArrayRef<Value> words, int64_t matrix) {
    if (kernel.weightBits == 8) {
      words = words.slice(4 * matrix, 4);
      return {words[0], words[2], words[1], words[3]};
    }
    auto [upper, upperNext] = unpackCodes(b, words[2 * matrix]);
    auto [lower, lowerNext] = unpackCodes(b, words[2 * matrix + 1]);
    return {upper, lower, upperNext, lowerNext};
  }

  //===--- Sums ---------------------------------------------------------===//

  int64_t sumsOfMatrix() const { return tile.rows / 2; }

  SmallVector<Values> accumulate() {
    prepareCopies();
    int64_t bytesOfWarp = runs() * 4 * wordsOfRun() * 32;
    words = b.at(b.global(arguments[3]),
                 b.add(b.mul(b.block(gpu::Dimension::y),
                             steps * bytesOfWarp * tile.warps()),
                       b.add(b.mul(b.div(thread, 32), bytesOfWarp),
                             b.mul(lane, kChunk))));
    Value descriptor = describe();
    for (int64_t stage = 0; stage < tile.stages - 2; ++stage)
      // A step that is not there is the last one again, for nobody.
      startCopies(b.index(std::min(stage, steps - 1)),
                  b.index(stage * getStageBytes(tile)));

    // Carried: sums, words of all runs but the last, the stages that are read
    // and filled next.
    Values carried(kMatrices * sumsOfMatrix(), b.constantI32(0));
    for (int64_t run = 0; run < runs() - 1; ++run)
      llvm::append_range(carried, loadWords(b.index(0), run));
    carried.push_back(b.index(0));
    carried.push_back(b.index((tile.stages - 2) * getStageBytes(tile)));
    Values results = b.loop(b.index(0), b.index(steps), b.index(1), carried,
                            [&](Value step, ValueRange carried) {
                              return emitStep(step, carried, descriptor);
                            });
    NVVM::WgmmaWaitGroupSyncOp::create(b, b.getI64IntegerAttr(0));
    NVVM::CpAsyncWaitGroupOp::create(b, 0);
    return takeSums(results);
  }

  SmallVector<Values> takeSums(ArrayRef<Value> &values) {
    SmallVector<Values> sums;
    for (int64_t m = 0; m < kMatrices; ++m) {
      sums.emplace_back(values.take_front(sumsOfMatrix()));
      values = values.drop_front(sumsOfMatrix());
    }
    return sums;
  }
  SmallVector<Values> takeSums(const Values &values) {
    ArrayRef<Value> rest(values);
    return takeSums(rest);
  }

  Values emitStep(Value step, ValueRange carried, Value descriptor) {
    Values values(carried);
    ArrayRef<Value> rest(values);
    SmallVector<Values> sums = takeSums(rest), words;
    for (int64_t run = 0; run < runs() - 1; ++run) {
      words.emplace_back(rest.take_front(wordsOfRun()));
      rest = rest.drop_front(wordsOfRun());
    }
    words.emplace_back();
    Value read = rest[0], filled = rest[1];

    // This thread's copies for this step have landed, and wgmma, too, sees
    // them; then everybody's, and everybody has left the stage that is filled
    // next.
    NVVM::CpAsyncWaitGroupOp::create(b, static_cast<uint32_t>(tile.stages - 3));
    NVVM::FenceProxyOp::create(
        b,
        NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
        NVVM::SharedSpaceAttr::get(b.getContext(),
                                   NVVM::SharedSpace::shared_cta));
    b.barrier();
    Value last = b.index(steps - 1);
    startCopies(b.min(b.add(step, tile.stages - 2), last), filled);
    Value next = b.min(b.add(step, 1), last);
    for (int64_t run = 0; run < runs(); ++run) {
      SmallVector<Values> a;
      for (int64_t m = 0; m < kMatrices; ++m)
        a.push_back(unpack(words[run], m));
      NVVM::WgmmaFenceAlignedOp::create(b);
      Value codes = describeRun(descriptor, read, run);
      for (int64_t m = 0; m < kMatrices; ++m) {
        LLVM::InlineAsmOp product =
            createRegisterWgmma(b, b.getLoc(), a[m], codes, sums[m]);
        for (auto [i, sum] : llvm::enumerate(sums[m]))
          sum = LLVM::ExtractValueOp::create(b, product.getRes(),
                                             static_cast<int64_t>(i));
      }
      NVVM::WgmmaGroupSyncAlignedOp::create(b);
      // The product before is done, its words may be replaced.
      NVVM::WgmmaWaitGroupSyncOp::create(b, b.getI64IntegerAttr(1));
      if (run == 0)
        words.back() = loadWords(step, runs() - 1);
      else
        words[run - 1] = loadWords(next, run - 1);
    }

    Values yielded;
    for (const Values &matrix : sums)
      llvm::append_range(yielded, matrix);
    for (const Values &run : ArrayRef(words).drop_back())
      llvm::append_range(yielded, run);
    yielded.push_back(nextStage(read));
    yielded.push_back(nextStage(filled));
    return yielded;
  }

  Value nextStage(Value stage) {
    Value next = b.add(stage, getStageBytes(tile));
    return b.select(b.equal(next, b.index(tile.stages * getStageBytes(tile))),
                    b.index(0), next);
  }

  GPUKernelBuilder &b;
  const ProductKernel &kernel;
  const ProductTile tile;
  int64_t steps;
  ValueRange arguments;
  Value shared;
  const TilePlace place;

  Value thread, lane;
  Value from, to; ///< of codes: global, shared memory
  Value words;    ///< of the weight, this thread's
};
} // namespace

void stamp::emitWarpgroupProduct(GPUKernelBuilder &b, const GPUTarget &target,
                                 const ProductKernel &kernel,
                                 ValueRange arguments, Value shared) {
  WarpgroupProductEmitter(b, target, kernel, arguments, shared).emit();
}
