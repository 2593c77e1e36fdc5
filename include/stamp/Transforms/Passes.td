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
    Gives a `stamp.plan` to every contraction of float activations with a float
    weight that is known before the program runs: named or generic, in any order
    of dimensions, and also behind what only transposes, reshapes, widens,
    repeats, cuts, pads or concatenates the weight. Of the
    dimensions that the activations and the result have and the weight has not,
    the last one of the activations is the sequence; the others hold sequences of
    their own. 1x1 convolutions are linears whose tokens are the pixels that they
    read, and get a 2-D basis unless `basis` is given. Several dimensions that are
    summed over, or several of channels, count as one, and so do the two of blocked
    tokens (of a `linalg.mmt4d`, or where a pack or an unpack says that they are one).

    A weight is known if it is

      - a constant, or the value of an immutable `ml_program.global`, of which the
        pass makes constants as `stamp-inline-globals` does;
      - codes, integer constants that ops widen, shift by zero points and scale,
        per tensor, channel or group of inputs, or `quant.dcast` of constants.
        Their own width and groups go into the plan, and no feature transform,
        which would have to change them;
      - one of several known weights, picked by a slice at an index that run time
        decides, such as that of a layer in a loop or of an expert;
      - an argument of the function that is marked with `stamp.weight`.

    Linears that surely see fewer than `min-tokens` tokens stay float. Where only
    run time knows how many there are, the plan says what happens to fewer: they
    are not transformed, and all have the width of the schedule's first segment.
    The weight's codes are the same for all.

    A plan that the user put on an op stays. What the user asks for, on an op or
    by `basis`, `features` or `schedule`, must fit a static sequence and its
    features; where only the defaults do not fit, the op is left. Every
    contraction that is left gets a `missed` remark that says why. To be one it is
    enough that an op multiplies two of its inputs and sums the products up,
    whatever else its body does
    (`--remarks-filter="stamp.*" --remark-format=emitRemark`).
    An option that holds a space is written in braces:
    `--stamp-select="schedule={#stamp.schedule<[64 : 8], 4>}"`.

    `min-tokens`, `min-k`, `min-n` and `min-macs` leave small linears alone, as
    far as their sizes are known. `include` and `exclude` are extended regular
    expressions, searched for in the name of the function, in the names that the
    op's location has and in its places (`file:line:column`):
    `--stamp-select="include=encoder exclude=lm_head|model.mlir:12:"`. An op that
    has a plan already passes every filter.

    Before:
    ```mlir
    func.func @layer(%x: tensor<512x120xf32>, %init: tensor<512x360xf32>) -> tensor<512x360xf32> {
      %w = arith.constant dense_resource<weight> : tensor<120x360xf32>
      %y = linalg.matmul ins(%x, %w : tensor<512x120xf32>, tensor<120x360xf32>)
             outs(%init : tensor<512x360xf32>) -> tensor<512x360xf32>
      return %y : tensor<512x360xf32>
    }
    ```
    After `--stamp-select=basis={#stamp.haar<levels = 5>}`:
    ```mlir
    func.func @layer(%x: tensor<512x120xf32>, %init: tensor<512x360xf32>) -> tensor<512x360xf32> {
      %w = arith.constant dense_resource<weight> : tensor<120x360xf32>
      %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 5>,
             activations = #stamp.schedule<[0.0625 : 8], 4>, weight_bits = 4>}
             ins(%x, %w : tensor<512x120xf32>, tensor<120x360xf32>)
             outs(%init : tensor<512x360xf32>) -> tensor<512x360xf32>
      return %y : tensor<512x360xf32>
    }
    ```
  }];
  let options = [
    Option<"basis", "basis", "std::string", "\"#stamp.haar<levels = 4>\"",
           "The basis of the sequence transform, a #stamp attribute">,
    Option<"schedule", "schedule", "std::string",
           "\"#stamp.schedule<[0.0625 : 8], 4>\"",
           "The precision schedule of the activations, a #stamp.schedule">,
    Option<"features", "features", "std::string", "\"\"",
           "The feature transform, a #stamp attribute or a list of them; "
           "'hadamard' takes the rotation of the order that suits each linear">,
    Option<"weightBits", "weight-bits", "int64_t", "4",
           "Bits of a weight: 4 or 8">,
    Option<"activationGroup", "activation-group", "int64_t", "0",
           "Features of a token that share a scale; 0: all">,
    Option<"weightGroup", "weight-group", "int64_t", "0",
           "Inputs of an output channel that share a scale; 0: all">,
    Option<"minTokens", "min-tokens", "int64_t", "2",
           "With fewer tokens linears stay float, or are not transformed if only "
           "run time knows their number">,
    Option<"minK", "min-k", "int64_t", "0",
           "Linears that surely sum over fewer inputs stay float">,
    Option<"minN", "min-n", "int64_t", "0",
           "Linears that surely have fewer output channels stay float">,
    Option<"minMacs", "min-macs", "int64_t", "0",
           "Linears that surely take fewer multiply-adds stay float">,
    Option<"include", "include", "std::string", "\"\"",
           "Only linears whose function or location has a match of this regular "
           "expression are chosen">,
    Option<"exclude", "exclude", "std::string", "\"\"",
           "Linears whose function or location has a match of this regular "
           "expression stay float">
  ];
  let dependentDialects = ["::stamp::StampDialect"];
}

