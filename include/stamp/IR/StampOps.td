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

// Results, which only ops on tensors have.
def Stamp_FloatTensor : RankedTensorOf<[F16, BF16, F32]>;
def Stamp_CodeTensor : RankedTensorOf<[I8]>;
def Stamp_ScaleTensor : RankedTensorOf<[F32]>;
def Stamp_IntTensor : RankedTensorOf<[I32]>;
def Stamp_SumTensor : RankedTensorOf<[F64]>;

// Operands: tensors or buffers.
class Stamp_ShapedOf<list<Type> elementTypes>
    : AnyTypeOf<[RankedTensorOf<elementTypes>, StridedMemRefOf<elementTypes>],
                "ranked tensor or strided memref of " #
                    !interleave(!foreach(t, elementTypes, t.summary), " or ") #
                    " values",
                "::mlir::ShapedType">;
def Stamp_Floats : Stamp_ShapedOf<[F16, BF16, F32]>;
def Stamp_Codes : Stamp_ShapedOf<[I8]>;
def Stamp_Scales : Stamp_ShapedOf<[F32]>;
def Stamp_Ints : Stamp_ShapedOf<[I32]>;
def Stamp_Sums : Stamp_ShapedOf<[F64]>;
/// How many tokens of each sequence are valid.
def Stamp_Lengths : Stamp_ShapedOf<[Index, I32, I64]>;

class Stamp_ResultsInInits<int first, int count>
    : ParamNativeOpTrait<"ResultsInInits", first # ", " # count> {
  let cppNamespace = "::stamp";
}

/// Destination style. The inits are the operands firstInit …
/// firstInit + numInits − 1, in front of any optional ones, or for
/// numInits = −1 all from firstInit on. On tensors each has a result, declared
/// Optional or Variadic; on buffers there are no results.
class Stamp_Op<string mnemonic, list<Trait> traits = [], int firstInit = 1,
               int numInits = 1>
    : Op<Stamp_Dialect, mnemonic, !listconcat(traits, [
        Stamp_ResultsInInits<firstInit, numInits>, SameVariadicResultSize,
        DestinationStyleOpInterface, InferTypeOpInterface,
        ConditionallySpeculatable, MemoryEffectsOpInterface,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                  ["reifyResultShapes"]>])> {
  let hasVerifier = 1;
  // The interface has a default, which a trait cannot override.
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder,
        ::mlir::ReifiedRankedShapedTypeDims &reified) {
      ::stamp::reifySizesOfInits(*this, getDpsInitsMutable(), builder, reified);
      return ::llvm::success();
    }
  }];
}

/// With AttrSizedOperandSegments, ODS believes that the segment of an operand
/// that is not optional holds one value: no other size may get past this. In
/// front of all traits that look at the operands.
class Stamp_RequiredOperands<int count> : PredOpTrait<
    "each of the first " # count # " operands is there once",
    CPred<"::llvm::all_of(::llvm::ArrayRef("
          "this->getProperties().operandSegmentSizes).take_front(" # count #
          "), [](int32_t size) { return size == 1; })">>;

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

