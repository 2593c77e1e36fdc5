//===- BatchShape.cpp - Tensors as batch × tokens × columns -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "BatchShape.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace stamp;

static RankedTensorType getType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

ArrayRef<ReassociationIndices> BatchShape::ofOneSequence() {
  static const SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
  return groups;
}

SmallVector<ReassociationIndices> BatchShape::groups() const {
  SmallVector<ReassociationIndices> result;
  if (hasBatch())
    result.push_back(llvm::to_vector(llvm::seq(dimension)));
  result.push_back({dimension});
  result.push_back(llvm::to_vector(llvm::seq(dimension + 1, rank)));
  return result;
}

StringRef BatchShape::check(RankedTensorType type) const {
  if (dimension == rank - 1)
    return "they are the last dimension";
  // Upstream's lowering of the way back computes one size of a group.
  for (ArrayRef<int64_t> group : groups())
    if (llvm::count_if(group, [&](int64_t d) { return type.isDynamicDim(d); }) >
        1)
      return "two sizes that are not static would be one";
  return "";
}

Value BatchShape::collapse(ImplicitLocOpBuilder &b, Value x) const {
  if (!isCollapsed())
    x = tensor::CollapseShapeOp::create(b, x, groups());
  if (hasBatch())
    return x;
  RankedTensorType type = getType(x);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  sizes.insert(sizes.begin(), b.getIndexAttr(1));
  return b.createOrFold<tensor::ExpandShapeOp>(
      RankedTensorType::get({1, type.getDimSize(0), type.getDimSize(1)},
                            type.getElementType()),
      x, ofOneSequence(), sizes);
}

Value BatchShape::expand(ImplicitLocOpBuilder &b, Value y, Value like) const {
  if (!hasBatch())
    y = tensor::CollapseShapeOp::create(b, y, ofOneSequence());
  if (isCollapsed())
    return y;
  return tensor::ExpandShapeOp::create(
      b,
      RankedTensorType::get(getType(like).getShape(),
                            getType(y).getElementType()),
      y, groups(), tensor::getMixedSizes(b, b.getLoc(), like));
}
