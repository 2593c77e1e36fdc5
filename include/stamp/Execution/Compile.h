//===- Compile.h - a module as a shared library -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_EXECUTION_COMPILE_H
#define STAMP_EXECUTION_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace stamp {

struct LibraryOptions {
  /// 0 to 3, for LLVM's optimizer, its code generators and ptxas.
  unsigned optLevel = 3;
  /// The instruction set: host, one that stamp-cpu-pipeline names, or portable
  /// for what every CPU of the architecture has.
  std::string cpu = "portable";
  /// Shares the work among OpenMP's threads.
  bool parallel = false;
  /// The GPU that kernels are compiled for, such as sm_90a; empty for none.
  std::string gpu;
  /// Features of the NVPTX backend, such as +ptx83.
  std::string gpuFeatures;
  /// isa, binary, fatbin; empty for a fatbin where ptxas and fatbinary are
  /// found, and else isa.
  std::string gpuFormat;
  /// The functions to export; all public ones with a body if there are none.
  std::vector<std::string> entries;
  /// What the names of C functions start with.
  std::string prefix = "stamp";
  /// A compiler that links, such as clang or cc; empty to look for one.
  std::string linker;
  /// Where libstamp_program.a is.
  std::string runtimeDirectory;
};

/// Lowers `module` in place and writes a shared library with a C function for
/// each entry, and, if `headerPath` is not empty, their declarations. What the
/// passes have to say goes to the context's diagnostic handlers. A path that
/// ends in .o gets the object file that would be linked.
llvm::Error compileLibrary(mlir::ModuleOp module, llvm::StringRef path,
                           llvm::StringRef headerPath,
                           const LibraryOptions &options = {});

} // namespace stamp

#endif // STAMP_EXECUTION_COMPILE_H
