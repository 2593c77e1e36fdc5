//===- StampAttrs.td - Bases, schedules, plans -----------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_STAMPATTRS_TD
#define STAMP_IR_STAMPATTRS_TD

include "stamp/IR/StampDialect.td"
include "stamp/IR/StampInterfaces.td"
include "mlir/IR/AttrTypeBase.td"

class Stamp_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Stamp_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

//===----------------------------------------------------------------------===//
// Bases
//===----------------------------------------------------------------------===//

class Stamp_BasisAttr<string name, string attrMnemonic,
                      list<string> overridden = []>
    : Stamp_Attr<name, attrMnemonic,
                 [DeclareAttrInterfaceMethods<Stamp_BasisAttrInterface,
                                              overridden>]>;

def Stamp_Skip : DefaultValuedParameter<"int64_t", "0",
  "leading tokens (attention sinks, CLS) left out of the transform">;

def Stamp_IdentityAttr : Stamp_BasisAttr<"Identity", "identity", ["isIdentity"]> {
  let summary = "No transform";
  let description = [{
    L = I: the plan to transform nothing, for sequences without correlation.

    Example: `#stamp.identity`
  }];
}

def Stamp_HaarAttr : Stamp_BasisAttr<"Haar", "haar", [
    "emitCoarsePosition", "emitsBlocks", "emitBlock"]> {
  let summary = "Haar wavelet over neighbouring tokens";
  let description = [{
    J levels of a = (x₀ + x₁)/√2, d = (x₀ − x₁)/√2 on neighbours, ordered
    [a_J, d_J, …, d₁]. An odd last token passes into the coarse half, so every
    length works. It mixes blocks of 2^J tokens.

    Example: `#stamp.haar<levels = 5, skip = 1>`
  }];
  let parameters = (ins "int64_t":$levels, Stamp_Skip:$skip);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Stamp_Haar2DAttr : Stamp_BasisAttr<"Haar2D", "haar2d"> {
  let summary = "Haar wavelet over a grid of tokens";
  let description = [{
    The tokens are a row-major H×W raster, as in vision models. Each level
    transforms along W, then along H; order LL_J, then LH, HL, HH from level J
    to level 1. A sequence that is not H·W tokens long is left as it is.

    Example: `#stamp.haar2d<levels = 3, grid = 8x16>`
  }];
  let parameters = (ins "int64_t":$levels, "int64_t":$height, "int64_t":$width,
                        Stamp_Skip:$skip);
  let assemblyFormat = [{
    `<` `levels` `=` $levels `,` `grid` `=` custom<Grid>($height, $width)
    (`,` `skip` `=` $skip^)? `>`
  }];
  let genVerifyDecl = 1;
}

def Stamp_DCTAttr : Stamp_BasisAttr<"DCT", "dct"> {
  let summary = "Orthonormal DCT-II";
  let description = [{
    The discrete cosine transform over the whole sequence.

    Example: `#stamp.dct`, `#stamp.dct<skip = 1>`
  }];
  let parameters = (ins Stamp_Skip:$skip);
  let assemblyFormat = "(`<` struct($skip)^ `>`)?";
  let genVerifyDecl = 1;
}

def Stamp_WHTAttr : Stamp_BasisAttr<"WHT", "wht", [
    "emitCoarsePosition", "emitsBlocks", "emitBlock"]> {
  let summary = "Walsh–Hadamard transform in blocks";
  let description = [{
    Blocks of `block` tokens (a power of two), rows in sequency order, sequency
    first across blocks. A ragged tail splits into descending powers of two.
    `block = 0`, the default, takes the largest power of two that fits.

    Example: `#stamp.wht`, `#stamp.wht<block = 16, skip = 1>`
  }];
  let parameters = (ins
    DefaultValuedParameter<"int64_t", "0", "tokens per block">:$block,
    Stamp_Skip:$skip);
  let assemblyFormat = "(`<` struct($block, $skip)^ `>`)?";
  let genVerifyDecl = 1;
}

def Stamp_MatrixAttr : Stamp_Attr<"Matrix", "matrix", [
    DeclareAttrInterfaceMethods<Stamp_BasisAttrInterface>,
    DeclareAttrInterfaceMethods<Stamp_FeatureTransformAttrInterface>]> {
  let summary = "An explicit matrix, such as a calibrated KLT";
  let description = [{
    L is the n×n f32 matrix, for sequences of n tokens; others are left as they
    are. Without an `inverse` the matrix is declared orthonormal, and that is
    checked: |M·Mᵀ − I| ≤ 1e-4. With one, |M·inverse − I| ≤ 1e-4. As a feature
    transform R is the matrix, in the same way.

    Example: `#stamp.matrix<dense<[[0.6, 0.8], [0.8, -0.6]]> : tensor<2x2xf32>>`
  }];
  let parameters = (ins "::mlir::ElementsAttr":$matrix,
    OptionalParameter<"::mlir::ElementsAttr">:$inverse, Stamp_Skip:$skip);
  let assemblyFormat = "`<` $matrix (`,` struct($inverse, $skip)^)? `>`";
  let genVerifyDecl = 1;
}

def Stamp_MinTokensAttr : Stamp_BasisAttr<"MinTokens", "min_tokens",
    ["emitCoarsePosition", "isIdentity", "atLength"]> {
  let summary = "Another basis, for sequences of so many tokens or more";
  let description = [{
    L is that of `inner` for sequences of `tokens` tokens or more, skipped ones
    included, and the identity for shorter ones: a program for every length
    decodes a few tokens without transforming them.

    Example: `#stamp.min_tokens<32, #stamp.haar<levels = 4>>`
  }];
  let parameters = (ins "int64_t":$tokens,
                        "::stamp::BasisAttrInterface":$inner);
  let assemblyFormat = "`<` $tokens `,` $inner `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// `basis` for sequences of `tokens` tokens or more; `basis` itself if it
    /// leaves shorter ones as they are by itself.
    static ::stamp::BasisAttrInterface
    limit(int64_t tokens, ::stamp::BasisAttrInterface basis);

    /// What `basis` is for sequences of enough tokens, and how many those are.
    static std::pair<::stamp::BasisAttrInterface, int64_t>
    split(::stamp::BasisAttrInterface basis);
  }];
}

