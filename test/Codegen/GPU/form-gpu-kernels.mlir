// RUN: stamp-opt %s --split-input-file --stamp-form-gpu-kernels --canonicalize --cse \
// RUN:     --remarks-filter="stamp-form-gpu-kernels" --remark-format=emitRemark 2>%t \
// RUN:   | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: stamp-opt %s --split-input-file --stamp-form-gpu-kernels=chip=sm_90a --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefix=WGMMA
// RUN: not stamp-opt %s --stamp-form-gpu-kernels=chip=gfx90a 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: no kernels for the GPU 'gfx90a'; known are sm_80, sm_86, sm_89, sm_90a, sm_100a

#haar = #stamp.haar<levels = 3>

// Two linears of one input: one launch for the codes, one for each linear.

// CHECK-LABEL: func @shared
//   CHECK-NOT:   gpu.launch_func @stamp_kernels::@shared_transform
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

// On a chip with wgmma two warpgroups have 128 tokens and 256 channels: the
// weight in registers, four times 128 x 128 codes in shared memory, which the
// launch asks for.
// WGMMA-LABEL: func @shared
//       WGMMA:   gpu.launch_func @stamp_kernels::@shared_product blocks in (%{{.*}}) threads in (%c256{{.*}}dynamic_shared_memory_size %c68096_i32
//       WGMMA: gpu.func @shared_product(
//       WGMMA:   gpu.dynamic_shared_memory
//       WGMMA:   scf.for
//       WGMMA:     nvvm.cp.async.wait.group 1
//  WGMMA-NEXT:     nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
//  WGMMA-NEXT:     nvvm.barrier0
// WGMMA-COUNT-4:   nvvm.cp.async.shared.global
//       WGMMA:     nvvm.wgmma.fence.aligned
// WGMMA-COUNT-2:   llvm.inline_asm {{.*}}wgmma.mma_async.sync.aligned.m64n128k32.s32.s8.s8
//       WGMMA:     nvvm.wgmma.commit.group.sync.aligned
//  WGMMA-NEXT:     nvvm.wgmma.wait.group.sync.aligned 1
//       WGMMA:     llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// WGMMA-COUNT-6:   llvm.inline_asm
//   WGMMA-NOT:     llvm.inline_asm
//       WGMMA:     scf.yield
//       WGMMA:   nvvm.wgmma.wait.group.sync.aligned 0
//       WGMMA:   llvm.store {{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
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

// A weight that is no constant is packed on the device: 16 × 48 codes of 8 bits
// as 64 × 128.

// CHECK-LABEL: func @weight_of_run_time
//       CHECK:   gpu.launch_func @stamp_kernels::@weight_of_run_time_quantize
//       CHECK:   gpu.launch_func @stamp_kernels::@weight_of_run_time_pack blocks in (%c8{{[_0-9]*}},
//       CHECK:   gpu.launch_func @stamp_kernels::@weight_of_run_time_product
//   CHECK-NOT:   {{ }}stamp.
//       CHECK: gpu.func @weight_of_run_time_pack
//       CHECK:   llvm.store {{.*}} {alignment = 4 : i64} : i32, !llvm.ptr<1>
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

// f16 in, bf16 out: f32 in registers.

// CHECK-LABEL: func @half
//       CHECK:   gpu.launch_func @stamp_kernels::@half_quantize
//       CHECK:   gpu.launch_func @stamp_kernels::@half_product
//       CHECK: gpu.func @half_quantize
// CHECK-COUNT-8: llvm.load {{.*}} {alignment = 8 : i64} : !llvm.ptr<1> -> vector<4xf16>
//       CHECK: gpu.func @half_product
//       CHECK:   arith.truncf {{.*}} : vector<4xf32> to vector<4xbf16>
//       CHECK:   llvm.store {{.*}} {alignment = 8 : i64} : vector<4xbf16>, !llvm.ptr<1>
func.func @half(%x: tensor<32x16xf16>) -> tensor<32x48xbf16> {
  %w = arith.constant dense<100> : tensor<16x48xi8>
  %sw = arith.constant dense<0.5> : tensor<48xf32>
  %c = arith.constant dense<1600> : tensor<48xi32>
  %i0 = arith.constant 0 : i32
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32xf32>
  %ez = tensor.empty() : tensor<32xi32>
  %ea = tensor.empty() : tensor<32x48xi32>
  %ey = tensor.empty() : tensor<32x48xbf16>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%x : tensor<32x16xf16>)
      outs(%eq, %es, %ez : tensor<32x16xi8>, tensor<32xf32>, tensor<32xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<32x48xi32>) -> tensor<32x48xi32>
  %a = linalg.matmul ins(%q, %w : tensor<32x16xi8>, tensor<16x48xi8>)
      outs(%zero : tensor<32x48xi32>) -> tensor<32x48xi32>
  %r = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<32x48xi32>, tensor<32xf32>, tensor<32xi32>,
          tensor<48xf32>, tensor<48xi32>)
      outs(%ey : tensor<32x48xbf16>)
  return %r : tensor<32x48xbf16>
}

