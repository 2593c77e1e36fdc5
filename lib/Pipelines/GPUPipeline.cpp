//===- GPUPipeline.cpp - linalg on tensors to GPU kernels -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Quantized linears become kernels of their own. For the rest there are
// upstream passes; StampCodegenGPU has what upstream lacks. Float operations
// keep their order and their rounding all the way: no pass below reassociates
// or contracts, and the backend writes mul.rn and add.rn, which ptxas must not
// fuse.
//
//===----------------------------------------------------------------------===//

#include "stamp/Pipelines/Pipelines.h"

#include "stamp/Codegen/GPU/GPUTarget.h"
#include "stamp/Codegen/GPU/Passes.h"
#include "stamp/Conversion/Passes.h"
#include "stamp/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/Transforms/RequestCWrappers.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

static void addInlining(OpPassManager &pm) {
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
}

/// Quantized linears become kernels before anything else takes them apart.
static void addKernelForming(OpPassManager &pm, const std::string &chip) {
  pm.addPass(stamp::createStampBlockOrder());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(stamp::createFormGPUKernelsPass({chip}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// Tensors → buffers with their deallocations.
static void addBufferization(OpPassManager &pm) {
  pm.addPass(stamp::createStampUnshareInits());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  options.allowReturnAllocsFromLoops = true;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  pm.addPass(memref::createExpandReallocPass());
  bufferization::buildBufferDeallocationPipeline(pm);
  pm.addPass(createConvertBufferizationToMemRefPass());
}

/// Linalg on buffers → loops → kernels in a gpu.module.
static void addKernelOutlining(OpPassManager &pm) {
  OpPassManager &loops = pm.nest<func::FuncOp>();
  loops.addPass(createForallToParallelLoopPass());
  loops.addPass(stamp::createGPUMapLoops());
  loops.addPass(createConvertParallelLoopToGpuPass());
  pm.addPass(stamp::createGPUShareMemory());
  OpPassManager &function = pm.nest<func::FuncOp>();
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  function.addPass(createGpuLaunchSinkIndexComputationsPass());
  pm.addPass(createGpuKernelOutliningPass());
  pm.addPass(stamp::createGPUMergeModules());
}

static void addKernelLowering(OpPassManager &pm) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(stamp::createGPULowerMath());
  kernels.addPass(memref::createExpandStridedMetadataPass());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(createConvertGpuOpsToNVVMOps());
  kernels.addPass(createReconcileUnrealizedCastsPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
}

static void addHostLowering(OpPassManager &pm) {
  OpPassManager &function = pm.nest<func::FuncOp>();
  function.addPass(LLVM::createLLVMRequestCWrappersPass());
  function.addPass(memref::createExpandStridedMetadataPass());
  function.addPass(createLowerAffinePass());
  function.addPass(arith::createArithExpandOpsPass());
  function.addPass(createSCFToControlFlowPass());
  pm.addPass(createGpuToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

static StringRef getUpstreamName(stamp::GPUFormat format) {
  switch (format) {
  case stamp::GPUFormat::ISA:
    return "isa";
  case stamp::GPUFormat::Binary:
    return "bin";
  case stamp::GPUFormat::Fatbin:
    return "fatbin";
  case stamp::GPUFormat::Offload:
    return "offloading";
  case stamp::GPUFormat::Emulated:
    break;
  }
  llvm_unreachable("unknown format");
}

void stamp::buildGPUPipeline(OpPassManager &pm,
                             const GPUPipelineOptions &options) {
  pm.addPass(createStampInlineGlobals());
  addInlining(pm);
  pm.addPass(createGPUCheckInput({options.chip}));
  addKernelForming(pm, options.chip);
  pm.addPass(createStampToLinalg());
  addInlining(pm);
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createStampDecomposeAggregates());
  pm.addPass(createStampCheckSizes());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  addBufferization(pm);
  addKernelOutlining(pm);

  GpuNVVMAttachTargetOptions target;
  target.chip = options.chip;
  target.features = options.features;
  if (std::optional<GPUTarget> known = GPUTarget::get(options.chip);
      known && known->chip == options.chip && options.features.empty())
    target.features = known->ptxFeature.str();
  target.optLevel = options.optLevel;
  pm.addPass(createGpuNVVMAttachTarget(target));
  addKernelLowering(pm);
  addHostLowering(pm);

  // The fork: what becomes PTX on one way is what the emulator runs on the
  // other.
  if (options.format == GPUFormat::Emulated) {
    pm.addPass(createGPUEmulate());
    return;
  }
  GpuModuleToBinaryPassOptions binary;
  binary.compilationTarget = getUpstreamName(options.format);
  pm.addPass(createGpuModuleToBinaryPass(binary));
}

void stamp::registerGPUPipelineExtensions(DialectRegistry &registry) {
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
  registerAllGPUToLLVMIRTranslations(registry);
}
