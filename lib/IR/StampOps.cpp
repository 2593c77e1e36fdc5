//===- StampOps.cpp - Builders and verifiers -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/Basis/Packing.h"
#include "stamp/IR/Groups.h"
#include "stamp/IR/Stamp.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace stamp;

#define GET_OP_CLASSES
#include "stamp/IR/StampOps.cpp.inc"

//===----------------------------------------------------------------------===//
// What all ops share
//===----------------------------------------------------------------------===//

LogicalResult stamp::verifyTensorsOrBuffers(Operation *op) {
  Type first;
  for (Type type : op->getOperandTypes()) {
    if (!isa<ShapedType>(type))
      continue;
    if (!first)
      first = type;
    if (isa<TensorType>(type) != isa<TensorType>(first))
      return op->emitOpError() << "expects all tensors or all buffers, got "
                               << first << " and " << type;
  }
  return success();
}

void stamp::getEffectsOnBuffers(Operation *op, MutableOperandRange inits,
                                MemoryEffectInstances &effects) {
  auto isInit = [&](OpOperand &operand) {
    return llvm::any_of(inits, [&](OpOperand &init) {
      return init.getOperandNumber() == operand.getOperandNumber();
    });
  };
  // All of the inputs may be read before anything is written.
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (isInit(operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand, /*stage=*/1,
                           /*effectOnFullRegion=*/true);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand, /*stage=*/0,
                           /*effectOnFullRegion=*/true);
  }
}

