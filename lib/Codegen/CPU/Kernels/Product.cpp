//===- Product.cpp - Panels times strips ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A task goes through a few strips of the weight, and through its rows once for
// each: the strip and the rows' codes stay near. A register tile accumulates
// one panel times one strip over all features. The accumulators become floats
// where they are; a block of rows undoes its transform, in registers when it is
// one panel and through a scratch of one strip's width otherwise; and each
// result is stored once.
//
//===----------------------------------------------------------------------===//

#include "Panels.h"

using namespace mlir;
using namespace stamp;

namespace {
/// Strips that a task takes on at most: enough to reuse rows, few enough to
/// share the work of short sequences.
constexpr int64_t stripsPerTask = 8;

class ProductEmitter {
public:
  ProductEmitter(KernelBuilder &b, const Panels &panels,
                 const PanelProduct &product, Value y)
      : b(b), panels(panels), product(product), y(y), rows(b, product.inverse),
        tile(b.tile) {
    // Without a transform every panel is a block of its own, whatever the
    // panels were made for.
    rows.shift = panels.rows.shift;
    if (!product.inverse)
      rows.skip = 0;
  }

  void emit() {
    int64_t numStrips = llvm::divideCeil(product.channels, b.stripWidth());
    int64_t rowsOfTask =
        std::max(b.target.getRowsPerTask(panels.features), rows.size);
    int64_t blocksOfTask = rowsOfTask / rows.size;
    Value blocks = rows.blocks(b, panels.seqLen);
    b.parallel({panels.batch, b.ceilDiv(blocks, blocksOfTask),
                b.index(llvm::divideCeil(numStrips, stripsPerTask))},
               [&](ValueRange at) {
                 batch = at[0];
                 Value firstBlock = b.mul(at[1], blocksOfTask);
                 Value endBlock =
                     b.min(b.add(firstBlock, blocksOfTask), blocks);
                 Value firstStrip = b.mul(at[2], stripsPerTask);
                 Value endStrip = b.min(b.add(firstStrip, stripsPerTask),
                                        b.index(numStrips));
                 scratch = b.alloc({rows.size, b.stripWidth()}, b.getF32Type());
                 b.loop(firstStrip, endStrip, 1, [&](Value strip) {
                   loadColumns(strip);
                   b.loop(firstBlock, endBlock, 1,
                          [&](Value block) { emitBlock(block); });
                 });
               });
  }

private:
  //===--- Columns ------------------------------------------------------===//

  void loadColumns(Value ofStrip) {
    strip = ofStrip;
    firstChannel = b.mul(strip, b.stripWidth());
    masks.clear();
    scales.clear();
    sums.clear();
    bias.clear();
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Value channel = b.add(firstChannel, v * b.lanes());
      Value mask;
      // Even strips have no vector that is cut.
      if (product.channels % b.stripWidth() != 0)
        mask = b.mask(b.sub(b.index(product.channels), channel));
      masks.push_back(mask);
      // A masked load reads nothing beyond the end, but its address must exist
      // as an offset.
      scales.push_back(b.load(product.columnScales, channel, mask));
      sums.push_back(b.load(product.columnSums, channel, mask));
      if (product.bias)
        bias.push_back(b.load(product.bias, channel, mask));
    }
  }

  //===--- Rows ---------------------------------------------------------===//

  void emitBlock(Value block) {
    Value firstRow = b.mul(block, rows.size);
    Value first = rows.token(b, firstRow);
    b.branch(
        rows.isWhole(b, first, panels.seqLen),
        [&] { emitWhole(firstRow, first); },
        [&] { emitPart(firstRow, first); });
  }

  /// All rows are tokens that are mixed.
  void emitWhole(Value firstRow, Value first) {
    if (rows.size == tile.rows) {
      finish(rescale(accumulate(firstRow, tile.rows), firstRow, first), first,
             /*whole=*/true);
      return;
    }
    for (int64_t r = 0; r < rows.size; r += tile.rows)
      keep(rescale(accumulate(b.add(firstRow, r), tile.rows),
                   b.add(firstRow, r), b.add(first, r)),
           r);
    finishScratch(first, /*whole=*/true);
  }

  /// Some rows are no tokens, or are skipped.
  void emitPart(Value firstRow, Value first) {
    b.loop(b.index(0), b.index(rows.size), tile.rows, [&](Value r) {
      Value row = b.add(firstRow, r), token = b.add(first, r);
      // The rows up to the last token.
      Value count = b.sub(panels.seqLen, token);
      emitFewRows(tile.rows, count, row, token, r);
    });
    finishScratch(first, /*whole=*/false);
  }

