//===- StampTransformOps.td - transform.stamp.* ----------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMOPS_STAMPTRANSFORMOPS_TD
#define STAMP_TRANSFORMOPS_STAMPTRANSFORMOPS_TD

include "mlir/Dialect/Transform/IR/TransformDialect.td"
include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "stamp/IR/StampAttrs.td"

class StampTransformOp<string mnemonic, list<Trait> traits>
    : Op<Transform_Dialect, mnemonic, traits> {
  let cppNamespace = "::stamp::transform_ops";
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

def PlanOp : StampTransformOp<"stamp.plan", [
    TransformOpInterface, TransformEachOpTrait,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    ReportTrackingListenerFailuresOpTrait]> {
  let summary = "Gives contractions a plan";
  let description = [{
    Puts a plan on every target, in place of the one that it may have. The plan
    is carried out by `transform.stamp.quantize`, or by `stamp-quantize` after
    the schedule; `stamp-select` leaves it as it is.

    Example:

    ```mlir
    %first = transform.structured.match ops{["linalg.matmul"]}
        attributes {layer = "fc1"} in %model
        : (!transform.any_op) -> !transform.any_op
    transform.stamp.plan %first {plan = #stamp.plan<
        basis = #stamp.haar<levels = 4>,
        activations = #stamp.schedule<[64 : 8], 4>, weight_bits = 4>}
        : !transform.any_op
    ```

    #### Return modes

    Fails silenceably where the target is no linear layer, or is one whose
    static sequence is shorter than the plan asks for: what `stamp-select` makes
    of a plan that the user wrote. Reads the handle and modifies the payload.
  }];
  let arguments = (ins TransformHandleTypeInterface:$target,
    Stamp_PlanAttr:$plan);
  let assemblyFormat = "$target attr-dict `:` type($target)";
  let extraClassDeclaration = [{
    ::mlir::DiagnosedSilenceableFailure applyToOne(
        ::mlir::transform::TransformRewriter &rewriter,
        ::mlir::linalg::LinalgOp target,
        ::mlir::transform::ApplyToEachResultList &results,
        ::mlir::transform::TransformState &state);
  }];
}

def QuantizeOp : StampTransformOp<"stamp.quantize", [
    DeclareOpInterfaceMethods<TransformOpInterface>,
    FunctionalStyleTransformOpTrait, MemoryEffectsOpInterface,
    ReportTrackingListenerFailuresOpTrait]> {
  let summary = "Makes contractions integer, as their plans say";
  let description = [{
    Replaces every target by transform, quantize, integer contraction, rescale
    and inverse transform, under the plan that is given here or else the one
    that the target carries, and returns handles to these pieces. A constant
    weight is quantized at once. The handles hold one op per target, in the
    targets' order; but where a plan's basis is the identity, there is neither a
    transform nor an inverse.

    Example:

    ```mlir
    %transform, %quantize, %matmul, %rescale, %inverse =
        transform.stamp.quantize %first {plan = #stamp.plan<
            basis = #stamp.dct, activations = #stamp.schedule<[], 8>,
            weight_bits = 8>}
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op,
           !transform.any_op, !transform.any_op, !transform.any_op)
    ```

    #### Return modes

    Fails silenceably, before it changes anything, where a target has no plan,
    is no linear layer or has a static sequence that is shorter than its plan
    asks for. Consumes the handle and modifies the payload.
  }];
  let arguments = (ins TransformHandleTypeInterface:$target,
    OptionalAttr<Stamp_PlanAttr>:$plan);
  let results = (outs TransformHandleTypeInterface:$transform,
    TransformHandleTypeInterface:$quantize,
    TransformHandleTypeInterface:$contraction,
    TransformHandleTypeInterface:$rescale,
    TransformHandleTypeInterface:$inverse);
  let assemblyFormat = [{
    $target attr-dict `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

def FoldOp : StampTransformOp<"stamp.fold", [
    TransformOpInterface, TransformEachOpTrait,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    ReportTrackingListenerFailuresOpTrait]> {
  let summary = "Moves, cancels and shares sequence transforms";
  let description = [{
    Does within the targets what `stamp-fold` does. Handles to ops that it moves
    or cancels must be taken anew afterwards.

    Example:

    ```mlir
    transform.stamp.fold %function : !transform.any_op
    ```

    #### Return modes

    Fails silenceably on a target that is not isolated from above, as functions
    and modules are, and where folding comes to no end; definitely on a target
    that holds the schedule itself. Reads the handle and modifies the payload.
  }];
  let arguments = (ins TransformHandleTypeInterface:$target);
  let assemblyFormat = "$target attr-dict `:` type($target)";
  let extraClassDeclaration = [{
    ::mlir::DiagnosedSilenceableFailure applyToOne(
        ::mlir::transform::TransformRewriter &rewriter,
        ::mlir::Operation *target,
        ::mlir::transform::ApplyToEachResultList &results,
        ::mlir::transform::TransformState &state);
  }];
}

//===----------------------------------------------------------------------===//
// Code generation
//===----------------------------------------------------------------------===//

def VectorizeOp : StampTransformOp<"stamp.vectorize", [
    TransformOpInterface, TransformEachOpTrait,
    FunctionalStyleTransformOpTrait, MemoryEffectsOpInterface,
    ReportTrackingListenerFailuresOpTrait]> {
  let summary = "Lowers linalg ops on buffers to loops over vectors";
  let description = [{
    Does to the targets what `stamp-vectorize` does to all linalg ops.

    Example:

    ```mlir
    transform.stamp.vectorize %matmul : !transform.any_op
    ```

    #### Return modes

    Fails silenceably where a target is left as it is, and says why. Consumes
    the handle and modifies the payload.
  }];
  let arguments = (ins TransformHandleTypeInterface:$target);
  let assemblyFormat = "$target attr-dict `:` type($target)";
  let extraClassDeclaration = [{
    ::mlir::DiagnosedSilenceableFailure applyToOne(
        ::mlir::transform::TransformRewriter &rewriter,
        ::mlir::linalg::LinalgOp target,
        ::mlir::transform::ApplyToEachResultList &results,
        ::mlir::transform::TransformState &state);
  }];
}

//===----------------------------------------------------------------------===//
// Patterns, for transform.apply_patterns
//===----------------------------------------------------------------------===//

class StampPatternsOp<string mnemonic>
    : StampTransformOp<"apply_patterns.stamp." # mnemonic, [
        DeclareOpInterfaceMethods<PatternDescriptorOpInterface>]> {
  let assemblyFormat = "attr-dict";
}

def ApplyToLinalgPatternsOp : StampPatternsOp<"to_linalg"> {
  let summary = "The patterns of stamp-to-linalg";
  let description = [{
    Collects the patterns that lower `stamp` ops to linalg.

    Example:

    ```mlir
    transform.apply_patterns to %function {
      transform.apply_patterns.stamp.to_linalg
    } : !transform.any_op
    ```
  }];
}

def ApplyFuseElementwisePatternsOp : StampPatternsOp<"fuse_elementwise"> {
  let summary = "The patterns of stamp-fuse-elementwise";
  let description = [{
    Collects the patterns that fuse elementwise linalg ops where nothing is
    computed twice.

    Example:

    ```mlir
    transform.apply_patterns to %function {
      transform.apply_patterns.stamp.fuse_elementwise
    } : !transform.any_op
    ```
  }];
}

#endif // STAMP_TRANSFORMOPS_STAMPTRANSFORMOPS_TD
