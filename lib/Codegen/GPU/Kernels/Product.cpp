//===- Product.cpp - Rows of codes times a weight ----------------*- C++
//-*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A CTA has a tile of the result. Steps of both operands travel into a ring of
// stages in shared memory (`cp.async`) while warps multiply an earlier one
// (`mma.sync`). 4-bit codes become bytes in registers, 16 times too large: a
// shift and two masks for eight of them, and the sums are divided by 16 once.
//
// Row order is free. A thread holds eight rows of each of its columns, which
// the fragments' layout puts eight rows apart,
//
//     row i·8 + g of a warp's 64     in registers 0…7 = i of lanes l div 4 = g,
//
// so the token 8·g + i is copied into row i·8 + g: then a thread has eight
// neighbouring tokens and undoes their transform in its registers. Of a longer
// block only the coarse coefficients, every eighth row, are in other lanes.
//
// A row of shared memory is 64 bytes, four chunks. `ldmatrix` reads one chunk
// of eight rows at once and must find each in other banks: chunk c of row r is
// kept in place c ⊕ (r div 2) mod 4.
//
//===----------------------------------------------------------------------===//

#include "ProductSteps.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

/// What one cp.async copies, and what one thread loads at once.
static constexpr int64_t kChunk = 16;
/// Rows that a thread has of a warp's tile.
static constexpr int64_t kThreadRows = 8;

static int64_t getRowsBytes(const ProductTile &tile) {
  return tile.rows * tile.depth;
}
static int64_t getWeightBytes(const ProductTile &tile, int64_t bits) {
  return tile.columns * tile.depth * bits / 8;
}

int64_t stamp::getProductStages(const GPUTarget &target, int64_t weightBits) {
  const ProductTile &tile = target.productTile;
  int64_t stage = getRowsBytes(tile) + getWeightBytes(tile, weightBits);
  return std::min(tile.stages, GPUTarget::staticSharedBytes / stage);
}

int64_t stamp::getProductSharedBytes(const GPUTarget &target,
                                     int64_t weightBits) {
  const ProductTile &tile = target.productTile;
  return getProductStages(target, weightBits) *
         (getRowsBytes(tile) + getWeightBytes(tile, weightBits));
}

namespace {
class ProductEmitter {
public:
  ProductEmitter(GPUKernelBuilder &b, const GPUTarget &target,
                 const ProductKernel &kernel, ValueRange arguments,
                 Value shared)
      : b(b), kernel(kernel), tile(target.productTile),
        stages(getProductStages(target, kernel.weightBits)),
        weightBytes(getWeightBytes(tile, kernel.weightBits)),
        stageBytes(getRowsBytes(tile) + weightBytes),
        steps(kernel.paddedFeatures / tile.depth), arguments(arguments),
        shared(shared) {
    assert(tile.depth == 4 * kChunk && tile.warpRows == 8 * kThreadRows &&
           tile.rows * 4 % tile.threads() == 0);
    auto toIndex = [&](Value value) -> Value {
      return arith::IndexCastOp::create(b, b.getIndexType(), value);
    };
    seqLen = toIndex(arguments[7]);
    tiles = toIndex(arguments[8]);
    Value block = b.block(gpu::Dimension::x);
    sequence = b.div(block, tiles);
    firstRow = b.mul(b.rem(block, tiles), tile.rows);
    columnTile = b.block(gpu::Dimension::y);
    thread = b.thread();
    lane = b.rem(thread, 32);
    Value warp = b.div(thread, 32);
    int64_t warpsOfRows = tile.rows / tile.warpRows;
    warpRow = b.mul(b.rem(warp, warpsOfRows), tile.warpRows);
    warpColumns = b.div(warp, warpsOfRows);
  }

  void emit() {
    Values sums = accumulate();
    lanesRows();
    Value first = b.sub(firstRow, kernel.blocks.shift);
    b.branch(
        kernel.blocks.isWhole(b, first, seqLen, tile.rows),
        [&] { finish(sums, /*whole=*/true); },
        [&] { finish(sums, /*whole=*/false); });
  }

private:
  //===--- Copies -------------------------------------------------------===//

