//===- Globals.h - Immutable globals as constants --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_GLOBALS_H
#define STAMP_TRANSFORMS_GLOBALS_H

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

namespace stamp {

/// The global that `op` loads; null if it loads none.
mlir::ml_program::GlobalOp getLoadedGlobal(mlir::Operation *op);

/// Puts a constant in the place of the load of an immutable global, for all of
/// its readers; returns whether `op` is such a load.
bool inlineGlobal(mlir::RewriterBase &rewriter, mlir::Operation *op);

/// The immutable globals of a symbol table that something loads.
class LoadedGlobals {
public:
  /// None if `symbolTable` is none.
  explicit LoadedGlobals(mlir::Operation *symbolTable);

  /// Erases those that nothing refers to any more: what has become constants is
  /// not held beside them. Returns the public ones, which somebody outside may
  /// know.
  llvm::SmallVector<mlir::ml_program::GlobalOp> eraseUnused();

private:
  mlir::Operation *symbolTable;
  llvm::SetVector<mlir::ml_program::GlobalOp> globals;
};

} // namespace stamp

#endif // STAMP_TRANSFORMS_GLOBALS_H
