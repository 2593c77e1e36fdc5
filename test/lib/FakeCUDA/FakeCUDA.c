//===- FakeCUDA.c - a CUDA driver without a device ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The entry points of libcuda on host memory. Nothing computes: a launch is
// written down, with its shape and its arguments, and device memory is zero
// until something is copied there.
//
// It is as late as a device may be: what is put into a stream is done when
// somebody waits for the stream, so a result that is read too early is not
// there. Until then managed memory is out of bounds: a host that touches it
// ends with a message. Memory of the pool belongs to the stream that it was
// allocated in, and no memory may be freed that a stream still uses.
//
// The environment says what to be:
//
//   FAKE_CUDA_LOG=path           where to write calls that move, run or wait
//   FAKE_CUDA_DUMP=directory     where to write images and what is copied
//   FAKE_CUDA_FAIL=name:code[:n] name returns code from its nth call on
//   FAKE_CUDA_FILL=byte          what a kernel fills all memory with that it is
//                                given (nothing)
//   FAKE_CUDA_DEVICES=n          how many devices there are (1)
//   FAKE_CUDA_CHIP=80            the compute capability, times ten (90)
//   FAKE_CUDA_VERSION=12040      the driver's version (12.8)
//   FAKE_CUDA_MEMORY=bytes       how much memory there is (1 GiB)
//   FAKE_CUDA_POOLS=0            whether there are memory pools (1)
//
// What it refuses, it refuses with the real driver's codes: PTX that is newer
// than the driver, or for another chip; kernels that are not in the image;
// contexts that are not current; memory that is not there.
//
//===----------------------------------------------------------------------===//

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { MAX_BLOCKS = 4096, MAX_PARAMETERS = 256 };

struct Stream {
  int number;
};

enum Kind { FOR_LONG, FROM_POOL, MANAGED };

struct Block {
  char *memory;
  size_t bytes;
  int number, isFreed;
  enum Kind kind;
  const struct Stream *owner;  ///< of memory from the pool
  const struct Stream *usedIn; ///< what was not waited for
};

/// A copy; memory to be freed, where `to` is null; memory that a kernel fills,
/// where `from` is null.
struct Work {
  const struct Stream *stream;
  void *to, *from;
  size_t bytes;
  struct Work *next;
};

struct Module {
  char *image;
  size_t bytes;
};

struct Function {
  char name[256];
  int numParameters; ///< −1: a binary does not tell
  int sizes[MAX_PARAMETERS];
};

static struct Block blocks[MAX_BLOCKS];
static int numBlocks, contextDepth;
static size_t usedBytes;
static struct Work *work, **lastWork = &work;
static struct Stream defaultStream = {-1};

static long setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static void writeLog(const char *format, ...) {
  const char *path = getenv("FAKE_CUDA_LOG");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (!file)
    return;
  va_list arguments;
  va_start(arguments, format);
  vfprintf(file, format, arguments);
  va_end(arguments);
  fclose(file);
}

static void dump(const char *name, const void *data, size_t bytes) {
  const char *directory = getenv("FAKE_CUDA_DUMP");
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory ? directory : "", name);
  FILE *file = directory ? fopen(path, "wb") : NULL;
  if (!file)
    return;
  fwrite(data, 1, bytes, file);
  fclose(file);
}

/// The code that FAKE_CUDA_FAIL wants from this call of `name`.
static int ordered(const char *name) {
  static int calls;
  const char *text = getenv("FAKE_CUDA_FAIL");
  size_t length = strlen(name);
  if (!text || strncmp(text, name, length) != 0 || text[length] != ':')
    return 0;
  char *rest;
  int code = (int)strtol(text + length + 1, &rest, 10);
  int from = *rest == ':' ? atoi(rest + 1) : 1;
  return ++calls >= from ? code : 0;
}

#define OBEY(name)                                                             \
  do {                                                                         \
    int code = ordered(name);                                                  \
    if (code)                                                                  \
      return code;                                                             \
  } while (0)

/// And the call needs a context.
#define IN_CONTEXT(name)                                                       \
  do {                                                                         \
    OBEY(name);                                                                \
    if (contextDepth == 0)                                                     \
      return 201;                                                              \
  } while (0)