  /// Prepares this thread's copies: 16 bytes each, of a few rows and of the
  /// weight.
  void prepareCopies() {
    Value row = b.div(thread, 4), chunk = b.rem(thread, 4);
    // Row i·8 + g of a warp's tile is token 8·g + i.
    Value token = b.add(b.mul(b.rem(row, 8), 8), b.div(row, 8));
    Value rowOfAll =
        b.add(b.add(b.mul(b.mul(sequence, tiles), tile.rows), firstRow), token);
    rowsFrom = b.at(
        b.global(arguments[0]),
        b.add(b.mul(rowOfAll, kernel.paddedFeatures), b.mul(chunk, kChunk)));
    Value place = b.exclusiveOr(chunk, b.rem(b.div(row, 2), 4));
    rowsTo = b.at(shared, b.add(b.mul(row, tile.depth), b.mul(place, kChunk)));
    Value own = b.mul(thread, kChunk);
    weightFrom = b.at(b.global(arguments[3]),
                      b.add(b.mul(columnTile, steps * weightBytes), own));
    weightTo = b.at(shared, b.add(own, getRowsBytes(tile)));
  }

  void copy(Value to, Value from) {
    NVVM::CpAsyncOp::create(b, to, from, kChunk,
                            NVVM::LoadCacheModifierKind::CG, Value());
  }

  /// Step `step` on its way into the stage at `stage` bytes.
  void startCopies(Value step, Value stage) {
    Value from = b.at(rowsFrom, b.mul(step, tile.depth)),
          to = b.at(rowsTo, stage);
    int64_t rowsAtOnce = tile.threads() / 4;
    for (int64_t row = 0; row < tile.rows; row += rowsAtOnce) {
      // Whole eights on in a warp's tile are single tokens on.
      int64_t token =
          row / tile.warpRows * tile.warpRows + row % tile.warpRows / 8;
      copy(b.at(to, row * tile.depth),
           b.at(from, token * kernel.paddedFeatures));
    }
    from = b.at(weightFrom, b.mul(step, weightBytes));
    to = b.at(weightTo, stage);
    for (int64_t byte = 0; byte < weightBytes; byte += tile.threads() * kChunk)
      copy(b.at(to, byte), b.at(from, byte));
  }

  //===--- Sums ---------------------------------------------------------===//

  int64_t rowTiles() const { return tile.warpRows / 16; }
  int64_t columnTiles() const { return tile.warpColumns / 8; }

  /// Sum e of the eight columns j in the 16 rows m; e as `mma.sync` has it.
  Value &sum(MutableArrayRef<Value> sums, int64_t m, int64_t j, int64_t e) {
    return sums[(m * columnTiles() + j) * 4 + e];
  }

  Values accumulate() {
    prepareCopies();
    prepareFragments();
    for (int64_t stage = 0; stage < stages - 1; ++stage) {
      // A step that is not there is the last one again, for nobody.
      startCopies(b.index(std::min(stage, steps - 1)),
                  b.index(stage * stageBytes));
      NVVM::CpAsyncCommitGroupOp::create(b);
    }
    Values carried(rowTiles() * columnTiles() * 4, b.constantI32(0));
    carried.push_back(b.index(0));
    carried.push_back(b.index((stages - 1) * stageBytes));
    Values results = b.loop(
        b.index(0), b.index(steps), b.index(1), carried,
        [&](Value step, ValueRange carried) -> Values {
          Values sums(carried.drop_back(2));
          Value from = carried[carried.size() - 2], to = carried.back();
          // This thread's copies for this step have landed; then everybody's,
          // and everybody has left the stage that is filled next.
          NVVM::CpAsyncWaitGroupOp::create(b,
                                           static_cast<uint32_t>(stages - 2));
          b.barrier();
          startCopies(b.min(b.add(step, stages - 1), b.index(steps - 1)), to);
          NVVM::CpAsyncCommitGroupOp::create(b);
          multiply(sums, from);
          sums.push_back(nextStage(from));
          sums.push_back(nextStage(to));
          return sums;
        });
    NVVM::CpAsyncWaitGroupOp::create(b, 0);
    results.pop_back_n(2);
    return results;
  }

  Value nextStage(Value stage) {
    Value next = b.add(stage, stageBytes);
    return b.select(b.equal(next, b.index(stages * stageBytes)), b.index(0),
                    next);
  }

  /// Where this lane reads its parts of fragments.
  void prepareFragments() {
    Value row = b.rem(lane, 16);
    Value rowBytes = b.mul(b.add(warpRow, row), tile.depth);
    for (int64_t run = 0; run < tile.depth / 32; ++run) {
      Value chunk = b.add(b.div(lane, 16), run * 2);
      Value place = b.exclusiveOr(chunk, b.rem(b.div(row, 2), 4));
      rowFragments.push_back(
          b.at(shared, b.add(rowBytes, b.mul(place, kChunk))));
    }
    int64_t warpBytes = tile.warpColumns * tile.depth * kernel.weightBits / 8;
    weightFragments = b.at(
        shared, b.add(b.add(b.mul(warpColumns, warpBytes), b.mul(lane, kChunk)),
                      getRowsBytes(tile)));
  }

