//===- StampToLinalg.cpp - The portable lowering ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every stamp op becomes a few linalg ops on tensors that say the same thing:
//
//   transform        the basis's own fast form (BasisAttrInterface::emitTokens)
//   quantize         row minima and maxima; scales, zero points and all else
//                    that is the same for a row; codes
//   dequantize       (q − z)·s
//   quantize_weight  channel maxima; scales; codes; sums
//   rescale          (s_x·s_w)·float(acc − z·c) [+ l·b]
//
// in the order of float operations of docs/Semantics.md. Comparisons are
// written as `x > y ? x : y` where that gives a NaN the meaning we want.
//
//===----------------------------------------------------------------------===//

#include "stamp/Conversion/Passes.h"

#include "stamp/Basis/Quantizer.h"
#include "stamp/IR/Stamp.h"

#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#include <limits>

namespace stamp {
#define GEN_PASS_DEF_STAMPTOLINALG
#include "stamp/Conversion/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

namespace {
/// f32 arithmetic in the body of a linalg op.
struct FloatMath {
  ImplicitLocOpBuilder &b;

  Value constant(float value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  }
  Value widen(Value x) {
    return x.getType().isF32() ? x
                               : arith::ExtFOp::create(b, b.getF32Type(), x);
  }
  Value narrow(Value x, Type type) {
    return type.isF32() ? x : arith::TruncFOp::create(b, type, x);
  }
  Value fromInt(Value x) {
    return arith::SIToFPOp::create(b, b.getF32Type(), x);
  }
  Value toInt(Value x, Type type) {
    return arith::FPToSIOp::create(b, type, x);
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value neg(Value x) { return arith::NegFOp::create(b, x); }
  Value round(Value x) { return math::RoundEvenOp::create(b, x); }
  Value less(Value x, Value y) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  Value isFinite(Value magnitude) {
    return less(magnitude, constant(std::numeric_limits<float>::infinity()));
  }
  /// x in [low, high]; a NaN becomes low.
  Value clamp(Value x, Value low, Value high) {
    Value raised = select(less(low, x), x, low);
    return select(less(raised, high), raised, high);
  }
};

/// The maps of ops whose loops are the dimensions of one tensor of `rank`.
struct Loops {
  Loops(MLIRContext *context, int64_t rank) : context(context), rank(rank) {}

  AffineMap all() const {
    return AffineMap::getMultiDimIdentityMap(rank, context);
  }
  AffineMap only(int64_t dimension) const {
    return AffineMap::get(rank, 0, getAffineDimExpr(dimension, context),
                          context);
  }
  AffineMap without(int64_t dimension) const {
    return all().dropResult(dimension);
  }
  SmallVector<utils::IteratorType>
  iterators(std::optional<int64_t> reduced = std::nullopt) const {
    SmallVector<utils::IteratorType> types(rank, utils::IteratorType::parallel);
    if (reduced)
      types[*reduced] = utils::IteratorType::reduction;
    return types;
  }

  MLIRContext *context;
  int64_t rank;
};
} // namespace

static linalg::GenericOp createGeneric(
    OpBuilder &builder, Location loc, ValueRange inputs, ValueRange inits,
    ArrayRef<AffineMap> maps, ArrayRef<utils::IteratorType> iterators,
    function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange inputs,
                                    ValueRange inits)>
        body) {
  return linalg::GenericOp::create(
      builder, loc, TypeRange(inits), inputs, inits, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        ImplicitLocOpBuilder b(loc, nested);
        linalg::YieldOp::create(b, body(b, arguments.take_front(inputs.size()),
                                        arguments.drop_front(inputs.size())));
      });
}

static Value createFilled(OpBuilder &builder, Location loc, Value empty,
                          TypedAttr value) {
  Value constant = arith::ConstantOp::create(builder, loc, value);
  return linalg::FillOp::create(builder, loc, constant, empty).getResult(0);
}