static struct Block *findBlock(uint64_t address) {
  for (int i = 0; i < numBlocks; ++i) {
    uint64_t start = (uint64_t)(uintptr_t)blocks[i].memory;
    if (!blocks[i].isFreed && address >= start &&
        address < start + blocks[i].bytes)
      return &blocks[i];
  }
  return NULL;
}

/// "block 2", "block 2 + 64", or null for the host's.
static const char *nameOf(uint64_t address, char *text, size_t size) {
  const struct Block *block = findBlock(address);
  if (!block)
    return NULL;
  uint64_t offset = address - (uint64_t)(uintptr_t)block->memory;
  if (offset == 0)
    snprintf(text, size, "block %d", block->number);
  else
    snprintf(text, size, "block %d + %" PRIu64, block->number, offset);
  return text;
}

//===----------------------------------------------------------------------===//
// What a stream has still to do
//===----------------------------------------------------------------------===//

static const struct Stream *streamOf(const void *stream) {
  return stream ? stream : &defaultStream;
}

static void protect(const struct Block *block, int access) {
  mprotect(block->memory, block->bytes, access);
}

/// The host's memory may be used anywhere, the pool's in one stream.
static int use(uint64_t address, const struct Stream *stream) {
  struct Block *block = findBlock(address);
  if (!block)
    return 0;
  if (block->kind == FROM_POOL && block->owner != stream) {
    fprintf(stderr, "fake CUDA: block %d is of another stream\n",
            block->number);
    return 1;
  }
  block->usedIn = stream;
  if (block->kind == MANAGED)
    protect(block, PROT_NONE);
  return 0;
}

static void putIntoStream(const struct Stream *stream, void *to, void *from,
                          size_t bytes) {
  struct Work *item = calloc(1, sizeof *item);
  *item = (struct Work){stream, to, from, bytes, NULL};
  *lastWork = item;
  lastWork = &item->next;
}

static void finish(const struct Stream *stream) {
  for (int i = 0; i < numBlocks; ++i)
    if (blocks[i].usedIn == stream) {
      blocks[i].usedIn = NULL;
      if (blocks[i].kind == MANAGED && !blocks[i].isFreed)
        protect(&blocks[i], PROT_READ | PROT_WRITE);
    }
  for (struct Work **link = &work; *link;) {
    struct Work *item = *link;
    if (item->stream != stream) {
      link = &item->next;
      continue;
    }
    if (!item->from)
      memset(item->to, (int)setting("FAKE_CUDA_FILL", 0), item->bytes);
    else if (item->to)
      memcpy(item->to, item->from, item->bytes);
    else
      free(item->from);
    *link = item->next;
    free(item);
  }
  lastWork = &work;
  while (*lastWork)
    lastWork = &(*lastWork)->next;
}

static void touched(int number, siginfo_t *info, void *context) {
  const struct Block *block = findBlock((uint64_t)(uintptr_t)info->si_addr);
  static const char text[] =
      "fake CUDA: the host touches managed memory before it waits\n";
  if (block && write(STDERR_FILENO, text, sizeof text - 1))
    _exit(3);
  signal(number, SIG_DFL);
}

//===----------------------------------------------------------------------===//
// Errors and devices
//===----------------------------------------------------------------------===//

static const struct {
  int code;
  const char *name, *text;
} errors[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
};

EXPORT int cuGetErrorName(int error, const char **name) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; ++i)
    if (errors[i].code == error) {
      *name = errors[i].name;
      return 0;
    }
  *name = NULL;
  return 1;
}

EXPORT int cuGetErrorString(int error, const char **text) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; ++i)
    if (errors[i].code == error) {
      *text = errors[i].text;
      return 0;
    }
  *text = NULL;
  return 1;
}

EXPORT int cuInit(unsigned flags) {
  OBEY("cuInit");
  return flags != 0;
}

EXPORT int cuDriverGetVersion(int *version) {
  *version = (int)setting("FAKE_CUDA_VERSION", 12080);
  return 0;
}

EXPORT int cuDeviceGetCount(int *count) {
  OBEY("cuDeviceGetCount");
  *count = (int)setting("FAKE_CUDA_DEVICES", 1);
  return 0;
}

EXPORT int cuDeviceGet(int *device, int ordinal) {
  OBEY("cuDeviceGet");
  *device = ordinal;
  return 0;
}

