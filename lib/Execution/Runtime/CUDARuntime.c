//===- CUDARuntime.c - GPURuntime.h on the CUDA driver --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The driver is loaded and the device opened by the first call that needs them,
// so a program that was compiled for a GPU can be loaded without one. One mutex
// guards what all threads share: the device, the images, the constants, and the
// list of what is allocated. Functions below return 0, or 1 and leave an error;
// only the public ones at the end fail, with no lock held.
//
//===----------------------------------------------------------------------===//

#include "stamp/Execution/GPURuntime.h"

#include "CUDADriver.h"
#include "Failure.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Kernel {
  char *name;
  CUfunction function;
  int maxThreads, staticShared, dynamicShared;
  struct Kernel *next;
};

struct LoadedImage {
  CUmodule module;
  struct Kernel *kernels;
};

struct Constant {
  const void *host;
  uint64_t bytes;
  CUdeviceptr device;
  struct Constant *next;
};

/// What a call in this thread has to release if it fails.
struct Allocation {
  CUdeviceptr pointer;
  int fromPool;
  int guardDepth;
  pthread_t thread;
  struct Allocation *next;
};

/// Streams are made once and lent again and again.
struct IdleStream {
  CUstream stream;
  struct IdleStream *next;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct CUDADriver driver;
static int driverIsLoaded;
static CUdevice device;
static CUcontext context;
static CUmemPool pool;
static char deviceName[128];
static struct Constant *constants;
static struct Allocation *allocations;
static struct IdleStream *idleStreams;

static int check(CUresult result, const char *what) {
  if (result == CUDA_SUCCESS)
    return 0;
  stampSetCUDAError(&driver, result, what);
  return 1;
}

static int getAttribute(int attribute) {
  int value = 0;
  driver.deviceGetAttribute(&value, attribute, device);
  return value;
}

static void releaseAllocations(int guardDepth);

/// Memory that is freed stays ours: to get it anew costs more than many kernels
/// run. Without pools (a virtual GPU may have none) each buffer is allocated.
static void createPool(int ordinal) {
  if (!driver.memPoolCreate || !driver.memPoolSetAttribute ||
      !driver.memPoolTrimTo || !driver.memAllocFromPoolAsync ||
      !driver.memFreeAsync ||
      !getAttribute(CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED))
    return;
  CUmemPoolProps properties;
  memset(&properties, 0, sizeof properties);
  properties.allocationType = 1;
  properties.locationType = 1;
  properties.locationId = ordinal;
  if (driver.memPoolCreate(&pool, &properties) != CUDA_SUCCESS) {
    pool = NULL;
    return;
  }
  uint64_t threshold = UINT64_MAX;
  driver.memPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
                             &threshold);
}

/// The first device, or the one that STAMP_CUDA_DEVICE numbers.
static int openDevice(void) {
  if (!driverIsLoaded) {
    if (stampLoadCUDADriver(&driver))
      return 1;
    driverIsLoaded = 1;
  }
  if (check(driver.init(0), "the CUDA driver does not start"))
    return 1;
  int count = 0, ordinal = 0;
  if (check(driver.deviceGetCount(&count), "cannot count CUDA devices"))
    return 1;
  const char *chosen = getenv("STAMP_CUDA_DEVICE");
  if (chosen && *chosen) {
    char *end;
    long number = strtol(chosen, &end, 10);
    if (*end || number < 0 || number > INT16_MAX) {
      stampSetError("STAMP_CUDA_DEVICE is '%s', not a device's number", chosen);
      return 1;
    }
    ordinal = (int)number;
  }
  if (count == 0) {
    stampSetError("the CUDA driver finds no device");
    return 1;
  }
  if (ordinal >= count) {
    stampSetError("there is no CUDA device %d: the driver finds %d", ordinal,
                  count);
    return 1;
  }
  CUcontext opened;
  if (check(driver.deviceGet(&device, ordinal), "cannot open the CUDA device"))
    return 1;
  if (driver.deviceGetName(deviceName, sizeof deviceName, device) !=
      CUDA_SUCCESS)
    strcpy(deviceName, "CUDA device");
  if (check(driver.primaryCtxRetain(&opened, device),
            "cannot make a context on the CUDA device"))
    return 1;
  context = opened;
  stampReleaseHook = releaseAllocations;
  createPool(ordinal);
  return 0;
}

