//===- ExpandDynamicShapes.cpp - shapes of run-time sizes -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   memref.expand_shape %x [[0, 1], [2]] output_shape [%h, %w, 8]
//
// says both sizes of a group that has two dynamic ones. Upstream's expansion of
// strided metadata takes at most one of them to be dynamic, and computes it
// from the others. Here they are taken as they are said.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_EXPANDDYNAMICSHAPESPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

namespace {
/// A dense buffer in another shape is the same buffer with other sizes, and
/// strides that are products of those behind them.
struct ReinterpretExpanded final : OpRewritePattern<memref::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(memref::ExpandShapeOp expand,
                                PatternRewriter &rewriter) const override {
    MemRefType type = expand.getResultType();
    auto isAmbiguous = [&](const ReassociationIndices &group) {
      return llvm::count_if(
                 group, [&](int64_t d) { return type.isDynamicDim(d); }) > 1;
    };
    if (!llvm::any_of(expand.getReassociationIndices(), isAmbiguous) ||
        !type.getLayout().isIdentity() ||
        !cast<MemRefType>(expand.getSrc().getType()).getLayout().isIdentity())
      return failure();
    SmallVector<OpFoldResult> sizes = getMixedValues(
        expand.getStaticOutputShape(), expand.getOutputShape(), rewriter);
    SmallVector<OpFoldResult> strides(sizes.size());
    AffineExpr product =
        rewriter.getAffineSymbolExpr(0) * rewriter.getAffineSymbolExpr(1);
    OpFoldResult stride = rewriter.getIndexAttr(1);
    for (int64_t d = sizes.size() - 1; d >= 0; --d) {
      strides[d] = stride;
      stride = affine::makeComposedFoldedAffineApply(
          rewriter, expand.getLoc(), product, {stride, sizes[d]});
    }
    // The cast's type says the strides; the buffer is dense all the same.
    Value strided = memref::ReinterpretCastOp::create(
        rewriter, expand.getLoc(), expand.getSrc(), rewriter.getIndexAttr(0),
        sizes, strides);
    rewriter.replaceOpWithNewOp<memref::CastOp>(expand, type, strided);
    return success();
  }
};

struct ExpandDynamicShapes final
    : stamp::impl::ExpandDynamicShapesPassBase<ExpandDynamicShapes> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ReinterpretExpanded>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