def StampQuantize : Pass<"stamp-quantize"> {
  let summary = "Carry out the plans: linears become integer contractions";
  let description = [{
    A contraction with a `stamp.plan` becomes transform, quantize, integer
    contraction, rescale and inverse transform:

        Y = L⁻¹( Q_a(L X R) · Q_w(R⁻¹ W) )

    The weight's transform and quantization fold at once when the weight is
    constant. Linears that share a weight share its codes, in several functions
    too.

    A weight that comes as codes keeps them, with their own scales and groups,
    whatever the plan says of weights; zero points become part of the codes, which
    must then fit 8 bits. A plan that cannot be carried out so is an error.

    Of arguments that are marked with `stamp.weight` a function `@f` takes codes,
    scales and sums instead, and the floats only if it also reads them otherwise.
    If `@f` is public, a function `@prepack_f` beside it computes them from the
    weights, in the order of `@f`'s new arguments: it is called once, when the
    weights are loaded. Calls of `@f` in the module compute them in front of the
    call, where they fold if the weight is a constant, and move on if it is a
    marked argument again. For this the pass has to run on the module.

    The contraction keeps its form, but becomes a `linalg.contract`
    where it reads the weight in front of its transpose or broadcast, or where
    dimensions of its operands are joined. What was packed into blocks for it is
    read in front of the pack.

    Groups of activations or weights split the contraction's sums: it has one
    accumulator per group, and rescale adds up the groups. Where K is no multiple
    of the group, or known at run time only, codes of 0 fill up the last group.
    Without groups, a K of more than 66,311 is cut into equal parts, so that no
    accumulator overflows; scales are still one per token and channel.

    A plan is an attribute and cannot name an operand: how long the sequences of a
    padded batch are, an argument of the function says, which an argument of tokens
    names by `stamp.padded = #stamp.padded<along = 1, lengths = 1>`. These are the
    `lengths` of all sequences that are computed from its tokens row by row:
    through contractions and elementwise ops, and through what only changes shapes.
    A linear of the function that is not reached counts padding as tokens, and gets
    a `missed` remark.

    Before:
    ```mlir
    func.func @layer(%x: tensor<512x120xf32>, %w: tensor<120x360xf32>) -> tensor<512x360xf32> {
      %c0 = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<512x360xf32>
      %zero = linalg.fill ins(%c0 : f32) outs(%e : tensor<512x360xf32>) -> tensor<512x360xf32>
      %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>,
             activations = #stamp.schedule<[64 : 8], 4>, weight_bits = 4>}
             ins(%x, %w : tensor<512x120xf32>, tensor<120x360xf32>)
             outs(%zero : tensor<512x360xf32>) -> tensor<512x360xf32>
      return %y : tensor<512x360xf32>
    }
    ```
    After `--stamp-quantize --canonicalize`:
    ```mlir
    func.func @layer(%x: tensor<512x120xf32>, %w: tensor<120x360xf32>) -> tensor<512x360xf32> {
      %c0 = arith.constant 0 : i32
      %et = tensor.empty() : tensor<512x120xf32>
      %t = stamp.transform #stamp.haar<levels = 4> along 0
             ins(%x : tensor<512x120xf32>) outs(%et : tensor<512x120xf32>)
      %eq = tensor.empty() : tensor<512x120xi8>
      %es = tensor.empty() : tensor<512xf32>
      %ez = tensor.empty() : tensor<512xi32>
      %q, %s, %z = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
             ins(%t : tensor<512x120xf32>)
             outs(%eq, %es, %ez : tensor<512x120xi8>, tensor<512xf32>, tensor<512xi32>)
      %ewq = tensor.empty() : tensor<120x360xi8>
      %ews = tensor.empty() : tensor<360xf32>
      %ewc = tensor.empty() : tensor<360xi32>
      %wq, %ws, %wc = stamp.quantize_weight bits = 4 over 0
             ins(%w : tensor<120x360xf32>)
             outs(%ewq, %ews, %ewc : tensor<120x360xi8>, tensor<360xf32>, tensor<360xi32>)
      %ea = tensor.empty() : tensor<512x360xi32>
      %zero = linalg.fill ins(%c0 : i32) outs(%ea : tensor<512x360xi32>) -> tensor<512x360xi32>
      %a = linalg.matmul ins(%q, %wq : tensor<512x120xi8>, tensor<120x360xi8>)
             outs(%zero : tensor<512x360xi32>) -> tensor<512x360xi32>
      %er = tensor.empty() : tensor<512x360xf32>
      %r = stamp.rescale along 0 over 1
             ins(%a, %s, %z, %ws, %wc : tensor<512x360xi32>, tensor<512xf32>, tensor<512xi32>,
                 tensor<360xf32>, tensor<360xi32>)
             outs(%er : tensor<512x360xf32>)
      %ey = tensor.empty() : tensor<512x360xf32>
      %y = stamp.inverse_transform #stamp.haar<levels = 4> along 0
             ins(%r : tensor<512x360xf32>) outs(%ey : tensor<512x360xf32>)
      return %y : tensor<512x360xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::stamp::StampDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def StampFold : Pass<"stamp-fold"> {
  let summary = "Move, cancel and share sequence transforms";
  let description = [{
    L acts on rows, so it commutes with what acts on features only:

      1. L⁻¹(A)·W = L⁻¹(A·W): inverse transforms sink through float
         contractions, feature transforms and what only changes shapes, forward
         transforms rise through them;
      2. L·L⁻¹ = id;
      3. L⁻¹(A) + 1bᵀ = L⁻¹(A + (L·1)bᵀ): a bias goes under the inverse;
      4. L⁻¹(A) + L⁻¹(B) = L⁻¹(A + B), L⁻¹(A)·diag(s) = L⁻¹(A·diag(s)): sums of
         inverses merge, scales are passed, and a residual stream X + L⁻¹(A)
         becomes L⁻¹(L(X) + A) where linears on both of its ends read L of it;
      5. equal transforms and quantizations of one tensor are shared;
      6. P·L⁻¹(V) = (P·Lᵀ)·V for an orthonormal L, if P is the cheaper one to
         transform;
      7. (X·W)·R = X·(W·R) and (X·diag(g))·W = X·(diag(g)·W) for constants W that
         are not quantized yet: what a plan, or an op, asks of features goes into
         the weights and biases that make them, and the gain of a norm into the
         weights behind it;
      8. T·L⁻¹(A) = (T·L⁻¹)·A for a constant T (a pooling, a sum over tokens), and
         L·X for a constant X, are computed at compile time.

    Moves that by themselves save nothing are made only where the transformed
    tensor gets no larger, or where a bounded look ahead finds what pays for it;
    none of them makes more transforms. A second run changes nothing.

    Rule 7 works on floats: run the pass in front of stamp-quantize, too
    (`--stamp-select="features=hadamard" --stamp-fold --stamp-quantize
    --stamp-fold`). R passes what treats all features alike: sums, scales for each
    token, products like P·V, sequence transforms, changes of shape that keep the
    features in one dimension, and an RMS norm without gain if R is orthonormal. All
    tensors that have to be rotated together are, or none is: only if linears
    ask for more elements of R·X than have to be transformed where that begins and
    ends, at arguments, nonlinear ops and results. Gains are folded if only linears
    under a plan, without scales of their own, read what they scale. Weights that are
    codes keep them, and a weight that stays float and is read elsewhere stays.

    Ops over the grid of pixels that an inverse transform makes tokens of are
    collapsed to these tokens if they are linear and treat all pixels alike.

    What needs tokens is never passed: nonlinear ops, norms, gates, masks and
    scales that depend on the token. For each transform that stays, a `missed`
    remark names the op and the reason; an `analysis` remark counts what each
    rule did.

    All rules but sharing change roundings: codes behind them may differ by one,
    as docs/Semantics.md allows.

    Before:
    ```mlir
    func.func @chain(%a: tensor<64x16xf32>, %w: tensor<16x8xf32>) -> tensor<64x8xf32> {
      %c0 = arith.constant 0.0 : f32
      %em = tensor.empty() : tensor<64x8xf32>
      %zero = linalg.fill ins(%c0 : f32) outs(%em : tensor<64x8xf32>) -> tensor<64x8xf32>
      %ei = tensor.empty() : tensor<64x16xf32>
      %i = stamp.inverse_transform #stamp.haar<levels = 4> along 0
             ins(%a : tensor<64x16xf32>) outs(%ei : tensor<64x16xf32>)
      %m = linalg.matmul ins(%i, %w : tensor<64x16xf32>, tensor<16x8xf32>)
             outs(%zero : tensor<64x8xf32>) -> tensor<64x8xf32>
      %t = stamp.transform #stamp.haar<levels = 4> along 0
             ins(%m : tensor<64x8xf32>) outs(%em : tensor<64x8xf32>)
      return %t : tensor<64x8xf32>
    }
    ```
    After `--stamp-fold`:
    ```mlir
    func.func @chain(%a: tensor<64x16xf32>, %w: tensor<16x8xf32>) -> tensor<64x8xf32> {
      %c0 = arith.constant 0.0 : f32
      %em = tensor.empty() : tensor<64x8xf32>
      %zero = linalg.fill ins(%c0 : f32) outs(%em : tensor<64x8xf32>) -> tensor<64x8xf32>
      %m = linalg.matmul ins(%a, %w : tensor<64x16xf32>, tensor<16x8xf32>)
             outs(%zero : tensor<64x8xf32>) -> tensor<64x8xf32>
      return %m : tensor<64x8xf32>
    }
    ```

    And rule 7:

    Before:
    ```mlir
    func.func @rotated(%x: tensor<64x2xf32>) -> tensor<64x2xf32> {
      %w = arith.constant dense<[[1.0, 2.0], [3.0, 5.0]]> : tensor<2x2xf32>
      %s = arith.constant dense<0.0> : tensor<64x2xf32>
      %m = linalg.matmul ins(%x, %w : tensor<64x2xf32>, tensor<2x2xf32>)
             outs(%s : tensor<64x2xf32>) -> tensor<64x2xf32>
      %e = tensor.empty() : tensor<64x2xf32>
      %r = stamp.feature_transform #stamp.scale<dense<[2.0, 0.5]> : tensor<2xf32>> over 1
             ins(%m : tensor<64x2xf32>) outs(%e : tensor<64x2xf32>)
      return %r : tensor<64x2xf32>
    }
    ```
    After `--stamp-fold`:
    ```mlir
    func.func @rotated(%x: tensor<64x2xf32>) -> tensor<64x2xf32> {
      %w = arith.constant dense<[[2.0, 1.0], [6.0, 2.5]]> : tensor<2x2xf32>
      %s = arith.constant dense<0.0> : tensor<64x2xf32>
      %m = linalg.matmul ins(%x, %w : tensor<64x2xf32>, tensor<2x2xf32>)
             outs(%s : tensor<64x2xf32>) -> tensor<64x2xf32>
      return %m : tensor<64x2xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::stamp::StampDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def StampQuantizeAttention : Pass<"stamp-quantize-attention"> {
  let summary = "Keep keys and values as transformed codes";
  let description = [{
    Finds attention, P·V with P a softmax of Q·Kᵀ, and lets K and V exist as codes
    between their producer and their use:

        K ≈ L⁻¹( Q(L K) ),   V ≈ L⁻¹( Q(L V) )

    L acts on the tokens that are attended to, and each of them has a scale of its
    own per head, or one for every `group` features. Attention is told by the
    contractions' maps, whatever the layout of heads: the sequence is the loop
    that K has and Q has not, and that V is summed over. Between the two stands a
    `linalg.softmax`, or elementwise ops with an exponential among them. Codes are
    made in front of what repeats heads for grouped queries.

    The inverse transforms stand on K and V. `stamp-fold` moves them to the scores
    and the probabilities where those are cheaper to transform, by Q·(L⁻¹K)ᵀ =
    (Q·Kᵀ)·L⁻ᵀ and P·L⁻¹(V) = (P·Lᵀ)·V; mask and softmax always see tokens.

    In causal attention the error of a token's key and value then depends on later
    tokens that share coefficients with it; see docs/Semantics.md.

    A model that returns its keys and values, for a cache, still returns floats,
    unless `return-codes` asks for codes: then each of them is returned as one
    packed tensor for each part of the schedule, scales, and zero points as i8.

    For each product of two activations that stays as it is, and for each operand
    that keeps its floats, a `missed` remark says why; an `analysis` remark counts.
    A second run changes nothing.

    Before:
    ```mlir
    %s = linalg.batch_matmul_transpose_b ins(%q, %k : …) outs(%zero : …) -> …
    %p = linalg.softmax dimension(2) ins(%s : …) outs(…) -> …
    %y = linalg.batch_matmul ins(%p, %v : …) outs(%zero : …) -> …
    ```
    After, for K as for V:
    ```mlir
    %t = stamp.transform #stamp.haar<levels = 4> along 1 ins(%k : …) outs(…)
    %c, %sk, %z = stamp.quantize #stamp.schedule<[0.0625 : 8], 4> along 1 over 2
                    ins(%t : …) outs(…)
    %d = stamp.dequantize over 2 ins(%c, %sk, %z : …) outs(…)
    %i = stamp.inverse_transform #stamp.haar<levels = 4> along 1 ins(%d : …) outs(…)
    %s = linalg.batch_matmul_transpose_b ins(%q, %i : …) outs(%zero : …) -> …
    ```
  }];
  let options = [
    Option<"basis", "basis", "std::string", "\"#stamp.haar<levels = 4>\"",
           "The basis of the sequence transform, a #stamp attribute">,
    Option<"schedule", "schedule", "std::string",
           "\"#stamp.schedule<[0.0625 : 8], 4>\"",
           "The precision schedule of keys and values, a #stamp.schedule">,
    Option<"group", "group", "int64_t", "0",
           "Features of a token that share a scale; 0: all of a head">,
    Option<"minTokens", "min-tokens", "int64_t", "2",
           "Keys and values that surely have fewer tokens stay float">,
    Option<"returnCodes", "return-codes", "bool", "false",
           "Return keys and values as packed codes, scales and zero points">
  ];
  let dependentDialects = ["::stamp::StampDialect", "::mlir::arith::ArithDialect"];
}

def StampKVCache : Pass<"stamp-kv-cache", "::mlir::ModuleOp"> {
  let summary = "Give the declared functions of a KV cache their bodies";
  let description = [{
    A cache of keys, or of values, is a few tensors that a decoder carries from
    step to step: whole blocks of B tokens as transformed and packed codes, with
    their scales and zero points, and a window of the most recent tokens as they
    are. The types of three declared functions say how large each is, their
    attribute how blocks are quantized, and this pass writes the bodies.

    * `stamp.kv_append` (tokens, cache, length) to (cache, length): the tokens go
      into the window; when it is full, its oldest block is transformed, quantized
      and stored.
    * `stamp.kv_scores` (queries, cache, length) to scores: Q·Kᵀ for each token of
      the cache, block by block.
    * `stamp.kv_mix` (probabilities, cache, length) to outputs: P·V likewise.

    Scores and probabilities are of tokens in their order, so that scale, mask and
    softmax between the two are the model's own. The dimensions in front are
    sequences and heads; the rows of queries are those of one key head: a group of
    query heads joins them. The cache in a signature is, with B and the number of
    blocks as the types have it, which may be `?`:

        one tensor … × blocks × rows × bytes of i8 for each part of the schedule,
        scales … × blocks × B of f32, zero points … × blocks × B of i8
          (with a dimension of groups behind them if there are groups),
        window … × W × D of floats, W ≥ B;

    then the number of tokens, an index. After n tokens B·⌊max(0, n − W + B)/B⌋ are
    stored as codes. A token that finds no block left stops the program.

    The inverse transforms stand on K and V, and are for `stamp-fold` to move to
    the scores and probabilities.

    Before:
    ```mlir
    func.func private @append(tensor<8x?x64xf32>, tensor<8x128x16x32xi8>, tensor<8x128x16xf32>,
        tensor<8x128x16xi8>, tensor<8x16x64xf32>, index)
        -> (tensor<8x128x16x32xi8>, tensor<8x128x16xf32>, tensor<8x128x16xi8>, tensor<8x16x64xf32>, index)
        attributes {stamp.kv_append = #stamp.kv_cache<basis = #stamp.haar<levels = 4>,
                                                      schedule = #stamp.schedule<[], 4>>}
    ```
    After, the function has a body:
    ```mlir
    scf.for … {
      … tensor.insert_slice %token into %window …
      scf.if %is_full … {
        %t = stamp.transform #stamp.haar<levels = 4> along 1 ins(%block : tensor<8x16x64xf32>) …
        %q, %s, %z = stamp.quantize #stamp.schedule<[], 4> along 1 over 2 ins(%t : …) …
        %p = stamp.pack #stamp.schedule<[], 4> along 1 over 2 ins(%q : …) outs(… : tensor<8x16x32xi8>)
        … tensor.insert_slice …
      }
    }
    ```
  }];
  let dependentDialects = [
    "::stamp::StampDialect", "::mlir::arith::ArithDialect",
    "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
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

def StampInlineGlobals : Pass<"stamp-inline-globals"> {
  let summary = "Immutable globals become constants where they are loaded";
  let description = [{
    Puts the value of an immutable `ml_program.global` in the place of its loads,
    and erases the global if it is private and nothing else refers to it. Constants
    of one value share it, so that no copy is made.

    Before:
    ```mlir
    ml_program.global private @w(dense<2.0> : tensor<4xf32>) : tensor<4xf32>
    func.func @load() -> tensor<4xf32> {
      %w = ml_program.global_load_const @w : tensor<4xf32>
      return %w : tensor<4xf32>
    }
    ```
    After `--stamp-inline-globals`:
    ```mlir
    func.func @load() -> tensor<4xf32> {
      %w = arith.constant dense<2.0> : tensor<4xf32>
      return %w : tensor<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def StampCheckSizes : Pass<"stamp-check-sizes"> {
  let summary = "Check at run time that dynamic sizes agree";
  let description = [{
    Before each linalg operation on tensors, asserts that all operands indexed
    by the same loop have the same size along it, as far as that is not known;
    before each `tensor.cast`, that its operand has the sizes that it promises.
  }];
  let dependentDialects = ["arith::ArithDialect", "cf::ControlFlowDialect",
                           "tensor::TensorDialect"];
}

def StampDecomposeAggregates : Pass<"stamp-decompose-aggregates"> {
  let summary = "Write linalg.softmax as the linalg operations it stands for";
  let description = [{
    An operation of `linalg` that is no nest of loops, of which upstream has
    `linalg.softmax`, says itself which loops it is made of. Each such operation on
    tensors becomes those, since nothing lowers it later. `stamp-quantize-attention`
    comes before this pass: it finds attention by its softmax.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def StampUnshareInits : Pass<"stamp-unshare-inits"> {
  let summary = "Let few ops write to one empty tensor, and one to a filled one";
  let description = [{
    Common subexpression elimination leaves one `tensor.empty` and one
    `linalg.fill` of each size, into which a whole model seems to write. This pass
    makes more of them again, before bufferization has to tell the writes apart,
    in quadratic time.
  }];
}

#endif // STAMP_TRANSFORMS_PASSES_TD
