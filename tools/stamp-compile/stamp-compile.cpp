//===- stamp-compile.cpp - compile a module into a library -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   stamp-compile model.mlir --cpu=host -o model.so --header=model.h
//   stamp-compile model.mlir --gpu=sm_90a -o model.so
//
// docs/Compile.md says how the library is called.
//
//===----------------------------------------------------------------------===//

#include "../Tool.h"

#include "stamp/Execution/Compile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using llvm::Error;
using llvm::Twine;
using stamp::tool::fail;
namespace cl = llvm::cl;

namespace {

cl::OptionCategory category("stamp-compile options");

cl::opt<std::string> modelPath(cl::Positional, cl::Required,
                               cl::desc("<module: .mlir or .mlirbc>"),
                               cl::cat(category));
cl::opt<std::string> outputPath("o", cl::Required, cl::value_desc("path"),
                                cl::desc("The library to write; an object "
                                         "file if it ends in .o"),
                                cl::cat(category));
cl::opt<std::string>
    headerPath("header", cl::value_desc("path"),
               cl::desc("Where to write declarations of the C functions"),
               cl::cat(category));
cl::list<std::string>
    entries("entry", cl::CommaSeparated, cl::value_desc("f,..."),
            cl::desc("The functions to export (default: all public ones)"),
            cl::cat(category));
cl::opt<std::string>
    prefix("prefix", cl::init("stamp"), cl::value_desc("name"),
           cl::desc("What names of C functions start with (default: stamp)"),
           cl::cat(category));
cl::opt<unsigned> optLevel("O", cl::Prefix, cl::init(3), cl::value_desc("0-3"),
                           cl::desc("Optimization level (default: 3)"),
                           cl::cat(category));
cl::opt<std::string> cpu(
    "cpu", cl::init("portable"), cl::value_desc("name"),
    cl::desc("The instruction set: host, generic, avx2, avxvnni, avx512vnni, "
             "neon-dotprod or neon-i8mm (default: portable, no kernels, for "
             "every CPU of the architecture)"),
    cl::cat(category));
cl::opt<bool> parallel("parallel",
                       cl::desc("Run kernels on the threads of OpenMP"),
                       cl::cat(category));
cl::opt<std::string> gpu("gpu", cl::value_desc("chip"),
                         cl::desc("Compile for a GPU, such as sm_90a"),
                         cl::cat(category));
cl::opt<std::string>
    gpuFeatures("gpu-features", cl::value_desc("+ptxNN"),
                cl::desc("Features of the NVPTX backend (default: the oldest "
                         "PTX version that has the chip)"),
                cl::cat(category));
cl::opt<std::string>
    gpuFormat("gpu-format", cl::value_desc("isa|binary|fatbin"),
              cl::desc("PTX, machine code (ptxas), or both (ptxas, fatbinary); "
                       "by default both where the two programs are found, and "
                       "else PTX"),
              cl::cat(category));
cl::opt<std::string>
    linker("linker", cl::value_desc("program"),
           cl::desc("The compiler that links (default: the first of clang-22, "
                    "clang, cc and gcc on PATH)"),
           cl::cat(category));
cl::opt<std::string>
    runtimeDirectory("runtime-dir", cl::value_desc("path"),
                     cl::desc("Where libstamp_program.a is (default: ../lib "
                              "from this program)"),
                     cl::cat(category));

bool isCName(StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) &&
         llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

std::string getDefaultRuntimeDirectory(const char *program) {
  static int anchor;
  SmallString<128> path(llvm::sys::fs::getMainExecutable(program, &anchor));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "..", "lib");
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  return path.str().str();
}

Error compileMain(const char *program) {
  if (optLevel > 3)
    return fail("there is no optimization level " + Twine(optLevel));
  if (!isCName(prefix))
    return fail("'" + prefix + "' cannot start a name in C");
  if (gpu.empty() && (!gpuFeatures.empty() || !gpuFormat.empty()))
    return fail("--gpu-features and --gpu-format need --gpu");

  auto sources = stamp::tool::openModule(modelPath);
  if (!sources)
    return sources.takeError();
  MLIRContext context(stamp::tool::makeRegistry());
  SourceMgrDiagnosticHandler diagnostics(**sources, &context);
  auto module = stamp::tool::parseModule(*sources, modelPath, context);
  if (!module)
    return module.takeError();

  stamp::LibraryOptions options;
  options.optLevel = optLevel;
  options.cpu = cpu;
  options.parallel = parallel;
  options.gpu = gpu;
  options.gpuFeatures = gpuFeatures;
  options.gpuFormat = gpuFormat;
  options.entries.assign(entries.begin(), entries.end());
  options.prefix = prefix;
  options.linker = linker;
  options.runtimeDirectory = runtimeDirectory.empty()
                                 ? getDefaultRuntimeDirectory(program)
                                 : runtimeDirectory.getValue();
  return stamp::compileLibrary(**module, outputPath, headerPath, options);
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "compiles a module of linalg on tensors into a shared library of C "
      "functions\n");
  return stamp::tool::finish("stamp-compile", compileMain(argv[0]));
}