  /// The smallest tile that holds `count` rows; few of them are decoding.
  void emitFewRows(int64_t most, Value count, Value row, Value token, Value r) {
    auto emitTile = [&] {
      Values values = rescale(accumulate(row, most), row, token);
      keep(values, r);
    };
    if (most == 1) {
      b.branch(b.less(b.index(0), count), emitTile);
      return;
    }
    b.branch(b.less(b.index(most / 2), count), emitTile,
             [&] { emitFewRows(most / 2, count, row, token, r); });
  }

  //===--- Registers ----------------------------------------------------===//

  /// Σ over the features of `numRows` rows, for all vectors of the strip.
  Values accumulate(Value row, int64_t numRows) {
    Value panel = b.createOrFold<arith::DivUIOp>(row, b.index(tile.rows));
    Values start(numRows * tile.vectors, b.zeros(b.getI32Type()));
    int64_t perByte = product.weightBits == 4 ? 2 : 1;
    int64_t steps = panels.features / 4 / perByte;
    return b.loop(
        b.index(0), b.index(steps), 1, start,
        [&](Value step, ValueRange carried) {
          Values next(carried), bytes;
          for (int64_t v = 0; v < tile.vectors; ++v)
            bytes.push_back(vector::LoadOp::create(
                b, b.vectorOf(b.getI8Type(), 4 * b.lanes()), product.strips,
                ValueRange{strip, step, b.index(v * 4 * b.lanes())}));
          for (int64_t part = 0; part < perByte; ++part) {
            Values weights = unpack(bytes, part);
            for (int64_t r = 0; r < numRows; ++r) {
              Value four = vector::LoadOp::create(
                  b, b.vectorOf(b.getI8Type(), 4), panels.codes,
                  ValueRange{batch, panel,
                             b.add(b.mul(step, perByte * 4 * tile.rows),
                                   4 * (part * tile.rows + r))});
              for (int64_t v = 0; v < tile.vectors; ++v) {
                Value &sum = next[r * tile.vectors + v];
                sum = dot(four, weights[v], sum);
              }
            }
          }
          return next;
        });
  }

