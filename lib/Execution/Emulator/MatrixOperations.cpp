//===- MatrixOperations.cpp - tensor cores without a GPU ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Where the elements of a matrix lie among the registers of a warp. All of
// mma.sync's integer shapes are one formula. P = 32/bits elements fit a
// register; lane l has g = ⌊l/4⌋ and t = l mod 4; element i of register r is
//
//   A[g + 8·(r mod 2)][P·t + i + 4P·⌊r/2⌋]     B[P·t + i + 4P·r][g]
//
// (with m8, A has one register, so r = 0), and register r of C and D is
//
//   C[g + 8·⌊r/2⌋][2t + r mod 2]
//
// The test derives each shape from the PTX ISA's own case distinctions.
//
//===----------------------------------------------------------------------===//

#include "Operation.h"

#include <algorithm>
#include <array>
#include <cstring>

using namespace stamp::emulator;
using llvm::ArrayRef;

namespace {

constexpr unsigned kSharedSpace = 3;

//===----------------------------------------------------------------------===//
// ldmatrix, stmatrix: 8×8 matrices of 16 bits
//===----------------------------------------------------------------------===//

/// Lane l's register of a matrix is row ⌊l/4⌋, columns 2·(l mod 4) and the
/// next; of a transposed one, the same of the transpose.
template <typename Fn>
void forEachElement(const Thread &lane, bool isTransposed, Fn fn) {
  for (unsigned half = 0; half < 2; ++half) {
    unsigned row = lane.lane() / 4, column = lane.lane() % 4 * 2 + half;
    if (isTransposed)
      std::swap(row, column);
    fn(half, row, column);
  }
}

/// The rows' addresses come from lanes 8·matrix … 8·matrix + 7.
char *getRow(ArrayRef<Thread *> lanes, unsigned matrix, unsigned row) {
  return *static_cast<char *const *>(
      lanes[8 * matrix + row]->request->operands);
}

void checkRows(ArrayRef<Thread *> lanes, unsigned numMatrices, Access kind,
               uint32_t site) {
  constexpr uint32_t kRowBytes = 16;
  for (Thread *lane : lanes.take_front(8 * numMatrices))
    lane->block->access(*lane,
                        *static_cast<char *const *>(lane->request->operands),
                        kRowBytes, kRowBytes, kSharedSpace, kind, site);
}

void loadMatrix(uint32_t site, const void *operands, void *result,
                int32_t numMatrices, int32_t isTransposed, int32_t, int32_t) {
  Request request = {
      "ldmatrix",
      makeKey(Operation::LoadMatrix, numMatrices << 1 | isTransposed),
      ~0u,
      /*aligned=*/true,
      site,
      operands,
      result};
  meetWarp(request, [&](ArrayRef<Thread *> lanes) {
    checkRows(lanes, numMatrices, Access::Read, site);
    for (const Thread *lane : lanes)
      for (int32_t matrix = 0; matrix < numMatrices; ++matrix) {
        uint16_t halves[2];
        forEachElement(*lane, isTransposed,
                       [&](unsigned half, unsigned row, unsigned column) {
                         std::memcpy(&halves[half],
                                     getRow(lanes, matrix, row) + 2 * column,
                                     2);
                       });
        std::memcpy(static_cast<char *>(lane->request->results) + 4 * matrix,
                    halves, 4);
      }
  });
}

struct StoreMatrixOperands {
  char *row;
  uint32_t registers[4];
};

void storeMatrix(uint32_t site, const void *operands, void *result,
                 int32_t numMatrices, int32_t isTransposed, int32_t, int32_t) {
  Request request = {
      "stmatrix",
      makeKey(Operation::StoreMatrix, numMatrices << 1 | isTransposed),
      ~0u,
      /*aligned=*/true,
      site,
      operands,
      result};
  meetWarp(request, [&](ArrayRef<Thread *> lanes) {
    checkRows(lanes, numMatrices, Access::Write, site);
    for (const Thread *lane : lanes)
      for (int32_t matrix = 0; matrix < numMatrices; ++matrix) {
        uint32_t value =
            static_cast<const StoreMatrixOperands *>(lane->request->operands)
                ->registers[matrix];
        forEachElement(*lane, isTransposed,
                       [&](unsigned half, unsigned row, unsigned column) {
                         auto bits = static_cast<uint16_t>(value >> 16 * half);
                         std::memcpy(getRow(lanes, matrix, row) + 2 * column,
                                     &bits, 2);
                       });
      }
  });
}

//===----------------------------------------------------------------------===//
// mma.sync on integers
//===----------------------------------------------------------------------===//

/// D = A·B + C, each with its elements in place.
struct Tile {
  static constexpr int kMaxM = 16, kN = 8, kMaxK = 64;
  int32_t a[kMaxM][kMaxK];
  int32_t b[kMaxK][kN];
};

int32_t getElement(uint32_t word, int i, int bits, bool isSigned) {
  uint32_t element = word >> i * bits & ((1u << bits) - 1);
  return isSigned && element >> (bits - 1) ? element - (1 << bits) : element;
}

int32_t accumulate(int64_t sum, bool saturates) {
  if (saturates)
    return static_cast<int32_t>(std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX));
  return static_cast<int32_t>(static_cast<uint32_t>(sum));
}

