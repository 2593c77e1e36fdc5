//===- WeightCodes.cpp - Weights that come as codes ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dequantization is told by what it computes, not by the ops it is written
// in. From the weight backwards, every op is either one that only says which
// element is read, and becomes part of a map, or arithmetic on elements, and
// brings the value into the form
//
//   ((q ± z) ± …)·s·…
//
// with constants q of integers, z of integral numbers and s of any, each read
// by a map from the weight's indices. If the maps keep K apart from all other
// dimensions, the inputs at which no s changes form groups.
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/WeightCodes.h"

#include "stamp/Basis/Quantizer.h"
#include "stamp/IR/Constants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstring>
#include <numeric>

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// The form of a dequantization
//===----------------------------------------------------------------------===//

namespace {
/// An integer of so many bits is taken for a signed or an unsigned one.
struct Reading {
  unsigned width;
  bool isSigned;

  int64_t operator()(int64_t value) const {
    uint64_t bits = static_cast<uint64_t>(value) << (64 - width);
    return isSigned ? static_cast<int64_t>(bits) >> (64 - width)
                    : static_cast<int64_t>(bits >> (64 - width));
  }
};

/// A constant and the map by which the weight's indices become its own.
struct Leaf {
  TypedAttr constant;
  AffineMap map;
  SmallVector<Reading, 2> readings;

  int64_t size() const {
    return cast<ShapedType>(constant.getType()).getNumElements();
  }
};

/// What happens to a code: a leaf is added or subtracted, or, if the sign is 0,
/// it is read in another way.
struct Step {
  int sign;
  Leaf leaf;
  Reading reading;
};

/// ((q ± z) ± …)·s·…, or, without codes, s·….
struct Form {
  std::optional<Leaf> codes;
  SmallVector<Step, 2> steps;
  SmallVector<Leaf, 2> scales;

  /// This as one leaf, if it is none but for readings.
  std::optional<Leaf> asLeaf() const {
    if (!codes)
      return scales.size() == 1 ? std::optional(scales.front()) : std::nullopt;
    if (!scales.empty())
      return std::nullopt;
    Leaf leaf = *codes;
    for (const Step &step : steps) {
      if (step.sign)
        return std::nullopt;
      leaf.readings.push_back(step.reading);
    }
    return leaf;
  }
};

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
  if (TypedAttr constant = getConstantValue(value))
    return readConstant(constant, map);
  Operation *op = value.getDefiningOp();
  return llvm::TypeSwitch<Operation *, std::optional<Form>>(op)
      .Case<tensor::CastOp, arith::ExtFOp, arith::TruncFOp>(
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

bool stamp::comesAsCodes(Value tensor) {
  constexpr unsigned kMaxOps = 64;
  SmallVector<Value> pending = {tensor};
  SmallPtrSet<Operation *, 16> seen;
  bool hasCodes = false;
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (!op || seen.size() == kMaxOps)
      return false;
    if (!seen.insert(op).second)
      continue;
    if (TypedAttr constant = getConstantValue(op->getResult(0))) {
      auto type = dyn_cast<ShapedType>(constant.getType());
      hasCodes |= type && isa<IntegerType>(type.getElementType());
      continue;
    }
    if (!isa_and_nonnull<arith::ArithDialect, linalg::LinalgDialect,
                         math::MathDialect, quant::QuantDialect,
                         tensor::TensorDialect>(op->getDialect()) ||
        !isMemoryEffectFree(op))
      return false;
    llvm::append_range(pending, op->getOperands());
  }
  return hasCodes;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static int64_t evaluate(AffineExpr expr, ArrayRef<int64_t> dims) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t lhs = evaluate(binary.getLHS(), dims);
  int64_t rhs = evaluate(binary.getRHS(), dims);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::Mod:
    return llvm::mod(lhs, rhs);
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(lhs, rhs);
  default:
    return llvm::divideCeilSigned(lhs, rhs);
  }
}