  void multiply(Values &sums, Value stage) {
    int64_t wordsOfRun = columnTiles() * kernel.weightBits / 4;
    Value weight = b.at(weightFragments, stage);
    for (auto [run, start] : llvm::enumerate(rowFragments)) {
      Value rows = b.at(start, stage);
      SmallVector<Values> a;
      for (int64_t m = 0; m < rowTiles(); ++m)
        a.push_back(loadMatrices(b, b.at(rows, m * 16 * tile.depth)));
      Values words;
      for (int64_t w = 0; w < wordsOfRun; w += 4) {
        int64_t turn = (static_cast<int64_t>(run) * wordsOfRun + w) / 4;
        llvm::append_range(
            words, b.elementsOf(b.load(b.vectorOf(b.getI32Type(), 4),
                                       b.at(weight, turn * 32 * kChunk))));
      }
      for (int64_t j = 0; j < columnTiles(); ++j) {
        Values fragment = unpackFragment(b, words, j, kernel.weightBits);
        for (int64_t m = 0; m < rowTiles(); ++m) {
          Values c;
          for (int64_t e = 0; e < 4; ++e)
            c.push_back(sum(sums, m, j, e));
          for (auto [e, field] :
               llvm::enumerate(multiplyAdd(b, a[m], fragment, c)))
            sum(sums, m, j, static_cast<int64_t>(e)) = field;
        }
      }
    }
  }

  //===--- Results ------------------------------------------------------===//

  /// The eight tokens of this lane, and what is known of them.
  void lanesRows() {
    group = b.div(lane, 4);
    Value row = b.add(b.add(firstRow, warpRow), b.mul(group, kThreadRows));
    firstToken = b.sub(row, kernel.blocks.shift);
    Value bytes =
        b.mul(b.add(b.mul(b.mul(sequence, tiles), tile.rows), row), 4);
    auto eight = [&](Value address, Type type) {
      Values values;
      for (int64_t half = 0; half < 2; ++half)
        llvm::append_range(
            values, b.elementsOf(b.load(
                        b.vectorOf(type, 4),
                        b.at(b.at(b.global(address), bytes), half * 16))));
      return values;
    };
    scales = eight(arguments[1], b.getF32Type());
    zeroPoints = eight(arguments[2], b.getI32Type());
    spread.resize(kThreadRows);
    if (kernel.hasSpread)
      for (int64_t i = 0; i < kThreadRows; ++i) {
        Value near =
            b.clamp(b.add(firstToken, i), b.index(0), b.sub(seqLen, 1));
        spread[i] = b.load(b.getF32Type(),
                           b.at(b.global(arguments.back()), b.mul(near, 4)));
      }
  }

  bool storesVectors() const { return kernel.channels % 4 == 0; }

  /// Four numbers, of a quad's channels; beyond the last channel any.
  Values loadColumns(Value address, Type type, Value channel) {
    Value memory = b.global(address);
    if (storesVectors()) {
      Value near = b.min(channel, b.index(kernel.channels - 4));
      return b.elementsOf(
          b.load(b.vectorOf(type, 4), b.at(memory, b.mul(near, 4))));
    }
    Values values;
    for (int64_t u = 0; u < 4; ++u) {
      Value near = b.min(b.add(channel, u), b.index(kernel.channels - 1));
      values.push_back(b.load(type, b.at(memory, b.mul(near, 4))));
    }
    return values;
  }

  /// Four neighbouring channels of eight neighbouring tokens at a time.
  void finish(Values sums, bool whole) {
    Value row = b.add(b.mul(sequence, seqLen), firstToken);
    for (int64_t quad = 0; quad < columnTiles() / 2; ++quad) {
      Value channel = b.add(b.add(b.mul(columnTile, tile.columns),
                                  b.mul(warpColumns, tile.warpColumns)),
                            b.add(b.mul(b.rem(lane, 4), 4), quad * 16));
      SmallVector<Values> columns = rescale(sums, quad, channel);
      for (Values &column : columns)
        undo(column, whole);
      Value y = b.at(b.global(arguments[6]),
                     b.mul(b.add(b.mul(row, kernel.channels), channel), 4));
      for (int64_t i = 0; i < kThreadRows; ++i) {
        Value to = b.at(y, i * kernel.channels * 4);
        Values values;
        for (Values &column : columns)
          values.push_back(column[i]);
        storeRow(values, to, b.add(firstToken, i), channel, whole);
      }
    }
  }

