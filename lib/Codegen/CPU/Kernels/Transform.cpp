//===- Transform.cpp - Which transforms have a kernel -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Transform.h"

using namespace mlir;
using namespace stamp;

std::optional<int64_t> SequenceTransform::staticLength() const {
  int64_t seqLen = cast<MemRefType>(x.getType()).getDimSize(1);
  if (ShapedType::isDynamic(seqLen))
    return std::nullopt;
  return std::max<int64_t>(seqLen - basis.getSkip(), 0);
}

std::optional<TransformKernel>
stamp::getTransformKernel(BasisAttrInterface basis, RowOrder order,
                          int64_t seqLen, StringRef &why) {
  if (isa<WHTAttr>(basis))
    return TransformKernel{emitWHT, /*worksInPlace=*/true};
  if (isa<HaarAttr>(basis))
    return TransformKernel{emitHaar, /*worksInPlace=*/order == RowOrder::Block};
  if (auto grid = dyn_cast<Haar2DAttr>(basis)) {
    if (grid.getWidth() <= kLargestTable / grid.getHeight())
      return TransformKernel{emitHaar2D, /*worksInPlace=*/false};
    why = "the grid has too many tokens";
    return std::nullopt;
  }
  if (auto dct = dyn_cast<DCTAttr>(basis)) {
    why = "the number of tokens is not static";
    if (ShapedType::isDynamic(seqLen))
      return std::nullopt;
    why = "the number of tokens has a large prime factor";
    if (!hasFastDCT(std::max<int64_t>(seqLen - dct.getSkip(), 0)))
      return std::nullopt;
    return TransformKernel{emitDCT, /*worksInPlace=*/true};
  }
  why = "nothing fast is known of its basis";
  return std::nullopt;
}
