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

def Stamp_HaarAttr : Stamp_BasisAttr<"Haar", "haar", ["emitCoarsePosition"]> {
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

def Stamp_WHTAttr : Stamp_BasisAttr<"WHT", "wht", ["emitCoarsePosition"]> {
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

def Stamp_MatrixAttr : Stamp_BasisAttr<"Matrix", "matrix"> {
  let summary = "An explicit matrix, such as a calibrated KLT";
  let description = [{
    L is the n×n f32 matrix, for sequences of n tokens; others are left as they
    are. Without an `inverse` the matrix is declared orthonormal, and that is
    checked: |M·Mᵀ − I| ≤ 1e-4. With one, |M·inverse − I| ≤ 1e-4.

    Example: `#stamp.matrix<dense<[[0.6, 0.8], [0.8, -0.6]]> : tensor<2x2xf32>>`
  }];
  let parameters = (ins "::mlir::ElementsAttr":$matrix,
    OptionalParameter<"::mlir::ElementsAttr">:$inverse, Stamp_Skip:$skip);
  let assemblyFormat = "`<` $matrix (`,` struct($inverse, $skip)^)? `>`";
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
    sequence. Bits are 2 to 8.

    Example: `#stamp.schedule<[64 : 8], 4>`, `#stamp.schedule<[0.0625 : 8], 4>`
  }];
  let parameters = (ins
    ArrayRefParameter<"::stamp::Segment", "leading segments">:$segments,
    "int64_t":$restBits);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    ::stamp::PrecisionSchedule getSchedule() const;
  }];
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

def Stamp_PlanAttr : Stamp_Attr<"Plan", "plan"> {
  let summary = "What becomes of one linear layer";
  let description = [{
    Carried by a contraction as `stamp.plan`, put there by `stamp-select` or by
    the user, and carried out by `stamp-quantize`.

    Example: `#stamp.plan<basis = #stamp.haar<levels = 4>,
    activations = #stamp.schedule<[64 : 8], 4>, weight_bits = 4>`
  }];
  let parameters = (ins "::stamp::BasisAttrInterface":$basis,
    "::stamp::ScheduleAttr":$activations, "int64_t":$weight_bits);
  let assemblyFormat = [{
    `<` `basis` `=` $basis `,` `activations` `=` qualified($activations) `,`
    `weight_bits` `=` $weight_bits `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Why this plan asks for more than a sequence of that static length has,
    /// as a phrase for a diagnostic; nullopt if it fits.
    ::std::optional<::std::string> misfit(int64_t seqLen) const;
  }];
}

#endif // STAMP_IR_STAMPATTRS_TD
