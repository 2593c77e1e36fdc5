//===- Passes.td - Tensor-level passes -------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_PASSES_TD
#define STAMP_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def StampSelect : Pass<"stamp-select"> {
  let summary = "Choose the contractions that become STaMP linears";
  let description = [{
    Gives a `stamp.plan` to every `linalg.matmul` and `linalg.batch_matmul` of
    float activations with a constant float weight. A plan that the user put on
    an op stays. What the user asks for, on an op or by `basis` or `schedule`,
    must fit a static sequence; where only the defaults do not fit, the op is
    left. Every contraction that is left gets a `missed` remark that says why
    (`--remarks-filter="stamp.*" --remark-format=emitRemark`).
    An option that holds a space is written in braces:
    `--stamp-select="schedule={#stamp.schedule<[64 : 8], 4>}"`.

    Before:
    ```mlir
    %y = linalg.matmul ins(%x, %w : tensor<512x120xf32>, tensor<120x360xf32>)
                       outs(%zero : tensor<512x360xf32>) -> tensor<512x360xf32>
    ```
    After `--stamp-select="basis=#stamp.haar<levels=4>"` it carries
    ```mlir
    {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>,
                              activations = #stamp.schedule<[0.0625 : 8], 4>,
                              weight_bits = 4>}
    ```
  }];
  let options = [
    Option<"basis", "basis", "std::string", "\"#stamp.haar<levels = 4>\"",
           "The basis of the sequence transform, a #stamp attribute">,
    Option<"schedule", "schedule", "std::string",
           "\"#stamp.schedule<[0.0625 : 8], 4>\"",
           "The precision schedule of the activations, a #stamp.schedule">,
    Option<"weightBits", "weight-bits", "int64_t", "4",
           "Bits of a weight: 4 or 8">,
    Option<"minTokens", "min-tokens", "int64_t", "2",
           "Linears that surely see fewer tokens stay float">
  ];
  let dependentDialects = ["::stamp::StampDialect"];
}

def StampQuantize : Pass<"stamp-quantize"> {
  let summary = "Carry out the plans: linears become integer contractions";
  let description = [{
    A contraction with a `stamp.plan` becomes transform, quantize, integer
    contraction, rescale and inverse transform:

        Y = L⁻¹( Q_a(L X) · Q_w(W) )

    The weight's quantization folds at once when the weight is constant.
  }];
  let dependentDialects = [
    "::stamp::StampDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def StampFold : Pass<"stamp-fold"> {
  let summary = "Move, cancel and share sequence transforms";
  let description = [{
    L acts on rows, so it commutes with what acts on features only:

      1. L⁻¹(A)·W = L⁻¹(A·W): inverse transforms sink through float
         contractions, forward transforms rise through them;
      2. L·L⁻¹ = id;
      3. L⁻¹(A) + 1bᵀ = L⁻¹(A + (L·1)bᵀ): a bias goes under the inverse;
      5. equal transforms and quantizations of one tensor are shared.

    Rules 2 and 3 change roundings: codes behind them may differ by one, as
    docs/Semantics.md allows.
  }];
  let dependentDialects = [
    "::stamp::StampDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def StampBlockOrder : Pass<"stamp-block-order"> {
  let summary = "Keep coefficients where their tokens were, so that rows tile";
  let description = [{
    Between L and L⁻¹ the rows of every tensor are coefficients, and their order
    is free as long as all agree on it. This pass puts a transform, its inverses
    and everything between them into block order, in which a run of whole blocks
    can be computed by itself; a quantizer then looks up each row's width, and
    constants (the spread of a bias) are reordered. No bit of the result changes.

    Where something on the way cannot follow, or the basis has no blocks of one
    size, all stays coarse first, and a `missed` remark says why.

    Before:
    ```mlir
    %t = stamp.transform #stamp.haar<levels = 3> along 0 ins(%x : …) outs(…)
    %q, %s, %z = stamp.quantize #bits along 0 over 1 ins(%t : …) outs(…)
    %a = linalg.matmul ins(%q, %wq : …) outs(%zero : …) -> …
    %r = stamp.rescale along 0 over 1 ins(%a, %s, %z, %ws, %wc : …) outs(…)
    %y = stamp.inverse_transform #stamp.haar<levels = 3> along 0 ins(%r : …) outs(…)
    ```
    After:
    ```mlir
    %t = stamp.transform #stamp.haar<levels = 3> along 0 block_order ins(%x : …) outs(…)
    %q, %s, %z = stamp.quantize #bits along 0 over 1 block_order of #stamp.haar<levels = 3>
                   ins(%t : …) outs(…)
    %a = linalg.matmul ins(%q, %wq : …) outs(%zero : …) -> …
    %r = stamp.rescale along 0 over 1 ins(%a, %s, %z, %ws, %wc : …) outs(…)
    %y = stamp.inverse_transform #stamp.haar<levels = 3> along 0 block_order ins(%r : …) outs(…)
    ```
  }];
  let dependentDialects = ["::stamp::StampDialect", "::mlir::arith::ArithDialect"];
}

def StampCheckSizes : Pass<"stamp-check-sizes"> {
  let summary = "Check at run time that dynamic sizes of linalg operands agree";
  let description = [{
    Before each linalg operation on tensors, asserts that all operands indexed
    by the same loop have the same size along it, as far as that is not known.
  }];
  let dependentDialects = ["arith::ArithDialect", "cf::ControlFlowDialect",
                           "tensor::TensorDialect"];
}

#endif // STAMP_TRANSFORMS_PASSES_TD
