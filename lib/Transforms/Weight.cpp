//===- Weight.cpp - What a weight is ---------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Weight.h"

#include "Globals.h"

#include "stamp/IR/Constants.h"
#include "stamp/IR/Stamp.h"
#include "stamp/Transforms/WeightCodes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace stamp;

static RankedTensorType getTensorType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

//===----------------------------------------------------------------------===//
// In front of what copies
//===----------------------------------------------------------------------===//

/// What stands in front of an op that only copies elements, and how the
/// result's indices become indices of that; a 0 is the index of a dimension of
/// size 1.
static std::optional<std::pair<Value, AffineMap>> skipCopy(Operation *op) {
  MLIRContext *context = op->getContext();
  auto identity = [&](Value tensor) {
    return AffineMap::getMultiDimIdentityMap(getTensorType(tensor).getRank(),
                                             context);
  };
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    if (!isa<RankedTensorType>(cast.getSource().getType()))
      return std::nullopt;
    return std::pair(cast.getSource(), identity(cast.getSource()));
  }
  if (auto widen = dyn_cast<arith::ExtFOp>(op)) {
    if (!isa<RankedTensorType>(widen.getIn().getType()))
      return std::nullopt;
    return std::pair(widen.getIn(), identity(widen.getIn()));
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    // New dimensions of size 1 have no elements to tell apart.
    SmallVector<unsigned> kept;
    for (const ReassociationIndices &group : expand.getReassociationIndices()) {
      auto isNew = [&](int64_t d) {
        return expand.getType().getDimSize(d) == 1;
      };
      ArrayRef<int64_t> rest = group;
      while (rest.size() > 1 && isNew(rest.front()))
        rest = rest.drop_front();
      while (rest.size() > 1 && isNew(rest.back()))
        rest = rest.drop_back();
      if (rest.size() != 1)
        return std::nullopt;
      kept.push_back(rest.front());
    }
    return std::pair(expand.getSrc(),
                     identity(expand.getResult()).getSubMap(kept));
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || getCopiedTensors(op).empty())
    return std::nullopt;
  OpOperand *input = linalgOp.getDpsInputOperand(0);
  if (!isa<FloatType>(getElementTypeOrSelf(input->get())))
    return std::nullopt;
  AffineMap from = linalgOp.getMatchingIndexingMap(input);
  AffineMap to = linalgOp.getIndexingMapMatchingResult(op->getResult(0));
  return std::pair(input->get(), from.compose(inversePermutation(to)));
}

/// The constant that reshapes and casts have been applied to; null if there is
/// none. Its elements are in the same order.
static Value findReshapedConstant(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    ElementsAttr constant;
    if (matchPattern(op, m_Constant(&constant)))
      return isa<DenseElementsAttr, DenseResourceElementsAttr>(constant)
                 ? tensor
                 : Value();
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp,
             arith::ExtFOp>(op) ||
        !isa<RankedTensorType>(op->getOperand(0).getType()))
      return {};
    tensor = op->getOperand(0);
  }
  return {};
}

/// The same type with other sizes.
static RankedTensorType withShape(Value tensor, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, getTensorType(tensor).getElementType());
}

/// The weight without its dimensions of size 1 that have the index 0; nullopt
/// if another has.
static std::optional<Weight> dropUnits(Weight weight) {
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> indices;
  for (auto [size, index] :
       llvm::zip_equal(weight.type.getShape(), weight.map.getResults())) {
    if (isa<AffineConstantExpr>(index)) {
      if (size != 1)
        return std::nullopt;
      continue;
    }
    shape.push_back(size);
    indices.push_back(index);
  }
  weight.type = withShape(weight.tensor, shape);
  weight.map = AffineMap::get(weight.map.getNumDims(), 0, indices,
                              weight.map.getContext());
  return weight;
}

Weight Weight::seeThrough(Value operand, AffineMap map) {
  Weight current = {operand, getTensorType(operand), map};
  Weight last = dropUnits(current).value_or(current);
  while (Operation *op = current.tensor.getDefiningOp()) {
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) &&
        current.type.hasStaticShape())
      if (Value constant = findReshapedConstant(current.tensor)) {
        current.tensor = constant;
        current.type = withShape(constant, current.type.getShape());
        return dropUnits(current).value_or(last);
      }
    std::optional<std::pair<Value, AffineMap>> skipped = skipCopy(op);
    if (!skipped)
      break;
    auto [tensor, index] = *skipped;
    current = {tensor, getTensorType(tensor), index.compose(current.map)};
    if (std::optional<Weight> whole = dropUnits(current))
      last = *whole;
  }
  return last;
}

