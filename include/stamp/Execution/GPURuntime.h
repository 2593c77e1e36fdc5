/*===- GPURuntime.h - what compiled host code asks of a GPU -------*- C -*-===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/
/*
 * One interface, two implementations: a device behind the CUDA driver API, and
 * the emulator, which runs kernels on the CPU. Host code is the same for both;
 * only the image that it hands over differs.
 *
 * No function returns an error code: generated code would have nothing to do
 * with one. An error goes to the handler of stampGpuSetErrorHandler, which must
 * not return; without a handler it is printed and the process ends.
 *
 * Memory functions are what gpu-to-llvm calls: mgpuMemAlloc of upstream is
 * stampGpuMemAlloc here, with the same parameters. Functions that generated
 * code calls through MLIR's C interface have its prefix.
 *
 * All that is given a stream happens in the order of the stream, and may still
 * be to come when the function returns: device memory that is freed, too, is
 * there until the stream no longer needs it.
 */
#ifndef STAMP_EXECUTION_GPURUNTIME_H
#define STAMP_EXECUTION_GPURUNTIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An image's kind; a runtime refuses those that it cannot load. */
enum {
  STAMP_GPU_IMAGE_PTX = 1,
  STAMP_GPU_IMAGE_CUBIN = 2,
  STAMP_GPU_IMAGE_FATBIN = 3,
  STAMP_GPU_IMAGE_EMULATED = 4, /* `data` is a StampEmulatedModule */
};

/* All kernels of one gpu.module: a variable of the compiled program, which only
 * the runtime writes to, and only to `loaded`. */
typedef struct StampGpuImage {
  uint32_t kind;
  uint32_t reserved; /* 0 */
  const char *name;  /* the gpu.module's */
  const char *chip;  /* what it was compiled for: "sm_90a" */
  const void *data;
  uint64_t size; /* in bytes */
  void *loaded;  /* null until the runtime loads the image */
} StampGpuImage;

typedef struct StampGpuStreamState *StampGpuStream;

void stampGpuSetErrorHandler(void (*handler)(const char *message));

/* Loads the image on the first launch. `parameters` holds the address of each
 * argument; the arguments have been read when the call returns. Cluster sizes
 * are 1 where a kernel has no clusters. */
void stampGpuLaunch(StampGpuImage *image, const char *kernel, uint64_t gridX,
                    uint64_t gridY, uint64_t gridZ, uint64_t blockX,
                    uint64_t blockY, uint64_t blockZ, uint64_t clusterX,
                    uint64_t clusterY, uint64_t clusterZ,
                    uint32_t dynamicSharedBytes, StampGpuStream stream,
                    void **parameters, uint64_t numParameters);
/* Before the code that holds the image goes away. */
void stampGpuUnload(StampGpuImage *image);

/* Managed memory if `isHostShared`, for which `stream` may be null: it is there
 * at once. Size 0 may give a null pointer. */
void *stampGpuMemAlloc(uint64_t bytes, StampGpuStream stream,
                       uint8_t isHostShared);
void stampGpuMemFree(void *memory, StampGpuStream stream);
/* Where kernels read a constant of the program, as a memref<?xi8>: allocated,
 * aligned, offset, size, stride. It is copied there once, when it is first
 * asked for, and stays until an image is unloaded. */
void _mlir_ciface_stampGpuConstant(int64_t memref[5], const void *data,
                                   uint64_t bytes);
/* Between host and device memory in any direction. */
void stampGpuMemcpy(void *to, void *from, uint64_t bytes,
                    StampGpuStream stream);

/* One stream for one call of a function. */
StampGpuStream _mlir_ciface_stampGpuOpenStream(void);
/* Until all is done that was put into the stream. What failed there fails
 * here. */
void _mlir_ciface_stampGpuWait(StampGpuStream stream);
/* Waits, and the stream is gone. */
void _mlir_ciface_stampGpuCloseStream(StampGpuStream stream);

#ifdef __cplusplus
}
#endif

#endif /* STAMP_EXECUTION_GPURUNTIME_H */
