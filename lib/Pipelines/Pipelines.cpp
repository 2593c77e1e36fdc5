//===- Pipelines.cpp - the pipelines by name --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "stamp/Pipelines/Pipelines.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void stamp::registerPipelines() {
  PassPipelineRegistration<CPUPipelineOptions>(
      "stamp-cpu-pipeline",
      "Lower stamp and linalg on tensors to the LLVM dialect for the CPU",
      buildCPUPipeline);
  PassPipelineRegistration<GPUPipelineOptions>(
      "stamp-gpu-pipeline",
      "Lower stamp and linalg on tensors to NVIDIA GPU kernels and host code "
      "in the LLVM dialect",
      buildGPUPipeline);
}
