//===- Compile.cpp - a module as a shared library -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The same lowering as the JIT's, then an object file, which a compiler's
// driver links with libstamp_program.a. Only the C functions can be seen from
// outside, so that many models live in one process.
//
//===----------------------------------------------------------------------===//

#include "stamp/Execution/Compile.h"
#include "CEntries.h"

#include "stamp/Codegen/CPU/CPUTarget.h"
#include "stamp/Codegen/GPU/Passes.h"
#include "stamp/Pipelines/Pipelines.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

namespace stamp {
namespace {

Error fail(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

//===----------------------------------------------------------------------===//
// MLIR
//===----------------------------------------------------------------------===//

void prepareEntries(ModuleOp module, ArrayRef<CEntry> entries) {
  Builder builder(module.getContext());
  for (const CEntry &entry : entries) {
    auto function = module.lookupSymbol<func::FuncOp>(entry.name);
    function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                      builder.getUnitAttr());
    // The arrays that are passed in stay the caller's, as they were.
    for (unsigned i = 0; i < entry.type.getNumInputs(); ++i)
      function.setArgAttr(
          i, bufferization::BufferizationDialect::kWritableAttrName,
          builder.getBoolAttr(false));
  }
  // What nobody asked for need not be callable, or compilable.
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal() &&
        llvm::none_of(entries, [&](const CEntry &entry) {
          return entry.name == function.getName();
        }))
      function.setPrivate();
}

std::string findCUDATool(StringRef name) {
  if (auto found = llvm::sys::findProgramByName(name))
    return *found;
  for (const char *variable : {"CUDA_ROOT", "CUDA_HOME", "CUDA_PATH"})
    if (const char *root = std::getenv(variable))
      if (auto found = llvm::sys::findProgramByName(
              name, {(Twine(root) + "/bin").str()}))
        return *found;
  return "";
}

Expected<GPUFormat> getFormat(const LibraryOptions &options) {
  StringRef name = options.gpuFormat;
  bool assembles = !findCUDATool("ptxas").empty();
  bool bundles = assembles && !findCUDATool("fatbinary").empty();
  if (name.empty())
    return bundles ? GPUFormat::Fatbin : GPUFormat::ISA;
  if (name == "isa")
    return GPUFormat::ISA;
  if (name != "binary" && name != "fatbin")
    return fail("there is no GPU format '" + name +
                "': expected isa, binary or fatbin");
  if (!assembles || (name == "fatbin" && !bundles))
    return fail("the GPU format '" + name + "' needs " +
                (assembles ? "fatbinary" : "ptxas") +
                ", which is neither on PATH nor below CUDA_ROOT");
  return name == "binary" ? GPUFormat::Binary : GPUFormat::Fatbin;
}

Error buildPipeline(PassManager &pm, const LibraryOptions &options) {
  if (options.gpu.empty()) {
    CPUPipelineOptions pipeline;
    pipeline.cpu = options.cpu;
    pipeline.parallel = options.parallel;
    buildCPUPipeline(pm, pipeline);
    return Error::success();
  }
  auto format = getFormat(options);
  if (!format)
    return format.takeError();
  GPUPipelineOptions pipeline;
  pipeline.chip = options.gpu;
  pipeline.features = options.gpuFeatures;
  pipeline.optLevel = options.optLevel;
  pipeline.format = *format;
  buildGPUPipeline(pm, pipeline);
  pm.addPass(createGPUCallRuntime());
  return Error::success();
}

LogicalResult verifyLowered(ModuleOp module) {
  WalkResult result = module.walk([](Operation *op) {
    if (isa<LLVM::LLVMDialect, omp::OpenMPDialect>(op->getDialect()) ||
        isa<ModuleOp, UnrealizedConversionCastOp>(op))
      return WalkResult::advance();
    op->emitOpError("is not lowered to the LLVM dialect by this pipeline");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// A check in compiled code prints a message and aborts; here that ends a call,
/// not the process.
void redirectChecks(ModuleOp module) {
  for (auto [from, to] : {std::pair("puts", "stampCheckMessage"),
                          std::pair("abort", "stampCheckFailed")})
    if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(from);
        function && function.isExternal()) {
      auto name = StringAttr::get(module.getContext(), to);
      if (succeeded(SymbolTable::replaceAllSymbolUses(function, name, module)))
        function.setSymNameAttr(name);
    }
}

//===----------------------------------------------------------------------===//
// LLVM
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const LibraryOptions &options) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  bool isHost = options.cpu == "host";
  auto host = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!host)
    return host.takeError();
  llvm::orc::JITTargetMachineBuilder builder =
      isHost ? std::move(*host)
             : llvm::orc::JITTargetMachineBuilder(
                   llvm::Triple(llvm::sys::getProcessTriple()));
  if (!isHost && options.cpu != "portable") {
    auto target = CPUTarget::get(options.cpu);
    if (!target)
      return target.takeError();
    bool isArm = StringRef(options.cpu).starts_with("neon");
    bool isGeneric = options.cpu == "generic";
    if (!isGeneric && isArm != builder.getTargetTriple().isAArch64())
      return fail("the instruction set '" + options.cpu +
                  "' is not one of this architecture's");
    builder.addFeatures(target->getFeatures());
  }
  builder.setRelocationModel(llvm::Reloc::PIC_);
  builder.setCodeGenOptLevel(*llvm::CodeGenOpt::getLevel(options.optLevel));
  // One rounding per operation is part of the meaning.
  builder.getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return builder.createTargetMachine();
}

