//===- Emulate.cpp - kernels into the host's module -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The pass takes a gpu.module when nothing but PTX or this could come next, so
// what the emulator runs is what the device would. Of each module it makes
//
//   its functions    in the host's module, with calls for NVVM ops
//   an entry         per kernel, `void(void **)`, which loads the arguments
//   an image         @stampGpuImage_<module>, with tables of kernels and
//   globals
//
// and of each launch a call of stampGpuLaunch.
//
//===----------------------------------------------------------------------===//

#include "Emulate.h"
#include "../RuntimeCalls.h"

#include "stamp/Codegen/GPU/Passes.h"
#include "stamp/Execution/GPURuntime.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

namespace stamp {
#define GEN_PASS_DEF_GPUEMULATE
#include "stamp/Codegen/GPU/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// EmulatorCalls
//===----------------------------------------------------------------------===//

EmulatorCalls::EmulatorCalls(ModuleOp host) : host(host) {}

uint32_t EmulatorCalls::getSite(Operation *op) {
  std::string text = op->getName().getStringRef().str() + '\t';
  if (auto place = op->getLoc()->findInstanceOf<FileLineColLoc>())
    text += (place.getFilename().getValue() + ":" + Twine(place.getLine()) +
             ":" + Twine(place.getColumn()))
                .str();
  else
    text += "an unknown place";
  auto [known, isNew] = siteNumbers.try_emplace(text, sites.size());
  if (isNew)
    sites.append(text.c_str(), text.size() + 1);
  return known->second;
}

Value EmulatorCalls::number(OpBuilder &builder, Location loc, uint64_t value,
                            unsigned width) {
  Type type = builder.getIntegerType(width);
  return LLVM::ConstantOp::create(
      builder, loc, type, builder.getIntegerAttr(type, APInt(width, value)));
}

Value EmulatorCalls::call(OpBuilder &builder, Location loc, StringRef name,
                          Type result, ValueRange arguments, bool isPure) {
  LLVM::LLVMFuncOp &function = functions[name];
  if (!function)
    function = host.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function) {
    OpBuilder atEnd = OpBuilder::atBlockEnd(host.getBody());
    Type none = LLVM::LLVMVoidType::get(builder.getContext());
    function = LLVM::LLVMFuncOp::create(
        atEnd, host.getLoc(), name,
        LLVM::LLVMFunctionType::get(result ? result : none,
                                    llvm::to_vector(arguments.getTypes())));
    // Threads meet in them, so they stay where they are.
    function.setConvergent(!isPure);
    if (isPure) {
      using LLVM::ModRefInfo;
      auto none = ModRefInfo::NoModRef;
      function.setMemoryEffectsAttr(LLVM::MemoryEffectsAttr::get(
          builder.getContext(), {none, none, none, none, none, none}));
      function.setWillReturn(true);
      function.setNoUnwind(true);
    }
  }
  auto op = LLVM::CallOp::create(builder, loc, function, arguments);
  return op.getNumResults() ? op.getResult() : Value();
}

//===----------------------------------------------------------------------===//
// One gpu.module
//===----------------------------------------------------------------------===//

static constexpr unsigned kSharedSpace = 3;

namespace {
class ModuleEmulator {
public:
  ModuleEmulator(ModuleOp host, gpu::GPUModuleOp module)
      : host(host), module(module), calls(host), layout(module),
        loc(module.getLoc()) {
    MLIRContext *context = host.getContext();
    pointer = LLVM::LLVMPointerType::get(context);
    i32 = IntegerType::get(context, 32);
    i64 = IntegerType::get(context, 64);
  }

  LogicalResult run() {
    placeSharedVariables();
    auto functions = llvm::to_vector(module.getOps<LLVM::LLVMFuncOp>());
    for (LLVM::LLVMFuncOp function : functions)
      if (failed(check(function)) ||
          failed(checkAccesses(function, layout, calls)) ||
          failed(emulateOperations(function, layout, calls)))
        return failure();
    replaceAddresses();
    removeAddressSpaces();
    moveIntoHost();
    for (const Kernel &kernel : kernels)
      makeEntry(kernel);
    makeImage();
    return success();
  }

  LogicalResult lower(gpu::LaunchFuncOp launch) {
    return callLaunch(
        launch, getImageName(),
        rename((launch.getKernelName().getValue() + "_name").str()));
  }

private:
  struct Kernel {
    LLVM::LLVMFuncOp function;
    std::string name;
    uint64_t sharedBytes = 0;
    uint64_t dynamicAlignment = 16;
  };

