//===- ProductFewTokens.cpp - Few rows times a weight -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// With few tokens the time is that of reading the weight. It is read once, by
// as many warps as there can be: a CTA has 32 channels, its warps share K step
// by step, and where a layer has too few channels for all multiprocessors
// several CTAs share K as well. Sums of integers are exact in any order.
//
// The weight is packed for `Product.cpp`, in which it is the operand with eight
// columns. Of two such fragments, 16 channels, the words are just those of the
// operand with sixteen rows (a lane has the same inputs of row l div 4, and of
// the same + 8); so here the channels are rows, eight tokens are the columns,
// and no half of an instruction is wasted on tokens that are none:
//
//     channels × 32 inputs   ·   32 inputs × tokens   =   channels × tokens
//     16, from the weight        8, `ldmatrix` of codes
//
// A warp has a ring of stages of its own: a step of codes, 16 rows of 64 bytes,
// which its lanes read across, and of the weight, where each lane reads what it
// copied. So warps wait for nobody until their sums come together.
//
// When several CTAs share K, each writes its sums, and counts itself. The last
// one of them adds what all have written and finishes. Rejected: atomic sums,
// which need zeros first, 512 times as many as there are counters; a cluster,
// which only sm_90 and later have; a second kernel, whose launch takes as long
// as the product of a small layer. The quantizer's kernel has cleared the
// counters.
//
//===----------------------------------------------------------------------===//

#include "ProductParts.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

/// Inputs of a step: a warp's copies of codes are whole chunks of all rows.
static constexpr int64_t kDepth = 64;
/// Words between the sums of two tokens in shared memory: each of the tokens
/// 2·(l mod 4) that a warp writes to at once has other banks.
static constexpr int64_t kSumsStride = 36;

/// Of 32 channels and 32 inputs, which adjoin in the packed weight.
static int64_t getPieceBytes(int64_t weightBits) {
  return 32 * 32 * weightBits / 8;
}
static int64_t getRowsBytes(const GPUTarget &target) {
  return target.fewTokensTile.rows * kDepth;
}
static int64_t getStageBytes(const GPUTarget &target, int64_t weightBits) {
  return getRowsBytes(target) + kDepth / 32 * getPieceBytes(weightBits);
}
static int64_t getStages(const GPUTarget &target, int64_t weightBits) {
  return GPUTarget::staticSharedBytes /
         (target.fewTokensTile.warps * getStageBytes(target, weightBits));
}

int64_t stamp::getFewTokensSharedBytes(const GPUTarget &target,
                                       int64_t weightBits) {
  return getStages(target, weightBits) * target.fewTokensTile.warps *
         getStageBytes(target, weightBits);
}

FewTokensSplit stamp::splitFewTokens(const GPUTarget &target,
                                     int64_t paddedFeatures, int64_t channels) {
  const FewTokensTile &tile = target.fewTokensTile;
  int64_t groups = llvm::divideCeil(channels, tile.channels);
  // Each warp has a step of its own.
  int64_t most = paddedFeatures / kDepth / tile.warps;
  return {groups, std::clamp<int64_t>(target.multiprocessors / groups, 1,
                                      std::max<int64_t>(most, 1))};
}

int64_t FewTokensSplit::sumsOfTile(const GPUTarget &target) const {
  return groups * splits * target.fewTokensTile.rows *
         target.fewTokensTile.channels;
}

