// RUN: stamp-opt %s --split-input-file --stamp-form-kernels=cpu=avx512vnni --canonicalize \
// RUN:     --remarks-filter="stamp-form-kernels" --remark-format=emitRemark 2>%t \
// RUN:   | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: not stamp-opt %s --stamp-form-kernels=cpu=z80 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown cpu 'z80'

#haar = #stamp.haar<levels = 3>

// Two linears of one input: panels once, a product for each, and nothing else.

// CHECK-LABEL: func @shared
//  CHECK-SAME:     %[[X:.*]]: tensor<32x16xf32>
//       CHECK:   %[[XB:.*]] = bufferization.to_buffer %{{.*}} read_only
//       CHECK:   scf.forall
//       CHECK:     vector.load %[[XB]]
//       CHECK:     math.roundeven {{.*}} : vector<16xf32>

//       CHECK:     vector.contract
//       CHECK:   bufferization.to_tensor
//       CHECK:     vector.contract
//       CHECK:   bufferization.to_tensor
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   return
func.func @shared(%x: tensor<32x16xf32>) -> (tensor<32x48xf32>, tensor<32x48xf32>) {
  %w = arith.constant dense<3> : tensor<16x48xi8>
  %sw = arith.constant dense<0.5> : tensor<48xf32>
  %c = arith.constant dense<48> : tensor<48xi32>
  %i0 = arith.constant 0 : i32
  %ex = tensor.empty() : tensor<32x16xf32>
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %ea = tensor.empty() : tensor<32x48xi32>
  %ey = tensor.empty() : tensor<32x48xf32>
  %t = stamp.transform #haar along 0 block_order ins(%x : tensor<32x16xf32>)
      outs(%ex : tensor<32x16xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 block_order of #haar
      ins(%t : tensor<32x16xf32>)
      outs(%eq, %es, %ez : tensor<32x16xi8>, tensor<32xf32>, tensor<32xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<32x48xi32>) -> tensor<32x48xi32>
  %a = linalg.matmul ins(%q, %w : tensor<32x16xi8>, tensor<16x48xi8>)
      outs(%zero : tensor<32x48xi32>) -> tensor<32x48xi32>
  %b = linalg.matmul ins(%q, %w : tensor<32x16xi8>, tensor<16x48xi8>)
      outs(%zero : tensor<32x48xi32>) -> tensor<32x48xi32>
  %r = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<32x48xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<48xf32>, tensor<48xi32>)
      outs(%ey : tensor<32x48xf32>)
  %y = stamp.inverse_transform #haar along 0 block_order ins(%r : tensor<32x48xf32>)
      outs(%ey : tensor<32x48xf32>)
  %v = stamp.rescale along 0 over 1
      ins(%b, %s, %z, %sw, %c : tensor<32x48xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<48xf32>, tensor<48xi32>)
      outs(%ey : tensor<32x48xf32>)
  return %y, %v : tensor<32x48xf32>, tensor<32x48xf32>
}

// -----

// Strips are written first, from four rows of the weight at a time.

// CHECK-LABEL: func @weight_of_run_time
//  CHECK-SAME:     %{{.*}}: tensor<32x16xf32>, %[[W:[a-z0-9]*]]: tensor<16x48xi8>
//   CHECK-DAG:   %[[BYTES:.*]] = bufferization.to_buffer %[[W]] read_only
//   CHECK-DAG:   %[[STRIPS:.*]] = memref.alloc() {{.*}} : memref<1x4x192xi8>
//       CHECK:   vector.load %[[BYTES]]
//       CHECK:   vector.interleave
//       CHECK:   vector.store %{{.*}}, %[[STRIPS]]
//       CHECK:   vector.load %[[STRIPS]]
//       CHECK:   vector.contract
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   return
func.func @weight_of_run_time(%x: tensor<32x16xf32>, %w: tensor<16x48xi8>, %sw: tensor<48xf32>,
                              %c: tensor<48xi32>) -> tensor<32x48xf32> {
  %i0 = arith.constant 0 : i32
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %ea = tensor.empty() : tensor<32x48xi32>
  %ey = tensor.empty() : tensor<32x48xf32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%x : tensor<32x16xf32>)
      outs(%eq, %es, %ez : tensor<32x16xi8>, tensor<32xf32>, tensor<32xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<32x48xi32>) -> tensor<32x48xi32>
  %a = linalg.matmul ins(%q, %w : tensor<32x16xi8>, tensor<16x48xi8>)
      outs(%zero : tensor<32x48xi32>) -> tensor<32x48xi32>
  %r = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<32x48xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<48xf32>, tensor<48xi32>)
      outs(%ey : tensor<32x48xf32>)
  return %r : tensor<32x48xf32>
}

