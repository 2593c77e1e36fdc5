// RUN: stamp-opt %s --stamp-quantize -o %t
// RUN: stamp-opt %t --stamp-fold -o %t.folded
// RUN: FileCheck %s --input-file %t.folded
// RUN: stamp-opt %t.folded --stamp-fold | diff %t.folded -
// RUN: stamp-validate %t --quantized-tolerance=1e-5 | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// Seven linears. Transforms: 7 before, 4 after, one for each tensor that linears
// read (q, k and v share one, and so do gate and up), since between any two of
// these stands what needs tokens: the attention's exponential, a norm, or the
// gate. Inverses: 7, one for each linear, since the result of each is read as
// tokens: q and k by the scores and v by their product, which contract or keep
// rows of tokens; o and down by a residual stream whose next reader is a norm or
// the caller; gate by the activation, and up by its product with that. So fewer
// is impossible; each of the 4 transforms has one quantization.

// CHECK-LABEL: func @block
//       CHECK:   %[[H:.*]] = stamp.transform
//       CHECK:   stamp.quantize #{{.*}} ins(%[[H]] :
//   CHECK-NOT:   stamp.quantize #
// CHECK-COUNT-3: stamp.inverse_transform
//       CHECK:   linalg.exp
//       CHECK:   stamp.transform
//       CHECK:   stamp.quantize #{{.*}}
//       CHECK:   stamp.inverse_transform
//   CHECK-NOT:   = stamp.
//       CHECK:   linalg.add
//       CHECK:   %[[G:.*]] = stamp.transform
//       CHECK:   stamp.quantize #{{.*}} ins(%[[G]] :
//   CHECK-NOT:   stamp.transform
//   CHECK-NOT:   stamp.quantize #
// CHECK-COUNT-2: stamp.inverse_transform
//       CHECK:   stamp.transform
//       CHECK:   stamp.quantize #
//       CHECK:   stamp.inverse_transform
//   CHECK-NOT:   = stamp.
//       CHECK:   return

#all = affine_map<(i, j) -> (i, j)>
#token = affine_map<(i, j) -> (i)>
#plan = #stamp.plan<basis = #stamp.haar<levels = 3>, activations = #stamp.schedule<[2 : 8], 6>, weight_bits = 8>

