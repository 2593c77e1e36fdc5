//===- Emulator.h - a GPU made of fibers ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Implements GPURuntime.h on the CPU, for kernels that stamp-gpu-emulate
// compiled, and checks what hardware does not. docs/Emulator.md has the list.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_EXECUTION_EMULATOR_H
#define STAMP_EXECUTION_EMULATOR_H

#include "stamp/Execution/GPURuntime.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace stamp::emulator {

struct Options {
  /// Blocks that run at the same time.
  unsigned threads = 1;
  /// 0 runs the threads of a block in their order; any other number is one of
  /// many schedules, and the same one in every run.
  uint64_t seed = 0;
};

/// For the launches that follow; not during one.
void setOptions(const Options &options);

/// Every symbol that compiled host code and compiled kernels refer to.
std::vector<std::pair<const char *, void *>> getSymbols();

/// As stampGpuSetErrorHandler.
void setErrorHandler(void (*handler)(const char *message));

/// As the functions of GPURuntime.h.
void *allocate(uint64_t bytes, StampGpuStream stream, uint8_t isHostShared);
void deallocate(void *memory, StampGpuStream stream);
void launch(StampGpuImage *image, const char *kernel, uint64_t gridX,
            uint64_t gridY, uint64_t gridZ, uint64_t blockX, uint64_t blockY,
            uint64_t blockZ, uint64_t clusterX, uint64_t clusterY,
            uint64_t clusterZ, uint32_t dynamicSharedBytes,
            StampGpuStream stream, void **parameters, uint64_t numParameters);

} // namespace stamp::emulator

#endif // STAMP_EXECUTION_EMULATOR_H
