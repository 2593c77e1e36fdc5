//===- SharedMemory.cpp - who may touch what, and in which order ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Two accesses to a byte of shared memory race if neither is ordered before the
// other and one of them writes. A thread t is ordered after tick c of thread u
// if its knowledge says known[u] ≥ c; barriers and mbarriers pass knowledge on.
// This does not depend on the schedule: a missing barrier is found even when
// the threads happen to take turns as if it were there.
//
// Of those who have read a byte since it was written, the last two are kept. A
// write without a barrier races with all readers but perhaps itself, so one of
// the two is enough.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <cstring>

using namespace stamp::emulator;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

static void join(Knowledge &into, const Knowledge &from) {
  for (size_t i = 0; i < into.size(); ++i)
    into[i] = std::max(into[i], from[i]);
}

void Block::synchronize(llvm::ArrayRef<Thread *> group) {
  auto joined = std::make_shared<Knowledge>(group.front()->known->size(), 0);
  const Knowledge *last = nullptr;
  for (Thread *thread : group) {
    // Threads that met before share one object.
    if (thread->known.get() != last)
      join(*joined, *thread->known);
    last = thread->known.get();
  }
  for (Thread *thread : group)
    (*joined)[thread->index] = thread->clock;
  for (Thread *thread : group) {
    thread->known = joined;
    ++thread->clock;
  }
}

void Block::release(Thread &thread, Knowledge &into) {
  into.resize(thread.known->size());
  join(into, *thread.known);
  into[thread.index] = std::max(into[thread.index], thread.clock);
  ++thread.clock;
}

void Block::acquire(Thread &thread, const Knowledge &from) {
  if (from.empty())
    return;
  auto joined = std::make_shared<Knowledge>(*thread.known);
  join(*joined, from);
  thread.known = std::move(joined);
}

//===----------------------------------------------------------------------===//
// Every access
//===----------------------------------------------------------------------===//

static const char *toText(Access kind) {
  switch (kind) {
  case Access::Read:
    return "read";
  case Access::Write:
    return "write";
  case Access::Atomic:
    return "atomic";
  }
  llvm_unreachable("unknown access");
}

void Block::failAccess(const Thread &thread, const char *problem,
                       uint32_t bytes, Access kind, uint32_t site,
                       const std::string &where) {
  fail((Twine(problem) + ": " + launch.describeSite(site) + ": thread " +
        emulator::toText(thread.id) + ", " + ::toText(kind) + " of " +
        Twine(bytes) + " bytes " + where)
           .str());
}

void Block::failRace(const Thread &thread, uint32_t offset, Access kind,
                     uint32_t site, const std::string &other,
                     uint32_t otherSite) {
  fail((Twine("data race on shared memory, byte ") + Twine(offset) + ": " +
        ::toText(kind) + " by thread " + emulator::toText(thread.id) + ", " +
        launch.describeSite(site) + "; " + other + ", " +
        launch.describeSite(otherSite) + "; nothing orders them")
           .str());
}

std::string Block::describeReader(uint32_t reader) const {
  if (reader < threads.size())
    return "read by thread " + emulator::toText(threads[reader].id);
  return ("read by the wgmma of warp " + Twine(reader - threads.size()) +
          ", which nobody has waited for")
      .str();
}

/// The address space of a pointer, in NVPTX's numbers.
static const char *getSpaceName(unsigned space) {
  switch (space) {
  case 1:
    return "global memory";
  case 3:
    return "shared memory";
  case 4:
    return "constant memory";
  case 5:
    return "local memory";
  default:
    return "memory";
  }
}

