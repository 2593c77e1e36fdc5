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
#include "stamp/Transforms/Transforms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
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

DiagnosedSilenceableFailure QuantizeOp::apply(TransformRewriter &rewriter,
                                              TransformResults &results,
                                              TransformState &state) {
  // One list of ops for each result. Not a TransformEachOpTrait, which wants
  // all or none of them for each target.
  SmallVector<SmallVector<Operation *>> pieces(getNumResults());
  auto add = [&](OpResult result, Operation *piece) {
    if (piece)
      pieces[result.getResultNumber()].push_back(piece);
  };
  DiagnosedSilenceableFailure outcome = DiagnosedSilenceableFailure::success();
  for (Operation *target : state.getPayloadOps(getTarget())) {
    auto op = dyn_cast<linalg::LinalgOp>(target);
    if (!op) {
      outcome = refuse(*this, target, "only linalg ops are quantized");
      break;
    }
    PlanAttr plan = getPlanAttr();
    if (!plan)
      plan = op->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName);
    if (!plan) {
      outcome =
          refuse(*this, target, "no plan is given, and the target has none");
      break;
    }
    if (std::optional<std::string> misfit = whyMisfit(op, plan)) {
      outcome = refuse(*this, target, "the plan " + *misfit);
      break;
    }
    std::string why;
    QuantizedLinear linear =
        quantizeLinear(rewriter, *Linear::match(op, why), plan);
    add(cast<OpResult>(getTransform()), linear.transform);
    add(cast<OpResult>(getQuantize()), linear.quantize);
    add(cast<OpResult>(getContraction()), linear.contraction);
    add(cast<OpResult>(getRescale()), linear.rescale);
    add(cast<OpResult>(getInverse()), linear.inverse);
  }
  for (auto [result, ops] :
       llvm::zip_equal(getOperation()->getResults(), pieces))
    results.set(result, ops);
  return outcome;
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