/// Whether each term of a sum depends on one dimension at most.
static bool isSeparable(AffineExpr expr, unsigned numDims) {
  if (expr.getKind() == AffineExprKind::Add) {
    auto sum = cast<AffineBinaryOpExpr>(expr);
    return isSeparable(sum.getLHS(), numDims) &&
           isSeparable(sum.getRHS(), numDims);
  }
  return llvm::count_if(llvm::seq(numDims), [&](unsigned d) {
           return expr.isFunctionOfDim(d);
         }) <= 1;
}

static int64_t loadInteger(const char *bytes, unsigned size) {
  auto as = [&](auto value) {
    std::memcpy(&value, bytes, sizeof(value));
    return static_cast<int64_t>(value);
  };
  switch (size) {
  case 1:
    return as(int8_t());
  case 2:
    return as(int16_t());
  case 4:
    return as(int32_t());
  default:
    return as(int64_t());
  }
}

namespace {
/// The elements of a leaf, by the weight's indices: the one at (i, j, …) lies
/// at places[0][i] + places[1][j] + ….
class Elements {
public:
  static std::optional<Elements> of(const Leaf &leaf, ArrayRef<int64_t> shape,
                                    std::string &why);

  double operator[](int64_t place) const {
    if (bytes.empty())
      return floats[place];
    int64_t value = loadInteger(bytes.data() + place * size, size);
    for (Reading reading : readings)
      value = reading(value);
    return static_cast<double>(value);
  }

  /// Where the elements of a row along the last dimension begin.
  int64_t getPlace(ArrayRef<int64_t> indices) const {
    int64_t place = 0;
    for (auto [index, along] : llvm::zip_equal(indices, places))
      place += along[index];
    return place;
  }

  /// Whether they lie in the order of the weight.
  bool liesAs(ArrayRef<int64_t> shape) const {
    SmallVector<int64_t> strides = computeSuffixProduct(shape);
    for (auto [stride, along] : llvm::zip_equal(strides, places))
      for (auto [i, place] : llvm::enumerate(along))
        if (place != static_cast<int64_t>(i) * stride)
          return false;
    return true;
  }

  SmallVector<std::vector<int64_t>> places;

private:
  std::vector<float> floats;
  ArrayRef<char> bytes; ///< Of integers.
  unsigned size = 0;    ///< Of an integer in bytes.
  SmallVector<Reading, 2> readings;
};
} // namespace

std::optional<Elements> Elements::of(const Leaf &leaf, ArrayRef<int64_t> shape,
                                     std::string &why) {
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  auto type = cast<ShapedType>(leaf.constant.getType());
  Elements elements;
  elements.readings = leaf.readings;
  bool isSplat = false;
  if (auto integer = dyn_cast<IntegerType>(type.getElementType())) {
    unsigned width = integer.getWidth();
    if (width == 1 || width > 64)
      return refuse("its codes are integers of an unusual width");
    elements.size = llvm::PowerOf2Ceil(llvm::divideCeil(width, 8u));
    elements.bytes = getRawBytes(leaf.constant);
    // Narrow integers have a byte each, of which only their bits count.
    elements.readings.insert(elements.readings.begin(),
                             {width, !integer.isUnsigned()});
    size_t count = elements.bytes.size() / elements.size;
    isSplat = count == 1;
    if (elements.bytes.empty() || elements.bytes.size() % elements.size != 0 ||
        (!isSplat && count != static_cast<size_t>(type.getNumElements())))
      return refuse("the bytes of its codes are not one integer after the "
                    "other");
  } else {
    std::optional<std::vector<float>> floats = readFloats(leaf.constant, type);
    if (!floats)
      return refuse("its scales or zero points cannot be read");
    elements.floats = std::move(*floats);
  }

  AffineExpr place = getAffineConstantExpr(0, leaf.map.getContext());
  SmallVector<int64_t> strides = computeSuffixProduct(type.getShape());
  for (auto [index, stride] : llvm::zip_equal(leaf.map.getResults(), strides))
    place = place + index * stride;
  place = simplifyAffineExpr(place, shape.size(), 0);
  if (!isSeparable(place, shape.size()))
    return refuse("its codes lie in an order that mixes its dimensions");
  SmallVector<int64_t> indices(shape.size(), 0);
  int64_t first = evaluate(place, indices);
  for (auto [d, dimSize] : llvm::enumerate(shape)) {
    std::vector<int64_t> along(dimSize, 0);
    for (int64_t i = 0; !isSplat && i < dimSize; ++i) {
      indices[d] = i;
      along[i] = evaluate(place, indices) - (d == 0 ? 0 : first);
    }
    indices[d] = 0;
    elements.places.push_back(std::move(along));
  }
  return elements;
}

