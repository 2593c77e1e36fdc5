//===- stamp-run.cpp - compile a module and run it --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One compilation, any number of calls, arrays in NumPy's files:
//
//   stamp-run model.mlir --inputs=x.npy --outputs=y.npy
//   stamp-run model.mlir --call="f(a.npy, b.npy) -> c.npy" --call="g() ->
//   d.npy"
//
// All that can be checked is checked before the module is compiled.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "../Tool.h"

#include "stamp/Execution/Jit.h"

#include "mlir/IR/AsmState.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"

#include <chrono>
#include <limits>

#include <malloc.h>

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
using stamp::NpyArray;
using stamp::tool::fail;
namespace cl = llvm::cl;

namespace {

cl::OptionCategory category("stamp-run options");

cl::opt<std::string> modelPath(cl::Positional, cl::Required,
                               cl::desc("<module: .mlir or .mlirbc>"),
                               cl::cat(category));
cl::opt<std::string> entry("entry", cl::init("main"), cl::value_desc("name"),
                           cl::desc("The function to call (default: main)"),
                           cl::cat(category));
cl::list<std::string> inputPaths("inputs", cl::CommaSeparated,
                                 cl::value_desc("x.npy,..."),
                                 cl::desc("The arguments of --entry, in order"),
                                 cl::cat(category));
cl::list<std::string>
    outputPaths("outputs", cl::CommaSeparated, cl::value_desc("y.npy,..."),
                cl::desc("Where to write the results of --entry, in order"),
                cl::cat(category));
cl::list<std::string>
    callTexts("call", cl::value_desc("f(a.npy, ...) -> b.npy, ..."),
              cl::desc("Call one function; may be repeated, and replaces "
                       "--entry, --inputs and --outputs"),
              cl::cat(category));
cl::opt<unsigned> optLevel("O", cl::Prefix, cl::init(3), cl::value_desc("0-3"),
                           cl::desc("Optimization level (default: 3)"),
                           cl::cat(category));
cl::opt<std::string> cpu(
    "cpu", cl::init("portable"), cl::value_desc("name"),
    cl::desc(
        "The instruction set to form kernels for: host, generic, avx2, "
        "avxvnni, avx512vnni, neon-dotprod or neon-i8mm (default: portable, "
        "no kernels)"),
    cl::cat(category));
cl::opt<int>
    numThreads("num-threads", cl::init(1), cl::value_desc("n"),
               cl::desc("The threads that kernels run on, at most one for each "
                        "core (default: 1)"),
               cl::cat(category));
cl::opt<std::string>
    gpu("gpu", cl::value_desc("emulate[,chip]"),
        cl::desc("Lower to kernels for a GPU (default: sm_80) and run them on "
                 "an emulated one, --num-threads blocks at a time"),
        cl::cat(category));
cl::opt<uint64_t>
    gpuSeed("gpu-seed", cl::init(0), cl::value_desc("n"),
            cl::desc("The order in which the emulated GPU's threads and blocks "
                     "take turns: 0 for theirs, any other number for a random "
                     "one (default: 0)"),
            cl::cat(category));
cl::list<std::string> launchTexts(
    "launch", cl::value_desc("m::k<<<grid, block[, shared]>>>(x.npy, ...)"),
    cl::desc(
        "Launch a kernel of a gpu.module in the NVVM dialect on the "
        "emulated GPU. Arguments are files, integers and buffers such as "
        "i32[4x8], which '-> y.npy, ...' writes to files; may be repeated"),
    cl::cat(category));
cl::opt<std::string>
    timeRuns("time", cl::ValueOptional, cl::value_desc("runs"),
             cl::desc("Report how long each stage of the compilation and each "
                      "call takes; median and minimum of so many runs "
                      "(default: 20)"),
             cl::cat(category));
cl::opt<bool>
    allowNonFinite("allow-nonfinite",
                   cl::desc("Accept inputs that hold a NaN or an infinity"),
                   cl::cat(category));

/// A call as the user wrote it, and what has been found out about it.
struct Call {
  std::string function;
  SmallVector<std::string> inputPaths;
  SmallVector<std::string> outputPaths;
  std::vector<NpyArray> inputs;
};

/// Splits "a.npy, b.npy"; nothing at all is an empty list.
bool parsePaths(StringRef text, SmallVectorImpl<std::string> &paths) {
  if (text.trim().empty())
    return true;
  SmallVector<StringRef> pieces;
  text.split(pieces, ',');
  for (StringRef piece : pieces) {
    if (piece.trim().empty())
      return false;
    paths.push_back(piece.trim().str());
  }
  return true;
}

/// Parses "function(inputs) -> outputs".
Expected<Call> parseCall(StringRef text) {
  Call call;
  auto malformed = [&] {
    return fail("malformed --call '" + text +
                "': expected 'function(input.npy, ...) -> output.npy, ...'");
  };
  auto [function, afterOpen] = text.split('(');
  auto [inputs, afterClose] = afterOpen.split(')');
  call.function = function.trim().str();
  if (call.function.empty() || !text.contains('(') || !afterOpen.contains(')'))
    return malformed();
  StringRef outputs = afterClose.trim();
  if (!outputs.empty() && !outputs.consume_front("->"))
    return malformed();
  if (!parsePaths(inputs, call.inputPaths) ||
      !parsePaths(outputs, call.outputPaths))
    return malformed();
  return call;
}

Expected<std::vector<Call>> parseCalls() {
  std::vector<Call> calls;
  if (callTexts.empty()) {
    Call call;
    call.function = entry;
    call.inputPaths.assign(inputPaths.begin(), inputPaths.end());
    call.outputPaths.assign(outputPaths.begin(), outputPaths.end());
    calls.push_back(std::move(call));
    return calls;
  }
  if (entry.getNumOccurrences() || !inputPaths.empty() || !outputPaths.empty())
    return fail("--call excludes --entry, --inputs and --outputs");
  for (StringRef text : callTexts) {
    Expected<Call> call = parseCall(text);
    if (!call)
      return call.takeError();
    calls.push_back(std::move(*call));
  }
  return calls;
}

Error prepare(Call &call, ModuleOp module) {
  Expected<FunctionType> type = stamp::getCallableType(module, call.function);
  if (!type)
    return type.takeError();
  if (call.outputPaths.size() != type->getNumResults())
    return fail("'" + call.function + "' has " + Twine(type->getNumResults()) +
                " results, " + Twine(call.outputPaths.size()) +
                " outputs given");
  for (StringRef path : call.inputPaths) {
    Expected<NpyArray> array = stamp::readNpy(path);
    if (!array)
      return array.takeError();
    if (auto index = stamp::findNonFinite(*array); index && !allowNonFinite) {
      std::string place;
      llvm::raw_string_ostream os(place);
      llvm::interleaveComma(*index, os);
      return fail("'" + path + "' holds a NaN or an infinity at [" + place +
                  "] (--allow-nonfinite accepts it)");
    }
    call.inputs.push_back(std::move(*array));
  }
  return stamp::checkInputs(call.function, *type, call.inputs);
}

void reportTime(StringRef what, double seconds) {
  llvm::outs() << llvm::format("%-28s %10.3f ms\n", what.str().c_str(),
                               seconds * 1e3);
}

Error run(const Call &call, const stamp::Program &program, unsigned numRuns) {
  auto results = program.call(call.function, call.inputs);
  if (!results)
    return results.takeError();
  for (auto [path, result] : llvm::zip_equal(call.outputPaths, *results))
    if (Error error = stamp::writeNpy(path, result))
      return error;
  if (numRuns == 0)
    return Error::success();
  auto time = program.measure(call.function, call.inputs, numRuns);
  if (!time)
    return time.takeError();
  reportTime(call.function + ": median", time->medianSeconds);
  reportTime(call.function + ": minimum", time->minSeconds);
  return Error::success();
}

Error runLaunches(ModuleOp module, const stamp::CompileOptions &options) {
  std::vector<stamp::LaunchCommand> commands;
  for (StringRef text : launchTexts) {
    auto command = stamp::parseLaunch(text, module);
    if (!command)
      return command.takeError();
    commands.push_back(std::move(*command));
  }
  auto program = stamp::Program::compileKernels(module, options);
  if (!program)
    return program.takeError();
  for (stamp::LaunchCommand &command : commands)
    if (Error error = stamp::run(command, *program))
      return error;
  return Error::success();
}

Error runMain() {
  unsigned numRuns = timeRuns.getNumOccurrences() ? 20 : 0;
  if (!timeRuns.empty() &&
      (StringRef(timeRuns).getAsInteger(10, numRuns) || numRuns == 0))
    return fail("--time needs a positive number of runs, not '" +
                Twine(timeRuns) + "'");
  if (numThreads < 1)
    return fail("--num-threads needs a positive number, not " +
                Twine(numThreads));
  if (optLevel > 3)
    return fail("there is no optimization level " + Twine(optLevel));
  if (gpu.getNumOccurrences() && gpu.empty())
    return fail("--gpu needs a value: 'emulate' or, say, 'emulate,sm_90a'");
  if (gpuSeed.getNumOccurrences() && gpu.empty())
    return fail("--gpu-seed is for --gpu=emulate");
  if (!launchTexts.empty() && gpu.empty())
    return fail("--launch is for --gpu=emulate");
  auto calls = parseCalls();
  if (!calls)
    return calls.takeError();

  auto sources = stamp::tool::openModule(modelPath);
  if (!sources)
    return sources.takeError();
  MLIRContext context(stamp::tool::makeRegistry());
  SourceMgrDiagnosticHandler diagnostics(**sources, &context);

  auto start = std::chrono::steady_clock::now();
  auto module = stamp::tool::parseModule(*sources, modelPath, context);
  if (!module)
    return module.takeError();
  std::chrono::duration<double> parseTime =
      std::chrono::steady_clock::now() - start;

  stamp::CompileOptions options;
  options.optLevel = optLevel;
  options.cpu = cpu;
  options.threads = numThreads;
  options.gpu = gpu;
  options.gpuSeed = gpuSeed;
  if (!launchTexts.empty())
    return runLaunches(**module, options);

  for (Call &call : *calls)
    if (Error error = prepare(call, **module))
      return error;
  auto program = stamp::Program::compile(**module, options);
  if (!program)
    return program.takeError();
  if (numRuns) {
    reportTime("compile: parse", parseTime.count());
    for (const stamp::CompileStage &stage : program->getCompileStages())
      reportTime(("compile: " + stage.name).str(), stage.seconds);
  }
  for (const Call &call : *calls)
    if (Error error = run(call, *program, numRuns))
      return error;
  return Error::success();
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  // What a call frees stays with the process for the next one: to fault large
  // buffers in anew takes longer than to compute them.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "compiles a module of linalg on tensors for this machine and calls its "
      "functions\n");
  return stamp::tool::finish("stamp-run", runMain());
}
