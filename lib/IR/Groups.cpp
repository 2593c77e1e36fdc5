//===- Groups.cpp - A dimension as groups ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Groups.h"

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

SmallVector<int64_t> stamp::getGroupedShape(ArrayRef<int64_t> shape,
                                            int64_t dimension,
                                            std::optional<int64_t> group) {
  SmallVector<int64_t> result(shape);
  int64_t &size = result[dimension];
  if (!group)
    result.erase(&size);
  else if (!ShapedType::isDynamic(size))
    size = llvm::divideCeilSigned(size, *group);
  return result;
}

static OpFoldResult getNumGroups(OpBuilder &builder, Location loc,
                                 OpFoldResult size, int64_t group) {
  return affine::makeComposedFoldedAffineApply(
      builder, loc, builder.getAffineSymbolExpr(0).ceilDiv(group), {size});
}

Value stamp::createEmptyPerGroup(OpBuilder &builder, Location loc, Value x,
                                 int64_t dimension,
                                 std::optional<int64_t> group,
                                 Type elementType) {
  if (!group)
    return createEmptyWithout(builder, loc, x, dimension, elementType);
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, getSizeSource(x));
  sizes[dimension] = getNumGroups(builder, loc, sizes[dimension], *group);
  return tensor::EmptyOp::create(builder, loc, sizes, elementType);
}

bool stamp::hasWholeGroups(RankedTensorType type, int64_t dimension,
                           int64_t group) {
  return !type.isDynamicDim(dimension) &&
         type.getDimSize(dimension) % group == 0;
}

/// Each dimension by itself, but `dimension` and the next as one.
static SmallVector<ReassociationIndices> getReassociation(int64_t rank,
                                                          int64_t dimension) {
  SmallVector<ReassociationIndices> reassociation;
  for (int64_t d = 0; d < rank; ++d) {
    if (d < dimension)
      reassociation.push_back({d});
    else if (d == dimension)
      reassociation.push_back({d, d + 1});
    else
      reassociation.push_back({d + 1});
  }
  return reassociation;
}

Value stamp::splitGroups(OpBuilder &builder, Location loc, Value x,
                         int64_t dimension, int64_t group) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, getSizeSource(x));
  OpFoldResult count = getNumGroups(builder, loc, sizes[dimension], group);

  Value padded = x;
  auto type = cast<RankedTensorType>(x.getType());
  if (!hasWholeGroups(type, dimension, group)) {
    // Not an insertion into zeros: bufferization would compute `x` inside the
    // larger buffer, and a function that returns `x` would return a part of it.
    SmallVector<OpFoldResult> none(sizes.size(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> missing = none;
    missing[dimension] = affine::makeComposedFoldedAffineApply(
        builder, loc,
        builder.getAffineSymbolExpr(0) * group - builder.getAffineSymbolExpr(1),
        {count, sizes[dimension]});
    SmallVector<int64_t> shape(type.getShape());
    if (!type.isDynamicDim(dimension))
      shape[dimension] = llvm::alignTo(shape[dimension], group);
    Value zero = arith::ConstantOp::create(
        builder, loc, builder.getZeroAttr(type.getElementType()));
    padded = tensor::PadOp::create(
        builder, loc, RankedTensorType::get(shape, type.getElementType()), x,
        none, missing, zero);
  }

  auto paddedType = cast<RankedTensorType>(padded.getType());
  SmallVector<int64_t> shape(paddedType.getShape());
  if (!ShapedType::isDynamic(shape[dimension]))
    shape[dimension] /= group;
  shape.insert(shape.begin() + dimension + 1, group);
  sizes[dimension] = count;
  sizes.insert(sizes.begin() + dimension + 1, builder.getIndexAttr(group));
  return tensor::ExpandShapeOp::create(
      builder, loc, RankedTensorType::get(shape, type.getElementType()), padded,
      getReassociation(type.getRank(), dimension), sizes);
}

Value stamp::joinGroups(OpBuilder &builder, Location loc, Value grouped,
                        int64_t dimension, int64_t group, Value init) {
  auto type = cast<RankedTensorType>(init.getType());
  Value joined = tensor::CollapseShapeOp::create(
      builder, loc, grouped, getReassociation(type.getRank(), dimension));
  if (hasWholeGroups(type, dimension, group) && joined.getType() == type)
    return joined;
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, getSizeSource(init));
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  Value slice = tensor::ExtractSliceOp::create(builder, loc, joined, offsets,
                                               sizes, strides);
  return linalg::CopyOp::create(builder, loc, slice, init).getResult(0);
}
