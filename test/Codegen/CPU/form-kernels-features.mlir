// RUN: stamp-opt %s --split-input-file --stamp-form-kernels=cpu=avx512vnni --canonicalize \
// RUN:     --remarks-filter="stamp-form-kernels" --remark-format=emitRemark 2>%t \
// RUN:   | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t

#haar = #stamp.haar<levels = 3>

// The strides 1 to 8 within two vectors, 16 between them, then the norm. The
// factors are applied before a row is in memory.

// CHECK-LABEL: func @scale_and_rotation
//   CHECK-NOT:   stamp.feature_transform
//       CHECK:   %[[NORM:.*]] = arith.constant dense<0.176776692> : vector<16xf32>
//       CHECK:   scf.forall
//       CHECK:     %[[BLOCK:.*]] = memref.alloc() {{.*}} : memref<8x32xf32>
//       CHECK:     %[[F:.*]] = vector.load %{{.*}} : memref<48xf32>, vector<16xf32>
//       CHECK:     arith.mulf %{{.*}}, %[[F]] : vector<16xf32>
//       CHECK:     scf.for %[[ROW:.*]] = %c0 to %c8
//       CHECK:       %[[U:.*]] = vector.load %[[BLOCK]][%[[ROW]], %c0]
//       CHECK:       %[[V:.*]] = vector.load %[[BLOCK]][%[[ROW]], %c16]
//       CHECK:       %[[EVEN:.*]] = vector.shuffle %[[U]], %[[V]] [0, 2, 4, 6, 8, 10, 12, 14, 16,
//       CHECK:       %[[ODD:.*]] = vector.shuffle %[[U]], %[[V]] [1, 3, 5, 7, 9, 11, 13, 15, 17,
//       CHECK:       arith.addf %[[EVEN]], %[[ODD]]
//       CHECK:       arith.subf %[[EVEN]], %[[ODD]]
// CHECK-COUNT-8:     vector.shuffle
//   CHECK-NOT:       vector.shuffle
//       CHECK:       arith.mulf %{{.*}}, %[[NORM]]
//       CHECK:       arith.mulf %{{.*}}, %[[NORM]]
//       CHECK:     math.roundeven
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   return
func.func @scale_and_rotation(%x: tensor<32x32xf32>) -> tensor<32x48xf32> {
  %w = arith.constant dense<3> : tensor<32x48xi8>
  %sw = arith.constant dense<0.5> : tensor<48xf32>
  %c = arith.constant dense<96> : tensor<48xi32>
  %i0 = arith.constant 0 : i32
  %ex = tensor.empty() : tensor<32x32xf32>
  %eq = tensor.empty() : tensor<32x32xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %ea = tensor.empty() : tensor<32x48xi32>
  %ey = tensor.empty() : tensor<32x48xf32>
  %t = stamp.transform #haar along 0 block_order ins(%x : tensor<32x32xf32>)
      outs(%ex : tensor<32x32xf32>)
  %f = stamp.feature_transform #stamp.scale<dense<2.0> : tensor<32xf32>> over 1
      ins(%t : tensor<32x32xf32>) outs(%ex : tensor<32x32xf32>)
  %r = stamp.feature_transform #stamp.hadamard over 1
      ins(%f : tensor<32x32xf32>) outs(%ex : tensor<32x32xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 block_order of #haar
      ins(%r : tensor<32x32xf32>)
      outs(%eq, %es, %ez : tensor<32x32xi8>, tensor<32xf32>, tensor<32xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<32x48xi32>) -> tensor<32x48xi32>
  %a = linalg.matmul ins(%q, %w : tensor<32x32xi8>, tensor<32x48xi8>)
      outs(%zero : tensor<32x48xi32>) -> tensor<32x48xi32>
  %y = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<32x48xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<48xf32>, tensor<48xi32>)
      outs(%ey : tensor<32x48xf32>)
  %v = stamp.inverse_transform #haar along 0 block_order ins(%y : tensor<32x48xf32>)
      outs(%ey : tensor<32x48xf32>)
  return %v : tensor<32x48xf32>
}

// -----

// A matrix stays what it is, and what is in front of it too; behind it is a
// kernel.

// REMARK: remark: {{.*}}no kernel transforms these features: nothing fast is known of its transform

// CHECK-LABEL: func @matrix
//       CHECK:   stamp.feature_transform #stamp.hadamard
//       CHECK:   stamp.feature_transform #stamp.matrix
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   scf.forall
//       CHECK:   math.roundeven
//       CHECK:   return
func.func @matrix(%x: tensor<32x2xf32>) -> tensor<32x48xf32> {
  %w = arith.constant dense<3> : tensor<2x48xi8>
  %sw = arith.constant dense<0.5> : tensor<48xf32>
  %c = arith.constant dense<6> : tensor<48xi32>
  %i0 = arith.constant 0 : i32
  %ex = tensor.empty() : tensor<32x2xf32>
  %eq = tensor.empty() : tensor<32x2xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %ea = tensor.empty() : tensor<32x48xi32>
  %ey = tensor.empty() : tensor<32x48xf32>
  %h = stamp.feature_transform #stamp.hadamard over 1
      ins(%x : tensor<32x2xf32>) outs(%ex : tensor<32x2xf32>)
  %m = stamp.feature_transform
      #stamp.matrix<dense<[[0.0, 1.0], [-1.0, 0.0]]> : tensor<2x2xf32>> over 1
      ins(%h : tensor<32x2xf32>) outs(%ex : tensor<32x2xf32>)
  %f = stamp.inverse_feature_transform #stamp.scale<dense<2.0> : tensor<2xf32>> over 1
      ins(%m : tensor<32x2xf32>) outs(%ex : tensor<32x2xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%f : tensor<32x2xf32>)
      outs(%eq, %es, %ez : tensor<32x2xi8>, tensor<32xf32>, tensor<32xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<32x48xi32>) -> tensor<32x48xi32>
  %a = linalg.matmul ins(%q, %w : tensor<32x2xi8>, tensor<2x48xi8>)
      outs(%zero : tensor<32x48xi32>) -> tensor<32x48xi32>
  %y = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<32x48xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<48xf32>, tensor<48xi32>)
      outs(%ey : tensor<32x48xf32>)
  return %y : tensor<32x48xf32>
}