namespace {
class FewTokensEmitter {
public:
  FewTokensEmitter(GPUKernelBuilder &b, const GPUTarget &target,
                   const ProductKernel &kernel, const FewTokensRows &layout,
                   ValueRange arguments, Value shared)
      : b(b), kernel(kernel), layout(layout), tile(target.fewTokensTile),
        packed(target.productTile), hasWgmma(target.hasWgmma),
        split(splitFewTokens(target, kernel.paddedFeatures, kernel.channels)),
        stages(getStages(target, kernel.weightBits)),
        rowsBytes(getRowsBytes(target)),
        pieceBytes(getPieceBytes(kernel.weightBits)),
        stageBytes(getStageBytes(target, kernel.weightBits)),
        steps(kernel.paddedFeatures / kDepth),
        threadRows(std::clamp<int64_t>(kernel.blocks.size, 2, tile.rows)),
        arguments(arguments), shared(shared) {
    assert(tile.rows == 16 && tile.channels == 32 &&
           packed.depth % kDepth == 0 &&
           packed.warpColumns % tile.channels == 0 &&
           tile.threads() * 2 == tile.rows * tile.channels);
    auto toIndex = [&](Value value) -> Value {
      return arith::IndexCastOp::create(b, b.getIndexType(), value);
    };
    seqLen = toIndex(arguments[7]);
    rowsOfSequence = toIndex(arguments[8]);
    tiles = toIndex(arguments[9]);
    batch = toIndex(arguments[10]);
    tileOfAll = b.block(gpu::Dimension::x);
    Value y = b.block(gpu::Dimension::y);
    group = b.div(y, split.splits);
    part = b.rem(y, split.splits);
    thread = b.thread();
    lane = b.rem(thread, 32);
    warp = b.div(thread, 32);
    own = b.at(shared, b.mul(warp, stages * stageBytes));
    findRows();
  }

  void emit() {
    loadQuantizers();
    shareSums(accumulate());
    b.barrier();
    Value pair = sumOfWarps();
    if (split.splits == 1)
      return finish(pair);
    Value sums = b.global(arguments[arguments.size() - 2]);
    Value first = b.mul(b.add(b.mul(tileOfAll, split.groups), group),
                        split.splits * sumsBytes());
    Value ownSums = b.at(b.at(sums, first), b.mul(thread, 8));
    b.store(pair, b.at(ownSums, b.mul(part, sumsBytes())));
    b.branch(isLast(), [&] {
      Value all = arith::ConstantOp::create(b, b.getZeroAttr(pair.getType()));
      for (int64_t i = 0; i < split.splits; ++i)
        all =
            b.add(all, b.load(pair.getType(), b.at(ownSums, i * sumsBytes())));
      finish(all);
    });
  }

private:
  //===--- Rows ---------------------------------------------------------===//

  /// Which rows of codes are the tile's, and which of them are tokens. Of
  /// sequences of one token each a tile has sixteen sequences; they are apart
  /// by whole sequences of rows, and nothing is to be undone.
  void findRows() {
    Value row =
        b.mul(b.add(b.rem(tileOfAll, tiles), layout.firstTile), tile.rows);
    Value sequence = b.div(tileOfAll, tiles);
    firstToken = b.sub(row, kernel.blocks.shift);
    tokens = seqLen;
    rowStep = b.index(1);
    firstRow = b.add(b.mul(sequence, rowsOfSequence), row);
    firstResult = b.mul(sequence, seqLen);
    if (!layout.isBatch)
      return;
    isSingle = b.equal(seqLen, b.index(1));
    Value firstSequence = b.mul(tileOfAll, tile.rows);
    firstRow = b.select(
        isSingle,
        b.add(b.mul(firstSequence, rowsOfSequence), kernel.blocks.shift),
        firstRow);
    rowStep = b.select(isSingle, rowsOfSequence, rowStep);
    firstToken = b.select(isSingle, firstSequence, firstToken);
    tokens = b.select(isSingle, batch, tokens);
    firstResult = b.select(isSingle, b.index(0), firstResult);
  }

  Value isToken(Value row) {
    Value token = b.add(firstToken, row);
    return b.both(b.atMost(b.index(0), token), b.less(token, tokens));
  }
  /// Of all rows of codes; row 0 for what is no token.
  Value rowOfAll(Value row) {
    return b.select(isToken(row), b.add(firstRow, b.mul(row, rowStep)),
                    b.index(0));
  }