class Stamp_TransformLikeOp<string mnemonic> : Stamp_Op<mnemonic> {
  let arguments = (ins Stamp_Floats:$input, Stamp_Floats:$init,
    Optional<Stamp_Lengths>:$lengths, Stamp_BasisAttrInterface:$basis,
    I64Attr:$dimension, UnitAttr:$block_order);
  let results = (outs Optional<Stamp_FloatTensor>:$result);
  let assemblyFormat = [{
    $basis `along` $dimension (`block_order` $block_order^)?
    (`lengths` `(` $lengths^ `:` type($lengths) `)`)?
    `ins` `(` $input `:` type($input) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict
  }];
  let builders = [
    // Makes the init; its element type is the input's unless given.
    OpBuilder<(ins "::mlir::Value":$input,
                   "::stamp::BasisAttrInterface":$basis, "int64_t":$dimension,
                   CArg<"::mlir::Type", "{}">:$elementType,
                   CArg<"::stamp::RowOrder", "::stamp::RowOrder::CoarseFirst">
                     :$order,
                   CArg<"::mlir::Value", "{}">:$lengths)>
  ];
  let hasFolder = 1;
  let extraClassDeclaration = [{
    ::stamp::RowOrder getOrder() {
      return getBlockOrder() ? ::stamp::RowOrder::Block
                             : ::stamp::RowOrder::CoarseFirst;
    }
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

    `lengths` tells how many tokens of each sequence of a padded batch are valid:
    only those are transformed, the padding behind them stays as it is. It has
    one element per sequence, or per group of sequences: its shape is that of the
    input's first dimensions, as many of those in front of the sequence dimension
    as it has. A length below 0 counts as 0, one above the size of the sequence
    dimension as that.

    On buffers the input may be the init itself: the transform is done in place.

    Example:

    ```mlir
    %t = stamp.transform #stamp.haar<levels = 5, skip = 1> along 0
           ins(%x : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)

    %u = stamp.transform #stamp.haar<levels = 3> along 0 block_order
           ins(%x : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)

    %p = stamp.transform #stamp.wht along 1 lengths(%n : tensor<?xi64>)
           ins(%b : tensor<?x512x64xf32>) outs(%i : tensor<?x512x64xf32>)

    stamp.transform #stamp.haar<levels = 5, skip = 1> along 0
        ins(%m : memref<?x4096xf32>) outs(%m : memref<?x4096xf32>)
    ```
  }];
}

