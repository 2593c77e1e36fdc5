//===- Jit.cpp - compile a module and call its functions --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A tensor travels as MLIR's memref descriptor, a row of 64-bit words:
//
//   allocated | aligned | offset | sizes[rank] | strides[rank]
//
// `_mlir_ciface_f` takes a pointer to one descriptor per argument, and before
// them, if there are results, a pointer to all result descriptors in a row.
//
//===----------------------------------------------------------------------===//

#include "stamp/Execution/Jit.h"

#include "stamp/Codegen/GPU/Passes.h"
#include "stamp/Execution/Emulator.h"
#include "stamp/Pipelines/Pipelines.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/bit.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/SaveAndRestore.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <chrono>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::inconvertibleErrorCode;
using llvm::Twine;

namespace stamp {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Error fail(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

template <typename T> std::string toText(T value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

ElementKind getUnsigned(ElementKind kind) {
  switch (kind) {
  case ElementKind::Int8:
    return ElementKind::UInt8;
  case ElementKind::Int16:
    return ElementKind::UInt16;
  case ElementKind::Int32:
    return ElementKind::UInt32;
  case ElementKind::Int64:
    return ElementKind::UInt64;
  default:
    return kind;
  }
}

/// A signless integer is bits: it takes a signed array or an unsigned one.
bool accepts(Type type, ElementKind kind) {
  std::optional<ElementKind> expected = getElementKind(type);
  if (kind == expected)
    return true;
  return expected && type.isSignlessInteger() && kind == getUnsigned(*expected);
}

Error checkTensor(StringRef function, StringRef role, unsigned number,
                  Type type) {
  std::string what = (role + " " + Twine(number) + " of '" + function +
                      "' has type '" + toText(type) + "'")
                         .str();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return fail(what + ": only ranked tensors can be passed");
  if (!getElementKind(tensor.getElementType()))
    return fail(what + ": NumPy has no such element type");
  return Error::success();
}

Expected<FunctionType> getCallableType(func::FuncOp function) {
  StringRef name = function.getName();
  if (function.isExternal())
    return fail("function '" + name + "' has no body");
  if (!function.isPublic())
    return fail("function '" + name + "' is private");
  FunctionType type = function.getFunctionType();
  for (auto [i, input] : llvm::enumerate(type.getInputs()))
    if (Error error = checkTensor(name, "argument", i, input))
      return std::move(error);
  for (auto [i, result] : llvm::enumerate(type.getResults()))
    if (Error error = checkTensor(name, "result", i, result))
      return std::move(error);
  return type;
}

size_t getDescriptorWords(int64_t rank) { return 3 + 2 * rank; }

/// The descriptor only lends the array; the compiled code does not write to it.
SmallVector<uint64_t> makeDescriptor(const NpyArray &array) {
  auto address = reinterpret_cast<uint64_t>(array.bytes.data());
  SmallVector<uint64_t> words = {address, address, /*offset=*/0};
  words.append(array.shape.begin(), array.shape.end());
  size_t rank = array.shape.size();
  words.resize(getDescriptorWords(rank));
  uint64_t stride = 1;
  for (size_t d = rank; d-- > 0; stride *= array.shape[d])
    words[3 + rank + d] = stride;
  return words;
}

NpyArray copyResult(RankedTensorType type, ArrayRef<uint64_t> words) {
  NpyArray array;
  array.kind = *getElementKind(type.getElementType());
  size_t byteSize = getByteSize(array.kind);
  for (int64_t d = 0; d < type.getRank(); ++d)
    array.shape.push_back(static_cast<int64_t>(words[3 + d]));
  size_t numElements = 1;
  for (int64_t d = type.getRank(); d-- > 0; numElements *= array.shape[d])
    assert(
        (array.shape[d] <= 1 || words[3 + type.getRank() + d] == numElements) &&
        "a result has the identity layout");
  auto *data = reinterpret_cast<const char *>(words[1]) + words[2] * byteSize;
  array.bytes.assign(data, data + numElements * byteSize);
  return array;
}

/// Where a call goes when a check in the compiled code fails. The code prints a
/// message with puts and calls abort; both names are bound to the functions
/// below. The jump passes over compiled code alone, which has no destructors;
/// its temporary buffers are lost.
struct Escape {
  std::jmp_buf target;
  std::string message;
};
thread_local Escape *currentEscape = nullptr;

int takeMessage(const char *message) {
  if (!currentEscape)
    return std::puts(message);
  currentEscape->message = message;
  return 0;
}

[[noreturn]] void leaveCall() {
  if (!currentEscape)
    std::abort();
  std::longjmp(currentEscape->target, 1);
}

llvm::orc::SymbolMap bindChecks(llvm::orc::MangleAndInterner mangle) {
  using llvm::orc::ExecutorAddr;
  llvm::orc::SymbolMap symbols;
  symbols[mangle("puts")] = {ExecutorAddr::fromPtr(&takeMessage),
                             llvm::JITSymbolFlags::Exported};
  symbols[mangle("abort")] = {ExecutorAddr::fromPtr(&leaveCall),
                              llvm::JITSymbolFlags::Exported};
  return symbols;
}

/// Where an error of the emulated GPU goes: to the caller of the compiled code.
void leaveCallWith(const char *message) {
  takeMessage(message);
  leaveCall();
}

llvm::orc::SymbolMap bindEmulator(llvm::orc::MangleAndInterner mangle) {
  llvm::orc::SymbolMap symbols;
  for (auto [name, address] : emulator::getSymbols())
    symbols[mangle(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                             llvm::JITSymbolFlags::Exported};
  return symbols;
}

/// Rounds to bf16, which is the low half of the result: that is where compiled
/// code looks for it. Where a target has no bf16, LLVM calls this even to move
/// one, and libgcc has it only since its version 13.
float roundToBFloat(float value) {
  llvm::APFloat rounded(value);
  bool losesInfo;
  rounded.convert(llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven,
                  &losesInfo);
  return llvm::bit_cast<float>(
      static_cast<uint32_t>(rounded.bitcastToAPInt().getZExtValue()));
}

llvm::orc::SymbolMap bindConversions(llvm::orc::MangleAndInterner mangle) {
  llvm::orc::SymbolMap symbols;
  symbols[mangle("__truncsfbf2")] = {
      llvm::orc::ExecutorAddr::fromPtr(&roundToBFloat),
      llvm::JITSymbolFlags::Exported};
  return symbols;
}

/// Loads OpenMP's library, once for all programs of the process: compiled code
/// finds its functions there. Threads that wait for a moment keep their core,
/// and none shares one with another.
Error startThreads(unsigned threads) {
  if (threads == 0)
    return fail("a program needs a thread to run on");
  if (threads == 1)
    return Error::success();
  ::setenv("OMP_PROC_BIND", "true", /*overwrite=*/0);
  std::string why;
  auto library = llvm::sys::DynamicLibrary::getPermanentLibrary(
      STAMP_OPENMP_LIBRARY, &why);
  if (!library.isValid())
    return fail("OpenMP's library cannot be loaded: " + why);
  auto *setNumThreads = reinterpret_cast<void (*)(int)>(
      library.getAddressOfSymbol("omp_set_num_threads"));
  if (!setNumThreads)
    return fail("'" STAMP_OPENMP_LIBRARY "' is no OpenMP library");
  setNumThreads(static_cast<int>(
      std::min(threads, std::max(1u, std::thread::hardware_concurrency()))));
  return Error::success();
}

/// One call: descriptors for all arguments and results, in the order in which
/// the C interface wants pointers to them.
class Invocation {
public:
  Invocation(FunctionType type, ArrayRef<NpyArray> inputs) : type(type) {
    size_t numWords = 0;
    for (Type result : type.getResults())
      numWords += getDescriptorWords(cast<RankedTensorType>(result).getRank());
    results.resize(numWords);
    for (const NpyArray &input : inputs)
      arguments.push_back(makeDescriptor(input));

    if (type.getNumResults() > 0)
      pointers.push_back(results.data());
    for (SmallVector<uint64_t> &argument : arguments)
      pointers.push_back(argument.data());
    // The packed interface takes the address of each parameter.
    for (void *&pointer : pointers)
      packed.push_back(&pointer);
  }

  Error run(void (*entry)(void **)) {
    Escape escape;
    llvm::SaveAndRestore saveEscape(currentEscape, &escape);
    if (setjmp(escape.target) != 0)
      return fail(escape.message);
    entry(packed.data());
    return Error::success();
  }

  std::vector<NpyArray> copyResults() const {
    std::vector<NpyArray> arrays;
    forEachResult([&](RankedTensorType tensor, ArrayRef<uint64_t> words) {
      arrays.push_back(copyResult(tensor, words));
    });
    return arrays;
  }

  /// Results belong to the caller; two of them may be one buffer.
  void freeResults() {
    llvm::SmallPtrSet<void *, 4> allocations;
    forEachResult([&](RankedTensorType, ArrayRef<uint64_t> words) {
      allocations.insert(reinterpret_cast<void *>(words[0]));
    });
    for (void *allocation : allocations)
      free(allocation);
  }

private:
  template <typename Fn> void forEachResult(Fn fn) const {
    ArrayRef<uint64_t> rest = results;
    for (Type result : type.getResults()) {
      auto tensor = cast<RankedTensorType>(result);
      size_t numWords = getDescriptorWords(tensor.getRank());
      fn(tensor, rest.take_front(numWords));
      rest = rest.drop_front(numWords);
    }
  }

  FunctionType type;
  SmallVector<uint64_t> results;
  std::vector<SmallVector<uint64_t>> arguments;
  SmallVector<void *> pointers;
  SmallVector<void *> packed;
};

/// The pipeline for what `options` names as the machine.
Error buildPipeline(PassManager &pm, const CompileOptions &options) {
  if (options.gpu.empty()) {
    CPUPipelineOptions pipeline;
    pipeline.cpu = options.cpu;
    pipeline.parallel = options.threads > 1;
    buildCPUPipeline(pm, pipeline);
    return Error::success();
  }
  auto [mode, chip] = StringRef(options.gpu).split(',');
  if (mode != "emulate" || (chip.empty() && options.gpu != mode))
    return fail("there is no GPU '" + options.gpu +
                "': expected 'emulate' or, say, 'emulate,sm_90a'");
  if (options.cpu != CompileOptions().cpu)
    return fail("kernels are for a CPU or for a GPU, not for both");
  GPUPipelineOptions pipeline;
  pipeline.format = GPUFormat::Emulated;
  if (!chip.empty())
    pipeline.chip = chip.str();
  buildGPUPipeline(pm, pipeline);
  return Error::success();
}

/// The translation to LLVM IR would trip over the casts around what is left,
/// and name those.
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

Expected<std::unique_ptr<llvm::TargetMachine>>
createHostTargetMachine(unsigned optLevel) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->setCodeGenOptLevel(*llvm::CodeGenOpt::getLevel(optLevel));
  // One rounding per operation is part of the meaning.
  builder->getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return builder->createTargetMachine();
}

} // namespace

std::optional<ElementKind> getElementKind(Type type) {
  if (type.isF16())
    return ElementKind::Float16;
  if (type.isF32())
    return ElementKind::Float32;
  if (type.isF64())
    return ElementKind::Float64;
  if (type.isIndex())
    return ElementKind::Int64;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return ElementKind::Bool;
  case 8:
    return isUnsigned ? ElementKind::UInt8 : ElementKind::Int8;
  case 16:
    return isUnsigned ? ElementKind::UInt16 : ElementKind::Int16;
  case 32:
    return isUnsigned ? ElementKind::UInt32 : ElementKind::Int32;
  case 64:
    return isUnsigned ? ElementKind::UInt64 : ElementKind::Int64;
  default:
    return std::nullopt;
  }
}

Expected<FunctionType> getCallableType(ModuleOp module, StringRef function) {
  auto func = module.lookupSymbol<func::FuncOp>(function);
  if (!func)
    return fail("there is no function '" + function + "'");
  return getCallableType(func);
}

Error checkInputs(StringRef function, FunctionType type,
                  ArrayRef<NpyArray> inputs) {
  if (inputs.size() != type.getNumInputs())
    return fail("'" + function + "' takes " + Twine(type.getNumInputs()) +
                " inputs, " + Twine(inputs.size()) + " given");
  for (unsigned i = 0; i < inputs.size(); ++i) {
    const NpyArray &input = inputs[i];
    auto tensor = cast<RankedTensorType>(type.getInput(i));
    auto mismatch = [&](StringRef what) {
      return fail("input " + Twine(i) + " of '" + function + "' is " +
                  describe(input) + " where '" + toText(tensor) +
                  "' is expected: " + what);
    };
    if (!accepts(tensor.getElementType(), input.kind))
      return mismatch("the element types differ");
    if (static_cast<size_t>(tensor.getRank()) != input.shape.size())
      return mismatch("the ranks differ");
    for (auto [expected, actual] : llvm::zip(tensor.getShape(), input.shape))
      if (!ShapedType::isDynamic(expected) && expected != actual)
        return mismatch("the sizes differ");
  }
  return Error::success();
}

Program::Program() = default;
Program::Program(Program &&) = default;
Program &Program::operator=(Program &&) = default;
Program::~Program() = default;

Expected<Program> Program::compile(ModuleOp module,
                                   const CompileOptions &options) {
  Program program;
  MLIRContext *context = module.getContext();
  Builder builder(context);

  // Bufferization changes the signatures, so they are remembered now.
  for (auto function : module.getOps<func::FuncOp>()) {
    Expected<FunctionType> type = getCallableType(function);
    if (!type) {
      llvm::consumeError(type.takeError());
      continue;
    }
    program.callables[function.getName()] = *type;
    function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                      builder.getUnitAttr());
    // The arrays that are passed in stay the caller's, as they were.
    for (unsigned i = 0; i < type->getNumInputs(); ++i)
      function.setArgAttr(
          i, bufferization::BufferizationDialect::kWritableAttrName,
          builder.getBoolAttr(false));
  }

  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerOpenMPDialectTranslation(registry);
  context->appendDialectRegistry(registry);