// -----

// REMARK: remark: {{.*}}no kernel multiplies these codes: the weight's size is not static

// CHECK-LABEL: func @weight_of_any_size
//       CHECK:   stamp.quantize
//       CHECK:   linalg.matmul
//   CHECK-NOT:   scf.forall
func.func @weight_of_any_size(%x: tensor<32x16xf32>, %w: tensor<16x?xi8>, %e: tensor<32x?xi32>)
    -> tensor<32x?xi32> {
  %i0 = arith.constant 0 : i32
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%x : tensor<32x16xf32>)
      outs(%eq, %es, %ez : tensor<32x16xi8>, tensor<32xf32>, tensor<32xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%e : tensor<32x?xi32>) -> tensor<32x?xi32>
  %a = linalg.matmul ins(%q, %w : tensor<32x16xi8>, tensor<16x?xi8>)
      outs(%zero : tensor<32x?xi32>) -> tensor<32x?xi32>
  return %a : tensor<32x?xi32>
}

// -----

#short = #stamp.min_tokens<20, #stamp.haar<levels = 3>>

// Sequences of 20 valid tokens or more are transformed, up to the last of them;
// padding is quantized and multiplied like all else.

// CHECK-LABEL: func @padded
//  CHECK-SAME:     %[[X:.*]]: tensor<2x?x16xf32>, %[[N:.*]]: tensor<2xi64>
//       CHECK:   %[[XB:.*]] = bufferization.to_buffer %[[X]] read_only
//       CHECK:   scf.forall (%[[B:.*]], %{{.*}}) in
//       CHECK:     %[[GIVEN:.*]] = tensor.extract %[[N]][%[[B]]]
//       CHECK:     %[[WIDE:.*]] = arith.index_cast %[[GIVEN]] : i64 to index
//       CHECK:     %[[RAISED:.*]] = arith.maxsi %[[WIDE]], %c0
//       CHECK:     %[[VALID:.*]] = arith.minsi %[[RAISED]]
//       CHECK:     arith.cmpi sge, %[[VALID]], %c20
//       CHECK:     vector.load %[[XB]]
//       CHECK:   vector.contract
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   return
func.func @padded(%x: tensor<2x?x16xf32>, %n: tensor<2xi64>, %eq: tensor<2x?x16xi8>, %es: tensor<2x?xf32>,
                  %ez: tensor<2x?xi32>, %ea: tensor<2x?x48xi32>, %ey: tensor<2x?x48xf32>)
    -> tensor<2x?x48xf32> {
  %w = arith.constant dense<3> : tensor<16x48xi8>
  %sw = arith.constant dense<0.5> : tensor<48xf32>
  %c = arith.constant dense<48> : tensor<48xi32>
  %i0 = arith.constant 0 : i32
  %t = stamp.transform #short along 1 block_order lengths(%n : tensor<2xi64>)
      ins(%x : tensor<2x?x16xf32>) outs(%x : tensor<2x?x16xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 1 over 2
      lengths(%n : tensor<2xi64>) block_order of #short ins(%t : tensor<2x?x16xf32>)
      outs(%eq, %es, %ez : tensor<2x?x16xi8>, tensor<2x?xf32>, tensor<2x?xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<2x?x48xi32>) -> tensor<2x?x48xi32>
  %a = linalg.contract
      indexing_maps = [affine_map<(b, s, n, k) -> (b, s, k)>, affine_map<(b, s, n, k) -> (k, n)>,
                       affine_map<(b, s, n, k) -> (b, s, n)>]
      ins(%q, %w : tensor<2x?x16xi8>, tensor<16x48xi8>)
      outs(%zero : tensor<2x?x48xi32>) -> tensor<2x?x48xi32>
  %r = stamp.rescale along 1 over 2
      ins(%a, %s, %z, %sw, %c : tensor<2x?x48xi32>, tensor<2x?xf32>, tensor<2x?xi32>,
          tensor<48xf32>, tensor<48xi32>)
      outs(%ey : tensor<2x?x48xf32>)
  %y = stamp.inverse_transform #short along 1 block_order lengths(%n : tensor<2xi64>)
      ins(%r : tensor<2x?x48xf32>) outs(%ey : tensor<2x?x48xf32>)
  return %y : tensor<2x?x48xf32>
}

// -----

// REMARK: remark: {{.*}}no kernel quantizes these activations: one length is that of several sequences

// CHECK-LABEL: func @heads_of_one_length
//   CHECK-NOT:   scf.forall
func.func @heads_of_one_length(%x: tensor<2x3x32x16xf32>, %n: tensor<2xi64>) -> tensor<2x3x32x16xi8> {
  %eq = tensor.empty() : tensor<2x3x32x16xi8>
  %es = tensor.empty() : tensor<2x3x32xf32>
  %ez = tensor.empty() : tensor<2x3x32xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 2 over 3 lengths(%n : tensor<2xi64>)
      ins(%x : tensor<2x3x32x16xf32>)
      outs(%eq, %es, %ez : tensor<2x3x32x16xi8>, tensor<2x3x32xf32>, tensor<2x3x32xi32>)
  return %q : tensor<2x3x32x16xi8>
}

// -----

// REMARK: remark: {{.*}}no kernel quantizes these activations: rows of a longer sequence have no kernel

// CHECK-LABEL: func @part
//       CHECK:   stamp.quantize
//   CHECK-NOT:   scf.forall
func.func @part(%x: tensor<32x16xf32>, %i: index, %n: index) -> tensor<32x16xi8> {
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 rows at %i of %n
      ins(%x : tensor<32x16xf32>)
      outs(%eq, %es, %ez : tensor<32x16xi8>, tensor<32xf32>, tensor<32xi32>)
  return %q : tensor<32x16xi8>
}

// -----

// The third group is short. Ranges and codes are made group by group;
// the floats of a tile are carried from group to group, and within a group its
// integers, which start with what they are corrected by.

// CHECK-LABEL: func @groups
//       CHECK:   scf.forall
//       CHECK:     scf.for %[[GROUP:.*]] = %c0 to %c2
//       CHECK:       math.roundeven {{.*}} : vector<16xf32>
//       CHECK:       memref.store {{.*}}, %[[GROUP]]] : memref<1x32x3xi32>
//       CHECK:     scf.for %[[GROUP:.*]] = %c0 to %c3 {{.*}} -> (vector<16xf32>
//       CHECK:       %[[END:.*]] = arith.minsi %{{.*}}, %c10
//       CHECK:       memref.load {{.*}}, %[[GROUP]]] : memref<1x32x3xi32>
//       CHECK:       arith.muli {{.*}} : vector<16xi32>
//       CHECK:       scf.for %{{.*}} to %[[END]] {{.*}} -> (vector<16xi32>
//       CHECK:         vector.contract
//       CHECK:       memref.load {{.*}}, %[[GROUP]]] : memref<1x32x3xf32>
//       CHECK:       arith.sitofp
//       CHECK:       arith.addf
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   return
func.func @groups(%x: tensor<32x72xf32>) -> tensor<32x48xf32> {
  %w = arith.constant dense<3> : tensor<72x48xi8>
  %sw = arith.constant dense<0.5> : tensor<3x48xf32>
  %c = arith.constant dense<48> : tensor<3x48xi32>
  %i0 = arith.constant 0 : i32
  %b0 = arith.constant 0 : i8
  %eq = tensor.empty() : tensor<32x72xi8>
  %es = tensor.empty() : tensor<32x3xf32>
  %ez = tensor.empty() : tensor<32x3xi32>
  %ea = tensor.empty() : tensor<32x3x48xi32>
  %ey = tensor.empty() : tensor<32x48xf32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 groups of 32
      ins(%x : tensor<32x72xf32>)
      outs(%eq, %es, %ez : tensor<32x72xi8>, tensor<32x3xf32>, tensor<32x3xi32>)
  %qp = tensor.pad %q low[0, 0] high[0, 24] {
  ^bb0(%i: index, %j: index):
    tensor.yield %b0 : i8
  } : tensor<32x72xi8> to tensor<32x96xi8>
  %qg = tensor.expand_shape %qp [[0], [1, 2]] output_shape [32, 3, 32]
      : tensor<32x96xi8> into tensor<32x3x32xi8>
  %wp = tensor.pad %w low[0, 0] high[24, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %b0 : i8
  } : tensor<72x48xi8> to tensor<96x48xi8>
  %wg = tensor.expand_shape %wp [[0, 1], [2]] output_shape [3, 32, 48]
      : tensor<96x48xi8> into tensor<3x32x48xi8>
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<32x3x48xi32>) -> tensor<32x3x48xi32>
  %a = linalg.contract
      indexing_maps = [affine_map<(s, g, n, k) -> (s, g, k)>,
                       affine_map<(s, g, n, k) -> (g, k, n)>,
                       affine_map<(s, g, n, k) -> (s, g, n)>]
      ins(%qg, %wg : tensor<32x3x32xi8>, tensor<3x32x48xi8>)
      outs(%zero : tensor<32x3x48xi32>) -> tensor<32x3x48xi32>
  %y = stamp.rescale along 0 over 2 groups along 1
      ins(%a, %s, %z, %sw, %c : tensor<32x3x48xi32>, tensor<32x3xf32>, tensor<32x3xi32>,
          tensor<3x48xf32>, tensor<3x48xi32>)
      outs(%ey : tensor<32x48xf32>)
  return %y : tensor<32x48xf32>
}