/// Hides all but the C functions, which leaves the optimizer free hands.
void hideSymbols(llvm::Module &module, StringRef prefix) {
  auto hide = [&](llvm::GlobalValue &value) {
    bool isEntry = value.getName().starts_with((prefix + "_").str()) &&
                   value.hasExternalLinkage();
    if (!value.isDeclaration() && value.hasExternalLinkage() && !isEntry)
      value.setLinkage(llvm::GlobalValue::InternalLinkage);
  };
  for (llvm::Function &function : module)
    hide(function);
  for (llvm::GlobalVariable &global : module.globals())
    hide(global);
}

Error emitObject(ModuleOp module, StringRef path,
                 const LibraryOptions &options) {
  auto machine = createTargetMachine(options);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  auto llvmModule = translateModuleToLLVMIR(module, context);
  if (!llvmModule)
    return fail("the translation to LLVM IR failed");
  llvmModule->setTargetTriple((*machine)->getTargetTriple());
  llvmModule->setDataLayout((*machine)->createDataLayout());
  llvmModule->setPICLevel(llvm::PICLevel::BigPIC);
  hideSymbols(*llvmModule, options.prefix);
  if (Error error = makeOptimizingTransformer(options.optLevel, /*sizeLevel=*/0,
                                              machine->get())(llvmModule.get()))
    return error;

  std::error_code code;
  llvm::raw_fd_ostream file(path, code);
  if (code)
    return fail("cannot write '" + path + "': " + code.message());
  llvm::legacy::PassManager emission;
  if ((*machine)->addPassesToEmitFile(emission, file, /*DwoOut=*/nullptr,
                                      llvm::CodeGenFileType::ObjectFile))
    return fail("LLVM cannot write object files for this machine");
  emission.run(*llvmModule);
  file.close();
  if (file.has_error()) {
    code = file.error();
    file.clear_error();
    return fail("cannot write '" + path + "': " + code.message());
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Linking
//===----------------------------------------------------------------------===//

Expected<std::string> findLinker(StringRef chosen) {
  if (!chosen.empty()) {
    auto found = llvm::sys::findProgramByName(chosen);
    if (!found)
      return fail("the linker '" + chosen +
                  "' is not found: " + found.getError().message());
    return *found;
  }
  for (StringRef name : {"clang-22", "clang", "cc", "gcc"})
    if (auto found = llvm::sys::findProgramByName(name))
      return *found;
  return fail(
      "no compiler to link with: none of clang-22, clang, cc and gcc is "
      "on PATH");
}

Expected<std::string> findRuntime(StringRef directory) {
  SmallString<128> path(directory);
  llvm::sys::path::append(path, "libstamp_program.a");
  if (!llvm::sys::fs::exists(path))
    return fail("'" + path + "' is not there, which each library needs");
  return path.str().str();
}

std::string readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().trim().str() : "";
}

Error link(StringRef linker, StringRef object, StringRef runtime,
           StringRef path, const LibraryOptions &options) {
  SmallString<128> messages;
  if (auto code =
          llvm::sys::fs::createTemporaryFile("stamp-link", "txt", messages))
    return fail("cannot make a temporary file: " + code.message());
  llvm::FileRemover removeMessages(messages);
  SmallVector<std::string> arguments = {
      linker.str(),  "-shared",     "-o",  path.str(), object.str(),
      runtime.str(), "-Wl,-z,defs", "-lm", "-ldl",     "-lpthread"};
  if (options.parallel) {
    arguments.push_back(STAMP_OPENMP_LIBRARY);
    StringRef directory = llvm::sys::path::parent_path(STAMP_OPENMP_LIBRARY);
    if (!directory.empty())
      arguments.push_back(("-Wl,-rpath," + directory).str());
  }
  SmallVector<StringRef> references(arguments.begin(), arguments.end());
  std::string why;
  int status = llvm::sys::ExecuteAndWait(
      linker, references, /*Env=*/std::nullopt,
      {StringRef(), StringRef(messages), StringRef(messages)},
      /*SecondsToWait=*/0, /*MemoryLimit=*/0, &why);
  if (status == 0)
    return Error::success();
  return fail("'" + linker + "' cannot link the library: " +
              (why.empty() ? readFile(messages) : why));
}

Error writeText(StringRef path, StringRef text) {
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_Text);
  if (code)
    return fail("cannot write '" + path + "': " + code.message());
  file.os() << text;
  file.keep();
  return Error::success();
}

} // namespace

