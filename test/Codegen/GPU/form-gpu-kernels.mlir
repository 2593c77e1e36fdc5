// RUN: stamp-opt %s --split-input-file --stamp-form-gpu-kernels --canonicalize --cse \
// RUN:     --remarks-filter="stamp-form-gpu-kernels" --remark-format=emitRemark 2>%t \
// RUN:   | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: not stamp-opt %s --stamp-form-gpu-kernels=chip=gfx90a 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: no kernels for the GPU 'gfx90a'; known are sm_80, sm_86, sm_89, sm_90a, sm_100a

#haar = #stamp.haar<levels = 3>

// Two linears of one input: one launch for the codes, one for each linear.

// CHECK-LABEL: func @shared
//       CHECK:   gpu.launch_func @stamp_kernels::@shared_quantize blocks in (%{{.*}}) threads in (%c256
//       CHECK:   gpu.launch_func @stamp_kernels::@shared_product_0 blocks in (%{{.*}}) threads in (%c128
//       CHECK:   gpu.launch_func @stamp_kernels::@shared_product blocks
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   return

// Eight tokens, 16 bytes of each.
//       CHECK: gpu.func @shared_quantize
// CHECK-COUNT-8: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
//       CHECK:   nvvm.barrier0
//       CHECK:   math.roundeven
//       CHECK:   llvm.store {{.*}} {alignment = 4 : i64} : i32, !llvm.ptr<1>

