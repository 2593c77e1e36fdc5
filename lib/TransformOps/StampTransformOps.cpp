//===- StampTransformOps.cpp - transform.stamp.* ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each op finds its targets, asks what a pass asks before it changes anything,
// and calls what the pass calls.
//
//===----------------------------------------------------------------------===//

#include "stamp/TransformOps/StampTransformOps.h"

#include "stamp/Codegen/CPU/Transforms.h"
#include "stamp/Conversion/Passes.h"
#include "stamp/Transforms/Padding.h"
#include "stamp/Transforms/Transforms.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using mlir::transform::ApplyToEachResultList;
using mlir::transform::TransformResults;
using mlir::transform::TransformRewriter;
using mlir::transform::TransformState;

#define GET_OP_CLASSES
#include "stamp/TransformOps/StampTransformOps.cpp.inc"

namespace stamp::transform_ops {

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// A failure of `op` that says why, and at which payload op.
static DiagnosedSilenceableFailure refuse(transform::TransformOpInterface op,
                                          Operation *target, const Twine &why) {
  DiagnosedSilenceableFailure failure = op.emitSilenceableError() << why;
  failure.attachNote(target->getLoc()) << "this is the target";
  return failure;
}

DiagnosedSilenceableFailure PlanOp::applyToOne(TransformRewriter &rewriter,
                                               linalg::LinalgOp target,
                                               ApplyToEachResultList &,
                                               TransformState &) {
  if (std::optional<std::string> misfit = whyMisfit(target, getPlan()))
    return refuse(*this, target, "the plan " + *misfit);
  rewriter.modifyOpInPlace(
      target, [&] { target->setAttr(StampDialect::kPlanAttrName, getPlan()); });
  return DiagnosedSilenceableFailure::success();
}

void PlanOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  transform::onlyReadsHandle(getTargetMutable(), effects);
  transform::modifiesPayload(effects);
}

/// The plan under which `target` is to be quantized; null if it has none.
static PlanAttr findPlan(QuantizeOp op, Operation *target) {
  if (PlanAttr given = op.getPlanAttr())
    return given;
  return target->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName);
}

static DiagnosedSilenceableFailure checkTarget(QuantizeOp op,
                                               Operation *target) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(target);
  if (!linalgOp)
    return refuse(op, target, "only linalg ops are quantized");
  PlanAttr plan = findPlan(op, target);
  if (!plan)
    return refuse(op, target, "no plan is given, and the target has none");
  if (std::optional<std::string> misfit = whyMisfit(linalgOp, plan))
    return refuse(op, target, "the plan " + *misfit);
  return DiagnosedSilenceableFailure::success();
}

/// Not a TransformEachOpTrait, which wants either all of the results for a
/// target or none.
DiagnosedSilenceableFailure QuantizeOp::apply(TransformRewriter &rewriter,
                                              TransformResults &results,
                                              TransformState &state) {
  SmallVector<Operation *> targets =
      llvm::to_vector(state.getPayloadOps(getTarget()));
  for (Operation *target : targets)
    if (DiagnosedSilenceableFailure failure = checkTarget(*this, target);
        !failure.succeeded())
      return failure;

  std::string why;
  auto match = [&](Operation *target) {
    return *Linear::match(cast<linalg::LinalgOp>(target), why);
  };
  PaddedSequences padded(state.getTopLevel());
  SmallVector<Value> lengths =
      llvm::map_to_vector(targets, [&](Operation *target) {
        return padded.findLengths(match(target));
      });

  SmallVector<SmallVector<Operation *>> pieces(getNumResults());
  KnownWeights known;
  for (auto [target, ownLengths] : llvm::zip_equal(targets, lengths)) {
    // Matched only now: a target before it may have made its input.
    QuantizedLinear quantized = quantizeLinear(
        rewriter, match(target), findPlan(*this, target), known, ownLengths);
    Operation *ops[] = {quantized.transform, quantized.quantize,
                        quantized.contraction, quantized.rescale,
                        quantized.inverse};
    for (auto [list, op] : llvm::zip_equal(pieces, ops))
      if (op)
        list.push_back(op);
  }
  for (auto [result, ops] :
       llvm::zip_equal(getOperation()->getResults(), pieces))
    results.set(result, ops);
  return DiagnosedSilenceableFailure::success();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

DiagnosedSilenceableFailure FoldOp::applyToOne(TransformRewriter &rewriter,
                                               Operation *target,
                                               ApplyToEachResultList &,
                                               TransformState &) {
  // Folding erases what is dead and merges what is equal, transform ops too.
  if (target->isAncestor(getOperation())) {
    DiagnosedDefiniteFailure failure =
        emitDefiniteFailure() << "cannot fold what holds this schedule";
    failure.attachNote(target->getLoc()) << "this is the target";
    return failure;
  }
  if (!target->hasTrait<OpTrait::IsIsolatedFromAbove>())
    return refuse(*this, target,
                  "only what is isolated from above is folded, such as a "
                  "function");
  if (failed(foldTransforms(target, static_cast<RewriterBase::Listener *>(
                                        rewriter.getListener()))))
    return refuse(*this, target, "folding did not reach a fixed point");
  return DiagnosedSilenceableFailure::success();
}

void FoldOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  transform::onlyReadsHandle(getTargetMutable(), effects);
  transform::modifiesPayload(effects);
}

//===----------------------------------------------------------------------===//
// Code generation
//===----------------------------------------------------------------------===//

DiagnosedSilenceableFailure VectorizeOp::applyToOne(TransformRewriter &rewriter,
                                                    linalg::LinalgOp target,
                                                    ApplyToEachResultList &,
                                                    TransformState &) {
  StringRef why;
  if (failed(vectorizeLinalgOp(rewriter, target, why)))
    return refuse(*this, target, "the target stays scalar: " + why);
  return DiagnosedSilenceableFailure::success();
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

void ApplyToLinalgPatternsOp::populatePatterns(RewritePatternSet &patterns) {
  populateStampToLinalgPatterns(patterns);
}

void ApplyFuseElementwisePatternsOp::populatePatterns(
    RewritePatternSet &patterns) {
  populateFuseElementwisePatterns(patterns);
}

//===----------------------------------------------------------------------===//
// The extension
//===----------------------------------------------------------------------===//

template <typename... Ops> static void registerOps(Dialect &dialect) {
  (RegisteredOperationName::insert<Ops>(dialect), ...);
}

/// Upstream's TransformDialectExtension would do, but with assertions on its
/// header calls a function that an MLIR built without them does not have.
static void extend(MLIRContext *context, transform::TransformDialect *dialect) {
  registerOps<
#define GET_OP_LIST
#include "stamp/TransformOps/StampTransformOps.cpp.inc"
      >(*dialect);
  // What schedules make. StampDialect brings what its own ops become.
  context->loadDialect<StampDialect, memref::MemRefDialect,
                       vector::VectorDialect>();
}

} // namespace stamp::transform_ops

void stamp::registerTransformDialectExtension(DialectRegistry &registry) {
  registry.addExtension(transform_ops::extend);
}
