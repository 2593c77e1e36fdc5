//===- Operations.cpp - NVVM without a GPU --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What kernels that stamp-gpu-emulate compiled call. An operation gets its
// site, its operands in a row, room for its result, and what the op's
// attributes said, as up to four numbers. Formulas are those of the PTX ISA.
//
//===----------------------------------------------------------------------===//

#include "Operation.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

#include <algorithm>
#include <cstring>

using namespace stamp::emulator;
using llvm::ArrayRef;

namespace {

//===----------------------------------------------------------------------===//
// Special registers, memory
//===----------------------------------------------------------------------===//

/// In the order of the pass.
uint32_t readRegister(int32_t which) {
  const Thread &thread = *currentThread;
  const Launch &launch = thread.block->launch;
  const Dim3 *dims[] = {&thread.id, &launch.block, &thread.block->id,
                        &launch.grid};
  if (which < 12) {
    const Dim3 &dim = *dims[which / 3];
    return which % 3 == 0 ? dim.x : which % 3 == 1 ? dim.y : dim.z;
  }
  uint32_t lane = thread.lane();
  switch (which) {
  case 12:
    return lane;
  case 13:
    return kWarpSize;
  case 14:
    return thread.warp();
  case 15:
    return thread.block->committed.size();
  case 16: // lanemask.eq, le, lt, ge, gt
    return 1u << lane;
  case 17:
    return (2u << lane) - 1;
  case 18:
    return (1u << lane) - 1;
  case 19:
    return ~((1u << lane) - 1);
  case 20:
    return ~((2u << lane) - 1);
  }
  llvm_unreachable("unknown special register");
}

void checkAccess(const void *address, int32_t bytes, int32_t alignment,
                 int32_t space, int32_t kind, uint32_t site) {
  Thread &thread = *currentThread;
  thread.block->perhapsYield(thread);
  thread.block->access(thread, address, bytes, alignment, space,
                       static_cast<Access>(kind), site);
}

/// For copies of any size.
void checkRange(const void *address, uint64_t bytes, int32_t alignment,
                int32_t space, int32_t kind, uint32_t site) {
  if (bytes != 0)
    checkAccess(address,
                static_cast<int32_t>(std::min<uint64_t>(bytes, 0x7fffffff)),
                alignment, space, kind, site);
}

void *getShared(uint32_t offset) {
  return currentThread->block->worker.arena + offset;
}

void *getDynamicShared() {
  Block &block = *currentThread->block;
  return block.worker.arena + block.launch.staticSharedBytes;
}

uint64_t enterFunction() { return currentThread->locals.size(); }

void addLocal(const char *begin, uint64_t bytes) {
  currentThread->locals.emplace_back(begin, begin + bytes);
}

void leaveFunction(uint64_t numLocals) {
  currentThread->locals.resize(numLocals);
}

//===----------------------------------------------------------------------===//
// Warps
//===----------------------------------------------------------------------===//

struct ShuffleOperands {
  uint32_t mask, value, offset, maskAndClamp;
};
struct ShuffleResult {
  uint32_t value;
  bool isValid;
};

void shuffle(uint32_t site, const void *operands, void *result, int32_t kind,
             int32_t wantsPredicate, int32_t, int32_t) {
  enum { Butterfly, Up, Down, Index };
  auto in = [](const Thread *lane) {
    return *static_cast<const ShuffleOperands *>(lane->request->operands);
  };
  Request request = {"shfl.sync",
                     makeKey(Operation::Shuffle, kind),
                     static_cast<const ShuffleOperands *>(operands)->mask,
                     /*aligned=*/false,
                     site,
                     operands,
                     result};
  meetWarp(request, [&](ArrayRef<Thread *> lanes) {
    const Thread *byNumber[kWarpSize] = {};
    for (const Thread *lane : lanes)
      byNumber[lane->lane()] = lane;
    for (const Thread *lane : lanes) {
      ShuffleOperands own = in(lane);
      int number = lane->lane(), b = own.offset & 31;
      int clamp = own.maskAndClamp & 31, segment = own.maskAndClamp >> 8 & 31;
      int maxLane = (number & segment) | (clamp & ~segment);
      int source = kind == Up          ? number - b
                   : kind == Down      ? number + b
                   : kind == Butterfly ? number ^ b
                                       : (number & segment) | (b & ~segment);
      bool isValid = kind == Up ? source >= maxLane : source <= maxLane;
      if (!isValid)
        source = number;
      if (!byNumber[source])
        lane->block->fail(lane->block->launch.describeSite(site) + ": thread " +
                          toText(lane->id) + " reads lane " +
                          std::to_string(source) +
                          ", which takes no part in it");
      auto *out = static_cast<ShuffleResult *>(lane->request->results);
      out->value = in(byNumber[source]).value;
      if (wantsPredicate)
        out->isValid = isValid;
    }
  });
}

struct VoteOperands {
  uint32_t mask;
  bool predicate;
};

void vote(uint32_t site, const void *operands, void *result, int32_t kind,
          int32_t, int32_t, int32_t) {
  enum { Any, All, Ballot, Uniform };
  Request request = {"vote.sync",
                     makeKey(Operation::Vote, kind),
                     static_cast<const VoteOperands *>(operands)->mask,
                     /*aligned=*/false,
                     site,
                     operands,
                     result};
  meetWarp(request, [&](ArrayRef<Thread *> lanes) {
    uint32_t ballot = 0;
    for (const Thread *lane : lanes)
      if (static_cast<const VoteOperands *>(lane->request->operands)->predicate)
        ballot |= 1u << lane->lane();
    bool any = ballot != 0, all = ballot == request.mask;
    for (const Thread *lane : lanes) {
      void *out = lane->request->results;
      if (kind == Ballot)
        *static_cast<uint32_t *>(out) = ballot;
      else
        *static_cast<bool *>(out) = kind == Any   ? any
                                    : kind == All ? all
                                                  : all || !any;
    }
  });
}

struct ReduxOperands {
  uint32_t value, mask;
};

uint32_t reduce(int32_t kind, uint32_t a, uint32_t b) {
  // In the order of NVVM's ReduxKind, without f32.
  auto isLess = [](uint32_t x, uint32_t y) {
    return static_cast<int32_t>(x) < static_cast<int32_t>(y);
  };
  switch (kind) {
  case 1:
    return a + b;
  case 2:
    return a & b;
  case 3:
    return isLess(a, b) ? b : a;
  case 4:
    return isLess(a, b) ? a : b;
  case 5:
    return a | b;
  case 6:
    return std::max(a, b);
  case 7:
    return std::min(a, b);
  case 8:
    return a ^ b;
  }
  llvm_unreachable("unknown reduction");
}

void redux(uint32_t site, const void *operands, void *result, int32_t kind,
           int32_t, int32_t, int32_t) {
  auto in = [](const Thread *lane) {
    return *static_cast<const ReduxOperands *>(lane->request->operands);
  };
  Request request = {"redux.sync",
                     makeKey(Operation::Redux, kind),
                     static_cast<const ReduxOperands *>(operands)->mask,
                     /*aligned=*/false,
                     site,
                     operands,
                     result};
  meetWarp(request, [&](ArrayRef<Thread *> lanes) {
    uint32_t value = in(lanes.front()).value;
    for (const Thread *lane : lanes.drop_front())
      value = reduce(kind, value, in(lane).value);
    for (const Thread *lane : lanes)
      *static_cast<uint32_t *>(lane->request->results) = value;
  });
}

void syncWarp(uint32_t site, const void *operands, void *result, int32_t,
              int32_t, int32_t, int32_t) {
  Request request = {"bar.warp.sync",
                     makeKey(Operation::SyncWarp, 0),
                     *static_cast<const uint32_t *>(operands),
                     /*aligned=*/false,
                     site,
                     operands,
                     result};
  meetWarp(request, [&](ArrayRef<Thread *> lanes) {
    currentThread->block->synchronize(lanes);
  });
}

void elect(uint32_t site, const void *operands, void *result, int32_t, int32_t,
           int32_t, int32_t) {
  Request request = {"elect.sync",
                     makeKey(Operation::Elect, 0),
                     *static_cast<const uint32_t *>(operands),
                     /*aligned=*/false,
                     site,
                     operands,
                     result};
  meetWarp(request, [&](ArrayRef<Thread *> lanes) {
    for (const Thread *lane : lanes)
      *static_cast<bool *>(lane->request->results) = lane == lanes.front();
  });
}

struct MatchOperands {
  uint32_t mask;
  uint64_t value;
};
struct MatchResult {
  uint32_t mask;
  bool all;
};

void match(uint32_t site, const void *operands, void *result, int32_t kind,
           int32_t, int32_t, int32_t) {
  enum { Any, All };
  auto in = [](const Thread *lane) {
    return static_cast<const MatchOperands *>(lane->request->operands)->value;
  };
  Request request = {"match.sync",
                     makeKey(Operation::Match, kind),
                     static_cast<const MatchOperands *>(operands)->mask,
                     /*aligned=*/false,
                     site,
                     operands,
                     result};
  meetWarp(request, [&](ArrayRef<Thread *> lanes) {
    for (const Thread *lane : lanes) {
      uint32_t same = 0;
      for (const Thread *other : lanes)
        if (in(other) == in(lane))
          same |= 1u << other->lane();
      auto *out = static_cast<MatchResult *>(lane->request->results);
      bool all = same == request.mask;
      out->mask = kind == Any || all ? same : 0;
      if (kind == All)
        out->all = all;
    }
  });
}

//===----------------------------------------------------------------------===//
// Barriers of the block
//===----------------------------------------------------------------------===//

struct BarrierOperands {
  uint32_t barrier, numThreads, predicate;
};

void barrier(uint32_t site, const void *operands, void *result,
             int32_t reduction, int32_t, int32_t, int32_t) {
  enum { None = -1, PopCount, And, Or };
  Thread &thread = *currentThread;
  auto &in = *static_cast<const BarrierOperands *>(operands);
  Request request = {"barrier", 0, 0, true, site, operands, result};
  thread.request = &request;
  thread.block->arrive(
      thread, in.barrier, in.numThreads, site, /*waits=*/true,
      [&](ArrayRef<Thread *> group) {
        uint32_t count = llvm::count_if(group, [](const Thread *other) {
          return static_cast<const BarrierOperands *>(other->request->operands)
                     ->predicate != 0;
        });
        for (const Thread *other : group)
          if (reduction != None)
            *static_cast<uint32_t *>(other->request->results) =
                reduction == PopCount ? count
                : reduction == And    ? count == group.size()
                                      : count != 0;
      });
}

void arriveAtBarrier(uint32_t site, const void *operands, void *, int32_t,
                     int32_t, int32_t, int32_t) {
  Thread &thread = *currentThread;
  auto &in = *static_cast<const BarrierOperands *>(operands);
  thread.block->arrive(thread, in.barrier, in.numThreads, site,
                       /*waits=*/false, [](ArrayRef<Thread *>) {});
}

void fenceProxy(uint32_t, const void *, void *, int32_t, int32_t, int32_t,
                int32_t) {
  currentThread->proxyFence = currentThread->clock++;
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

struct CopyOperands {
  char *to;
  const char *from;
  uint32_t sourceBytes;
};

void copyAsync(uint32_t site, const void *operands, void *, int32_t bytes,
               int32_t hasSourceBytes, int32_t, int32_t) {
  Thread &thread = *currentThread;
  Block &block = *thread.block;
  block.perhapsYield(thread);
  auto &in = *static_cast<const CopyOperands *>(operands);
  uint32_t sourceBytes = hasSourceBytes ? in.sourceBytes : bytes;
  if (sourceBytes > static_cast<uint32_t>(bytes))
    block.fail(block.launch.describeSite(site) + ": copies " +
               std::to_string(bytes) + " bytes out of " +
               std::to_string(sourceBytes));
  constexpr unsigned kGlobal = 1, kShared = 3;
  // Both addresses are multiples of the whole size.
  if (sourceBytes != 0)
    block.access(thread, in.from, sourceBytes, bytes, kGlobal, Access::Read,
                 site);
  block.access(thread, in.to, bytes, bytes, kShared, Access::Write, site);
  block.beginCopy(thread, {block.getSharedOffset(in.to), in.from,
                           static_cast<uint32_t>(bytes), sourceBytes, site});
}

void commitCopies(uint32_t, const void *, void *, int32_t, int32_t, int32_t,
                  int32_t) {
  Thread &thread = *currentThread;
  thread.groups.push_back(std::move(thread.openGroup));
  thread.openGroup.clear();
}

void waitForCopies(uint32_t, const void *, void *, int32_t numPending, int32_t,
                   int32_t, int32_t) {
  Thread &thread = *currentThread;
  while (thread.groups.size() > static_cast<size_t>(numPending)) {
    for (const Copy &copy : thread.groups.front())
      thread.block->land(thread, copy);
    thread.groups.pop_front();
  }
}

//===----------------------------------------------------------------------===//
// mbarriers
//===----------------------------------------------------------------------===//

struct MBarrierOperands {
  char *address;
  union {
    uint32_t count;
    uint64_t state;
  };
};

/// The state of an mbarrier lies beside the memory of its 8 bytes, which belong
/// to it alone.
MBarrier &findMBarrier(const void *operands, uint32_t site) {
  Block &block = *currentThread->block;
  char *address = static_cast<const MBarrierOperands *>(operands)->address;
  if (!block.isInShared(address))
    block.fail(block.launch.describeSite(site) +
               ": the mbarrier is not in shared memory");
  auto found = block.mbarriers.find(block.getSharedOffset(address));
  if (found == block.mbarriers.end())
    block.fail(block.launch.describeSite(site) + ": thread " +
               toText(currentThread->id) + " uses byte " +
               std::to_string(block.getSharedOffset(address)) +
               " of shared memory as an mbarrier, which it is not (yet)");
  // Whoever uses it must be ordered after whoever made it.
  block.accessShared(*currentThread, block.getSharedOffset(address), 8,
                     Access::Atomic, site);
  return found->second;
}

void initMBarrier(uint32_t site, const void *operands, void *, int32_t, int32_t,
                  int32_t, int32_t) {
  Thread &thread = *currentThread;
  Block &block = *thread.block;
  auto &in = *static_cast<const MBarrierOperands *>(operands);
  if (in.count == 0 || in.count >= 1u << 20)
    block.fail(block.launch.describeSite(site) + ": " +
               std::to_string(in.count) + " threads cannot use an mbarrier");
  block.access(thread, in.address, 8, 8, /*space=*/3, Access::Write, site);
  MBarrier &barrier = block.mbarriers[block.getSharedOffset(in.address)];
  barrier = MBarrier();
  barrier.expected = barrier.pending = in.count;
}

void invalidateMBarrier(uint32_t site, const void *operands, void *, int32_t,
                        int32_t, int32_t, int32_t) {
  findMBarrier(operands, site);
  Block &block = *currentThread->block;
  block.mbarriers.erase(block.getSharedOffset(
      static_cast<const MBarrierOperands *>(operands)->address));
}

void completeIfDone(Block &block, MBarrier &barrier) {
  if (barrier.pending != 0 || barrier.pendingBytes != 0)
    return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
  barrier.completed = std::move(barrier.arriving);
  barrier.arriving.clear();
  for (Thread *waiting : barrier.waiting)
    block.wake(*waiting);
  barrier.waiting.clear();
}

void arriveAtMBarrier(MBarrier &barrier, uint32_t count, uint32_t site) {
  Thread &thread = *currentThread;
  if (count > barrier.pending)
    thread.block->fail(thread.block->launch.describeSite(site) +
                       ": more threads arrive than the mbarrier expects");
  thread.block->release(thread, barrier.arriving);
  barrier.pending -= count;
  completeIfDone(*thread.block, barrier);
}

void arriveMBarrier(uint32_t site, const void *operands, void *result,
                    int32_t hasCount, int32_t wantsState, int32_t, int32_t) {
  MBarrier &barrier = findMBarrier(operands, site);
  if (wantsState)
    *static_cast<uint64_t *>(result) = barrier.phase;
  auto &in = *static_cast<const MBarrierOperands *>(operands);
  arriveAtMBarrier(barrier, hasCount ? in.count : 1, site);
}

void arriveMBarrierExpecting(uint32_t site, const void *operands, void *result,
                             int32_t arrives, int32_t wantsState, int32_t,
                             int32_t) {
  MBarrier &barrier = findMBarrier(operands, site);
  if (wantsState)
    *static_cast<uint64_t *>(result) = barrier.phase;
  barrier.pendingBytes +=
      static_cast<const MBarrierOperands *>(operands)->count;
  if (arrives)
    arriveAtMBarrier(barrier, 1, site);
}

/// Copies land here already, which they may.
void arriveAfterCopies(uint32_t site, const void *operands, void *,
                       int32_t noIncrement, int32_t, int32_t, int32_t) {
  Thread &thread = *currentThread;
  MBarrier &barrier = findMBarrier(operands, site);
  for (const auto &group : thread.groups)
    for (const Copy &copy : group)
      thread.block->land(thread, copy);
  for (const Copy &copy : thread.openGroup)
    thread.block->land(thread, copy);
  for (auto &group : thread.groups)
    group.clear();
  thread.openGroup.clear();
  if (!noIncrement)
    ++barrier.pending;
  arriveAtMBarrier(barrier, 1, site);
}

void waitMBarrier(uint32_t site, const void *operands, void *result,
                  int32_t isParity, int32_t blocks, int32_t wantsResult,
                  int32_t) {
  Thread &thread = *currentThread;
  MBarrier &barrier = findMBarrier(operands, site);
  auto &in = *static_cast<const MBarrierOperands *>(operands);
  auto isComplete = [&] {
    return isParity ? barrier.phase % 2 != in.count % 2
                    : barrier.phase != in.state;
  };
  if (!blocks && !isComplete())
    thread.block->yield(thread);
  while (blocks && !isComplete())
    thread.block->waitAtMBarrier(thread, barrier, site);
  if (isComplete())
    thread.block->acquire(thread, barrier.completed);
  if (wantsResult)
    *static_cast<bool *>(result) = isComplete();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

struct DotOperands {
  uint8_t a[4], b[4];
  uint32_t c;
};

void dot(uint32_t, const void *operands, void *result, int32_t aIsSigned,
         int32_t bIsSigned, int32_t, int32_t) {
  auto &in = *static_cast<const DotOperands *>(operands);
  auto widen = [](uint8_t byte, int32_t isSigned) {
    return isSigned ? static_cast<int8_t>(byte) : byte;
  };
  uint32_t sum = in.c;
  for (int i = 0; i < 4; ++i)
    sum += widen(in.a[i], aIsSigned) * widen(in.b[i], bIsSigned);
  *static_cast<uint32_t *>(result) = sum;
}

struct PermuteOperands {
  uint32_t lo, hi, selector;
};

void permute(uint32_t, const void *operands, void *result, int32_t mode,
             int32_t, int32_t, int32_t) {
  enum {
    Index,
    Forward,
    Backward,
    Replicate8,
    EdgeLeft,
    EdgeRight,
    Replicate16
  };
  auto &in = *static_cast<const PermuteOperands *>(operands);
  uint64_t bytes = static_cast<uint64_t>(in.hi) << 32 | in.lo;
  auto select = [&](unsigned which, unsigned signCopies) -> uint32_t {
    uint32_t byte = bytes >> 8 * which & 0xff;
    return signCopies ? (byte & 0x80 ? 0xff : 0) : byte;
  };
  int s = in.selector & 3;
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    uint32_t byte;
    switch (mode) {
    case Index:
      byte = select(in.selector >> 4 * i & 7, in.selector >> 4 * i & 8);
      break;
    case Forward:
      byte = select(s + i, 0);
      break;
    case Backward:
      byte = select((s + 8 - i) % 8, 0);
      break;
    case Replicate8:
      byte = select(s, 0);
      break;
    case EdgeLeft:
      byte = select(std::max(i, s), 0);
      break;
    case EdgeRight:
      byte = select(std::min(i, s), 0);
      break;
    default:
      byte = select((s & 1) * 2 + i % 2, 0);
    }
    value |= byte << 8 * i;
  }
  *static_cast<uint32_t *>(result) = value;
}

} // namespace

uint64_t stamp::emulator::makeKey(Operation operation, uint32_t qualifiers) {
  return static_cast<uint64_t>(operation) << 32 | qualifiers;
}

void stamp::emulator::meetWarp(
    const Request &request,
    llvm::function_ref<void(ArrayRef<Thread *>)> perform) {
  Thread &thread = *currentThread;
  thread.block->perhapsYield(thread);
  thread.block->meet(thread, request, kWarpSize, perform);
}

void stamp::emulator::addOperations(Symbols &symbols) {
  auto add = [&](const char *name, auto *function) {
    symbols.emplace_back(name, reinterpret_cast<void *>(function));
  };
  add("stampEmuRegister", &readRegister);
  add("stampEmuAccess", &checkAccess);
  add("stampEmuAccessRange", &checkRange);
  add("stampEmuShared", &getShared);
  add("stampEmuDynamicShared", &getDynamicShared);
  add("stampEmuEnter", &enterFunction);
  add("stampEmuLocal", &addLocal);
  add("stampEmuLeave", &leaveFunction);

  add("stampEmuShfl", &shuffle);
  add("stampEmuVote", &vote);
  add("stampEmuRedux", &redux);
  add("stampEmuSyncWarp", &syncWarp);
  add("stampEmuElect", &elect);
  add("stampEmuMatch", &match);
  add("stampEmuBarrier", &barrier);
  add("stampEmuBarrierArrive", &arriveAtBarrier);
  add("stampEmuFenceProxy", &fenceProxy);
  add("stampEmuCpAsync", &copyAsync);
  add("stampEmuCpAsyncCommit", &commitCopies);
  add("stampEmuCpAsyncWait", &waitForCopies);
  add("stampEmuCpAsyncMBarrierArrive", &arriveAfterCopies);
  add("stampEmuMBarrierInit", &initMBarrier);
  add("stampEmuMBarrierInval", &invalidateMBarrier);
  add("stampEmuMBarrierArrive", &arriveMBarrier);
  add("stampEmuMBarrierExpect", &arriveMBarrierExpecting);
  add("stampEmuMBarrierWait", &waitMBarrier);
  add("stampEmuDot4", &dot);
  add("stampEmuPermute", &permute);
}
