//===- Block.cpp - the threads of a block take turns ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A fiber runs until it has to wait. Whoever comes last to a meeting does the
// work for all and makes the others ready. When nobody is ready and somebody
// still waits, the block is stuck: some thread was expected that went elsewhere
// or has ended, and the message says which.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <sys/mman.h>

using namespace stamp::emulator;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;
using llvm::ArrayRef;
using llvm::function_ref;
using llvm::Twine;

thread_local Thread *stamp::emulator::currentThread = nullptr;

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

std::string stamp::emulator::toText(const Dim3 &dim) {
  return ("(" + Twine(dim.x) + ", " + Twine(dim.y) + ", " + Twine(dim.z) + ")")
      .str();
}

std::string Launch::describeSite(uint32_t site) const {
  llvm::StringRef text(module->sites + site);
  auto [op, location] = text.split('\t');
  return (op + " at " + location).str();
}

void Launch::fail(std::string message) {
  std::lock_guard<std::mutex> lock(failureMutex);
  if (!hasFailed.exchange(true))
    failure = std::move(message);
}

void Block::fail(const std::string &message) {
  launch.fail(message + " (block " + toText(id) + " of kernel '" +
              launch.kernel->name + "')");
  leave();
}

std::string Block::describeWait(const Thread &thread) const {
  switch (thread.state) {
  case Thread::State::Exited:
    return "has ended";
  case Thread::State::AtCollective:
    return std::string("waits in ") + launch.describeSite(thread.site);
  case Thread::State::AtBarrier:
    return ("waits at barrier " + Twine(thread.barrier) + ", " +
            launch.describeSite(thread.site))
        .str();
  case Thread::State::AtMBarrier:
    return "waits for an mbarrier, " + launch.describeSite(thread.site);
  case Thread::State::Ready:
    return "is ready";
  }
  llvm_unreachable("unknown state");
}

std::string Block::explainDeadlock() const {
  auto *stuck = llvm::find_if(threads, [](const Thread &thread) {
                  return thread.state != Thread::State::Exited;
                }).base();
  // Somebody who is elsewhere, which is the cause as a rule.
  auto isElsewhere = [&](const Thread &thread) {
    return thread.state != stuck->state || thread.site != stuck->site;
  };
  auto describe = [&](const Thread &thread) {
    return "thread " + toText(thread.id) + " " + describeWait(thread);
  };
  std::string text;
  if (stuck->state == Thread::State::AtCollective) {
    text = std::string(stuck->request->name) +
           " was reached by a part of its lanes only: ";
    uint32_t first = stuck->index - stuck->lane();
    for (uint32_t i = first; i < first + kWarpSize && i < threads.size(); ++i)
      if (isElsewhere(threads[i]))
        return text + describe(*stuck) + ", " + describe(threads[i]);
  } else if (stuck->state == Thread::State::AtBarrier) {
    const Barrier &barrier = barriers[stuck->barrier];
    text = ("barrier " + Twine(stuck->barrier) + " was reached by " +
            Twine(barrier.arrived) + " of " + Twine(barrier.expected) +
            " threads only: ")
               .str();
  } else {
    text = "nobody completes the phase of an mbarrier: ";
  }
  auto other = llvm::find_if(threads, isElsewhere);
  if (other == threads.end())
    return text + describe(*stuck) + ", as all others do";
  return text + describe(*stuck) + ", " + describe(*other);
}

//===----------------------------------------------------------------------===//
// Fibers
//===----------------------------------------------------------------------===//

Block::Block(Launch &launch, Worker &worker, uint64_t number)
    : launch(launch), worker(worker) {
  id = {static_cast<uint32_t>(number % launch.grid.x),
        static_cast<uint32_t>(number / launch.grid.x % launch.grid.y),
        static_cast<uint32_t>(number / launch.grid.x / launch.grid.y)};
  randomState = launch.seed * 0x9e3779b97f4a7c15 + number + 1;
}