def Stamp_InverseTransformOp : Stamp_TransformLikeOp<"inverse_transform"> {
  let summary = "L⁻¹·X along one dimension";
  let description = [{
    The inverse of `stamp.transform` with the same basis, order and lengths.

    Example:

    ```mlir
    %y = stamp.inverse_transform #stamp.haar<levels = 5, skip = 1> along 0
           ins(%t : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Feature transforms
//===----------------------------------------------------------------------===//

class Stamp_FeatureTransformLikeOp<string mnemonic>
    : Stamp_Op<mnemonic> {
  let arguments = (ins Stamp_Floats:$input, Stamp_Floats:$init,
    Stamp_FeatureTransformAttrInterface:$transform, UnitAttr:$left,
    I64Attr:$dimension);
  let results = (outs Optional<Stamp_FloatTensor>:$result);
  let assemblyFormat = [{
    $transform (`left` $left^)? `over` $dimension
    `ins` `(` $input `:` type($input) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict
  }];
  let builders = [
    // Makes the init; its element type is the input's unless given.
    OpBuilder<(ins "::mlir::Value":$input,
                   "::stamp::FeatureTransformAttrInterface":$transform,
                   "::stamp::Side":$side, "int64_t":$dimension,
                   CArg<"::mlir::Type", "{}">:$elementType)>
  ];
  let hasFolder = 1;
  let extraClassDeclaration = [{
    ::stamp::Side getSide() {
      return getLeft() ? ::stamp::Side::Left : ::stamp::Side::Right;
    }
  }];
}

def Stamp_FeatureTransformOp
    : Stamp_FeatureTransformLikeOp<"feature_transform"> {
  let summary = "X·R along the features";
  let description = [{
    Applies a feature transform along one dimension of a tensor of rank one or
    more: X·R, or with `left` R·W, where that dimension is the one that W is
    reduced over. The arithmetic is f32; the result is narrowed to the init's
    element type at the end.

    Example:

    ```mlir
    %r = stamp.feature_transform #stamp.hadamard<order = 28> over 1
           ins(%x : tensor<?x3584xf32>) outs(%e : tensor<?x3584xf32>)
    ```
  }];
}

def Stamp_InverseFeatureTransformOp
    : Stamp_FeatureTransformLikeOp<"inverse_feature_transform"> {
  let summary = "X·R⁻¹ along the features";
  let description = [{
    The inverse of `stamp.feature_transform` with the same transform: X·R⁻¹, or
    with `left` R⁻¹·W. For a constant W that is quantized, `quantize_weight`
    folds together with it.

    Example:

    ```mlir
    %v = stamp.inverse_feature_transform #stamp.hadamard<order = 28> left over 0
           ins(%w : tensor<3584x64xf32>) outs(%e : tensor<3584x64xf32>)
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Quantizers
//===----------------------------------------------------------------------===//

def Stamp_QuantizeOp : Stamp_Op<"quantize", [
    AttrSizedOperandSegments, Stamp_RequiredOperands<4>],
    /*firstInit=*/1, /*numInits=*/3> {
  let summary = "Per-token mixed-precision activation quantizer";
  let description = [{
    Quantizes every token (a row over the feature dimension) with a scale and a
    zero point of its own, at the width that the schedule gives to its place
    along the sequence dimension. Codes and zero points are stored signed. The
    scales and zero points have the input's shape without the feature dimension.

    `groups of g` gives every g neighbouring features of a token a scale and a
    zero point of their own, so that a channel with outliers costs its group
    precision and not the whole token. Scales and zero points then keep the
    feature dimension, with ⌈D/g⌉ entries: the last group may be shorter.

    With `lengths`, as in `stamp.transform`, the schedule is that of each
    sequence's valid tokens; the padding behind them gets the rest's width.

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

    %qg, %sg, %zg = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
        groups of 64 ins(%t : tensor<?x4096xf32>)
        outs(%eq, %e3, %e4 : tensor<?x4096xi8>, tensor<?x64xf32>,
             tensor<?x64xi32>)

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
  let arguments = (ins Stamp_Floats:$input, Stamp_Codes:$codes_init,
    Stamp_Scales:$scales_init, Stamp_Ints:$zero_points_init,
    Optional<Index>:$row_offset, Optional<Index>:$row_total,
    Optional<Stamp_Lengths>:$lengths,
    Stamp_ScheduleAttr:$schedule, I64Attr:$dimension,
    I64Attr:$feature_dimension, OptionalAttr<I64Attr>:$group_size,
    OptionalAttr<Stamp_BasisAttrInterface>:$block_basis);
  let results = (outs Optional<Stamp_CodeTensor>:$codes,
    Optional<Stamp_ScaleTensor>:$scales, Optional<Stamp_IntTensor>:$zero_points);
  let assemblyFormat = [{
    qualified($schedule) `along` $dimension `over` $feature_dimension
    (`lengths` `(` $lengths^ `:` type($lengths) `)`)?
    (`groups` `of` $group_size^)?
    (`block_order` `of` $block_basis^)?
    (`rows` `at` $row_offset^ `of` $row_total)?
    `ins` `(` $input `:` type($input) `)`
    `outs` `(` $codes_init `,` $scales_init `,` $zero_points_init `:`
    type($codes_init) `,` type($scales_init) `,` type($zero_points_init) `)`
    attr-dict
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "::stamp::ScheduleAttr":$schedule,
                   "int64_t":$dimension, "int64_t":$featureDimension,
                   CArg<"::std::optional<int64_t>", "::std::nullopt">:$groupSize,
                   CArg<"::mlir::Value", "{}">:$lengths)>
  ];
  let hasCanonicalizer = 1;
}

def Stamp_DequantizeOp : Stamp_Op<"dequantize", [], /*firstInit=*/3> {
  let summary = "(codes − zero points)·scales";
  let description = [{
    The reverse of `stamp.quantize`, up to the rounding, with or without groups.

    Example:

    ```mlir
    %d = stamp.dequantize over 1
        ins(%q, %s, %z : tensor<?x4096xi8>, tensor<?xf32>, tensor<?xi32>)
        outs(%e : tensor<?x4096xf32>)

    %dg = stamp.dequantize over 1 groups of 64
        ins(%q, %sg, %zg : tensor<?x4096xi8>, tensor<?x64xf32>,
            tensor<?x64xi32>)
        outs(%e : tensor<?x4096xf32>)
    ```
  }];
  let arguments = (ins Stamp_Codes:$codes, Stamp_Scales:$scales,
    Stamp_Ints:$zero_points, Stamp_Floats:$init,
    I64Attr:$feature_dimension, OptionalAttr<I64Attr>:$group_size);
  let results = (outs Optional<Stamp_FloatTensor>:$result);
  let assemblyFormat = [{
    `over` $feature_dimension (`groups` `of` $group_size^)?
    `ins` `(` $codes `,` $scales `,` $zero_points `:`
    type($codes) `,` type($scales) `,` type($zero_points) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict
  }];
}

def Stamp_QuantizeWeightOp : Stamp_Op<"quantize_weight", [],
                                      /*firstInit=*/1, /*numInits=*/3> {
  let summary = "Symmetric per-channel weight quantizer";
  let description = [{
    Quantizes a weight to 4 or 8 bits, symmetric, with one scale for all that the
    reduced dimension holds, and adds up the codes along it: the zero points of
    the activations need these sums. Scales and sums have the weight's shape
    without the reduced dimension. Folds when the weight is constant.

    `groups of g` gives every g neighbouring inputs of a channel a scale and a
    sum of their own; both then keep the reduced dimension, with ⌈K/g⌉ entries.
    With `for sums` only the sums do: that is what activations with groups need
    of a weight with one scale per channel.

    Example:

    ```mlir
    %q, %s, %c = stamp.quantize_weight bits = 4 over 0
        ins(%w : tensor<4096x64xf32>)
        outs(%eq, %es, %ec : tensor<4096x64xi8>, tensor<64xf32>, tensor<64xi32>)

    %qg, %sg, %cg = stamp.quantize_weight bits = 4 over 0 groups of 128
        ins(%w : tensor<4096x64xf32>)
        outs(%eq, %e1, %e2 : tensor<4096x64xi8>, tensor<32x64xf32>,
             tensor<32x64xi32>)

    %qs, %ss, %cs = stamp.quantize_weight bits = 4 over 0 groups of 128 for sums
        ins(%w : tensor<4096x64xf32>)
        outs(%eq, %es, %e2 : tensor<4096x64xi8>, tensor<64xf32>,
             tensor<32x64xi32>)
    ```
  }];
  let arguments = (ins Stamp_Floats:$weight, Stamp_Codes:$codes_init,
    Stamp_Scales:$scales_init, Stamp_Ints:$sums_init,
    I64Attr:$bits, I64Attr:$reduced_dimension,
    OptionalAttr<I64Attr>:$group_size, UnitAttr:$groups_for_sums);
  let results = (outs Optional<Stamp_CodeTensor>:$codes,
    Optional<Stamp_ScaleTensor>:$scales, Optional<Stamp_IntTensor>:$sums);
  let assemblyFormat = [{
    `bits` `=` $bits `over` $reduced_dimension (`groups` `of` $group_size^)?
    (`for` `sums` $groups_for_sums^)?
    `ins` `(` $weight `:` type($weight) `)`
    `outs` `(` $codes_init `,` $scales_init `,` $sums_init `:`
    type($codes_init) `,` type($scales_init) `,` type($sums_init) `)`
    attr-dict
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$weight, "int64_t":$bits,
                   "int64_t":$reducedDimension,
                   CArg<"::std::optional<int64_t>", "::std::nullopt">:$groupSize,
                   CArg<"bool", "false">:$groupsForSums)>
  ];
  let hasFolder = 1;
  let extraClassDeclaration = [{
    /// The inputs that share a scale; nullopt if all do.
    ::std::optional<int64_t> getScaleGroup() {
      return getGroupsForSums() ? ::std::nullopt
                                : ::std::optional<int64_t>(getGroupSize());
    }
  }];
}

//===----------------------------------------------------------------------===//
// From integers back to floats
//===----------------------------------------------------------------------===//

def Stamp_RescaleOp : Stamp_Op<"rescale", [
    AttrSizedOperandSegments, Stamp_RequiredOperands<6>], /*firstInit=*/5> {
  let summary = "Integer accumulators back to floats";
  let description = [{
    y = s_x·s_w·(acc − z_x·c) + l·b, where `along` names the token dimension of
    the accumulators and `over` their channel dimension. Row scales s_x and zero
    points z_x have the accumulators' shape without the channel dimension.
    Column scales s_w, column sums c and the bias b either are vectors over the
    channels or have the accumulators' shape without the token dimension.
    `spread` is l = L·1, a vector over the tokens, for a bias that is added
    before a pending inverse transform; without it l = 1. Sequences with lengths
    of their own have an l each: the lengths' dimensions, then the tokens.

    `groups along` names a dimension of the accumulators over which the op adds
    up, and which the result does not have: one partial sum per group of features

      y = Σ_g s_x·s_w·(acc_g − z_x·c_g) + l·b

    with g ascending. The column sums have the groups; they are groups × channels,
    in the order of the accumulators, or have the accumulators' shape without the
    token dimension. Row scales, zero points and column scales may come without
    the groups where one number serves them all. Spread and bias belong to the
    result.

    Example:

    ```mlir
    %y = stamp.rescale along 0 over 1
        ins(%acc, %sx, %zx, %sw, %c : tensor<?x64xi32>, tensor<?xf32>,
            tensor<?xi32>, tensor<64xf32>, tensor<64xi32>)
        bias(%b : tensor<64xf32>) spread(%l : tensor<?xf32>)
        outs(%e : tensor<?x64xf32>)

    %yg = stamp.rescale along 0 over 2 groups along 1
        ins(%accg, %sx, %zx, %swg, %cg : tensor<?x32x64xi32>, tensor<?xf32>,
            tensor<?xi32>, tensor<32x64xf32>, tensor<32x64xi32>)
        outs(%e : tensor<?x64xf32>)
    ```
  }];
  let arguments = (ins Stamp_Ints:$accumulators,
    Stamp_Scales:$row_scales, Stamp_Ints:$zero_points,
    Stamp_Scales:$column_scales, Stamp_Ints:$column_sums,
    Stamp_Floats:$init, Optional<Stamp_Floats>:$bias,
    Optional<Stamp_Scales>:$spread, I64Attr:$dimension,
    I64Attr:$channel_dimension, OptionalAttr<I64Attr>:$group_dimension);
  let results = (outs Optional<Stamp_FloatTensor>:$result);
  let assemblyFormat = [{
    `along` $dimension `over` $channel_dimension
    (`groups` `along` $group_dimension^)?
    `ins` `(` $accumulators `,` $row_scales `,` $zero_points `,`
    $column_scales `,` $column_sums `:`
    type($accumulators) `,` type($row_scales) `,` type($zero_points) `,`
    type($column_scales) `,` type($column_sums) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`spread` `(` $spread^ `:` type($spread) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict
  }];
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// The accumulators' dimensions that an operand has, or the result.
    ::llvm::SmallVector<int64_t> getRowDimensions(::mlir::Value rows);
    ::llvm::SmallVector<int64_t> getColumnDimensions(::mlir::Value columns);
    ::llvm::SmallVector<int64_t> getBiasDimensions();
    ::llvm::SmallVector<int64_t> getResultDimensions();

    /// The token and the channel dimension of the result.
    int64_t getResultTokenDimension();
    int64_t getResultChannelDimension();
  }];
}

//===----------------------------------------------------------------------===//
// Packed storage
//===----------------------------------------------------------------------===//

def Stamp_PackOp : Stamp_Op<"pack", [], /*firstInit=*/1, /*numInits=*/-1> {
  let summary = "Codes at the width they have";
  let description = [{
    Stores codes in as many bytes as their widths take: one result for each
    segment of the schedule, with the segment's rows of the dimension named by
    `along`, and one for the rest. Along the dimension named by `over` a byte
    holds four codes of 2 bits, two of 3 or 4, or one of more, the first in the
    lowest bits and each in two's complement; what is left of the last byte is 0.
    Of a code that its width does not hold, only the low bits are stored.

    A weight, which has one width, packs with a schedule of no segments, along
    either dimension.

    Example:

    ```mlir
    %p8, %p4 = stamp.pack #stamp.schedule<[64 : 8], 4> along 0 over 1
        ins(%q : tensor<512x120xi8>)
        outs(%e8, %e4 : tensor<64x120xi8>, tensor<448x60xi8>)
    ```
  }];
  let arguments = (ins Stamp_Codes:$codes,
    Variadic<Stamp_Codes>:$inits, Stamp_ScheduleAttr:$schedule,
    I64Attr:$dimension, I64Attr:$packed_dimension);
  let results = (outs Variadic<Stamp_CodeTensor>:$results);
  let assemblyFormat = [{
    qualified($schedule) `along` $dimension `over` $packed_dimension
    `ins` `(` $codes `:` type($codes) `)`
    `outs` `(` $inits `:` type($inits) `)` attr-dict
  }];
  let builders = [
    // Makes the inits.
    OpBuilder<(ins "::mlir::Value":$codes, "::stamp::ScheduleAttr":$schedule,
                   "int64_t":$dimension, "int64_t":$packedDimension)>
  ];
  let hasFolder = 1;
}

def Stamp_UnpackOp : Stamp_Op<"unpack", [], /*firstInit=*/0> {
  let summary = "Packed codes, one a byte again";
  let description = [{
    The reverse of `stamp.pack` with the same schedule: codes are sign-extended
    from the bits that they share a byte by, and what is left of a last byte is
    not looked at.

    Example:

    ```mlir
    %q = stamp.unpack #stamp.schedule<[64 : 8], 4> along 0 over 1
        ins(%p8, %p4 : tensor<64x120xi8>, tensor<448x60xi8>)
        outs(%e : tensor<512x120xi8>)
    ```
  }];
  let arguments = (ins Stamp_Codes:$init,
    Variadic<Stamp_Codes>:$packed, Stamp_ScheduleAttr:$schedule,
    I64Attr:$dimension, I64Attr:$packed_dimension);
  let results = (outs Optional<Stamp_CodeTensor>:$result);
  let assemblyFormat = [{
    qualified($schedule) `along` $dimension `over` $packed_dimension
    `ins` `(` $packed `:` type($packed) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict
  }];
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

def Stamp_ObserveOp : Stamp_Op<"observe", [], /*firstInit=*/2> {
  let summary = "Adds up the autocorrelation of tokens at a named site";
  let description = [{
    A + X·Xᵀ along the sequence dimension, summed over all other dimensions,
    batches and features: what has been seen so far, and now this. A is S×S, in
    f64. All that a plan is chosen by follows from it: the energies eᵢ of the
    coefficients under a basis L are the diagonal of L·A·Lᵀ (Theorem 1), and the
    KLT has A's eigenvectors. The site is the name by which a profile finds its
    layer again.

    On buffers A may be the init itself, say a `memref.global` of the site.

    Example:

    ```mlir
    %sum = stamp.observe "block0.qkv" along 0
        ins(%x, %sofar : tensor<512x120xf32>, tensor<512x512xf64>)
        outs(%e : tensor<512x512xf64>)

    stamp.observe "block0.qkv" along 0
        ins(%m, %a : memref<512x120xf32>, memref<512x512xf64>)
        outs(%a : memref<512x512xf64>)
    ```
  }];
  let arguments = (ins Stamp_Floats:$input, Stamp_Sums:$so_far,
    Stamp_Sums:$init, StrAttr:$site, I64Attr:$dimension);
  let results = (outs Optional<Stamp_SumTensor>:$result);
  let assemblyFormat = [{
    $site `along` $dimension
    `ins` `(` $input `,` $so_far `:` type($input) `,` type($so_far) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict
  }];
}

#endif // STAMP_IR_STAMPOPS_TD
