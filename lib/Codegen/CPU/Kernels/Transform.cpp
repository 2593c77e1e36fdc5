//===- Transform.cpp - Which transforms have a kernel -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Transform.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

std::optional<int64_t> SequenceTransform::staticLength() const {
  int64_t seqLen = cast<MemRefType>(x.getType()).getDimSize(1);
  if (ShapedType::isDynamic(seqLen))
    return std::nullopt;
  return seqLen < minTokens ? 0
                            : std::max<int64_t>(seqLen - basis.getSkip(), 0);
}

std::optional<TransformKernel>
stamp::getTransformKernel(BasisAttrInterface basis, RowOrder order,
                          int64_t seqLen, StringRef &why) {
  if (auto wht = dyn_cast<WHTAttr>(basis)) {
    // Coarse first, a block's rows stand among those of the blocks behind it.
    int64_t length = ShapedType::isStatic(seqLen) ? seqLen - wht.getSkip() : 0;
    bool isOneBlock = length > 0 && llvm::isPowerOf2_64(length) &&
                      (wht.getBlock() == 0 || wht.getBlock() >= length);
    return TransformKernel{emitWHT, order == RowOrder::Block || isOneBlock};
  }
  if (isa<HaarAttr>(basis))
    return TransformKernel{emitHaar, /*worksInPlace=*/order == RowOrder::Block};
  if (auto grid = dyn_cast<Haar2DAttr>(basis)) {
    if (grid.getWidth() <= kLargestTable / grid.getHeight())
      return TransformKernel{emitHaar2D, /*worksInPlace=*/false};
    why = "the grid has too many tokens";
    return std::nullopt;
  }
  if (isa<DCTAttr>(basis))
    return TransformKernel{emitDCT, /*worksInPlace=*/true};
  if (isa<MatrixAttr>(basis))
    return TransformKernel{emitDense, /*worksInPlace=*/false};
  why = "nothing fast is known of its basis";
  return std::nullopt;
}
