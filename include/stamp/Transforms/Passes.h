//===- Passes.h - Tensor-level passes --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_PASSES_H
#define STAMP_TRANSFORMS_PASSES_H

#include "stamp/IR/Stamp.h"

#include "mlir/Pass/Pass.h"

namespace stamp {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "stamp/Transforms/Passes.h.inc"

} // namespace stamp

#endif // STAMP_TRANSFORMS_PASSES_H