// A warp's 64 × 64 results take 64 instructions for 64 inputs; two codes of a
// byte become two bytes; sums wrap.
//       CHECK: gpu.func @shared_product(
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 16, cache =  cg
//       CHECK:   scf.for
//       CHECK:     nvvm.cp.async.wait.group 2
//       CHECK:     nvvm.barrier0
//       CHECK:     nvvm.ldmatrix {{.*}} num = 4
//       CHECK:     llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xi32>
//       CHECK:     arith.shli
// CHECK-COUNT-64: nvvm.mma.sync {{.*}}#nvvm.mma_int_overflow<wrapped>
//   CHECK-NOT:     nvvm.mma.sync
//       CHECK:     scf.yield
//       CHECK:   arith.shrsi
//       CHECK:   llvm.store {{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
//       CHECK: gpu.func @shared_product_0(
func.func @shared(%x: tensor<32x512xf32>) -> (tensor<32x48xf32>, tensor<32x48xf32>) {
  %w = arith.constant dense<3> : tensor<512x48xi8>
  %sw = arith.constant dense<0.5> : tensor<48xf32>
  %c = arith.constant dense<1536> : tensor<48xi32>
  %i0 = arith.constant 0 : i32
  %ex = tensor.empty() : tensor<32x512xf32>
  %eq = tensor.empty() : tensor<32x512xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %ea = tensor.empty() : tensor<32x48xi32>
  %ey = tensor.empty() : tensor<32x48xf32>
  %t = stamp.transform #haar along 0 block_order ins(%x : tensor<32x512xf32>)
      outs(%ex : tensor<32x512xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 block_order of #haar
      ins(%t : tensor<32x512xf32>)
      outs(%eq, %es, %ez : tensor<32x512xi8>, tensor<32xf32>, tensor<32xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<32x48xi32>) -> tensor<32x48xi32>
  %a = linalg.matmul ins(%q, %w : tensor<32x512xi8>, tensor<512x48xi8>)
      outs(%zero : tensor<32x48xi32>) -> tensor<32x48xi32>
  %b = linalg.matmul ins(%q, %w : tensor<32x512xi8>, tensor<512x48xi8>)
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
//   CHECK-NOT:   gpu.launch_func
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

// REMARK: remark: {{.*}}no kernel quantizes these activations: the activations are not f32

// CHECK-LABEL: func @half
//   CHECK-NOT:   gpu.launch_func
func.func @half(%x: tensor<32x16xf16>) -> tensor<32x16xi8> {
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%x : tensor<32x16xf16>)
      outs(%eq, %es, %ez : tensor<32x16xi8>, tensor<32xf32>, tensor<32xi32>)
  return %q : tensor<32x16xi8>
}

// -----

// REMARK: remark: {{.*}}the transform is not made in the quantizer's kernel: it is not of short blocks of tokens

// CHECK-LABEL: func @cosines
//       CHECK:   stamp.transform #stamp.dct
//       CHECK:   gpu.launch_func @stamp_kernels::@cosines_quantize
//       CHECK:   gpu.launch_func @stamp_kernels::@cosines_product
func.func @cosines(%x: tensor<32x16xf32>) -> tensor<32x48xf32> {
  %w = arith.constant dense<100> : tensor<16x48xi8>
  %sw = arith.constant dense<0.5> : tensor<48xf32>
  %c = arith.constant dense<1600> : tensor<48xi32>
  %i0 = arith.constant 0 : i32
  %ex = tensor.empty() : tensor<32x16xf32>
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %ea = tensor.empty() : tensor<32x48xi32>
  %ey = tensor.empty() : tensor<32x48xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<32x16xf32>) outs(%ex : tensor<32x16xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%t : tensor<32x16xf32>)
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

#eight = #stamp.haar<levels = 3>

// How many tokens there are decides between two products when the program runs;
// both read the same weight. With few of them four CTAs share the 2048
// features of each 32 channels, and the quantizer clears their counters.

// CHECK-LABEL: func @any_number_of_tokens
//       CHECK:   %[[FEW:.*]] = arith.cmpi sle, %{{.*}}, %c16 : index
//       CHECK:   gpu.launch_func @stamp_kernels::@any_number_of_tokens_quantize
//       CHECK:   %[[WEIGHT:.*]] = bufferization.to_buffer {{.*}} memref<524288xi8>
//       CHECK:   scf.if %[[FEW]] {
//       CHECK:     memref.extract_aligned_pointer_as_index %[[WEIGHT]]
//       CHECK:     gpu.launch_func @stamp_kernels::@any_number_of_tokens_product_of_few_tokens blocks in (%{{.*}}, %c52, %c1) threads in (%c256
//       CHECK:   } else {
//       CHECK:     memref.extract_aligned_pointer_as_index %[[WEIGHT]]
//       CHECK:     gpu.launch_func @stamp_kernels::@any_number_of_tokens_product blocks in (%{{.*}}, %c4, %c1) threads in (%c128

//       CHECK: gpu.func @any_number_of_tokens_quantize
//       CHECK:   llvm.store %c0_i32

// A warp's 32 channels × 16 tokens take eight instructions for 64 inputs: the
// weight has the 16 rows. Rows that are no tokens are not read.
//       CHECK: gpu.func @any_number_of_tokens_product_of_few_tokens
//       CHECK:   %[[BYTES:.*]] = arith.select %{{.*}}, %c16_i32, %c0_i32 : i32
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 16, cache =  cg, %{{.*}} : !llvm.ptr<3>, !llvm.ptr<1>, i32
//       CHECK:   scf.for
//       CHECK:     nvvm.cp.async.wait.group 1
//       CHECK:     nvvm.bar.warp.sync
// CHECK-COUNT-8: nvvm.mma.sync {{.*}}#nvvm.mma_int_overflow<wrapped>
//   CHECK-NOT:     nvvm.mma.sync
//       CHECK:     scf.yield
//       CHECK:   nvvm.barrier0
//       CHECK:   llvm.fence syncscope("device") acq_rel
//       CHECK:   llvm.atomicrmw add {{.*}} syncscope("device") monotonic
//       CHECK:   llvm.fence syncscope("device") acq_rel
//       CHECK:   nvvm.barrier0
//       CHECK:   arith.shrsi
func.func @any_number_of_tokens(%x: tensor<?x2048xf32>) -> tensor<?x400xf32> {
  %w = arith.constant dense<3> : tensor<2048x400xi8>
  %sw = arith.constant dense<0.5> : tensor<400xf32>
  %c = arith.constant dense<6144> : tensor<400xi32>
  %i0 = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2048xf32>
  %eq = tensor.empty(%n) : tensor<?x2048xi8>
  %es = tensor.empty(%n) : tensor<?xf32>
  %ez = tensor.empty(%n) : tensor<?xi32>
  %ea = tensor.empty(%n) : tensor<?x400xi32>
  %ey = tensor.empty(%n) : tensor<?x400xf32>
  %ex = tensor.empty(%n) : tensor<?x2048xf32>
  %t = stamp.transform #eight along 0 block_order ins(%x : tensor<?x2048xf32>)
      outs(%ex : tensor<?x2048xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 block_order of #eight
      ins(%t : tensor<?x2048xf32>)
      outs(%eq, %es, %ez : tensor<?x2048xi8>, tensor<?xf32>, tensor<?xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<?x400xi32>) -> tensor<?x400xi32>
  %a = linalg.matmul ins(%q, %w : tensor<?x2048xi8>, tensor<2048x400xi8>)
      outs(%zero : tensor<?x400xi32>) -> tensor<?x400xi32>
  %r = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<?x400xi32>, tensor<?xf32>, tensor<?xi32>,
          tensor<400xf32>, tensor<400xi32>)
      outs(%ey : tensor<?x400xf32>)
  %y = stamp.inverse_transform #eight along 0 block_order ins(%r : tensor<?x400xf32>)
      outs(%ey : tensor<?x400xf32>)
  return %y : tensor<?x400xf32>
}