Error compileLibrary(ModuleOp module, StringRef path, StringRef headerPath,
                     const LibraryOptions &options) {
  // All that can be found out is found out before the work.
  auto entries = findCEntries(module, options.entries);
  if (!entries)
    return entries.takeError();
  bool links = !path.ends_with(".o");
  std::string linker, runtime;
  if (links) {
    auto foundLinker = findLinker(options.linker);
    if (!foundLinker)
      return foundLinker.takeError();
    linker = *foundLinker;
    auto foundRuntime = findRuntime(options.runtimeDirectory);
    if (!foundRuntime)
      return foundRuntime.takeError();
    runtime = *foundRuntime;
  }
  std::error_code code;
  llvm::ToolOutputFile output(path, code, llvm::sys::fs::OF_None);
  if (code)
    return fail("cannot write '" + path + "': " + code.message());
  output.os().close();

  MLIRContext *context = module.getContext();
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerOpenMPDialectTranslation(registry);
  context->appendDialectRegistry(registry);

  prepareEntries(module, *entries);
  PassManager pm(context);
  if (Error error = buildPipeline(pm, options))
    return error;
  if (failed(pm.run(module)) || failed(verifyLowered(module)))
    return fail("lowering to the LLVM dialect failed");
  redirectChecks(module);
  addCEntries(module, *entries, options.prefix);

  SmallString<128> object(path);
  if (links)
    if (auto code =
            llvm::sys::fs::createTemporaryFile("stamp-object", "o", object))
      return fail("cannot make a temporary file: " + code.message());
  llvm::FileRemover removeObject(object, /*deleteIt=*/links);
  if (Error error = emitObject(module, object, options))
    return error;
  if (links)
    if (Error error = link(linker, object, runtime, path, options))
      return error;
  if (!headerPath.empty())
    if (Error error =
            writeText(headerPath, writeCHeader(*entries, options.prefix)))
      return error;
  output.keep();
  return Error::success();
}

} // namespace stamp
