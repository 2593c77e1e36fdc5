//===- LoopNest.h - Which loops walk along which tensors -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each op is a perfect nest with a loop per dimension of its largest operand,
// and each of its operands has some of these dimensions, in order. Tiling, the
// bounds of sizes and static shapes all follow from that.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_LOOPNEST_H
#define STAMP_IR_LOOPNEST_H

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "mlir/IR/Operation.h"

#include <optional>

namespace stamp {

/// The loop that walks along each dimension of a tensor or buffer, or kWhole.
using Loops = llvm::SmallVector<int64_t>;

/// A dimension that no loop walks along: every tile has all of it.
constexpr int64_t kWhole = -1;

struct LoopNest {
  LoopNest(mlir::Value domain, llvm::ArrayRef<int64_t> mixed = {})
      : numLoops(llvm::cast<mlir::ShapedType>(domain.getType()).getRank()),
        mixed(mixed) {}

  Loops all() const { return llvm::to_vector(llvm::seq(numLoops)); }
  Loops first(int64_t count) const { return llvm::to_vector(llvm::seq(count)); }
  Loops allBut(int64_t loop) const {
    Loops loops = all();
    loops.erase(loops.begin() + loop);
    return loops;
  }

  /// The loops along a tensor that has one number per group of `dimension`, or
  /// none at all. The groups are a loop of their own, and as mixed as the
  /// dimension: a tile could hold a part of a group.
  Loops perGroup(int64_t dimension, bool hasGroups) {
    if (!hasGroups)
      return allBut(dimension);
    Loops loops = all();
    loops[dimension] = numLoops++;
    mixed = {dimension, loops[dimension]};
    return loops;
  }

  int64_t numLoops;
  llvm::SmallVector<int64_t> mixed; ///< The loops that a tile holds in whole.
  /// If the mixed loop is one in runs of so many turns only.
  std::optional<int64_t> block;
  /// Per operand; empty for what has no dimensions and belongs to every tile.
  llvm::SmallVector<Loops> operands;
};

/// The nest of any op of the dialect.
LoopNest getLoopNest(mlir::Operation *op);

/// The dimensions of the op's operands that a loop walks along. The op means
/// nothing unless their sizes agree.
llvm::SmallVector<std::pair<mlir::Value, int64_t>>
getDimensionsAlong(mlir::Operation *op, const LoopNest &nest, int64_t loop);

/// The loops that walk along a result, which are those of its init.
const Loops &getResultLoops(mlir::Operation *op, const LoopNest &nest,
                            unsigned resultNumber);

} // namespace stamp

#endif // STAMP_IR_LOOPNEST_H
