//===- Pipelines.h - the named pipelines ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_PIPELINES_PIPELINES_H
#define STAMP_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <string>

namespace stamp {

struct CPUPipelineOptions : mlir::PassPipelineOptions<CPUPipelineOptions> {
  Option<std::string> cpu{
      *this, "cpu",
      llvm::cl::desc(
          "The instruction set that quantized linears become kernels "
          "for: host, generic, avx2, avxvnni, avx512vnni, "
          "neon-dotprod or neon-i8mm; portable for no kernels at all"),
      llvm::cl::init("portable")};
  Option<bool> parallel{
      *this, "parallel",
      llvm::cl::desc("Share the work of kernels among OpenMP's threads; what "
                     "runs the code has to have libomp"),
      llvm::cl::init(false)};
};

/// From stamp, linalg, tensor, arith, math and scf on tensors to the LLVM
/// dialect for the host CPU. A result returned by a public function is a buffer
/// of its own that the caller frees; an argument is never written to when it
/// carries `bufferization.writable = false`.
void buildCPUPipeline(mlir::OpPassManager &pm,
                      const CPUPipelineOptions &options);

/// What the GPU's part of a module ends up as.
enum class GPUFormat {
  /// PTX text, which the driver compiles when the module is loaded.
  ISA,
  /// Machine code for exactly the chip; needs ptxas.
  Binary,
  /// Machine code and PTX together; needs ptxas and fatbinary.
  Fatbin,
  /// LLVM bitcode, to be compiled further by somebody else.
  Offload,
  /// Code for the host, which the emulator runs.
  Emulated,
};

struct GPUPipelineOptions : mlir::PassPipelineOptions<GPUPipelineOptions> {
  Option<std::string> chip{*this, "chip",
                           llvm::cl::desc("The GPU to compile for, sm_80 or "
                                          "newer"),
                           llvm::cl::init("sm_80")};
  Option<std::string> features{
      *this, "features",
      llvm::cl::desc("Features of the NVPTX backend, such as +ptx80; empty for "
                     "the oldest PTX version that has the chip"),
      llvm::cl::init("")};
  Option<unsigned> optLevel{*this, "opt-level",
                            llvm::cl::desc("How hard LLVM and ptxas try, 0-3"),
                            llvm::cl::init(3)};
  Option<GPUFormat> format{
      *this, "format", llvm::cl::desc("What kernels are compiled to"),
      llvm::cl::init(GPUFormat::ISA),
      llvm::cl::values(
          clEnumValN(GPUFormat::ISA, "isa", "PTX text"),
          clEnumValN(GPUFormat::Binary, "binary", "machine code (ptxas)"),
          clEnumValN(GPUFormat::Fatbin, "fatbin",
                     "machine code and PTX (ptxas, fatbinary)"),
          clEnumValN(GPUFormat::Offload, "offload", "LLVM bitcode"),
          clEnumValN(GPUFormat::Emulated, "emulated",
                     "code for the emulated GPU"))};
};

/// stamp and linalg on tensors → GPU kernels, and host code in the LLVM dialect
/// that launches them. One kernel per linalg op, one thread per output element.
/// docs/GPU.md states what the compiled functions expect of their caller.
void buildGPUPipeline(mlir::OpPassManager &pm,
                      const GPUPipelineOptions &options);

/// What the end of the GPU pipeline, the translation of kernels to PTX, needs
/// on top of upstream's registerAllDialects and registerAllExtensions.
void registerGPUPipelineExtensions(mlir::DialectRegistry &registry);

/// Makes the pipelines known by name: stamp-cpu-pipeline, stamp-gpu-pipeline.
void registerPipelines();

} // namespace stamp

#endif // STAMP_PIPELINES_PIPELINES_H
