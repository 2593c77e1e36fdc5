//===- StampOps.td - The operations ----------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_STAMPOPS_TD
#define STAMP_IR_STAMPOPS_TD

include "stamp/IR/StampAttrs.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Stamp_FloatTensor : RankedTensorOf<[F16, BF16, F32]>;
def Stamp_CodeTensor : RankedTensorOf<[I8]>;
def Stamp_ScaleTensor : RankedTensorOf<[F32]>;
def Stamp_IntTensor : RankedTensorOf<[I32]>;

/// Destination style: each result has an init operand that gives its type.
class Stamp_Op<string mnemonic, list<Trait> traits = []>
    : Op<Stamp_Dialect, mnemonic, !listconcat(traits, [
        Pure, DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                  ["reifyResultShapes"]>])> {
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

class Stamp_TransformLikeOp<string mnemonic>
    : Stamp_Op<mnemonic, [AllTypesMatch<["init", "result"]>]> {
  let arguments = (ins Stamp_FloatTensor:$input, Stamp_FloatTensor:$init,
    Stamp_BasisAttrInterface:$basis, I64Attr:$dimension,
    UnitAttr:$block_order);
  let results = (outs Stamp_FloatTensor:$result);
  let assemblyFormat = [{
    $basis `along` $dimension (`block_order` $block_order^)?
    `ins` `(` $input `:` type($input) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict
  }];
  let builders = [
    // Makes the init; its element type is the input's unless given.
    OpBuilder<(ins "::mlir::Value":$input,
                   "::stamp::BasisAttrInterface":$basis, "int64_t":$dimension,
                   CArg<"::mlir::Type", "{}">:$elementType,
                   CArg<"::stamp::RowOrder", "::stamp::RowOrder::CoarseFirst">
                     :$order)>
  ];
  let hasFolder = 1;
  let extraClassDeclaration = [{
    ::stamp::RowOrder getOrder() {
      return getBlockOrder() ? ::stamp::RowOrder::Block
                             : ::stamp::RowOrder::CoarseFirst;
    }
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def Stamp_TransformOp : Stamp_TransformLikeOp<"transform"> {
  let summary = "L·X along one dimension";
  let description = [{
    Applies a basis along the sequence dimension of a tensor of rank two or more.
    Coefficients come coarse first. The arithmetic is f32; the result is
    narrowed to the init's element type at the end.

    In `block_order` they stand at the tokens where the algorithm in place leaves
    them, so that a run of whole blocks holds its own coefficients and can be
    computed by itself: along the sequence, too, the op is tiled then, in whole
    blocks. A basis without blocks knows no other order than coarse first.

    Example:

    ```mlir
    %t = stamp.transform #stamp.haar<levels = 5, skip = 1> along 0
           ins(%x : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)

    %u = stamp.transform #stamp.haar<levels = 3> along 0 block_order
           ins(%x : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)
    ```
  }];
}

def Stamp_InverseTransformOp : Stamp_TransformLikeOp<"inverse_transform"> {
  let summary = "L⁻¹·X along one dimension";
  let description = [{
    The inverse of `stamp.transform` with the same basis and order.

    Example:

    ```mlir
    %y = stamp.inverse_transform #stamp.haar<levels = 5, skip = 1> along 0
           ins(%t : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Quantizers
//===----------------------------------------------------------------------===//

def Stamp_QuantizeOp : Stamp_Op<"quantize", [
    AttrSizedOperandSegments, AllTypesMatch<["codes_init", "codes"]>,
    AllTypesMatch<["scales_init", "scales"]>,
    AllTypesMatch<["zero_points_init", "zero_points"]>]> {
  let summary = "Per-token mixed-precision activation quantizer";
  let description = [{
    Quantizes every token (a row over the feature dimension) with a scale and a
    zero point of its own, at the width that the schedule gives to its place
    along the sequence dimension. Codes and zero points are stored signed. The
    scales and zero points have the input's shape without the feature dimension.

    `rows at %offset of %total` says that the input holds some rows of a longer
    sequence, so that a tile keeps the widths of the whole: its first row is row
    `offset` of `total`, and its last must be one of them too. Without it the
    input is the whole sequence.

    `block_order of` a basis says that the rows are its coefficients in block
    order: each gets the width that the schedule gives to its place coarse first.

    Example:

    ```mlir
    %q, %s, %z = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
        ins(%t : tensor<?x4096xf32>)
        outs(%eq, %es, %ez : tensor<?x4096xi8>, tensor<?xf32>, tensor<?xi32>)

    %q8, %s8, %z8 = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
        rows at %row of %tokens
        ins(%tile : tensor<8x4096xf32>)
        outs(%e0, %e1, %e2 : tensor<8x4096xi8>, tensor<8xf32>, tensor<8xi32>)

    %qb, %sb, %zb = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
        block_order of #stamp.haar<levels = 3> rows at %row of %tokens
        ins(%tile : tensor<8x4096xf32>)
        outs(%e0, %e1, %e2 : tensor<8x4096xi8>, tensor<8xf32>, tensor<8xi32>)
    ```
  }];
  let arguments = (ins Stamp_FloatTensor:$input, Stamp_CodeTensor:$codes_init,
    Stamp_ScaleTensor:$scales_init, Stamp_IntTensor:$zero_points_init,
    Optional<Index>:$row_offset, Optional<Index>:$row_total,
    Stamp_ScheduleAttr:$schedule, I64Attr:$dimension,
    I64Attr:$feature_dimension,
    OptionalAttr<Stamp_BasisAttrInterface>:$block_basis);
  let results = (outs Stamp_CodeTensor:$codes, Stamp_ScaleTensor:$scales,
    Stamp_IntTensor:$zero_points);
  let assemblyFormat = [{
    qualified($schedule) `along` $dimension `over` $feature_dimension
    (`block_order` `of` $block_basis^)?
    (`rows` `at` $row_offset^ `of` $row_total)?
    `ins` `(` $input `:` type($input) `)`
    `outs` `(` $codes_init `,` $scales_init `,` $zero_points_init `:`
    type($codes_init) `,` type($scales_init) `,` type($zero_points_init) `)`
    attr-dict
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "::stamp::ScheduleAttr":$schedule,
                   "int64_t":$dimension, "int64_t":$featureDimension)>
  ];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable();
  }];
}

def Stamp_DequantizeOp : Stamp_Op<"dequantize", [
    AllTypesMatch<["init", "result"]>]> {
  let summary = "(codes − zero points)·scales";
  let description = [{
    The reverse of `stamp.quantize`, up to the rounding.

    Example:

    ```mlir
    %d = stamp.dequantize over 1
        ins(%q, %s, %z : tensor<?x4096xi8>, tensor<?xf32>, tensor<?xi32>)
        outs(%e : tensor<?x4096xf32>)
    ```
  }];
  let arguments = (ins Stamp_CodeTensor:$codes, Stamp_ScaleTensor:$scales,
    Stamp_IntTensor:$zero_points, Stamp_FloatTensor:$init,
    I64Attr:$feature_dimension);
  let results = (outs Stamp_FloatTensor:$result);
  let assemblyFormat = [{
    `over` $feature_dimension
    `ins` `(` $codes `,` $scales `,` $zero_points `:`
    type($codes) `,` type($scales) `,` type($zero_points) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def Stamp_QuantizeWeightOp : Stamp_Op<"quantize_weight", [
    AllTypesMatch<["codes_init", "codes"]>,
    AllTypesMatch<["scales_init", "scales"]>,
    AllTypesMatch<["sums_init", "sums"]>]> {
  let summary = "Symmetric per-channel weight quantizer";
  let description = [{
    Quantizes a weight to 4 or 8 bits, symmetric, with one scale for all that the
    reduced dimension holds, and adds up the codes along it: the zero points of
    the activations need these sums. Scales and sums have the weight's shape
    without the reduced dimension. Folds when the weight is constant.

    Example:

    ```mlir
    %q, %s, %c = stamp.quantize_weight bits = 4 over 0
        ins(%w : tensor<4096x64xf32>)
        outs(%eq, %es, %ec : tensor<4096x64xi8>, tensor<64xf32>, tensor<64xi32>)
    ```
  }];
  let arguments = (ins Stamp_FloatTensor:$weight, Stamp_CodeTensor:$codes_init,
    Stamp_ScaleTensor:$scales_init, Stamp_IntTensor:$sums_init,
    I64Attr:$bits, I64Attr:$reduced_dimension);
  let results = (outs Stamp_CodeTensor:$codes, Stamp_ScaleTensor:$scales,
    Stamp_IntTensor:$sums);
  let assemblyFormat = [{
    `bits` `=` $bits `over` $reduced_dimension
    `ins` `(` $weight `:` type($weight) `)`
    `outs` `(` $codes_init `,` $scales_init `,` $sums_init `:`
    type($codes_init) `,` type($scales_init) `,` type($sums_init) `)`
    attr-dict
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$weight, "int64_t":$bits,
                   "int64_t":$reducedDimension)>
  ];
  let hasFolder = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable();
  }];
}

//===----------------------------------------------------------------------===//
// From integers back to floats
//===----------------------------------------------------------------------===//

def Stamp_RescaleOp : Stamp_Op<"rescale", [
    AttrSizedOperandSegments, AllTypesMatch<["init", "result"]>]> {
  let summary = "Integer accumulators back to floats";
  let description = [{
    y = s_x·s_w·(acc − z_x·c) + l·b, where `along` names the token dimension of
    the accumulators and `over` their channel dimension. Row scales s_x and zero
    points z_x have the accumulators' shape without the channel dimension.
    Column scales s_w, column sums c and the bias b either are vectors over the
    channels or have the accumulators' shape without the token dimension.
    `spread` is l = L·1, a vector over the tokens, for a bias that is added
    before a pending inverse transform; without it l = 1.

    Example:

    ```mlir
    %y = stamp.rescale along 0 over 1
        ins(%acc, %sx, %zx, %sw, %c : tensor<?x64xi32>, tensor<?xf32>,
            tensor<?xi32>, tensor<64xf32>, tensor<64xi32>)
        bias(%b : tensor<64xf32>) spread(%l : tensor<?xf32>)
        outs(%e : tensor<?x64xf32>)
    ```
  }];
  let arguments = (ins Stamp_IntTensor:$accumulators,
    Stamp_ScaleTensor:$row_scales, Stamp_IntTensor:$zero_points,
    Stamp_ScaleTensor:$column_scales, Stamp_IntTensor:$column_sums,
    // In front of the optional operands: its type is inferred by its position.
    Stamp_FloatTensor:$init, Optional<Stamp_FloatTensor>:$bias,
    Optional<Stamp_ScaleTensor>:$spread, I64Attr:$dimension,
    I64Attr:$channel_dimension);
  let results = (outs Stamp_FloatTensor:$result);
  let assemblyFormat = [{
    `along` $dimension `over` $channel_dimension
    `ins` `(` $accumulators `,` $row_scales `,` $zero_points `,`
    $column_scales `,` $column_sums `:`
    type($accumulators) `,` type($row_scales) `,` type($zero_points) `,`
    type($column_scales) `,` type($column_sums) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`spread` `(` $spread^ `:` type($spread) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

#endif // STAMP_IR_STAMPOPS_TD
