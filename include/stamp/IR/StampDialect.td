//===- StampDialect.td - The dialect ---------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_STAMPDIALECT_TD
#define STAMP_IR_STAMPDIALECT_TD

include "mlir/IR/OpBase.td"

def Stamp_Dialect : Dialect {
  let name = "stamp";
  let cppNamespace = "::stamp";
  let summary = "Sequence transforms and mixed-precision quantization";
  let description = [{
    Quantizing activations below 8 bits costs accuracy. STaMP (arXiv 2510.26771)
    repairs it: an invertible transform L along the sequence gathers the energy
    of correlated tokens in a few coefficients, those few get more bits, and L
    is undone after the integer matmul: `Y = L⁻¹(Q(L·X)·Q(W)) + 1·bᵀ`.

    The ops say what is new: transforms, quantizers and the step from integer
    accumulators back to floats. Matmuls stay `linalg` contractions on integer
    tensors, so that other compilers' passes keep working. What the numbers mean
    is written in `docs/Semantics.md`.

    Every op takes tensors, and returns one for each of its inits, or buffers
    (memrefs of any strided layout), and writes its inits. Inits are not read. A
    buffer that is read and one that is written are the same value or do not
    overlap.

    Two attributes of the dialect stand on other ops: `stamp.plan` on a
    contraction says how it is to be quantized, and `stamp.weight` on an argument
    of a `func.func`, a ranked tensor of f32, f16 or bf16, that it is the same
    weight in every call (see `stamp-quantize`):

    ```mlir
    func.func @layer(%x: tensor<?x4096xf32>, %w: tensor<4096x4096xf32> {stamp.weight})
    ```
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let hasCanonicalizer = 1;
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let extraClassDeclaration = [{
    /// The attribute by which a contraction carries its `#stamp.plan`.
    static constexpr ::llvm::StringLiteral kPlanAttrName = "stamp.plan";
    /// The attribute by which an argument of a function carries its
    /// `#stamp.padded`.
    static constexpr ::llvm::StringLiteral kPaddedAttrName = "stamp.padded";

    /// The attributes by which a function's declaration says what it does with
    /// a `#stamp.kv_cache`.
    static constexpr ::llvm::StringLiteral kAppendAttrName = "stamp.kv_append";
    static constexpr ::llvm::StringLiteral kScoresAttrName = "stamp.kv_scores";
    static constexpr ::llvm::StringLiteral kMixAttrName = "stamp.kv_mix";
    /// The attribute of a function's argument that is a weight: the same tensor
    /// in every call, so that it is worth quantizing once, beforehand.
    static constexpr ::llvm::StringLiteral kWeightAttrName = "stamp.weight";

    void registerAttributes();
    void registerBytecode();
    void attachTilingInterfaces();
    void attachBufferizationInterfaces();
    void attachValueBoundsInterfaces();
  }];
}

#endif // STAMP_IR_STAMPDIALECT_TD
