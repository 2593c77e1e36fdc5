//===- Passes.h - code generation passes ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_PASSES_H
#define STAMP_CODEGEN_CPU_PASSES_H

#include "mlir/Pass/Pass.h"

namespace stamp {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "stamp/Codegen/CPU/Passes.h.inc"

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_PASSES_H