/// `types` is the width of an element, + 16 if A is signed, + 32 if B is.
void multiply(uint32_t site, const void *operands, void *result, int32_t m,
              int32_t k, int32_t types, int32_t saturates) {
  int bits = types & 15, perRegister = 32 / bits;
  bool aIsSigned = types & 16, bIsSigned = types & 32;
  int numB = k / (4 * perRegister), numA = numB * m / 8, numC = m / 4;
  Request request = {"mma.sync",
                     makeKey(Operation::Multiply, types << 16 | m << 8 | k),
                     ~0u,
                     /*aligned=*/true,
                     site,
                     operands,
                     result};
  meetWarp(request, [&](ArrayRef<Thread *> lanes) {
    // Registers of A, then B, then C.
    auto getRegister = [&](const Thread *lane, int index) {
      return static_cast<const uint32_t *>(lane->request->operands)[index];
    };
    Tile tile;
    for (const Thread *lane : lanes) {
      int g = lane->lane() / 4, t = lane->lane() % 4;
      for (int i = 0; i < perRegister; ++i) {
        for (int r = 0; r < numA; ++r) {
          int half = m == 16 ? r % 2 : 0, step = m == 16 ? r / 2 : r;
          tile.a[g + 8 * half][perRegister * (t + 4 * step) + i] =
              getElement(getRegister(lane, r), i, bits, aIsSigned);
        }
        for (int r = 0; r < numB; ++r)
          tile.b[perRegister * (t + 4 * r) + i][g] =
              getElement(getRegister(lane, numA + r), i, bits, bIsSigned);
      }
    }
    for (const Thread *lane : lanes) {
      int g = lane->lane() / 4, t = lane->lane() % 4;
      for (int r = 0; r < numC; ++r) {
        int row = g + r / 2 * 8, column = 2 * t + r % 2;
        int64_t sum = static_cast<int32_t>(getRegister(lane, numA + numB + r));
        for (int x = 0; x < k; ++x)
          sum += tile.a[row][x] * tile.b[x][column];
        static_cast<int32_t *>(lane->request->results)[r] =
            accumulate(sum, saturates);
      }
    }
  });
}

//===----------------------------------------------------------------------===//
// wgmma on integers
//===----------------------------------------------------------------------===//

/// A matrix in shared memory whose rows lie along K, 32 bytes of which take
/// part: 8 rows by 16 bytes are a core matrix. Swizzling exchanges the 16-byte
/// pieces of a row within 32, 64 or 128 bytes, by bits of the address.
struct Descriptor {
  uint32_t start, leadingBytes, strideBytes;
  unsigned swizzle;

