//===- CUDADriver.h - the entry points of libcuda that we use ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Our own declarations of a handful of functions of the CUDA driver, which is
// loaded when it is first needed: neither the CUDA toolkit nor a driver is
// there when we build. Types that the driver hands out are opaque.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_EXECUTION_RUNTIME_CUDADRIVER_H
#define STAMP_EXECUTION_RUNTIME_CUDADRIVER_H

#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUmemPool_st *CUmemPool;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
};

enum {
  CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1,
  CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X = 2, // and Y, Z
  CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X = 5,  // and Y, Z
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK = 8,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
  CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED = 115,
};

enum {
  CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0,
  CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,
};

enum {
  CU_JIT_ERROR_LOG_BUFFER = 5,
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,
  CU_JIT_OPTIMIZATION_LEVEL = 7,
};

enum { CU_MEM_ATTACH_GLOBAL = 1 };
enum { CU_STREAM_NON_BLOCKING = 1 };

enum { CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION = 4 };

typedef struct CUlaunchAttribute {
  int id;
  char padding[4];
  union {
    char bytes[64];
    unsigned cluster[3];
  } value;
} CUlaunchAttribute;

typedef struct CUlaunchConfig {
  unsigned grid[3], block[3], sharedBytes;
  CUstream stream;
  CUlaunchAttribute *attributes;
  unsigned numAttributes;
} CUlaunchConfig;

enum { CU_MEMPOOL_ATTR_RELEASE_THRESHOLD = 4 };

typedef struct CUmemPoolProps {
  int allocationType;           // 1: pinned
  int handleTypes;              // 0: none
  int locationType, locationId; // 1: a device, and its ordinal
  void *securityAttributes;
  size_t maxSize;
  unsigned char reserved[56];
} CUmemPoolProps;

/// name in our table, symbol in the driver, parameters.
#define STAMP_CUDA_FUNCTIONS(F)                                                \
  F(init, cuInit, (unsigned flags))                                            \
  F(driverGetVersion, cuDriverGetVersion, (int *version))                      \
  F(getErrorName, cuGetErrorName, (CUresult error, const char **name))         \
  F(getErrorString, cuGetErrorString, (CUresult error, const char **text))     \
  F(deviceGetCount, cuDeviceGetCount, (int *count))                            \
  F(deviceGet, cuDeviceGet, (CUdevice * device, int ordinal))                  \
  F(deviceGetName, cuDeviceGetName, (char *name, int size, CUdevice device))   \
  F(deviceGetAttribute, cuDeviceGetAttribute,                                  \
    (int *value, int attribute, CUdevice device))                              \
  F(primaryCtxRetain, cuDevicePrimaryCtxRetain,                                \
    (CUcontext * context, CUdevice device))                                    \
  F(ctxPushCurrent, cuCtxPushCurrent_v2, (CUcontext context))                  \
  F(ctxPopCurrent, cuCtxPopCurrent_v2, (CUcontext * context))                  \
  F(moduleLoadDataEx, cuModuleLoadDataEx,                                      \
    (CUmodule * module, const void *image, unsigned numOptions, int *options,  \
     void **values))                                                           \
  F(moduleUnload, cuModuleUnload, (CUmodule module))                           \
  F(moduleGetFunction, cuModuleGetFunction,                                    \
    (CUfunction * function, CUmodule module, const char *name))                \
  F(funcGetAttribute, cuFuncGetAttribute,                                      \
    (int *value, int attribute, CUfunction function))                          \
  F(funcSetAttribute, cuFuncSetAttribute,                                      \
    (CUfunction function, int attribute, int value))                           \
  F(launchKernel, cuLaunchKernel,                                              \
    (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,      \
     unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,  \
     CUstream stream, void **parameters, void **extra))                        \
  F(streamCreate, cuStreamCreate, (CUstream * stream, unsigned flags))         \
  F(streamSynchronize, cuStreamSynchronize, (CUstream stream))                 \
  F(memAlloc, cuMemAlloc_v2, (CUdeviceptr * pointer, size_t bytes))            \
  F(memAllocManaged, cuMemAllocManaged,                                        \
    (CUdeviceptr * pointer, size_t bytes, unsigned flags))                     \
  F(memFree, cuMemFree_v2, (CUdeviceptr pointer))                              \
  F(memGetInfo, cuMemGetInfo_v2, (size_t *free, size_t *total))                \
  F(memcpyAsync, cuMemcpyAsync,                                                \
    (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream))

/// Null where the driver is older than they are: clusters are CUDA 11.8's,
/// memory pools CUDA 11.2's.
#define STAMP_CUDA_OPTIONAL_FUNCTIONS(F)                                       \
  F(launchKernelEx, cuLaunchKernelEx,                                          \
    (const CUlaunchConfig *config, CUfunction function, void **parameters,     \
     void **extra))                                                            \
  F(memPoolCreate, cuMemPoolCreate,                                            \
    (CUmemPool * pool, const CUmemPoolProps *properties))                      \
  F(memPoolSetAttribute, cuMemPoolSetAttribute,                                \
    (CUmemPool pool, int attribute, void *value))                              \
  F(memPoolTrimTo, cuMemPoolTrimTo, (CUmemPool pool, size_t bytesToKeep))      \
  F(memAllocFromPoolAsync, cuMemAllocFromPoolAsync,                            \
    (CUdeviceptr * pointer, size_t bytes, CUmemPool pool, CUstream stream))    \
  F(memFreeAsync, cuMemFreeAsync, (CUdeviceptr pointer, CUstream stream))

struct CUDADriver {
#define STAMP_CUDA_MEMBER(name, symbol, parameters) CUresult(*name) parameters;
  STAMP_CUDA_FUNCTIONS(STAMP_CUDA_MEMBER)
  STAMP_CUDA_OPTIONAL_FUNCTIONS(STAMP_CUDA_MEMBER)
#undef STAMP_CUDA_MEMBER
};

/// Loads libcuda.so.1, or what STAMP_CUDA_DRIVER names. 0, or 1 and an error.
int stampLoadCUDADriver(struct CUDADriver *driver);

/// Says what failed, with the driver's name and text for the error.
void stampSetCUDAError(const struct CUDADriver *driver, CUresult error,
                       const char *what);

#endif // STAMP_EXECUTION_RUNTIME_CUDADRIVER_H
