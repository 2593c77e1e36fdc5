//===- Globals.h - Immutable globals as constants --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_GLOBALS_H
#define STAMP_TRANSFORMS_GLOBALS_H

#include "mlir/IR/Operation.h"

#include <optional>
#include <string>

namespace stamp {

/// Puts constants in the place of all loads of immutable globals in `root`, and
/// erases the globals if nothing refers to them any more: what has become
/// constants is not held beside them. A remark names those that stay because
/// they are public.
void inlineGlobals(mlir::Operation *root);

/// Why the global that `op` loads is no constant, as a clause; nullopt if it
/// loads none.
std::optional<std::string> whyNoConstant(mlir::Operation *op);

} // namespace stamp

#endif // STAMP_TRANSFORMS_GLOBALS_H