  explicit Descriptor(uint64_t word)
      : start((word & 0x3fff) << 4), leadingBytes((word >> 16 & 0x3fff) << 4),
        strideBytes((word >> 32 & 0x3fff) << 4), swizzle(word >> 62) {}

  /// Where 16 bytes of a row begin.
  uint32_t locate(unsigned row, unsigned piece) const {
    uint32_t group = start + row / 8 * strideBytes;
    if (swizzle == 0)
      return group + piece * leadingBytes + row % 8 * 16;
    // 1: 128 bytes, 2: 64 bytes, 3: 32 bytes.
    uint32_t pitch = 256u >> swizzle;
    uint32_t address = group + row % 8 * pitch + piece * 16;
    return address ^ ((address >> 3) & (pitch - 16));
  }
};

/// 32 bytes of K, for one row.
using Run = std::array<char, 32>;

/// Reads some rows.
void readRows(Thread &thread, const Descriptor &descriptor, unsigned first,
              llvm::MutableArrayRef<Run> rows, uint32_t site) {
  for (unsigned row = 0; row < rows.size(); ++row)
    for (unsigned piece = 0; piece < 2; ++piece) {
      uint32_t offset = descriptor.locate(first + row, piece);
      thread.block->readByAsyncProxy(thread, offset, 16, site);
      std::memcpy(rows[row].data() + piece * 16,
                  thread.block->worker.arena + offset, 16);
    }
}

/// With A in shared memory.
struct WgmmaOperands {
  uint64_t b, a;

  void readWarp(ArrayRef<Thread *> lanes, unsigned warp, uint32_t site,
                llvm::MutableArrayRef<Run> rows) const {
    readRows(*lanes.front(), Descriptor(a), 16 * warp, rows, site);
  }
  bool agrees(const WgmmaOperands &other) const {
    return a == other.a && b == other.b;
  }
};

/// With A in registers: as `mma.sync` m16n8k32 has it, in each of four warps.
struct RegisterWgmmaOperands {
  uint64_t b;
  std::array<uint32_t, 4> a;

  static void readWarp(ArrayRef<Thread *> lanes, unsigned, uint32_t,
                       llvm::MutableArrayRef<Run> rows) {
    for (const Thread *lane : lanes) {
      const auto &own =
          *static_cast<const RegisterWgmmaOperands *>(lane->request->operands);
      unsigned g = lane->lane() / 4, t = lane->lane() % 4;
      for (unsigned r = 0; r < 4; ++r)
        std::memcpy(rows[g + r % 2 * 8].data() + 4 * t + r / 2 * 16, &own.a[r],
                    4);
    }
  }
  bool agrees(const RegisterWgmmaOperands &other) const { return b == other.b; }
};