//===----------------------------------------------------------------------===//
// Where it comes from
//===----------------------------------------------------------------------===//

bool Weight::isCodes() const {
  return !matchPattern(tensor, m_Constant()) && comesAsCodes(tensor);
}

/// The function of whose arguments this is one; null if it is none.
static FunctionOpInterface getFunction(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || !argument.getOwner()->isEntryBlock())
    return {};
  return dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
}

std::optional<PickedWeight> PickedWeight::match(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op)) {
    if (!getCopiedTensors(op).empty() || !slice.getType().hasStaticShape())
      return std::nullopt;
    PickedWeight picked = {slice, {}};
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [d, size] : llvm::enumerate(slice.getStaticSizes())) {
      bool isWhole = slice.getStaticOffsets()[d] == 0 &&
                     size == slice.getSourceType().getDimSize(d) &&
                     slice.getStaticStrides()[d] == 1;
      if (!isWhole && size != 1)
        return std::nullopt;
      if (!dropped.test(d))
        picked.dimensions.push_back(d);
    }
    return picked;
  }
  if (!isa_and_nonnull<FeatureTransformOp, InverseFeatureTransformOp,
                       arith::ExtFOp, tensor::CollapseShapeOp>(op) ||
      getWeightSources(op).size() != 1)
    return std::nullopt;
  Value source = op->getOperand(0);
  std::optional<PickedWeight> picked = match(source);
  auto collapse = dyn_cast<tensor::CollapseShapeOp>(op);
  if (!picked || !collapse)
    return picked;
  SmallVector<int64_t> kept;
  for (ReassociationIndices group : collapse.getReassociationIndices()) {
    auto isUnit = [&](int64_t d) {
      return getTensorType(source).getDimSize(d) == 1;
    };
    int64_t last = group.back();
    llvm::erase_if(group, isUnit);
    if (group.size() > 1)
      return std::nullopt;
    kept.push_back(picked->dimensions[group.empty() ? last : group.front()]);
  }
  picked->dimensions = kept;
  return picked;
}

static std::optional<std::string> whyNotKnown(Value tensor) {
  if (matchPattern(tensor, m_Constant()))
    return std::nullopt;
  if (Operation *op = tensor.getDefiningOp()) {
    if (std::optional<std::string> why = whyNoConstant(op))
      return "its weight is " + *why;
    SmallVector<Value> sources = getWeightSources(op);
    for (Value source : sources)
      if (std::optional<std::string> why = whyNotKnown(source))
        return why;
    if (!sources.empty())
      return std::nullopt;
  }
  if (FunctionOpInterface function = getFunction(tensor)) {
    unsigned number = cast<BlockArgument>(tensor).getArgNumber();
    if (function.getArgAttr(number, StampDialect::kWeightAttrName))
      return std::nullopt;
    return "its weight is argument #" + std::to_string(number) +
           " of the function; mark that with " +
           StampDialect::kWeightAttrName.str() +
           " if it is the same in every call, or give the linear a stamp.plan "
           "to quantize it at run time";
  }
  if (comesAsCodes(tensor))
    return std::nullopt;
  return "its weight is not a constant; with a stamp.plan of its own it is "
         "quantized at run time";
}

std::optional<std::string> Weight::whyUnknown() const {
  // It is the codes of all that are known, and of which one is picked.
  std::optional<PickedWeight> picked = PickedWeight::match(tensor);
  if (picked && !comesAsCodes(picked->slice.getSource()))
    return whyNotKnown(picked->slice.getSource());
  return whyNotKnown(tensor);
}

Value Weight::materialize(OpBuilder &builder, Location loc) const {
  if (type == tensor.getType())
    return tensor;
  ElementsAttr constant;
  if (!matchPattern(tensor, m_Constant(&constant))) {
    // Only dimensions of size 1 are gone: each goes to the one behind it, or
    // what has none to the last.
    SmallVector<ReassociationIndices> groups;
    ReassociationIndices units;
    int64_t next = 0;
    for (auto [d, size] : llvm::enumerate(getTensorType(tensor).getShape())) {
      units.push_back(d);
      if (next < type.getRank() && size == type.getDimSize(next)) {
        groups.push_back(std::exchange(units, {}));
        ++next;
      }
    }
    if (!groups.empty())
      llvm::append_range(groups.back(), units);
    return tensor::CollapseShapeOp::create(builder, loc, type, tensor, groups);
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(tensor.getDefiningOp());
  TypedAttr reshaped;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant))
    reshaped = DenseResourceElementsAttr::get(type, resource.getRawHandle());
  else
    reshaped = cast<DenseElementsAttr>(constant).reshape(type);
  return arith::ConstantOp::create(builder, loc, reshaped);
}
