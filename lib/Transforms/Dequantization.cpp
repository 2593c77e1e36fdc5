//===- Dequantization.cpp - (codes ± zero points)·scales -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Dequantization.h"

#include "stamp/IR/Constants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace stamp;

namespace {
class FormReader {
public:
  explicit FormReader(std::string &why) : why(why) {}

  /// `value`, which is a tensor, or an element in the body of a linalg op, by a
  /// map from the weight's indices to its own, or to the loops of that op.
  std::optional<Form> read(Value value, AffineMap map);

private:
  std::nullopt_t refuse(const llvm::Twine &reason) {
    why = reason.str();
    return std::nullopt;
  }
  std::nullopt_t refuseOp(Operation *op) {
    return refuse("it is computed by " + op->getName().getStringRef() +
                  ", which is no part of (codes - zero points) * scales");
  }

  std::optional<Form> readConstant(TypedAttr constant, AffineMap map);
  std::optional<Form> readReshape(Operation *op, AffineMap map);
  std::optional<Form> readSlice(tensor::ExtractSliceOp op, AffineMap map);
  std::optional<Form> readDequantizeCast(quant::DequantizeCastOp op,
                                         AffineMap map);
  std::optional<Form> readLinalg(linalg::LinalgOp op, AffineMap map);
  std::optional<Form> readInterpreted(Operation *op, Reading reading,
                                      AffineMap map);
  std::optional<Form> readSum(Operation *op, int sign, AffineMap map);
  std::optional<Form> readProduct(Operation *op, AffineMap map);

  std::string &why;
  /// Ops are read once per path that leads to them; there may be 2ⁿ of those.
  int opsLeft = 64;
};
} // namespace

static unsigned getWidth(Value integers) {
  return getElementTypeOrSelf(integers).getIntOrFloatBitWidth();
}

static bool isScaleType(Type type) {
  return type.isF32() || type.isF16() || type.isBF16();
}

static constexpr const char *kScaleTypes =
    "its scales are not f32, f16 or bf16";

/// A number, read at any index.
static Leaf makeScalar(TypedAttr number, AffineMap map) {
  auto type = RankedTensorType::get({}, number.getType());
  return {DenseElementsAttr::get(type, Attribute(number)),
          AffineMap::get(map.getNumDims(), 0, map.getContext()),
          {}};
}

std::optional<Form> FormReader::readConstant(TypedAttr constant,
                                             AffineMap map) {
  Type element = getElementTypeOrSelf(constant.getType());
  if (!isScaleType(element) && !isa<IntegerType>(element))
    return refuse(kScaleTypes);
  bool isScalar = isa<IntegerAttr, FloatAttr>(constant);
  if (!isScalar && !isa<DenseElementsAttr, DenseResourceElementsAttr>(constant))
    return refuse("one of its constants is not dense");
  Leaf leaf = isScalar ? makeScalar(constant, map) : Leaf{constant, map, {}};
  if (isa<IntegerType>(element))
    return Form{leaf, {}, {}};
  return Form{std::nullopt, {}, {leaf}};
}

/// Reshapes move no element, so that an index of one shape is a function of
/// those of the other.
std::optional<Form> FormReader::readReshape(Operation *op, AffineMap map) {
  Value source = op->getOperand(0);
  auto type = cast<RankedTensorType>(source.getType());
  bool collapses = isa<tensor::CollapseShapeOp>(op);
  auto expanded =
      collapses ? type : cast<RankedTensorType>(op->getResult(0).getType());
  if (!expanded.hasStaticShape())
    return refuse("it is reshaped to sizes that only run time knows");
  SmallVector<ReassociationIndices> groups =
      collapses ? cast<tensor::CollapseShapeOp>(op).getReassociationIndices()
                : cast<tensor::ExpandShapeOp>(op).getReassociationIndices();
  SmallVector<AffineExpr> indices;
  for (auto [i, group] : llvm::enumerate(groups)) {
    SmallVector<int64_t> sizes = llvm::map_to_vector(
        group, [&](int64_t d) { return expanded.getDimSize(d); });
    SmallVector<int64_t> strides = computeSuffixProduct(sizes);
    AffineExpr joined = getAffineConstantExpr(0, map.getContext());
    for (auto [j, d] : llvm::enumerate(group)) {
      if (!collapses) {
        joined = joined + map.getResult(d) * strides[j];
        continue;
      }
      AffineExpr index = map.getResult(i).floorDiv(strides[j]);
      indices.push_back(j == 0 ? index : index % sizes[j]);
    }
    if (!collapses)
      indices.push_back(joined);
  }
  return read(source, simplifyAffineMap(AffineMap::get(
                          map.getNumDims(), 0, indices, map.getContext())));
}