  //===--- Copies -------------------------------------------------------===//

  /// Prepares this lane's copies: 16 bytes each, of two rows and of the weight.
  void prepareCopies() {
    Value row = b.div(lane, 4), chunk = b.rem(lane, 4);
    Value place = b.exclusiveOr(chunk, b.rem(b.div(row, 2), 4));
    rowsTo = b.at(own, b.add(b.mul(row, kDepth), b.mul(place, kChunk)));
    for (int64_t i = 0; i < 2; ++i) {
      Value ownRow = b.add(row, i * 8);
      rowsFrom[i] = b.at(b.global(arguments[0]),
                         b.add(b.mul(rowOfAll(ownRow), kernel.paddedFeatures),
                               b.mul(chunk, kChunk)));
      rowBytes[i] =
          b.select(isToken(ownRow), b.constantI32(kChunk), b.constantI32(0));
    }
    // [tile of columns][step of the large product][warp's columns][run of 32
    //  inputs][32 channels]
    int64_t groupsOfTile = packed.columns / tile.channels;
    Value inTile = b.rem(group, groupsOfTile);
    Value from = b.mul(b.div(group, groupsOfTile),
                       kernel.paddedFeatures / packed.depth * packedStep());
    from = b.add(from, b.mul(b.div(inTile, groupsOfWarp()),
                             packed.depth / 32 * nextRun()));
    from = b.add(from, b.mul(b.rem(inTile, groupsOfWarp()), pieceBytes));
    weightFrom = b.at(b.global(arguments[3]), b.add(from, b.mul(lane, kChunk)));
    weightTo = b.at(own, b.add(b.mul(lane, kChunk), rowsBytes));
  }

  int64_t groupsOfWarp() const { return packed.warpColumns / tile.channels; }
  /// Bytes of the weight from 32 inputs to the next.
  int64_t nextRun() const { return groupsOfWarp() * pieceBytes; }
  /// The same for the large product's steps.
  int64_t packedStep() const {
    return packed.columns / tile.channels * (packed.depth / 32) * pieceBytes;
  }
  Value startOfStep(Value step) {
    int64_t stepsOfPacked = packed.depth / kDepth;
    Value start = b.mul(b.div(step, stepsOfPacked), packedStep());
    if (stepsOfPacked == 1)
      return start;
    return b.add(start,
                 b.mul(b.rem(step, stepsOfPacked), kDepth / 32 * nextRun()));
  }

  /// Step `step` on its way into the stage at `stage` bytes, if it is this
  /// CTA's. Rows that are no tokens are 0, and not read.
  void startCopies(Value step, Value stage) {
    b.branch(b.less(step, endStep), [&] {
      Value to = b.at(rowsTo, stage), offset = b.mul(step, kDepth);
      for (int64_t i = 0; i < 2; ++i)
        copyChunk(b, b.at(to, i * 8 * kDepth), b.at(rowsFrom[i], offset),
                  rowBytes[i]);
      Value from = b.at(weightFrom, startOfStep(step));
      to = b.at(weightTo, stage);
      for (int64_t run = 0; run < kDepth / 32; ++run)
        for (int64_t byte = 0; byte < pieceBytes; byte += 32 * kChunk)
          copyChunk(b, b.at(to, run * pieceBytes + byte),
                    b.at(from, run * nextRun() + byte));
    });
    NVVM::CpAsyncCommitGroupOp::create(b);
  }

  //===--- Sums ---------------------------------------------------------===//

  void syncWarp() { NVVM::SyncWarpOp::create(b, b.constantI32(-1)); }

  int64_t tokenTiles() const { return tile.rows / 8; }

  /// Sum e of the 16 channels p of eight tokens m; e as `mma.sync` has it.
  Value &sum(MutableArrayRef<Value> sums, int64_t p, int64_t m, int64_t e) {
    return sums[(p * tokenTiles() + m) * 4 + e];
  }

