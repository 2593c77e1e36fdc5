//===- TokenBuilder.cpp - Build IR along the sequence ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/TokenBuilder.h"

#include "stamp/IR/Stamp.h"

using namespace mlir;
using namespace stamp;

Value stamp::getSizeSource(Value x) {
  while (auto op = x.getDefiningOp<DestinationStyleOpInterface>())
    x = op.getTiedOpOperand(cast<OpResult>(x))->get();
  return x;
}

Value stamp::createSplat(ImplicitLocOpBuilder &builder, Type type,
                         float value) {
  TypedAttr number = builder.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto shaped = dyn_cast<ShapedType>(type))
    number = DenseElementsAttr::get(shaped, Attribute(number));
  return arith::ConstantOp::create(builder, number);
}

Value stamp::createEmptyLike(OpBuilder &builder, Location loc, Value x,
                             Type elementType) {
  return tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, getSizeSource(x)),
      elementType ? elementType : getElementTypeOrSelf(x));
}

Value stamp::createEmptyWithout(OpBuilder &builder, Location loc, Value x,
                                int64_t dimension, Type elementType) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, getSizeSource(x));
  sizes.erase(sizes.begin() + dimension);
  return tensor::EmptyOp::create(builder, loc, sizes, elementType);
}

OpFoldResult TokenBuilder::length(Value x) {
  return tensor::getMixedSize(*this, getLoc(), x, dimension);
}

Value TokenBuilder::slice(Value x, OpFoldResult offset, OpFoldResult count,
                          OpFoldResult stride) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(*this, getLoc(), x);
  SmallVector<OpFoldResult> offsets(sizes.size(), getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), getIndexAttr(1));
  sizes[dimension] = count;
  offsets[dimension] = offset;
  if (stride)
    strides[dimension] = stride;
  return tensor::ExtractSliceOp::create(*this, x, offsets, sizes, strides);
}

Value TokenBuilder::insert(Value x, Value into, OpFoldResult offset,
                           OpFoldResult stride) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(*this, getLoc(), x);
  SmallVector<OpFoldResult> offsets(sizes.size(), getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), getIndexAttr(1));
  offsets[dimension] = offset;
  if (stride)
    strides[dimension] = stride;
  return tensor::InsertSliceOp::create(*this, x, into, offsets, sizes, strides);
}

Value TokenBuilder::empty(Value x, OpFoldResult count) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(*this, getLoc(), x);
  sizes[dimension] = count;
  return tensor::EmptyOp::create(*this, sizes, getElementTypeOrSelf(x));
}

SmallVector<Value> TokenBuilder::map(ValueRange inputs, TypeRange elementTypes,
                                     Body body) {
  SmallVector<Value> inits;
  for (Type type : elementTypes)
    inits.push_back(createEmptyLike(*this, getLoc(), inputs.front(), type));
  return mapInto(inputs, inits, body);
}

SmallVector<Value> TokenBuilder::mapInto(ValueRange inputs, ValueRange inits,
                                         Body body) {
  int64_t rank = cast<RankedTensorType>(inits.front().getType()).getRank();
  SmallVector<AffineMap> maps(inputs.size() + inits.size(),
                              getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      *this, TypeRange(inits), inputs, inits, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        ImplicitLocOpBuilder b(loc, nested);
        linalg::YieldOp::create(b,
                                body(b, arguments.take_front(inputs.size())));
      });
  return llvm::to_vector(ValueRange(generic.getResults()));
}

Value TokenBuilder::generate(Value like, Body body) {
  Value init = createEmptyLike(*this, getLoc(), like);
  int64_t rank = cast<RankedTensorType>(init.getType()).getRank();
  SmallVector<AffineMap> maps = {getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             *this, init.getType(), ValueRange(), init, maps, iterators,
             [&](OpBuilder &nested, Location loc, ValueRange) {
               ImplicitLocOpBuilder b(loc, nested);
               SmallVector<Value> indices;
               for (int64_t d = 0; d < rank; ++d)
                 indices.push_back(linalg::IndexOp::create(b, d));
               linalg::YieldOp::create(b, body(b, indices));
             })
      .getResult(0);
}

