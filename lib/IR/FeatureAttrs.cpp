//===- FeatureAttrs.cpp - Hadamard rotations and scales as IR --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A Hadamard rotation of D = m·2^k features is k butterflies over runs of
// features and one small dense product. The features stand as
//
//   pairs × 2 × run        in the butterfly of a stride, run = m·stride
//   2^k × m                in the product
//
// of a static D. A dynamic one loops over butterflies that find their partner
// by its index: a view with two dynamic sizes in one dimension's place is more
// than upstream's lowering of views takes.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// Views of the features
//===----------------------------------------------------------------------===//

/// The dimension of `b` and those after it, `count` in all, as one group.
static SmallVector<ReassociationIndices>
getReassociation(TokenBuilder &b, int64_t rank, int64_t count) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t d = 0; d < rank;) {
    ReassociationIndices &group = groups.emplace_back();
    for (int64_t i = 0, size = d == b.getDimension() ? count : 1; i < size; ++i)
      group.push_back(d++);
  }
  return groups;
}

/// `x` with the dimension of `b` split into these sizes.
static Value split(TokenBuilder &b, Value x, ArrayRef<OpFoldResult> parts) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, b.getLoc(), getSizeSource(x));
  sizes.erase(sizes.begin() + b.getDimension());
  sizes.insert(sizes.begin() + b.getDimension(), parts.begin(), parts.end());
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, shape);
  auto type = RankedTensorType::get(shape, getElementTypeOrSelf(x));
  return tensor::ExpandShapeOp::create(
      b, type, x, getReassociation(b, type.getRank(), parts.size()), sizes);
}

/// The reverse of `split` into `count` parts.
static Value join(TokenBuilder &b, Value x, int64_t count) {
  int64_t rank = cast<RankedTensorType>(x.getType()).getRank();
  return tensor::CollapseShapeOp::create(b, x,
                                         getReassociation(b, rank, count));
}

//===----------------------------------------------------------------------===//
// Hadamard
//===----------------------------------------------------------------------===//

LogicalResult HadamardAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t order) {
  if (order >= Hadamard::kMinOrder && order <= Hadamard::kMaxOrder)
    return success();
  return emitError() << "order must be between " << Hadamard::kMinOrder
                     << " and " << Hadamard::kMaxOrder << ", got " << order;
}

std::unique_ptr<FeatureTransform> HadamardAttr::getFeatureTransform() const {
  return std::make_unique<Hadamard>(getOrder());
}

/// (u, v) → (u + v, u − v) of neighbouring runs of features, as u ± v with the
/// sign along the dimension that tells one from the other.
static Value emitButterfly(TokenBuilder &b, Value x, int64_t pairs,
                           int64_t run) {
  int64_t side = b.getDimension() + 1;
  Value whole = split(
      b, x, {b.getIndexAttr(pairs), b.getIndexAttr(2), b.getIndexAttr(run)});
  auto wholeType = cast<RankedTensorType>(whole.getType());
  int64_t rank = wholeType.getRank();
  auto half = [&](int64_t which) -> Value {
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(b, b.getLoc(), whole);
    SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(rank, b.getIndexAttr(1));
    sizes[side] = b.getIndexAttr(1);
    offsets[side] = b.getIndexAttr(which);
    SmallVector<int64_t> shape(wholeType.getShape());
    shape.erase(shape.begin() + side);
    return tensor::ExtractSliceOp::create(
        b, RankedTensorType::get(shape, wholeType.getElementType()), whole,
        offsets, sizes, strides);
  };
  auto signType = RankedTensorType::get(2, b.getF32Type());
  Value signs = arith::ConstantOp::create(
      b, DenseElementsAttr::get(signType, ArrayRef<float>{1, -1}));

  AffineMap all = b.getMultiDimIdentityMap(rank);
  AffineMap ofHalf = all.dropResult(side);
  AffineMap ofSign =
      AffineMap::get(rank, 0, b.getAffineDimExpr(side), b.getContext());
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  Value init = createEmptyLike(b, b.getLoc(), whole);
  Value result =
      linalg::GenericOp::create(
          b, init.getType(), ValueRange{half(0), half(1), signs}, init,
          ArrayRef<AffineMap>{ofHalf, ofHalf, ofSign, all}, iterators,
          [](OpBuilder &nested, Location loc, ValueRange v) {
            ImplicitLocOpBuilder b(loc, nested);
            Value signedV = arith::MulFOp::create(b, v[2], v[1]);
            linalg::YieldOp::create(
                b, ValueRange{arith::AddFOp::create(b, v[0], signedV)});
          })
          .getResult(0);
  return join(b, result, 3);
}