/// Opens the device, if that is still to be done, and takes mutex and context.
static int enter(void) {
  pthread_mutex_lock(&mutex);
  if (!context && openDevice()) {
    pthread_mutex_unlock(&mutex);
    return 1;
  }
  if (check(driver.ctxPushCurrent(context), "the CUDA context is lost")) {
    pthread_mutex_unlock(&mutex);
    return 1;
  }
  return 0;
}

static void leave(void) {
  CUcontext popped;
  driver.ctxPopCurrent(&popped);
  pthread_mutex_unlock(&mutex);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static int explainMemory(CUresult result, uint64_t bytes) {
  size_t available = 0, total = 0;
  driver.memGetInfo(&available, &total);
  char what[256];
  snprintf(what, sizeof what,
           "cannot allocate %" PRIu64
           " bytes of device memory (%s has %zu MiB, of which %zu are free)",
           bytes, deviceName, total >> 20, available >> 20);
  return check(result, what);
}

static int allocate(CUdeviceptr *pointer, uint64_t bytes, CUstream stream,
                    int isManaged, int *fromPool) {
  *fromPool = 0;
  CUresult result;
  if (isManaged)
    result = driver.memAllocManaged(pointer, bytes, CU_MEM_ATTACH_GLOBAL);
  else if (!pool)
    result = driver.memAlloc(pointer, bytes);
  else {
    *fromPool = 1;
    result = driver.memAllocFromPoolAsync(pointer, bytes, pool, stream);
  }
  if (result == CUDA_ERROR_OUT_OF_MEMORY && pool) {
    // The pool may hold blocks of other sizes.
    driver.streamSynchronize(stream);
    driver.memPoolTrimTo(pool, 0);
    result = *fromPool
                 ? driver.memAllocFromPoolAsync(pointer, bytes, pool, stream)
                 : driver.memAllocManaged(pointer, bytes, CU_MEM_ATTACH_GLOBAL);
  }
  return result == CUDA_SUCCESS ? 0 : explainMemory(result, bytes);
}

static int remember(CUdeviceptr pointer, int fromPool) {
  struct Allocation *allocation = malloc(sizeof *allocation);
  if (!allocation) {
    stampSetError("out of host memory");
    return 1;
  }
  allocation->pointer = pointer;
  allocation->fromPool = fromPool;
  allocation->guardDepth = stampGetGuardDepth();
  allocation->thread = pthread_self();
  allocation->next = allocations;
  allocations = allocation;
  return 0;
}

static int release(CUdeviceptr pointer, CUstream stream) {
  for (struct Allocation **link = &allocations; *link; link = &(*link)->next) {
    struct Allocation *allocation = *link;
    if (allocation->pointer != pointer)
      continue;
    int fromPool = allocation->fromPool;
    *link = allocation->next;
    free(allocation);
    return check(fromPool ? driver.memFreeAsync(pointer, stream)
                          : driver.memFree(pointer),
                 "cannot free device memory");
  }
  stampSetError("memory at %p is freed that was not allocated, or twice",
                (void *)(uintptr_t)pointer);
  return 1;
}

/// The message of the failure stays.
static void releaseAllocations(int guardDepth) {
  pthread_mutex_lock(&mutex);
  CUcontext popped;
  int pushed = driver.ctxPushCurrent(context) == CUDA_SUCCESS;
  for (struct Allocation **link = &allocations; *link;) {
    struct Allocation *allocation = *link;
    if (allocation->guardDepth < guardDepth ||
        !pthread_equal(allocation->thread, pthread_self())) {
      link = &allocation->next;
      continue;
    }
    // Waits for the kernels that still use it.
    driver.memFree(allocation->pointer);
    *link = allocation->next;
    free(allocation);
  }
  if (pushed)
    driver.ctxPopCurrent(&popped);
  pthread_mutex_unlock(&mutex);
}

static int getConstant(const void *host, uint64_t bytes, CUdeviceptr *pointer) {
  for (struct Constant *constant = constants; constant;
       constant = constant->next)
    if (constant->host == host && constant->bytes == bytes) {
      *pointer = constant->device;
      return 0;
    }
  struct Constant *constant = malloc(sizeof *constant);
  if (!constant) {
    stampSetError("out of host memory");
    return 1;
  }
  // Not from the pool, which the constants would split.
  CUresult result = driver.memAlloc(&constant->device, bytes);
  if (result == CUDA_ERROR_OUT_OF_MEMORY && pool) {
    driver.memPoolTrimTo(pool, 0);
    result = driver.memAlloc(&constant->device, bytes);
  }
  if (result != CUDA_SUCCESS) {
    free(constant);
    return explainMemory(result, bytes);
  }
  if (check(driver.memcpyAsync(constant->device, (CUdeviceptr)(uintptr_t)host,
                               bytes, NULL),
            "cannot copy a constant to the device") ||
      check(driver.streamSynchronize(NULL),
            "cannot copy a constant to the device")) {
    driver.memFree(constant->device);
    free(constant);
    return 1;
  }
  constant->host = host;
  constant->bytes = bytes;
  constant->next = constants;
  constants = constant;
  *pointer = constant->device;
  return 0;
}

/// Another program may be loaded where this one was. What is still needed comes
/// back when it is asked for.
static void dropConstants(void) {
  while (constants) {
    struct Constant *constant = constants;
    constants = constant->next;
    driver.memFree(constant->device);
    free(constant);
  }
}

//===----------------------------------------------------------------------===//
// Images and kernels
//===----------------------------------------------------------------------===//

static void explainImage(const StampGpuImage *image, CUresult result,
                         const char *log) {
  int version = 0;
  driver.driverGetVersion(&version);
  char what[1024];
  const char *why = "";
  switch (result) {
  case CUDA_ERROR_NO_BINARY_FOR_GPU:
    why = ", which has another instruction set: compile for its chip";
    break;
  case CUDA_ERROR_UNSUPPORTED_PTX_VERSION:
    why = ", whose driver is older than the PTX: compile with an older PTX "
          "version in `features`, or to machine code, or update the driver";
    break;
  case CUDA_ERROR_OUT_OF_MEMORY:
    why = ", which is out of memory";
    break;
  default:
    break;
  }
  snprintf(what, sizeof what,
           "kernels '%s', compiled for %s, cannot be loaded on %s (sm_%d%d, "
           "driver for CUDA %d.%d)%s%s%s",
           image->name, image->chip, deviceName,
           getAttribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
           getAttribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
           version / 1000, version % 1000 / 10, why, *log ? ": " : "", log);
  stampSetCUDAError(&driver, result, what);
}

static int load(StampGpuImage *image) {
  if (image->loaded)
    return 0;
  if (image->kind != STAMP_GPU_IMAGE_PTX &&
      image->kind != STAMP_GPU_IMAGE_CUBIN &&
      image->kind != STAMP_GPU_IMAGE_FATBIN) {
    stampSetError("kernels '%s' are an image of kind %u, which is not for a "
                  "CUDA device",
                  image->name, image->kind);
    return 1;
  }
  struct LoadedImage *loaded = calloc(1, sizeof *loaded);
  if (!loaded) {
    stampSetError("out of host memory");
    return 1;
  }
  char log[512] = "";
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, (void *)(uintptr_t)sizeof log};
  CUresult result =
      driver.moduleLoadDataEx(&loaded->module, image->data, 2, options, values);
  if (result != CUDA_SUCCESS) {
    free(loaded);
    log[sizeof log - 1] = 0;
    explainImage(image, result, log);
    return 1;
  }
  image->loaded = loaded;
  return 0;
}

