//===- GPUTarget.h - What kernels must know of a GPU ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_GPU_GPUTARGET_H
#define STAMP_CODEGEN_GPU_GPUTARGET_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace stamp {

/// How a product is cut: a CTA's tile of the result, a warp's part of it, and
/// how many inputs are multiplied between two barriers.
struct ProductTile {
  int64_t rows, columns, depth;
  int64_t warpRows, warpColumns;
  int64_t stages; ///< tiles of both operands on their way, at most

  int64_t warps() const { return rows / warpRows * (columns / warpColumns); }
  int64_t threads() const { return 32 * warps(); }
};

/// The same for few tokens. A CTA has all of K, or a part of it.
struct FewTokensTile {
  int64_t limit; ///< tokens of a sequence that are few
  int64_t rows, channels;
  int64_t warps; ///< that share K

  int64_t threads() const { return 32 * warps; }
};

struct GPUTarget {
  llvm::StringRef chip;
  llvm::StringRef ptxFeature; ///< the oldest PTX version that has the chip
  int64_t sharedBytes;        ///< that a CTA may ask for
  bool hasWgmma;              ///< products are ones of warpgroups
  int64_t multiprocessors;    ///< that there should be CTAs for
  ProductTile productTile;
  FewTokensTile fewTokensTile;
  int64_t quantizeThreads; ///< of a CTA that quantizes tokens
  int64_t quantizeValues;  ///< f32 that a thread of it transforms at once

  /// Shared memory that a kernel has without asking the driver for more.
  static constexpr int64_t staticSharedBytes = 48 * 1024;

  /// The record for a chip such as `sm_90a`: its own, or that of the newest
  /// older one whose instructions all later chips have.
  static std::optional<GPUTarget> get(llvm::StringRef chip);
  static std::string names();
};

} // namespace stamp

#endif // STAMP_CODEGEN_GPU_GPUTARGET_H
