//===- StampOps.cpp - Builders and verifiers -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/Basis/Packing.h"
#include "stamp/IR/Stamp.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace stamp;

#define GET_OP_CLASSES
#include "stamp/IR/StampOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static SmallVector<int64_t> without(ArrayRef<int64_t> shape,
                                    int64_t dimension) {
  SmallVector<int64_t> result(shape);
  result.erase(result.begin() + dimension);
  return result;
}

/// Checks that `dimension` is one of a tensor of rank two or more.
static LogicalResult verifyDimension(Operation *op, Value tensor,
                                     StringRef name, int64_t dimension) {
  int64_t rank = getTensorType(tensor).getRank();
  if (rank < 2)
    return op->emitOpError()
           << "expects a tensor of rank 2 or more, got " << tensor.getType();
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
  ArrayRef<int64_t> shape = getTensorType(tensor).getShape();
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

/// Checks the valid lengths of a batch, where there are any: their dimensions
/// are the tensor's first, in front of the sequence dimension.
template <typename OpTy>
static LogicalResult verifyLengths(OpTy op, Value tensor) {
  if (!op.getLengths())
    return success();
  int64_t sequence = op.getDimension();
  int64_t rank = getTensorType(op.getLengths()).getRank();
  if (rank > sequence)
    return op.emitOpError() << "expects lengths of rank " << sequence
                            << " or less, got " << op.getLengths().getType();
  return verifyShape(op, "lengths", op.getLengths(),
                     getTensorType(tensor).getShape().take_front(rank));
}

static LogicalResult reifyFromInits(DestinationStyleOpInterface op,
                                    OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &reified) {
  for (Value init : op.getDpsInits())
    reified.push_back(tensor::getMixedSizes(builder, op.getLoc(), init));
  return success();
}

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

template <typename OpTy>
static void buildTransform(OpBuilder &builder, OperationState &state,
                           Value input, BasisAttrInterface basis,
                           int64_t dimension, Type elementType, Value lengths) {
  OpTy::build(builder, state, input,
              createEmptyLike(builder, state.location, input, elementType),
              lengths, basis, builder.getI64IntegerAttr(dimension));
}

template <typename OpTy> static LogicalResult verifyTransform(OpTy op) {
  if (failed(verifyDimension(op, op.getInput(), "sequence", op.getDimension())))
    return failure();
  if (failed(verifyShape(op, "an init", op.getInit(),
                         getTensorType(op.getInput()).getShape())))
    return failure();
  return verifyLengths(op, op.getInput());
}

void TransformOp::build(OpBuilder &builder, OperationState &state, Value input,
                        BasisAttrInterface basis, int64_t dimension,
                        Type elementType, Value lengths) {
  buildTransform<TransformOp>(builder, state, input, basis, dimension,
                              elementType, lengths);
}

LogicalResult TransformOp::verify() { return verifyTransform(*this); }

LogicalResult
TransformOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &reified) {
  return reifyFromInits(*this, builder, reified);
}

void InverseTransformOp::build(OpBuilder &builder, OperationState &state,
                               Value input, BasisAttrInterface basis,
                               int64_t dimension, Type elementType,
                               Value lengths) {
  buildTransform<InverseTransformOp>(builder, state, input, basis, dimension,
                                     elementType, lengths);
}

LogicalResult InverseTransformOp::verify() { return verifyTransform(*this); }

LogicalResult
InverseTransformOp::reifyResultShapes(OpBuilder &builder,
                                      ReifiedRankedShapedTypeDims &reified) {
  return reifyFromInits(*this, builder, reified);
}

//===----------------------------------------------------------------------===//
// Quantizers
//===----------------------------------------------------------------------===//

void QuantizeOp::build(OpBuilder &builder, OperationState &state, Value input,
                       ScheduleAttr schedule, int64_t dimension,
                       int64_t featureDimension, Value lengths) {
  Location loc = state.location;
  build(builder, state, input,
        createEmptyLike(builder, loc, input, builder.getI8Type()),
        createEmptyWithout(builder, loc, input, featureDimension,
                           builder.getF32Type()),
        createEmptyWithout(builder, loc, input, featureDimension,
                           builder.getI32Type()),
        /*rowOffset=*/Value(), /*rowTotal=*/Value(), lengths, schedule,
        builder.getI64IntegerAttr(dimension),
        builder.getI64IntegerAttr(featureDimension));
}

MutableOperandRange QuantizeOp::getDpsInitsMutable() {
  return MutableOperandRange(*this, 1, 3);
}

LogicalResult QuantizeOp::verify() {
  if (!getRowOffset() != !getRowTotal())
    return emitOpError() << "expects the rows' offset and their total together";
  int64_t sequence = getDimension(), features = getFeatureDimension();
  if (failed(verifyDimension(*this, getInput(), "sequence", sequence)) ||
      failed(verifyDimension(*this, getInput(), "feature", features)) ||
      failed(verifyDistinct(*this, "sequence", sequence, "features", features)))
    return failure();
  ArrayRef<int64_t> shape = getTensorType(getInput()).getShape();
  if (failed(verifyShape(*this, "codes", getCodesInit(), shape)) ||
      failed(verifyShape(*this, "scales", getScalesInit(),
                         without(shape, features))) ||
      failed(verifyShape(*this, "zero points", getZeroPointsInit(),
                         without(shape, features))))
    return failure();
  if (getLengths() && features < getTensorType(getLengths()).getRank())
    return emitOpError() << "has lengths that differ within a row: feature "
                            "dimension "
                         << features << " is one of theirs";
  return verifyLengths(*this, getInput());
}