EXPORT int cuDeviceGetName(char *name, int size, int device) {
  snprintf(name, (size_t)size, "Fake Device %d", device);
  return 0;
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device) {
  OBEY("cuDeviceGetAttribute");
  long chip = setting("FAKE_CUDA_CHIP", 90);
  switch (attribute) {
  case 1: // MAX_THREADS_PER_BLOCK
  case 2: // MAX_BLOCK_DIM_X
  case 3: // MAX_BLOCK_DIM_Y
    *value = 1024;
    return 0;
  case 4: // MAX_BLOCK_DIM_Z
    *value = 64;
    return 0;
  case 5: // MAX_GRID_DIM_X
    *value = INT32_MAX;
    return 0;
  case 6: // MAX_GRID_DIM_Y
  case 7: // MAX_GRID_DIM_Z
    *value = 65535;
    return 0;
  case 8: // MAX_SHARED_MEMORY_PER_BLOCK
    *value = 48 << 10;
    return 0;
  case 13: // CLOCK_RATE
    *value = 1755000;
    return 0;
  case 16: // MULTIPROCESSOR_COUNT
    *value = 132;
    return 0;
  case 75:
    *value = (int)(chip / 10);
    return 0;
  case 76:
    *value = (int)(chip % 10);
    return 0;
  case 97: // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    *value = 227 << 10;
    return 0;
  case 115: // MEMORY_POOLS_SUPPORTED
    *value = (int)setting("FAKE_CUDA_POOLS", 1);
    return 0;
  default:
    return 1;
  }
}

EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  OBEY("cuDevicePrimaryCtxRetain");
  static int theContext;
  *context = &theContext;
  return 0;
}

EXPORT int cuCtxPushCurrent_v2(void *context) {
  OBEY("cuCtxPushCurrent_v2");
  if (!context)
    return 201;
  ++contextDepth;
  return 0;
}

EXPORT int cuCtxPopCurrent_v2(void **context) {
  IN_CONTEXT("cuCtxPopCurrent_v2");
  --contextDepth;
  return 0;
}

EXPORT int cuCtxSynchronize(void) {
  IN_CONTEXT("cuCtxSynchronize");
  while (work)
    finish(work->stream);
  for (int i = 0; i < numBlocks; ++i)
    blocks[i].usedIn = NULL;
  return 0;
}

//===----------------------------------------------------------------------===//
// Modules and launches
//===----------------------------------------------------------------------===//

static int isBinary(const unsigned char *image) {
  static const unsigned char elf[] = {0x7f, 'E', 'L', 'F'};
  static const unsigned char fatbin[] = {0x50, 0xed, 0x55, 0xba};
  return memcmp(image, elf, 4) == 0 || memcmp(image, fatbin, 4) == 0;
}

/// 64-bit ELF: the section headers are at the end. A fatbin says its length.
static size_t countBinaryBytes(const unsigned char *image) {
  uint64_t length;
  if (image[0] != 0x7f) {
    memcpy(&length, image + 8, 8);
    return 16 + (size_t)length;
  }
  uint16_t entryBytes, entries;
  memcpy(&length, image + 40, 8);
  memcpy(&entryBytes, image + 58, 2);
  memcpy(&entries, image + 60, 2);
  return (size_t)length + (size_t)entryBytes * entries;
}

static int checkPTX(const char *text, char *log, size_t logBytes) {
  int major = 0, minor = 0, chip = 0;
  const char *version = strstr(text, ".version ");
  const char *target = strstr(text, ".target sm_");
  if (!version || sscanf(version, ".version %d.%d", &major, &minor) != 2 ||
      !target || sscanf(target, ".target sm_%d", &chip) != 1) {
    snprintf(log, logBytes, "ptxas fatal   : no .version or no .target");
    return 218;
  }
  // CUDA 11.n takes PTX 7.n, CUDA 12.n takes 8.n.
  long driver = setting("FAKE_CUDA_VERSION", 12080);
  if (major * 10 + minor > (driver / 1000 - 4) * 10 + driver % 1000 / 10)
    return 222;
  if (chip > setting("FAKE_CUDA_CHIP", 90))
    return 209;
  return 0;
}

