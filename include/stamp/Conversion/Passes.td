//===- Passes.td - Conversion passes ---------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CONVERSION_PASSES_TD
#define STAMP_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def StampToLinalg : Pass<"stamp-to-linalg"> {
  let summary = "Lower the stamp dialect to linalg, the portable door";
  let description = [{
    Rewrites every `stamp` op into `linalg`, `tensor`, `arith`, `math` and, for
    what only run time knows, `scf`, all on tensors: any MLIR compiler can go on
    from here. The order of float operations is the one of docs/Semantics.md; no
    op carries fast-math flags, and a compiler that adds them changes the codes.
    What `stamp.padded` said of an argument is in the ops, and is not repeated.

    Ops on buffers become the same ops on tensors, between
    `bufferization.to_tensor` and `bufferization.materialize_in_destination`.
    With `--eliminate-empty-tensors` in front, `--one-shot-bufferize` then
    computes their results in place.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

#endif // STAMP_CONVERSION_PASSES_TD