static int64_t getRank(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

namespace {
template <typename OpTy, Direction direction>
struct LowerTransform final : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Value result = emitTransform(rewriter, op.getLoc(), op.getBasis(),
                                 op.getInput(), op.getDimension(), direction,
                                 op.getOrder(), op.getType().getElementType());
    if (result.getType() != op.getType())
      result =
          tensor::CastOp::create(rewriter, op.getLoc(), op.getType(), result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Activation quantizer
//===----------------------------------------------------------------------===//

/// What the width of a row decides: how many steps its range has, and what is
/// taken off its codes to make them signed.
struct RowWidth {
  Value steps; ///< 2^b − 1
  Value half;  ///< 2^(b−1)
};

/// The schedule in the body of a linalg op. Segment ends that depend on a
/// dynamic length are computed once, outside.
class RowWidths {
public:
  RowWidths(OpBuilder &builder, QuantizeOp op)
      : schedule(op.getSchedule().getSchedule()), firstRow(op.getRowOffset()),
        blockBasis(op.getBlockBasisAttr()) {
    Location loc = op.getLoc();
    seqLen = op.getRowTotal()
                 ? getAsOpFoldResult(op.getRowTotal())
                 : tensor::getMixedSize(builder, loc, op.getInput(),
                                        op.getDimension());
    if (std::optional<int64_t> known = getConstantIntValue(seqLen)) {
      for (int64_t end : this->schedule.ends(*known))
        ends.push_back(arith::ConstantIndexOp::create(builder, loc, end));
      return;
    }
    // No sequence is longer, and no sum of ends can wrap.
    constexpr int64_t kLongest = int64_t{1} << 61;
    int64_t rows = 0;
    double fraction = 0;
    Value length = getValueOrCreateConstantIndexOp(builder, loc, seqLen);
    for (const Segment &segment : this->schedule.getSegments()) {
      rows = std::min(kLongest, rows + std::min(kLongest, segment.getRows()));
      fraction += segment.getFraction();
      ends.push_back(emitEnd(builder, loc, length, rows, fraction));
    }
  }

  /// The width of the op's row at `index`.
  RowWidth at(ImplicitLocOpBuilder &b, Value index) const {
    FloatMath m{b};
    if (firstRow)
      index = arith::AddIOp::create(b, firstRow, index);
    if (blockBasis)
      index = emitCoarsePosition(b, blockBasis, index, seqLen);
    auto constants = [&](int bits) {
      return RowWidth{m.constant(static_cast<float>((1 << bits) - 1)),
                      m.constant(static_cast<float>(1 << (bits - 1)))};
    };
    RowWidth width = constants(schedule.getRestBits());
    for (size_t i = ends.size(); i > 0; --i) {
      RowWidth own = constants(schedule.getSegments()[i - 1].bits);
      Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index,
                                           ends[i - 1]);
      width = {m.select(inside, own.steps, width.steps),
               m.select(inside, own.half, width.half)};
    }
    return width;
  }

private:
  /// rows + ⌊fraction·S⌋; the schedule is cut at S by being asked for rows
  /// below S only.
  static Value emitEnd(OpBuilder &builder, Location loc, Value length,
                       int64_t rows, double fraction) {
    ImplicitLocOpBuilder b(loc, builder);
    Value count = arith::ConstantIndexOp::create(b, rows);
    if (fraction == 0)
      return count;
    Type f64 = b.getF64Type(), i64 = b.getI64Type();
    Value wide = arith::SIToFPOp::create(
        b, f64, arith::IndexCastOp::create(b, i64, length));
    Value part = arith::MulFOp::create(
        b, wide, arith::ConstantOp::create(b, b.getF64FloatAttr(fraction)));
    // The product is positive: the conversion's truncation is the floor.
    Value floor = arith::IndexCastOp::create(
        b, b.getIndexType(), arith::FPToSIOp::create(b, i64, part));
    return arith::AddIOp::create(b, count, floor);
  }

  PrecisionSchedule schedule;
  OpFoldResult seqLen;
  Value firstRow; ///< its place in the sequence; null if that is 0
  BasisAttrInterface blockBasis; ///< whose block order; null for coarse first
  SmallVector<Value> ends;
};

struct LowerQuantize final : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = op.getInput();
    int64_t sequence = op.getDimension(), features = op.getFeatureDimension();
    Loops loops(getContext(), getRank(x));
    Loops rows(getContext(), getRank(x) - 1);
    // The sequence dimension among those of a row tensor.
    int64_t rowSequence = sequence - (sequence > features);
    RowWidths widths(rewriter, op);

    // The range always contains 0; a NaN stays one and makes it non-finite.
    Type f32 = rewriter.getF32Type();
    Value zeros = createFilled(
        rewriter, loc, createEmptyWithout(rewriter, loc, x, features, f32),
        rewriter.getF32FloatAttr(0));
    auto range = createGeneric(
        rewriter, loc, x, {zeros, zeros},
        {loops.all(), loops.without(features), loops.without(features)},
        loops.iterators(features),
        [](ImplicitLocOpBuilder &b, ValueRange in,
           ValueRange out) -> SmallVector<Value> {
          Value value = FloatMath{b}.widen(in[0]);
          return {arith::MinimumFOp::create(b, out[0], value),
                  arith::MaximumFOp::create(b, out[1], value)};
        });

    // All that a row's codes need is computed once per row, the bounds of its
    // codes among it: the op over all elements then has no index to look at and
    // vectorizes like any other.
    Value perRow = createEmptyWithout(rewriter, loc, x, features, f32);
    auto rowValues = createGeneric(
        rewriter, loc, range.getResults(),
        {op.getScalesInit(), op.getZeroPointsInit(), perRow, perRow, perRow},
        SmallVector<AffineMap>(7, rows.all()), rows.iterators(),
        [&](ImplicitLocOpBuilder &b, ValueRange in,
            ValueRange) -> SmallVector<Value> {
          FloatMath m{b};
          Value low = in[0], high = in[1];
          RowWidth width =
              widths.at(b, linalg::IndexOp::create(b, rowSequence));
          Value range = m.sub(high, low);
          Value finite = m.isFinite(range);
          Value negligible = m.less(range, m.constant(kNegligible));
          Value scale =
              m.select(negligible, m.constant(1), m.div(range, width.steps));
          Value zero = m.round(m.div(m.neg(low), scale));
          Value safe = m.select(finite, zero, m.constant(0));
          Value stored = m.toInt(m.sub(safe, width.half), b.getI32Type());
          // A NaN scale carries on into the inverse and turns every code of the
          // row into the least one.
          Value nan = m.constant(std::numeric_limits<float>::quiet_NaN());
          Value marked = m.select(finite, scale, nan);
          Value inverse = m.div(m.constant(1), marked);
          return {marked, stored, inverse, m.neg(width.half),
                  m.sub(width.steps, width.half)};
        });
    Value scales = rowValues.getResult(0), zeroPoints = rowValues.getResult(1);

    AffineMap ofRow = loops.without(features);
    auto codes = createGeneric(
        rewriter, loc,
        {x, rowValues.getResult(2), zeroPoints, rowValues.getResult(3),
         rowValues.getResult(4)},
        op.getCodesInit(),
        {loops.all(), ofRow, ofRow, ofRow, ofRow, loops.all()},
        loops.iterators(),
        [](ImplicitLocOpBuilder &b, ValueRange in,
           ValueRange) -> SmallVector<Value> {
          FloatMath m{b};
          // Small integers in floats: adding the stored zero point before the
          // clamp is exact. A non-finite row's NaNs become the lower bound.
          Value shifted =
              m.add(m.round(m.mul(m.widen(in[0]), in[1])), m.fromInt(in[2]));
          return {m.toInt(m.clamp(shifted, in[3], in[4]), b.getI8Type())};
        });
    rewriter.replaceOp(op, {codes.getResult(0), scales, zeroPoints});
    return success();
  }
};

