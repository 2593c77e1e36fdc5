//===- Quantize.cpp - Tokens to panels of codes -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A block of neighbouring tokens is loaded a vector of features at a time and
// transformed in registers; then its rows are transformed along the features
// one by one, and each panel's rows are reduced to their ranges, quantized and
// packed. What is between these steps stays in the second-level cache, so that
// X is read once and codes are written once.
//
// The order of float operations is that of docs/Semantics.md.
//
//===----------------------------------------------------------------------===//

#include "Panels.h"

#include "stamp/Basis/Quantizer.h"
#include "stamp/IR/RowWidth.h"
#include "stamp/IR/TokenBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace stamp;

int64_t stamp::padFeatures(const KernelBuilder &b, int64_t features) {
  return llvm::alignTo(features, std::max<int64_t>(b.lanes(), featuresOfStep));
}

//===----------------------------------------------------------------------===//
// Transform
//===----------------------------------------------------------------------===//

namespace {
/// A block of tokens, transformed, in f32: rows × padded features.
class BlockTransform {
public:
  BlockTransform(KernelBuilder &b, const RowBlocks &rows, Type transformed,
                 const FeatureTransforms &ofFeatures, Value x,
                 TokenCount tokens, int64_t paddedFeatures)
      : b(b), rows(rows), transformed(transformed), ofFeatures(ofFeatures),
        x(x), features(cast<MemRefType>(x.getType()).getDimSize(2)),
        paddedFeatures(paddedFeatures), tokens(tokens) {}

  void emit(Value batch, Value first, Value block) {
    if (rows.areWhole())
      return emitChunks(batch, first, block, /*whole=*/true);
    b.branch(
        rows.isWhole(b, first, tokens),
        [&] { emitChunks(batch, first, block, /*whole=*/true); },
        [&] { emitChunks(batch, first, block, /*whole=*/false); });
    ofFeatures.emitRotations(block, rows.size);
  }

  /// The only token of a sequence, which no basis mixes.
  void emitAlone(Value batch, Value block) {
    forEachChunk([&](Value feature, Value mask) {
      Value value = b.load(x, {batch, b.index(0), feature}, mask);
      if (transformed)
        value = b.roundTo(value, transformed);
      b.store(ofFeatures.emitScales(value, feature), block,
              {b.index(0), feature});
    });
    ofFeatures.emitRotations(block, /*numRows=*/1);
  }

private:
  void emitChunks(Value batch, Value first, Value block, bool whole) {
    forEachChunk([&](Value feature, Value mask) {
      auto token = [&](int64_t r) { return b.add(first, rows.distance(r)); };
      if (whole)
        prefetch(batch, token, feature);
      auto loadRow = [&](int64_t r) {
        return load(batch, token(r), feature, mask, whole);
      };
      auto storeRow = [&](int64_t r, Value value) {
        if (transformed)
          value = b.roundTo(value, transformed);
        b.store(ofFeatures.emitScales(value, feature), block,
                {b.index(r), feature});
      };
      if (transformed)
        return rows.mix(b, first, tokens, whole, Direction::Forward, loadRow,
                        storeRow);
      for (int64_t r = 0; r < rows.size; ++r)
        storeRow(r, loadRow(r));
    });
  }

  /// A machine sees by itself that a few rows are read in order, but not many.
  void prefetch(Value batch, function_ref<Value(int64_t)> token,
                Value feature) {
    constexpr int64_t vectorsAhead = 4;
    constexpr unsigned toSecondLevel = 2;
    if (rows.size == b.tile.rows)
      return;
    for (int64_t r = 0; r < rows.size; ++r) {
      Value row = transformed ? token(r) : rows.coefficient(b, token(r));
      memref::PrefetchOp::create(
          b, x,
          ValueRange{batch, row, b.add(feature, vectorsAhead * b.lanes())},
          /*isWrite=*/false, toSecondLevel, /*isDataCache=*/true);
    }
  }