/// The same for a run that only run time knows: each feature looks for its
/// partner, one run further or back.
static Value emitButterfly(TokenBuilder &b, Value x, Value run) {
  int64_t d = b.getDimension();
  return b.generate(
      x, [&](ImplicitLocOpBuilder &b, ValueRange i) -> SmallVector<Value> {
        Value isSecond = arith::TruncIOp::create(
            b, b.getI1Type(),
            arith::IndexCastOp::create(b, b.getI64Type(),
                                       arith::DivUIOp::create(b, i[d], run)));
        SmallVector<Value> partner(i);
        partner[d] = arith::SelectOp::create(
            b, isSecond, arith::SubIOp::create(b, i[d], run),
            arith::AddIOp::create(b, i[d], run));
        Value own = tensor::ExtractOp::create(b, x, i);
        Value other = tensor::ExtractOp::create(b, x, partner);
        return {arith::SelectOp::create(b, isSecond,
                                        arith::SubFOp::create(b, other, own),
                                        arith::AddFOp::create(b, own, other))};
      });
}

/// The product with M or Mᵀ over the features of each of the 2^k `blocks`,
/// 2^(−k/2) times it, rounded to f32 once.
static Value emitDense(TokenBuilder &b, Value x, int64_t order, bool transposed,
                       OpFoldResult blocks, OpFoldResult exponent) {
  Type f32 = b.getF32Type();
  std::optional<int64_t> knownExponent = getConstantIntValue(exponent);
  Value norm; // f64, where only run time knows it
  if (!knownExponent) {
    SmallVector<double> norms;
    for (int64_t k = 0; k < 64; ++k)
      norms.push_back(Hadamard::norm(k));
    auto type = RankedTensorType::get(64, b.getF64Type());
    Value table = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef<double>(norms)));
    norm = tensor::ExtractOp::create(b, table, cast<Value>(exponent));
  }

  if (order == 1) {
    Value factor =
        knownExponent
            ? b.constantF32(static_cast<float>(Hadamard::norm(*knownExponent)))
            : Value(arith::TruncFOp::create(b, f32, norm));
    return b
        .map(x, f32,
             [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
               return {arith::MulFOp::create(b, v[0], factor)};
             })
        .front();
  }

  // multiply() takes the transpose of this, whose rows then are contiguous.
  std::vector<double> dense = Hadamard(order).denseMatrix();
  SmallVector<double> matrix(order * order);
  for (int64_t i = 0; i < order; ++i)
    for (int64_t j = 0; j < order; ++j)
      matrix[i * order + j] =
          transposed ? dense[i * order + j] : dense[j * order + i];
  Value factors;
  if (knownExponent) {
    SmallVector<float> rounded;
    for (double entry : matrix)
      rounded.push_back(
          static_cast<float>(entry * Hadamard::norm(*knownExponent)));
    auto type = RankedTensorType::get({order, order}, f32);
    factors = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef<float>(rounded)));
  } else {
    auto type = RankedTensorType::get({order, order}, b.getF64Type());
    Value precise = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef<double>(matrix)));
    factors =
        b.map(precise, f32,
              [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
                Value scaled = arith::MulFOp::create(b, v[0], norm);
                return {arith::TruncFOp::create(b, f32, scaled)};
              })
            .front();
  }
  Value parts = split(b, x, {blocks, b.getIndexAttr(order)});
  Value product = b.along(b.getDimension() + 1)
                      .multiply(factors, parts, Direction::Inverse);
  return join(b, product, 2);
}

static Value emitStatic(TokenBuilder &b, Value x, int64_t order,
                        bool transposed, int64_t exponent) {
  if (order == 1 && exponent == 0)
    return x;
  for (int64_t k = 0; k < exponent; ++k)
    x = emitButterfly(b, x, /*pairs=*/int64_t{1} << (exponent - k - 1),
                      /*run=*/order << k);
  return emitDense(b, x, order, transposed,
                   b.getIndexAttr(int64_t{1} << exponent),
                   b.getIndexAttr(exponent));
}

