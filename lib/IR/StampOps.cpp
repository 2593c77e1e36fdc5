//===- StampOps.cpp - Builders and verifiers -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

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
                           int64_t dimension, Type elementType,
                           RowOrder order) {
  OpTy::build(builder, state, input,
              createEmptyLike(builder, state.location, input, elementType),
              basis, builder.getI64IntegerAttr(dimension),
              order == RowOrder::Block ? builder.getUnitAttr() : UnitAttr());
}

template <typename OpTy> static LogicalResult verifyTransform(OpTy op) {
  if (failed(verifyDimension(op, op.getInput(), "sequence", op.getDimension())))
    return failure();
  return verifyShape(op, "an init", op.getInit(),
                     getTensorType(op.getInput()).getShape());
}

void TransformOp::build(OpBuilder &builder, OperationState &state, Value input,
                        BasisAttrInterface basis, int64_t dimension,
                        Type elementType, RowOrder order) {
  buildTransform<TransformOp>(builder, state, input, basis, dimension,
                              elementType, order);
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
                               RowOrder order) {
  buildTransform<InverseTransformOp>(builder, state, input, basis, dimension,
                                     elementType, order);
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
                       int64_t featureDimension) {
  Location loc = state.location;
  build(builder, state, input,
        createEmptyLike(builder, loc, input, builder.getI8Type()),
        createEmptyWithout(builder, loc, input, featureDimension,
                           builder.getF32Type()),
        createEmptyWithout(builder, loc, input, featureDimension,
                           builder.getI32Type()),
        /*rowOffset=*/Value(), /*rowTotal=*/Value(), schedule,
        builder.getI64IntegerAttr(dimension),
        builder.getI64IntegerAttr(featureDimension),
        /*blockBasis=*/BasisAttrInterface());
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
  return success();
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
    if (failed(verifyShape(*this, "a spread", getSpread(), {shape[sequence]})))
      return failure();
  }
  return verifyShape(*this, "an init", getInit(), shape);
}

LogicalResult
RescaleOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &reified) {
  return reifyFromInits(*this, builder, reified);
}