static struct Kernel *getKernel(StampGpuImage *image, const char *name) {
  struct LoadedImage *loaded = image->loaded;
  for (struct Kernel *kernel = loaded->kernels; kernel; kernel = kernel->next)
    if (strcmp(kernel->name, name) == 0)
      return kernel;
  struct Kernel *kernel = calloc(1, sizeof *kernel);
  char *copy = kernel ? strdup(name) : NULL;
  if (!copy) {
    free(kernel);
    stampSetError("out of host memory");
    return NULL;
  }
  CUresult result =
      driver.moduleGetFunction(&kernel->function, loaded->module, name);
  if (result != CUDA_SUCCESS) {
    char what[256];
    snprintf(what, sizeof what, "there is no kernel '%s' in '%s'", name,
             image->name);
    stampSetCUDAError(&driver, result, what);
    free(copy);
    free(kernel);
    return NULL;
  }
  kernel->name = copy;
  driver.funcGetAttribute(&kernel->maxThreads,
                          CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK,
                          kernel->function);
  driver.funcGetAttribute(&kernel->staticShared,
                          CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES,
                          kernel->function);
  kernel->next = loaded->kernels;
  loaded->kernels = kernel;
  return kernel;
}

/// The driver calls whatever it refuses an invalid value.
static int checkLimits(const struct Kernel *kernel, const uint64_t grid[3],
                       const uint64_t block[3], uint32_t dynamicShared) {
  for (int d = 0; d < 3; ++d) {
    uint64_t limit =
        (uint64_t)getAttribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X + d);
    if (grid[d] == 0 || grid[d] > limit) {
      stampSetError("kernel '%s' is launched with %" PRIu64
                    " blocks along %c, and %s takes 1 to %" PRIu64,
                    kernel->name, grid[d], 'x' + d, deviceName, limit);
      return 1;
    }
    limit = (uint64_t)getAttribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X + d);
    if (block[d] == 0 || block[d] > limit) {
      stampSetError("kernel '%s' is launched with %" PRIu64
                    " threads along %c, and %s takes 1 to %" PRIu64,
                    kernel->name, block[d], 'x' + d, deviceName, limit);
      return 1;
    }
  }
  uint64_t threads = block[0] * block[1] * block[2];
  if (threads > (uint64_t)kernel->maxThreads) {
    stampSetError("kernel '%s' is launched with %" PRIu64
                  " threads a block, and its registers leave room for %d on %s",
                  kernel->name, threads, kernel->maxThreads, deviceName);
    return 1;
  }
  int optIn =
      getAttribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  uint64_t shared = (uint64_t)kernel->staticShared + dynamicShared;
  if (shared > (uint64_t)optIn) {
    stampSetError("kernel '%s' needs %" PRIu64
                  " bytes of shared memory a block, and %s has %d",
                  kernel->name, shared, deviceName, optIn);
    return 1;
  }
  return 0;
}