/// The same for as many features as run time finds; x itself if these are not
/// m·2^k.
static Value emitDynamic(TokenBuilder &outer, Value x, int64_t order,
                         bool transposed) {
  Type i64 = outer.getI64Type();
  Value features = outer.materialize(outer.length(x));
  Value m = arith::ConstantIndexOp::create(outer, order);
  Value blocks = arith::DivUIOp::create(outer, features, m);
  Value blockBits = arith::IndexCastOp::create(outer, i64, blocks);
  Value isMultiple =
      arith::CmpIOp::create(outer, arith::CmpIPredicate::eq,
                            arith::MulIOp::create(outer, blocks, m), features);
  Value isPower = arith::CmpIOp::create(
      outer, arith::CmpIPredicate::eq, math::CtPopOp::create(outer, blockBits),
      arith::ConstantIntOp::create(outer, i64, 1));
  Value fits = arith::AndIOp::create(outer, isMultiple, isPower);

  auto rotate = [&](OpBuilder &nested, Location loc) {
    TokenBuilder b(nested, loc, outer.getDimension());
    Value exponent = arith::IndexCastOp::create(
        b, b.getIndexType(), math::CountTrailingZerosOp::create(b, blockBits));
    Value rotated = b.repeat(
        exponent, x, [&](TokenBuilder &b, Value turn, Value x) -> Value {
          return emitButterfly(b, x, arith::ShLIOp::create(b, m, turn));
        });
    Value product = emitDense(b, rotated, order, transposed, blocks, exponent);
    scf::YieldOp::create(b, ValueRange{product});
  };
  auto leave = [&](OpBuilder &nested, Location loc) {
    scf::YieldOp::create(nested, loc, x);
  };
  return scf::IfOp::create(outer, fits, rotate, leave).getResult(0);
}

Value HadamardAttr::emitFeatures(TokenBuilder &features, Value x, Side side,
                                 Direction direction) const {
  bool transposed = Hadamard::isTransposed(side, direction);
  std::optional<int64_t> known = getConstantIntValue(features.length(x));
  if (!known)
    return emitDynamic(features, x, getOrder(), transposed);
  if (std::optional<int64_t> k = Hadamard(getOrder()).exponentFor(*known))
    return emitStatic(features, x, getOrder(), transposed, *k);
  return x;
}

//===----------------------------------------------------------------------===//
// Scale
//===----------------------------------------------------------------------===//

LogicalResult ScaleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                ElementsAttr factors) {
  auto type = dyn_cast<RankedTensorType>(factors.getType());
  if (!type || type.getRank() != 1 || type.getDimSize(0) < 1 ||
      !type.getElementType().isF32())
    return emitError() << "expected a vector of f32, got " << factors.getType();
  auto values = factors.tryGetValues<float>();
  if (!values)
    return emitError() << "the factors have no values to read";
  for (float factor : *values)
    if (!std::isfinite(factor) || factor == 0)
      return emitError() << "a factor must be finite and not zero, got "
                         << factor;
  return success();
}

std::unique_ptr<FeatureTransform> ScaleAttr::getFeatureTransform() const {
  auto values = getFactors().getValues<float>();
  return std::make_unique<FeatureScale>(
      std::vector<float>(values.begin(), values.end()));
}

Value ScaleAttr::emitFeatures(TokenBuilder &features, Value x, Side,
                              Direction direction) const {
  int64_t count = getFactors().getNumElements();
  return features.ifLengthIs(count, x, [&](TokenBuilder &b, Value x) -> Value {
    Value factors = arith::ConstantOp::create(b, cast<TypedAttr>(getFactors()));
    Value init = createEmptyLike(b, b.getLoc(), x);
    int64_t rank = cast<RankedTensorType>(init.getType()).getRank();
    AffineMap all = b.getMultiDimIdentityMap(rank);
    AffineMap ofFeature = AffineMap::get(
        rank, 0, b.getAffineDimExpr(b.getDimension()), b.getContext());
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               b, init.getType(), ValueRange{x, factors}, init,
               ArrayRef<AffineMap>{all, ofFeature, all}, iterators,
               [&](OpBuilder &nested, Location loc, ValueRange v) {
                 ImplicitLocOpBuilder b(loc, nested);
                 Value result =
                     direction == Direction::Forward
                         ? Value(arith::MulFOp::create(b, v[0], v[1]))
                         : Value(arith::DivFOp::create(b, v[0], v[1]));
                 linalg::YieldOp::create(b, ValueRange{result});
               })
        .getResult(0);
  });
}
