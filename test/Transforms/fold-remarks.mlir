// RUN: stamp-opt %s --stamp-fold --split-input-file --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 >%t | FileCheck %s --implicit-check-not=remark:
// What is folded stays as it is:
// RUN: stamp-opt %t --stamp-fold --split-input-file | diff %t -

// What is refused, and what is not, computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: @buffers: not run: argument 0 of 'buffers' has type 'memref<16x8xf32>': only ranked tensors can be passed
// VALID: {{^[0-9]+}} agree, 0 differ, 1 not run

// CHECK: [[@LINE+2]]:{{[0-9]+}}: remark: [Missed] Fold | Category:stamp-fold | Reason="the inverse transform stays: its user func.return needs tokens; a transform passes only ops that are linear and treat all tokens alike"
func.func @at_the_end(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %i : tensor<16x8xf32>
}
// CHECK: remark: [Analysis] Fold | Category:stamp-fold | biases=0, cancelled=0, constants=0, exchanged=0, gains=0, merged=0, pooled=0, risen=0, rotated=0, scaled=0, shared=0, sunk=0

// -----

func.func @before_an_activation(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.exp applies math.exp, which is not linear; a transform passes only sums, differences, and products with what all tokens share"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %a = linalg.exp ins(%i : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %a : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @several_uses(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> (tensor<16x8xf32>, tensor<16x8xf32>) {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: it has several uses, and its user func.return needs tokens; a transform passes only ops that are linear and treat all tokens alike"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %a = linalg.exp ins(%i : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %i, %a : tensor<16x8xf32>, tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @narrowed(%x: tensor<16x8xf32>, %w: tensor<8x4xf16>, %e: tensor<16x8xf16>) -> tensor<16x4xf16> {
  %zero = arith.constant dense<0.0> : tensor<16x4xf16>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: it changes its tensor's type; change it in an op of its own"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf16>)
  %y = linalg.matmul ins(%i, %w : tensor<16x8xf16>, tensor<8x4xf16>) outs(%zero : tensor<16x4xf16>) -> tensor<16x4xf16>
  return %y : tensor<16x4xf16>
}
// CHECK: remark: [Analysis]

// -----

func.func @wider_tokens(%x: tensor<16x8xf32>, %w: tensor<8x9xf32>, %e: tensor<16x8xf32>) -> tensor<16x9xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x9xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: the op behind it makes its tokens wider, and no transform waits there to cancel it; a linear under the same basis behind it would let it move"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x9xf32>) outs(%zero : tensor<16x9xf32>) -> tensor<16x9xf32>
  return %y : tensor<16x9xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @tokens_of_unknown_width(%x: tensor<16x?xf32>, %w: tensor<?x4xf32>, %e: tensor<16x?xf32>) -> tensor<16x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x4xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: the op behind it may make its tokens wider, and no transform waits there to cancel it; a linear under the same basis behind it would let it move"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x?xf32>) outs(%e : tensor<16x?xf32>)
  %y = linalg.matmul ins(%i, %w : tensor<16x?xf32>, tensor<?x4xf32>) outs(%zero : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @init(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %c: tensor<16x4xf32>, %e: tensor<16x8xf32>) -> tensor<16x4xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.matmul adds to an init that is not zero; an addition behind the contraction would be passed"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%c : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @attention(%v: tensor<16x8xf32>, %p: tensor<16x16xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.matmul contracts the sequence dimension, and its other operand is no cheaper to transform; fewer rows there than features here would be"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%v : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matmul ins(%p, %i : tensor<16x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @batch(%x: tensor<16x2x8xf32>, %w: tensor<16x8x4xf32>, %e: tensor<16x2x8xf32>) -> tensor<16x2x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x2x4xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.batch_matmul has a second operand that carries the sequence; factors that all tokens share would be passed"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x2x8xf32>) outs(%e : tensor<16x2x8xf32>)
  %y = linalg.batch_matmul ins(%i, %w : tensor<16x2x8xf32>, tensor<16x8x4xf32>) outs(%zero : tensor<16x2x4xf32>) -> tensor<16x2x4xf32>
  return %y : tensor<16x2x4xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @vector_product(%x: tensor<16x8xf32>, %v: tensor<8xf32>, %e: tensor<16x8xf32>) -> tensor<16xf32> {
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.matvec leaves no features to transform; a dimension of features, be it of size 1, would let it pass"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matvec ins(%i, %v : tensor<16x8xf32>, tensor<8xf32>) outs(%zero : tensor<16xf32>) -> tensor<16xf32>
  return %y : tensor<16xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @another_block(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %e: tensor<16x8xf32>, %f: tensor<16x4xf32>, %flag: tensor<i1>) -> tensor<16x4xf32> {
  %cond = tensor.extract %flag[] : tensor<i1>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user stands in another block, which may run more often; move it into this block"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %r = scf.if %cond -> tensor<16x4xf32> {
    %zero = arith.constant dense<0.0> : tensor<16x4xf32>
    %y = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<16x4xf32>) -> tensor<16x4xf32>
    scf.yield %y : tensor<16x4xf32>
  } else {
    scf.yield %f : tensor<16x4xf32>
  }
  return %r : tensor<16x4xf32>
}
// CHECK: remark: [Analysis]

// -----

// Its own plan would transform the coefficients once more.

func.func @plan_to_come(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %e: tensor<16x8xf32>) -> tensor<16x4xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.matmul has a plan that is not carried out yet; run stamp-quantize first"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %zero = arith.constant dense<0.0> : tensor<16x4xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%i, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @no_narrower(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %e: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<16x4xf32>) -> tensor<16x4xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the transform stays: tokens may be no narrower in front of the op that makes its input; an inverse transform of the same basis there would cancel it"
  %t = stamp.transform #stamp.dct along 0 ins(%y : tensor<16x4xf32>) outs(%e : tensor<16x4xf32>)
  return %t : tensor<16x4xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @behind_an_activation(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %a = linalg.exp ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the transform stays: its input's linalg.exp applies math.exp, which is not linear; a transform passes only sums, differences, and products with what all tokens share"
  %t = stamp.transform #stamp.dct along 0 ins(%a : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @widens(%x: tensor<16x8xf16>, %w: tensor<8x16xf16>, %e: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x16xf16>
  %y = linalg.matmul ins(%x, %w : tensor<16x8xf16>, tensor<8x16xf16>) outs(%zero : tensor<16x16xf16>) -> tensor<16x16xf16>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the transform stays: it changes its tensor's type; change it in an op of its own"
  %t = stamp.transform #stamp.dct along 0 ins(%y : tensor<16x16xf16>) outs(%e : tensor<16x16xf32>)
  return %t : tensor<16x16xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @from_another_block(%x: tensor<16x4xf32>, %w: tensor<4x8xf32>, %e: tensor<16x8xf32>, %flag: tensor<i1>) -> tensor<16x8xf32> {
  %cond = tensor.extract %flag[] : tensor<i1>
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  %y = linalg.matmul ins(%x, %w : tensor<16x4xf32>, tensor<4x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  %r = scf.if %cond -> tensor<16x8xf32> {
    // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the transform stays: its input is made in another block; move this one there"
    %t = stamp.transform #stamp.dct along 0 ins(%y : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
    scf.yield %t : tensor<16x8xf32>
  } else {
    scf.yield %e : tensor<16x8xf32>
  }
  return %r : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

// All that happened is counted: one inverse sinks, takes a bias with it and
// cancels; one transform rises; two equal ones are shared.

func.func @counts(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %v: tensor<4x8xf32>, %b: tensor<4xf32>)
    -> (tensor<16x4xf32>, tensor<16x8xf32>, tensor<16x8xf32>) {
  %e8 = tensor.empty() : tensor<16x8xf32>
  %e4 = tensor.empty() : tensor<16x4xf32>
  %zero4 = arith.constant dense<0.0> : tensor<16x4xf32>
  %zero8 = arith.constant dense<0.0> : tensor<16x8xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e8 : tensor<16x8xf32>)
  %m = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%zero4 : tensor<16x4xf32>) -> tensor<16x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e4 : tensor<16x4xf32>) dimensions = [0]
  %s = linalg.add ins(%m, %d : tensor<16x4xf32>, tensor<16x4xf32>) outs(%e4 : tensor<16x4xf32>) -> tensor<16x4xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%s : tensor<16x4xf32>) outs(%e4 : tensor<16x4xf32>)
  %n = linalg.matmul ins(%t, %v : tensor<16x4xf32>, tensor<4x8xf32>) outs(%zero8 : tensor<16x8xf32>) -> tensor<16x8xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the transform stays: its input has other uses; linears under the same basis would share the transform"
  %u = stamp.transform #stamp.wht along 0 ins(%n : tensor<16x8xf32>) outs(%e8 : tensor<16x8xf32>)
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the transform stays: its input is an argument; inline the function into what makes it"
  %p = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<16x8xf32>) outs(%e8 : tensor<16x8xf32>)
  %q = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<16x8xf32>) outs(%e8 : tensor<16x8xf32>)
  %pq = linalg.add ins(%p, %q : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e8 : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %t, %u, %pq : tensor<16x4xf32>, tensor<16x8xf32>, tensor<16x8xf32>
}
// CHECK: remark: [Analysis] Fold | Category:stamp-fold | biases=1, cancelled=1, constants=0, exchanged=0, gains=0, merged=0, pooled=0, risen=1, rotated=0, scaled=0, shared=1, sunk=1

// -----

// CHECK: [[@LINE+2]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the inverse transform stays: it works on buffers; fold before bufferization"
func.func @buffers(%m: memref<16x8xf32>) {
  stamp.inverse_transform #stamp.dct along 0 ins(%m : memref<16x8xf32>) outs(%m : memref<16x8xf32>)
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the transform stays: it works on buffers; fold before bufferization"
  stamp.transform #stamp.dct along 0 ins(%m : memref<16x8xf32>) outs(%m : memref<16x8xf32>)
  return
}
// CHECK: remark: [Analysis]

// -----

func.func @lengths_of_a_transposed_batch(%x: tensor<2x5x4xf32>, %w: tensor<4x3xf32>, %n: tensor<2xi64>) -> tensor<5x2x3xf32> {
  %zero = arith.constant dense<0.0> : tensor<5x2x3xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.generic does not keep in place the dimensions that the lengths of its sequences are for; keep them in front"
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%x : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  %y = linalg.generic {indexing_maps = [affine_map<(b, s, n, k) -> (b, s, k)>, affine_map<(b, s, n, k) -> (k, n)>,
                                        affine_map<(b, s, n, k) -> (s, b, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%i, %w : tensor<2x5x4xf32>, tensor<4x3xf32>) outs(%zero : tensor<5x2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %c, %p : f32
    linalg.yield %q : f32
  } -> tensor<5x2x3xf32>
  return %y : tensor<5x2x3xf32>
}
// CHECK: remark: [Analysis]

// -----

// What each token multiplies by a factor of its own: a gate.
func.func @gate(%x: tensor<16x8xf32>, %g: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.mul multiplies each token by factors of its own, as a gate, a norm, a mask or RoPE does; a transform passes only what treats all tokens alike"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.mul ins(%i, %g : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

#id = affine_map<(i, j) -> (i, j)>
#token = affine_map<(i, j) -> (i)>

// A norm's scale, which depends on the row.
func.func @norm(%x: tensor<16x8xf32>, %scale: tensor<16xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.generic divides by what each token has of its own, as a norm or a softmax does; a transform passes only what treats all tokens alike"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.generic {indexing_maps = [#id, #token, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %scale : tensor<16x8xf32>, tensor<16xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.divf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

#row = affine_map<(i, j) -> (i, j)>

// An angle that grows with the token's place.
func.func @rope(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.generic depends on each token's place, as a mask or RoPE does; a transform passes only what treats all tokens alike"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%i : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%p: f32, %o: f32):
    %token = linalg.index 0 : index
    %n = arith.index_cast %token : index to i32
    %angle = arith.sitofp %n : i32 to f32
    %c = math.cos %angle : f32
    %v = arith.mulf %p, %c : f32
    linalg.yield %v : f32
  } -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @mask(%x: tensor<16x8xf32>, %keep: tensor<16x8xi1>, %n: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.select applies arith.select, which is not linear; a transform passes only sums, differences, and products with what all tokens share"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.select ins(%keep, %i, %n : tensor<16x8xi1>, tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @mean_of_features(%x: tensor<16x8xf32>, %c: tensor<16xf32>, %e: tensor<16x8xf32>) -> tensor<16xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.reduce reduces in another way than a contraction; sums of products over features are passed"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.reduce { arith.addf } ins(%i : tensor<16x8xf32>) outs(%c : tensor<16xf32>) dimensions = [1]
  return %y : tensor<16xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @residual_of_tokens(%x: tensor<16x8xf32>, %a: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.add takes other tokens, too, which are not transformed; make those by a linear under the same basis"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.add ins(%x, %i : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @inverse_that_others_read(%a: tensor<16x8xf32>, %b: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> (tensor<16x8xf32>, tensor<16x8xf32>) {
  // CHECK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: other tokens that its user linalg.add takes are read elsewhere, too; it would move if only this user read them"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  // CHECK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: it has several uses, and its user func.return needs tokens; a transform passes only ops that are linear and treat all tokens alike"
  %j = stamp.inverse_transform #stamp.dct along 0 ins(%b : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.add ins(%i, %j : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %y, %j : tensor<16x8xf32>, tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @some_tokens(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<4x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user tensor.extract_slice does not keep the sequence dimension whole; keep the tokens in one dimension up to the next linear"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = tensor.extract_slice %i[0, 0] [4, 8] [1, 1] : tensor<16x8xf32> to tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @sum_of_tokens(%x: tensor<16x8xf32>, %y: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %s = linalg.add ins(%x, %y : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the transform stays: its input is made of several tensors of tokens; an inverse transform of the same basis in front of one would pay for it"
  %t = stamp.transform #stamp.dct along 0 ins(%s : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]

// -----

// Every rule counts what it did.
func.func @counts_of_the_other_rules(%a: tensor<4x2xf32>, %b: tensor<4x2xf32>, %e: tensor<4x2xf32>) -> (tensor<1x2xf32>, tensor<4x2xf32>) {
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %mean = arith.constant dense<0.25> : tensor<1x4xf32>
  %c = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  %n = linalg.negf ins(%i : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>) -> tensor<4x2xf32>
  %j = stamp.inverse_transform #stamp.wht along 0 ins(%b : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  %s = linalg.add ins(%n, %j : tensor<4x2xf32>, tensor<4x2xf32>) outs(%e : tensor<4x2xf32>) -> tensor<4x2xf32>
  %y = linalg.matmul ins(%mean, %s : tensor<1x4xf32>, tensor<4x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  %t = stamp.transform #stamp.wht along 0 ins(%c : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  return %y, %t : tensor<1x2xf32>, tensor<4x2xf32>
}
// CHECK: remark: [Analysis] Fold | Category:stamp-fold | biases=0, cancelled=0, constants=1, exchanged=0, gains=0, merged=1, pooled=1, risen=0, rotated=0, scaled=1, shared=0, sunk=0

// -----

func.func @attention_of_unknown_cost(%v: tensor<16x?xf32>, %p: tensor<?x16xf32>, %e: tensor<16x?xf32>, %zero: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.matmul contracts the sequence dimension, and its other operand may be no cheaper to transform; static sizes would tell"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%v : tensor<16x?xf32>) outs(%e : tensor<16x?xf32>)
  %y = linalg.matmul ins(%p, %i : tensor<?x16xf32>, tensor<16x?xf32>) outs(%zero : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @attention_of_a_skewed_basis(%v: tensor<2x8xf32>, %p: tensor<1x2xf32>, %c: tensor<1x8xf32>, %e: tensor<2x8xf32>) -> tensor<1x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.matmul contracts the sequence dimension, and the basis is not orthonormal; an orthonormal one could move to its other operand"
  %i = stamp.inverse_transform #stamp.matrix<dense<[[1.0, 1.0], [0.0, 1.0]]> : tensor<2x2xf32>, inverse = dense<[[1.0, -1.0], [0.0, 1.0]]> : tensor<2x2xf32>> along 0 ins(%v : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>)
  %y = linalg.matmul ins(%p, %i : tensor<1x2xf32>, tensor<2x8xf32>) outs(%c : tensor<1x8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @attention_with_lengths(%v: tensor<2x4x8xf32>, %p: tensor<2x1x4xf32>, %n: tensor<2xi64>, %c: tensor<2x1x8xf32>, %e: tensor<2x4x8xf32>) -> tensor<2x1x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.batch_matmul contracts the sequence dimension, and its sequences have lengths of their own; sequences of one length could be exchanged"
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%v : tensor<2x4x8xf32>) outs(%e : tensor<2x4x8xf32>)
  %y = linalg.batch_matmul ins(%p, %i : tensor<2x1x4xf32>, tensor<2x4x8xf32>) outs(%c : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  return %y : tensor<2x1x8xf32>
}
// CHECK: remark: [Analysis]

// -----

func.func @attention_that_is_exchanged(%v: tensor<4x8xf32>, %p: tensor<1x4xf32>, %c: tensor<1x8xf32>, %e: tensor<4x8xf32>) -> tensor<1x8xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%v : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>)
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}"the transform stays: its input is an argument; inline the function into what makes it"
  %y = linalg.matmul ins(%p, %i : tensor<1x4xf32>, tensor<4x8xf32>) outs(%c : tensor<1x8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}
// CHECK: remark: [Analysis] {{.*}}exchanged=1