  std::string rename(StringRef symbol) {
    return ("stampEmulated_" + module.getName() + "_" + symbol).str();
  }

  /// What would become a symbol that nobody defines, or inline assembly.
  static LogicalResult check(LLVM::LLVMFuncOp function) {
    if (function.isExternal())
      return function.emitOpError("is not known to the GPU emulator, which has "
                                  "no device library");
    WalkResult result = function.walk([](Operation *op) -> WalkResult {
      auto intrinsic = dyn_cast<LLVM::CallIntrinsicOp>(op);
      if (intrinsic && intrinsic.getIntrin().starts_with("llvm.nvvm."))
        return op->emitOpError("of '")
               << intrinsic.getIntrin() << "' is not known to the GPU emulator";
      if (isa<LLVM::LLVMDialect, NVVM::NVVMDialect>(op->getDialect()))
        return WalkResult::advance();
      return op->emitOpError("is not lowered to the NVVM dialect");
    });
    return failure(result.wasInterrupted());
  }

  static bool isDynamicShared(LLVM::GlobalOp global) {
    auto array = dyn_cast<LLVM::LLVMArrayType>(global.getType());
    return array && array.getNumElements() == 0;
  }

  static bool isShared(LLVM::GlobalOp global) {
    return global.getAddrSpace() == kSharedSpace;
  }

  /// The module's variables that a kernel reaches, through calls too.
  void collectUses(LLVM::LLVMFuncOp function,
                   llvm::SmallSetVector<Operation *, 8> &used) {
    if (!used.insert(function))
      return;
    function.walk([&](Operation *op) {
      if (auto address = dyn_cast<LLVM::AddressOfOp>(op)) {
        if (auto global =
                module.lookupSymbol<LLVM::GlobalOp>(address.getGlobalName()))
          used.insert(global);
      } else if (auto call = dyn_cast<LLVM::CallOp>(op)) {
        if (auto callee = call.getCallee())
          if (auto other = module.lookupSymbol<LLVM::LLVMFuncOp>(*callee))
            collectUses(other, used);
      }
    });
  }