  /// This warp's steps of this CTA's.
  Values accumulate() {
    prepareCopies();
    prepareFragments();
    auto startOf = [&](Value part) {
      return b.div(b.mul(part, steps), split.splits);
    };
    Value firstStep = b.add(startOf(part), warp);
    endStep = startOf(b.add(part, 1));
    Values sums = Ring{stages, stageBytes}.sumUp(
        b, firstStep, endStep, tile.warps,
        Values(2 * tokenTiles() * 4, b.constantI32(0)),
        [&](Value step, Value stage) { startCopies(step, stage); },
        [&] { syncWarp(); },
        [&](Values &sums, Value stage) { multiply(sums, stage); });
    syncWarp();
    return sums;
  }

  /// Where this lane reads its parts of fragments: matrix c of eight tokens is
  /// their chunk c, and lane 8·c + r has the address of row r.
  void prepareFragments() {
    Value row = b.rem(lane, 8), chunk = b.div(lane, 8);
    Value place = b.exclusiveOr(chunk, b.rem(b.div(row, 2), 4));
    rowFragments = b.at(own, b.add(b.mul(row, kDepth), b.mul(place, kChunk)));
  }

  /// 16 channels as `mma.sync` has its first operand.
  Values channelFragment(ArrayRef<Value> words, int64_t p) {
    Values low = unpackFragment(b, words, 2 * p, kernel.weightBits),
           high = unpackFragment(b, words, 2 * p + 1, kernel.weightBits);
    return {low[0], high[0], low[1], high[1]};
  }

  void multiply(Values &sums, Value stage) {
    SmallVector<Values> rows;
    for (int64_t m = 0; m < tokenTiles(); ++m)
      rows.push_back(
          loadMatrices(b, b.at(b.at(rowFragments, stage), m * 8 * kDepth)));
    Value weight = b.at(weightTo, stage);
    for (int64_t run = 0; run < kDepth / 32; ++run) {
      Values words;
      for (int64_t byte = 0; byte < pieceBytes; byte += 32 * kChunk)
        llvm::append_range(
            words, b.elementsOf(b.load(b.vectorOf(b.getI32Type(), 4),
                                       b.at(weight, run * pieceBytes + byte))));
      for (int64_t p = 0; p < 2; ++p) {
        Values channels = channelFragment(words, p);
        for (int64_t m = 0; m < tokenTiles(); ++m) {
          Values c;
          for (int64_t e = 0; e < 4; ++e)
            c.push_back(sum(sums, p, m, e));
          Value tokens[] = {rows[m][2 * run], rows[m][2 * run + 1]};
          for (auto [e, field] :
               llvm::enumerate(multiplyAdd(b, channels, tokens, c)))
            sum(sums, p, m, static_cast<int64_t>(e)) = field;
        }
      }
    }
  }

  //===--- Sums of warps, sums of CTAs ----------------------------------===//

  int64_t sumsBytes() const { return tile.rows * tile.channels * 4; }
  int64_t sharedSumsBytes() const { return tile.rows * kSumsStride * 4; }

  /// sums[warp][token][place]: place 16·p + 8·u + l div 4 is the channel of
  /// lane l in eight columns 2·p + u; in the warp's own stages, which it has
  /// left.
  void shareSums(Values sums) {
    Value to = b.at(own, b.add(b.mul(b.rem(lane, 4), 2 * kSumsStride * 4),
                               b.mul(b.div(lane, 4), 4)));
    for (int64_t p = 0; p < 2; ++p)
      for (int64_t m = 0; m < tokenTiles(); ++m)
        for (int64_t e = 0; e < 4; ++e)
          b.store(sum(sums, p, m, e), b.at(to, ((m * 8 + e % 2) * kSumsStride +
                                                p * 16 + e / 2 * 8) *
                                                   4));
  }

