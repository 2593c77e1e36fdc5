//===- Transforms.h - the passes' work, piece by piece ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_TRANSFORMS_H
#define STAMP_CODEGEN_CPU_TRANSFORMS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace stamp {

/// Fuses elementwise linalg ops where nothing is computed twice.
void populateFuseElementwisePatterns(mlir::RewritePatternSet &patterns);

/// Replaces an op on buffers by loops over vectors. Fails, and sets `why` to a
/// phrase about the op, where it stays. `parallel` permits an `scf.forall`.
mlir::LogicalResult vectorizeLinalgOp(mlir::RewriterBase &rewriter,
                                      mlir::linalg::LinalgOp op,
                                      llvm::StringRef &why,
                                      bool parallel = false);

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_TRANSFORMS_H
