// What our own passes make of a linear layer goes all the way, in every basis,
// for static and dynamic lengths.

// RUN: stamp-opt %s --stamp-quantize --stamp-fold --stamp-gpu-pipeline='chip=sm_80' \
// RUN:   | %print-gpu-object > %t.80.ptx
// RUN: FileCheck %s --implicit-check-not=.extern < %t.80.ptx

// CHECK-DAG: .entry haar_product
func.func @haar(%x: tensor<?x8xf32>, %b: tensor<4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<"0x0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F"> : tensor<8x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 3, skip = 1>, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<?x4xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %d : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-DAG: .entry haar_static_product
func.func @haar_static(%x: tensor<13x8xf32>, %b: tensor<4xf32>, %e: tensor<13x4xf32>) -> tensor<13x4xf32> {
  %w = arith.constant dense<"0x0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F"> : tensor<8x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<13x4xf32>) -> tensor<13x4xf32>
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 3>, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<13x8xf32>, tensor<8x4xf32>) outs(%f : tensor<13x4xf32>) -> tensor<13x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<13x4xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %d : tensor<13x4xf32>, tensor<13x4xf32>) outs(%e : tensor<13x4xf32>) -> tensor<13x4xf32>
  return %y : tensor<13x4xf32>
}

// CHECK-DAG: .entry haar2d_product
func.func @haar2d(%x: tensor<16x8xf32>, %b: tensor<4xf32>, %e: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %w = arith.constant dense<"0x0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F"> : tensor<8x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<16x4xf32>) -> tensor<16x4xf32>
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar2d<levels = 2, grid = 4x4>, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%f : tensor<16x4xf32>) -> tensor<16x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<16x4xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %d : tensor<16x4xf32>, tensor<16x4xf32>) outs(%e : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}

// CHECK-DAG: .entry dct_product
func.func @dct(%x: tensor<?x8xf32>, %b: tensor<4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<"0x0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F"> : tensor<8x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<?x4xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %d : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-DAG: .entry dct_static_product
func.func @dct_static(%x: tensor<13x8xf32>, %b: tensor<4xf32>, %e: tensor<13x4xf32>) -> tensor<13x4xf32> {
  %w = arith.constant dense<"0x0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F"> : tensor<8x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<13x4xf32>) -> tensor<13x4xf32>
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<13x8xf32>, tensor<8x4xf32>) outs(%f : tensor<13x4xf32>) -> tensor<13x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<13x4xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %d : tensor<13x4xf32>, tensor<13x4xf32>) outs(%e : tensor<13x4xf32>) -> tensor<13x4xf32>
  return %y : tensor<13x4xf32>
}

// CHECK-DAG: .entry wht_product
func.func @wht(%x: tensor<?x8xf32>, %b: tensor<4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<"0x0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F"> : tensor<8x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.wht<block = 8>, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<?x4xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %d : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-DAG: .entry wht_static_product
func.func @wht_static(%x: tensor<13x8xf32>, %b: tensor<4xf32>, %e: tensor<13x4xf32>) -> tensor<13x4xf32> {
  %w = arith.constant dense<"0x0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F"> : tensor<8x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<13x4xf32>) -> tensor<13x4xf32>
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.wht, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<13x8xf32>, tensor<8x4xf32>) outs(%f : tensor<13x4xf32>) -> tensor<13x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<13x4xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %d : tensor<13x4xf32>, tensor<13x4xf32>) outs(%e : tensor<13x4xf32>) -> tensor<13x4xf32>
  return %y : tensor<13x4xf32>
}

// CHECK-DAG: .entry matrix_product
func.func @matrix(%x: tensor<?x8xf32>, %b: tensor<4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<"0x0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F"> : tensor<8x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.matrix<dense<[[0.6, 0.8], [0.8, -0.6]]> : tensor<2x2xf32>>, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<?x4xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %d : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-DAG: .entry identity_product
func.func @identity(%x: tensor<?x8xf32>, %b: tensor<4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<"0x0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F000080BE0000A0BF0000003F000000BF0000A03F0000803E000040BF0000803F00000000000080BF0000403F"> : tensor<8x4xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<?x4xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %d : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
