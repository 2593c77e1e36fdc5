//===- Arrangement.cpp - Dimensions that a linear joins --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Arrangement.h"

#include "stamp/IR/TokenBuilder.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace stamp;

Arrangement Arrangement::identity(int64_t rank) {
  Arrangement result;
  for (int64_t d : llvm::seq(rank))
    result.groups.push_back({d});
  return result;
}

SmallVector<int64_t> Arrangement::getPermutation() const {
  SmallVector<int64_t> permutation;
  for (const ReassociationIndices &group : groups)
    llvm::append_range(permutation, group);
  return permutation;
}

bool Arrangement::isIdentity() const {
  return isIdentityPermutation(getPermutation()) &&
         llvm::all_of(groups,
                      [](const auto &group) { return group.size() == 1; });
}

SmallVector<int64_t> Arrangement::apply(ArrayRef<int64_t> sizes) const {
  return llvm::map_to_vector(groups, [&](const ReassociationIndices &group) {
    int64_t product = 1;
    for (int64_t d : group) {
      if (ShapedType::isDynamic(sizes[d]))
        return ShapedType::kDynamic;
      product *= sizes[d];
    }
    return product;
  });
}

/// The groups of a tensor whose dimensions are in their order already.
static SmallVector<ReassociationIndices>
inOrder(ArrayRef<ReassociationIndices> groups) {
  SmallVector<ReassociationIndices> result;
  int64_t next = 0;
  for (const ReassociationIndices &group : groups) {
    result.emplace_back();
    for (size_t i = 0; i < group.size(); ++i)
      result.back().push_back(next++);
  }
  return result;
}

static Value transpose(OpBuilder &builder, Location loc, Value tensor,
                       ArrayRef<int64_t> permutation) {
  if (isIdentityPermutation(permutation))
    return tensor;
  SmallVector<OpFoldResult> sizes = applyPermutation(
      tensor::getMixedSizes(builder, loc, getSizeSource(tensor)), permutation);
  Value empty = tensor::EmptyOp::create(builder, loc, sizes,
                                        getElementTypeOrSelf(tensor));
  return linalg::TransposeOp::create(builder, loc, tensor, empty, permutation)
      ->getResult(0);
}

Value Arrangement::apply(OpBuilder &builder, Location loc, Value tensor) const {
  tensor = transpose(builder, loc, tensor, getPermutation());
  if (llvm::all_of(groups, [](const auto &group) { return group.size() == 1; }))
    return tensor;
  return tensor::CollapseShapeOp::create(builder, loc, tensor, inOrder(groups));
}

/// The sizes of groups of dimensions.
static SmallVector<OpFoldResult>
joinSizes(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes,
          ArrayRef<ReassociationIndices> groups) {
  SmallVector<OpFoldResult> joined;
  for (const ReassociationIndices &group : groups) {
    AffineExpr product = builder.getAffineConstantExpr(1);
    SmallVector<OpFoldResult> factors;
    for (int64_t d : group) {
      product = product * builder.getAffineSymbolExpr(factors.size());
      factors.push_back(sizes[d]);
    }
    joined.push_back(
        affine::makeComposedFoldedAffineApply(builder, loc, product, factors));
  }
  return joined;
}

/// The tensor with zeros behind it, up to these sizes.
static Value padTo(OpBuilder &builder, Location loc, Value tensor,
                   ArrayRef<OpFoldResult> sizes) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  if (type.hasStaticShape() && type.getShape() == ArrayRef(shape))
    return tensor;
  SmallVector<OpFoldResult> low(sizes.size(), builder.getIndexAttr(0)), high;
  AffineExpr difference =
      builder.getAffineSymbolExpr(0) - builder.getAffineSymbolExpr(1);
  for (auto [size, own] :
       llvm::zip_equal(sizes, tensor::getMixedSizes(builder, loc, tensor)))
    high.push_back(affine::makeComposedFoldedAffineApply(
        builder, loc, difference, {size, own}));
  Value zero = arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(type.getElementType()));
  return tensor::PadOp::create(builder, loc, type.clone(shape), tensor, low,
                               high, zero);
}

Value Arrangement::undo(OpBuilder &builder, Location loc, Value arranged,
                        Value like, bool wholeBlocks) const {
  SmallVector<int64_t> permutation = getPermutation();
  SmallVector<OpFoldResult> sizes = applyPermutation(
      tensor::getMixedSizes(builder, loc, getSizeSource(like)), permutation);
  SmallVector<ReassociationIndices> reassociation = inOrder(groups);
  auto type = cast<RankedTensorType>(like.getType());
  SmallVector<int64_t> shape = applyPermutation(type.getShape(), permutation);
  if (llvm::any_of(groups,
                   [](const auto &group) { return group.size() > 1; })) {
    if (wholeBlocks)
      arranged = padTo(builder, loc, arranged,
                       joinSizes(builder, loc, sizes, reassociation));
    arranged = tensor::ExpandShapeOp::create(
        builder, loc, RankedTensorType::get(shape, type.getElementType()),
        arranged, reassociation, sizes);
  }
  return transpose(builder, loc, arranged,
                   invertPermutationVector(permutation));
}