std::optional<Form> FormReader::readSlice(tensor::ExtractSliceOp op,
                                          AffineMap map) {
  if (getCopiedTensors(op).empty())
    return refuse("it is a slice whose place only run time knows");
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<AffineExpr> indices;
  unsigned next = 0;
  for (auto [d, offset, stride] :
       llvm::enumerate(op.getStaticOffsets(), op.getStaticStrides())) {
    AffineExpr index = getAffineConstantExpr(0, map.getContext());
    if (!dropped.test(d))
      index = map.getResult(next++);
    indices.push_back(index * stride + offset);
  }
  return read(op.getSource(),
              simplifyAffineMap(AffineMap::get(map.getNumDims(), 0, indices,
                                               map.getContext())));
}

/// The scales and zero points are in the type; its blocks are groups of
/// indices.
std::optional<Form> FormReader::readDequantizeCast(quant::DequantizeCastOp op,
                                                   AffineMap map) {
  auto type = dyn_cast<quant::QuantizedType>(
      getElementTypeOrSelf(op.getInput().getType()));
  auto stored = op.getInput().getDefiningOp<quant::StorageCastOp>();
  if (!stored)
    return refuse("its codes are made by another op than quant.scast of a "
                  "constant");
  std::optional<Form> form = read(stored.getInput(), map);
  if (!form)
    return std::nullopt;
  if (!form->codes || !form->scales.empty())
    return refuse("quant.scast does not take integers");
  Builder b(op.getContext());
  auto narrow = [](ArrayRef<double> values) {
    return llvm::map_to_vector(
        values, [](double value) { return static_cast<float>(value); });
  };
  Leaf scales, zeroPoints;
  if (auto layer = dyn_cast<quant::UniformQuantizedType>(type)) {
    scales = makeScalar(b.getF32FloatAttr(layer.getScale()), map);
    zeroPoints = makeScalar(b.getI64IntegerAttr(layer.getZeroPoint()), map);
  } else if (auto axis = dyn_cast<quant::UniformQuantizedPerAxisType>(type)) {
    int64_t count = axis.getScales().size();
    AffineMap index = AffineMap::get(
        map.getNumDims(), 0, map.getResult(axis.getQuantizedDimension()));
    scales = {
        DenseElementsAttr::get(RankedTensorType::get(count, b.getF32Type()),
                               ArrayRef<float>(narrow(axis.getScales()))),
        index,
        {}};
    zeroPoints = {
        DenseElementsAttr::get(RankedTensorType::get(count, b.getI64Type()),
                               axis.getZeroPoints()),
        index,
        {}};
  } else if (auto blocks =
                 dyn_cast<quant::UniformQuantizedSubChannelType>(type)) {
    SmallVector<AffineExpr> indices(map.getNumResults(),
                                    getAffineConstantExpr(0, op.getContext()));
    for (auto [d, size] : llvm::zip_equal(blocks.getQuantizedDimensions(),
                                          blocks.getBlockSizes()))
      indices[d] = map.getResult(d).floorDiv(size);
    AffineMap index =
        AffineMap::get(map.getNumDims(), 0, indices, op.getContext());
    if (!isScaleType(blocks.getScales().getElementType()))
      return refuse(kScaleTypes);
    scales = {blocks.getScales(), index, {}};
    zeroPoints = {blocks.getZeroPoints(), index, {}};
  } else {
    return refuse("its quantized type is not uniform");
  }
  form->steps.push_back(
      {0, {}, {type.getStorageTypeIntegralWidth(), type.isSigned()}});
  form->steps.push_back({-1, zeroPoints, {}});
  form->scales.push_back(scales);
  return form;
}

std::optional<Form> FormReader::readLinalg(linalg::LinalgOp op, AffineMap map) {
  AffineMap out = op.getIndexingMapMatchingResult(op->getResult(0));
  if (op->getNumResults() != 1 || op.getNumReductionLoops() != 0 ||
      !op.hasPureTensorSemantics() || !out.isPermutation())
    return refuseOp(op);
  return read(op.getBlock()->getTerminator()->getOperand(0),
              inversePermutation(out).compose(map));
}

std::optional<Form> FormReader::readInterpreted(Operation *op, Reading reading,
                                                AffineMap map) {
  std::optional<Form> form = read(op->getOperand(0), map);
  if (form && !form->codes)
    return refuseOp(op);
  if (form)
    form->steps.push_back({0, {}, reading});
  return form;
}