/// splitmix64
uint64_t Block::random() {
  uint64_t z = randomState += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

void Block::enter(transfer_t transfer) {
  auto &thread = *static_cast<Thread *>(transfer.data);
  thread.block->scheduler = transfer.fctx;
  thread.block->launch.kernel->entry(thread.block->launch.parameters);
  thread.block->checkEnd(thread);
  thread.state = Thread::State::Exited;
  jump_fcontext(thread.block->scheduler, nullptr);
}

/// What a thread leaves unfinished, the hardware may or may not do.
void Block::checkEnd(const Thread &thread) {
  uint32_t agent = getAgent(thread);
  bool hasWaited = (*thread.known)[agent] >= committed[thread.warp()];
  if (thread.hasPendingWgmma || !hasWaited)
    fail("missing wait for wgmma: thread " + toText(thread.id) +
         " ends before its last operation has, " +
         launch.describeSite(thread.site));
}

void Block::start(Thread &thread) {
  char *top = worker.getStack(thread.index) + Worker::kStackBytes;
  thread.context = make_fcontext(top, Worker::kStackBytes, enter);
  thread.state = Thread::State::Ready;
  ready.push_back(&thread);
}

void Block::run() {
  Dim3 size = launch.block;
  threads.resize(size.volume());
  committed.resize((threads.size() + kWarpSize - 1) / kWarpSize);
  auto nothing =
      std::make_shared<const Knowledge>(threads.size() + committed.size(), 0);
  for (uint32_t i = 0; i < threads.size(); ++i) {
    Thread &thread = threads[i];
    thread.block = this;
    thread.index = i;
    thread.id = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    thread.clock = 1;
    thread.known = nothing;
    thread.proxyFence = 0;
    thread.hasFencedWgmma = false;
    thread.hasPendingWgmma = false;
    start(thread);
  }
  while (!ready.empty() && !launch.hasFailed) {
    if (launch.seed != 0)
      std::swap(ready.front(), ready[random() % ready.size()]);
    Thread &next = *ready.front();
    ready.pop_front();
    currentThread = &next;
    next.context = jump_fcontext(next.context, &next).fctx;
    currentThread = nullptr;
  }
  if (launch.hasFailed)
    return;
  if (llvm::any_of(threads, [](const Thread &thread) {
        return thread.state != Thread::State::Exited;
      }))
    launch.fail(explainDeadlock() + " (block " + toText(id) + " of kernel '" +
                launch.kernel->name + "')");
}

void Block::suspend(Thread &thread, Thread::State state, uint32_t site) {
  thread.state = state;
  thread.site = site;
  scheduler = jump_fcontext(scheduler, nullptr).fctx;
}

void Block::leave() {
  jump_fcontext(scheduler, nullptr);
  llvm_unreachable("a thread was resumed after a failure");
}

void Block::wake(Thread &thread) {
  thread.state = Thread::State::Ready;
  ready.push_back(&thread);
}

void Block::yield(Thread &thread) {
  ready.push_back(&thread);
  suspend(thread, Thread::State::Ready, thread.site);
}

//===----------------------------------------------------------------------===//
// Meetings
//===----------------------------------------------------------------------===//

static bool isNamed(const Request &request, uint32_t lane) {
  return request.mask >> (lane % kWarpSize) & 1;
}

/// What can be told at once, without waiting for a deadlock.
void Block::checkPart(Thread &thread, const Request &request,
                      ArrayRef<Thread *> lanes) {
  if (!isNamed(request, thread.lane()))
    fail((launch.describeSite(request.site) + ": thread " + toText(thread.id) +
          " is not in its own mask, 0x" +
          llvm::utohexstr(request.mask, /*LowerCase=*/true)));
  for (Thread *lane : lanes) {
    if (lane->state == Thread::State::Exited)
      fail(launch.describeSite(request.site) +
           " was reached by a part of its lanes only: thread " +
           toText(lane->id) + " has ended");
    if (lane->state != Thread::State::AtCollective || lane == &thread)
      continue;
    const Request &other = *lane->request;
    if (request.aligned && other.key == request.key &&
        other.site != request.site)
      fail("lanes are at different instructions: thread " + toText(thread.id) +
           " at " + launch.describeSite(request.site) + ", thread " +
           toText(lane->id) + " at " + launch.describeSite(other.site));
    if (other.mask != request.mask)
      fail("lanes that meet name different masks: 0x" +
           llvm::utohexstr(request.mask, /*LowerCase=*/true) + " in " +
           launch.describeSite(request.site) + ", 0x" +
           llvm::utohexstr(other.mask, /*LowerCase=*/true) + " in " +
           launch.describeSite(other.site));
  }
}

void Block::meet(Thread &thread, const Request &request, uint32_t groupSize,
                 function_ref<void(ArrayRef<Thread *>)> perform) {
  uint32_t first = thread.index - thread.index % groupSize;
  Thread *storage[128];
  uint32_t count = 0;
  for (uint32_t i = 0; i < groupSize; ++i) {
    if (!isNamed(request, i))
      continue;
    if (first + i >= threads.size())
      fail(launch.describeSite(request.site) + " names lane " +
           std::to_string(i) + ", but the block ends after lane " +
           std::to_string(threads.size() - first - 1) + " of its group");
    storage[count++] = &threads[first + i];
  }
  ArrayRef<Thread *> lanes(storage, count);
  checkPart(thread, request, lanes);

  thread.request = &request;
  bool isLast = llvm::all_of(lanes, [&](Thread *lane) {
    return lane == &thread || (lane->state == Thread::State::AtCollective &&
                               lane->request->key == request.key);
  });
  if (!isLast)
    return suspend(thread, Thread::State::AtCollective, request.site);
  perform(lanes);
  for (Thread *lane : lanes)
    if (lane != &thread)
      wake(*lane);
}

void Block::arrive(Thread &thread, uint32_t number, uint32_t count,
                   uint32_t site, bool waits,
                   function_ref<void(ArrayRef<Thread *>)> complete) {
  if (number >= kNumBarriers)
    fail(launch.describeSite(site) + ": there is no barrier " +
         std::to_string(number) + ", only 0 to 15");
  if (count % kWarpSize != 0 || count > (threads.size() + 31) / 32 * 32)
    fail(launch.describeSite(site) + ": " + std::to_string(count) +
         " threads cannot meet at a barrier in a block of " +
         std::to_string(threads.size()));
  Barrier &barrier = barriers[number];
  uint32_t expected = count ? count : threads.size();
  if (barrier.arrived == 0)
    barrier.expected = expected;
  else if (barrier.expected != expected)
    fail(launch.describeSite(site) + ": barrier " + std::to_string(number) +
         " expects " + std::to_string(barrier.expected) + " threads, not " +
         std::to_string(expected));
  // The instructions are .aligned: a warp is in one place.
  for (Thread *other : barrier.waiting)
    if (other->index / kWarpSize == thread.index / kWarpSize &&
        other->site != site)
      fail("a warp is divided among barriers: thread " + toText(thread.id) +
           " is at " + launch.describeSite(site) + ", thread " +
           toText(other->id) + " " + describeWait(*other));

  ++barrier.arrived;
  if (waits)
    barrier.waiting.push_back(&thread);
  else
    release(thread, barrier.arriving);
  thread.barrier = number;
  if (barrier.arrived < barrier.expected) {
    if (waits)
      suspend(thread, Thread::State::AtBarrier, site);
    return;
  }
  for (Thread *other : barrier.waiting)
    if (!barrier.arriving.empty())
      acquire(*other, barrier.arriving);
  synchronize(barrier.waiting);
  complete(barrier.waiting);
  for (Thread *other : barrier.waiting)
    if (other != &thread)
      wake(*other);
  barrier.waiting.clear();
  barrier.arriving.clear();
  barrier.arrived = 0;
}

void Block::waitAtMBarrier(Thread &thread, MBarrier &barrier, uint32_t site) {
  barrier.waiting.push_back(&thread);
  suspend(thread, Thread::State::AtMBarrier, site);
}

//===----------------------------------------------------------------------===//
// Workers
//===----------------------------------------------------------------------===//

static char *map(uint64_t bytes, int flags) {
  void *memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  if (memory == MAP_FAILED)
    llvm::report_fatal_error("the emulated GPU has no memory to run in");
  return static_cast<char *>(memory);
}

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

/// 32 bits have to be enough for a pointer into the arena, hence its place.
Worker::Worker()
    : cells(kArenaBytes), arenaMapping(map(2 * kArenaBytes, MAP_32BIT)),
      stacks(map(kMaxThreads * kStackBytes, MAP_STACK)) {
  uint64_t address = reinterpret_cast<uint64_t>(arenaMapping);
  arena = arenaMapping + (kArenaBytes - address % kArenaBytes) % kArenaBytes;
  // A stack that overflows ends the process rather than harm another.
  for (uint32_t i = 0; i < kMaxThreads; ++i)
    ::mprotect(getStack(i), 4096, PROT_NONE);
}

Worker::~Worker() {
  ::munmap(arenaMapping, 2 * kArenaBytes);
  ::munmap(stacks, kMaxThreads * kStackBytes);
}

/// A random schedule takes the blocks in an order of its own.
static uint64_t permute(uint64_t index, uint64_t count, uint64_t seed) {
  if (seed == 0)
    return index;
  uint64_t start = seed * 0x9e3779b97f4a7c15 % count;
  return (seed % 2 ? start + index : start + count - index) % count;
}

void Worker::run(Launch &launch) {
  constexpr uint8_t kPoison = 0xcd;
  uint64_t count = launch.grid.volume();
  while (!launch.hasFailed) {
    uint64_t index = launch.nextBlock++;
    if (index >= count)
      return;
    std::fill_n(arena, launch.sharedBytes, kPoison);
    std::fill_n(cells.begin(), launch.sharedBytes, Cell());
    Block(launch, *this, permute(index, count, launch.seed)).run();
  }
}