func.func @block(%x: tensor<12x8xf32>, %wq: tensor<8x8xf32>, %wk: tensor<8x8xf32>, %wv: tensor<8x8xf32>, %wo: tensor<8x8xf32>,
                 %wgate: tensor<8x16xf32>, %wup: tensor<8x16xf32>, %wdown: tensor<16x8xf32>) -> tensor<12x8xf32> {
  %c0 = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e8 = tensor.empty() : tensor<12x8xf32>
  %e12 = tensor.empty() : tensor<12x12xf32>
  %e16 = tensor.empty() : tensor<12x16xf32>
  %e = tensor.empty() : tensor<12xf32>
  %zero8 = linalg.fill ins(%c0 : f32) outs(%e8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  %zero12 = linalg.fill ins(%c0 : f32) outs(%e12 : tensor<12x12xf32>) -> tensor<12x12xf32>
  %zero16 = linalg.fill ins(%c0 : f32) outs(%e16 : tensor<12x16xf32>) -> tensor<12x16xf32>
  %zero = linalg.fill ins(%one : f32) outs(%e : tensor<12xf32>) -> tensor<12xf32>

  // The norm's square sum, from 1 on, and its scale.
  %square = linalg.square ins(%x : tensor<12x8xf32>) outs(%e8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  %power = linalg.reduce { arith.addf } ins(%square : tensor<12x8xf32>) outs(%zero : tensor<12xf32>) dimensions = [1]
  %h = linalg.generic {indexing_maps = [#all, #token, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %power : tensor<12x8xf32>, tensor<12xf32>) outs(%e8 : tensor<12x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %r = math.rsqrt %q : f32
    %s = arith.mulf %p, %r : f32
    linalg.yield %s : f32
  } -> tensor<12x8xf32>

  %q = linalg.matmul {stamp.plan = #plan} ins(%h, %wq : tensor<12x8xf32>, tensor<8x8xf32>) outs(%zero8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  %k = linalg.matmul {stamp.plan = #plan} ins(%h, %wk : tensor<12x8xf32>, tensor<8x8xf32>) outs(%zero8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  %v = linalg.matmul {stamp.plan = #plan} ins(%h, %wv : tensor<12x8xf32>, tensor<8x8xf32>) outs(%zero8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  %scores = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%q, %k : tensor<12x8xf32>, tensor<12x8xf32>) outs(%zero12 : tensor<12x12xf32>) -> tensor<12x12xf32>
  %scaled = linalg.tanh ins(%scores : tensor<12x12xf32>) outs(%e12 : tensor<12x12xf32>) -> tensor<12x12xf32>
  %exp = linalg.exp ins(%scaled : tensor<12x12xf32>) outs(%e12 : tensor<12x12xf32>) -> tensor<12x12xf32>
  %mass = linalg.reduce { arith.addf } ins(%exp : tensor<12x12xf32>) outs(%zero : tensor<12xf32>) dimensions = [1]
  %probabilities = linalg.generic {indexing_maps = [#all, #token, #all], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %mass : tensor<12x12xf32>, tensor<12xf32>) outs(%e12 : tensor<12x12xf32>) {
  ^bb0(%p: f32, %m: f32, %o: f32):
    %s = arith.divf %p, %m : f32
    linalg.yield %s : f32
  } -> tensor<12x12xf32>
  %mixed = linalg.matmul ins(%probabilities, %v : tensor<12x12xf32>, tensor<12x8xf32>) outs(%zero8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  %o = linalg.matmul {stamp.plan = #plan} ins(%mixed, %wo : tensor<12x8xf32>, tensor<8x8xf32>) outs(%zero8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  %y = linalg.add ins(%x, %o : tensor<12x8xf32>, tensor<12x8xf32>) outs(%e8 : tensor<12x8xf32>) -> tensor<12x8xf32>

  %square2 = linalg.square ins(%y : tensor<12x8xf32>) outs(%e8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  %power2 = linalg.reduce { arith.addf } ins(%square2 : tensor<12x8xf32>) outs(%zero : tensor<12xf32>) dimensions = [1]
  %h2 = linalg.generic {indexing_maps = [#all, #token, #all], iterator_types = ["parallel", "parallel"]}
      ins(%y, %power2 : tensor<12x8xf32>, tensor<12xf32>) outs(%e8 : tensor<12x8xf32>) {
  ^bb0(%p: f32, %n: f32, %o2: f32):
    %r = math.rsqrt %n : f32
    %s = arith.mulf %p, %r : f32
    linalg.yield %s : f32
  } -> tensor<12x8xf32>
  %gate = linalg.matmul {stamp.plan = #plan} ins(%h2, %wgate : tensor<12x8xf32>, tensor<8x16xf32>) outs(%zero16 : tensor<12x16xf32>) -> tensor<12x16xf32>
  %up = linalg.matmul {stamp.plan = #plan} ins(%h2, %wup : tensor<12x8xf32>, tensor<8x16xf32>) outs(%zero16 : tensor<12x16xf32>) -> tensor<12x16xf32>
  %act = linalg.tanh ins(%gate : tensor<12x16xf32>) outs(%e16 : tensor<12x16xf32>) -> tensor<12x16xf32>
  %gated = linalg.mul ins(%act, %up : tensor<12x16xf32>, tensor<12x16xf32>) outs(%e16 : tensor<12x16xf32>) -> tensor<12x16xf32>
  %down = linalg.matmul {stamp.plan = #plan} ins(%gated, %wdown : tensor<12x16xf32>, tensor<16x8xf32>) outs(%zero8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  %z = linalg.add ins(%y, %down : tensor<12x8xf32>, tensor<12x8xf32>) outs(%e8 : tensor<12x8xf32>) -> tensor<12x8xf32>
  return %z : tensor<12x8xf32>
}