/// m64 n k32: `n`, `types` as for mma.sync, and flags: 1 saturates, 2 adds to
/// D. The result begins as a copy of the accumulators.
template <typename Operands>
void multiplyGroup(uint32_t site, const void *operands, void *result, int32_t n,
                   int32_t types, int32_t flags, int32_t) {
  constexpr unsigned kMaxN = 256, kGroup = 128;
  bool aIsSigned = types & 16, bIsSigned = types & 32;
  Thread &thread = *currentThread;
  Block &block = *thread.block;
  block.perhapsYield(thread);
  if (!thread.hasFencedWgmma)
    block.fail("missing wgmma.fence: thread " + toText(thread.id) +
               " has none before " + block.launch.describeSite(site));
  thread.hasPendingWgmma = true;
  Request request = {"wgmma.mma_async",
                     makeKey(Operation::Wgmma, types << 16 | n),
                     ~0u,
                     /*aligned=*/true,
                     site,
                     operands,
                     result};
  block.meet(thread, request, kGroup, [&](ArrayRef<Thread *> lanes) {
    auto in = [](const Thread *lane) -> const Operands & {
      return *static_cast<const Operands *>(lane->request->operands);
    };
    const Operands &common = in(lanes.front());
    for (const Thread *lane : lanes)
      if (!in(lane).agrees(common))
        block.fail(block.launch.describeSite(site) + ": threads " +
                   toText(lanes.front()->id) + " and " + toText(lane->id) +
                   " have different descriptors");
    for (unsigned warp = 0; warp < 4; ++warp) {
      ArrayRef<Thread *> warpLanes = lanes.slice(warp * kWarpSize, kWarpSize);
      std::array<Run, 16> a;
      std::array<Run, kMaxN> b;
      common.readWarp(warpLanes, warp, site, a);
      readRows(*warpLanes.front(), Descriptor(common.b), 0,
               llvm::MutableArrayRef(b).take_front(n), site);
      auto get = [](char byte, bool isSigned) -> int32_t {
        return isSigned ? static_cast<int8_t>(byte)
                        : static_cast<uint8_t>(byte);
      };
      for (const Thread *lane : warpLanes) {
        int g = lane->lane() / 4, t = lane->lane() % 4;
        auto *d = static_cast<int32_t *>(lane->request->results);
        for (int r = 0; r < n / 2; ++r) {
          int row = g + r / 2 % 2 * 8, column = r / 4 * 8 + 2 * t + r % 2;
          int32_t product = 0;
          for (unsigned k = 0; k < a[row].size(); ++k)
            product += get(a[row][k], aIsSigned) * get(b[column][k], bIsSigned);
          d[r] =
              accumulate(int64_t{product} + (flags & 2 ? d[r] : 0), flags & 1);
        }
      }
    }
  });
}

void fenceWgmma(uint32_t, const void *, void *, int32_t, int32_t, int32_t,
                int32_t) {
  currentThread->hasFencedWgmma = true;
}

/// A group belongs to a warp; its first lane to come counts it.
void commitWgmma(uint32_t site, const void *operands, void *result, int32_t,
                 int32_t, int32_t, int32_t) {
  currentThread->site = site;
  Request request = {"wgmma.commit_group",
                     makeKey(Operation::WgmmaCommit, 0),
                     ~0u,
                     /*aligned=*/true,
                     site,
                     operands,
                     result};
  meetWarp(request, [](ArrayRef<Thread *> lanes) {
    ++currentThread->block->committed[currentThread->warp()];
    for (Thread *lane : lanes)
      lane->hasPendingWgmma = false;
  });
}

void waitForWgmma(uint32_t site, const void *operands, void *result,
                  int32_t numPending, int32_t, int32_t, int32_t) {
  Request request = {"wgmma.wait_group",
                     makeKey(Operation::WgmmaWait, numPending),
                     ~0u,
                     /*aligned=*/true,
                     site,
                     operands,
                     result};
  meetWarp(request, [numPending](ArrayRef<Thread *> lanes) {
    Block &block = *currentThread->block;
    Clock committed = block.committed[currentThread->warp()];
    if (committed <= static_cast<Clock>(numPending))
      return;
    for (Thread *lane : lanes) {
      Knowledge done(lane->known->size(), 0);
      done[block.getAgent(*lane)] = committed - numPending;
      block.acquire(*lane, done);
    }
  });
}

} // namespace

void stamp::emulator::addMatrixOperations(Symbols &symbols) {
  auto add = [&](const char *name, auto *function) {
    symbols.emplace_back(name, reinterpret_cast<void *>(function));
  };
  add("stampEmuLdMatrix", &loadMatrix);
  add("stampEmuStMatrix", &storeMatrix);
  add("stampEmuMma", &multiply);
  add("stampEmuWgmma", &multiplyGroup<WgmmaOperands>);
  add("stampEmuRegisterWgmma", &multiplyGroup<RegisterWgmmaOperands>);
  add("stampEmuWgmmaFence", &fenceWgmma);
  add("stampEmuWgmmaCommit", &commitWgmma);
  add("stampEmuWgmmaWait", &waitForWgmma);
}
