//===- Machine.h - the parts of the emulated GPU ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   Launch ── a grid; workers take its blocks one by one
//     Worker ── an OS thread: an arena for shared memory, stacks, shadow cells
//       Block ── threads, barriers, the scheduler (Block.cpp)
//         Thread ── a fiber; what it knows of the others (SharedMemory.cpp)
//
// A thread leaves the processor only in Block::suspend: at a barrier, at a
// collective that lanes are missing from, and, in a random schedule, before any
// access to memory. All else is single-threaded code within a worker.
//
// Fibers that a failure leaves behind are never resumed, so no function that
// suspends or fails may hold an object with a destructor meanwhile.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_LIB_EXECUTION_EMULATOR_MACHINE_H
#define STAMP_LIB_EXECUTION_EMULATOR_MACHINE_H

#include "stamp/Execution/EmulatedModule.h"
#include "stamp/Execution/Emulator.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

#include <boost/context/detail/fcontext.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace stamp::emulator {

constexpr unsigned kWarpSize = 32;
constexpr unsigned kMaxThreads = 1024;
constexpr unsigned kNumBarriers = 16;
/// A descriptor of wgmma holds 18 bits of an address, so an arena is aligned to
/// as much.
constexpr uint64_t kArenaBytes = 256 * 1024;

struct Dim3 {
  uint32_t x, y, z;
  uint64_t volume() const { return uint64_t(x) * y * z; }
};

class Block;
struct Launch;

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

/// A thread's events are numbered by its own clock, which ticks whenever it
/// synchronizes. Entry u of a thread's knowledge is the last tick of thread u
/// that it is ordered after. A warp's wgmma operations run beside its threads:
/// they count as one more thread, whose clock ticks with every commit, and whom
/// nobody is ordered after without having waited for it.
using Clock = uint32_t;
using Knowledge = std::vector<Clock>;

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

/// A lane's part in an operation of a warp or a warpgroup.
struct Request {
  const char *name;
  /// Lanes meet if these agree: the operation with its qualifiers, and the
  /// mask.
  uint64_t key;
  uint32_t mask;
  /// All lanes have to be at the same instruction.
  bool aligned;
  uint32_t site;
  const void *operands;
  void *results;
};

/// A copy that cp.async has begun: it lands when the thread waits for it.
struct Copy {
  uint32_t to; // an offset into shared memory
  const void *from;
  uint32_t bytes;
  /// The rest is filled with zeros.
  uint32_t sourceBytes;
  uint32_t site;
};

struct Thread {
  enum class State { Ready, AtCollective, AtBarrier, AtMBarrier, Exited };

  boost::context::detail::fcontext_t context;
  Block *block;
  uint32_t index;
  Dim3 id;
  State state;
  /// Where it waits.
  uint32_t site;
  uint32_t barrier;
  const Request *request;

  Clock clock;
  std::shared_ptr<const Knowledge> known;
  /// Its writes up to here are visible to the async proxy.
  Clock proxyFence;
  bool hasFencedWgmma;
  /// It has begun a wgmma and not committed it.
  bool hasPendingWgmma;

  /// Its variables in local memory, [begin, end).
  std::vector<std::pair<const char *, const char *>> locals;
  std::vector<Copy> openGroup;
  std::deque<std::vector<Copy>> groups;

  uint32_t lane() const { return index % kWarpSize; }
  uint32_t warp() const { return index / kWarpSize; }
};

/// The thread that runs on this OS thread.
extern thread_local Thread *currentThread;

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

enum class Access : uint8_t { Read, Write, Atomic };

/// What is known of one byte of shared memory.
struct Cell {
  Clock writeClock;
  Clock readClocks[2];
  uint32_t writeSite;
  uint32_t readSites[2];
  uint16_t writer;
  /// The last two threads that read it since it was written.
  uint16_t readers[2];
  uint8_t numReaders : 2;
  uint8_t isWritten : 1;
  uint8_t isAtomic : 1;
  /// A cp.async is writing it.
  uint8_t isInFlight : 1;
};

struct MBarrier {
  uint32_t expected;
  uint32_t pending;
  int64_t pendingBytes = 0;
  uint64_t phase = 0;
  /// What those knew who arrived in this phase, and in the one before.
  Knowledge arriving, completed;
  std::vector<Thread *> waiting;
};

struct Barrier {
  uint32_t expected = 0;
  uint32_t arrived = 0;
  Knowledge arriving;
  std::vector<Thread *> waiting;
};

//===----------------------------------------------------------------------===//
// Blocks and launches
//===----------------------------------------------------------------------===//

struct Buffer {
  const char *begin;
  const char *end;
};

struct Launch {
  const StampEmulatedModule *module;
  const StampEmulatedKernel *kernel;
  Dim3 grid, block;
  uint64_t sharedBytes;
  uint64_t staticSharedBytes;
  void **parameters;
  uint64_t seed;
  /// Global memory, sorted.
  std::vector<Buffer> buffers;

  std::atomic<uint64_t> nextBlock{0};
  std::atomic<bool> hasFailed{false};
  std::mutex failureMutex;
  std::string failure;

  /// "llvm.load at kernel.mlir:12:3"
  std::string describeSite(uint32_t site) const;
  void fail(std::string message);
};