  auto start = Clock::now();
  PassManager pm(context);
  if (options.buildPipeline) {
    options.buildPipeline(pm);
  } else if (Error error = buildPipeline(pm, options)) {
    return std::move(error);
  }
  if (failed(pm.run(module)) || failed(verifyLowered(module)))
    return fail("lowering to the LLVM dialect failed");
  program.stages.push_back({"lower", secondsSince(start)});

  start = Clock::now();
  auto machine = createHostTargetMachine(options.optLevel);
  if (!machine)
    return machine.takeError();
  auto optimize = makeOptimizingTransformer(options.optLevel, /*sizeLevel=*/0,
                                            machine->get());
  double optimizeSeconds = 0;
  auto timedOptimize = [&](llvm::Module *llvmModule) {
    auto optimizeStart = Clock::now();
    Error error = optimize(llvmModule);
    optimizeSeconds = secondsSince(optimizeStart);
    return error;
  };
  if (!options.gpu.empty()) {
    emulator::setOptions({options.threads, options.gpuSeed});
    emulator::setErrorHandler(leaveCallWith);
  } else if (Error error = startThreads(options.threads)) {
    return std::move(error);
  }
  ExecutionEngineOptions engineOptions;
  engineOptions.transformer = timedOptimize;
  engineOptions.enableGDBNotificationListener = false;
  engineOptions.enablePerfNotificationListener = false;
  auto engine =
      ExecutionEngine::create(module, engineOptions, std::move(*machine));
  if (!engine)
    return engine.takeError();
  program.engine = std::move(*engine);
  program.engine->registerSymbols(bindChecks);
  program.engine->registerSymbols(bindConversions);
  if (!options.gpu.empty())
    program.engine->registerSymbols(bindEmulator);
  program.stages.push_back(
      {"translate", secondsSince(start) - optimizeSeconds});
  program.stages.push_back({"optimize", optimizeSeconds});

