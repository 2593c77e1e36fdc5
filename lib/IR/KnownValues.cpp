//===- KnownValues.cpp - Weights behind what copies them -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op that only copies elements puts boxes of them elsewhere: element i of
// a box goes from one place plus i times one set of strides to another place
// plus i times other strides. Reshapes and casts leave all where it is.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Constants.h"
#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace stamp;

static ArrayRef<int64_t> getShape(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

//===----------------------------------------------------------------------===//
// What copies
//===----------------------------------------------------------------------===//

bool stamp::isPermutationWithUnits(AffineMap map) {
  SmallVector<AffineExpr> loops =
      llvm::filter_to_vector(map.getResults(), [](AffineExpr index) {
        auto constant = dyn_cast<AffineConstantExpr>(index);
        return !constant || constant.getValue() != 0;
      });
  return AffineMap::get(map.getNumDims(), map.getNumSymbols(), loops,
                        map.getContext())
      .isProjectedPermutation();
}

/// Whether each element of the result is one of the input's, maybe widened.
static bool copiesInput(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      !op.hasPureTensorSemantics() || op.getNumReductionLoops() != 0)
    return false;
  OpOperand *input = op.getDpsInputOperand(0);
  Value element = op.getBlock()->getTerminator()->getOperand(0);
  if (auto widened = element.getDefiningOp<arith::ExtFOp>())
    element = widened.getIn();
  return element == op.getBlock()->getArgument(0) &&
         isa<RankedTensorType>(input->get().getType()) &&
         isPermutationWithUnits(op.getMatchingIndexingMap(input)) &&
         op.getIndexingMapMatchingResult(op->getResult(0)).isPermutation();
}

static bool isStatic(ArrayRef<int64_t> numbers) {
  return llvm::none_of(numbers, ShapedType::isDynamic);
}

SmallVector<Value> stamp::getCopiedTensors(Operation *op) {
  bool copies =
      llvm::TypeSwitch<Operation *, bool>(op)
          .Case<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
                tensor::ConcatOp, arith::ExtFOp>([](auto) { return true; })
          .Case([](tensor::ExtractSliceOp slice) {
            return isStatic(slice.getStaticOffsets()) &&
                   isStatic(slice.getStaticSizes()) &&
                   isStatic(slice.getStaticStrides());
          })
          .Case([](tensor::PadOp pad) {
            return isStatic(pad.getStaticLow()) &&
                   isStatic(pad.getStaticHigh()) &&
                   matchPattern(pad.getConstantPaddingValue(), m_Constant());
          })
          .Case([](linalg::LinalgOp linalgOp) { return copiesInput(linalgOp); })
          .Default([](Operation *) { return false; });
  if (!copies)
    return {};
  auto destinationStyle = dyn_cast<DestinationStyleOpInterface>(op);
  SmallVector<Value> tensors = llvm::filter_to_vector(
      op->getOperands().take_front(destinationStyle
                                       ? destinationStyle.getNumDpsInputs()
                                       : op->getNumOperands()),
      [](Value operand) { return isa<RankedTensorType>(operand.getType()); });
  return tensors;
}