/// f(indices) for each row along the last dimension, with 0 as its last index.
template <typename Function>
static void forEachRow(ArrayRef<int64_t> shape, Function function) {
  SmallVector<int64_t> indices(shape.size(), 0);
  if (llvm::is_contained(shape, 0))
    return;
  while (true) {
    function(indices);
    int64_t d = static_cast<int64_t>(shape.size()) - 2;
    for (; d >= 0 && ++indices[d] == shape[d]; --d)
      indices[d] = 0;
    if (d < 0)
      return;
  }
}

//===----------------------------------------------------------------------===//
// Codes, scales and sums
//===----------------------------------------------------------------------===//

/// Codes with their zero points, in the order of the weight; empty, and why, if
/// one does not fit 8 bits.
static std::vector<int8_t> readCodes(const Form &form, const Elements &codes,
                                     ArrayRef<int64_t> shape,
                                     std::string &why) {
  SmallVector<Elements> shifts;
  for (const Step &step : form.steps) {
    if (!step.sign) {
      shifts.emplace_back();
      continue;
    }
    std::optional<Elements> shift = Elements::of(step.leaf, shape, why);
    if (!shift)
      return {};
    shifts.push_back(std::move(*shift));
  }
  // Every float type holds the integers up to this.
  constexpr double kLargestExact = 256;
  std::vector<int8_t> result;
  result.reserve(ShapedType::getNumElements(shape));
  bool fits = true, isIntegral = true;
  forEachRow(shape, [&](ArrayRef<int64_t> row) {
    int64_t place = codes.getPlace(row);
    SmallVector<int64_t> shiftPlaces(shifts.size(), 0);
    for (auto [i, step] : llvm::enumerate(form.steps))
      if (step.sign)
        shiftPlaces[i] = shifts[i].getPlace(row);
    // The place of a row's first element is already that of index 0.
    int64_t origin = codes.places.back().front();
    for (int64_t i = 0; i < shape.back(); ++i) {
      double code = codes[place + codes.places.back()[i] - origin];
      for (auto [j, step] : llvm::enumerate(form.steps)) {
        if (!step.sign) {
          code = static_cast<double>(step.reading(static_cast<int64_t>(code)));
          continue;
        }
        const Elements &shift = shifts[j];
        double z = shift[shiftPlaces[j] + shift.places.back()[i] -
                         shift.places.back().front()];
        if (!(std::abs(z) <= kLargestExact) || z != std::floor(z)) {
          isIntegral = false;
          z = 0;
        }
        fits &= std::abs(code) <= kLargestExact;
        code += step.sign * z;
      }
      fits &= -128 <= code && code <= 127;
      result.push_back(fits ? static_cast<int8_t>(code) : 0);
    }
  });
  if (fits && isIntegral)
    return result;
  why = isIntegral ? "its codes, less their zero points, do not fit 8 bits"
                   : "its zero points are not all integers of up to 8 bits";
  return {};
}

/// s₁·s₂·… at some indices.
static float multiply(ArrayRef<Elements> scales, ArrayRef<int64_t> indices) {
  float product = 1;
  for (const Elements &elements : scales)
    product *= static_cast<float>(elements[elements.getPlace(indices)]);
  return product;
}

