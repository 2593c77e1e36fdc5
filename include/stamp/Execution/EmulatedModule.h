/*===- EmulatedModule.h - kernels compiled for the emulator ------*- C -*-===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/
/* What `data` of a StampGpuImage of kind STAMP_GPU_IMAGE_EMULATED points to.
 * The pass stamp-gpu-emulate writes it, the emulator reads it. */

#ifndef STAMP_EXECUTION_EMULATEDMODULE_H
#define STAMP_EXECUTION_EMULATEDMODULE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct StampEmulatedKernel {
  const char *name;
  /* One GPU thread; takes the address of each argument. */
  void (*entry)(void **parameters);
  uint64_t numParameters;
  uint64_t sharedBytes; /* of the variables that it uses */
  /* What its dynamic shared memory, which follows them, is aligned to. */
  uint64_t dynamicSharedAlignment;
} StampEmulatedKernel;

/* A variable or a constant in global memory. */
typedef struct StampEmulatedGlobal {
  void *address;
  uint64_t bytes;
} StampEmulatedGlobal;

typedef struct StampEmulatedModule {
  /* "op\tlocation" and a zero byte for each instruction that can fail; its
   * number is the place of its text in here. */
  const char *sites;
  uint64_t numKernels;
  const StampEmulatedKernel *kernels;
  uint64_t numGlobals;
  const StampEmulatedGlobal *globals;
} StampEmulatedModule;

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* STAMP_EXECUTION_EMULATEDMODULE_H */
