//===- GPUTarget.cpp - What kernels must know of a GPU ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tile sizes stand here and nowhere else. All chips have `mma.sync` on 8-bit
// integers, m16n8k32, and kernels use it where there is no `wgmma`; warps of
// 64 × 64 results read each fragment of A and of the weight once for four or
// eight of these. Two CTAs share a multiprocessor, so that one multiplies while
// the other starts or stores: their registers are all that there are.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/GPUTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace stamp;

static constexpr ProductTile kWarpTiles = {
    /*rows=*/128,       /*columns=*/128,
    /*depth=*/64,       /*warpRows=*/64,
    /*warpColumns=*/64,
    /*stages=*/4};

/// For `wgmma`; see ProductWarpgroup.cpp.
static constexpr ProductTile kWarpgroupTiles = {
    /*rows=*/128,       /*columns=*/256,
    /*depth=*/128,      /*warpRows=*/128,
    /*warpColumns=*/32,
    /*stages=*/4};

/// Eight tokens fill an instruction, and with sixteen, for whose sums and
/// stages there is room, instructions still wait for memory. More tokens are
/// several tiles, and each reads the weight again, from L2 at best.
static constexpr FewTokensTile kFewTokens = {
    /*limit=*/16, /*rows=*/16, /*channels=*/32, /*warps=*/8};

/// The oldest first. Multiprocessors are those of the chip's largest product.
static constexpr GPUTarget kTargets[] = {
    {"sm_80", "+ptx70", 163 * 1024, false, 108, kWarpTiles, kFewTokens, 256,
     64},
    {"sm_86", "+ptx71", 99 * 1024, false, 84, kWarpTiles, kFewTokens, 256, 64},
    {"sm_89", "+ptx78", 99 * 1024, false, 142, kWarpTiles, kFewTokens, 256, 64},
    {"sm_90a", "+ptx80", 227 * 1024, true, 132, kWarpgroupTiles, kFewTokens,
     256, 64},
    {"sm_100a", "+ptx86", 227 * 1024, false, 148, kWarpTiles, kFewTokens, 256,
     64},
};

static std::optional<unsigned> getVersion(llvm::StringRef chip) {
  unsigned version;
  if (!chip.consume_front("sm_") || chip.consumeInteger(10, version))
    return std::nullopt;
  return version;
}

std::optional<GPUTarget> GPUTarget::get(llvm::StringRef chip) {
  std::optional<unsigned> version = getVersion(chip);
  if (!version)
    return std::nullopt;
  for (const GPUTarget &target : llvm::reverse(kTargets)) {
    // What has a letter is for one chip alone.
    bool isForAll = !target.chip.ends_with("a");
    if (target.chip == chip ||
        (isForAll && *getVersion(target.chip) <= *version))
      return target;
  }
  return std::nullopt;
}

std::string GPUTarget::names() {
  return llvm::join(
      llvm::map_range(kTargets,
                      [](const GPUTarget &target) { return target.chip; }),
      ", ");
}