/// (q ± …) ± z.
std::optional<Form> FormReader::readSum(Operation *op, int sign,
                                        AffineMap map) {
  std::optional<Form> left = read(op->getOperand(0), map);
  if (!left)
    return std::nullopt;
  std::optional<Form> right = read(op->getOperand(1), map);
  if (!right)
    return std::nullopt;
  auto isLarger = [](const Form &a, const Form &b) {
    return a.codes && (!b.codes || a.codes->size() > b.codes->size());
  };
  if (sign > 0 && isLarger(*right, *left))
    std::swap(left, right);
  std::optional<Leaf> shift = right->asLeaf();
  if (!left->codes || !shift)
    return refuseOp(op);
  if (!left->scales.empty())
    return refuse("something is added after it has been scaled, which no zero "
                  "point can say");
  left->steps.push_back({sign, *shift, {}});
  return left;
}

/// Of two products of integers the larger one is codes, and the other one was
/// scales that have a scale of their own.
std::optional<Form> FormReader::readProduct(Operation *op, AffineMap map) {
  std::optional<Form> left = read(op->getOperand(0), map);
  if (!left)
    return std::nullopt;
  std::optional<Form> right = read(op->getOperand(1), map);
  if (!right)
    return std::nullopt;
  if (right->codes &&
      (!left->codes || right->codes->size() > left->codes->size()))
    std::swap(left, right);
  if (right->codes) {
    Form integers = {right->codes, right->steps, {}};
    std::optional<Leaf> scale = integers.asLeaf();
    if (!scale)
      return refuseOp(op);
    left->scales.push_back(*scale);
  }
  llvm::append_range(left->scales, right->scales);
  return left;
}

std::optional<Form> FormReader::read(Value value, AffineMap map) {
  if (opsLeft-- == 0)
    return refuse("too many ops compute it");
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto op = dyn_cast<linalg::LinalgOp>(argument.getOwner()->getParentOp());
    if (!op)
      return refuse("one of its operands is not a constant");
    OpOperand *operand = op.getMatchingOpOperand(argument);
    if (!op.isDpsInput(operand))
      return refuseOp(op);
    return read(
        operand->get(),
        simplifyAffineMap(op.getMatchingIndexingMap(operand).compose(map)));
  }
  TypedAttr constant;
  if (matchPattern(value, m_Constant(&constant)))
    return readConstant(constant, map);
  Operation *op = value.getDefiningOp();
  return llvm::TypeSwitch<Operation *, std::optional<Form>>(op)
      .Case<tensor::CastOp, tensor::SplatOp, arith::ExtFOp, arith::TruncFOp>(
          [&](Operation *cast) -> std::optional<Form> {
            return read(cast->getOperand(0), map);
          })
      .Case([&](tensor::BitcastOp cast) -> std::optional<Form> {
        if (!isa<IntegerType>(getElementTypeOrSelf(cast.getSource())) ||
            !isa<IntegerType>(getElementTypeOrSelf(cast.getDest())))
          return refuseOp(op);
        return read(cast.getSource(), map);
      })
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
          [&](Operation *) { return readReshape(op, map); })
      .Case([&](tensor::ExtractSliceOp slice) { return readSlice(slice, map); })
      .Case([&](quant::StorageCastOp cast) -> std::optional<Form> {
        // To a quantized type and back.
        auto before = cast.getInput().getDefiningOp<quant::StorageCastOp>();
        if (!before || before.getInput().getType() != cast.getType())
          return refuseOp(op);
        return read(before.getInput(), map);
      })
      .Case([&](quant::DequantizeCastOp cast) {
        return readDequantizeCast(cast, map);
      })
      .Case(
          [&](linalg::LinalgOp linalgOp) { return readLinalg(linalgOp, map); })
      .Case<arith::ExtSIOp, arith::SIToFPOp>([&](Operation *) {
        return readInterpreted(op, {getWidth(op->getOperand(0)), true}, map);
      })
      .Case<arith::ExtUIOp, arith::UIToFPOp>([&](Operation *) {
        return readInterpreted(op, {getWidth(op->getOperand(0)), false}, map);
      })
      .Case<arith::TruncIOp>([&](Operation *) {
        return readInterpreted(op, {getWidth(op->getResult(0)), true}, map);
      })
      .Case<arith::AddIOp, arith::AddFOp>(
          [&](Operation *) { return readSum(op, 1, map); })
      .Case<arith::SubIOp, arith::SubFOp>(
          [&](Operation *) { return readSum(op, -1, map); })
      .Case<arith::MulFOp>([&](Operation *) { return readProduct(op, map); })
      .Default([&](Operation *) { return refuseOp(op); });
}

std::optional<Form> stamp::readForm(Value tensor, AffineMap map,
                                    std::string &why) {
  return FormReader(why).read(tensor, map);
}
