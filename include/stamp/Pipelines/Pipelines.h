//===- Pipelines.h - the named pipelines ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_PIPELINES_PIPELINES_H
#define STAMP_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"

namespace stamp {

/// From linalg, tensor, arith, math and scf on tensors to the LLVM dialect for
/// the host CPU. A result returned by a public function is a buffer of its own
/// that the caller frees; an argument is never written to when it carries
/// `bufferization.writable = false`.
void buildCPULoweringPipeline(mlir::OpPassManager &pm);

/// Makes the pipelines known to the pass pipeline parser.
void registerPipelines();

} // namespace stamp

#endif // STAMP_PIPELINES_PIPELINES_H