  /// Where a pair of neighbouring places is that this thread adds up.
  Value ownPair(Value sums) {
    Value token = b.div(thread, tile.channels / 2);
    Value place = b.rem(thread, tile.channels / 2);
    return b.at(sums, b.add(b.mul(token, kSumsStride * 4), b.mul(place, 8)));
  }

  Value sumOfWarps() {
    Value from = ownPair(shared), all;
    for (int64_t w = 0; w < tile.warps; ++w) {
      Value pair = b.load(b.vectorOf(b.getI32Type(), 2),
                          b.at(from, w * stages * stageBytes));
      all = all ? b.add(all, pair) : pair;
    }
    return all;
  }

  /// Whether all other CTAs of these results have written their sums. The
  /// barrier orders the CTA's writes before thread 0's fence and atomic, which
  /// release them to the last CTA; there the other fence acquires what is to be
  /// read, and the barrier passes it on. An ordering of the atomic itself would
  /// not become PTX.
  Value isLast() {
    Value counter = b.at(b.global(arguments.back()),
                         b.mul(b.add(b.mul(tileOfAll, layout.counters),
                                     b.add(group, layout.firstCounter)),
                               4));
    constexpr StringLiteral scope = "device";
    Value answer = b.at(shared, 2 * sharedSumsBytes());
    b.barrier();
    b.branch(b.equal(thread, b.index(0)), [&] {
      LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, scope);
      Value before = LLVM::AtomicRMWOp::create(
          b, LLVM::AtomicBinOp::add, counter, b.constantI32(1),
          LLVM::AtomicOrdering::monotonic, scope);
      LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, scope);
      b.store(before, answer);
    });
    b.barrier();
    return b.equal(b.load(b.getI32Type(), answer),
                   b.constantI32(split.splits - 1));
  }

  //===--- Results ------------------------------------------------------===//

  /// Threads that finish: one for each channel of whole blocks of tokens.
  int64_t finishers() const { return tile.rows / threadRows * 32; }

  /// What this thread needs in the end, asked for before the product begins.
  void loadQuantizers() {
    firstOwn = b.mul(b.rem(warp, tile.rows / threadRows), threadRows);
    channel = b.add(b.mul(group, tile.channels), lane);
    auto load = [&](int64_t argument, Value at, Type type) {
      return b.load(type, b.at(b.global(arguments[argument]),
                               b.mul(at, b.bytesOf(type))));
    };
    int64_t next = 11;
    int64_t bias = kernel.hasBias ? next++ : 0;
    int64_t spread = kernel.hasSpread ? next++ : 0;
    Value near = b.min(channel, b.index(kernel.channels - 1));
    column = {load(4, near, b.getF32Type()), load(5, near, b.getI32Type()),
              bias ? load(bias, near, kernel.bias) : Value()};
    for (int64_t i = 0; i < threadRows; ++i) {
      Value row = b.add(firstOwn, i), rowOfCodes = rowOfAll(row);
      Value own;
      if (spread) {
        Value token =
            b.clamp(b.add(firstToken, row), b.index(0), b.sub(seqLen, 1));
        own = load(spread, token, b.getF32Type());
      }
      rows.push_back({load(1, rowOfCodes, b.getF32Type()),
                      load(2, rowOfCodes, b.getI32Type()), own});
    }
  }

  /// Where this lane's channel is among the sums of a token: columns 2·p of
  /// eight have channels 0 1 · 4 5 · …, columns 2·p + 1 have 2 3 · 6 7 · …. For
  /// `wgmma`, row l div 4 of the fragments has channels 4·(l div 4) + 0…3.
  Value placeOfChannel() {
    if (hasWgmma)
      return b.add(b.add(b.div(lane, 4), b.mul(b.rem(lane, 2), 8)),
                   b.mul(b.rem(b.div(lane, 2), 2), 16));
    Value inPair = b.rem(lane, 16);
    return b.add(b.add(b.sub(lane, inPair), b.mul(b.div(inPair, 4), 2)),
                 b.add(b.mul(b.rem(b.div(lane, 2), 2), 8), b.rem(lane, 2)));
  }

  /// A channel of a few neighbouring tokens.
  void finish(Value pair) {
    Value sums = b.at(shared, sharedSumsBytes());
    b.store(pair, ownPair(sums));
    b.barrier();
    b.branch(b.less(thread, b.index(finishers())), [&] {
      Value from = b.at(sums, b.add(b.mul(firstOwn, kSumsStride * 4),
                                    b.mul(placeOfChannel(), 4)));
      Values values;
      for (int64_t i = 0; i < threadRows; ++i)
        values.push_back(
            b.load(b.getI32Type(), b.at(from, i * kSumsStride * 4)));
      finishSums(b, kernel.weightBits, values);
      for (auto [value, row] : llvm::zip_equal(values, rows))
        value = rescaleSum(b, value, row, column);
      undo(values);
      store(values);
    });
  }

  /// L⁻¹. A block that is longer than the tile has its first tokens here, and
  /// no others: as many levels as these have.
  void undo(Values &values) {
    if (!kernel.inverse)
      return;
    for (Value &value : values)
      value = b.widen(b.narrow(value, kernel.rescaled));
    int64_t size = std::min(kernel.blocks.size, tile.rows);
    BasisAttrInterface within = kernel.inverse;
    if (size < kernel.blocks.size)
      within = HaarAttr::get(b.getContext(), llvm::Log2_64(size), /*skip=*/0);
    for (int64_t block = 0; block < threadRows; block += size) {
      Value count = kernel.blocks.mixed(
          b, b.add(firstToken, b.add(firstOwn, block)), seqLen, size);
      if (isSingle)
        count = b.select(isSingle, b.index(0), count);
      within.emitBlock(b, MutableArrayRef(values).slice(block, size), count,
                       Direction::Inverse);
    }
  }

  void store(ValueRange values) {
    Value isChannel = b.less(channel, b.index(kernel.channels));
    Value first = b.add(firstToken, firstOwn);
    int64_t bytes = b.bytesOf(kernel.result);
    Value y = b.at(
        b.global(arguments[6]),
        b.mul(b.add(b.mul(b.add(firstResult, first), kernel.channels), channel),
              bytes));
    for (int64_t i = 0; i < threadRows; ++i)
      b.branch(b.both(isChannel, isToken(b.add(firstOwn, i))), [&] {
        b.store(b.narrow(values[i], kernel.result),
                b.at(y, i * kernel.channels * bytes));
      });
  }

  GPUKernelBuilder &b;
  const ProductKernel &kernel;
  const FewTokensRows &layout;
  const FewTokensTile tile;
  const ProductTile packed;
  const bool hasWgmma; ///< for which the weight is packed, then
  const FewTokensSplit split;
  int64_t stages, rowsBytes, pieceBytes, stageBytes, steps;
  int64_t threadRows; ///< that a thread finishes
  ValueRange arguments;
  Value shared, own; ///< own: the warp's stages

  Value seqLen, rowsOfSequence, tiles, batch;
  Value tileOfAll, group, part, thread, lane, warp;
  // Of the tile's rows.
  Value firstRow, rowStep, firstToken, tokens, firstResult;
  Value isSingle; ///< null if there is one sequence
  // Of copies: from global to shared memory.
  Value rowsFrom[2], rowBytes[2], rowsTo, weightFrom, weightTo, endStep;
  Value rowFragments;
  // Of a thread's results.
  Value firstOwn, channel;
  ColumnQuantizer column;
  SmallVector<RowQuantizer> rows;
};
} // namespace

void stamp::emitFewTokensKernel(GPUKernelBuilder &b, const GPUTarget &target,
                                const ProductKernel &kernel,
                                const FewTokensRows &layout,
                                ValueRange arguments, Value shared) {
  FewTokensEmitter(b, target, kernel, layout, arguments, shared).emit();
}
