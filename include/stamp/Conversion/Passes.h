//===- Passes.h - Conversion passes ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CONVERSION_PASSES_H
#define STAMP_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace stamp {

/// stamp.* → linalg, tensor, arith, math, scf on tensors.
void populateStampToLinalgPatterns(mlir::RewritePatternSet &patterns);

/// Quantizers of groups → quantizers of rows, which the groups then are. Part
/// of the above.
void populateSplitGroupsPatterns(mlir::RewritePatternSet &patterns);

/// Those of them for stamp.pack and stamp.unpack.
void populatePackToLinalgPatterns(mlir::RewritePatternSet &patterns);

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "stamp/Conversion/Passes.h.inc"

} // namespace stamp

#endif // STAMP_CONVERSION_PASSES_H
