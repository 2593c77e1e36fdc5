//===- CallRuntime.cpp - host code that calls libstamp_gpu ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What gpu-to-llvm leaves, a gpu.binary and launches of its kernels, becomes
// data and calls of GPURuntime.h:
//
//   gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, "…">]
//   gpu.launch_func @kernels::@f blocks in (…) threads in (…) args(%n : i64)
// becomes
//   llvm.mlir.global @kernels_image = {kind, 0, "kernels", "sm_80", "…", size,
//                                      null}
//   llvm.call @stampGpuLaunch(%image, %name, …, %stream, %parameters, 1)
//
// and upstream's mgpuMemAlloc is called stampGpuMemAlloc. Nothing runs when the
// program is loaded, where no error could be returned: the runtime loads the
// image on the first launch.
//
//===----------------------------------------------------------------------===//

#include "RuntimeCalls.h"

#include "stamp/Codegen/GPU/Passes.h"
#include "stamp/Execution/GPURuntime.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringMap.h"

namespace stamp {
#define GEN_PASS_DEF_GPUCALLRUNTIME
#include "stamp/Codegen/GPU/Passes.h.inc"
} // namespace stamp

using namespace mlir;

/// Nothing for bitcode, which somebody else is to compile.
static std::optional<uint32_t> getImageKind(gpu::ObjectAttr object) {
  switch (object.getFormat()) {
  case gpu::CompilationTarget::Assembly:
    return STAMP_GPU_IMAGE_PTX;
  case gpu::CompilationTarget::Binary:
    return STAMP_GPU_IMAGE_CUBIN;
  case gpu::CompilationTarget::Fatbin:
    return STAMP_GPU_IMAGE_FATBIN;
  case gpu::CompilationTarget::Offload:
    return std::nullopt;
  }
  llvm_unreachable("unknown format");
}

namespace {
struct GPUCallRuntime final : stamp::impl::GPUCallRuntimeBase<GPUCallRuntime> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    stamp::renameUpstreamFunctions(module);
    SmallVector<LLVM::GlobalOp> images;
    llvm::StringMap<LLVM::GlobalOp> imageOf;
    for (auto binary :
         llvm::make_early_inc_range(module.getOps<gpu::BinaryOp>())) {
      if (binary.getObjects().size() != 1) {
        binary.emitOpError("has ")
            << binary.getObjects().size() << " objects; one is expected";
        return signalPassFailure();
      }
      auto object = cast<gpu::ObjectAttr>(binary.getObjects()[0]);
      std::optional<uint32_t> kind = getImageKind(object);
      if (!kind)
        continue;
      images.push_back(makeImage(binary, object, *kind));
      imageOf[binary.getName()] = images.back();
      binary.erase();
    }
    if (images.empty())
      return;
    unloadAtExit(images);
    WalkResult result = module.walk([&](gpu::LaunchFuncOp launch) {
      auto image = imageOf.lookup(launch.getKernelModuleName().getValue());
      return !image ? WalkResult::advance()
                    : WalkResult(stamp::callLaunch(launch, image.getName(),
                                                   getNameOf(launch)));
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  OpBuilder atBegin() {
    return OpBuilder::atBlockBegin(getOperation().getBody());
  }

  LLVM::GlobalOp makeImage(gpu::BinaryOp binary, gpu::ObjectAttr object,
                           uint32_t kind) {
    OpBuilder builder = atBegin();
    Location loc = binary.getLoc();
    StringRef name = binary.getName();
    StringRef chip = "an unknown chip";
    if (auto target = dyn_cast<NVVM::NVVMTargetAttr>(object.getTarget()))
      chip = target.getChip();
    StringRef bytes = object.getObject().getValue();
    auto nameText = stamp::makeBytes(builder, loc, name + "_name", name);
    auto chipText = stamp::makeBytes(builder, loc, name + "_chip", chip);
    auto data = stamp::makeBytes(builder, loc, name + "_object", bytes);
    return stamp::makeImage(builder, loc, name + "_image",
                            LLVM::Linkage::Internal, kind, nameText.getName(),
                            chipText.getName(), data.getName(), bytes.size());
  }

  /// The global with the kernel's name.
  StringRef getNameOf(gpu::LaunchFuncOp launch) {
    StringRef kernel = launch.getKernelName().getValue();
    std::string symbol = (kernel + "_name").str();
    auto name = getOperation().lookupSymbol<LLVM::GlobalOp>(symbol);
    if (!name) {
      OpBuilder builder = atBegin();
      name = stamp::makeBytes(builder, launch.getLoc(), symbol, kernel);
    }
    return name.getName();
  }

  /// When the program goes away.
  void unloadAtExit(ArrayRef<LLVM::GlobalOp> images) {
    ModuleOp module = getOperation();
    OpBuilder builder = atBegin();
    Location loc = module.getLoc();
    Type none = LLVM::LLVMVoidType::get(module.getContext());
    Type pointer = LLVM::LLVMPointerType::get(module.getContext());
    auto unload =
        LLVM::LLVMFuncOp::create(builder, loc, "stampGpuUnload",
                                 LLVM::LLVMFunctionType::get(none, {pointer}));
    auto function = LLVM::LLVMFuncOp::create(
        builder, loc, "stamp_unload_images",
        LLVM::LLVMFunctionType::get(none, {}), LLVM::Linkage::Internal);
    OpBuilder inside(module.getContext());
    inside.setInsertionPointToEnd(function.addEntryBlock(inside));
    for (LLVM::GlobalOp image : images)
      LLVM::CallOp::create(
          inside, loc, unload,
          LLVM::AddressOfOp::create(inside, loc, image).getResult());
    LLVM::ReturnOp::create(inside, loc, ValueRange());
    LLVM::GlobalDtorsOp::create(
        builder, loc, builder.getArrayAttr({FlatSymbolRefAttr::get(function)}),
        builder.getI32ArrayAttr({65535}),
        builder.getArrayAttr({LLVM::ZeroAttr::get(module.getContext())}));
  }
};
} // namespace
