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
//   %stream = llvm.call @stampGpuStreamCreate()
//   llvm.call @stampGpuLaunch(%image, %name, …, %stream, %parameters, 1)
//   llvm.call @stampGpuStreamSynchronize(%stream)
//   llvm.call @stampGpuStreamDestroy(%stream)
//
// and upstream's mgpuMemAlloc is called stampGpuMemAlloc. Nothing runs when the
// program is loaded, where no error could be returned: the runtime loads the
// image on the first launch.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/Passes.h"
#include "stamp/Execution/GPURuntime.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
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
/// Makes globals and declarations in one module.
class Host {
public:
  explicit Host(ModuleOp module)
      : module(module), symbols(module),
        builder(OpBuilder::atBlockBegin(module.getBody())) {
    MLIRContext *context = module.getContext();
    pointer = LLVM::LLVMPointerType::get(context);
    i32 = builder.getI32Type();
    i64 = builder.getI64Type();
    none = LLVM::LLVMVoidType::get(context);
  }

  /// The bytes and a zero behind them, which ends PTX and strings.
  LLVM::GlobalOp makeBytes(Location loc, const Twine &name, StringRef bytes) {
    std::string data = bytes.str();
    data.push_back('\0');
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), data.size());
    auto global = LLVM::GlobalOp::create(
        builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal,
        name.str(), builder.getStringAttr(data), /*alignment=*/16);
    symbols.insert(global);
    return global;
  }

  LLVM::GlobalOp makeImage(gpu::BinaryOp binary, gpu::ObjectAttr object,
                           uint32_t kind) {
    Location loc = binary.getLoc();
    StringRef name = binary.getName();
    StringRef chip = "an unknown chip";
    if (auto target = dyn_cast<NVVM::NVVMTargetAttr>(object.getTarget()))
      chip = target.getChip();
    StringRef bytes = object.getObject().getValue();
    LLVM::GlobalOp nameText = makeBytes(loc, name + "_name", name);
    LLVM::GlobalOp chipText = makeBytes(loc, name + "_chip", chip);
    LLVM::GlobalOp data = makeBytes(loc, name + "_object", bytes);

    // StampGpuImage.
    auto type = LLVM::LLVMStructType::getLiteral(
        module.getContext(),
        {i32, i32, pointer, pointer, pointer, i64, pointer});
    auto image = LLVM::GlobalOp::create(
        builder, loc, type, /*isConstant=*/false, LLVM::Linkage::Internal,
        (name + "_image").str(), Attribute(), /*alignment=*/8);
    symbols.insert(image);
    OpBuilder inside(module.getContext());
    inside.createBlock(&image.getInitializerRegion());
    Value value = LLVM::ZeroOp::create(inside, loc, type);
    auto insert = [&](Value field, int64_t at) {
      value = LLVM::InsertValueOp::create(inside, loc, value, field, at);
    };
    auto number = [&](Type type, uint64_t value) -> Value {
      return LLVM::ConstantOp::create(inside, loc, type,
                                      inside.getIntegerAttr(type, value));
    };
    insert(number(i32, kind), 0);
    insert(LLVM::AddressOfOp::create(inside, loc, nameText), 2);
    insert(LLVM::AddressOfOp::create(inside, loc, chipText), 3);
    insert(LLVM::AddressOfOp::create(inside, loc, data), 4);
    insert(number(i64, bytes.size()), 5);
    LLVM::ReturnOp::create(inside, loc, value);
    return image;
  }

  /// Unloads the images when the program goes away.
  void makeDestructor(Location loc, ArrayRef<LLVM::GlobalOp> images) {
    auto function = LLVM::LLVMFuncOp::create(
        builder, loc, "stamp_unload_images",
        LLVM::LLVMFunctionType::get(none, {}), LLVM::Linkage::Internal);
    symbols.insert(function);
    OpBuilder inside(module.getContext());
    inside.setInsertionPointToEnd(function.addEntryBlock(inside));
    for (LLVM::GlobalOp image : images)
      call(inside, loc, "stampGpuUnload", none,
           LLVM::AddressOfOp::create(inside, loc, image).getResult());
    LLVM::ReturnOp::create(inside, loc, ValueRange());
    LLVM::GlobalDtorsOp::create(
        builder, loc, builder.getArrayAttr({FlatSymbolRefAttr::get(function)}),
        builder.getI32ArrayAttr({65535}),
        builder.getArrayAttr({LLVM::ZeroAttr::get(module.getContext())}));
  }

  void lowerLaunch(gpu::LaunchFuncOp launch, LLVM::GlobalOp image) {
    OpBuilder at(launch);
    Location loc = launch.getLoc();
    auto number = [&](Type type, uint64_t value) -> Value {
      return LLVM::ConstantOp::create(at, loc, type,
                                      at.getIntegerAttr(type, value));
    };
    // The driver wants the address of each argument. They stay in place for all
    // launches, also of those in a loop.
    auto function = launch->getParentOfType<LLVM::LLVMFuncOp>();
    OpBuilder entry = OpBuilder::atBlockBegin(&function.front());
    Value one =
        LLVM::ConstantOp::create(entry, loc, i64, entry.getI64IntegerAttr(1));
    size_t count = launch.getNumKernelOperands();
    Value parameters = LLVM::AllocaOp::create(
        entry, loc, pointer,
        LLVM::LLVMArrayType::get(pointer, std::max<size_t>(count, 1)), one);
    for (auto [i, operand] : llvm::enumerate(launch.getKernelOperands())) {
      Value slot =
          LLVM::AllocaOp::create(entry, loc, pointer, operand.getType(), one);
      LLVM::StoreOp::create(at, loc, operand, slot);
      Value place =
          LLVM::GEPOp::create(at, loc, pointer, pointer, parameters,
                              ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
      LLVM::StoreOp::create(at, loc, slot, place);
    }

    Value stream = launch.getAsyncObject();
    bool waits = !stream;
    if (waits)
      stream = call(at, loc, "stampGpuStreamCreate", pointer, {});
    SmallVector<Value> arguments = {
        LLVM::AddressOfOp::create(at, loc, image),
        LLVM::AddressOfOp::create(at, loc, getName(launch))};
    auto extend = [&](Value size) -> Value {
      if (size.getType() == i64)
        return size;
      return LLVM::ZExtOp::create(at, loc, i64, size);
    };
    for (gpu::KernelDim3 size : {launch.getGridSizeOperandValues(),
                                 launch.getBlockSizeOperandValues()})
      for (Value extent : {size.x, size.y, size.z})
        arguments.push_back(extend(extent));
    for (Value extent : {launch.getClusterSizeX(), launch.getClusterSizeY(),
                         launch.getClusterSizeZ()})
      arguments.push_back(extent ? extend(extent) : number(i64, 1));
    Value shared = launch.getDynamicSharedMemorySize();
    arguments.push_back(shared ? shared : number(i32, 0));
    arguments.append({stream, parameters, number(i64, count)});
    call(at, loc, "stampGpuLaunch", none, arguments);
    if (waits) {
      call(at, loc, "stampGpuStreamSynchronize", none, stream);
      call(at, loc, "stampGpuStreamDestroy", none, stream);
    }
    launch.erase();
  }

private:
  LLVM::GlobalOp getName(gpu::LaunchFuncOp launch) {
    StringRef kernel = launch.getKernelName().getValue();
    LLVM::GlobalOp &name = kernelNames[kernel];
    if (!name)
      name = makeBytes(launch.getLoc(), kernel + "_name", kernel);
    return name;
  }

  Value call(OpBuilder &at, Location loc, StringRef name, Type result,
             ValueRange arguments) {
    auto function = symbols.lookup<LLVM::LLVMFuncOp>(name);
    if (!function) {
      function = LLVM::LLVMFuncOp::create(
          builder, loc, name,
          LLVM::LLVMFunctionType::get(result,
                                      llvm::to_vector(arguments.getTypes())));
      symbols.insert(function);
    }
    auto op = LLVM::CallOp::create(at, loc, function, arguments);
    return op.getNumResults() ? op.getResult() : Value();
  }

  ModuleOp module;
  SymbolTable symbols;
  OpBuilder builder;
  Type pointer, i32, i64, none;
  llvm::StringMap<LLVM::GlobalOp> kernelNames;
};