  /// The low or the high codes of bytes that hold two each. There are no shifts
  /// of bytes; what one of words brings in from the next byte is masked away.
  Values unpack(ValueRange bytes, int64_t part) {
    if (product.weightBits != 4)
      return Values(bytes);
    VectorType type = b.vectorOf(b.getI8Type(), 4 * b.lanes());
    VectorType words = b.vectorOf(b.getI16Type(), 2 * b.lanes());
    Value mask = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, b.getI8IntegerAttr(15)));
    Value four = arith::ConstantOp::create(
        b, DenseElementsAttr::get(words, b.getI16IntegerAttr(4)));
    Values codes;
    for (Value byte : bytes) {
      if (part == 1) {
        Value word = vector::BitCastOp::create(b, words, byte);
        byte = vector::BitCastOp::create(
            b, type, arith::ShRUIOp::create(b, word, four));
      }
      codes.push_back(arith::AndIOp::create(b, byte, mask));
    }
    return codes;
  }

  /// sum[n] + Σₖ four[k]·weights[n, k], as the one form that LowerDot.cpp knows
  /// the machine's instruction for.
  Value dot(Value four, Value weights, Value sum) {
    Type i32 = b.getI32Type();
    auto matrix = VectorType::get({b.lanes(), 4}, b.getI8Type());
    auto wide = VectorType::get({b.lanes(), 4}, i32);
    Value shaped = vector::ShapeCastOp::create(b, matrix, weights);
    Value left = arith::ExtSIOp::create(b, b.vectorOf(i32, 4), four);
    Value right = b.target.hasUnsignedWeights()
                      ? Value(arith::ExtUIOp::create(b, wide, shaped))
                      : Value(arith::ExtSIOp::create(b, wide, shaped));
    AffineExpr n = b.getAffineDimExpr(0), k = b.getAffineDimExpr(1);
    MLIRContext *context = b.getContext();
    Attribute iterators[] = {
        vector::IteratorTypeAttr::get(context, vector::IteratorType::parallel),
        vector::IteratorTypeAttr::get(context,
                                      vector::IteratorType::reduction)};
    return vector::ContractionOp::create(
        b, left, right, sum,
        b.getAffineMapArrayAttr({AffineMap::get(2, 0, {k}, context),
                                 AffineMap::get(2, 0, {n, k}, context),
                                 AffineMap::get(2, 0, {n}, context)}),
        b.getArrayAttr(iterators));
  }

  /// (s_x·s_w)·float(acc − z·c) [+ l·b], with the offset of the weight's bytes
  /// taken off first.
  Values rescale(ValueRange accumulators, Value row, Value token) {
    int64_t numRows = static_cast<int64_t>(accumulators.size()) / tile.vectors;
    int64_t offset = b.target.getWeightOffset(product.weightBits);
    Type floats = b.vectorOf(b.getF32Type(), b.lanes());
    Values results;
    for (int64_t r = 0; r < numRows; ++r) {
      Value at[] = {batch, b.add(row, r)};
      auto ofRow = [&](Value memory) {
        return Value(memref::LoadOp::create(b, memory, at));
      };
      Value scale = b.splat(ofRow(panels.scales));
      Value zeroPoint = b.splat(ofRow(panels.zeroPoints));
      Value surplus, spread;
      if (offset != 0)
        surplus = b.splat(arith::MulIOp::create(b, ofRow(panels.sums),
                                                b.constantI32(offset)));
      if (product.spread) {
        Value near =
            b.clamp(b.add(token, r), b.index(0), b.sub(panels.seqLen, 1));
        spread = b.splat(memref::LoadOp::create(b, product.spread, near));
      }
      for (int64_t v = 0; v < tile.vectors; ++v) {
        Value sum = accumulators[r * tile.vectors + v];
        if (surplus)
          sum = arith::SubIOp::create(b, sum, surplus);
        Value exact = arith::SubIOp::create(
            b, sum, arith::MulIOp::create(b, zeroPoint, sums[v]));
        Value value = b.mulF(b.mulF(scale, scales[v]),
                             arith::SIToFPOp::create(b, floats, exact));
        if (product.bias)
          value = b.addF(value, spread ? b.mulF(spread, bias[v]) : bias[v]);
        results.push_back(value);
      }
    }
    return results;
  }

  //===--- Results ------------------------------------------------------===//

  void keep(ValueRange values, int64_t row) { keep(values, b.index(row)); }

  void keep(ValueRange values, Value row) {
    for (size_t i = 0; i < values.size(); ++i)
      b.store(values[i], scratch,
              {b.add(row, static_cast<int64_t>(i) / tile.vectors),
               b.index(static_cast<int64_t>(i) % tile.vectors * b.lanes())});
  }

  void finishScratch(Value first, bool whole) {
    b.loop(b.index(0), b.index(tile.vectors), 1, [&](Value v) {
      Value column = b.mul(v, b.lanes());
      Values values;
      for (int64_t r = 0; r < rows.size; ++r)
        values.push_back(b.load(scratch, {b.index(r), column}));
      undo(values, first, whole);
      Value channel = b.add(firstChannel, column);
      Value mask;
      if (product.channels % b.stripWidth() != 0)
        mask = b.mask(b.sub(b.index(product.channels), channel));
      for (int64_t r = 0; r < rows.size; ++r)
        storeRow(values[r], b.add(first, r), channel, mask, whole);
    });
  }

  void finish(Values values, Value first, bool whole) {
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Values column;
      for (int64_t r = 0; r < rows.size; ++r)
        column.push_back(values[r * tile.vectors + v]);
      undo(column, first, whole);
      for (int64_t r = 0; r < rows.size; ++r)
        storeRow(column[r], b.add(first, r), b.add(firstChannel, v * b.lanes()),
                 masks[v], whole);
    }
  }

  void undo(Values &values, Value first, bool whole) {
    if (!product.inverse)
      return;
    for (Value &value : values)
      value = b.roundTo(value, product.rescaledType);
    for (int64_t part = 0; part < rows.size; part += rows.basisSize) {
      Value count;
      if (!whole)
        count = rows.mixed(b, b.add(first, part), panels.seqLen);
      product.inverse.emitBlock(
          b, MutableArrayRef(values).slice(part, rows.basisSize), count,
          Direction::Inverse);
    }
  }

  void storeRow(Value value, Value token, Value channel, Value mask,
                bool whole) {
    auto store = [&] { b.store(value, y, {batch, token, channel}, mask); };
    if (whole)
      return store();
    b.branch(b.both(b.atMost(b.index(0), token), b.less(token, panels.seqLen)),
             store);
  }

  KernelBuilder &b;
  const Panels &panels;
  const PanelProduct &product;
  Value y;
  RowBlocks rows;
  RegisterTile tile;

  // Of the loops around what is being emitted.
  Value batch, strip, firstChannel, scratch;
  Values masks, scales, sums, bias;
};
} // namespace

void stamp::emitPanelProduct(KernelBuilder &b, const Panels &panels,
                             const PanelProduct &product, Value y) {
  ProductEmitter(b, panels, product, y).emit();
}