void stamp::reifySizesOfInits(Operation *op, MutableOperandRange inits,
                              OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &reified) {
  for (OpOperand &init : inits)
    if (isa<RankedTensorType>(init.get().getType()))
      reified.push_back(
          tensor::getMixedSizes(builder, op->getLoc(), init.get()));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static ShapedType getShapedType(Value value) {
  return cast<ShapedType>(value.getType());
}

/// Checks that `dimension` is one of a tensor of rank two, or `minRank`, or
/// more.
static LogicalResult verifyDimension(Operation *op, Value tensor,
                                     StringRef name, int64_t dimension,
                                     int64_t minRank = 2) {
  int64_t rank = getShapedType(tensor).getRank();
  if (rank < minRank)
    return op->emitOpError() << "expects a tensor of rank " << minRank
                             << " or more, got " << tensor.getType();
  if (dimension < 0 || dimension >= rank)
    return op->emitOpError() << name << " dimension " << dimension
                             << " is not one of " << tensor.getType();
  return success();
}

static LogicalResult verifyDistinct(Operation *op, StringRef first, int64_t a,
                                    StringRef second, int64_t b) {
  if (a != b)
    return success();
  return op->emitOpError() << first << " and " << second
                           << " must be different dimensions, both are " << a;
}

/// Checks a tensor's shape, where `?` goes with any size: refining one type to
/// a static one must not make valid IR invalid.
static LogicalResult verifyShape(Operation *op, StringRef name, Value tensor,
                                 ArrayRef<int64_t> expected) {
  ArrayRef<int64_t> shape = getShapedType(tensor).getShape();
  if (succeeded(verifyCompatibleShape(shape, expected)))
    return success();
  InFlightDiagnostic error = op->emitOpError()
                             << "expects " << name << " of shape ";
  auto printSize = [&](int64_t size) {
    ShapedType::isDynamic(size) ? error << "?" : error << size;
  };
  llvm::interleave(expected, printSize, [&] { error << "x"; });
  return error << ", got " << tensor.getType();
}

static LogicalResult verifyGroups(Operation *op,
                                  std::optional<int64_t> groupSize) {
  if (!groupSize || (*groupSize >= 1 && *groupSize <= kMaxGroup))
    return success();
  return op->emitOpError() << "expects groups of 1 to " << kMaxGroup
                           << ", got groups of " << *groupSize;
}

/// Checks the valid lengths of a batch, where there are any: their dimensions
/// are the tensor's first, in front of the sequence dimension.
template <typename OpTy>
static LogicalResult verifyLengths(OpTy op, Value tensor) {
  if (!op.getLengths())
    return success();
  int64_t sequence = op.getDimension();
  int64_t rank = getShapedType(op.getLengths()).getRank();
  if (rank > sequence)
    return op.emitOpError() << "expects lengths of rank " << sequence
                            << " or less, got " << op.getLengths().getType();
  return verifyShape(op, "lengths", op.getLengths(),
                     getShapedType(tensor).getShape().take_front(rank));
}

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

template <typename OpTy>
static void buildTransform(OpBuilder &builder, OperationState &state,
                           Value input, BasisAttrInterface basis,
                           int64_t dimension, Type elementType, RowOrder order,
                           Value lengths) {
  OpTy::build(builder, state, input,
              createEmptyLike(builder, state.location, input, elementType),
              lengths, basis, builder.getI64IntegerAttr(dimension),
              order == RowOrder::Block ? builder.getUnitAttr() : UnitAttr());
}

template <typename OpTy> static LogicalResult verifyTransform(OpTy op) {
  if (failed(verifyDimension(op, op.getInput(), "sequence", op.getDimension())))
    return failure();
  if (failed(verifyShape(op, "an init", op.getInit(),
                         getShapedType(op.getInput()).getShape())))
    return failure();
  return verifyLengths(op, op.getInput());
}

void TransformOp::build(OpBuilder &builder, OperationState &state, Value input,
                        BasisAttrInterface basis, int64_t dimension,
                        Type elementType, RowOrder order, Value lengths) {
  buildTransform<TransformOp>(builder, state, input, basis, dimension,
                              elementType, order, lengths);
}

LogicalResult TransformOp::verify() { return verifyTransform(*this); }

void InverseTransformOp::build(OpBuilder &builder, OperationState &state,
                               Value input, BasisAttrInterface basis,
                               int64_t dimension, Type elementType,
                               RowOrder order, Value lengths) {
  buildTransform<InverseTransformOp>(builder, state, input, basis, dimension,
                                     elementType, order, lengths);
}

LogicalResult InverseTransformOp::verify() { return verifyTransform(*this); }

//===----------------------------------------------------------------------===//
// Feature transforms
//===----------------------------------------------------------------------===//

template <typename OpTy>
static void
buildFeatureTransform(OpBuilder &builder, OperationState &state, Value input,
                      FeatureTransformAttrInterface transform, Side side,
                      int64_t dimension, Type elementType) {
  OpTy::build(builder, state, input,
              createEmptyLike(builder, state.location, input, elementType),
              transform, side == Side::Left, dimension);
}

template <typename OpTy> static LogicalResult verifyFeatureTransform(OpTy op) {
  if (failed(verifyDimension(op, op.getInput(), "feature", op.getDimension(),
                             /*minRank=*/1)))
    return failure();
  return verifyShape(op, "an init", op.getInit(),
                     getShapedType(op.getInput()).getShape());
}

void FeatureTransformOp::build(OpBuilder &builder, OperationState &state,
                               Value input,
                               FeatureTransformAttrInterface transform,
                               Side side, int64_t dimension, Type elementType) {
  buildFeatureTransform<FeatureTransformOp>(builder, state, input, transform,
                                            side, dimension, elementType);
}

LogicalResult FeatureTransformOp::verify() {
  return verifyFeatureTransform(*this);
}

void InverseFeatureTransformOp::build(OpBuilder &builder, OperationState &state,
                                      Value input,
                                      FeatureTransformAttrInterface transform,
                                      Side side, int64_t dimension,
                                      Type elementType) {
  buildFeatureTransform<InverseFeatureTransformOp>(
      builder, state, input, transform, side, dimension, elementType);
}

LogicalResult InverseFeatureTransformOp::verify() {
  return verifyFeatureTransform(*this);
}

//===----------------------------------------------------------------------===//
// Quantizers
//===----------------------------------------------------------------------===//

void QuantizeOp::build(OpBuilder &builder, OperationState &state, Value input,
                       ScheduleAttr schedule, int64_t dimension,
                       int64_t featureDimension,
                       std::optional<int64_t> groupSize, Value lengths) {
  Location loc = state.location;
  build(builder, state, input,
        createEmptyLike(builder, loc, input, builder.getI8Type()),
        createEmptyPerGroup(builder, loc, input, featureDimension, groupSize,
                            builder.getF32Type()),
        createEmptyPerGroup(builder, loc, input, featureDimension, groupSize,
                            builder.getI32Type()),
        /*rowOffset=*/Value(), /*rowTotal=*/Value(), lengths, schedule,
        builder.getI64IntegerAttr(dimension),
        builder.getI64IntegerAttr(featureDimension),
        groupSize ? builder.getI64IntegerAttr(*groupSize) : IntegerAttr(),
        /*blockBasis=*/BasisAttrInterface());
}

LogicalResult QuantizeOp::verify() {
  if (!getRowOffset() != !getRowTotal())
    return emitOpError() << "expects the rows' offset and their total together";
  int64_t sequence = getDimension(), features = getFeatureDimension();
  if (failed(verifyDimension(*this, getInput(), "sequence", sequence)) ||
      failed(verifyDimension(*this, getInput(), "feature", features)) ||
      failed(
          verifyDistinct(*this, "sequence", sequence, "features", features)) ||
      failed(verifyGroups(*this, getGroupSize())))
    return failure();
  ArrayRef<int64_t> shape = getShapedType(getInput()).getShape();
  SmallVector<int64_t> rows = getGroupedShape(shape, features, getGroupSize());
  if (failed(verifyShape(*this, "codes", getCodesInit(), shape)) ||
      failed(verifyShape(*this, "scales", getScalesInit(), rows)) ||
      failed(verifyShape(*this, "zero points", getZeroPointsInit(), rows)))
    return failure();
  if (getLengths() && features < getShapedType(getLengths()).getRank())
    return emitOpError() << "has lengths that differ within a row: feature "
                            "dimension "
                         << features << " is one of theirs";
  return verifyLengths(*this, getInput());
}

LogicalResult DequantizeOp::verify() {
  int64_t features = getFeatureDimension();
  if (failed(verifyDimension(*this, getCodes(), "feature", features)) ||
      failed(verifyGroups(*this, getGroupSize())))
    return failure();
  ArrayRef<int64_t> shape = getShapedType(getCodes()).getShape();
  SmallVector<int64_t> rows = getGroupedShape(shape, features, getGroupSize());
  if (failed(verifyShape(*this, "scales", getScales(), rows)) ||
      failed(verifyShape(*this, "zero points", getZeroPoints(), rows)) ||
      failed(verifyShape(*this, "an init", getInit(), shape)))
    return failure();
  return success();
}

void QuantizeWeightOp::build(OpBuilder &builder, OperationState &state,
                             Value weight, int64_t bits,
                             int64_t reducedDimension,
                             std::optional<int64_t> groupSize,
                             bool groupsForSums) {
  Location loc = state.location;
  build(builder, state, weight,
        createEmptyLike(builder, loc, weight, builder.getI8Type()),
        createEmptyPerGroup(builder, loc, weight, reducedDimension,
                            groupsForSums ? std::nullopt : groupSize,
                            builder.getF32Type()),
        createEmptyPerGroup(builder, loc, weight, reducedDimension, groupSize,
                            builder.getI32Type()),
        builder.getI64IntegerAttr(bits),
        builder.getI64IntegerAttr(reducedDimension),
        groupSize ? builder.getI64IntegerAttr(*groupSize) : IntegerAttr(),
        groupsForSums ? builder.getUnitAttr() : UnitAttr());
}

LogicalResult QuantizeWeightOp::verify() {
  if (getBits() != 4 && getBits() != 8)
    return emitOpError() << "expects 4 or 8 bits, got " << getBits();
  int64_t reduced = getReducedDimension();
  if (failed(verifyDimension(*this, getWeight(), "reduced", reduced)) ||
      failed(verifyGroups(*this, getGroupSize())))
    return failure();
  if (getGroupsForSums() && !getGroupSize())
    return emitOpError() << "has no groups to be for sums";
  ArrayRef<int64_t> shape = getShapedType(getWeight()).getShape();
  if (failed(verifyShape(*this, "codes", getCodesInit(), shape)) ||
      failed(verifyShape(*this, "scales", getScalesInit(),
                         getGroupedShape(shape, reduced, getScaleGroup()))) ||
      failed(verifyShape(*this, "sums", getSumsInit(),
                         getGroupedShape(shape, reduced, getGroupSize()))))
    return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Rescale
//===----------------------------------------------------------------------===//

/// 0 … rank − 1 without some.
static SmallVector<int64_t>
getDimensionsBut(int64_t rank, ArrayRef<std::optional<int64_t>> dropped) {
  SmallVector<int64_t> dimensions;
  for (int64_t d = 0; d < rank; ++d)
    if (!llvm::is_contained(dropped, std::optional<int64_t>(d)))
      dimensions.push_back(d);
  return dimensions;
}

SmallVector<int64_t> RescaleOp::getResultDimensions() {
  return getDimensionsBut(getShapedType(getAccumulators()).getRank(),
                          {getGroupDimension()});
}

SmallVector<int64_t> RescaleOp::getRowDimensions(Value rows) {
  int64_t rank = getShapedType(getAccumulators()).getRank();
  bool isPerToken = getShapedType(rows).getRank() == rank - 2;
  if (isPerToken && getGroupDimension())
    return getDimensionsBut(rank, {getChannelDimension(), getGroupDimension()});
  return getDimensionsBut(rank, {getChannelDimension()});
}

/// The sums' rank tells whether the batch has weights of its own; with that
/// known, the scales' tells whether there is one per group.
SmallVector<int64_t> RescaleOp::getColumnDimensions(Value columns) {
  int64_t rank = getShapedType(getAccumulators()).getRank();
  int64_t channels = getChannelDimension(), sequence = getDimension();
  std::optional<int64_t> groups = getGroupDimension();
  if (!groups)
    return getShapedType(columns).getRank() == 1
               ? SmallVector<int64_t>{channels}
               : getDimensionsBut(rank, {sequence});
  int64_t sumsRank = getShapedType(getColumnSums()).getRank();
  SmallVector<int64_t> dimensions =
      sumsRank == 2 ? SmallVector<int64_t>{std::min(*groups, channels),
                                           std::max(*groups, channels)}
                    : getDimensionsBut(rank, {sequence});
  if (getShapedType(columns).getRank() == sumsRank - 1)
    llvm::erase(dimensions, *groups);
  return dimensions;
}

SmallVector<int64_t> RescaleOp::getBiasDimensions() {
  if (getShapedType(getBias()).getRank() == 1)
    return {static_cast<int64_t>(getChannelDimension())};
  return getDimensionsBut(getShapedType(getAccumulators()).getRank(),
                          {getDimension(), getGroupDimension()});
}

/// Where a dimension of the accumulators is among those of the result.
static int64_t getPositionInResult(RescaleOp op, int64_t dimension) {
  std::optional<int64_t> groups = op.getGroupDimension();
  return dimension - (groups && *groups < dimension);
}

int64_t RescaleOp::getResultTokenDimension() {
  return getPositionInResult(*this, getDimension());
}

int64_t RescaleOp::getResultChannelDimension() {
  return getPositionInResult(*this, getChannelDimension());
}

LogicalResult RescaleOp::verify() {
  int64_t sequence = getDimension(), channels = getChannelDimension();
  if (failed(verifyDimension(*this, getAccumulators(), "sequence", sequence)) ||
      failed(verifyDimension(*this, getAccumulators(), "channel", channels)) ||
      failed(verifyDistinct(*this, "sequence", sequence, "channels", channels)))
    return failure();
  if (std::optional<int64_t> groups = getGroupDimension())
    if (failed(verifyDimension(*this, getAccumulators(), "group", *groups)) ||
        failed(
            verifyDistinct(*this, "sequence", sequence, "groups", *groups)) ||
        failed(verifyDistinct(*this, "channels", channels, "groups", *groups)))
      return failure();

  ArrayRef<int64_t> shape = getShapedType(getAccumulators()).getShape();
  auto verifyAlong = [&](StringRef name, Value operand,
                         ArrayRef<int64_t> dimensions) {
    SmallVector<int64_t> expected;
    for (int64_t dimension : dimensions)
      expected.push_back(shape[dimension]);
    return verifyShape(*this, name, operand, expected);
  };
  Value rowScales = getRowScales(), zeroPoints = getZeroPoints();
  Value columnScales = getColumnScales(), columnSums = getColumnSums();
  if (failed(
          verifyAlong("row scales", rowScales, getRowDimensions(rowScales))) ||
      failed(verifyAlong("zero points", zeroPoints,
                         getRowDimensions(zeroPoints))) ||
      failed(verifyAlong("column sums", columnSums,
                         getColumnDimensions(columnSums))) ||
      failed(verifyAlong("column scales", columnScales,
                         getColumnDimensions(columnScales))))
    return failure();
  if (getBias() &&
      failed(verifyAlong("a bias", getBias(), getBiasDimensions())))
    return failure();
  if (getSpread()) {
    if (!getBias())
      return emitOpError() << "has a spread but no bias to be spread";
    int64_t leading = getShapedType(getSpread()).getRank() - 1;
    if (leading < 0 || leading > sequence)
      return emitOpError() << "expects a spread of rank 1 to " << sequence + 1
                           << ", got " << getSpread().getType();
    SmallVector<int64_t> spread = llvm::to_vector(llvm::seq(leading));
    spread.push_back(sequence);
    if (failed(verifyAlong("a spread", getSpread(), spread)))
      return failure();
  }
  return verifyAlong("an init", getInit(), getResultDimensions());
}

//===----------------------------------------------------------------------===//
// Packed storage
//===----------------------------------------------------------------------===//

/// Checks that `packed` are the parts that codes of a type are stored in.
template <typename OpTy>
static LogicalResult verifyPacked(OpTy op, Value codes, ValueRange packed) {
  int64_t sequence = op.getDimension(), along = op.getPackedDimension();
  if (failed(verifyDimension(op, codes, "sequence", sequence)) ||
      failed(verifyDimension(op, codes, "packed", along)) ||
      failed(verifyDistinct(op, "sequence", sequence, "packed", along)))
    return failure();
  SmallVector<int64_t> bits = op.getSchedule().getWidths();
  if (packed.size() != bits.size())
    return op.emitOpError()
           << "expects one packed tensor for each segment and one for the "
              "rest, that is "
           << bits.size() << ", got " << packed.size();

  SmallVector<int64_t> shape(getShapedType(codes).getShape());
  int64_t seqLen = shape[sequence], count = shape[along];
  std::vector<int64_t> ends;
  if (!ShapedType::isDynamic(seqLen)) {
    ends = op.getSchedule().getSchedule().ends(seqLen);
    ends.push_back(seqLen);
  }
  for (auto [part, tensor] : llvm::enumerate(packed)) {
    shape[sequence] = ends.empty() ? ShapedType::kDynamic
                                   : ends[part] - (part ? ends[part - 1] : 0);
    shape[along] = ShapedType::isDynamic(count) ? ShapedType::kDynamic
                                                : packedSize(count, bits[part]);
    std::string name = "codes of " + std::to_string(bits[part]) + " bits";
    if (failed(verifyShape(op, name, tensor, shape)))
      return failure();
  }
  return success();
}

void PackOp::build(OpBuilder &builder, OperationState &state, Value codes,
                   ScheduleAttr schedule, int64_t dimension,
                   int64_t packedDimension) {
  Location loc = state.location;
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, getSizeSource(codes));
  OpFoldResult seqLen = sizes[dimension], count = sizes[packedDimension];
  AffineExpr a = builder.getAffineSymbolExpr(0);
  AffineExpr b = builder.getAffineSymbolExpr(1);
  SmallVector<OpFoldResult> ends = schedule.getEnds(builder, loc, seqLen);
  ends.push_back(seqLen);
  OpFoldResult begin = builder.getIndexAttr(0);
  SmallVector<Value> inits;
  for (auto [end, bits] : llvm::zip_equal(ends, schedule.getWidths())) {
    sizes[dimension] = affine::makeComposedFoldedAffineApply(
        builder, loc, a - b, {end, begin});
    sizes[packedDimension] = affine::makeComposedFoldedAffineApply(
        builder, loc, a.ceilDiv(codesPerByte(bits)), {count});
    inits.push_back(
        tensor::EmptyOp::create(builder, loc, sizes, builder.getI8Type()));
    begin = end;
  }
  build(builder, state, TypeRange(ValueRange(inits)), codes, inits, schedule,
        builder.getI64IntegerAttr(dimension),
        builder.getI64IntegerAttr(packedDimension));
}

LogicalResult PackOp::verify() {
  return verifyPacked(*this, getCodes(), getInits());
}

LogicalResult UnpackOp::verify() {
  return verifyPacked(*this, getInit(), getPacked());
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

LogicalResult ObserveOp::verify() {
  if (getSite().empty())
    return emitOpError() << "expects a site that has a name";
  if (failed(verifyDimension(*this, getInput(), "sequence", getDimension())))
    return failure();
  int64_t tokens = getInput().getType().getDimSize(getDimension());
  if (failed(
          verifyShape(*this, "the sums so far", getSoFar(), {tokens, tokens})))
    return failure();
  return verifyShape(*this, "an init", getInit(), {tokens, tokens});
}