struct LowerDequantize final : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    Loops loops(getContext(), getRank(op.getCodes()));
    AffineMap perRow = loops.without(op.getFeatureDimension());
    Type resultType = op.getType().getElementType();
    auto generic = createGeneric(
        rewriter, op.getLoc(),
        {op.getCodes(), op.getScales(), op.getZeroPoints()}, op.getInit(),
        {loops.all(), perRow, perRow, loops.all()}, loops.iterators(),
        [&](ImplicitLocOpBuilder &b, ValueRange in,
            ValueRange) -> SmallVector<Value> {
          FloatMath m{b};
          Value code = arith::ExtSIOp::create(b, b.getI32Type(), in[0]);
          Value steps = m.fromInt(arith::SubIOp::create(b, code, in[2]));
          return {m.narrow(m.mul(steps, in[1]), resultType)};
        });
    rewriter.replaceOp(op, generic.getResults());
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Weight quantizer
//===----------------------------------------------------------------------===//

/// For weights that only run time knows; constant ones have been folded.
struct LowerQuantizeWeight final : OpRewritePattern<QuantizeWeightOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeWeightOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value weight = op.getWeight();
    int64_t reduced = op.getReducedDimension();
    Loops loops(getContext(), getRank(weight));
    Loops channels(getContext(), getRank(weight) - 1);
    AffineMap perChannel = loops.without(reduced);
    float steps = static_cast<float>((1 << (op.getBits() - 1)) - 1);

    Value zeros =
        createFilled(rewriter, loc,
                     createEmptyWithout(rewriter, loc, weight, reduced,
                                        rewriter.getF32Type()),
                     rewriter.getF32FloatAttr(0));
    auto maxima = createGeneric(
        rewriter, loc, weight, zeros, {loops.all(), perChannel},
        loops.iterators(reduced),
        [](ImplicitLocOpBuilder &b, ValueRange in,
           ValueRange out) -> SmallVector<Value> {
          Value magnitude = math::AbsFOp::create(b, FloatMath{b}.widen(in[0]));
          return {arith::MaximumFOp::create(b, out[0], magnitude)};
        });

    auto scales = createGeneric(
        rewriter, loc, maxima.getResults(), op.getScalesInit(),
        {channels.all(), channels.all()}, channels.iterators(),
        [&](ImplicitLocOpBuilder &b, ValueRange in,
            ValueRange) -> SmallVector<Value> {
          FloatMath m{b};
          Value scale =
              m.select(m.less(in[0], m.constant(kNegligible)), m.constant(1),
                       m.div(in[0], m.constant(steps)));
          Value nan = m.constant(std::numeric_limits<float>::quiet_NaN());
          return {m.select(m.isFinite(in[0]), scale, nan)};
        });

    auto codes = createGeneric(
        rewriter, loc, {weight, scales.getResult(0)}, op.getCodesInit(),
        {loops.all(), perChannel, loops.all()}, loops.iterators(),
        [&](ImplicitLocOpBuilder &b, ValueRange in,
            ValueRange) -> SmallVector<Value> {
          FloatMath m{b};
          Value code = m.clamp(m.round(m.div(m.widen(in[0]), in[1])),
                               m.constant(-steps), m.constant(steps));
          // Ordered with itself: not a NaN.
          Value known =
              arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, in[1], in[1]);
          return {m.toInt(m.select(known, code, m.constant(0)), b.getI8Type())};
        });

    Value noSums = createFilled(rewriter, loc, op.getSumsInit(),
                                rewriter.getI32IntegerAttr(0));
    auto sums =
        createGeneric(rewriter, loc, codes.getResults(), noSums,
                      {loops.all(), perChannel}, loops.iterators(reduced),
                      [](ImplicitLocOpBuilder &b, ValueRange in,
                         ValueRange out) -> SmallVector<Value> {
                        Value code =
                            arith::ExtSIOp::create(b, b.getI32Type(), in[0]);
                        return {arith::AddIOp::create(b, out[0], code)};
                      });
    rewriter.replaceOp(
        op, {codes.getResult(0), scales.getResult(0), sums.getResult(0)});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Rescale