static int launch(StampGpuImage *image, const char *name,
                  const uint64_t grid[3], const uint64_t block[3],
                  const uint64_t cluster[3], uint32_t dynamicShared,
                  CUstream stream, void **parameters) {
  if (load(image))
    return 1;
  struct Kernel *kernel = getKernel(image, name);
  if (!kernel || checkLimits(kernel, grid, block, dynamicShared))
    return 1;
  char what[256];
  snprintf(what, sizeof what, "cannot launch kernel '%s' on %s", name,
           deviceName);
  // More than 48 KiB are to be asked for.
  if ((int)dynamicShared > kernel->dynamicShared) {
    if (check(driver.funcSetAttribute(
                  kernel->function,
                  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                  (int)dynamicShared),
              what))
      return 1;
    kernel->dynamicShared = (int)dynamicShared;
  }
  if (cluster[0] * cluster[1] * cluster[2] == 1)
    return check(driver.launchKernel(
                     kernel->function, (unsigned)grid[0], (unsigned)grid[1],
                     (unsigned)grid[2], (unsigned)block[0], (unsigned)block[1],
                     (unsigned)block[2], dynamicShared, stream, parameters,
                     /*extra=*/NULL),
                 what);

  if (!driver.launchKernelEx) {
    stampSetError("%s: clusters need a driver for CUDA 11.8 or newer", what);
    return 1;
  }
  CUlaunchAttribute attribute;
  memset(&attribute, 0, sizeof attribute);
  attribute.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  CUlaunchConfig config;
  memset(&config, 0, sizeof config);
  for (int d = 0; d < 3; ++d) {
    attribute.value.cluster[d] = (unsigned)cluster[d];
    config.grid[d] = (unsigned)grid[d];
    config.block[d] = (unsigned)block[d];
  }
  config.sharedBytes = dynamicShared;
  config.stream = stream;
  config.attributes = &attribute;
  config.numAttributes = 1;
  return check(
      driver.launchKernelEx(&config, kernel->function, parameters, NULL), what);
}

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