EXPORT int cuModuleLoadDataEx(void **module, const void *image,
                              unsigned numOptions, int *options,
                              void **values) {
  IN_CONTEXT("cuModuleLoadDataEx");
  char *log = NULL;
  size_t logBytes = 0;
  for (unsigned i = 0; i < numOptions; ++i)
    if (options[i] == 5)
      log = values[i];
    else if (options[i] == 6)
      logBytes = (size_t)(uintptr_t)values[i];
  struct Module *loaded = calloc(1, sizeof *loaded);
  if (isBinary(image)) {
    loaded->bytes = countBinaryBytes(image);
    writeLog("load binary\n");
  } else {
    int code = checkPTX(image, log, logBytes);
    if (code) {
      free(loaded);
      return code;
    }
    loaded->bytes = strlen(image) + 1;
    writeLog("load PTX\n");
  }
  loaded->image = malloc(loaded->bytes);
  memcpy(loaded->image, image, loaded->bytes);
  dump("image", loaded->image, loaded->bytes);
  *module = loaded;
  return 0;
}

EXPORT int cuModuleUnload(void *module) {
  IN_CONTEXT("cuModuleUnload");
  struct Module *loaded = module;
  free(loaded->image);
  free(loaded);
  writeLog("unload\n");
  return 0;
}

static int sizeOfPTXType(const char *type) {
  switch (type[1]) {
  case '6':
    return 8;
  case '3':
    return 4;
  case '1':
    return 2;
  default:
    return 1;
  }
}

/// `.param .u64 .ptr .align 1 f_param_0,` one a line, to the `)`; an array of
/// bytes names its size in brackets.
static void readParameters(struct Function *function, const char *entry) {
  const char *end = strchr(entry, ')');
  function->numParameters = 0;
  for (const char *at = strstr(entry, ".param "); at && at < end;
       at = strstr(at + 1, ".param ")) {
    const char *type = at + strlen(".param ");
    if (strncmp(type, ".align", 6) == 0)
      type = strstr(type, " .b");
    while (type && *type == ' ')
      ++type;
    int size = type ? sizeOfPTXType(type + 1) : 0;
    const char *lineEnd = strchr(at, '\n'), *bracket = strchr(at, '[');
    if (bracket && bracket < lineEnd)
      size *= atoi(bracket + 1);
    function->sizes[function->numParameters++] = size;
  }
}

EXPORT int cuModuleGetFunction(void **result, void *module, const char *name) {
  IN_CONTEXT("cuModuleGetFunction");
  struct Module *loaded = module;
  struct Function *function = calloc(1, sizeof *function);
  snprintf(function->name, sizeof function->name, "%s", name);
  char wanted[300];
  if (isBinary((const unsigned char *)loaded->image)) {
    function->numParameters = -1;
    snprintf(wanted, sizeof wanted, ".text.%s", name);
    // A fatbin may be compressed.
    if (loaded->image[0] == 0x7f &&
        !memmem(loaded->image, loaded->bytes, wanted, strlen(wanted) + 1)) {
      free(function);
      return 500;
    }
  } else {
    snprintf(wanted, sizeof wanted, ".entry %s(", name);
    const char *entry = strstr(loaded->image, wanted);
    if (!entry) {
      free(function);
      return 500;
    }
    readParameters(function, entry);
  }
  *result = function;
  return 0;
}

EXPORT int cuFuncGetAttribute(int *value, int attribute, void *function) {
  IN_CONTEXT("cuFuncGetAttribute");
  *value = attribute == 0   ? (int)setting("FAKE_CUDA_KERNEL_THREADS", 1024)
           : attribute == 1 ? (int)setting("FAKE_CUDA_KERNEL_SHARED", 0)
                            : 0;
  return 0;
}

EXPORT int cuFuncSetAttribute(void *function, int attribute, int value) {
  IN_CONTEXT("cuFuncSetAttribute");
  writeLog("allow %s %d bytes of dynamic shared memory\n",
           ((struct Function *)function)->name, value);
  return 0;
}

