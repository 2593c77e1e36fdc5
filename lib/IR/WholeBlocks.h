//===- WholeBlocks.h - Does a tile hold whole blocks? ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_LIB_IR_WHOLEBLOCKS_H
#define STAMP_LIB_IR_WHOLEBLOCKS_H

#include "mlir/IR/OpDefinition.h"

namespace stamp {

/// Whether a run of `size` turns from `offset` on surely starts at a multiple
/// of `block` and ends at one, or where the loop ends. `lengths` are the
/// dimensions of tensors that are as long as the loop. Runs lie inside the
/// loop.
bool holdsWholeBlocks(mlir::OpFoldResult offset, mlir::OpFoldResult size,
                      int64_t block,
                      llvm::ArrayRef<std::pair<mlir::Value, int64_t>> lengths);

} // namespace stamp

#endif // STAMP_LIB_IR_WHOLEBLOCKS_H
