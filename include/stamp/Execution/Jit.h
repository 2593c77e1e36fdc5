//===- Jit.h - compile a module and call its functions ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_EXECUTION_JIT_H
#define STAMP_EXECUTION_JIT_H

#include "stamp/Execution/Npy.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <memory>
#include <variant>

namespace mlir {
class ExecutionEngine;
} // namespace mlir

namespace stamp {

/// The kind of array that a result of this element type becomes, if there is
/// one.
std::optional<ElementKind> getElementKind(mlir::Type elementType);

/// The type of a function that a Program can call: public, with a body, from
/// ranked tensors to ranked tensors of NumPy's element types. The error says
/// which of this does not hold.
llvm::Expected<mlir::FunctionType> getCallableType(mlir::ModuleOp module,
                                                   llvm::StringRef function);

/// Checks number, element types, ranks and static sizes.
llvm::Error checkInputs(llvm::StringRef function, mlir::FunctionType type,
                        llvm::ArrayRef<NpyArray> inputs);

struct CompileOptions {
  /// 0 to 3, for LLVM's optimizer and its code generator.
  unsigned optLevel = 3;
  /// The instruction set to form kernels for, as stamp-cpu-pipeline names it.
  std::string cpu = "portable";
  /// Threads for kernels to run on, by OpenMP if there are more than one.
  unsigned threads = 1;
  /// "emulate" or "emulate,sm_90a": run kernels for that GPU (sm_80 if none is
  /// named) on the emulated one, `threads` blocks at a time. "" for no GPU.
  std::string gpu;
  /// The emulated GPU's schedule.
  uint64_t gpuSeed = 0;
  /// Lowers tensors to the LLVM dialect; buildCPUPipeline by default.
  std::function<void(mlir::OpPassManager &)> buildPipeline;
};

/// A kernel of a gpu.module and what to launch it with.
struct KernelLaunch {
  std::string module, kernel;
  uint64_t grid[3] = {1, 1, 1};
  uint64_t block[3] = {1, 1, 1};
  uint32_t sharedBytes = 0;
  /// An array is a buffer in the GPU's memory, a number an integer argument.
  std::vector<std::variant<NpyArray, uint64_t>> arguments;
};

struct CompileStage {
  llvm::StringLiteral name;
  double seconds;
};

struct RunTime {
  double medianSeconds;
  double minSeconds;
};

/// A module compiled for the host. Its callable functions may be called any
/// number of times; the module's context has to outlive it.
class Program {
public:
  /// Lowers `module` in place. What the passes have to say goes to the
  /// context's diagnostic handlers.
  static llvm::Expected<Program> compile(mlir::ModuleOp module,
                                         const CompileOptions &options = {});

  /// For the emulated GPU: kernels that are in the NVVM dialect already, as
  /// they are, without any host code.
  static llvm::Expected<Program> compileKernels(mlir::ModuleOp module,
                                                CompileOptions options);

  Program(Program &&);
  Program &operator=(Program &&);
  ~Program();

  llvm::Expected<std::vector<NpyArray>>
  call(llvm::StringRef function, llvm::ArrayRef<NpyArray> inputs) const;

  /// Launches a kernel of a module that was compiled with compileKernels; the
  /// arrays are afterwards what the kernel left in them.
  llvm::Error launch(KernelLaunch &launch) const;

  /// Calls `numRuns` times, after two calls that do not count.
  llvm::Expected<RunTime> measure(llvm::StringRef function,
                                  llvm::ArrayRef<NpyArray> inputs,
                                  unsigned numRuns) const;

  /// The address of `_mlir_ciface_function`, for callers that make their own
  /// memref descriptors. A check that fails in such a call ends the process.
  llvm::Expected<void *> lookup(llvm::StringRef function) const;

  llvm::ArrayRef<CompileStage> getCompileStages() const { return stages; }

private:
  Program();

  llvm::StringMap<mlir::FunctionType> callables;
  std::unique_ptr<mlir::ExecutionEngine> engine;
  llvm::SmallVector<CompileStage> stages;
};

} // namespace stamp

#endif // STAMP_EXECUTION_JIT_H
