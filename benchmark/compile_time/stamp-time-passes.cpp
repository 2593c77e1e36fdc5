//===- stamp-time-passes.cpp - What compiling a model takes ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   stamp-time-passes model.mlirbc --phase=select=stamp-select --phase=…
//
// Reads a module, runs pass pipelines on it one after the other, writes it as
// bytecode, and says what each phase has cost. --mlir-timing tells time by the
// clock on the wall, which on a busy machine measures the neighbours.
//
//===----------------------------------------------------------------------===//

#include "stamp/Register.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/WithColor.h"

#include <sys/resource.h>

using namespace mlir;
namespace cl = llvm::cl;

static cl::opt<std::string> inputPath(cl::Positional, cl::Required,
                                      cl::desc("<model>"));
static cl::list<std::string>
    phases("phase", cl::value_desc("name=pipeline"),
           cl::desc("Passes on the module, and what to call them"));
static cl::opt<std::string> outputPath("o", cl::value_desc("file"),
                                       cl::init("/dev/null"));

namespace {
/// One object for each phase: its name, the seconds of processor time it took,
/// and the largest resident set up to its end, in bytes.
class Report {
public:
  explicit Report(llvm::raw_ostream &os) : json(os) { json.arrayBegin(); }
  ~Report() { json.arrayEnd(); }

  template <typename Function> auto measure(StringRef name, Function function) {
    rusage before = getUsage();
    auto result = function();
    rusage after = getUsage();
    json.object([&] {
      json.attribute("phase", name);
      json.attribute("seconds", getSeconds(after) - getSeconds(before));
      json.attribute("peak_bytes", int64_t(after.ru_maxrss) * 1024);
    });
    return result;
  }

private:
  static rusage getUsage() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage;
  }
  static double getSeconds(const rusage &usage) {
    auto toSeconds = [](timeval time) {
      return time.tv_sec + 1e-6 * time.tv_usec;
    };
    return toSeconds(usage.ru_utime) + toSeconds(usage.ru_stime);
  }

  llvm::json::OStream json;
};
} // namespace

static int fail(const Twine &message) {
  llvm::WithColor::error(llvm::errs(), "stamp-time-passes") << message << '\n';
  return EXIT_FAILURE;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  registerAllPasses();
  stamp::registerPasses();
  cl::ParseCommandLineOptions(argc, argv, "times pass pipelines on a model\n");
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  stamp::registerDialects(registry);
  stamp::registerExtensions(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);

  Report report(llvm::outs());
  OwningOpRef<ModuleOp> module = report.measure(
      "parse", [&] { return parseSourceFile<ModuleOp>(inputPath, &context); });
  if (!module)
    return EXIT_FAILURE;
  for (StringRef phase : phases) {
    auto [name, pipeline] = phase.split('=');
    PassManager pm(&context);
    if (failed(parsePassPipeline(pipeline, pm)))
      return EXIT_FAILURE;
    if (failed(report.measure(name, [&] { return pm.run(*module); })))
      return fail(name + " failed");
  }

  std::error_code error;
  llvm::ToolOutputFile output(outputPath, error, llvm::sys::fs::OF_None);
  if (error)
    return fail(outputPath + ": " + error.message());
  if (failed(report.measure(
          "write", [&] { return writeBytecodeToFile(*module, output.os()); })))
    return fail("the module cannot be written");
  output.keep();
  return EXIT_SUCCESS;
}