/// f(indices) for all indices whose `dimension` is 0.
template <typename Function>
static void forEachChannel(ArrayRef<int64_t> shape, int64_t dimension,
                           Function function) {
  SmallVector<int64_t> channels(shape);
  channels[dimension] = 1;
  SmallVector<int64_t> strides = computeSuffixProduct(channels);
  for (int64_t i = 0, e = ShapedType::getNumElements(channels); i < e; ++i)
    function(delinearize(i, strides));
}

/// The largest g so that no scale changes within a group of g inputs; nullopt
/// if none changes at all.
static std::optional<int64_t>
findGroup(ArrayRef<Elements> scales, ArrayRef<int64_t> shape, int64_t reduced) {
  int64_t group = 0;
  for (int64_t k = 1; k < shape[reduced]; ++k) {
    // Scales that are written out in full may be equal all the same.
    bool mayChange = llvm::any_of(scales, [&](const Elements &elements) {
      const std::vector<int64_t> &along = elements.places[reduced];
      return along[k] != along[k - 1];
    });
    if (!mayChange)
      continue;
    bool changes = false;
    forEachChannel(shape, reduced, [&](SmallVector<int64_t> indices) {
      if (changes)
        return;
      indices[reduced] = k - 1;
      float before = multiply(scales, indices);
      indices[reduced] = k;
      changes = multiply(scales, indices) != before;
    });
    if (changes)
      group = std::gcd(group, k);
  }
  return group ? std::optional(group) : std::nullopt;
}

/// All that the codes, scales and sums of a weight depend on.
static Attribute getKey(const Form &form, RankedTensorType type,
                        int64_t reduced, int64_t activationGroup) {
  Builder b(type.getContext());
  SmallVector<Attribute> key = {TypeAttr::get(type),
                                b.getI64IntegerAttr(reduced),
                                b.getI64IntegerAttr(activationGroup)};
  auto addReading = [&](Reading reading) {
    key.push_back(b.getI64IntegerAttr(reading.isSigned ? -int64_t(reading.width)
                                                       : reading.width));
  };
  auto addLeaf = [&](const Leaf &leaf) {
    key.push_back(leaf.constant);
    key.push_back(AffineMapAttr::get(leaf.map));
    llvm::for_each(leaf.readings, addReading);
  };
  addLeaf(*form.codes);
  for (const Step &step : form.steps) {
    if (!step.sign) {
      addReading(step.reading);
      continue;
    }
    key.push_back(b.getBoolAttr(step.sign > 0));
    addLeaf(step.leaf);
  }
  key.push_back(b.getUnitAttr());
  llvm::for_each(form.scales, addLeaf);
  return b.getArrayAttr(key);
}

