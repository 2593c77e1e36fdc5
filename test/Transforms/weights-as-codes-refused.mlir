// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8> features=#stamp.hadamard<order=1> activation-group=2" --remarks-filter=stamp-select --remark-format=emitRemark 2>%t | FileCheck %s
// RUN: FileCheck %s --input-file=%t --check-prefix=REMARK --implicit-check-not="[Missed]"

// Codes that cannot be kept leave the linear as it is, for a reason.

#each = affine_map<(i, j) -> (i, j)>

// Whatever the options say of weights, kept codes decide: no features, the least
// width, the activations' groups.
// CHECK-LABEL: func @kept
//       CHECK:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, activation_group = 2, weight_bits = 4>}
func.func @kept(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<[[1, 2], [3, 4], [5, 6], [-8, 7]]> : tensor<4x2xi8>
  %w = arith.sitofp %q : tensor<4x2xi8> to tensor<4x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

// CHECK-NOT: stamp.plan

func.func @zero_point_too_far(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<[[1, 2], [3, 4], [5, 6], [100, 7]]> : tensor<4x2xi8>
  %z = arith.constant dense<-28> : tensor<4x2xi32>
  %wide = arith.extsi %q : tensor<4x2xi8> to tensor<4x2xi32>
  %d = arith.subi %wide, %z : tensor<4x2xi32>
  %w = arith.sitofp %d : tensor<4x2xi32> to tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but its codes, less their zero points, do not fit 8 bits"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @zero_point_between_codes(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<[[1, 2], [3, 4], [5, 6], [100, 7]]> : tensor<4x2xi8>
  %z = arith.constant dense<[[1.0, 7.5], [1.0, 7.5], [1.0, 7.5], [1.0, 7.5]]> : tensor<4x2xf32>
  %f = arith.sitofp %q : tensor<4x2xi8> to tensor<4x2xf32>
  %w = arith.subf %f, %z : tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but its zero points are not all integers of up to 8 bits"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @zero_point_is_no_number(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<1> : tensor<4x2xi8>
  %z = arith.constant dense<0x7FC00000> : tensor<4x2xf32>
  %f = arith.sitofp %q : tensor<4x2xi8> to tensor<4x2xf32>
  %w = arith.subf %f, %z : tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but its zero points are not all integers of up to 8 bits"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @least_value(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<1> : tensor<4x2xi8>
  %s = arith.constant dense<0.5> : tensor<4x2xf32>
  %least = arith.constant dense<-1.0> : tensor<4x2xf32>
  %f = arith.sitofp %q : tensor<4x2xi8> to tensor<4x2xf32>
  %p = arith.mulf %f, %s : tensor<4x2xf32>
  %w = arith.addf %p, %least : tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but something is added after it has been scaled, which no zero point can say"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @scales_of_inputs(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<1> : tensor<4x2xi8>
  %s = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %e = tensor.empty() : tensor<4x2xf32>
  %b = linalg.broadcast ins(%s : tensor<4xf32>) outs(%e : tensor<4x2xf32>) dimensions = [1]
  %f = arith.sitofp %q : tensor<4x2xi8> to tensor<4x2xf32>
  %w = arith.mulf %f, %b : tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but its scales change from input to input"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @groups_of_three(%x: tensor<8x6xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<1> : tensor<6x2xi8>
  %s = arith.constant dense<[1.0, 1.0, 1.0, 4.0, 4.0, 4.0]> : tensor<6xf32>
  %e = tensor.empty() : tensor<6x2xf32>
  %b = linalg.broadcast ins(%s : tensor<6xf32>) outs(%e : tensor<6x2xf32>) dimensions = [1]
  %f = arith.sitofp %q : tensor<6x2xi8> to tensor<6x2xf32>
  %w = arith.mulf %f, %b : tensor<6x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but its groups of 3 inputs are not divided by the activations' groups of 2"
  %0 = linalg.matmul ins(%x, %w : tensor<8x6xf32>, tensor<6x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @infinite_scale(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<1> : tensor<4x2xi8>
  %s = arith.constant dense<0x7F800000> : tensor<4x2xf32>
  %f = arith.sitofp %q : tensor<4x2xi8> to tensor<4x2xf32>
  %w = arith.mulf %f, %s : tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but one of its scales is not finite"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @scale_is_no_number(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<1> : tensor<4x2xi8>
  %s = arith.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  %e = tensor.empty() : tensor<4x2xf32>
  %b = linalg.broadcast ins(%s : tensor<2xf32>) outs(%e : tensor<4x2xf32>) dimensions = [0]
  %f = arith.sitofp %q : tensor<4x2xi8> to tensor<4x2xf32>
  %w = arith.mulf %f, %b : tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but one of its scales is not finite"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @doubles(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<1> : tensor<4x2xi8>
  %s = arith.constant dense<0.5> : tensor<4x2xf64>
  %f = arith.sitofp %q : tensor<4x2xi8> to tensor<4x2xf64>
  %p = arith.mulf %f, %s : tensor<4x2xf64>
  %w = arith.truncf %p : tensor<4x2xf64> to tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but its scales are not f32, f16 or bf16"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @bits(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<true> : tensor<4x2xi1>
  %w = arith.uitofp %q : tensor<4x2xi1> to tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but its codes are integers of an unusual width"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @packed_in_integers(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<0x1234> : tensor<4x2xi32>
  %mask = arith.constant dense<15> : tensor<4x2xi32>
  %low = arith.andi %q, %mask : tensor<4x2xi32>
  %w = arith.uitofp %low : tensor<4x2xi32> to tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but it is computed by arith.andi, which is no part of (codes - zero points) * scales"
  %0 = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @dimensions_mixed(%x: tensor<8x6xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %q = arith.constant dense<[[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15], [16, 17, 18, 19, 20, 21, 22, 23]]> : tensor<3x8xi8>
  %e = tensor.empty() : tensor<8x3xi8>
  %t = linalg.transpose ins(%q : tensor<3x8xi8>) outs(%e : tensor<8x3xi8>) permutation = [1, 0]
  %flat = tensor.collapse_shape %t [[0, 1]] : tensor<8x3xi8> into tensor<24xi8>
  %square = tensor.expand_shape %flat [[0, 1]] output_shape [6, 4] : tensor<24xi8> into tensor<6x4xi8>
  %w = arith.sitofp %square : tensor<6x4xi8> to tensor<6x4xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but its codes lie in an order that mixes its dimensions"
  %0 = linalg.matmul ins(%x, %w : tensor<8x6xf32>, tensor<6x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

func.func @nothing(%x: tensor<8x0xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<> : tensor<0x2xi8>
  %w = arith.sitofp %q : tensor<0x2xi8> to tensor<0x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight comes as codes, but it is empty"
  %0 = linalg.matmul ins(%x, %w : tensor<8x0xf32>, tensor<0x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

func.func @made_of_floats(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = arith.constant dense<1.0> : tensor<4x2xf32>
  %q = quant.qcast %w : tensor<4x2xf32> to tensor<4x2x!quant.uniform<i8:f32, 0.5>>
  %d = quant.dcast %q : tensor<4x2x!quant.uniform<i8:f32, 0.5>> to tensor<4x2xf32>
  // REMARK: [[@LINE+1]]:{{.*}} Reason="its weight is not a constant; with a stamp.plan of its own it is quantized at run time"
  %0 = linalg.matmul ins(%x, %d : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}