  SmallVector<Values> rescale(Values &sums, int64_t quad, Value channel) {
    Values columnScales = loadColumns(arguments[4], b.getF32Type(), channel);
    Values columnSums = loadColumns(arguments[5], b.getI32Type(), channel);
    Values bias(4);
    if (kernel.hasBias)
      bias = loadColumns(arguments[9], b.getF32Type(), channel);
    SmallVector<Values> columns(4);
    for (int64_t u = 0; u < 4; ++u)
      for (int64_t i = 0; i < kThreadRows; ++i)
        columns[u].push_back(rescaleSum(
            b, sum(sums, i / 2, 2 * quad + u / 2, 2 * (i % 2) + u % 2),
            kernel.weightBits, {scales[i], zeroPoints[i], spread[i]},
            {columnScales[u], columnSums[u], bias[u]}));
    return columns;
  }

  /// L⁻¹ of a column's tokens.
  void undo(Values &column, bool whole) {
    if (!kernel.inverse)
      return;
    int64_t size = kernel.blocks.size;
    BasisAttrInterface within = kernel.inverse;
    if (size > kThreadRows) {
      for (int64_t distance = size / 2; distance >= kThreadRows; distance /= 2)
        undoCoarse(column.front(), distance, whole);
      within =
          HaarAttr::get(b.getContext(), llvm::Log2_64(kThreadRows), /*skip=*/0);
      size = kThreadRows;
    }
    for (int64_t part = 0; part < kThreadRows; part += size) {
      Value count;
      if (!whole)
        count = kernel.blocks.mixed(b, b.add(firstToken, part), seqLen, size);
      within.emitBlock(b, MutableArrayRef(column).slice(part, size), count,
                       Direction::Inverse);
    }
  }

  /// A level of the Haar transform between lanes: tokens `distance` apart, of
  /// which each is the first of its lane's.
  void undoCoarse(Value &value, int64_t distance, bool whole) {
    int64_t groups = distance / kThreadRows;
    auto isZero = [&](int64_t mask) {
      return b.equal(b.both(group, b.index(mask)), b.index(0));
    };
    Value isUpper = b.equal(b.both(group, b.index(groups)), b.index(groups));
    Value isPart = isZero(groups - 1);
    if (!whole) {
      // There is a pair if the upper one of it is a token.
      Value upper = b.select(isUpper, firstToken, b.add(firstToken, distance));
      isPart = b.both(isPart, b.less(upper, seqLen));
      if (kernel.blocks.skip > 0)
        isPart =
            b.both(isPart, b.atMost(b.index(kernel.blocks.skip), firstToken));
    }
    Value other = b.exchange(value, 4 * groups);
    Value pair[] = {b.select(isUpper, other, value),
                    b.select(isUpper, value, other)};
    HaarAttr::get(b.getContext(), /*levels=*/1, /*skip=*/0)
        .emitBlock(b, pair, /*count=*/Value(), Direction::Inverse);
    value = b.select(isPart, b.select(isUpper, pair[1], pair[0]), value);
  }

  void storeRow(ValueRange values, Value to, Value token, Value channel,
                bool whole) {
    Value isToken;
    if (!whole)
      isToken = b.both(b.atMost(b.index(0), token), b.less(token, seqLen));
    auto storeIf = [&](Value condition, Value value, Value to) {
      if (isToken)
        condition = condition ? b.both(condition, isToken) : isToken;
      if (!condition)
        return b.store(value, to);
      b.branch(condition, [&] { b.store(value, to); });
    };
    bool hasEdge = kernel.channels % tile.columns != 0;
    auto isChannel = [&](int64_t u) {
      return hasEdge ? b.less(b.add(channel, u), b.index(kernel.channels))
                     : Value();
    };
    if (storesVectors())
      return storeIf(isChannel(0), b.combine(values), to);
    for (int64_t u = 0; u < 4; ++u)
      storeIf(isChannel(u), values[u], b.at(to, u * 4));
  }

  GPUKernelBuilder &b;
  const ProductKernel &kernel;
  const ProductTile tile;
  int64_t stages, weightBytes, stageBytes, steps;
  ValueRange arguments;
  Value shared;

  Value seqLen, tiles, sequence, firstRow, columnTile;
  Value thread, lane, warpRow, warpColumns;
  // Of copies: from global to shared memory.
  Value rowsFrom, rowsTo, weightFrom, weightTo;
  // Of fragments, in shared memory.
  Values rowFragments;
  Value weightFragments;
  // Of a lane's rows.
  Value group, firstToken;
  Values scales, zeroPoints, spread;
};
} // namespace

void stamp::emitProductKernel(GPUKernelBuilder &b, const GPUTarget &target,
                              const ProductKernel &kernel, ValueRange arguments,
                              Value shared) {
  ProductEmitter(b, target, kernel, arguments, shared).emit();
}