SmallVector<Value> stamp::getWeightSources(Operation *op) {
  // In another type they would round.
  if (isa<FeatureTransformOp, InverseFeatureTransformOp>(op) &&
      op->getNumResults() == 1 &&
      getElementTypeOrSelf(op->getResult(0)).isF32())
    return {op->getOperand(0)};
  return getCopiedTensors(op);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

namespace {
/// Which elements go where: the box, and for both sides where its first element
/// is and how far apart its elements are along each dimension.
struct Box {
  SmallVector<int64_t> sizes, fromStrides, toStrides;
  int64_t from = 0, to = 0;

  void copy(const float *source, float *target) const;
};
} // namespace

void Box::copy(const float *source, float *target) const {
  if (llvm::is_contained(sizes, 0))
    return;
  int64_t rank = sizes.size();
  SmallVector<int64_t> indices(rank, 0);
  const float *read = source + from;
  float *write = target + to;
  while (true) {
    *write = *read;
    int64_t d = rank - 1;
    for (; d >= 0; --d) {
      read += fromStrides[d];
      write += toStrides[d];
      if (++indices[d] < sizes[d])
        break;
      indices[d] = 0;
      read -= fromStrides[d] * sizes[d];
      write -= toStrides[d] * sizes[d];
    }
    if (d < 0)
      return;
  }
}

/// The box of each tensor that `op` copies elements of.
static SmallVector<Box> getBoxes(Operation *op) {
  SmallVector<int64_t> ofResult =
      computeSuffixProduct(getShape(op->getResult(0)));
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    SmallVector<int64_t> strides =
        computeSuffixProduct(slice.getSourceType().getShape());
    Box box;
    box.from = linearize(slice.getStaticOffsets(), strides);
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [d, stride, step] :
         llvm::enumerate(strides, slice.getStaticStrides()))
      if (!dropped.test(d))
        box.fromStrides.push_back(stride * step);
    box.sizes.assign(slice.getType().getShape());
    box.toStrides = ofResult;
    return {box};
  }
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    Value input = linalgOp.getDpsInputs()[0];
    AffineMap index =
        linalgOp.getMatchingIndexingMap(linalgOp.getDpsInputOperand(0))
            .compose(inversePermutation(
                linalgOp.getIndexingMapMatchingResult(op->getResult(0))));
    Box box;
    box.sizes.assign(getShape(op->getResult(0)));
    box.toStrides = ofResult;
    box.fromStrides.assign(box.sizes.size(), 0);
    for (auto [expr, stride] : llvm::zip_equal(
             index.getResults(), computeSuffixProduct(getShape(input))))
      if (auto dimension = dyn_cast<AffineDimExpr>(expr))
        box.fromStrides[dimension.getPosition()] = stride;
    return {box};
  }
  SmallVector<Box> boxes;
  auto pad = dyn_cast<tensor::PadOp>(op);
  int64_t to = pad ? linearize(pad.getStaticLow(), ofResult) : 0;
  for (Value source : getCopiedTensors(op)) {
    ArrayRef<int64_t> sizes = getShape(source);
    boxes.push_back({SmallVector<int64_t>(sizes), computeSuffixProduct(sizes),
                     ofResult, /*from=*/0, to});
    if (auto concat = dyn_cast<tensor::ConcatOp>(op))
      to += sizes[concat.getDim()] * ofResult[concat.getDim()];
  }
  return boxes;
}

/// The values that an op which is no reshape copies.
static std::optional<ArrayRef<float>> readCopies(Operation *op,
                                                 std::vector<float> &storage) {
  float rest = 0;
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    FloatAttr value;
    if (!matchPattern(pad.getConstantPaddingValue(), m_Constant(&value)))
      return std::nullopt;
    rest = static_cast<float>(value.getValueAsDouble());
  }
  std::vector<float> result(
      ShapedType::getNumElements(getShape(op->getResult(0))), rest);
  for (auto [source, box] :
       llvm::zip_equal(getCopiedTensors(op), getBoxes(op))) {
    std::vector<float> own;
    std::optional<ArrayRef<float>> values = readKnownValues(source, own);
    if (!values)
      return std::nullopt;
    box.copy(values->data(), result.data());
  }
  storage = std::move(result);
  return ArrayRef<float>(storage);
}

template <typename OpTy>
static std::optional<ArrayRef<float>>
readTransformed(OpTy op, Direction direction, std::vector<float> &storage) {
  ArrayRef<int64_t> sizes = op.getInput().getType().getShape();
  std::optional<ArrayRef<float>> values =
      readKnownValues(op.getInput(), storage);
  if (!values)
    return std::nullopt;
  if (storage.empty())
    storage = values->vec();
  int64_t features = op.getDimension();
  FeatureShape shape = {llvm::product_of(sizes.take_front(features)),
                        sizes[features],
                        llvm::product_of(sizes.drop_front(features + 1))};
  op.getTransform().getFeatureTransform()->apply(storage.data(), shape,
                                                 op.getSide(), direction);
  return ArrayRef<float>(storage);
}

std::optional<ArrayRef<float>>
stamp::readKnownValues(Value tensor, std::vector<float> &storage) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Attribute constant;
  if (!type.hasStaticShape())
    return std::nullopt;
  if (matchPattern(tensor, m_Constant(&constant)))
    return readFloats(constant, type, storage);
  Operation *op = tensor.getDefiningOp();
  if (!op || getWeightSources(op).empty())
    return std::nullopt;
  if (auto transform = dyn_cast<FeatureTransformOp>(op))
    return readTransformed(transform, Direction::Forward, storage);
  if (auto transform = dyn_cast<InverseFeatureTransformOp>(op))
    return readTransformed(transform, Direction::Inverse, storage);
  if (isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
          arith::ExtFOp>(op))
    return readKnownValues(op->getOperand(0), storage);
  return readCopies(op, storage);
}