  /// Variables that meet in no kernel may lie in the same place.
  void placeSharedVariables() {
    for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
      if (!function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()) &&
          !function->hasAttr(gpu::GPUDialect::getKernelFuncAttrName()))
        continue;
      Kernel kernel;
      kernel.function = function;
      kernel.name = function.getName().str();
      llvm::SmallSetVector<Operation *, 8> used;
      collectUses(function, used);
      for (Operation *op : used) {
        auto global = dyn_cast<LLVM::GlobalOp>(op);
        if (!global || !isShared(global))
          continue;
        if (isDynamicShared(global))
          kernel.dynamicAlignment = std::max(
              kernel.dynamicAlignment, global.getAlignment().value_or(16));
        else
          users[global].push_back(kernels.size());
      }
      kernels.push_back(std::move(kernel));
    }
    for (auto global : module.getOps<LLVM::GlobalOp>()) {
      if (!isShared(global) || isDynamicShared(global))
        continue;
      uint64_t begin = 0;
      for (unsigned user : users[global])
        begin = std::max(begin, kernels[user].sharedBytes);
      begin = llvm::alignTo(begin, global.getAlignment().value_or(16));
      offsets[global.getName()] = begin;
      uint64_t bytes = layout.getTypeSize(global.getType()).getFixedValue();
      for (unsigned user : users[global])
        kernels[user].sharedBytes = begin + bytes;
    }
  }

  void replaceAddresses() {
    module.walk([&](LLVM::AddressOfOp op) {
      auto global = module.lookupSymbol<LLVM::GlobalOp>(op.getGlobalName());
      if (!global || !isShared(global))
        return;
      OpBuilder builder(op);
      Value address =
          isDynamicShared(global)
              ? calls.call(builder, op.getLoc(), "stampEmuDynamicShared",
                           pointer, {}, /*isPure=*/true)
              : calls.call(builder, op.getLoc(), "stampEmuShared", pointer,
                           calls.number(builder, op.getLoc(),
                                        offsets[global.getName()]),
                           /*isPure=*/true);
      op.replaceAllUsesWith(address);
      op.erase();
    });
    for (auto global :
         llvm::make_early_inc_range(module.getOps<LLVM::GlobalOp>()))
      if (isShared(global))
        global.erase();
  }

  /// And renames symbols on the way.
  void removeAddressSpaces() {
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](LLVM::LLVMPointerType) { return pointer; });
    replacer.addReplacement([&](FlatSymbolRefAttr symbol) -> Attribute {
      if (!module.lookupSymbol(symbol.getValue()))
        return symbol;
      return FlatSymbolRefAttr::get(symbol.getContext(),
                                    rename(symbol.getValue()));
    });
    replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
    module.walk([](LLVM::AddrSpaceCastOp op) {
      op.replaceAllUsesWith(op.getArg());
      op.erase();
    });
  }

  static void dropDeviceAttributes(LLVM::LLVMFuncOp function) {
    for (NamedAttribute attribute : llvm::to_vector(function->getAttrs()))
      if (attribute.getName().getValue().starts_with("nvvm.") ||
          attribute.getName().getValue().starts_with("gpu.") ||
          attribute.getName().getValue().starts_with("stamp."))
        function->removeAttr(attribute.getName());
    function.removeArgAttrsAttr();
    function.setCConv(LLVM::CConv::C);
    function.setLinkage(LLVM::Linkage::Internal);
  }

  void moveIntoHost() {
    for (Operation &op :
         llvm::make_early_inc_range(module.getBody()->getOperations())) {
      if (auto global = dyn_cast<LLVM::GlobalOp>(op)) {
        global.setAddrSpace(0);
        global.setLinkage(LLVM::Linkage::Internal);
        globals.push_back(global);
      } else if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op)) {
        dropDeviceAttributes(function);
      } else {
        continue;
      }
      auto name = SymbolTable::getSymbolName(&op);
      SymbolTable::setSymbolName(&op, rename(name.getValue()));
      op.moveBefore(host.getBody(), host.getBody()->end());
    }
  }

  OpBuilder atEnd() { return OpBuilder::atBlockEnd(host.getBody()); }

  void makeEntry(const Kernel &kernel) {
    OpBuilder builder = atEnd();
    Type none = LLVM::LLVMVoidType::get(builder.getContext());
    auto entry = LLVM::LLVMFuncOp::create(
        builder, loc, rename(kernel.name + "_entry"),
        LLVM::LLVMFunctionType::get(none, {pointer}), LLVM::Linkage::Internal);
    Block *block = entry.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    LLVM::LLVMFuncOp function = kernel.function;
    SmallVector<Value> arguments;
    for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
      Value place = LLVM::GEPOp::create(
          builder, loc, pointer, pointer, block->getArgument(0),
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
      Value address = LLVM::LoadOp::create(builder, loc, pointer, place);
      arguments.push_back(LLVM::LoadOp::create(builder, loc, type, address));
    }
    LLVM::CallOp::create(builder, loc, function, arguments);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
  }

  /// A global whose initial value `fill` builds.
  LLVM::GlobalOp makeGlobal(const Twine &name, Type type, bool isConstant,
                            LLVM::Linkage linkage,
                            llvm::function_ref<Value(OpBuilder &)> fill) {
    OpBuilder builder = atEnd();
    auto global = LLVM::GlobalOp::create(builder, loc, type, isConstant,
                                         linkage, name.str(), Attribute(), 8);
    builder.createBlock(&global.getInitializerRegion());
    LLVM::ReturnOp::create(builder, loc, fill(builder));
    return global;
  }

  void makeText(const Twine &name, StringRef text) {
    OpBuilder builder = atEnd();
    makeBytes(builder, loc, name, text);
  }

  Value makeStruct(OpBuilder &builder, ArrayRef<Value> fields) {
    auto type = LLVM::LLVMStructType::getLiteral(
        builder.getContext(), llvm::to_vector(ValueRange(fields).getTypes()));
    Value value = LLVM::UndefOp::create(builder, loc, type);
    for (auto [i, field] : llvm::enumerate(fields))
      value = LLVM::InsertValueOp::create(builder, loc, value, field, i);
    return value;
  }

  Value addressOf(OpBuilder &builder, StringRef name) {
    return LLVM::AddressOfOp::create(builder, loc, pointer, name);
  }

  /// An array of structs, one for each element of a list.
  template <typename Range, typename Fn>
  LLVM::GlobalOp makeTable(const Twine &name, const Range &list,
                           ArrayRef<Type> fields, Fn makeFields) {
    auto row = LLVM::LLVMStructType::getLiteral(host.getContext(), fields);
    auto type = LLVM::LLVMArrayType::get(row, list.size());
    return makeGlobal(name, type, /*isConstant=*/true, LLVM::Linkage::Internal,
                      [&](OpBuilder &builder) {
                        Value table = LLVM::UndefOp::create(builder, loc, type);
                        for (auto [i, element] : llvm::enumerate(list))
                          table = LLVM::InsertValueOp::create(
                              builder, loc, table,
                              makeStruct(builder, makeFields(builder, element)),
                              i);
                        return table;
                      });
  }

  Value number64(OpBuilder &builder, uint64_t value) {
    return calls.number(builder, loc, value, 64);
  }

  /// As EmulatedModule.h and GPURuntime.h declare them.
  void makeImage() {
    for (const Kernel &kernel : kernels)
      makeText(rename(kernel.name + "_name"), kernel.name);
    makeTable(rename("kernels"), kernels, {pointer, pointer, i64, i64, i64},
              [&](OpBuilder &builder, const Kernel &kernel) {
                LLVM::LLVMFuncOp function = kernel.function;
                return SmallVector<Value>{
                    addressOf(builder, rename(kernel.name + "_name")),
                    addressOf(builder, rename(kernel.name + "_entry")),
                    number64(builder, function.getNumArguments()),
                    number64(builder, kernel.sharedBytes),
                    number64(builder, kernel.dynamicAlignment)};
              });
    makeTable(rename("globals"), globals, {pointer, i64},
              [&](OpBuilder &builder, LLVM::GlobalOp global) {
                return SmallVector<Value>{
                    addressOf(builder, global.getName()),
                    number64(builder, layout.getTypeSize(global.getType()))};
              });
    makeText(rename("sites"), calls.getSites());
    auto tables = LLVM::LLVMStructType::getLiteral(
        host.getContext(), {pointer, i64, pointer, i64, pointer});
    makeGlobal(rename("module"), tables, /*isConstant=*/true,
               LLVM::Linkage::Internal, [&](OpBuilder &builder) {
                 return makeStruct(builder,
                                   {addressOf(builder, rename("sites")),
                                    number64(builder, kernels.size()),
                                    addressOf(builder, rename("kernels")),
                                    number64(builder, globals.size()),
                                    addressOf(builder, rename("globals"))});
               });

    StringRef chip = "sm_80";
    if (ArrayAttr targets = module.getTargetsAttr())
      for (Attribute target : targets)
        if (auto nvvm = dyn_cast<NVVM::NVVMTargetAttr>(target))
          chip = nvvm.getChip();
    makeText(rename("name"), module.getName());
    makeText(rename("chip"), chip);
    OpBuilder builder = atEnd();
    stamp::makeImage(builder, loc, getImageName(), LLVM::Linkage::External,
                     STAMP_GPU_IMAGE_EMULATED, rename("name"), rename("chip"),
                     rename("module"), /*size=*/0);
  }

  std::string getImageName() {
    return ("stampGpuImage_" + module.getName()).str();
  }

  ModuleOp host;
  gpu::GPUModuleOp module;
  EmulatorCalls calls;
  DataLayout layout;
  Location loc;
  Type pointer, i32, i64;
  SmallVector<Kernel> kernels;
  SmallVector<LLVM::GlobalOp> globals;
  /// Of shared variables: the kernels that use them, and their places.
  DenseMap<Operation *, SmallVector<unsigned>> users;
  llvm::StringMap<uint64_t> offsets;
};
} // namespace

namespace {
struct GPUEmulate final : stamp::impl::GPUEmulateBase<GPUEmulate> {
  void runOnOperation() override {
    ModuleOp host = getOperation();
    renameUpstreamFunctions(host);
    for (auto module :
         llvm::make_early_inc_range(host.getOps<gpu::GPUModuleOp>())) {
      ModuleEmulator emulator(host, module);
      if (failed(emulator.run()))
        return signalPassFailure();
      WalkResult result = host.walk([&](gpu::LaunchFuncOp launch) {
        return launch.getKernelModuleName() == module.getNameAttr()
                   ? WalkResult(emulator.lower(launch))
                   : WalkResult::advance();
      });
      if (result.wasInterrupted())
        return signalPassFailure();
      module.erase();
    }
    host->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  }
};
} // namespace