//===----------------------------------------------------------------------===//
// Feature transforms
//===----------------------------------------------------------------------===//

class Stamp_FeatureTransformAttr<string name, string attrMnemonic>
    : Stamp_Attr<name, attrMnemonic,
        [DeclareAttrInterfaceMethods<Stamp_FeatureTransformAttrInterface>]>;

def Stamp_HadamardAttr : Stamp_FeatureTransformAttr<"Hadamard", "hadamard"> {
  let summary = "Hadamard rotation of the features";
  let description = [{
    R = H ⊗ M for D = m·2^k features: H is the Sylvester matrix of order 2^k, by
    butterflies, and M a Hadamard matrix of order m where the project constructs
    one, else the DCT-II of order m; both orthonormal. It spreads the energy of
    a few loud channels over all of them. Other numbers of features are left as
    they are.

    Example: `#stamp.hadamard` (a power of two), `#stamp.hadamard<order = 28>`
  }];
  let parameters = (ins
    DefaultValuedParameter<"int64_t", "1", "m, the order of the dense part">
      :$order);
  let assemblyFormat = "(`<` struct($order)^ `>`)?";
  let genVerifyDecl = 1;
}

def Stamp_ScaleAttr : Stamp_FeatureTransformAttr<"Scale", "scale"> {
  let summary = "One factor per feature";
  let description = [{
    R = diag(s): the forward transform multiplies by the factors, the inverse
    divides. Numbers of features other than theirs are left as they are.

    Example: `#stamp.scale<dense<[1.0, 0.125]> : tensor<2xf32>>`
  }];
  let parameters = (ins "::mlir::ElementsAttr":$factors);
  let assemblyFormat = "`<` $factors `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Precision
//===----------------------------------------------------------------------===//

def Stamp_ScheduleAttr : Stamp_Attr<"Schedule", "schedule"> {
  let summary = "How many bits each coefficient row gets";
  let description = [{
    Segments `count : bits` of leading rows, then the width of all other rows.
    A count is a number of rows or, written as a float, a fraction of the
    sequence. Bits are 2 to 8. All rows of a sequence of fewer than `min_tokens`
    tokens belong to the first segment.

    Example: `#stamp.schedule<[64 : 8], 4>`, `#stamp.schedule<[0.0625 : 8], 4>`,
    `#stamp.schedule<[0.0625 : 8], 4, min_tokens = 32>`
  }];
  let parameters = (ins
    ArrayRefParameter<"::stamp::Segment", "leading segments">:$segments,
    "int64_t":$restBits,
    DefaultValuedParameter<"int64_t", "0", "fewer are not divided">:$minTokens);
  let builders = [
    AttrBuilder<(ins "::llvm::ArrayRef<::stamp::Segment>":$segments,
                     "int64_t":$restBits), [{
      return $_get($_ctxt, segments, restBits, /*minTokens=*/0);
    }]>
  ];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    ::stamp::PrecisionSchedule getSchedule() const;

    /// This schedule with `tokens` as its min_tokens, if it has none and they make
    /// a difference.
    ::stamp::ScheduleAttr limit(int64_t tokens) const;

    /// A schedule that is this one in sequences of `seqLen` tokens.
    ::stamp::ScheduleAttr atLength(int64_t seqLen) const;

    /// The bits of each segment, and then of the rest.
    ::llvm::SmallVector<int64_t> getWidths() const;

    /// The row that each segment ends at in a sequence of `seqLen` tokens, which
    /// may be known at run time only.
    ::llvm::SmallVector<::mlir::OpFoldResult>
    getEnds(::mlir::OpBuilder &builder, ::mlir::Location loc,
            ::mlir::OpFoldResult seqLen) const;
  }];
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

