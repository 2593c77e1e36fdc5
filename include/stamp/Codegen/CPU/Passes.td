//===- Passes.td - code generation passes ------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_PASSES_TD
#define STAMP_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseElementwisePass : Pass<"stamp-fuse-elementwise"> {
  let summary = "Fuse elementwise linalg operations that recompute nothing";
  let description = [{
    Upstream's `linalg-fuse-elementwise-ops` fuses a producer into its only
    consumer even when that consumer iterates over more than the producer does:
    an elementwise left operand of a contraction would be computed anew for
    every column. Here a producer is fused when the consumer visits each of its
    elements once, or when the producer only moves elements (a broadcast, a
    transposition, a widening of integers), which is cheaper than a trip through
    memory.
  }];
  let dependentDialects = ["affine::AffineDialect", "linalg::LinalgDialect"];
}

def FuseContractionsPass : Pass<"stamp-fuse-contractions"> {
  let summary = "Take blocks of rows through chains of batched contractions";
  let description = [{
    Attention has two contractions for each head, with the softmax between them
    on a matrix of all pairs of tokens. A block of its rows goes through all of
    that in one turn of an `scf.forall`, so that the matrix never is in memory as
    a whole. A producer is fused where each turn needs a part of its own; what
    several turns need is computed in front of them.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", "\"host\"",
           "The instruction set, and with it the caches, to choose blocks for">
  ];
  let dependentDialects = ["affine::AffineDialect", "linalg::LinalgDialect",
                           "scf::SCFDialect", "tensor::TensorDialect"];
}

def LowerRelayoutsPass : Pass<"stamp-lower-relayouts"> {
  let summary = "Lower linalg.pack and linalg.unpack to reshapes and transposes";
  let description = [{
    What data tiling leaves behind, with tiles of static sizes: a pack pads,
    splits dimensions and transposes; an unpack does the reverse. Upstream has
    the rewrites, but no pass that applies them.
  }];
  let dependentDialects = ["affine::AffineDialect", "arith::ArithDialect",
                           "linalg::LinalgDialect", "tensor::TensorDialect"];
}

def VectorizePass : Pass<"stamp-vectorize"> {
  let summary = "Lower linalg operations on buffers to loops over vectors";
  let description = [{
    Lowers every linalg operation on memrefs with an elementwise body and a
    dimension in which all its accesses are contiguous (or constant) to a nest
    of loops over one-dimensional vectors, with the accumulators of a reduction
    in registers and a few rows at a time, so that a loaded vector is used more
    than once. Ragged and dynamic sizes end in one masked step. A reduction
    along the contiguous dimension keeps one partial result per lane and
    combines the lanes pairwise at the end, in an order that depends on neither
    the target nor the optimization level.

    No float operation is contracted or otherwise reordered. Operations that do
    not fit (gathers, `linalg.index`, strided accesses) are left alone.

    With `parallel` the outermost loops are an `scf.forall`, where there is work
    for several threads and no such loop around.
  }];
  let options = [
    Option<"parallel", "parallel", "bool", "false",
           "Whether independent results may be computed at the same time">
  ];
  let dependentDialects = ["affine::AffineDialect", "arith::ArithDialect",
                           "linalg::LinalgDialect", "memref::MemRefDialect",
                           "scf::SCFDialect", "vector::VectorDialect"];
}

def FormKernelsPass : Pass<"stamp-form-kernels"> {
  let summary = "Turn quantized linears into kernels for a CPU";
  let description = [{
    Replaces transform, quantizer, integer contraction, rescaling and inverse
    transform by two nests of loops over vectors: one makes panels of codes out
    of the activations, in one pass, the other multiplies them with a weight that
    has been packed for the target, and undoes the transform before it stores a
    result. A constant weight is packed at compile time; one of run time, of 8
    bits, in each call. Linears that share their codes share the panels. Groups of
    features, of activations and weights, may be of any size that is whole
    vectors; the last may be shorter.
    Hadamard rotations and scales of the features in front of the quantizer are
    part of its pass over the activations; a matrix of features is not.

    The inner product is a `vector.contract` of four codes with four codes of
    each column, for `stamp-lower-dot`. What fits no kernel stays for the
    portable lowering, with a remark that says why.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", "\"host\"",
           "The instruction set to choose tiles and layouts for: host, generic, "
           "avx2, avxvnni, avx512vnni, neon-dotprod or neon-i8mm">
  ];
  let dependentDialects = ["arith::ArithDialect",
                           "bufferization::BufferizationDialect",
                           "math::MathDialect", "memref::MemRefDialect",
                           "scf::SCFDialect", "tensor::TensorDialect",
                           "vector::VectorDialect"];
}

def FormContractionsPass : Pass<"stamp-form-contractions"> {
  let summary = "Turn float contractions on buffers into kernels for a CPU";
  let description = [{
    Replaces contractions of f32, f16 or bf16 with sums in f32, such as scores and
    outputs of attention, by loops over register tiles: the right factor is copied
    into strips of neighbouring columns, a slice of which stays in the
    second-level cache for a block of rows. Blocks of rows are an `scf.forall`.

    Inside of an `scf.forall`, where `stamp-fuse-contractions` has put attention, a
    product and its addition are one operation if the target has one for both
    (`vector.fma`, which lowers to `llvm.intr.fmuladd`). Each sum starts from
    what the result holds and is taken in the order of k. Contractions of other
    kinds, or of few rows, stay for `stamp-vectorize`, with a remark that says
    why.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", "\"host\"",
           "The instruction set to choose tiles for: host, generic, avx2, avxvnni, "
           "avx512vnni, neon-dotprod or neon-i8mm">
  ];
  let dependentDialects = ["affine::AffineDialect", "arith::ArithDialect",
                           "memref::MemRefDialect", "scf::SCFDialect",
                           "vector::VectorDialect"];
}

def ExpandMathPass : Pass<"stamp-expand-math"> {
  let summary = "Compute exp, tanh and erf of vectors by polynomials";
  let description = [{
    The C library has these functions for one number at a time. Here `math.exp`,
    `math.tanh` and `math.erf` of vectors of f32 become arithmetic on vectors,
    within 4 units in the last place of the exact value; f16 is computed in f32.
    Infinities and NaNs are what they are in the C library. Scalars are left
    alone.
  }];
  let dependentDialects = ["arith::ArithDialect", "math::MathDialect",
                           "vector::VectorDialect"];
}

def FormTransformsPass : Pass<"stamp-form-transforms"> {
  let summary = "Turn transforms along the sequence into kernels for a CPU";
  let description = [{
    Replaces `stamp.transform` and `stamp.inverse_transform` on tensors by loops
    over vectors of neighbouring columns, for the transforms that
    `stamp-form-kernels` has left: those that do not work in small blocks of
    tokens. As many rows as fit the registers are taken through several levels of
    the algorithm at once, and what lies between is scratch in a near cache.

    The order of float operations is the one of the portable lowering, but for
    the DCT. What has no kernel stays for it, with a remark that says why.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", "\"host\"",
           "The instruction set to choose vectors and strips for: host, generic, "
           "avx2, avxvnni, avx512vnni or neon-dotprod">
  ];
  let dependentDialects = ["arith::ArithDialect",
                           "bufferization::BufferizationDialect",
                           "math::MathDialect", "memref::MemRefDialect",
                           "scf::SCFDialect", "tensor::TensorDialect",
                           "vector::VectorDialect"];
}

def FenceStoresPass : Pass<"stamp-fence-stores"> {
  let summary = "Order nontemporal stores before the end of a parallel loop";
  let description = [{
    A store past the caches is not ordered with those that tell other threads
    that a turn of a loop is done. Each turn of an `omp.loop_nest` with such
    stores gets a fence at its end. Earlier, passes that know no fence's effects
    would be in the way.
  }];
  let dependentDialects = ["LLVM::LLVMDialect"];
}

def LowerDotPass : Pass<"stamp-lower-dot"> {
  let summary = "Lower products of codes to a CPU's dot-product instruction";
  let description = [{
    Lowers the `vector.contract` that kernels multiply codes with, of four signed
    bytes with four bytes for each of the target's lanes, all of them extended to
    i32,
    to the instruction of the target that does it: `vpdpbusd`, `vpmaddubsw` and
    `vpmaddwd`, `sdot`, `usdot`; or to shifts and multiplications that every target
    has. All of them are exact.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", "\"host\"",
           "The instruction set: host, generic, avx2, avxvnni, avx512vnni, "
           "neon-dotprod or neon-i8mm">
  ];
  let dependentDialects = ["arith::ArithDialect", "LLVM::LLVMDialect",
                           "vector::VectorDialect"];
}

def ExpandDynamicShapesPass : Pass<"stamp-expand-dynamic-shapes"> {
  let summary = "Expand shapes of which several sizes are known at run time only";
  let description = [{
    A `memref.expand_shape` that splits one dimension into two dynamic ones, such
    as the pixels of an image of any size into rows and columns, becomes a
    `memref.reinterpret_cast`. Upstream's `expand-strided-metadata`, which has to
    run behind this pass, does not know such shapes.
  }];
  let dependentDialects = ["affine::AffineDialect", "memref::MemRefDialect"];
}

def WidenBFloatPass : Pass<"stamp-widen-bfloat"> {
  let summary = "Compute in f32 what is to be computed in bf16";
  let description = [{
    An operation of arith or math on bf16 becomes the same one on f32 between
    extensions and a truncation, which is what it means: f32 has more than twice
    the digits, so that the second rounding changes nothing. Extensions and
    truncations become arithmetic on integers.

    LLVM does the same for machines without bf16, in ways that are not good
    enough: its AArch64 target rounds sums of vectors to the wrong side, and
    AVX512-BF16 takes denormal numbers for zero. Unlike upstream's
    `arith-emulate-unsupported-floats` this lets nobody leave out the rounding
    between two operations.
  }];
  let dependentDialects = ["arith::ArithDialect"];
}

#endif // STAMP_CODEGEN_CPU_PASSES_TD