LogicalResult
QuantizeOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &reified) {
  return reifyFromInits(*this, builder, reified);
}

LogicalResult DequantizeOp::verify() {
  int64_t features = getFeatureDimension();
  if (failed(verifyDimension(*this, getCodes(), "feature", features)))
    return failure();
  ArrayRef<int64_t> shape = getTensorType(getCodes()).getShape();
  if (failed(verifyShape(*this, "scales", getScales(),
                         without(shape, features))) ||
      failed(verifyShape(*this, "zero points", getZeroPoints(),
                         without(shape, features))) ||
      failed(verifyShape(*this, "an init", getInit(), shape)))
    return failure();
  return success();
}

LogicalResult
DequantizeOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &reified) {
  return reifyFromInits(*this, builder, reified);
}

void QuantizeWeightOp::build(OpBuilder &builder, OperationState &state,
                             Value weight, int64_t bits,
                             int64_t reducedDimension) {
  Location loc = state.location;
  build(builder, state, weight,
        createEmptyLike(builder, loc, weight, builder.getI8Type()),
        createEmptyWithout(builder, loc, weight, reducedDimension,
                           builder.getF32Type()),
        createEmptyWithout(builder, loc, weight, reducedDimension,
                           builder.getI32Type()),
        builder.getI64IntegerAttr(bits),
        builder.getI64IntegerAttr(reducedDimension));
}

MutableOperandRange QuantizeWeightOp::getDpsInitsMutable() {
  return MutableOperandRange(*this, 1, 3);
}

LogicalResult QuantizeWeightOp::verify() {
  if (getBits() != 4 && getBits() != 8)
    return emitOpError() << "expects 4 or 8 bits, got " << getBits();
  int64_t reduced = getReducedDimension();
  if (failed(verifyDimension(*this, getWeight(), "reduced", reduced)))
    return failure();
  ArrayRef<int64_t> shape = getTensorType(getWeight()).getShape();
  if (failed(verifyShape(*this, "codes", getCodesInit(), shape)) ||
      failed(verifyShape(*this, "scales", getScalesInit(),
                         without(shape, reduced))) ||
      failed(
          verifyShape(*this, "sums", getSumsInit(), without(shape, reduced))))
    return failure();
  return success();
}

LogicalResult
QuantizeWeightOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &reified) {
  return reifyFromInits(*this, builder, reified);
}

//===----------------------------------------------------------------------===//
// Rescale
//===----------------------------------------------------------------------===//

LogicalResult RescaleOp::verify() {
  int64_t sequence = getDimension(), channels = getChannelDimension();
  if (failed(verifyDimension(*this, getAccumulators(), "sequence", sequence)) ||
      failed(verifyDimension(*this, getAccumulators(), "channel", channels)) ||
      failed(verifyDistinct(*this, "sequence", sequence, "channels", channels)))
    return failure();
  ArrayRef<int64_t> shape = getTensorType(getAccumulators()).getShape();

  auto verifyColumns = [&](StringRef name, Value columns) {
    bool isVector = getTensorType(columns).getRank() == 1;
    return verifyShape(*this, name, columns,
                       isVector ? SmallVector<int64_t>{shape[channels]}
                                : without(shape, sequence));
  };
  if (failed(verifyShape(*this, "row scales", getRowScales(),
                         without(shape, channels))) ||
      failed(verifyShape(*this, "zero points", getZeroPoints(),
                         without(shape, channels))) ||
      failed(verifyColumns("column scales", getColumnScales())) ||
      failed(verifyColumns("column sums", getColumnSums())))
    return failure();
  if (getBias() && failed(verifyColumns("a bias", getBias())))
    return failure();
  if (getSpread()) {
    if (!getBias())
      return emitOpError() << "has a spread but no bias to be spread";
    int64_t leading = getTensorType(getSpread()).getRank() - 1;
    if (leading < 0 || leading > sequence)
      return emitOpError() << "expects a spread of rank 1 to " << sequence + 1
                           << ", got " << getSpread().getType();
    SmallVector<int64_t> spread(shape.take_front(leading));
    spread.push_back(shape[sequence]);
    if (failed(verifyShape(*this, "a spread", getSpread(), spread)))
      return failure();
  }
  return verifyShape(*this, "an init", getInit(), shape);
}

LogicalResult
RescaleOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &reified) {
  return reifyFromInits(*this, builder, reified);
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

  SmallVector<int64_t> shape(getTensorType(codes).getShape());
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

LogicalResult PackOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &reified) {
  return reifyFromInits(*this, builder, reified);
}

LogicalResult UnpackOp::verify() {
  return verifyPacked(*this, getInit(), getPacked());
}

LogicalResult
UnpackOp::reifyResultShapes(OpBuilder &builder,
                            ReifiedRankedShapedTypeDims &reified) {
  return reifyFromInits(*this, builder, reified);
}