  /// The vectors of a row, the last ones under a mask.
  void forEachChunk(llvm::function_ref<void(Value, Value)> chunk) {
    int64_t full = features / b.lanes() * b.lanes();
    if (full > 0)
      b.loop(b.index(0), b.index(full), b.lanes(),
             [&](Value feature) { chunk(feature, Value()); });
    for (int64_t feature = full; feature < paddedFeatures; feature += b.lanes())
      chunk(b.index(feature),
            b.mask(b.index(std::max<int64_t>(features - feature, 0))));
  }

  Value load(Value batch, Value token, Value feature, Value mask, bool whole) {
    if (whole) {
      Value row = transformed ? token : rows.coefficient(b, token);
      return b.load(x, {batch, row, feature}, mask);
    }
    // There is at least one token where there is a block.
    Value near = b.clamp(token, b.index(0), b.sub(tokens.all, 1));
    Value value = b.load(x, {batch, near, feature}, mask);
    Value exists = createOrFoldEqual(token, near);
    return b.select(exists, value, b.zeros(b.getF32Type()));
  }

  Value createOrFoldEqual(Value left, Value right) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, left, right);
  }

  KernelBuilder &b;
  const RowBlocks &rows;
  Type transformed;
  const FeatureTransforms &ofFeatures;
  Value x;
  int64_t features, paddedFeatures;
  TokenCount tokens;
};

//===----------------------------------------------------------------------===//
// Quantizer
//===----------------------------------------------------------------------===//

/// What a row's codes are computed with.
struct RowQuantizer {
  Value scale, zeroPoint; ///< as stored
  Value inverse, zero, low, high;
};

class PanelQuantizer {
public:
  PanelQuantizer(KernelBuilder &b, ScheduleAttr schedule,
                 BasisAttrInterface order, int64_t features, TokenCount tokens,
                 int64_t numRows)
      : b(b), schedule(schedule), order(order), features(features),
        tokens(tokens), numRows(numRows) {
    OpFoldResult valid = getAsOpFoldResult(tokens.valid);
    for (OpFoldResult end : schedule.getEnds(b, b.getLoc(), valid))
      ends.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), end));
  }

  /// The first `numRows` rows from `firstRow` on in `block`, which are tokens
  /// `token`, …, go to panel `panel` of the batch's sequence.
  void emit(const Panels &panels, Value batch, Value panel, Value block,
            Value firstRow, Value token) {
    PanelRows rows = {batch, panel, block, firstRow, token};
    Run all = {b.index(0), features, Value()};
    if (!panels.groups) {
      SmallVector<RowQuantizer> quantizers = emitQuantizers(panels, rows, all);
      emitCodes(panels, rows, all, quantizers);
      return;
    }
    SmallVector<RowQuantizer> ofRows;
    if (!panels.groups->ofRows)
      ofRows = emitQuantizers(panels, rows, all);
    auto emitGroup = [&](Value group, int64_t count) {
      Run run = {b.mul(group, panels.groups->size), count, group};
      emitCodes(panels, rows, run,
                panels.groups->ofRows ? emitQuantizers(panels, rows, run)
                                      : ofRows);
    };
    int64_t size = panels.groups->size, whole = features / size;
    b.loop(b.index(0), b.index(whole), 1,
           [&](Value group) { emitGroup(group, size); });
    if (features % size != 0)
      emitGroup(b.index(whole), features % size);
  }