// -----

// Groups of the weight alone: a row has one scale, and a sum of codes for each
// group. One of the weights decides on the groups of all that share the codes.

// REMARK: remark: {{.*}}no kernel multiplies these codes: a group is not a multiple of 8 features
// REMARK: remark: {{.*}}no kernel multiplies these codes: another linear of these codes has other groups

// CHECK-LABEL: func @groups_of_weights
//       CHECK:   memref.alloc() {{.*}} : memref<1x32xf32>
//       CHECK:   memref.alloc() {{.*}} : memref<1x32x2xi32>
//       CHECK:   stamp.rescale along 0 over 1 ins
//       CHECK:   vector.contract
//   CHECK-NOT:   groups along 2
//       CHECK:   stamp.rescale along 0 over 2 groups along 1
func.func @groups_of_weights(%x: tensor<32x32xf32>)
    -> (tensor<32x48xf32>, tensor<32x48xf32>, tensor<32x48xf32>) {
  %w4 = arith.constant dense<3> : tensor<8x4x48xi8>
  %w2 = arith.constant dense<3> : tensor<48x2x16xi8>
  %w1 = arith.constant dense<3> : tensor<32x48xi8>
  %sw = arith.constant dense<0.5> : tensor<48xf32>
  %c4 = arith.constant dense<12> : tensor<8x48xi32>
  %c2 = arith.constant dense<48> : tensor<48x2xi32>
  %c1 = arith.constant dense<96> : tensor<48xi32>
  %i0 = arith.constant 0 : i32
  %eq = tensor.empty() : tensor<32x32xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %e4 = tensor.empty() : tensor<32x8x48xi32>
  %e2 = tensor.empty() : tensor<32x48x2xi32>
  %e1 = tensor.empty() : tensor<32x48xi32>
  %ey = tensor.empty() : tensor<32x48xf32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%x : tensor<32x32xf32>)
      outs(%eq, %es, %ez : tensor<32x32xi8>, tensor<32xf32>, tensor<32xi32>)
  %z1 = linalg.fill ins(%i0 : i32) outs(%e1 : tensor<32x48xi32>) -> tensor<32x48xi32>
  %z2 = linalg.fill ins(%i0 : i32) outs(%e2 : tensor<32x48x2xi32>) -> tensor<32x48x2xi32>
  %z4 = linalg.fill ins(%i0 : i32) outs(%e4 : tensor<32x8x48xi32>) -> tensor<32x8x48xi32>
  %a1 = linalg.matmul ins(%q, %w1 : tensor<32x32xi8>, tensor<32x48xi8>)
      outs(%z1 : tensor<32x48xi32>) -> tensor<32x48xi32>
  %q2 = tensor.expand_shape %q [[0], [1, 2]] output_shape [32, 2, 16]
      : tensor<32x32xi8> into tensor<32x2x16xi8>
  %a2 = linalg.contract
      indexing_maps = [affine_map<(s, n, g, k) -> (s, g, k)>,
                       affine_map<(s, n, g, k) -> (n, g, k)>,
                       affine_map<(s, n, g, k) -> (s, n, g)>]
      ins(%q2, %w2 : tensor<32x2x16xi8>, tensor<48x2x16xi8>)
      outs(%z2 : tensor<32x48x2xi32>) -> tensor<32x48x2xi32>
  %q4 = tensor.expand_shape %q [[0], [1, 2]] output_shape [32, 8, 4]
      : tensor<32x32xi8> into tensor<32x8x4xi8>
  %a4 = linalg.contract
      indexing_maps = [affine_map<(s, g, n, k) -> (s, g, k)>,
                       affine_map<(s, g, n, k) -> (g, k, n)>,
                       affine_map<(s, g, n, k) -> (s, g, n)>]
      ins(%q4, %w4 : tensor<32x8x4xi8>, tensor<8x4x48xi8>)
      outs(%z4 : tensor<32x8x48xi32>) -> tensor<32x8x48xi32>
  %y1 = stamp.rescale along 0 over 1
      ins(%a1, %s, %z, %sw, %c1 : tensor<32x48xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<48xf32>, tensor<48xi32>)
      outs(%ey : tensor<32x48xf32>)
  %y2 = stamp.rescale along 0 over 1 groups along 2
      ins(%a2, %s, %z, %sw, %c2 : tensor<32x48x2xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<48xf32>, tensor<48x2xi32>)
      outs(%ey : tensor<32x48xf32>)
  %y4 = stamp.rescale along 0 over 2 groups along 1
      ins(%a4, %s, %z, %sw, %c4 : tensor<32x8x48xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<48xf32>, tensor<8x48xi32>)
      outs(%ey : tensor<32x48xf32>)
  return %y1, %y2, %y4 : tensor<32x48xf32>, tensor<32x48xf32>, tensor<32x48xf32>
}