/// Printed with its name, so that a plan reads by itself.
def Stamp_ScheduleParameter
    : AttrOrTypeParameter<"::stamp::ScheduleAttr", "precision schedule"> {
  let printer = "$_printer.printAttribute($_self)";
}

/// One, or several in brackets.
def Stamp_FeatureTransformsParameter
    : OptionalArrayRefParameter<"::stamp::FeatureTransformAttrInterface",
                                "feature transforms, first to last"> {
  let parser = "parseFeatureTransforms($_parser)";
  let printer = "printFeatureTransforms($_printer, $_self)";
}

def Stamp_GroupParameter : DefaultValuedParameter<"int64_t", "0",
  "how many neighbours have a scale in common; 0: all">;

def Stamp_PlanAttr : Stamp_Attr<"Plan", "plan"> {
  let summary = "What becomes of one linear layer";
  let description = [{
    Carried by a contraction as `stamp.plan`, put there by `stamp-select` or by
    the user, and carried out by `stamp-quantize`.

    `features` is one feature transform, or several in brackets, of which the
    first acts on X first.

    `activation_group` and `weight_group` give every so many features of a token,
    or inputs of an output channel, a scale of their own; without them, or as 0,
    one scale serves them all. Given both, they are equal.

    Example: `#stamp.plan<basis = #stamp.haar<levels = 4>,
    features = #stamp.hadamard<order = 28>,
    activations = #stamp.schedule<[64 : 8], 4>, weight_bits = 4>`,
    `#stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>,
    activation_group = 64, weight_bits = 4, weight_group = 64>`
  }];
  let parameters = (ins "::stamp::BasisAttrInterface":$basis,
    Stamp_FeatureTransformsParameter:$features,
    Stamp_ScheduleParameter:$activations,
    Stamp_GroupParameter:$activation_group,
    "int64_t":$weight_bits,
    Stamp_GroupParameter:$weight_group);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Why this plan asks for more than a sequence of that static length has,
    /// as a phrase for a diagnostic; nullopt if it fits.
    ::std::optional<::std::string> misfit(int64_t seqLen) const;

    /// Likewise, why its feature transforms are not for so many features.
    ::std::optional<::std::string> featuresMisfit(int64_t features) const;
  }];
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

def Stamp_KVCacheAttr : Stamp_Attr<"KVCache", "kv_cache"> {
  let summary = "How a cache of keys or values holds its blocks";
  let description = [{
    Carried by the declaration of a function that `stamp-kv-cache` gives its body
    to, as `stamp.kv_append`, `stamp.kv_scores` or `stamp.kv_mix`. The tokens of a
    block are a sequence of their own: they take the basis, and are quantized
    under the schedule, each token of each head with a scale of its own, or with
    one for every `group` features.

    Example: `#stamp.kv_cache<basis = #stamp.haar<levels = 4>,
    schedule = #stamp.schedule<[1 : 8], 4>>`
  }];
  let parameters = (ins "::stamp::BasisAttrInterface":$basis,
    Stamp_ScheduleParameter:$schedule,
    Stamp_GroupParameter:$group);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Padded batches
//===----------------------------------------------------------------------===//

def Stamp_PaddedAttr : Stamp_Attr<"Padded", "padded"> {
  let summary = "An argument holds sequences of different lengths";
  let description = [{
    Carried by an argument of a function as `stamp.padded`: its sequences run
    `along` one dimension and are padded to its size. How many tokens of each are
    valid is another argument of the function, the one of number `lengths`: a
    tensor of index, i32 or i64 over the first dimensions of this one, in front of
    `along`. So the tokens in a tensor<4x?x64xf32>, with a tensor<4xi64> of lengths
    behind it, carry the example.

    Example: `#stamp.padded<along = 1, lengths = 1>`
  }];
  let parameters = (ins "int64_t":$along, "int64_t":$lengths);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // STAMP_IR_STAMPATTRS_TD