static int launch(const struct Function *function, const unsigned grid[3],
                  const unsigned block[3], unsigned sharedBytes,
                  const struct Stream *stream, void **parameters) {
  writeLog("launch %s grid %u %u %u block %u %u %u shared %u\n", function->name,
           grid[0], grid[1], grid[2], block[0], block[1], block[2],
           sharedBytes);
  for (int i = 0; i < function->numParameters; ++i) {
    uint64_t value = 0;
    char text[64];
    if (function->sizes[i] <= 8)
      memcpy(&value, parameters[i], (size_t)function->sizes[i]);
    const char *name =
        function->sizes[i] == 8 ? nameOf(value, text, sizeof text) : NULL;
    if (function->sizes[i] > 8)
      writeLog("  %d: %d bytes\n", i, function->sizes[i]);
    else if (name)
      writeLog("  %d: %s\n", i, name);
    else
      writeLog("  %d: %" PRIu64 " (%d bytes)\n", i, value, function->sizes[i]);
    if (name && use(value, stream))
      return 1;
    const struct Block *given = name ? findBlock(value) : NULL;
    if (given && setting("FAKE_CUDA_FILL", 0))
      putIntoStream(stream, given->memory, NULL, given->bytes);
  }
  return 0;
}

EXPORT int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY,
                          unsigned gridZ, unsigned blockX, unsigned blockY,
                          unsigned blockZ, unsigned sharedBytes, void *stream,
                          void **parameters, void **extra) {
  IN_CONTEXT("cuLaunchKernel");
  return launch(function, (unsigned[]){gridX, gridY, gridZ},
                (unsigned[]){blockX, blockY, blockZ}, sharedBytes,
                streamOf(stream), parameters);
}

struct LaunchConfig {
  unsigned grid[3], block[3], sharedBytes;
  void *stream;
  struct {
    int id;
    char padding[4];
    unsigned value[16];
  } *attributes;
  unsigned numAttributes;
};

