//===- WeightCodes.cpp - Weights that come as codes ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight that is ((q ± z) ± …)·s·… has the codes q ± z and scales that are
// products of s. If the maps of these constants keep K apart from all other
// dimensions, their elements are read by a table per dimension, and the runs of
// inputs at which no s changes form groups.
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/WeightCodes.h"

#include "Dequantization.h"

#include "stamp/Basis/Quantizer.h"
#include "stamp/IR/Constants.h"
#include "stamp/IR/Groups.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstring>
#include <numeric>

using namespace mlir;
using namespace stamp;

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
    TypedAttr constant;
    if (matchPattern(op, m_Constant(&constant))) {
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
  auto dense = dyn_cast<DenseElementsAttr>(leaf.constant);
  bool isSplat = dense && dense.isSplat();
  Elements elements;
  elements.readings = leaf.readings;
  if (auto integer = dyn_cast<IntegerType>(type.getElementType())) {
    unsigned width = integer.getWidth();
    if (width == 1 || width > 64)
      return refuse("its codes are integers of an unusual width");
    elements.size = llvm::PowerOf2Ceil(llvm::divideCeil(width, 8u));
    elements.bytes = getRawBytes(leaf.constant);
    // Narrow integers have a byte each, of which only their bits count.
    elements.readings.insert(elements.readings.begin(),
                             {width, !integer.isUnsigned()});
    int64_t count = isSplat ? 1 : type.getNumElements();
    if (elements.bytes.size() != static_cast<size_t>(count) * elements.size)
      return refuse("the bytes of its codes are not one integer after the "
                    "other");
  } else {
    std::vector<float> storage;
    std::optional<ArrayRef<float>> floats =
        readFloats(leaf.constant,
                   isSplat ? type.clone(ArrayRef<int64_t>{1}) : type, storage);
    if (!floats)
      return refuse("its scales or zero points cannot be read");
    elements.floats = floats->vec();
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
  // Every float type holds the integers up to this, a double those below 2⁵³.
  constexpr double kLargestExact = 256, kLargestInteger = 0x1p53;
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
          if (std::abs(code) >= kLargestInteger) {
            fits = false;
            code = 0;
          }
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

/// From the indices of a weight as it is read to those of its tensor, which may
/// have more dimensions of size 1.
static AffineMap getTensorIndex(const Weight &weight) {
  MLIRContext *context = weight.type.getContext();
  SmallVector<AffineExpr> indices;
  unsigned next = 0, rank = weight.type.getRank();
  for (int64_t size :
       cast<RankedTensorType>(weight.tensor.getType()).getShape()) {
    bool isRead = next < rank && size == weight.type.getDimSize(next);
    indices.push_back(isRead ? getAffineDimExpr(next, context)
                             : getAffineConstantExpr(0, context));
    next += isRead;
  }
  return AffineMap::get(rank, 0, indices, context);
}

/// The dequantization that a weight is.
static std::optional<Form> readWeight(const Weight &weight, std::string &why) {
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  if (!weight.type.hasStaticShape())
    return refuse("its sizes are known at run time only");
  if (weight.type.getNumElements() == 0)
    return refuse("it is empty");
  std::optional<Form> form =
      readForm(weight.tensor, getTensorIndex(weight), why);
  if (form && !form->codes)
    return refuse("it has no codes");
  return form;
}

namespace {
/// Codes, scales and sums, not yet constants.
struct Arrays {
  std::vector<int8_t> codes;
  std::vector<float> scales;
  std::vector<int32_t> sums;
  std::optional<int64_t> scaleGroup, sumGroup;
  bool lieAsStored; ///< Whether the codes are bytes that are there already.

  CodeWidth getWidth() const {
    auto [least, greatest] = std::minmax_element(codes.begin(), codes.end());
    return {scaleGroup, *least >= -8 && *greatest <= 7 ? 4 : 8};
  }
};
} // namespace

/// s₁·s₂·… for each channel and group; nullopt, and why, if one is no number.
static std::optional<std::vector<float>>
multiplyScales(ArrayRef<Elements> scales, ArrayRef<int64_t> shape,
               int64_t reduced, std::optional<int64_t> group,
               std::string &why) {
  SmallVector<int64_t> groups(shape);
  groups[reduced] = group ? llvm::divideCeil(shape[reduced], *group) : 1;
  SmallVector<int64_t> strides = computeSuffixProduct(groups);
  std::vector<float> products(ShapedType::getNumElements(groups));
  for (auto [i, product] : llvm::enumerate(products)) {
    SmallVector<int64_t> indices = delinearize(i, strides);
    indices[reduced] *= group.value_or(0);
    product = multiply(scales, indices);
    if (!std::isfinite(product)) {
      why = "one of its scales is not finite";
      return std::nullopt;
    }
  }
  return products;
}

static std::optional<Arrays>
readArrays(const Form &form, ArrayRef<int64_t> shape, int64_t reduced,
           std::optional<int64_t> activationGroup, std::string &why) {
  auto refuse = [&](const llvm::Twine &reason) {
    why = reason.str();
    return std::nullopt;
  };
  SmallVector<Elements> scales;
  for (const Leaf &leaf : form.scales) {
    std::optional<Elements> elements = Elements::of(leaf, shape, why);
    if (!elements)
      return std::nullopt;
    scales.push_back(std::move(*elements));
  }
  Arrays arrays;
  std::optional<int64_t> group = findGroup(scales, shape, reduced);
  if (group == 1)
    return refuse("its scales change from input to input");
  if (group > kMaxGroup)
    return refuse("its groups are too long");
  if (group && activationGroup && *group % *activationGroup != 0)
    return refuse(llvm::formatv("its groups of {0} inputs are not divided by "
                                "the activations' groups of {1}",
                                *group, *activationGroup));
  // A scale may serve several of the activations' groups.
  arrays.sumGroup = activationGroup ? activationGroup : group;
  arrays.scaleGroup = group ? arrays.sumGroup : std::nullopt;
  std::optional<std::vector<float>> products =
      multiplyScales(scales, shape, reduced, arrays.scaleGroup, why);
  if (!products)
    return std::nullopt;
  arrays.scales = std::move(*products);

  std::optional<Elements> stored = Elements::of(*form.codes, shape, why);
  if (!stored)
    return std::nullopt;
  arrays.codes = readCodes(form, *stored, shape, why);
  if (arrays.codes.empty())
    return std::nullopt;
  // 255·128·K must stay below 2³¹.
  constexpr int64_t kMaxReduction = 65793;
  if (shape[reduced] > kMaxReduction && llvm::is_contained(arrays.codes, -128))
    return refuse("sums of more than 65793 products with codes of -128 may "
                  "overflow 32-bit accumulators");
  auto storedType = cast<ShapedType>(form.codes->constant.getType());
  arrays.lieAsStored = storedType.getElementType().isSignlessInteger(8) &&
                       stored->liesAs(shape) &&
                       llvm::all_of(form.steps, [](const Step &step) {
                         return !step.sign && step.reading.isSigned;
                       });

  WeightShape summed = {llvm::product_of(shape.take_front(reduced)),
                        shape[reduced],
                        llvm::product_of(shape.drop_front(reduced + 1)),
                        arrays.sumGroup.value_or(0)};
  arrays.sums.resize(summed.scales());
  columnSums(arrays.codes.data(), summed, arrays.sums.data());
  return arrays;
}

std::optional<CodeWidth>
WeightCodes::inspect(const Weight &weight, int64_t reduced,
                     std::optional<int64_t> activationGroup, std::string &why) {
  std::optional<Form> form = readWeight(weight, why);
  if (!form)
    return std::nullopt;
  std::optional<Arrays> arrays =
      readArrays(*form, weight.type.getShape(), reduced, activationGroup, why);
  return arrays ? std::optional(arrays->getWidth()) : std::nullopt;
}

std::optional<WeightCodes>
WeightCodes::read(const Weight &weight, int64_t reduced,
                  std::optional<int64_t> activationGroup, std::string &why,
                  KnownWeights &known) {
  std::optional<Form> form = readWeight(weight, why);
  if (!form)
    return std::nullopt;
  Attribute key =
      getKey(*form, weight.type, reduced, activationGroup.value_or(0));
  if (auto before = known.find(key); before != known.end())
    return before->second;
  ArrayRef<int64_t> shape = weight.type.getShape();
  std::optional<Arrays> arrays =
      readArrays(*form, shape, reduced, activationGroup, why);
  if (!arrays)
    return std::nullopt;

  Builder b(weight.type.getContext());
  auto ofGroups = [&](std::optional<int64_t> group, Type type) {
    return RankedTensorType::get(getGroupedShape(shape, reduced, group), type);
  };
  WeightCodes result;
  result.width = arrays->getWidth();
  result.scales =
      makeConstant<float>(ofGroups(arrays->scaleGroup, b.getF32Type()),
                          arrays->scales, "stamp_scales");
  result.sums = makeConstant<int32_t>(
      ofGroups(arrays->sumGroup, b.getI32Type()), arrays->sums, "stamp_sums");
  // Bytes that are there already are not held twice.
  auto type = RankedTensorType::get(shape, b.getI8Type());
  TypedAttr stored = form->codes->constant;
  if (!arrays->lieAsStored)
    result.codes = makeConstant<int8_t>(type, arrays->codes, "stamp_codes");
  else if (auto resource = dyn_cast<DenseResourceElementsAttr>(stored))
    result.codes =
        DenseResourceElementsAttr::get(type, resource.getRawHandle());
  else
    result.codes = cast<DenseElementsAttr>(stored).reshape(type);
  known.insert({key, result});
  return result;
}
