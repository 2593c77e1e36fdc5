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

/// The call that has to release something if it fails.
struct Owner {
  int guardDepth;
  pthread_t thread;
};

struct Allocation {
  CUdeviceptr pointer;
  int fromPool;
  StampGpuStream freedIn; ///< what it still waits for, after it was freed
  struct Owner owner;
  struct Allocation *next;
};

/// Streams are made once and lent again and again.
struct StampGpuStreamState {
  CUstream handle;
  const char *lastKernel; ///< that was launched in it
  struct Owner owner;
  StampGpuStream next;
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
static StampGpuStream idleStreams, busyStreams;

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

static void releaseOwn(int guardDepth);

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
  stampReleaseHook = releaseOwn;
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

static struct Owner getOwner(void) {
  return (struct Owner){stampGetGuardDepth(), pthread_self()};
}

static int isOwn(struct Owner owner, int guardDepth) {
  return owner.guardDepth >= guardDepth &&
         pthread_equal(owner.thread, pthread_self());
}

/// Memory that is no pool's is freed when the stream has ended in which it was
/// freed: the driver would not wait for the kernels that still use it.
static int freeDeferred(StampGpuStream stream) {
  int failed = 0;
  for (struct Allocation **link = &allocations; *link;) {
    struct Allocation *allocation = *link;
    if (allocation->freedIn != stream) {
      link = &allocation->next;
      continue;
    }
    failed |=
        check(driver.memFree(allocation->pointer), "cannot free device memory");
    *link = allocation->next;
    free(allocation);
  }
  return failed;
}

static CUresult tryToAllocate(CUdeviceptr *pointer, uint64_t bytes,
                              StampGpuStream stream, int isManaged) {
  if (isManaged)
    return driver.memAllocManaged(pointer, bytes, CU_MEM_ATTACH_GLOBAL);
  return pool ? driver.memAllocFromPoolAsync(pointer, bytes, pool,
                                             stream->handle)
              : driver.memAlloc(pointer, bytes);
}

static int allocate(CUdeviceptr *pointer, uint64_t bytes, StampGpuStream stream,
                    int isManaged) {
  struct Allocation *allocation = calloc(1, sizeof *allocation);
  if (!allocation) {
    stampSetError("out of host memory");
    return 1;
  }
  CUresult result = tryToAllocate(pointer, bytes, stream, isManaged);
  if (result == CUDA_ERROR_OUT_OF_MEMORY) {
    // What has been freed may only have to be waited for, and the pool may hold
    // blocks of other sizes.
    for (StampGpuStream own = busyStreams; own; own = own->next)
      if (isOwn(own->owner, 0) &&
          driver.streamSynchronize(own->handle) == CUDA_SUCCESS)
        freeDeferred(own);
    if (pool)
      driver.memPoolTrimTo(pool, 0);
    result = tryToAllocate(pointer, bytes, stream, isManaged);
  }
  if (result != CUDA_SUCCESS) {
    free(allocation);
    return explainMemory(result, bytes);
  }
  allocation->pointer = *pointer;
  allocation->fromPool = pool && !isManaged;
  allocation->owner = getOwner();
  allocation->next = allocations;
  allocations = allocation;
  return 0;
}

static int release(CUdeviceptr pointer, StampGpuStream stream) {
  for (struct Allocation **link = &allocations; *link; link = &(*link)->next) {
    struct Allocation *allocation = *link;
    if (allocation->pointer != pointer || allocation->freedIn)
      continue;
    if (!allocation->fromPool) {
      allocation->freedIn = stream;
      return 0;
    }
    *link = allocation->next;
    free(allocation);
    return check(driver.memFreeAsync(pointer, stream->handle),
                 "cannot free device memory");
  }
  stampSetError("memory at %p is freed that was not allocated, or twice",
                (void *)(uintptr_t)pointer);
  return 1;
}

/// The message of the failure stays.
static void releaseOwn(int guardDepth) {
  pthread_mutex_lock(&mutex);
  CUcontext popped;
  int pushed = driver.ctxPushCurrent(context) == CUDA_SUCCESS;
  for (StampGpuStream *link = &busyStreams; *link;) {
    StampGpuStream stream = *link;
    if (!isOwn(stream->owner, guardDepth)) {
      link = &stream->next;
      continue;
    }
    driver.streamSynchronize(stream->handle);
    *link = stream->next;
    stream->next = idleStreams;
    idleStreams = stream;
  }
  for (struct Allocation **link = &allocations; *link;) {
    struct Allocation *allocation = *link;
    if (!isOwn(allocation->owner, guardDepth)) {
      link = &allocation->next;
      continue;
    }
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
                  StampGpuStream stream, void **parameters) {
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
  stream->lastKernel = kernel->name;
  if (cluster[0] * cluster[1] * cluster[2] == 1)
    return check(driver.launchKernel(
                     kernel->function, (unsigned)grid[0], (unsigned)grid[1],
                     (unsigned)grid[2], (unsigned)block[0], (unsigned)block[1],
                     (unsigned)block[2], dynamicShared, stream->handle,
                     parameters, /*extra=*/NULL),
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
  config.stream = stream->handle;
  config.attributes = &attribute;
  config.numAttributes = 1;
  return check(
      driver.launchKernelEx(&config, kernel->function, parameters, NULL), what);
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

static int openStream(StampGpuStream *result) {
  StampGpuStream stream = idleStreams;
  if (stream) {
    idleStreams = stream->next;
  } else {
    stream = calloc(1, sizeof *stream);
    if (!stream) {
      stampSetError("out of host memory");
      return 1;
    }
    if (check(driver.streamCreate(&stream->handle, CU_STREAM_NON_BLOCKING),
              "cannot make a CUDA stream")) {
      free(stream);
      return 1;
    }
  }
  stream->lastKernel = NULL;
  stream->owner = getOwner();
  stream->next = busyStreams;
  busyStreams = stream;
  *result = stream;
  return 0;
}

/// Waits without the mutex, so that other threads can launch meanwhile.
static int waitFor(StampGpuStream stream) {
  pthread_mutex_unlock(&mutex);
  CUresult result = driver.streamSynchronize(stream->handle);
  pthread_mutex_lock(&mutex);
  if (result == CUDA_SUCCESS)
    return freeDeferred(stream);
  char what[512];
  snprintf(what, sizeof what,
           "a kernel or a copy failed on %s; the last kernel launched was '%s' "
           "(with CUDA_LAUNCH_BLOCKING=1 the one that fails is named)",
           deviceName, stream->lastKernel ? stream->lastKernel : "none");
  return check(result, what);
}

static int closeStream(StampGpuStream stream) {
  if (waitFor(stream))
    return 1;
  StampGpuStream *link = &busyStreams;
  while (*link != stream)
    link = &(*link)->next;
  *link = stream->next;
  stream->next = idleStreams;
  idleStreams = stream;
  return 0;
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
                  stream, parameters));
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

void *stampGpuMemAlloc(uint64_t bytes, StampGpuStream stream,
                       uint8_t isHostShared) {
  if (bytes == 0)
    return NULL;
  CUdeviceptr pointer = 0;
  STAMP_DO(allocate(&pointer, bytes, stream, isHostShared));
  return (void *)(uintptr_t)pointer;
}

void stampGpuMemFree(void *memory, StampGpuStream stream) {
  if (memory)
    STAMP_DO(release(toDevice(memory), stream));
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
    STAMP_DO(check(
        driver.memcpyAsync(toDevice(to), toDevice(from), bytes, stream->handle),
        "cannot copy between host and device"));
}

StampGpuStream _mlir_ciface_stampGpuOpenStream(void) {
  StampGpuStream stream = NULL;
  STAMP_DO(openStream(&stream));
  return stream;
}

void _mlir_ciface_stampGpuWait(StampGpuStream stream) {
  STAMP_DO(waitFor(stream));
}

void _mlir_ciface_stampGpuCloseStream(StampGpuStream stream) {
  STAMP_DO(closeStream(stream));
}
