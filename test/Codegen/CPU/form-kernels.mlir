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

// REMARK: remark: {{.*}}no kernel multiplies these codes: the weight's codes are not constant

// CHECK-LABEL: func @weight_of_run_time
//       CHECK:   stamp.quantize
//       CHECK:   linalg.matmul
//       CHECK:   stamp.rescale
//   CHECK-NOT:   scf.forall
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

// REMARK: remark: {{.*}}no kernel quantizes these activations: its groups, lengths or rows of a longer sequence have no kernel

// CHECK-LABEL: func @groups
//       CHECK:   stamp.quantize
//   CHECK-NOT:   scf.forall
func.func @groups(%x: tensor<32x16xf32>) -> tensor<32x16xi8> {
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32x2xf32>
  %ez = tensor.empty() : tensor<32x2xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 groups of 8
      ins(%x : tensor<32x16xf32>)
      outs(%eq, %es, %ez : tensor<32x16xi8>, tensor<32x2xf32>, tensor<32x2xi32>)
  return %q : tensor<32x16xi8>
}
