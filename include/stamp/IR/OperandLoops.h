//===- OperandLoops.h - How our ops walk along their tensors ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_OPERANDLOOPS_H
#define STAMP_IR_OPERANDLOOPS_H

#include "mlir/IR/Operation.h"

#include <optional>

namespace stamp {

/// A stamp op as a loop nest: what its TilingInterface knows of it.
struct OperandLoops {
  /// Per operand, the loop that walks along each of its dimensions; empty for
  /// what is not a tensor.
  llvm::SmallVector<llvm::SmallVector<int64_t>> operands;
  /// The loop whose turns depend on each other; all others are parallel.
  std::optional<int64_t> mixed;
};

/// nullopt if `op` is none of ours.
std::optional<OperandLoops> getOperandLoops(mlir::Operation *op);

} // namespace stamp

#endif // STAMP_IR_OPERANDLOOPS_H