struct GPUCallRuntime final : stamp::impl::GPUCallRuntimeBase<GPUCallRuntime> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    renameUpstreamFunctions(module);

    Host host(module);
    llvm::StringMap<LLVM::GlobalOp> images;
    SmallVector<LLVM::GlobalOp> allImages;
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
      allImages.push_back(host.makeImage(binary, object, *kind));
      images[binary.getName()] = allImages.back();
      binary.erase();
    }
    if (allImages.empty())
      return;
    host.makeDestructor(module.getLoc(), allImages);
    module.walk([&](gpu::LaunchFuncOp launch) {
      if (auto image = images.lookup(launch.getKernelModuleName().getValue()))
        host.lowerLaunch(launch, image);
    });
  }

private:
  static void renameUpstreamFunctions(ModuleOp module) {
    for (auto function :
         llvm::make_early_inc_range(module.getOps<LLVM::LLVMFuncOp>())) {
      StringRef name = function.getName();
      if (!name.consume_front("mgpu") || !function.isExternal())
        continue;
      auto renamed = StringAttr::get(module.getContext(), "stampGpu" + name);
      // A failure would mean a use that cannot be found; there is none below a
      // module.
      (void)SymbolTable::replaceAllSymbolUses(function, renamed, module);
      function.setSymNameAttr(renamed);
    }
  }
};
} // namespace