//===----------------------------------------------------------------------===//

struct LowerRescale final : OpRewritePattern<RescaleOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RescaleOp op,
                                PatternRewriter &rewriter) const override {
    Loops loops(getContext(), getRank(op.getAccumulators()));
    int64_t sequence = op.getDimension(), channels = op.getChannelDimension();
    auto perColumn = [&](Value columns) {
      return getRank(columns) == 1 ? loops.only(channels)
                                   : loops.without(sequence);
    };
    SmallVector<Value> inputs = {op.getAccumulators(), op.getRowScales(),
                                 op.getZeroPoints(), op.getColumnScales(),
                                 op.getColumnSums()};
    SmallVector<AffineMap> maps = {
        loops.all(), loops.without(channels), loops.without(channels),
        perColumn(op.getColumnScales()), perColumn(op.getColumnSums())};
    if (op.getBias()) {
      inputs.push_back(op.getBias());
      maps.push_back(perColumn(op.getBias()));
    }
    if (op.getSpread()) {
      inputs.push_back(op.getSpread());
      maps.push_back(loops.only(sequence));
    }
    maps.push_back(loops.all());

    Type resultType = op.getType().getElementType();
    auto generic = createGeneric(
        rewriter, op.getLoc(), inputs, op.getInit(), maps, loops.iterators(),
        [&](ImplicitLocOpBuilder &b, ValueRange in,
            ValueRange) -> SmallVector<Value> {
          FloatMath m{b};
          Value correction = arith::MulIOp::create(b, in[2], in[4]);
          Value exact = arith::SubIOp::create(b, in[0], correction);
          Value y = m.mul(m.mul(in[1], in[3]), m.fromInt(exact));
          if (op.getBias()) {
            Value bias = m.widen(in[5]);
            y = m.add(y, op.getSpread() ? m.mul(in[6], bias) : bias);
          }
          return {m.narrow(y, resultType)};
        });
    rewriter.replaceOp(op, generic.getResults());
    return success();
  }
};
} // namespace

void stamp::populateStampToLinalgPatterns(RewritePatternSet &patterns) {
  patterns
      .add<LowerTransform<TransformOp, Direction::Forward>,
           LowerTransform<InverseTransformOp, Direction::Inverse>,
           LowerQuantize, LowerDequantize, LowerQuantizeWeight, LowerRescale>(
          patterns.getContext());
}

namespace {
struct StampToLinalg final
    : public stamp::impl::StampToLinalgBase<StampToLinalg> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateStampToLinalgPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