// -----

// What is not of short blocks is transformed by a kernel in front: products and
// sums are rounded one by one.

// CHECK-LABEL: func @cosines
//       CHECK:   gpu.launch_func @stamp_kernels::@cosines_transform blocks in (%{{.*}}) threads in (%c256
//       CHECK:   gpu.launch_func @stamp_kernels::@cosines_quantize
//       CHECK:   gpu.launch_func @stamp_kernels::@cosines_product
//   CHECK-NOT:   {{ }}stamp.
//       CHECK: gpu.func @cosines_transform
//       CHECK:   scf.for
//       CHECK:     nvvm.barrier0
//   CHECK-NOT:     math.fma
//       CHECK:     arith.mulf {{.*}} : vector<4xf32>
//  CHECK-NEXT:     arith.addf {{.*}} : vector<4xf32>
//       CHECK:     nvvm.barrier0
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

// 4096 tokens are 12 levels: two launches of six, 256 rows of 32 columns each.

// CHECK-LABEL: func @walsh
//       CHECK:   gpu.launch_func @stamp_kernels::@walsh_transform{{.*}} blocks in (%c256{{[_0-9]*}},
//       CHECK:   gpu.launch_func @stamp_kernels::@walsh_transform{{.*}} blocks in (%c256{{[_0-9]*}},
//   CHECK-NOT:   gpu.launch_func
//       CHECK: gpu.func @walsh_transform({{.*}}) workgroup(%{{.*}} : memref<32768xi8, #gpu.address_space<workgroup>>
// CHECK-COUNT-8: llvm.load {{.*}} {alignment = 8 : i64} : !llvm.ptr<1> -> vector<4xf16>
//       CHECK:   nvvm.barrier0
//       CHECK:   llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<1>
func.func @walsh(%x: tensor<4096x512xf16>) -> tensor<4096x512xf32> {
  %e = tensor.empty() : tensor<4096x512xf32>
  %y = stamp.transform #stamp.wht along 0 ins(%x : tensor<4096x512xf16>)
      outs(%e : tensor<4096x512xf32>)
  return %y : tensor<4096x512xf32>
}

// -----

// REMARK: remark: {{.*}}no kernel transforms these tokens: each sequence has a length of its own
// REMARK: remark: {{.*}}no kernel transforms these tokens: they are the last dimension
// REMARK: remark: {{.*}}no kernel transforms these tokens: no kernel is known for its basis

// CHECK-LABEL: func @without_kernels
//   CHECK-NOT:   gpu.launch_func
func.func @without_kernels(%x: tensor<2x16x8xf32>, %lengths: tensor<2xi64>)
    -> (tensor<2x16x8xf32>, tensor<2x16x8xf32>, tensor<2x16x8xf32>) {
  %e = tensor.empty() : tensor<2x16x8xf32>
  %a = stamp.transform #stamp.wht along 1 lengths(%lengths : tensor<2xi64>)
      ins(%x : tensor<2x16x8xf32>) outs(%e : tensor<2x16x8xf32>)
  %b = stamp.transform #stamp.wht along 2 ins(%x : tensor<2x16x8xf32>)
      outs(%e : tensor<2x16x8xf32>)
  %c = stamp.transform #stamp.haar2d<levels = 2, grid = 4x4> along 1
      ins(%x : tensor<2x16x8xf32>) outs(%e : tensor<2x16x8xf32>)
  return %a, %b, %c : tensor<2x16x8xf32>, tensor<2x16x8xf32>, tensor<2x16x8xf32>
}

// -----

// REMARK: remark: {{.*}}no kernel quantizes these activations: groups of features have no kernel

// CHECK-LABEL: func @groups
//   CHECK-NOT:   gpu.launch_func
func.func @groups(%x: tensor<32x16xf32>) -> tensor<32x16xi8> {
  %eq = tensor.empty() : tensor<32x16xi8>
  %es = tensor.empty() : tensor<32x2xf32>
  %ez = tensor.empty() : tensor<32x2xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 groups of 8
      ins(%x : tensor<32x16xf32>)
      outs(%eq, %es, %ez : tensor<32x16xi8>, tensor<32x2xf32>, tensor<32x2xi32>)
  return %q : tensor<32x16xi8>
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
