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
// With groups of features a register tile becomes floats once for each: its
// sums of floats wait, wherever there is room, while a group is accumulated.
//
//===----------------------------------------------------------------------===//

#include "Panels.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace stamp;

namespace {
/// Products that are worth a task: about a microsecond.
constexpr int64_t leastProducts = int64_t{1} << 17;

class ProductEmitter {
public:
  ProductEmitter(KernelBuilder &b, const Panels &panels,
                 const PanelProduct &product, Value y)
      : b(b), panels(panels), product(product), y(y),
        // Without a transform every panel is a block of its own, whatever the
        // panels were made for.
        rows(product.inverse ? panels.rows : panels.rows.withoutBasis(b)),
        tile(b.tile) {}

  void emit() {
    int64_t numStrips = llvm::divideCeil(product.channels, b.stripWidth());
    int64_t rowsOfTask =
        std::max(b.target.getRowsPerTask(panels.features), rows.size);
    int64_t blocksOfTask = rowsOfTask / rows.size;
    int64_t stripsOfTask = getStripsPerTask(rowsOfTask);
    Value blocks = rows.blocks(b, panels.seqLen);
    b.parallel({panels.batch, b.ceilDiv(blocks, blocksOfTask),
                b.index(llvm::divideCeil(numStrips, stripsOfTask))},
               [&](ValueRange at) {
                 batch = at[0];
                 tokens = panels.countTokens(b, batch);
                 Value firstBlock = b.mul(at[1], blocksOfTask);
                 Value endBlock =
                     b.min(b.add(firstBlock, blocksOfTask), blocks);
                 Value firstStrip = b.mul(at[2], stripsOfTask);
                 Value endStrip =
                     b.min(b.add(firstStrip, stripsOfTask), b.index(numStrips));
                 emitStrips(firstStrip, endStrip, firstBlock, endBlock);
               });
  }

private:
  /// As few as are worth a task: threads then get equal shares. One thread's
  /// tasks are neighbours, so that its rows stay near all the same.
  int64_t getStripsPerTask(int64_t rowsOfTask) const {
    auto seqLen = getConstantIntValue(panels.seqLen);
    int64_t numRows = std::min(seqLen.value_or(1), rowsOfTask);
    int64_t products =
        std::max<int64_t>(numRows, 1) * panels.features * b.stripWidth();
    return llvm::divideCeil(leastProducts, std::max<int64_t>(products, 1));
  }