Value TokenBuilder::multiply(Value matrix, Value x, Direction direction) {
  int64_t rank = cast<RankedTensorType>(x.getType()).getRank();
  // Loops: the result's dimensions, then the token that is summed over.
  AffineExpr row = getAffineDimExpr(dimension);
  AffineExpr column = getAffineDimExpr(rank);
  if (direction == Direction::Inverse)
    std::swap(row, column);
  SmallVector<AffineExpr> source;
  for (int64_t d = 0; d < rank; ++d)
    source.push_back(getAffineDimExpr(d == dimension ? rank : d));
  SmallVector<AffineMap> maps = {
      AffineMap::get(rank + 1, 0, {row, column}, getContext()),
      AffineMap::get(rank + 1, 0, source, getContext()),
      AffineMap::getMultiDimIdentityMap(rank + 1, getContext())
          .dropResult(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value zero = linalg::FillOp::create(*this, constantF32(0),
                                      createEmptyLike(*this, getLoc(), x))
                   .getResult(0);
  return linalg::GenericOp::create(
             *this, zero.getType(), ValueRange{matrix, x}, zero, maps,
             iterators,
             [](OpBuilder &nested, Location loc, ValueRange arguments) {
               ImplicitLocOpBuilder b(loc, nested);
               Value product =
                   arith::MulFOp::create(b, arguments[0], arguments[1]);
               linalg::YieldOp::create(b, ValueRange{arith::AddFOp::create(
                                              b, arguments[2], product)});
             })
      .getResult(0);
}

Value TokenBuilder::afterSkip(
    int64_t skip, Value x,
    llvm::function_ref<Value(TokenBuilder &, Value)> then) {
  if (skip == 0)
    return then(*this, x);
  OpFoldResult seqLen = length(x);
  OpFoldResult skipped = affine::makeComposedFoldedAffineMin(
      *this, getLoc(),
      AffineMap::get(0, 1,
                     {getAffineSymbolExpr(0), getAffineConstantExpr(skip)},
                     getContext()),
      {seqLen});
  OpFoldResult count = subtract(seqLen, skipped);
  if (getConstantIntValue(count) == 0)
    return x;
  return insert(then(*this, slice(x, skipped, count)), x, skipped);
}

Value TokenBuilder::ifLengthIs(
    int64_t count, Value x,
    llvm::function_ref<Value(TokenBuilder &, Value)> then) {
  OpFoldResult actual = length(x);
  if (std::optional<int64_t> known = getConstantIntValue(actual))
    return *known == count ? then(*this, x) : x;
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[dimension] = count;
  Value fits = arith::CmpIOp::create(
      *this, arith::CmpIPredicate::eq, materialize(actual),
      arith::ConstantIndexOp::create(*this, count));
  return scf::IfOp::create(
             *this, fits,
             [&](OpBuilder &nested, Location loc) {
               TokenBuilder b(nested, loc, dimension);
               Value refined = tensor::CastOp::create(
                   b, RankedTensorType::get(shape, type.getElementType()), x);
               Value result = then(b, refined);
               scf::YieldOp::create(
                   b, ValueRange{tensor::CastOp::create(b, type, result)});
             },
             [&](OpBuilder &nested, Location loc) {
               scf::YieldOp::create(nested, loc, x);
             })
      .getResult(0);
}

Value TokenBuilder::ifLengthIsAtLeast(
    int64_t count, Value x,
    llvm::function_ref<Value(TokenBuilder &, Value)> then) {
  OpFoldResult actual = length(x);
  if (std::optional<int64_t> known = getConstantIntValue(actual))
    return *known >= count ? then(*this, x) : x;
  Value isLong = arith::CmpIOp::create(
      *this, arith::CmpIPredicate::sge, materialize(actual),
      arith::ConstantIndexOp::create(*this, count));
  return scf::IfOp::create(
             *this, isLong,
             [&](OpBuilder &nested, Location loc) {
               TokenBuilder b(nested, loc, dimension);
               scf::YieldOp::create(b, then(b, x));
             },
             [&](OpBuilder &nested, Location loc) {
               scf::YieldOp::create(nested, loc, x);
             })
      .getResult(0);
}

Value TokenBuilder::repeat(
    Value count, Value x,
    llvm::function_ref<Value(TokenBuilder &, Value, Value)> body) {
  Value zero = arith::ConstantIndexOp::create(*this, 0);
  Value one = arith::ConstantIndexOp::create(*this, 1);
  return scf::ForOp::create(*this, zero, count, one, x,
                            [&](OpBuilder &nested, Location loc, Value turn,
                                ValueRange carried) {
                              TokenBuilder b(nested, loc, dimension);
                              Value next = body(b, turn, carried.front());
                              scf::YieldOp::create(b, ValueRange{next});
                            })
      .getResult(0);
}

OpFoldResult TokenBuilder::apply(AffineExpr expr,
                                 ArrayRef<OpFoldResult> symbols) {
  return affine::makeComposedFoldedAffineApply(*this, getLoc(), expr, symbols);
}

OpFoldResult TokenBuilder::subtract(OpFoldResult a, OpFoldResult b) {
  return apply(getAffineSymbolExpr(0) - getAffineSymbolExpr(1), {a, b});
}

Value TokenBuilder::materialize(OpFoldResult length) {
  return getValueOrCreateConstantIndexOp(*this, getLoc(), length);
}

Value TokenBuilder::constantF32(float value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}

/// Casts the elements of `x`, or returns it if they are of that type already.
static Value castElements(TokenBuilder &tokens, Value x, Type elementType) {
  unsigned from = getElementTypeOrSelf(x).getIntOrFloatBitWidth();
  if (getElementTypeOrSelf(x) == elementType)
    return x;
  return tokens
      .map(x, elementType,
           [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
             if (from < elementType.getIntOrFloatBitWidth())
               return {arith::ExtFOp::create(b, elementType, v[0])};
             return {arith::TruncFOp::create(b, elementType, v[0])};
           })
      .front();
}

/// Static types have no room for a slice where there are no elements, so that
/// nothing is done to these.
static bool hasNoElements(RankedTensorType type) {
  return llvm::is_contained(type.getShape(), 0);
}

Value stamp::emitTransform(OpBuilder &builder, Location loc,
                           BasisAttrInterface basis, Value x, int64_t dimension,
                           Direction direction, RowOrder order,
                           Type elementType) {
  TokenBuilder tokens(builder, loc, dimension);
  Value wide = castElements(tokens, x, tokens.getF32Type());
  if (hasNoElements(cast<RankedTensorType>(x.getType())))
    return castElements(tokens, wide, elementType);
  Value result = tokens.afterSkip(
      basis.getSkip(), wide, [&](TokenBuilder &tokens, Value rest) {
        return basis.emitTokens(tokens, rest, direction, order);
      });
  return castElements(tokens, result, elementType);
}

Value stamp::emitFeatureTransform(OpBuilder &builder, Location loc,
                                  FeatureTransformAttrInterface transform,
                                  Value x, int64_t dimension, Side side,
                                  Direction direction, Type elementType) {
  TokenBuilder features(builder, loc, dimension);
  Value wide = castElements(features, x, features.getF32Type());
  Value result = transform.emitFeatures(features, wide, side, direction);
  return castElements(features, result, elementType);
}

Value stamp::emitClampedLengths(OpBuilder &builder, Location loc, Value lengths,
                                Value x, OpFoldResult seqLen) {
  TokenBuilder tokens(builder, loc, /*dimension=*/0);
  int64_t rank = cast<RankedTensorType>(lengths.getType()).getRank();
  Type i64 = tokens.getI64Type();
  Value most =
      arith::IndexCastOp::create(tokens, i64, tokens.materialize(seqLen));
  Value none = arith::ConstantOp::create(tokens, tokens.getI64IntegerAttr(0));
  // Sized by `x`, so that there is one for every sequence or none at all.
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(tokens, loc, x);
  Value init = tensor::EmptyOp::create(
      tokens, ArrayRef<OpFoldResult>(sizes).take_front(rank), i64);
  return tokens
      .mapInto(
          lengths, init,
          [&](ImplicitLocOpBuilder &b, ValueRange n) -> SmallVector<Value> {
            Value wide = n[0];
            if (wide.getType().isIndex())
              wide = arith::IndexCastOp::create(b, i64, wide);
            else if (wide.getType() != i64)
              wide = arith::ExtSIOp::create(b, i64, wide);
            wide = arith::MaxSIOp::create(b, wide, none);
            return {arith::MinSIOp::create(b, wide, most)};
          })
      .front();
}

Value stamp::emitTransformOfValidTokens(OpBuilder &builder, Location loc,
                                        BasisAttrInterface basis, Value x,
                                        Value lengths, int64_t dimension,
                                        Direction direction, RowOrder order,
                                        Type elementType) {
  TokenBuilder tokens(builder, loc, dimension);
  Value counts = emitClampedLengths(tokens, loc, lengths, x, tokens.length(x));
  auto type = cast<RankedTensorType>(x.getType());
  int64_t leading = cast<RankedTensorType>(lengths.getType()).getRank();
  SmallVector<OpFoldResult> shape = tensor::getMixedSizes(tokens, loc, x);
  // The padding is f32 for a moment, like all else.
  Value result = castElements(
      tokens, castElements(tokens, x, tokens.getF32Type()), elementType);
  if (hasNoElements(type))
    return result;

  auto transformOne = [&](OpBuilder &nested, Location loc, ValueRange sequence,
                          ValueRange carried) -> scf::ValueVector {
    TokenBuilder b(nested, loc, dimension - leading);
    Value count = arith::IndexCastOp::create(
        b, b.getIndexType(), tensor::ExtractOp::create(b, counts, sequence));
    SmallVector<OpFoldResult> offsets(shape.size(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(shape.size(), b.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes = shape;
    for (auto [d, index] : llvm::enumerate(sequence)) {
      offsets[d] = index;
      sizes[d] = b.getIndexAttr(1);
    }
    sizes[dimension] = count;
    // The tokens, without the dimensions that number the sequences.
    SmallVector<int64_t> ownShape(type.getShape().drop_front(leading));
    ownShape[dimension - leading] = ShapedType::kDynamic;
    auto ownType = RankedTensorType::get(ownShape, type.getElementType());
    // Read where it is written, unless the types differ: nothing to copy.
    Value source = elementType == type.getElementType() ? carried.front() : x;
    Value own = tensor::ExtractSliceOp::create(b, ownType, source, offsets,
                                               sizes, strides);
    Value transformed = emitTransform(b, loc, basis, own, dimension - leading,
                                      direction, order, elementType);
    return {tensor::InsertSliceOp::create(b, transformed, carried.front(),
                                          offsets, sizes, strides)};
  };
  Value zero = arith::ConstantIndexOp::create(tokens, 0);
  Value one = arith::ConstantIndexOp::create(tokens, 1);
  SmallVector<Value> ends = llvm::map_to_vector(
      ArrayRef<OpFoldResult>(shape).take_front(leading),
      [&](OpFoldResult size) { return tokens.materialize(size); });
  return scf::buildLoopNest(tokens, loc, SmallVector<Value>(leading, zero),
                            ends, SmallVector<Value>(leading, one), result,
                            transformOne)
      .results.front();
}

Value stamp::emitCoarsePosition(ImplicitLocOpBuilder &b,
                                BasisAttrInterface basis, Value row,
                                OpFoldResult seqLen) {
  std::optional<int64_t> known = getConstantIntValue(seqLen);
  if (known && *known <= basis.getSkip())
    return row;
  if (basis.getSkip() == 0)
    return basis.emitCoarsePosition(b, row, seqLen);

  // A skipped row asks for the first token's place, and does not take it.
  Value skip = arith::ConstantIndexOp::create(b, basis.getSkip());
  auto subtractSkip = [&](Value x) -> Value {
    return arith::SubIOp::create(b, arith::MaxUIOp::create(b, x, skip), skip);
  };
  OpFoldResult length =
      known ? OpFoldResult(b.getIndexAttr(*known - basis.getSkip()))
            : subtractSkip(cast<Value>(seqLen));
  Value position = arith::AddIOp::create(
      b, basis.emitCoarsePosition(b, subtractSkip(row), length), skip);
  Value skipped =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row, skip);
  return arith::SelectOp::create(b, skipped, row, position);
}
