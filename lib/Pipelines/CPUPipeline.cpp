//===- CPUPipeline.cpp - linalg on tensors to LLVM for the CPU --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Three stretches: tensors (fuse, then choose buffers), buffers (vectorize,
// then loops), and machine-like code (the LLVM dialect). No pass here may
// contract or reorder float operations other than the sums that linalg itself
// declares to be reductions.
//
//===----------------------------------------------------------------------===//

#include "stamp/Pipelines/Pipelines.h"

#include "stamp/Codegen/CPU/Passes.h"
#include "stamp/Conversion/Passes.h"
#include "stamp/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace {

void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// Quantized linears become kernels before anything else takes them apart.
void addKernelPasses(OpPassManager &pm, const std::string &cpu) {
  pm.addPass(stamp::createStampBlockOrder());
  addCleanup(pm);
  pm.addPass(stamp::createFormKernelsPass({cpu}));
  addCleanup(pm);
  pm.addPass(stamp::createFormTransformsPass({cpu}));
  addCleanup(pm);
}

/// One elementwise loop instead of two saves a trip through memory, and tensors
/// are the level where it is easy to see that this is right.
void addTensorPasses(OpPassManager &pm) {
  // Arithmetic on whole tensors, so that it is checked and fused like the rest.
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(stamp::createLowerRelayoutsPass());
  pm.addPass(stamp::createStampDecomposeAggregates());
  // A power with a constant integer exponent is a product: there is no power of
  // vectors.
  pm.addPass(math::createMathExpandOpsPass({{"fpowi"}}));
  // Before operations are merged, so that a failed check can name its own, and
  // before the cleanup that proves most checks.
  pm.addPass(stamp::createStampCheckSizes());
  addCleanup(pm);
  pm.addPass(stamp::createFuseElementwisePass());
  addCleanup(pm);
}

/// Afterwards every tensor is a buffer and every buffer has one owner.
void addBufferizationPasses(OpPassManager &pm) {
  pm.addPass(stamp::createStampUnshareInits());
  // What is inserted into a larger tensor is computed in its place.
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  // A loop may carry a tensor whose next value needs the previous one in whole.
  options.allowReturnAllocsFromLoops = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  addCleanup(pm);
  // Before deallocation, which would otherwise free and allocate in each turn
  // of a loop.
  pm.addNestedPass<func::FuncOp>(bufferization::createBufferHoistingPass());
  pm.addNestedPass<func::FuncOp>(bufferization::createBufferLoopHoistingPass());
  // Ownership follows the values through control flow and calls: results are
  // the caller's, arguments are not the callee's.
  bufferization::buildBufferDeallocationPipeline(pm);
  pm.addPass(createConvertBufferizationToMemRefPass());
}

void addLoopPasses(OpPassManager &pm,
                   const stamp::CPUPipelineOptions &options) {
  bool hasKernels = options.cpu != "portable";
  addCleanup(pm);
  if (hasKernels)
    pm.addPass(stamp::createFormContractionsPass({options.cpu}));
  pm.addPass(stamp::createVectorizePass({options.parallel}));
  // The rest becomes scalar loops, which LLVM vectorizes where it can.
  pm.addPass(createConvertLinalgToLoopsPass());
  pm.addPass(stamp::createWidenBFloatPass());
  if (hasKernels)
    pm.addPass(stamp::createExpandMathPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  addCleanup(pm);
}

void addLLVMPasses(OpPassManager &pm, bool parallel) {
  if (parallel) {
    pm.addPass(createForallToParallelLoopPass());
    pm.addPass(createConvertSCFToOpenMPPass());
    // A scope for stack memory has one block, so none may be left around loops.
    pm.addPass(createCanonicalizerPass());
    pm.addPass(stamp::createFenceStoresPass());
  } else {
    pm.addPass(createForallToForLoopPass());
  }
  // Each loop splits its block and moves all that is behind it; a record of
  // that, to be able to undo it, would take quadratic memory.
  SCFToControlFlowPassOptions loopOptions;
  loopOptions.allowPatternRollback = false;
  pm.addPass(createSCFToControlFlowPass(loopOptions));
  // Offsets and strides of views become affine arithmetic, so this comes
  // before affine is lowered.
  pm.addPass(stamp::createExpandDynamicShapesPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  // Intrinsics where the target has them (roundeven among them), the C library
  // for what is left.
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  if (parallel)
    pm.addPass(createConvertOpenMPToLLVMPass());
  // Last among the conversions: it rewrites the signatures that the others
  // still see through casts.
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  addCleanup(pm);
}

} // namespace

void stamp::buildCPUPipeline(OpPassManager &pm,
                             const CPUPipelineOptions &options) {
  pm.addPass(createStampInlineGlobals());
  if (options.cpu != "portable")
    addKernelPasses(pm, options.cpu);
  pm.addPass(createStampToLinalg());
  addTensorPasses(pm);
  if (options.cpu != "portable") {
    pm.addPass(createFuseContractionsPass({options.cpu}));
    addCleanup(pm);
  }
  addBufferizationPasses(pm);
  addLoopPasses(pm, options);
  // Intrinsics have effects that bufferization would not know.
  if (options.cpu != "portable")
    pm.addPass(createLowerDotPass({options.cpu}));
  addLLVMPasses(pm, options.parallel);
}
