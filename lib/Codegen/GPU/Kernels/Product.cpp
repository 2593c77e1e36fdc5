//===- Product.cpp - Rows of codes times a weight ---------------*- C++ -*-===//
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

#include "ProductParts.h"

using namespace mlir;
using namespace stamp;

/// Rows that a thread has of a warp's tile.
static constexpr int64_t kThreadRows = 8;

static int64_t getRowsBytes(const ProductTile &tile) {
  return tile.rows * tile.depth;
}
static int64_t getWeightBytes(const ProductTile &tile, int64_t bits) {
  return tile.columns * tile.depth * bits / 8;
}

/// As many as shared memory has room for.
static int64_t getStages(const GPUTarget &target, int64_t weightBits) {
  const ProductTile &tile = target.productTile;
  int64_t stage = getRowsBytes(tile) + getWeightBytes(tile, weightBits);
  return std::min(tile.stages, GPUTarget::staticSharedBytes / stage);
}

int64_t stamp::getProductSharedBytes(const GPUTarget &target,
                                     int64_t weightBits) {
  if (target.hasWgmma)
    return getWarpgroupSharedBytes(target);
  const ProductTile &tile = target.productTile;
  return getStages(target, weightBits) *
         (getRowsBytes(tile) + getWeightBytes(tile, weightBits));
}

namespace {
class ProductEmitter {
public:
  ProductEmitter(GPUKernelBuilder &b, const GPUTarget &target,
                 const ProductKernel &kernel, ValueRange arguments,
                 Value shared)
      : b(b), kernel(kernel), tile(target.productTile),
        stages(getStages(target, kernel.weightBits)),
        weightBytes(getWeightBytes(tile, kernel.weightBits)),
        stageBytes(getRowsBytes(tile) + weightBytes),
        steps(kernel.paddedFeatures / tile.depth), arguments(arguments),
        shared(shared), place(b, tile, arguments) {
    assert(tile.depth == 4 * kChunk && tile.warpRows == 8 * kThreadRows &&
           tile.rows * 4 % tile.threads() == 0);
    thread = b.thread();
    lane = b.rem(thread, 32);
    Value warp = b.div(thread, 32);
    int64_t warpsOfRows = tile.rows / tile.warpRows;
    warpRow = b.mul(b.rem(warp, warpsOfRows), tile.warpRows);
    warpColumns = b.div(warp, warpsOfRows);
  }

  void emit() {
    Values sums = accumulate();
    finishSums(b, kernel.weightBits, sums);
    // The eight tokens of this lane.
    Value group = b.div(lane, 4);
    Value row = b.add(warpRow, b.mul(group, kThreadRows));
    ResultEmitter results(
        b, tile, kernel, arguments, place,
        {kThreadRows, row, group, /*lanes=*/4, /*shared=*/Value()});
    results.forEachKind([&](bool isWhole) {
      for (int64_t quad = 0; quad < columnTiles() / 2; ++quad) {
        Value channel = b.add(
            b.add(place.firstChannel, b.mul(warpColumns, tile.warpColumns)),
            b.add(b.mul(b.rem(lane, 4), 4), quad * 16));
        auto sumOf = [&](int64_t u, int64_t i) {
          return sum(sums, i / 2, 2 * quad + u / 2, 2 * (i % 2) + u % 2);
        };
        results.finish(channel, sumOf, isWhole);
      }
    });
  }

private:
  //===--- Copies -------------------------------------------------------===//

  /// Prepares this thread's copies: 16 bytes each, of a few rows and of the
  /// weight.
  void prepareCopies() {
    Value row = b.div(thread, 4), chunk = b.rem(thread, 4);
    // Row i·8 + g of a warp's tile is token 8·g + i.
    Value token = b.add(b.mul(b.rem(row, 8), 8), b.div(row, 8));
    Value rowOfAll = b.add(place.firstOfAll, token);
    rowsFrom = b.at(
        b.global(arguments[0]),
        b.add(b.mul(rowOfAll, kernel.paddedFeatures), b.mul(chunk, kChunk)));
    Value slot = b.exclusiveOr(chunk, b.rem(b.div(row, 2), 4));
    rowsTo = b.at(shared, b.add(b.mul(row, tile.depth), b.mul(slot, kChunk)));
    Value own = b.mul(thread, kChunk);
    weightFrom = b.at(
        b.global(arguments[3]),
        b.add(b.mul(b.block(gpu::Dimension::y), steps * weightBytes), own));
    weightTo = b.at(shared, b.add(own, getRowsBytes(tile)));
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
      copyChunk(b, b.at(to, row * tile.depth),
                b.at(from, token * kernel.paddedFeatures));
    }
    from = b.at(weightFrom, b.mul(step, weightBytes));
    to = b.at(weightTo, stage);
    for (int64_t byte = 0; byte < weightBytes; byte += tile.threads() * kChunk)
      copyChunk(b, b.at(to, byte), b.at(from, byte));
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
    return Ring{stages, stageBytes}.sumUp(
        b, b.index(0), b.index(steps), /*stride=*/1,
        Values(rowTiles() * columnTiles() * 4, b.constantI32(0)),
        [&](Value step, Value stage) {
          // A step that is not there is the last one again, for nobody.
          startCopies(b.min(step, b.index(steps - 1)), stage);
          NVVM::CpAsyncCommitGroupOp::create(b);
        },
        [&] { b.barrier(); },
        [&](Values &sums, Value stage) { multiply(sums, stage); });
  }

  /// Where this lane reads its parts of fragments.
  void prepareFragments() {
    Value row = b.rem(lane, 16);
    Value rowBytes = b.mul(b.add(warpRow, row), tile.depth);
    for (int64_t run = 0; run < tile.depth / 32; ++run) {
      Value chunk = b.add(b.div(lane, 16), run * 2);
      Value slot = b.exclusiveOr(chunk, b.rem(b.div(row, 2), 4));
      rowFragments.push_back(
          b.at(shared, b.add(rowBytes, b.mul(slot, kChunk))));
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

  GPUKernelBuilder &b;
  const ProductKernel &kernel;
  const ProductTile tile;
  int64_t stages, weightBytes, stageBytes, steps;
  ValueRange arguments;
  Value shared;

  const TilePlace place;
  Value thread, lane, warpRow, warpColumns;
  // Of copies: from global to shared memory.
  Value rowsFrom, rowsTo, weightFrom, weightTo;
  // Of fragments, in shared memory.
  Values rowFragments;
  Value weightFragments;
};
} // namespace

void stamp::emitProductKernel(GPUKernelBuilder &b, const GPUTarget &target,
                              const ProductKernel &kernel, ValueRange arguments,
                              Value shared) {
  if (target.hasWgmma)
    return emitWarpgroupProduct(b, target, kernel, arguments, shared);
  ProductEmitter(b, target, kernel, arguments, shared).emit();
}
