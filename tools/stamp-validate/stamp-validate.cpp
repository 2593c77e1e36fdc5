//===- stamp-validate.cpp - does a pass keep the numbers? -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Where stamp-opt writes what passes make of a module, stamp-validate runs it,
// before and after:
//
//   stamp-validate model.mlir --stamp-fold
//
// Passes that this tool does not know leave a module of their own:
//
//   stamp-validate before.mlir after.mlir
//
//===----------------------------------------------------------------------===//

#include "../Tool.h"

#include "stamp/Execution/Validate.h"
#include "stamp/Register.h"

#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
using stamp::FunctionReport;
using stamp::tool::fail;
namespace cl = llvm::cl;

namespace {

cl::OptionCategory category("stamp-validate options");

cl::opt<std::string> beforePath(cl::Positional, cl::Required,
                                cl::desc("<module: .mlir or .mlirbc>"),
                                cl::cat(category));
cl::opt<std::string> afterPath(cl::Positional,
                               cl::desc("[the same module after other passes]"),
                               cl::cat(category));
cl::list<int64_t>
    sizes("sizes", cl::CommaSeparated, cl::value_desc("n,..."),
          cl::desc("One call for each of these, which all dynamic sizes are "
                   "equal to (default: 1,13,40); where run-time checks refuse "
                   "that, some give way to static sizes of the function"),
          cl::cat(category));
cl::opt<unsigned> seed("seed", cl::init(0), cl::value_desc("n"),
                       cl::desc("Draw other inputs"), cl::cat(category));
cl::opt<double> tolerance(
    "tolerance", cl::init(stamp::ValidationOptions().tolerance),
    cl::value_desc("x"),
    cl::desc("Largest difference of a float result, relative to its largest "
             "magnitude, in functions without stamp.quantize (default: 1e-5)"),
    cl::cat(category));
cl::opt<double> quantizedTolerance(
    "quantized-tolerance",
    cl::init(stamp::ValidationOptions().quantizedTolerance),
    cl::value_desc("x"),
    cl::desc("The same in functions with stamp.quantize, where a rounding may "
             "change a code (default: 1e-2)"),
    cl::cat(category));

Expected<OwningOpRef<ModuleOp>> parse(StringRef path, MLIRContext &context) {
  auto sources = stamp::tool::openModule(path);
  if (!sources)
    return sources.takeError();
  SourceMgrDiagnosticHandler diagnostics(**sources, &context);
  return stamp::tool::parseModule(*sources, path, context);
}

/// The module to compare with: from a file, or what the passes make of it.
Expected<OwningOpRef<ModuleOp>> getAfter(ModuleOp before,
                                         const PassPipelineCLParser &passes) {
  MLIRContext *context = before.getContext();
  if (!afterPath.empty())
    return parse(afterPath, *context);
  OwningOpRef<ModuleOp> after = before.clone();
  PassManager pm(context, ModuleOp::getOperationName(),
                 PassManager::Nesting::Implicit);
  auto report = [&](const Twine &message) {
    return emitError(UnknownLoc::get(context)) << message;
  };
  if (!passes.hasAnyOccurrences())
    pm.addPass(stamp::createStampFold());
  else if (failed(passes.addToPipeline(pm, report)))
    return fail("these passes make no pipeline");
  if (failed(pm.run(*after)))
    return fail("a pass failed");
  return after;
}

void print(const FunctionReport &function, llvm::raw_ostream &os) {
  for (auto [number, result] : llvm::enumerate(function.results)) {
    os << '@' << function.name << ": result " << number
       << (result.agrees ? " agrees: " : " differs: ");
    if (result.isFloat)
      os << llvm::format("largest difference %.2g, allowed %g",
                         result.largestDifference, result.allowed);
    else
      os << result.numDifferent << " of " << result.numElements
         << " integers differ, by at most "
         << llvm::format("%g", result.largestDifference);
    if (!result.agrees)
      os << ", at " << result.place;
    if (result.numNaNs)
      os << "; " << result.numNaNs << " of " << result.numElements
         << " are NaN";
    os << '\n';
  }
  if (!function.reason.empty())
    os << '@' << function.name << ": " << function.reason << '\n';
}

Error runMain(const PassPipelineCLParser &passes) {
  stamp::ValidationOptions options;
  options.seed = seed;
  options.tolerance = tolerance;
  options.quantizedTolerance = quantizedTolerance;
  if (!sizes.empty())
    options.sizes.assign(sizes.begin(), sizes.end());
  for (int64_t size : options.sizes)
    if (size < 1)
      return fail("--sizes needs positive numbers, not " + Twine(size));
  if (!(tolerance >= 0 && quantizedTolerance >= 0))
    return fail("a tolerance cannot be negative");
  if (!afterPath.empty() && passes.hasAnyOccurrences())
    return fail("two modules leave no passes to run");

  MLIRContext context(stamp::tool::makeRegistry());
  auto before = parse(beforePath, context);
  if (!before)
    return before.takeError();
  auto after = getAfter(**before, passes);
  if (!after)
    return after.takeError();

  auto functions = stamp::validate(**before, **after, options);
  if (!functions)
    return functions.takeError();
  unsigned counts[3] = {0, 0, 0};
  for (const FunctionReport &function : *functions) {
    print(function, llvm::outs());
    ++counts[function.outcome];
  }
  auto [numAgreeing, numDiffering, numNotRun] = counts;
  llvm::outs() << numAgreeing << " agree, " << numDiffering << " differ, "
               << numNotRun << " not run\n";
  if (numDiffering)
    return fail("the module does not compute what it did");
  if (!numAgreeing)
    return fail("there is no function that could be run");
  return Error::success();
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  registerAllPasses();
  stamp::registerPasses();
  PassPipelineCLParser passes("", "Passes to run, as stamp-opt takes them "
                                  "(default: --stamp-fold)");
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "runs the functions of a module before and after passes, or of two "
      "modules, on correlated random inputs, and compares their results\n\n"
      "Passes are given as to stamp-opt; the default is --stamp-fold.\n");
  Error error = runMain(passes);
  llvm::outs().flush(); // The report comes before what it comes to.
  return stamp::tool::finish("stamp-validate", std::move(error));
}