void Block::access(Thread &thread, const void *address, uint32_t bytes,
                   uint32_t alignment, unsigned space, Access kind,
                   uint32_t site) {
  auto *begin = static_cast<const char *>(address);
  if (reinterpret_cast<uint64_t>(begin) % alignment != 0)
    failAccess(thread, "misaligned access", bytes, kind, site,
               "at an address that is no multiple of " +
                   std::to_string(alignment));

  bool isShared = isInShared(begin);
  if (isShared != (space == 3) && space != 0)
    failAccess(thread, "pointer into the wrong memory", bytes, kind, site,
               std::string("through a pointer to ") + getSpaceName(space));
  if (isShared)
    return accessShared(thread, getSharedOffset(begin), bytes, kind, site);

  auto contains = [&](const char *first, const char *last) {
    return begin >= first && begin < last &&
           bytes <= static_cast<uint64_t>(last - begin);
  };
  for (auto [first, last] : llvm::reverse(thread.locals))
    if (contains(first, last))
      return;
  const char *stack = worker.getStack(thread.index);
  if (begin >= stack && begin < stack + Worker::kStackBytes)
    failAccess(thread, "out of bounds in local memory", bytes, kind, site,
               "in no variable of the thread");

  // The last buffer that begins before the access ends.
  auto next = llvm::upper_bound(launch.buffers, begin + (bytes ? bytes - 1 : 0),
                                [](const char *address, const Buffer &buffer) {
                                  return address < buffer.begin;
                                });
  if (next == launch.buffers.begin())
    failAccess(thread, "out of bounds in global memory", bytes, kind, site,
               "where no buffer is");
  const Buffer &buffer = *std::prev(next);
  if (contains(buffer.begin, buffer.end))
    return;
  failAccess(thread, "out of bounds in global memory", bytes, kind, site,
             "at byte " + std::to_string(begin - buffer.begin) +
                 " of a buffer of " +
                 std::to_string(buffer.end - buffer.begin));
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

void Block::accessShared(Thread &thread, uint32_t offset, uint32_t bytes,
                         Access kind, uint32_t site, uint32_t reader,
                         Clock readClock) {
  if (offset + uint64_t(bytes) > launch.sharedBytes)
    failAccess(thread, "out of bounds in shared memory", bytes, kind, site,
               "at byte " + std::to_string(offset) + " of " +
                   std::to_string(launch.sharedBytes));
  for (uint32_t i = offset; i < offset + bytes; ++i) {
    Cell &cell = worker.cells[i];
    if (cell.isInFlight)
      fail((Twine("missing wait for cp.async: ") + ::toText(kind) +
            " by thread " + emulator::toText(thread.id) + ", " +
            launch.describeSite(site) + ", of byte " + Twine(i) +
            " of shared memory, which thread " +
            emulator::toText(threads[cell.writer].id) + " is still copying, " +
            launch.describeSite(cell.writeSite))
               .str());
    bool bothAtomic = kind == Access::Atomic && cell.isAtomic;
    if (cell.isWritten && !bothAtomic &&
        !isOrdered(thread, cell.writer, cell.writeClock))
      failRace(thread, i, kind, site,
               "write by thread " + emulator::toText(threads[cell.writer].id),
               cell.writeSite);
    if (kind != Access::Write && !cell.isWritten)
      failAccess(thread, "uninitialised shared memory", bytes, kind, site,
                 "at byte " + std::to_string(offset) + "; nobody has written " +
                     "byte " + std::to_string(i));
    if (kind != Access::Read) {
      for (uint32_t r = 0; r < cell.numReaders; ++r)
        if (!isOrdered(thread, cell.readers[r], cell.readClocks[r]))
          failRace(thread, i, kind, site, describeReader(cell.readers[r]),
                   cell.readSites[r]);
      cell.writer = thread.index;
      cell.writeClock = thread.clock;
      cell.writeSite = site;
      cell.isWritten = true;
      cell.isAtomic = kind == Access::Atomic;
      cell.numReaders = 0;
      continue;
    }
    // Slot 0 is the most recent one.
    if (cell.numReaders == 0 || cell.readers[0] != reader) {
      cell.readers[1] = cell.readers[0];
      cell.readClocks[1] = cell.readClocks[0];
      cell.readSites[1] = cell.readSites[0];
      cell.numReaders = std::min(cell.numReaders + 1, 2);
    }
    cell.readers[0] = reader;
    cell.readClocks[0] = readClock;
    cell.readSites[0] = site;
  }
}

void Block::readByAsyncProxy(Thread &thread, uint32_t offset, uint32_t bytes,
                             uint32_t site) {
  accessShared(thread, offset, bytes, Access::Read, site, getAgent(thread),
               committed[thread.warp()] + 1);
  for (uint32_t i = offset; i < offset + bytes; ++i) {
    const Cell &cell = worker.cells[i];
    const Thread &writer = threads[cell.writer];
    if (cell.writeClock > writer.proxyFence)
      fail((Twine("missing fence.proxy.async: ") + launch.describeSite(site) +
            " reads byte " + Twine(i) + " of shared memory, which thread " +
            emulator::toText(writer.id) + " wrote, " +
            launch.describeSite(cell.writeSite) +
            ", and did not make visible to the async proxy")
               .str());
  }
}

void Block::beginCopy(Thread &thread, const Copy &copy) {
  accessShared(thread, copy.to, copy.bytes, Access::Write, copy.site);
  for (uint32_t i = copy.to; i < copy.to + copy.bytes; ++i)
    worker.cells[i].isInFlight = true;
  thread.openGroup.push_back(copy);
}

void Block::land(Thread &thread, const Copy &copy) {
  std::memcpy(worker.arena + copy.to, copy.from, copy.sourceBytes);
  std::memset(worker.arena + copy.to + copy.sourceBytes, 0,
              copy.bytes - copy.sourceBytes);
  for (uint32_t i = copy.to; i < copy.to + copy.bytes; ++i) {
    Cell &cell = worker.cells[i];
    cell.isInFlight = false;
    cell.writeClock = thread.clock;
  }
}