  void emitStrips(Value firstStrip, Value endStrip, Value firstBlock,
                  Value endBlock) {
    auto emitMany = [&] {
      scratch = b.alloc({rows.size, b.stripWidth()}, b.getF32Type());
      b.loop(firstStrip, endStrip, 1, [&](Value strip) {
        loadColumns(strip);
        b.loop(firstBlock, endBlock, 1, [&](Value block) { emitBlock(block); });
      });
    };
    Value isAlone = panels.isAlone(b);
    if (!isAlone)
      return emitMany();
    b.branch(
        isAlone,
        [&] {
          b.loop(firstStrip, endStrip, 1, [&](Value strip) {
            loadColumns(strip);
            emitAlone();
          });
        },
        emitMany);
  }

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
      if (!hasGroups(product.columnScales))
        scales.push_back(b.load(product.columnScales, channel, mask));
      if (!hasGroups(product.columnSums))
        sums.push_back(b.load(product.columnSums, channel, mask));
      if (product.bias)
        bias.push_back(b.load(product.bias, channel, mask));
    }
  }

  //===--- Rows ---------------------------------------------------------===//

  void emitBlock(Value block) {
    Value firstRow = b.mul(block, rows.size);
    Value first = rows.token(b, firstRow);
    if (rows.areWhole())
      return emitWhole(firstRow, first);
    b.branch(
        rows.isWhole(b, first, tokens), [&] { emitWhole(firstRow, first); },
        [&] { emitPart(firstRow, first); });
  }

  /// The only token of a sequence, which no basis mixes.
  void emitAlone() {
    llvm::SaveAndRestore<int64_t> oneRow(panelRows, 1);
    Value zero = b.index(0);
    Values values = multiply(zero, zero, /*numRows=*/1);
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Value value = values[v];
      if (product.inverse)
        value = b.roundTo(value, product.rescaledType);
      Value channel = b.add(firstChannel, v * b.lanes());
      withMask(channel, [&](Value mask) {
        storeRow(value, zero, channel, mask, /*whole=*/true);
      });
    }
  }

  /// All rows are tokens that are mixed.
  void emitWhole(Value firstRow, Value first) {
    if (rows.size == tile.rows) {
      finish(multiply(firstRow, first, tile.rows), first, /*whole=*/true);
      return;
    }
    b.loop(b.index(0), b.index(rows.size), tile.rows, [&](Value r) {
      Value row = b.add(firstRow, r);
      keep(multiply(row, rows.token(b, row), tile.rows), r);
    });
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
      Values values = multiply(row, token, most);
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

  /// y of `numRows` rows, for all vectors of the strip.
  Values multiply(Value row, Value token, int64_t numRows) {
    if (panels.groups)
      return addBias(sumGroups(row, numRows), token);
    Values start(numRows * tile.vectors, b.zeros(b.getI32Type()));
    return rescale(
        accumulate(row, start, b.index(0), b.index(stepsOf(panels.features))),
        row, token);
  }

  int64_t perByte() const { return product.weightBits == 4 ? 2 : 1; }
  int64_t stepsOf(int64_t features) const { return features / 4 / perByte(); }

  /// Few rows leave registers for sums of their own for the high codes of the
  /// bytes, 16 times too large: then these codes need no shift. What is read
  /// once, as in decoding, waits for nothing else but memory.
  bool keepsHighApart(int64_t numRows) const {
    return perByte() == 2 && b.target.takesWholeBytes() &&
           (2 * numRows + 2) * tile.vectors < b.target.registers;
  }

  /// Adds up the features in some steps of the strip, for all of its vectors.
  Values accumulate(Value row, const Values &start, Value firstStep,
                    Value endStep) {
    Value panel = b.createOrFold<arith::DivUIOp>(row, b.index(tile.rows));
    int64_t numRows = static_cast<int64_t>(start.size()) / tile.vectors;
    int64_t perByte = this->perByte();
    bool apart = keepsHighApart(numRows);
    Values carried = start;
    if (apart)
      carried.append(start.size(), b.zeros(b.getI32Type()));
    Values sums = b.loop(
        firstStep, endStep, 1, carried, [&](Value step, ValueRange carried) {
          Values next(carried), bytes;
          for (int64_t v = 0; v < tile.vectors; ++v)
            bytes.push_back(vector::LoadOp::create(
                b, b.vectorOf(b.getI8Type(), 4 * b.lanes()), product.strips,
                ValueRange{strip, step, b.index(v * 4 * b.lanes())}));
          for (int64_t part = 0; part < perByte; ++part) {
            Values weights = unpack(bytes, part, /*shift=*/!apart);
            size_t first = apart && part == 1 ? start.size() : 0;
            for (int64_t r = 0; r < numRows; ++r) {
              Value four = vector::LoadOp::create(
                  b, b.vectorOf(b.getI8Type(), 4), panels.codes,
                  ValueRange{batch, panel,
                             b.add(b.mul(step, perByte * 4 * panelRows),
                                   4 * (part * panelRows + r))});
              for (int64_t v = 0; v < tile.vectors; ++v) {
                Value &sum = next[first + r * tile.vectors + v];
                sum = dot(four, weights[v], sum);
              }
            }
          }
          return next;
        });
    if (!apart)
      return sums;
    Value four = arith::ConstantOp::create(
        b, DenseElementsAttr::get(b.vectorOf(b.getI32Type(), b.lanes()),
                                  b.getI32IntegerAttr(4)));
    Values both;
    for (size_t i = 0; i < start.size(); ++i)
      both.push_back(arith::AddIOp::create(
          b, sums[i], arith::ShRSIOp::create(b, sums[start.size() + i], four)));
    return both;
  }

  /// The low or the high codes of bytes that hold two each; the high ones stay
  /// high unless they are to `shift`. There are no shifts of bytes; what one of
  /// words brings in from the next byte is masked away.
  Values unpack(ValueRange bytes, int64_t part, bool shift) {
    if (product.weightBits != 4)
      return Values(bytes);
    VectorType type = b.vectorOf(b.getI8Type(), 4 * b.lanes());
    VectorType words = b.vectorOf(b.getI16Type(), 2 * b.lanes());
    bool isHigh = part == 1;
    Value mask = arith::ConstantOp::create(
        b, DenseElementsAttr::get(
               type, b.getI8IntegerAttr(isHigh && !shift ? -16 : 15)));
    Value four = arith::ConstantOp::create(
        b, DenseElementsAttr::get(words, b.getI16IntegerAttr(4)));
    Values codes;
    for (Value byte : bytes) {
      if (isHigh && shift) {
        Value word = vector::BitCastOp::create(b, words, byte);
        byte = vector::BitCastOp::create(b, type,
                                         arith::ShRUIOp::create(b, word, four));
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
      if (product.spread)
        spread = spreadOf(token, r);
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

  /// What the bias is multiplied by in the row that is `row` rows behind the
  /// one of `token`.
  Value spreadOf(Value token, int64_t row) {
    Value near = b.clamp(b.add(token, rows.distance(row)), b.index(0),
                         b.sub(panels.seqLen, 1));
    Values at = {rows.coefficient(b, near)};
    if (cast<MemRefType>(product.spread.getType()).getRank() == 2)
      at.insert(at.begin(), batch);
    return b.splat(memref::LoadOp::create(b, product.spread, at));
  }

  //===--- Groups -------------------------------------------------------===//

  static bool hasGroups(Value columns) {
    return cast<MemRefType>(columns.getType()).getRank() == 2;
  }

  /// Σ_g (s_x·s_w)·float(acc_g − z·c_g)
  Values sumGroups(Value row, int64_t numRows) {
    int64_t size = panels.groups->size, steps = stepsOf(panels.features);
    // −0 + y is y, for y = 0 as well.
    Values start(numRows * tile.vectors, b.splat(b.constant(-0.0f)));
    // Padding may look like a group more.
    int64_t features = cast<MemRefType>(panels.x.getType()).getDimSize(2);
    return b.loop(b.index(0), b.index(llvm::divideCeil(features, size)), 1,
                  start, [&](Value group, ValueRange carried) {
                    Value first = b.mul(group, stepsOf(size));
                    Value end = b.add(first, stepsOf(size));
                    if (panels.features % size != 0)
                      end = b.min(end, b.index(steps));
                    Values exact = accumulate(
                        row, startGroup(row, numRows, group), first, end);
                    return addGroup(carried, exact, row, group);
                  });
  }

  /// −z·c_g, and what takes the offset of the weight's bytes off: accumulators
  /// that start so have nothing to be corrected when they are complete.
  Values startGroup(Value row, int64_t numRows, Value group) {
    int64_t offset = b.target.getWeightOffset(product.weightBits);
    Values columns = columnsOf(product.columnSums, sums, group), start;
    for (int64_t r = 0; r < numRows; ++r) {
      Value zeroPoint = b.splat(ofRow(panels.zeroPoints, b.add(row, r), group));
      Value surplus = b.zeros(b.getI32Type());
      if (offset != 0)
        surplus = b.splat(
            arith::MulIOp::create(b, ofRow(panels.sums, b.add(row, r), group),
                                  b.constantI32(-offset)));
      for (Value column : columns)
        start.push_back(arith::SubIOp::create(
            b, surplus, arith::MulIOp::create(b, zeroPoint, column)));
    }
    return start;
  }

  Values addGroup(ValueRange carried, ValueRange exact, Value row,
                  Value group) {
    Type floats = b.vectorOf(b.getF32Type(), b.lanes());
    Values columns = columnsOf(product.columnScales, scales, group), next;
    int64_t numRows = static_cast<int64_t>(exact.size()) / tile.vectors;
    for (int64_t r = 0; r < numRows; ++r) {
      Value scale = b.splat(ofRow(panels.scales, b.add(row, r), group));
      for (int64_t v = 0; v < tile.vectors; ++v) {
        int64_t i = r * tile.vectors + v;
        Value value = b.mulF(b.mulF(scale, columns[v]),
                             arith::SIToFPOp::create(b, floats, exact[i]));
        next.push_back(b.addF(carried[i], value));
      }
    }
    return next;
  }

  Values addBias(Values values, Value token) {
    if (!product.bias)
      return values;
    for (size_t i = 0; i < values.size(); ++i) {
      Value added = bias[i % tile.vectors];
      if (product.spread)
        added = b.mulF(spreadOf(token, static_cast<int64_t>(i) / tile.vectors),
                       added);
      values[i] = b.addF(values[i], added);
    }
    return values;
  }

  /// A row's number in `memory`: that of the group, if groups have their own.
  Value ofRow(Value memory, Value row, Value group) {
    Values at = {batch, row};
    if (cast<MemRefType>(memory.getType()).getRank() == 3)
      at.push_back(group);
    return memref::LoadOp::create(b, memory, at);
  }

  /// The same of the strip's columns; `ofAll` are those of all groups.
  Values columnsOf(Value memory, const Values &ofAll, Value group) {
    if (!hasGroups(memory))
      return ofAll;
    Values columns;
    for (int64_t v = 0; v < tile.vectors; ++v)
      columns.push_back(b.load(
          memory, {group, b.add(firstChannel, v * b.lanes())}, masks[v]));
    return columns;
  }

  //===--- Results ------------------------------------------------------===//

  void keep(ValueRange values, Value row) {
    for (size_t i = 0; i < values.size(); ++i)
      b.store(values[i], scratch,
              {b.add(row, static_cast<int64_t>(i) / tile.vectors),
               b.index(static_cast<int64_t>(i) % tile.vectors * b.lanes())});
  }

  void finishScratch(Value first, bool whole) {
    b.loop(b.index(0), b.index(tile.vectors), 1, [&](Value v) {
      Value column = b.mul(v, b.lanes());
      finishColumn(first, b.add(firstChannel, column), whole, [&](int64_t r) {
        return b.load(scratch, {b.index(r), column});
      });
    });
  }

  void finish(Values values, Value first, bool whole) {
    for (int64_t v = 0; v < tile.vectors; ++v)
      finishColumn(first, b.add(firstChannel, v * b.lanes()), whole,
                   [&](int64_t r) { return values[r * tile.vectors + v]; });
  }

  /// The inverse transform of one vector of channels, and its store.
  void finishColumn(Value first, Value channel, bool whole,
                    function_ref<Value(int64_t)> load) {
    withMask(channel, [&](Value mask) {
      auto store = [&](int64_t r, Value value) {
        storeRow(value, b.add(first, rows.distance(r)), channel, mask, whole);
      };
      if (product.inverse)
        return rows.mix(
            b, first, tokens, whole, Direction::Inverse,
            [&](int64_t r) { return b.roundTo(load(r), product.rescaledType); },
            store);
      for (int64_t r = 0; r < rows.size; ++r)
        store(r, load(r));
    });
  }

  /// Emits what stores a vector of channels under its mask: null if all exist.
  void withMask(Value channel, function_ref<void(Value)> emit) {
    if (product.channels % b.stripWidth() == 0)
      return emit(Value());
    Value channels = b.index(product.channels);
    // Vectors that are there in whole or not at all need no mask.
    if (product.channels % b.lanes() == 0)
      return b.branch(b.less(channel, channels), [&] { emit(Value()); });
    emit(b.mask(b.sub(channels, channel)));
  }

  void storeRow(Value value, Value token, Value channel, Value mask,
                bool whole) {
    auto row = [&] {
      return product.inverse ? token : rows.coefficient(b, token);
    };
    if (whole)
      return b.storeOnce(value, y, {batch, row(), channel}, mask);
    b.branch(b.both(b.atMost(b.index(0), token), b.less(token, panels.seqLen)),
             [&] { b.store(value, y, {batch, row(), channel}, mask); });
  }

  KernelBuilder &b;
  const Panels &panels;
  const PanelProduct &product;
  Value y;
  RowBlocks rows;
  RegisterTile tile;
  int64_t panelRows = tile.rows; ///< that stand together in the codes

  // Of the loops around what is being emitted.
  Value batch, strip, firstChannel, scratch;
  TokenCount tokens;
  Values masks, scales, sums, bias;
};
} // namespace

void stamp::emitPanelProduct(KernelBuilder &b, const Panels &panels,
                             const PanelProduct &product, Value y) {
  ProductEmitter(b, panels, product, y).emit();
}