EXPORT int cuLaunchKernelEx(const struct LaunchConfig *config, void *function,
                            void **parameters, void **extra) {
  IN_CONTEXT("cuLaunchKernelEx");
  for (unsigned i = 0; i < config->numAttributes; ++i)
    if (config->attributes[i].id == 4)
      writeLog("clusters of %u %u %u\n", config->attributes[i].value[0],
               config->attributes[i].value[1], config->attributes[i].value[2]);
  return launch(function, config->grid, config->block, config->sharedBytes,
                streamOf(config->stream), parameters);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static int allocate(uint64_t *pointer, size_t bytes, enum Kind kind,
                    const struct Stream *owner) {
  static const char *const names[] = {"for long", "from the pool", "managed"};
  if (bytes == 0)
    return 1;
  size_t total = (size_t)setting("FAKE_CUDA_MEMORY", 1L << 30);
  if (bytes > total - usedBytes)
    return 2;
  if (numBlocks == MAX_BLOCKS)
    return 2;
  struct Block *block = &blocks[numBlocks];
  block->memory = kind != MANAGED ? calloc(1, bytes)
                                  : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  block->bytes = bytes;
  block->kind = kind;
  block->owner = owner;
  block->number = numBlocks++;
  usedBytes += bytes;
  *pointer = (uint64_t)(uintptr_t)block->memory;
  writeLog("allocate block %d: %zu bytes, %s\n", block->number, bytes,
           names[kind]);
  return 0;
}

EXPORT int cuMemAlloc_v2(uint64_t *pointer, size_t bytes) {
  IN_CONTEXT("cuMemAlloc_v2");
  return allocate(pointer, bytes, FOR_LONG, NULL);
}

EXPORT int cuMemAllocManaged(uint64_t *pointer, size_t bytes, unsigned flags) {
  IN_CONTEXT("cuMemAllocManaged");
  struct sigaction action = {.sa_sigaction = touched, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  return allocate(pointer, bytes, MANAGED, NULL);
}

/// At the beginning of a block; null if there is none.
static struct Block *giveUp(uint64_t pointer) {
  struct Block *block = findBlock(pointer);
  if (!block || (uint64_t)(uintptr_t)block->memory != pointer)
    return NULL;
  block->isFreed = 1;
  usedBytes -= block->bytes;
  writeLog("free block %d\n", block->number);
  return block;
}

EXPORT int cuMemFree_v2(uint64_t pointer) {
  IN_CONTEXT("cuMemFree_v2");
  struct Block *block = findBlock(pointer);
  if (block && block->usedIn) {
    fprintf(stderr, "fake CUDA: block %d is freed while a stream uses it\n",
            block->number);
    return 1;
  }
  block = giveUp(pointer);
  if (!block)
    return 1;
  if (block->kind == MANAGED)
    munmap(block->memory, block->bytes);
  else
    free(block->memory);
  return 0;
}

EXPORT int cuMemGetInfo_v2(size_t *available, size_t *total) {
  IN_CONTEXT("cuMemGetInfo_v2");
  *total = (size_t)setting("FAKE_CUDA_MEMORY", 1L << 30);
  *available = *total - usedBytes;
  return 0;
}

EXPORT int cuMemPoolCreate(void **pool, const void *properties) {
  OBEY("cuMemPoolCreate");
  static int thePool;
  *pool = &thePool;
  return 0;
}

EXPORT int cuMemPoolSetAttribute(void *pool, int attribute, void *value) {
  OBEY("cuMemPoolSetAttribute");
  return 0;
}

EXPORT int cuMemPoolTrimTo(void *pool, size_t bytes) {
  writeLog("trim the pool\n");
  return 0;
}

EXPORT int cuMemAllocFromPoolAsync(uint64_t *pointer, size_t bytes, void *pool,
                                   void *stream) {
  IN_CONTEXT("cuMemAllocFromPoolAsync");
  return allocate(pointer, bytes, FROM_POOL, streamOf(stream));
}

EXPORT int cuMemFreeAsync(uint64_t pointer, void *stream) {
  IN_CONTEXT("cuMemFreeAsync");
  if (use(pointer, streamOf(stream)))
    return 1;
  struct Block *block = giveUp(pointer);
  if (!block || block->kind != FROM_POOL)
    return 1;
  putIntoStream(streamOf(stream), NULL, block->memory, 0);
  return 0;
}

/// What comes from the host's pages is taken away at once.
EXPORT int cuMemcpyAsync(uint64_t to, uint64_t from, size_t bytes,
                         void *stream) {
  IN_CONTEXT("cuMemcpyAsync");
  char toText[64], fromText[64];
  const char *toName = nameOf(to, toText, sizeof toText);
  const char *fromName = nameOf(from, fromText, sizeof fromText);
  writeLog("copy %zu bytes from %s to %s\n", bytes,
           fromName ? fromName : "host", toName ? toName : "host");
  if (use(to, streamOf(stream)) || use(from, streamOf(stream)))
    return 1;
  void *source = (void *)(uintptr_t)from;
  if (!fromName) {
    void *staged = malloc(bytes);
    memcpy(staged, source, bytes);
    source = staged;
  }
  if (toName && !fromName) {
    static int number;
    char name[32];
    snprintf(name, sizeof name, "%d", number++);
    dump(name, source, bytes);
  }
  putIntoStream(streamOf(stream), (void *)(uintptr_t)to, source, bytes);
  if (!fromName)
    putIntoStream(streamOf(stream), NULL, source, 0);
  return 0;
}

static int copyAndWait(uint64_t to, uint64_t from, size_t bytes) {
  int failed = cuMemcpyAsync(to, from, bytes, NULL);
  finish(&defaultStream);
  return failed;
}

EXPORT int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
  IN_CONTEXT("cuMemcpyHtoD_v2");
  return copyAndWait(to, (uint64_t)(uintptr_t)from, bytes);
}

EXPORT int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  IN_CONTEXT("cuMemcpyDtoH_v2");
  return copyAndWait((uint64_t)(uintptr_t)to, from, bytes);
}

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

EXPORT int cuStreamCreate(void **stream, unsigned flags) {
  IN_CONTEXT("cuStreamCreate");
  static int number;
  struct Stream *made = calloc(1, sizeof *made);
  made->number = number++;
  *stream = made;
  writeLog("make stream %d\n", made->number);
  return 0;
}

EXPORT int cuStreamSynchronize(void *stream) {
  finish(streamOf(stream));
  OBEY("cuStreamSynchronize");
  if (stream)
    writeLog("wait for stream %d\n", ((struct Stream *)stream)->number);
  else
    writeLog("wait\n");
  return 0;
}

/// An event is the number of the record; each takes a millisecond.
static int recorded;

EXPORT int cuEventCreate(void **event, unsigned flags) {
  IN_CONTEXT("cuEventCreate");
  *event = calloc(1, sizeof(int));
  return 0;
}

EXPORT int cuEventDestroy_v2(void *event) {
  free(event);
  return 0;
}

EXPORT int cuEventRecord(void *event, void *stream) {
  *(int *)event = ++recorded;
  return 0;
}

EXPORT int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
  *milliseconds = (float)(*(int *)end - *(int *)start);
  return 0;
}