static CUdeviceptr toDevice(const void *pointer) {
  return (CUdeviceptr)(uintptr_t)pointer;
}

/// Runs `call` between enter and leave, and fails if it does.
#define STAMP_DO(call)                                                         \
  do {                                                                         \
    if (enter())                                                               \
      stampFail();                                                             \
    int failed = (call);                                                       \
    leave();                                                                   \
    if (failed)                                                                \
      stampFail();                                                             \
  } while (0)

void stampGpuSetErrorHandler(void (*handler)(const char *message)) {
  stampSetFailureHandler(handler);
}

void stampGpuLaunch(StampGpuImage *image, const char *kernel, uint64_t gridX,
                    uint64_t gridY, uint64_t gridZ, uint64_t blockX,
                    uint64_t blockY, uint64_t blockZ, uint64_t clusterX,
                    uint64_t clusterY, uint64_t clusterZ,
                    uint32_t dynamicSharedBytes, StampGpuStream stream,
                    void **parameters, uint64_t numParameters) {
  (void)numParameters; // The image knows.
  const uint64_t grid[] = {gridX, gridY, gridZ};
  const uint64_t block[] = {blockX, blockY, blockZ};
  const uint64_t cluster[] = {clusterX, clusterY, clusterZ};
  STAMP_DO(launch(image, kernel, grid, block, cluster, dynamicSharedBytes,
                  (CUstream)stream, parameters));
}

/// At the end of a process the driver may be gone already, so what it says does
/// not matter.
void stampGpuUnload(StampGpuImage *image) {
  struct LoadedImage *loaded = image->loaded;
  if (!loaded || enter())
    return;
  dropConstants();
  driver.moduleUnload(loaded->module);
  while (loaded->kernels) {
    struct Kernel *kernel = loaded->kernels;
    loaded->kernels = kernel->next;
    free(kernel->name);
    free(kernel);
  }
  free(loaded);
  image->loaded = NULL;
  leave();
}

static int allocateAndRemember(CUdeviceptr *pointer, uint64_t bytes,
                               CUstream stream, int isManaged) {
  int fromPool;
  return allocate(pointer, bytes, stream, isManaged, &fromPool) ||
         remember(*pointer, fromPool);
}

void *stampGpuMemAlloc(uint64_t bytes, StampGpuStream stream,
                       uint8_t isHostShared) {
  if (bytes == 0)
    return NULL;
  CUdeviceptr pointer = 0;
  STAMP_DO(
      allocateAndRemember(&pointer, bytes, (CUstream)stream, isHostShared));
  return (void *)(uintptr_t)pointer;
}

void stampGpuMemFree(void *memory, StampGpuStream stream) {
  if (memory)
    STAMP_DO(release(toDevice(memory), (CUstream)stream));
}

