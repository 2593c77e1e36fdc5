//===- Runtime.cpp - GPURuntime.h without a GPU ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Device memory is host memory that is known to the runtime, filled with a
// pattern that makes uninitialised values conspicuous. A launch has ended when
// it returns, so streams have nothing to do.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <thread>

using namespace stamp::emulator;
using llvm::StringRef;
using llvm::Twine;

namespace {
/// What lives from launch to launch.
struct Device {
  Options options;
  void (*errorHandler)(const char *) = nullptr;
  std::mutex mutex;
  /// Begin and size.
  std::map<char *, uint64_t> buffers;
  std::vector<std::unique_ptr<Worker>> workers;
  /// The handler is left by a jump, so the message lies here.
  std::string message;

  static Device &get() {
    static Device device;
    return device;
  }
};

[[noreturn]] void fail(std::string message) {
  Device &device = Device::get();
  device.message = std::move(message);
  if (device.errorHandler)
    device.errorHandler(device.message.c_str());
  llvm::errs() << "error: " << device.message << '\n';
  std::abort();
}

/// What a block may have at most, with dynamic shared memory.
uint64_t getMaxSharedBytes(StringRef chip) {
  return llvm::StringSwitch<uint64_t>(chip)
             .Cases({"sm_80", "sm_87"}, 163)
             .Cases({"sm_86", "sm_89", "sm_120", "sm_120a", "sm_121"}, 99)
             .Default(227) *
         1024;
}

/// What a driver would refuse, or a device.
std::string checkLaunch(const Launch &launch, StringRef chip) {
  std::string name = std::string("kernel '") + launch.kernel->name + "': ";
  auto tooMany = [](Dim3 dim, uint32_t x, uint32_t y, uint32_t z) {
    return dim.x > x || dim.y > y || dim.z > z;
  };
  if (launch.grid.volume() == 0 || launch.block.volume() == 0)
    return name + "a grid of " + toText(launch.grid) + " blocks of " +
           toText(launch.block) + " threads is empty";
  if (tooMany(launch.grid, 0x7fffffff, 65535, 65535))
    return name + "a grid of " + toText(launch.grid) +
           " blocks is beyond the limit of (2147483647, 65535, 65535)";
  if (launch.block.volume() > kMaxThreads ||
      tooMany(launch.block, 1024, 1024, 64))
    return name + "a block of " + toText(launch.block) +
           " threads is beyond the limit of 1024";
  uint64_t maxShared = getMaxSharedBytes(chip);
  if (launch.sharedBytes > maxShared)
    return (Twine(name) + Twine(launch.sharedBytes) +
            " bytes of shared memory are more than the " + Twine(maxShared) +
            " of " + chip)
        .str();
  return "";
}

const StampEmulatedKernel *findKernel(const StampEmulatedModule &module,
                                      StringRef name) {
  for (uint64_t i = 0; i < module.numKernels; ++i)
    if (name == module.kernels[i].name)
      return &module.kernels[i];
  return nullptr;
}

/// The image and its kernel, or a message.
std::string open(const StampGpuImage *image, const char *name, Launch &launch) {
  if (image->kind != STAMP_GPU_IMAGE_EMULATED)
    return std::string("image '") + image->name +
           "' was compiled for a device, not for the emulator";
  launch.module = static_cast<const StampEmulatedModule *>(image->data);
  launch.kernel = findKernel(*launch.module, name);
  if (!launch.kernel)
    return std::string("image '") + image->name + "' has no kernel '" + name +
           "'";
  return "";
}

void collectBuffers(Device &device, Launch &launch) {
  for (auto [begin, bytes] : device.buffers)
    launch.buffers.push_back({begin, begin + bytes});
  for (uint64_t i = 0; i < launch.module->numGlobals; ++i) {
    const StampEmulatedGlobal &global = launch.module->globals[i];
    auto *begin = static_cast<const char *>(global.address);
    launch.buffers.push_back({begin, begin + global.bytes});
  }
  llvm::sort(launch.buffers, [](const Buffer &a, const Buffer &b) {
    return a.begin < b.begin;
  });
}

void runWorkers(Device &device, Launch &launch) {
  uint64_t count = std::max<uint64_t>(
      1, std::min<uint64_t>(device.options.threads, launch.grid.volume()));
  while (device.workers.size() < count)
    device.workers.push_back(std::make_unique<Worker>());
  std::vector<std::thread> others;
  for (uint64_t i = 1; i < count; ++i)
    others.emplace_back([&, i] { device.workers[i]->run(launch); });
  device.workers.front()->run(launch);
  for (std::thread &other : others)
    other.join();
}

/// The message, if it fails; everything else has been cleaned up by then.
std::string runLaunch(StampGpuImage *image, const char *name, Dim3 grid,
                      Dim3 block, uint32_t dynamicSharedBytes,
                      void **parameters, uint64_t numParameters) {
  Device &device = Device::get();
  std::lock_guard<std::mutex> lock(device.mutex);
  Launch launch;
  if (std::string message = open(image, name, launch); !message.empty())
    return message;
  if (numParameters != launch.kernel->numParameters)
    return (Twine("kernel '") + name + "' takes " +
            Twine(launch.kernel->numParameters) + " arguments, not " +
            Twine(numParameters))
        .str();
  launch.grid = grid;
  launch.block = block;
  launch.staticSharedBytes = launch.kernel->sharedBytes;
  if (dynamicSharedBytes != 0)
    launch.staticSharedBytes = llvm::alignTo(
        launch.staticSharedBytes, launch.kernel->dynamicSharedAlignment);
  launch.sharedBytes = launch.staticSharedBytes + dynamicSharedBytes;
  launch.parameters = parameters;
  launch.seed = device.options.seed;
  if (std::string message = checkLaunch(launch, image->chip); !message.empty())
    return message;
  collectBuffers(device, launch);
  runWorkers(device, launch);
  return launch.failure;
}

void *allocateBuffer(uint64_t bytes) {
  constexpr uint64_t kAlignment = 256;
  constexpr uint8_t kPoison = 0xcd;
  if (bytes == 0)
    return nullptr;
  // A page more leaves a gap between buffers.
  uint64_t padded = (bytes / kAlignment + 2) * kAlignment;
  if (padded < bytes)
    return nullptr;
  auto *memory = static_cast<char *>(std::aligned_alloc(kAlignment, padded));
  if (!memory)
    return nullptr;
  std::memset(memory, kPoison, bytes);
  Device &device = Device::get();
  std::lock_guard<std::mutex> lock(device.mutex);
  device.buffers.emplace(memory, bytes);
  return memory;
}

bool freeBuffer(void *memory) {
  Device &device = Device::get();
  std::lock_guard<std::mutex> lock(device.mutex);
  if (memory && device.buffers.erase(static_cast<char *>(memory)) == 0)
    return false;
  std::free(memory);
  return true;
}

void unload(StampGpuImage *image) { image->loaded = nullptr; }

void copy(void *to, void *from, uint64_t bytes, StampGpuStream) {
  std::memmove(to, from, bytes);
}

/// Kernels read a constant where the program has it.
void getConstant(int64_t memref[5], const void *data, uint64_t bytes) {
  Device &device = Device::get();
  std::lock_guard<std::mutex> lock(device.mutex);
  auto *begin = static_cast<char *>(const_cast<void *>(data));
  if (bytes != 0)
    device.buffers.insert_or_assign(begin, bytes);
  memref[0] = memref[1] = reinterpret_cast<int64_t>(begin);
  memref[2] = 0;
  memref[3] = static_cast<int64_t>(bytes);
  memref[4] = 1;
}

/// Any address but null will do.
char theStream;
StampGpuStream openStream() {
  return reinterpret_cast<StampGpuStream>(&theStream);
}
void wait(StampGpuStream) {}

/// The compiler compares our function with the interface's declaration.
template <typename T>
void add(Symbols &symbols, const char *name, T *function) {
  symbols.emplace_back(name, reinterpret_cast<void *>(function));
}
#define INTERFACE(name, function)                                              \
  add<decltype(name)>(symbols, #name, &(function))

} // namespace

void stamp::emulator::setOptions(const Options &options) {
  Device::get().options = options;
}

void stamp::emulator::setErrorHandler(void (*handler)(const char *)) {
  Device::get().errorHandler = handler;
}

void *stamp::emulator::allocate(uint64_t bytes, StampGpuStream, uint8_t) {
  void *memory = allocateBuffer(bytes);
  if (!memory && bytes != 0)
    fail(("out of memory: the emulated GPU cannot allocate " + Twine(bytes) +
          " bytes")
             .str());
  return memory;
}

void stamp::emulator::deallocate(void *memory, StampGpuStream) {
  if (!freeBuffer(memory))
    fail("memory is freed that the emulated GPU did not allocate");
}

void stamp::emulator::launch(StampGpuImage *image, const char *kernel,
                             uint64_t gridX, uint64_t gridY, uint64_t gridZ,
                             uint64_t blockX, uint64_t blockY, uint64_t blockZ,
                             uint64_t clusterX, uint64_t clusterY,
                             uint64_t clusterZ, uint32_t dynamicSharedBytes,
                             StampGpuStream, void **parameters,
                             uint64_t numParameters) {
  auto dim = [](uint64_t x, uint64_t y, uint64_t z) {
    auto clamp = [](uint64_t value) {
      return static_cast<uint32_t>(std::min<uint64_t>(value, 0xffffffff));
    };
    return Dim3{clamp(x), clamp(y), clamp(z)};
  };
  std::string message =
      clusterX * clusterY * clusterZ == 1
          ? runLaunch(image, kernel, dim(gridX, gridY, gridZ),
                      dim(blockX, blockY, blockZ), dynamicSharedBytes,
                      parameters, numParameters)
          : std::string("the emulator has no clusters of blocks, which kernel "
                        "'") +
                kernel + "' is launched with";
  if (!message.empty())
    fail(std::move(message));
}

Symbols stamp::emulator::getSymbols() {
  Symbols symbols;
  INTERFACE(stampGpuSetErrorHandler, setErrorHandler);
  INTERFACE(stampGpuLaunch, launch);
  INTERFACE(stampGpuUnload, unload);
  INTERFACE(stampGpuMemAlloc, allocate);
  INTERFACE(stampGpuMemFree, deallocate);
  INTERFACE(_mlir_ciface_stampGpuConstant, getConstant);
  INTERFACE(stampGpuMemcpy, copy);
  INTERFACE(_mlir_ciface_stampGpuOpenStream, openStream);
  INTERFACE(_mlir_ciface_stampGpuWait, wait);
  INTERFACE(_mlir_ciface_stampGpuCloseStream, wait);
  addOperations(symbols);
  addMatrixOperations(symbols);
  return symbols;
}