/// What an OS thread keeps from block to block.
class Worker {
public:
  Worker();
  ~Worker();
  Worker(const Worker &) = delete;
  Worker &operator=(const Worker &) = delete;

  /// Runs blocks until there are none left, or one has failed.
  void run(Launch &launch);

  static constexpr uint64_t kStackBytes = 256 * 1024;
  char *arena;
  std::vector<Cell> cells;
  char *getStack(uint32_t thread) const {
    return stacks + thread * kStackBytes;
  }

private:
  char *arenaMapping;
  char *stacks;
};

class Block {
public:
  Block(Launch &launch, Worker &worker, uint64_t number);
  void run();

  Launch &launch;
  Worker &worker;
  Dim3 id;
  std::vector<Thread> threads;

  /// Ends the block with a message, to which the place is added.
  [[noreturn]] void fail(const std::string &message);

  //--- Block.cpp: meetings

  /// Waits until the lanes of the mask have all come here, counted from the
  /// first thread of the group; `perform` then acts for all of them.
  void meet(Thread &thread, const Request &request, uint32_t groupSize,
            llvm::function_ref<void(llvm::ArrayRef<Thread *>)> perform);
  /// Its part in a CTA barrier. `count` 0 means every thread of the block.
  void arrive(Thread &thread, uint32_t barrier, uint32_t count, uint32_t site,
              bool waits,
              llvm::function_ref<void(llvm::ArrayRef<Thread *>)> complete);
  void wake(Thread &thread);
  /// Lets others go first.
  void yield(Thread &thread);
  void waitAtMBarrier(Thread &thread, MBarrier &barrier, uint32_t site);
  /// In a random schedule: every so often.
  void perhapsYield(Thread &thread) {
    if (launch.seed != 0 && random() % 16 == 0)
      yield(thread);
  }
  uint64_t random();

  //--- SharedMemory.cpp

  /// Each of the threads is from now on ordered after all of them.
  void synchronize(llvm::ArrayRef<Thread *> group);
  /// Makes a thread's past known to those who acquire it later.
  void release(Thread &thread, Knowledge &into);
  void acquire(Thread &thread, const Knowledge &from);
  bool isInShared(const void *address) const {
    auto *bytes = static_cast<const char *>(address);
    return bytes >= worker.arena && bytes < worker.arena + kArenaBytes;
  }
  uint32_t getSharedOffset(const void *address) const {
    return static_cast<const char *>(address) - worker.arena;
  }
  /// Checks an access, and makes it known to those that follow.
  void access(Thread &thread, const void *address, uint32_t bytes,
              uint32_t alignment, unsigned space, Access kind, uint32_t site);
  void accessShared(Thread &thread, uint32_t offset, uint32_t bytes,
                    Access kind, uint32_t site) {
    accessShared(thread, offset, bytes, kind, site, thread.index, thread.clock);
  }
  /// Reads through the async proxy, as the wgmma of the thread's warp.
  void readByAsyncProxy(Thread &thread, uint32_t offset, uint32_t bytes,
                        uint32_t site);
  void beginCopy(Thread &thread, const Copy &copy);
  void land(Thread &thread, const Copy &copy);

  /// The number of a warp's wgmma operations among the threads.
  uint32_t getAgent(const Thread &thread) const {
    return threads.size() + thread.warp();
  }

  std::unordered_map<uint32_t, MBarrier> mbarriers;
  /// The groups of wgmma that each warp has committed.
  std::vector<Clock> committed;

private:
  /// A read counts as one by `reader` at `readClock`.
  void accessShared(Thread &thread, uint32_t offset, uint32_t bytes,
                    Access kind, uint32_t site, uint32_t reader,
                    Clock readClock);
  std::string describeReader(uint32_t reader) const;
  void start(Thread &thread);
  void checkEnd(const Thread &thread);
  static void enter(boost::context::detail::transfer_t transfer);
  void suspend(Thread &thread, Thread::State state, uint32_t site);
  [[noreturn]] void leave();
  void checkPart(Thread &thread, const Request &request,
                 llvm::ArrayRef<Thread *> lanes);
  std::string explainDeadlock() const;
  std::string describeWait(const Thread &thread) const;
  [[noreturn]] void failAccess(const Thread &thread, const char *problem,
                               uint32_t bytes, Access kind, uint32_t site,
                               const std::string &where);
  [[noreturn]] void failRace(const Thread &thread, uint32_t offset, Access kind,
                             uint32_t site, const std::string &other,
                             uint32_t otherSite);
  bool isOrdered(const Thread &thread, uint32_t other, Clock clock) const {
    return other == thread.index || (*thread.known)[other] >= clock;
  }

  boost::context::detail::fcontext_t scheduler;
  std::deque<Thread *> ready;
  Barrier barriers[kNumBarriers];
  uint64_t randomState;
};

/// "(1, 0, 0)"
std::string toText(const Dim3 &dim);

/// Operations of warps, copies and barriers (Operations.cpp): name and address.
using Symbols = std::vector<std::pair<const char *, void *>>;
void addOperations(Symbols &symbols);
void addMatrixOperations(Symbols &symbols);

} // namespace stamp::emulator

#endif // STAMP_LIB_EXECUTION_EMULATOR_MACHINE_H
