// RUN: stamp-opt %s --stamp-fold --split-input-file --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 >%t | FileCheck %s --implicit-check-not=remark:
// What is folded stays as it is:
// RUN: stamp-opt %t --stamp-fold --split-input-file | diff %t -
// What is refused, and what is not, computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

func.func @made_by_no_linear(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Fold | Category:stamp-fold | Reason="the feature transform stays: its input comes from an argument that no linear has made"
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard, activations = #stamp.schedule<[], 8>, weight_bits = 8>} ins(%x, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}
// CHECK: remark: [Analysis] {{.*}} gains=0, {{.*}} rotated=0,

// -----

func.func @behind_an_activation(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %t = linalg.tanh ins(%x : tensor<8x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its input comes from linalg.tanh, which is not linear or does not treat all features alike; it would go into the constant weight of a linear"
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard, activations = #stamp.schedule<[], 8>, weight_bits = 8>} ins(%t, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}
// CHECK: remark: [Analysis]

// -----

// The output of the first linear is returned, too: R⁻¹ would stand there for R.
func.func @read_elsewhere(%x: tensor<8x2xf32>) -> (tensor<8x2xf32>, tensor<8x2xf32>) {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %v = arith.constant dense<[[-1.0, 2.0], [3.0, 0.5]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %h = linalg.matmul ins(%x, %v : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: func.return reads, too, what would be transformed for it, and needs each feature by itself; it would go if only linears with constant weights read that"
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard, activations = #stamp.schedule<[], 8>, weight_bits = 8>} ins(%h, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %h, %y : tensor<8x2xf32>, tensor<8x2xf32>
}
// CHECK: remark: [Analysis]

// -----

// Codes are kept.
func.func @behind_codes(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %codes = arith.constant dense<[[-1, 2], [3, 5]]> : tensor<2x2xi8>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %e = tensor.empty() : tensor<2x2xf32>
  %v = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%codes : tensor<2x2xi8>) outs(%e : tensor<2x2xf32>) {
  ^bb0(%q: i8, %o: f32):
    %scale = arith.constant 0.25 : f32
    %f = arith.sitofp %q : i8 to f32
    %r = arith.mulf %f, %scale : f32
    linalg.yield %r : f32
  } -> tensor<2x2xf32>
  %h = linalg.matmul ins(%x, %v : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: the weight in front of it comes as codes, which are kept; leave the feature transform out of its plan"
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard, activations = #stamp.schedule<[], 8>, weight_bits = 8>} ins(%h, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}
// CHECK: remark: [Analysis]

// -----

// A weight that is no constant would be transformed in each call.
func.func @own_weight_is_unknown(%x: tensor<8x2xf32>, %w: tensor<2x2xf32>) -> tensor<8x2xf32> {
  %v = arith.constant dense<[[-1.0, 2.0], [3.0, 0.5]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %h = linalg.matmul ins(%x, %v : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: linalg.matmul reads, too,
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard, activations = #stamp.schedule<[], 8>, weight_bits = 8>} ins(%h, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}
// CHECK: remark: [Analysis]

// -----

// A constant that others read, of a linear that stays float.
func.func @held_twice(%x: tensor<8x34xf32>) -> (tensor<8x32xf32>, tensor<34x32xf32>) {
  %w = arith.constant dense<0.5> : tensor<32x32xf32>
  %v = arith.constant dense<0.25> : tensor<34x32xf32>
  %zero = arith.constant dense<0.0> : tensor<8x32xf32>
  %h = linalg.matmul ins(%x, %v : tensor<8x34xf32>, tensor<34x32xf32>) outs(%zero : tensor<8x32xf32>) -> tensor<8x32xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: the constant in front of it is read elsewhere, too, and would be held twice; give its linear a plan, under which only codes are held"
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard, activations = #stamp.schedule<[], 8>, weight_bits = 8>} ins(%h, %w : tensor<8x32xf32>, tensor<32x32xf32>) outs(%zero : tensor<8x32xf32>) -> tensor<8x32xf32>
  return %y, %v : tensor<8x32xf32>, tensor<34x32xf32>
}
// CHECK: remark: [Analysis]

// -----

// Gains whose product somebody else reads, or whose plan has sizes of its own, or
// that cannot be undone.
func.func @gains(%x: tensor<8x2xf32>) -> (tensor<8x2xf32>, tensor<8x2xf32>, tensor<8x2xf32>, tensor<8x2xf32>) {
  %g = arith.constant dense<[2.0, -0.5]> : tensor<2xf32>
  %with_zero = arith.constant dense<[2.0, 0.0]> : tensor<2xf32>
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %e = tensor.empty() : tensor<8x2xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}the gain stays: func.return reads what it scales, too; it would go if only linears with constant weights read that"
  %a = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %g : tensor<8x2xf32>, tensor<2xf32>) outs(%e : tensor<8x2xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %r = arith.mulf %i, %j : f32
    linalg.yield %r : f32
  } -> tensor<8x2xf32>
  %p = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 8>} ins(%a, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %xb = linalg.tanh ins(%x : tensor<8x2xf32>) outs(%e : tensor<8x2xf32>) -> tensor<8x2xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}the gain stays: a linear behind it scales its features by its plan, for the sizes that they have now"
  %b = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%xb, %g : tensor<8x2xf32>, tensor<2xf32>) outs(%e : tensor<8x2xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %r = arith.mulf %i, %j : f32
    linalg.yield %r : f32
  } -> tensor<8x2xf32>
  %q = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.scale<dense<[2.0, 0.5]> : tensor<2xf32>>, activations = #stamp.schedule<[], 8>, weight_bits = 8>} ins(%b, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}the gain stays: one of its factors is 0 or not finite"
  %c = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%xb, %with_zero : tensor<8x2xf32>, tensor<2xf32>) outs(%e : tensor<8x2xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %r = arith.mulf %i, %j : f32
    linalg.yield %r : f32
  } -> tensor<8x2xf32>
  %s = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 8>} ins(%c, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %a, %p, %q, %s : tensor<8x2xf32>, tensor<8x2xf32>, tensor<8x2xf32>, tensor<8x2xf32>
}
// CHECK: remark: [Missed] {{.*}}the feature transform stays: its input comes from linalg.generic
// CHECK: remark: [Analysis]