std::optional<WeightCodes>
WeightCodes::read(const Weight &weight, int64_t reduced,
                  std::optional<int64_t> activationGroup, std::string &why,
                  KnownWeights *known) {
  auto refuse = [&](const llvm::Twine &reason) {
    why = reason.str();
    return std::nullopt;
  };
  if (!weight.type.hasStaticShape() || weight.type.getNumElements() == 0 ||
      weight.type != weight.tensor.getType())
    return refuse("its sizes are not static, or it is empty");
  ArrayRef<int64_t> shape = weight.type.getShape();
  MLIRContext *context = weight.type.getContext();
  std::optional<Form> form = FormReader(why).read(
      weight.tensor, AffineMap::getMultiDimIdentityMap(shape.size(), context));
  if (!form)
    return std::nullopt;
  if (!form->codes)
    return refuse("it has no codes");
  Attribute key =
      getKey(*form, weight.type, reduced, activationGroup.value_or(0));
  if (known)
    if (auto before = known->find(key); before != known->end())
      return before->second;

  SmallVector<Elements> scales;
  for (const Leaf &leaf : form->scales) {
    std::optional<Elements> elements = Elements::of(leaf, shape, why);
    if (!elements)
      return std::nullopt;
    scales.push_back(std::move(*elements));
  }
  WeightCodes result;
  result.group = findGroup(scales, shape, reduced);
  if (result.group == 1)
    return refuse("its scales change from input to input");
  if (result.group && activationGroup && *result.group != *activationGroup) {
    if (*result.group % *activationGroup != 0)
      return refuse(llvm::formatv("its groups of {0} inputs are not divided "
                                  "by the activations' groups of {1}",
                                  *result.group, *activationGroup));
    result.group = activationGroup;
  }

  std::optional<Elements> stored = Elements::of(*form->codes, shape, why);
  if (!stored)
    return std::nullopt;
  std::vector<int8_t> codes = readCodes(*form, *stored, shape, why);
  if (codes.empty())
    return std::nullopt;
  auto [least, greatest] = std::minmax_element(codes.begin(), codes.end());
  result.bits = *least >= -8 && *greatest <= 7 ? 4 : 8;
  // 255·128·K must stay below 2³¹.
  constexpr int64_t kMaxReduction = 65793;
  if (*least == -128 && shape[reduced] > kMaxReduction)
    return refuse("sums of more than 65793 products with codes of -128 may "
                  "overflow 32-bit accumulators");

  WeightShape weightShape = {llvm::product_of(shape.take_front(reduced)),
                             shape[reduced],
                             llvm::product_of(shape.drop_front(reduced + 1)),
                             result.group.value_or(0)};
  std::vector<float> products(weightShape.scales());
  float *next = products.data();
  for (int64_t outer = 0; outer < weightShape.outer; ++outer)
    for (int64_t group = 0; group < weightShape.groups(); ++group)
      for (int64_t inner = 0; inner < weightShape.inner; ++inner) {
        SmallVector<int64_t> indices =
            delinearize(outer, computeSuffixProduct(shape.take_front(reduced)));
        indices.push_back(group * weightShape.group);
        llvm::append_range(
            indices, delinearize(inner, computeSuffixProduct(
                                            shape.drop_front(reduced + 1))));
        float scale = multiply(scales, indices);
        if (!std::isfinite(scale))
          return refuse("one of its scales is not finite");
        *next++ = scale;
      }
  SmallVector<int64_t> scalesShape(shape);
  if (result.group)
    scalesShape[reduced] = weightShape.groups();
  else
    scalesShape.erase(scalesShape.begin() + reduced);
  Builder b(context);
  result.scales =
      makeConstant<float>(RankedTensorType::get(scalesShape, b.getF32Type()),
                          products, "stamp_scales");

  WeightShape summed = weightShape;
  std::optional<int64_t> sumGroup =
      activationGroup ? activationGroup : result.group;
  summed.group = sumGroup.value_or(0);
  std::vector<int32_t> sums(summed.scales());
  columnSums(codes.data(), summed, sums.data());
  SmallVector<int64_t> sumsShape(shape);
  if (sumGroup)
    sumsShape[reduced] = summed.groups();
  else
    sumsShape.erase(sumsShape.begin() + reduced);
  result.sums = makeConstant<int32_t>(
      RankedTensorType::get(sumsShape, b.getI32Type()), sums, "stamp_sums");

  // Codes that lie as they are needed are not held twice.
  auto codesType = RankedTensorType::get(shape, b.getI8Type());
  auto storedType = cast<ShapedType>(form->codes->constant.getType());
  bool areKept = storedType.getElementType().isSignlessInteger(8) &&
                 stored->liesAs(shape) &&
                 llvm::all_of(form->steps, [](const Step &step) {
                   return !step.sign && step.reading.isSigned;
                 });
  if (!areKept)
    result.codes = makeConstant<int8_t>(codesType, codes, "stamp_codes");
  else if (auto resource =
               dyn_cast<DenseResourceElementsAttr>(form->codes->constant))
    result.codes =
        DenseResourceElementsAttr::get(codesType, resource.getRawHandle());
  else
    result.codes =
        cast<DenseElementsAttr>(form->codes->constant).reshape(codesType);
  if (known)
    known->insert({key, result});
  return result;
}