private:
  /// Where a panel comes from and goes to.
  struct PanelRows {
    Value batch, panel, block, firstRow, token;
  };

  /// Neighbouring features: all of them, or a group.
  struct Run {
    Value first;
    int64_t count;
    Value group;
  };

  struct Range {
    Value low, high;
    Value isKnown; ///< no value is a NaN
  };

  void storePerRow(Value memory, ArrayRef<Value> values, const PanelRows &rows,
                   Value group) {
    Value first = b.mul(rows.panel, b.tile.rows);
    for (auto [r, value] : llvm::enumerate(values)) {
      Values at = {rows.batch, b.add(first, static_cast<int64_t>(r))};
      if (group)
        at.push_back(group);
      memref::StoreOp::create(b, value, memory, at);
    }
  }

  /// What the rows are quantized with, also stored.
  SmallVector<RowQuantizer>
  emitQuantizers(const Panels &panels, const PanelRows &rows, const Run &run) {
    SmallVector<RowQuantizer> quantizers;
    Values scales, zeroPoints;
    for (auto [r, range] : llvm::enumerate(emitRanges(rows, run))) {
      Value token =
          b.add(rows.token, panels.rows.distance(static_cast<int64_t>(r)));
      quantizers.push_back(emitQuantizer(range, token, panels.rows));
      scales.push_back(quantizers.back().scale);
      zeroPoints.push_back(quantizers.back().zeroPoint);
    }
    storePerRow(panels.scales, scales, rows, run.group);
    storePerRow(panels.zeroPoints, zeroPoints, rows, run.group);
    return quantizers;
  }

  /// Comparisons as machines have them drop a NaN, but x·0 keeps it.
  SmallVector<Range> emitRanges(const PanelRows &from, const Run &run) {
    int64_t rows = numRows;
    Value zero = b.zeros(b.getF32Type());
    Values start(3 * rows, zero);
    Values result =
        b.loop(run.first, b.add(run.first, padFeatures(b, run.count)),
               b.lanes(), start, [&](Value feature, ValueRange carried) {
                 Values next;
                 for (int64_t r = 0; r < rows; ++r) {
                   Value x =
                       b.load(from.block, {b.add(from.firstRow, r), feature});
                   Value low = carried[3 * r], high = carried[3 * r + 1];
                   next.push_back(b.select(b.lessF(x, low), x, low));
                   next.push_back(b.select(b.lessF(high, x), x, high));
                   next.push_back(b.addF(carried[3 * r + 2], b.mulF(x, zero)));
                 }
                 return next;
               });
    SmallVector<Range> ranges;
    Type ints = b.vectorOf(b.getI32Type(), b.lanes());
    for (int64_t r = 0; r < rows; ++r) {
      Value bits = arith::BitcastOp::create(b, ints, result[3 * r + 2]);
      Value all =
          vector::ReductionOp::create(b, vector::CombiningKind::OR, bits);
      // ±0 unless there was one.
      Value magnitude =
          arith::AndIOp::create(b, all, b.constantI32(0x7fffffff));
      ranges.push_back(
          {vector::ReductionOp::create(b, vector::CombiningKind::MINNUMF,
                                       result[3 * r]),
           vector::ReductionOp::create(b, vector::CombiningKind::MAXNUMF,
                                       result[3 * r + 1]),
           arith::CmpIOp::create(b, arith::CmpIPredicate::eq, magnitude,
                                 b.constantI32(0))});
    }
    return ranges;
  }

  RowQuantizer emitQuantizer(const Range &range, Value token,
                             const RowBlocks &blocks) {
    auto [steps, half] = emitWidth(token, blocks);
    Value width = b.subF(range.high, range.low);
    Value infinity = b.constant(std::numeric_limits<float>::infinity());
    Value finite = b.both(range.isKnown, b.lessF(width, infinity));
    Value negligible = b.lessF(width, b.constant(kNegligible));
    Value scale = b.select(negligible, b.constant(1), b.divF(width, steps));
    Value offset = math::RoundEvenOp::create(
        b, b.divF(arith::NegFOp::create(b, range.low), scale));
    Value safe = b.select(finite, offset, b.constant(0));
    Value zero = b.subF(safe, half);
    Value nan = b.constant(std::numeric_limits<float>::quiet_NaN());
    Value marked = b.select(finite, scale, nan);
    return {marked,
            arith::FPToSIOp::create(b, b.getI32Type(), zero),
            b.divF(b.constant(1), marked),
            zero,
            Value(arith::NegFOp::create(b, half)),
            b.subF(steps, half)};
  }

  RowWidth emitWidth(Value token, const RowBlocks &blocks) {
    // Rows that are no token have some width too.
    Value near = b.clamp(token, b.index(0), b.sub(tokens.all, 1));
    Value row = blocks.coefficient(b, near), position = row;
    if (order)
      position =
          emitCoarsePosition(b, order, row, getAsOpFoldResult(tokens.valid));
    // Padding stays behind.
    if (tokens.valid != tokens.all)
      position = b.select(b.less(row, tokens.valid), position, row);
    return emitRowWidth(b, schedule, position, ends);
  }

  /// Stores codes, four features of a row together, and their sum in each row.
  /// What is beyond the features is 0.
  void emitCodes(const Panels &panels, const PanelRows &at, const Run &run,
                 ArrayRef<RowQuantizer> quantizers) {
    int64_t lanes = b.lanes();
    struct Splats {
      Value inverse, zero, low, high;
    };
    SmallVector<Splats> splats;
    for (const RowQuantizer &q : quantizers)
      splats.push_back({b.splat(q.inverse), b.splat(q.zero), b.splat(q.low),
                        b.splat(q.high)});
    auto chunk = [&](Value feature, ValueRange sums, Value mask) {
      Values next, bytes;
      for (int64_t r = 0; r < numRows; ++r) {
        const Splats &q = splats[r];
        if (numRows > 1 && !panels.rows.areWhole())
          memref::PrefetchOp::create(
              b, panels.x,
              ValueRange{at.batch, b.add(at.token, panels.rows.size + r),
                         feature},
              /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
        Value x = b.load(at.block, {b.add(at.firstRow, r), feature});
        Value shifted =
            b.addF(math::RoundEvenOp::create(b, b.mulF(x, q.inverse)), q.zero);
        // A NaN becomes the lower bound.
        Value raised = b.select(b.lessF(q.low, shifted), shifted, q.low);
        Value clamped = b.select(b.lessF(raised, q.high), raised, q.high);
        Value code = arith::FPToSIOp::create(
            b, b.vectorOf(b.getI32Type(), lanes), clamped);
        if (mask)
          code = b.select(mask, code, b.zeros(b.getI32Type()));
        next.push_back(arith::AddIOp::create(b, sums[r], code));
        Value narrow =
            arith::TruncIOp::create(b, b.vectorOf(b.getI8Type(), lanes), code);
        bytes.push_back(vector::BitCastOp::create(
            b, b.vectorOf(b.getI32Type(), lanes / 4), narrow));
      }
      Value packed = vector::BitCastOp::create(
          b, b.vectorOf(b.getI8Type(), lanes * numRows), interleave(bytes));
      vector::StoreOp::create(
          b, packed, panels.codes,
          ValueRange{at.batch, at.panel, b.mul(feature, numRows)});
      return next;
    };
    Values sums(numRows, b.zeros(b.getI32Type()));
    int64_t full = run.count / lanes * lanes;
    if (full > 0)
      sums = b.loop(run.first, b.add(run.first, full), lanes, sums,
                    [&](Value feature, ValueRange carried) {
                      return chunk(feature, carried, Value());
                    });
    for (int64_t feature = full; feature < padFeatures(b, run.count);
         feature += lanes)
      sums = chunk(b.add(run.first, feature), sums,
                   b.mask(b.index(std::max<int64_t>(run.count - feature, 0))));
    for (Value &sum : sums)
      sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
    storePerRow(panels.sums, sums, at, run.group);
  }

  /// [v₀[0], v₁[0], …, v₀[1], v₁[1], …]
  Value interleave(ArrayRef<Value> vectors) {
    if (vectors.size() == 1)
      return vectors.front();
    Values even, odd;
    for (size_t i = 0; i < vectors.size(); i += 2) {
      even.push_back(vectors[i]);
      odd.push_back(vectors[i + 1]);
    }
    return vector::InterleaveOp::create(b, interleave(even), interleave(odd));
  }

  KernelBuilder &b;
  ScheduleAttr schedule;
  BasisAttrInterface order;
  int64_t features;
  TokenCount tokens;
  int64_t numRows; ///< of a panel
  Values ends;
};
} // namespace