// -----

// As many tokens as channels: sizes do not tell them apart.

// REMARK: remark: {{.*}}no kernel multiplies these codes: other dimensions are rescaled than those of the product

// CHECK-LABEL: func @square
//       CHECK:   stamp.rescale
func.func @square(%x: tensor<32x16xf32>) -> tensor<32x32xf32> {
  %w = arith.constant dense<3> : tensor<16x32xi8>
  %sw = arith.constant dense<0.5> : tensor<32xf32>
  %c = arith.constant dense<48> : tensor<32xi32>
  %i0 = arith.constant 0 : i32
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %ea = tensor.empty() : tensor<32x32xi32>
  %ey = tensor.empty() : tensor<32x32xf32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%x : tensor<32x16xf32>)
      outs(%eq, %es, %ez : tensor<32x16xi8>, tensor<32xf32>, tensor<32xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<32x32xi32>) -> tensor<32x32xi32>
  %a = linalg.matmul ins(%q, %w : tensor<32x16xi8>, tensor<16x32xi8>)
      outs(%zero : tensor<32x32xi32>) -> tensor<32x32xi32>
  %y = stamp.rescale along 1 over 0
      ins(%a, %s, %z, %sw, %c : tensor<32x32xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<32xf32>, tensor<32xi32>)
      outs(%ey : tensor<32x32xf32>)
  return %y : tensor<32x32xf32>
}