  // Code is generated for the whole module when its first symbol is asked for.
  start = Clock::now();
  if (!program.callables.empty()) {
    StringRef first = program.callables.begin()->getKey();
    auto entry = program.engine->lookupPacked(("_mlir_ciface_" + first).str());
    if (!entry)
      return entry.takeError();
  }
  program.stages.push_back({"generate", secondsSince(start)});
  return program;
}

Expected<std::vector<NpyArray>> Program::call(StringRef function,
                                              ArrayRef<NpyArray> inputs) const {
  auto callable = callables.find(function);
  if (callable == callables.end())
    return fail("there is no callable function '" + function + "'");
  if (Error error = checkInputs(function, callable->getValue(), inputs))
    return std::move(error);
  auto entry = engine->lookupPacked(("_mlir_ciface_" + function).str());
  if (!entry)
    return entry.takeError();

  Invocation invocation(callable->getValue(), inputs);
  if (Error error = invocation.run(*entry))
    return std::move(error);
  std::vector<NpyArray> results = invocation.copyResults();
  invocation.freeResults();
  return results;
}

Expected<Program> Program::compileKernels(ModuleOp module,
                                          CompileOptions options) {
  options.buildPipeline = [](OpPassManager &pm) {
    pm.addPass(createGPUEmulate());
  };
  return compile(module, options);
}