TokenCount Panels::countTokens(KernelBuilder &b, Value sequence) const {
  if (!lengths)
    return {seqLen, seqLen};
  Value length = memref::LoadOp::create(b, lengths, sequence);
  if (!length.getType().isIndex())
    length = arith::IndexCastOp::create(b, b.getIndexType(), length);
  return {seqLen, b.clamp(length, b.index(0), seqLen)};
}

Panels stamp::emitPanels(KernelBuilder &b, Value x, ScheduleAttr schedule,
                         BasisAttrInterface order, BasisAttrInterface blocks,
                         Type transformed, ArrayRef<FeatureStep> featureSteps,
                         std::optional<FeatureGroups> groups, Value lengths) {
  int64_t features = cast<MemRefType>(x.getType()).getDimSize(2);
  int64_t padded = padFeatures(b, features);
  RowBlocks rows(b, blocks);
  int64_t rowsOfPanel = b.tile.rows, panelsOfBlock = rows.size / rowsOfPanel;
  Value batch = b.size(x, 0), seqLen = b.size(x, 1);
  Value numBlocks = rows.blocks(b, seqLen);
  Value numPanels = b.mul(numBlocks, panelsOfBlock);
  Value numRows = b.mul(numBlocks, rows.size);
  constexpr int64_t dynamic = ShapedType::kDynamic;
  // A group's last vector may reach into the next group, which writes there
  // later; the last group's has room.
  int64_t length = padded;
  if (groups && groups->size % b.lanes() != 0)
    length += b.lanes();
  auto allocPerRow = [&](Type type, bool grouped) {
    SmallVector<int64_t> shape = {dynamic, dynamic};
    if (grouped)
      shape.push_back(llvm::divideCeil(features, groups->size));
    return b.alloc(shape, type, {batch, numRows});
  };
  bool ofRows = groups && groups->ofRows;
  Panels panels = {x,
                   rows,
                   padded,
                   b.alloc({dynamic, dynamic, length * rowsOfPanel},
                           b.getI8Type(), {batch, numPanels}),
                   allocPerRow(b.getF32Type(), ofRows),
                   allocPerRow(b.getI32Type(), ofRows),
                   allocPerRow(b.getI32Type(), groups.has_value()),
                   batch,
                   seqLen,
                   groups,
                   lengths};

  FeatureTransforms ofFeatures(b, featureSteps, features);
  b.parallel({batch, numBlocks}, [&](ValueRange at) {
    Value sequence = at[0], firstRow = b.mul(at[1], rows.size);
    Value first = rows.token(b, firstRow);
    // Many rows a power of two apart would share a few places of the caches.
    int64_t gap = rows.size > rowsOfPanel ? b.lanes() : 0;
    Value block = b.alloc({rows.size, length + gap}, b.getF32Type());
    TokenCount tokens = panels.countTokens(b, sequence);
    BlockTransform transform(b, rows, transformed, ofFeatures, x, tokens,
                             padded);
    auto emitBlock = [&] {
      transform.emit(sequence, first, block);
      PanelQuantizer quantizer(b, schedule, order, features, tokens,
                               rowsOfPanel);
      b.loop(b.index(0), b.index(panelsOfBlock), 1, [&](Value i) {
        Value row = b.mul(i, rowsOfPanel);
        Value panel = b.add(b.mul(at[1], panelsOfBlock), i);
        quantizer.emit(panels, sequence, panel, block, row,
                       rows.token(b, b.add(firstRow, row)));
      });
    };
    Value isAlone = panels.isAlone(b);
    if (!isAlone)
      return emitBlock();
    b.branch(
        isAlone,
        [&] {
          transform.emitAlone(sequence, block);
          PanelQuantizer quantizer(b, schedule, order, features, tokens,
                                   /*numRows=*/1);
          quantizer.emit(panels, sequence, b.index(0), block, b.index(0),
                         b.index(0));
        },
        emitBlock);
  });
  return panels;
}
