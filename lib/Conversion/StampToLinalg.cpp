//===- StampToLinalg.cpp - The portable lowering ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every stamp op becomes a few linalg ops on tensors that say the same thing:
//
//   transform        the basis's own fast form (BasisAttrInterface::emitTokens)
//   feature_transform  likewise (FeatureTransformAttrInterface::emitFeatures)
//   quantize         row minima and maxima; scales, zero points and all else
//                    that is the same for a row; codes
//   dequantize       (q − z)·s
//   quantize_weight  channel maxima; scales; codes; sums
//   rescale          (s_x·s_w)·float(acc − z·c) [+ l·b], or its sum over groups
//   pack, unpack     see PackToLinalg.cpp
//   observe          a contraction of the input with itself
//
// in the order of float operations of docs/Semantics.md. An op on buffers first
// becomes the op on the tensors in them, and a quantizer of groups a quantizer
// of rows (SplitGroups.cpp). Comparisons are written as `x > y ? x : y` where
// that gives a NaN the meaning we want.
//
//===----------------------------------------------------------------------===//

#include "stamp/Conversion/Passes.h"

#include "stamp/Basis/Quantizer.h"
#include "stamp/IR/Groups.h"
#include "stamp/IR/RowWidth.h"
#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
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
  AffineMap first(int64_t count) const {
    return AffineMap::get(rank, 0, all().getResults().take_front(count),
                          context);
  }
  AffineMap without(int64_t dimension) const {
    return all().dropResult(dimension);
  }
  AffineMap along(ArrayRef<int64_t> dimensions) const {
    SmallVector<AffineExpr> results;
    for (int64_t dimension : dimensions)
      results.push_back(getAffineDimExpr(dimension, context));
    return AffineMap::get(rank, 0, results, context);
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
// Buffers
//===----------------------------------------------------------------------===//

static Value withoutCasts(Value buffer) {
  while (auto cast = buffer.getDefiningOp<memref::CastOp>())
    buffer = cast.getSource();
  return buffer;
}

namespace {
/// What is in buffers are tensors.
///
///   stamp.transform … ins(%x : memref<13x8xf32>) outs(%y : memref<13x8xf32>)
/// becomes
///   %a = bufferization.to_tensor %x restrict
///   %e = tensor.empty()
///   %b = stamp.transform … ins(%a) outs(%e)
///   bufferization.materialize_in_destination %b in restrict writable %y
///
/// `restrict` allows to compute the result in %y at once. Not so where %y is
/// %x: it is read to the end, and overwritten in one go.
struct LowerBuffers final
    : OpInterfaceRewritePattern<DestinationStyleOpInterface> {
  // Before the other patterns, which only know tensors.
  explicit LowerBuffers(MLIRContext *context)
      : OpInterfaceRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(DestinationStyleOpInterface op,
                                PatternRewriter &rewriter) const override {
    if (!isa<StampDialect>(op->getDialect()) || !op.hasPureBufferSemantics())
      return failure();
    Location loc = op.getLoc();
    SmallVector<Value> operands(op->getOperands());
    llvm::SmallPtrSet<Value, 8> read;
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value buffer = input->get();
      if (!isa<MemRefType>(buffer.getType()))
        continue;
      read.insert(withoutCasts(buffer));
      operands[input->getOperandNumber()] = bufferization::ToTensorOp::create(
          rewriter, loc, memref::getTensorTypeFromMemRefType(buffer.getType()),
          buffer, /*restrict=*/true);
    }
    SmallVector<Type> types;
    for (OpOperand &init : op.getDpsInitsMutable()) {
      auto type = cast<MemRefType>(init.get().getType());
      Value empty = tensor::EmptyOp::create(
          rewriter, loc, memref::getMixedSizes(rewriter, loc, init.get()),
          type.getElementType());
      operands[init.getOperandNumber()] = empty;
      types.push_back(empty.getType());
    }
    Operation *onTensors = clone(rewriter, op, types, operands);
    for (auto [result, init] :
         llvm::zip_equal(onTensors->getResults(), op.getDpsInits()))
      bufferization::MaterializeInDestinationOp::create(
          rewriter, loc, /*result=*/Type(), result, init,
          /*restrict=*/!read.contains(withoutCasts(init)), /*writable=*/true);
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

namespace {
template <typename OpTy, Direction direction>
struct LowerTransform final : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType type = op.getResult().getType();
    Type elementType = type.getElementType();
    Value result = op.getLengths()
                       ? emitTransformOfValidTokens(
                             rewriter, op.getLoc(), op.getBasis(),
                             op.getInput(), op.getLengths(), op.getDimension(),
                             direction, op.getOrder(), elementType)
                       : emitTransform(rewriter, op.getLoc(), op.getBasis(),
                                       op.getInput(), op.getDimension(),
                                       direction, op.getOrder(), elementType);
    if (result.getType() != type)
      result = tensor::CastOp::create(rewriter, op.getLoc(), type, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

template <typename OpTy, Direction direction>
struct LowerFeatureTransform final : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType type = op.getResult().getType();
    Value result = emitFeatureTransform(
        rewriter, op.getLoc(), op.getTransform(), op.getInput(),
        op.getDimension(), op.getSide(), direction, type.getElementType());
    if (result.getType() != type)
      result = tensor::CastOp::create(rewriter, op.getLoc(), type, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Activation quantizer
//===----------------------------------------------------------------------===//

/// The schedule in the body of a linalg op over rows. Segment ends are computed
/// once, outside, unless each sequence has a length of its own.
class RowWidths {
public:
  RowWidths(OpBuilder &builder, QuantizeOp op)
      : schedule(op.getSchedule()), firstRow(op.getRowOffset()),
        blockBasis(op.getBlockBasisAttr()) {
    Location loc = op.getLoc();
    seqLen = op.getRowTotal()
                 ? getAsOpFoldResult(op.getRowTotal())
                 : tensor::getMixedSize(builder, loc, op.getInput(),
                                        op.getDimension());
    if (op.getLengths())
      lengths = emitClampedLengths(builder, loc, op.getLengths(), op.getInput(),
                                   seqLen);
    else
      ends = materializeEnds(builder, loc, seqLen);
  }

  /// An i64 tensor over the leading dimensions that the op must read, or null.
  Value getLengths() const { return lengths; }

  /// The width of the op's row at `index`, in a sequence of `length` tokens if
  /// the op reads lengths.
  RowWidth at(ImplicitLocOpBuilder &b, Value index, Value length) const {
    if (firstRow)
      index = arith::AddIOp::create(b, firstRow, index);
    SmallVector<Value> own = ends;
    OpFoldResult ownLen = seqLen;
    if (lengths) {
      Value valid = arith::IndexCastOp::create(b, b.getIndexType(), length);
      own = materializeEnds(b, b.getLoc(), valid);
      ownLen = valid;
    }
    if (blockBasis)
      index = emitPosition(b, index, ownLen);
    return emitRowWidth(b, schedule, index, own);
  }

private:
  SmallVector<Value> materializeEnds(OpBuilder &builder, Location loc,
                                     OpFoldResult seqLen) const {
    return llvm::map_to_vector(
        schedule.getEnds(builder, loc, seqLen), [&](OpFoldResult end) {
          return getValueOrCreateConstantIndexOp(builder, loc, end);
        });
  }

  /// The place of a row's coefficient, coarse first. Padding stays behind.
  Value emitPosition(ImplicitLocOpBuilder &b, Value row,
                     OpFoldResult length) const {
    Value position = emitCoarsePosition(b, blockBasis, row, length);
    if (!lengths)
      return position;
    Value valid = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row,
                                        cast<Value>(length));
    return arith::SelectOp::create(b, valid, position, row);
  }

  ScheduleAttr schedule;
  OpFoldResult seqLen;
  Value firstRow; ///< its place in the sequence; null if that is 0
  BasisAttrInterface blockBasis; ///< whose block order; null for coarse first
  Value lengths;
  SmallVector<Value> ends;
};

struct LowerQuantize final : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getGroupSize())
      return failure();
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
    SmallVector<Value> rowInputs(range.getResults());
    SmallVector<AffineMap> rowMaps(7, rows.all());
    if (Value lengths = widths.getLengths()) {
      rowInputs.push_back(lengths);
      rowMaps.insert(rowMaps.begin() + 2, rows.first(getRank(lengths)));
    }
    auto rowValues = createGeneric(
        rewriter, loc, rowInputs,
        {op.getScalesInit(), op.getZeroPointsInit(), perRow, perRow, perRow},
        rowMaps, rows.iterators(),
        [&](ImplicitLocOpBuilder &b, ValueRange in,
            ValueRange) -> SmallVector<Value> {
          FloatMath m{b};
          Value low = in[0], high = in[1];
          RowWidth width = widths.at(b, linalg::IndexOp::create(b, rowSequence),
                                     in.size() > 2 ? in[2] : Value());
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
    if (op.getGroupSize())
      return failure();
    Loops loops(getContext(), getRank(op.getCodes()));
    AffineMap perRow = loops.without(op.getFeatureDimension());
    Type resultType = op.getResult().getType().getElementType();
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
    if (op.getScaleGroup())
      return failure();
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
    // Sums of groups are sums over the inner of two dimensions.
    Value summed = codes.getResult(0);
    int64_t alongSummed = reduced;
    if (std::optional<int64_t> group = op.getGroupSize()) {
      summed = splitGroups(rewriter, loc, summed, reduced, *group);
      ++alongSummed;
    }
    Loops sumLoops(getContext(), getRank(summed));
    auto sums = createGeneric(rewriter, loc, summed, noSums,
                              {sumLoops.all(), sumLoops.without(alongSummed)},
                              sumLoops.iterators(alongSummed),
                              [](ImplicitLocOpBuilder &b, ValueRange in,
                                 ValueRange out) -> SmallVector<Value> {
                                Value code = arith::ExtSIOp::create(
                                    b, b.getI32Type(), in[0]);
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
    if (op.getGroupDimension())
      return failure();
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
      maps.push_back(loops.first(getRank(op.getSpread()) - 1)
                         .insertResult(rewriter.getAffineDimExpr(sequence),
                                       getRank(op.getSpread()) - 1));
    }
    maps.push_back(loops.all());

    Type resultType = op.getResult().getType().getElementType();
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

/// Groups leave nothing to add the bias to before the last one has been added
/// up, so it and the narrowing are a second op.
struct LowerGroupedRescale final : OpRewritePattern<RescaleOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RescaleOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getGroupDimension())
      return failure();
    bool isSum =
        op.getResult().getType().getElementType().isF32() && !op.getBias();
    Value init = isSum ? Value(op.getInit())
                       : createEmptyLike(rewriter, op.getLoc(), op.getInit(),
                                         rewriter.getF32Type());
    Value sum = createSum(rewriter, op, init);
    rewriter.replaceOp(op, isSum ? sum : finish(rewriter, op, sum));
    return success();
  }

private:
  /// Σ_g (s_x·s_w)·float(acc_g − z·c_g)
  static Value createSum(OpBuilder &builder, RescaleOp op, Value init) {
    Location loc = op.getLoc();
    Loops loops(op.getContext(), getRank(op.getAccumulators()));
    // −0 + y is y, for y = 0 as well: one group is rescaled as if it were none.
    Value nothing =
        createFilled(builder, loc, init, builder.getF32FloatAttr(-0.0f));
    return createGeneric(
               builder, loc,
               {op.getAccumulators(), op.getRowScales(), op.getZeroPoints(),
                op.getColumnScales(), op.getColumnSums()},
               nothing,
               {loops.all(),
                loops.along(op.getRowDimensions(op.getRowScales())),
                loops.along(op.getRowDimensions(op.getZeroPoints())),
                loops.along(op.getColumnDimensions(op.getColumnScales())),
                loops.along(op.getColumnDimensions(op.getColumnSums())),
                loops.along(op.getResultDimensions())},
               loops.iterators(op.getGroupDimension()),
               [](ImplicitLocOpBuilder &b, ValueRange in,
                  ValueRange out) -> SmallVector<Value> {
                 FloatMath m{b};
                 Value correction = arith::MulIOp::create(b, in[2], in[4]);
                 Value exact = arith::SubIOp::create(b, in[0], correction);
                 // y − (−s)·x is y + s·x to the bit. A vectorizer may take a
                 // sum in the order it likes, but knows no neutral element of a
                 // difference: the groups stay in theirs.
                 Value minus = m.neg(m.mul(in[1], in[3]));
                 return {m.sub(out[0], m.mul(minus, m.fromInt(exact)))};
               })
        .getResult(0);
  }

  /// [+ l·b], narrowed.
  static Value finish(OpBuilder &builder, RescaleOp op, Value sum) {
    Loops loops(op.getContext(), getRank(sum));
    SmallVector<Value> inputs = {sum};
    SmallVector<AffineMap> maps = {loops.all()};
    int64_t tokens = op.getResultTokenDimension();
    if (op.getBias()) {
      inputs.push_back(op.getBias());
      maps.push_back(getRank(op.getBias()) == 1
                         ? loops.only(op.getResultChannelDimension())
                         : loops.without(tokens));
    }
    if (op.getSpread()) {
      inputs.push_back(op.getSpread());
      maps.push_back(loops.only(tokens));
    }
    maps.push_back(loops.all());
    Type resultType = op.getResult().getType().getElementType();
    return createGeneric(builder, op.getLoc(), inputs, op.getInit(), maps,
                         loops.iterators(),
                         [&](ImplicitLocOpBuilder &b, ValueRange in,
                             ValueRange) -> SmallVector<Value> {
                           FloatMath m{b};
                           Value y = in[0];
                           if (op.getBias()) {
                             Value bias = m.widen(in[1]);
                             y = m.add(y, op.getSpread() ? m.mul(in[2], bias)
                                                         : bias);
                           }
                           return {m.narrow(y, resultType)};
                         })
        .getResult(0);
  }
};

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

struct LowerObserve final : OpRewritePattern<ObserveOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ObserveOp op,
                                PatternRewriter &rewriter) const override {
    int64_t rank = getRank(op.getInput()), tokens = op.getDimension();
    // Loops: the input's dimensions, then the token that each is paired with.
    AffineMap all = rewriter.getMultiDimIdentityMap(rank + 1);
    SmallVector<unsigned> partner = llvm::to_vector(llvm::seq<unsigned>(rank));
    partner[tokens] = static_cast<unsigned>(rank);
    unsigned pair[] = {static_cast<unsigned>(tokens),
                       static_cast<unsigned>(rank)};
    SmallVector<utils::IteratorType> iterators(rank + 1,
                                               utils::IteratorType::reduction);
    iterators[tokens] = iterators[rank] = utils::IteratorType::parallel;
    Type f64 = rewriter.getF64Type();
    auto generic = createGeneric(
        rewriter, op.getLoc(), {op.getInput(), op.getInput()}, op.getSoFar(),
        {all.dropResult(rank), all.getSubMap(partner), all.getSubMap(pair)},
        iterators,
        [&](ImplicitLocOpBuilder &b, ValueRange in,
            ValueRange out) -> SmallVector<Value> {
          // Exact: a product of two f32 fits an f64.
          Value product =
              arith::MulFOp::create(b, arith::ExtFOp::create(b, f64, in[0]),
                                    arith::ExtFOp::create(b, f64, in[1]));
          return {arith::AddFOp::create(b, out[0], product)};
        });
    Value result = generic.getResult(0);
    RankedTensorType type = op.getResult().getType();
    if (result.getType() != type)
      result = tensor::CastOp::create(rewriter, op.getLoc(), type, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void stamp::populateStampToLinalgPatterns(RewritePatternSet &patterns) {
  patterns
      .add<LowerBuffers, LowerTransform<TransformOp, Direction::Forward>,
           LowerTransform<InverseTransformOp, Direction::Inverse>,
           LowerFeatureTransform<FeatureTransformOp, Direction::Forward>,
           LowerFeatureTransform<InverseFeatureTransformOp, Direction::Inverse>,
           LowerQuantize, LowerDequantize, LowerQuantizeWeight, LowerRescale,
           LowerGroupedRescale, LowerObserve>(patterns.getContext());
  populateSplitGroupsPatterns(patterns);
  populatePackToLinalgPatterns(patterns);
}

namespace {
struct StampToLinalg final
    : public stamp::impl::StampToLinalgBase<StampToLinalg> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateStampToLinalgPatterns(patterns);
    FrozenRewritePatternSet frozen(std::move(patterns));
    // A walk does not come by what it makes: ops on tensors, of ops on buffers,
    // and then quantizers of rows, of quantizers of groups.
    for (int walk = 0; walk < 3; ++walk)
      walkAndApplyPatterns(getOperation(), frozen);
    // Nobody is left to whom an argument could say that it is padded.
    getOperation()->walk([](FunctionOpInterface function) {
      for (unsigned number : llvm::seq(function.getNumArguments()))
        function.removeArgAttr(number, StampDialect::kPaddedAttrName);
    });
  }
};
} // namespace