Error Program::launch(KernelLaunch &launch) const {
  auto image = engine->lookup("stampGpuImage_" + launch.module);
  if (!image)
    return image.takeError();
  // Buffers of the GPU's own, for it knows no others.
  struct Argument {
    uint64_t word;
    NpyArray *array;
  };
  SmallVector<Argument> arguments;
  SmallVector<void *> parameters;
  Escape escape;
  auto freeBuffers = [&] {
    for (Argument &argument : arguments)
      if (argument.array)
        emulator::deallocate(reinterpret_cast<void *>(argument.word), nullptr);
  };
  llvm::SaveAndRestore saveEscape(currentEscape, &escape);
  if (setjmp(escape.target) != 0) {
    freeBuffers();
    return fail(escape.message);
  }
  for (auto &value : launch.arguments) {
    if (auto *number = std::get_if<uint64_t>(&value)) {
      arguments.push_back({*number, nullptr});
      continue;
    }
    NpyArray &array = std::get<NpyArray>(value);
    void *buffer = emulator::allocate(array.bytes.size(), nullptr, false);
    llvm::copy(array.bytes, static_cast<char *>(buffer));
    arguments.push_back({reinterpret_cast<uint64_t>(buffer), &array});
  }
  for (Argument &argument : arguments)
    parameters.push_back(&argument.word);
  emulator::launch(static_cast<StampGpuImage *>(*image), launch.kernel.c_str(),
                   launch.grid[0], launch.grid[1], launch.grid[2],
                   launch.block[0], launch.block[1], launch.block[2], 1, 1, 1,
                   launch.sharedBytes, nullptr, parameters.data(),
                   parameters.size());
  for (Argument &argument : arguments)
    if (argument.array)
      std::copy_n(reinterpret_cast<const char *>(argument.word),
                  argument.array->bytes.size(), argument.array->bytes.data());
  freeBuffers();
  return Error::success();
}

Expected<void *> Program::lookup(StringRef function) const {
  if (!callables.contains(function))
    return fail("there is no callable function '" + function + "'");
  return engine->lookup(("_mlir_ciface_" + function).str());
}

Expected<RunTime> Program::measure(StringRef function,
                                   ArrayRef<NpyArray> inputs,
                                   unsigned numRuns) const {
  assert(numRuns > 0 && "nothing to measure");
  constexpr unsigned numWarmups = 2;
  // The first call also checks that the function can be called at all.
  if (auto results = call(function, inputs); !results)
    return results.takeError();
  auto entry = engine->lookupPacked(("_mlir_ciface_" + function).str());
  if (!entry)
    return entry.takeError();

  Invocation invocation(callables.lookup(function), inputs);
  SmallVector<double> seconds;
  for (unsigned i = 1; i < numWarmups + numRuns; ++i) {
    auto start = Clock::now();
    if (Error error = invocation.run(*entry))
      return std::move(error);
    double elapsed = secondsSince(start);
    invocation.freeResults();
    if (i >= numWarmups)
      seconds.push_back(elapsed);
  }
  llvm::sort(seconds);
  return RunTime{seconds[seconds.size() / 2], seconds.front()};
}

} // namespace stamp