void _mlir_ciface_stampGpuConstant(int64_t memref[5], const void *data,
                                   uint64_t bytes) {
  CUdeviceptr pointer = 0;
  if (bytes)
    STAMP_DO(getConstant(data, bytes, &pointer));
  memref[0] = memref[1] = (int64_t)pointer;
  memref[2] = 0;
  memref[3] = (int64_t)bytes;
  memref[4] = 1;
}

void stampGpuMemcpy(void *to, void *from, uint64_t bytes,
                    StampGpuStream stream) {
  if (bytes)
    STAMP_DO(check(driver.memcpyAsync(toDevice(to), toDevice(from), bytes,
                                      (CUstream)stream),
                   "cannot copy between host and device"));
}

void stampGpuMemset16(void *memory, uint16_t value, uint64_t count,
                      StampGpuStream stream) {
  if (count)
    STAMP_DO(check(
        driver.memsetD16Async(toDevice(memory), value, count, (CUstream)stream),
        "cannot fill device memory"));
}

void stampGpuMemset32(void *memory, uint32_t value, uint64_t count,
                      StampGpuStream stream) {
  if (count)
    STAMP_DO(check(
        driver.memsetD32Async(toDevice(memory), value, count, (CUstream)stream),
        "cannot fill device memory"));
}

static int takeStream(CUstream *stream) {
  struct IdleStream *idle = idleStreams;
  if (!idle)
    return check(driver.streamCreate(stream, CU_STREAM_NON_BLOCKING),
                 "cannot make a CUDA stream");
  *stream = idle->stream;
  idleStreams = idle->next;
  free(idle);
  return 0;
}

static int returnStream(CUstream stream) {
  struct IdleStream *idle = malloc(sizeof *idle);
  if (!idle) {
    stampSetError("out of host memory");
    return 1;
  }
  idle->stream = stream;
  idle->next = idleStreams;
  idleStreams = idle;
  return 0;
}

StampGpuStream stampGpuStreamCreate(void) {
  CUstream stream = NULL;
  STAMP_DO(takeStream(&stream));
  return (StampGpuStream)stream;
}

void stampGpuStreamDestroy(StampGpuStream stream) {
  STAMP_DO(returnStream((CUstream)stream));
}

/// Waits without the mutex, so that other threads can launch meanwhile. An
/// error of a kernel comes out here.
void stampGpuStreamSynchronize(StampGpuStream stream) {
  if (enter())
    stampFail();
  pthread_mutex_unlock(&mutex);
  CUresult result = driver.streamSynchronize((CUstream)stream);
  pthread_mutex_lock(&mutex);
  int failed = check(result, "a kernel or a copy on the device failed");
  leave();
  if (failed)
    stampFail();
}

void stampGpuStreamWaitEvent(StampGpuStream stream, StampGpuEvent event) {
  STAMP_DO(check(driver.streamWaitEvent((CUstream)stream, (CUevent)event, 0),
                 "cannot wait for a CUDA event"));
}

StampGpuEvent stampGpuEventCreate(void) {
  CUevent event = NULL;
  STAMP_DO(check(driver.eventCreate(&event, CU_EVENT_DISABLE_TIMING),
                 "cannot make a CUDA event"));
  return (StampGpuEvent)event;
}

void stampGpuEventDestroy(StampGpuEvent event) {
  STAMP_DO(check(driver.eventDestroy((CUevent)event),
                 "cannot destroy a CUDA event"));
}

void stampGpuEventSynchronize(StampGpuEvent event) {
  STAMP_DO(check(driver.eventSynchronize((CUevent)event),
                 "a kernel or a copy on the device failed"));
}

void stampGpuEventRecord(StampGpuEvent event, StampGpuStream stream) {
  STAMP_DO(check(driver.eventRecord((CUevent)event, (CUstream)stream),
                 "cannot record a CUDA event"));
}
