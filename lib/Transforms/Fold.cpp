//===- Fold.cpp - Move, cancel and share sequence transforms ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// L acts on rows, so it commutes with everything that acts on features only.
// Inverse transforms sink towards the uses, forward ones rise towards the
// definitions; where they meet, L·L⁻¹ = id. Equal transforms and quantizations
// of one tensor are shared by common subexpression elimination: all our ops are
// pure, so that is rule 5 as it stands. The rules are in Fold/.
//
// Feature transforms and gains go into weights (rule 7) while these are floats:
// in front of stamp-quantize.
//
//===----------------------------------------------------------------------===//

#include "Fold/Rules.h"

#include "stamp/Transforms/Passes.h"
#include "stamp/Transforms/Transforms.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPFOLD
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Fold").category("stamp-fold");

namespace {
/// Who only measures a tensor asks for the sizes at their source, and does not
/// count as a use that keeps a transform from moving.
///
///   %y = stamp.inverse_transform … outs(%e)
///   %d = tensor.dim %y, %c0
/// becomes
///   %d = tensor.dim %e, %c0
struct MeasureSource final : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::DimOp dim,
                                PatternRewriter &rewriter) const override {
    Value source = getSizeSource(dim.getSource());
    if (source == dim.getSource())
      return failure();
    rewriter.replaceOpWithNewOp<tensor::DimOp>(dim, source, dim.getIndex());
    return success();
  }
};

/// Exporters write 0 for the index of a dimension of size 1. Where the loop
/// that it would be is one of a single turn, too, that loop is as good, and the
/// op is seen to take the operand as it lies.
///
///   affine_map<(b, s, d) -> (0, s, d)>     with a batch of one
/// becomes
///   affine_map<(b, s, d) -> (b, s, d)>
struct IndexUnitsByLoops final : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<int64_t> loops = op.getStaticLoopRanges();
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    for (auto [operand, map] : llvm::zip_equal(op->getOpOperands(), maps)) {
      if (map.getNumResults() != loops.size())
        continue;
      SmallVector<AffineExpr> indices(map.getResults());
      for (auto [d, index] : llvm::enumerate(indices))
        if (isa<AffineConstantExpr>(index) && loops[d] == 1 &&
            op.getShape(&operand)[d] == 1 && !map.isFunctionOfDim(d))
          index = rewriter.getAffineDimExpr(d);
      map = AffineMap::get(map.getNumDims(), 0, indices, op.getContext());
    }
    if (maps == op.getIndexingMapsArray())
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    return success();
  }
};
} // namespace

namespace {
/// Counts the transforms and quantizers that are erased.
struct ErasedCounter final : RewriterBase::ForwardingListener {
  using ForwardingListener::ForwardingListener;

  void notifyOperationErased(Operation *op) override {
    count += isa<TransformOp, InverseTransformOp, FeatureTransformOp,
                 InverseFeatureTransformOp, QuantizeOp>(op);
    ForwardingListener::notifyOperationErased(op);
  }

  int64_t count = 0;
};
} // namespace

/// Rule 5: linears that read the same X share its transform and codes. Returns
/// whether anything was shared.
static bool shareEqualOps(Operation *root, RewriterBase::Listener *listener,
                          FoldCounts &counts) {
  ErasedCounter erased(listener);
  IRRewriter rewriter(root->getContext(), &erased);
  DominanceInfo dominance(root);
  bool changed = false;
  eliminateCommonSubExpressions(rewriter, dominance, root, &changed);
  counts.shared += erased.count;
  return changed;
}

/// L·1 of a length that run time decides, one number for each token: it
/// stands for no refusal, but for a bias that has moved.
static bool isSpread(TransformOp transform) {
  return transform.getInput().getDefiningOp<linalg::FillOp>() != nullptr;
}

static void explainTransformsLeft(Operation *root) {
  root->walk([&](Operation *op) {
    if (auto inverse = dyn_cast<InverseTransformOp>(op))
      remark::missed(op->getLoc(), kRemark) << remark::reason(
          "the inverse transform stays: {0}", explainStay(inverse));
    else if (auto transform = dyn_cast<TransformOp>(op);
             transform && !isSpread(transform))
      remark::missed(op->getLoc(), kRemark)
          << remark::reason("the transform stays: {0}", explainStay(transform));
  });
}

LogicalResult stamp::foldTransforms(Operation *root,
                                    RewriterBase::Listener *listener) {
  MLIRContext *context = root->getContext();
  RewritePatternSet preparation(context);
  preparation.add<MeasureSource, IndexUnitsByLoops>(context);
  walkAndApplyPatterns(root, std::move(preparation), listener);

  FoldCounts counts;
  RewritePatternSet rules(context);
  populateMoves(rules, counts);
  populateAttentionRules(rules, counts);
  populateConstantRules(rules, counts);
  populatePixelRules(rules);
  // What a rule makes a reader of sizes measure.
  rules.add<MeasureSource>(context);
  FrozenRewritePatternSet patterns(std::move(rules));
  // Sharing leaves one reader where there were several, and so may let a
  // transform move that had to stay. Each turn leaves fewer ops to share.
  // Blocks are neither made nor left, so they need no simplification, which
  // would take as long as the rules.
  auto config =
      GreedyRewriteConfig()
          .setListener(listener)
          .setMaxIterations(GreedyRewriteConfig::kNoLimit)
          .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  SmallVector<FeatureRefusal> ofGains, ofFeatures;
  do {
    if (failed(applyPatternsGreedily(root, patterns, config)))
      return failure();
  } while (shareEqualOps(root, listener, counts) ||
           foldGains(root, listener, counts, ofGains) ||
           foldFeatureTransforms(root, listener, counts, ofFeatures));
  explainTransformsLeft(root);
  for (const FeatureRefusal &refusal : ofGains)
    remark::missed(refusal.op->getLoc(), kRemark)
        << remark::reason("the gain stays: {0}", refusal.why);
  for (const FeatureRefusal &refusal : ofFeatures)
    remark::missed(refusal.op->getLoc(), kRemark)
        << remark::reason("the feature transform stays: {0}", refusal.why);
  remark::analysis(root->getLoc(), kRemark)
      << remark::metric("sunk", counts.sunk)
      << remark::metric("risen", counts.risen)
      << remark::metric("cancelled", counts.cancelled)
      << remark::metric("biases", counts.biases)
      << remark::metric("merged", counts.merged)
      << remark::metric("scaled", counts.scaled)
      << remark::metric("shared", counts.shared)
      << remark::metric("exchanged", counts.exchanged)
      << remark::metric("pooled", counts.pooled)
      << remark::metric("constants", counts.constants)
      << remark::metric("gains", counts.gains)
      << remark::metric("rotated", counts.rotated);
  return success();
}

namespace {
struct StampFold final : public stamp::impl::StampFoldBase<StampFold> {
  void runOnOperation() override {
    if (failed(foldTransforms(getOperation()))) {
      getOperation()->emitOpError() << "stamp-fold did not reach a fixed point";
      signalPassFailure();
    }
  }
};
} // namespace
