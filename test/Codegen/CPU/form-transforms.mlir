// RUN: stamp-opt %s --split-input-file --stamp-form-transforms=cpu=avx512vnni --canonicalize \
// RUN:     --remarks-filter="stamp-form-transforms" --remark-format=emitRemark 2>%t \
// RUN:   | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --implicit-check-not=remark: --input-file=%t
// RUN: not stamp-opt %s --stamp-form-transforms=cpu=z80 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown cpu 'z80'

// Eleven strides in three turns: from X to scratch, in scratch, and to Y.

// CHECK-LABEL: func @walsh
//       CHECK:   %[[X:.*]] = bufferization.to_buffer %{{.*}} read_only : tensor<1x2048x4096xf32>
//       CHECK:   %[[Y:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x2048x4096xf32>
//       CHECK:   scf.forall
//       CHECK:     %[[S:.*]] = memref.alloc
// CHECK-COUNT-8:   vector.load %[[X]]
// CHECK-COUNT-8:   vector.store %{{.*}}, %[[S]]
// CHECK-COUNT-16:  vector.load %[[S]]
// CHECK-COUNT-16:  vector.store %{{.*}}, %[[S]]
// CHECK-COUNT-16:  vector.load %[[S]]
//       CHECK:     vector.store %{{.*}}, %[[Y]]{{.*}}nontemporal = true
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   return
func.func @walsh(%x: tensor<2048x4096xf32>, %e: tensor<2048x4096xf32>) -> tensor<2048x4096xf32> {
  %y = stamp.transform #stamp.wht along 0 ins(%x : tensor<2048x4096xf32>)
      outs(%e : tensor<2048x4096xf32>)
  return %y : tensor<2048x4096xf32>
}

// -----

// What a kernel has just written is transformed where it is, if nobody else
// reads it.

// CHECK-LABEL: func @in_place
//       CHECK:   %[[M:.*]] = memref.alloc() : memref<1x64x16xf32>
//       CHECK:   vector.load %[[M]]
//       CHECK:   vector.store %{{.*}}, %[[M]]
//       CHECK:   bufferization.to_tensor %[[M]]
//   CHECK-NOT:   to_tensor
//       CHECK:   return
func.func @in_place(%e: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %m = memref.alloc() : memref<1x64x16xf32>
  %t = bufferization.to_tensor %m restrict writable : memref<1x64x16xf32> to tensor<1x64x16xf32>
  %x = tensor.collapse_shape %t [[0, 1], [2]] : tensor<1x64x16xf32> into tensor<64x16xf32>
  %y = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<64x16xf32>)
      outs(%e : tensor<64x16xf32>)
  return %y : tensor<64x16xf32>
}

// -----

// CHECK-LABEL: func @read_twice
//       CHECK:   %[[M:.*]] = memref.alloc() : memref<1x64x16xf32>
//       CHECK:   %[[Y:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x64x16xf32>
//       CHECK:   vector.store %{{.*}}, %[[Y]]
func.func @read_twice(%e: tensor<64x16xf32>) -> (tensor<64x16xf32>, tensor<64x16xf32>) {
  %m = memref.alloc() : memref<1x64x16xf32>
  %t = bufferization.to_tensor %m restrict writable : memref<1x64x16xf32> to tensor<1x64x16xf32>
  %x = tensor.collapse_shape %t [[0, 1], [2]] : tensor<1x64x16xf32> into tensor<64x16xf32>
  %y = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<64x16xf32>)
      outs(%e : tensor<64x16xf32>)
  return %x, %y : tensor<64x16xf32>, tensor<64x16xf32>
}

// -----

// Blocks of a transform whose coefficients stand among one another are not
// done in place.

// CHECK-LABEL: func @several_blocks
//       CHECK:   %[[M:.*]] = memref.alloc() : memref<1x64x16xf32>
//       CHECK:   %[[Y:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x64x16xf32>
//       CHECK:   vector.store %{{.*}}, %[[Y]]
func.func @several_blocks(%e: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %m = memref.alloc() : memref<1x64x16xf32>
  %t = bufferization.to_tensor %m restrict writable : memref<1x64x16xf32> to tensor<1x64x16xf32>
  %x = tensor.collapse_shape %t [[0, 1], [2]] : tensor<1x64x16xf32> into tensor<64x16xf32>
  %y = stamp.inverse_transform #stamp.wht<block = 16> along 0 ins(%x : tensor<64x16xf32>)
      outs(%e : tensor<64x16xf32>)
  return %y : tensor<64x16xf32>
}

// -----

// The radices of a length that is not known are found by the program. Roots are
// computed once, for all columns.

// CHECK-LABEL: func @cosines_of_any_length
//       CHECK:   scf.while
//       CHECK:     arith.remui
//       CHECK:   math.cos {{.*}} : f64
//       CHECK:   math.sin {{.*}} : f64
//       CHECK:   scf.forall
//       CHECK:     vector.load
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   return
func.func @cosines_of_any_length(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = stamp.transform #stamp.dct along 0 ins(%x : tensor<?x64xf32>) outs(%x : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}

// -----

// Fewer than ten tokens are all copied, as skipped ones are.

// CHECK-LABEL: func @min_tokens
//       CHECK:   %[[SHORT:.*]] = arith.cmpi slt, %[[S:.*]], %c10
//       CHECK:   %[[SKIPPED:.*]] = arith.select %[[SHORT]], %[[S]], %{{.*}}
//       CHECK:   arith.subi %[[S]], %[[SKIPPED]]
//   CHECK-NOT:   {{ }}stamp.
//       CHECK:   return
func.func @min_tokens(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = stamp.transform #stamp.min_tokens<10, #stamp.wht> along 0
      ins(%x : tensor<?x64xf32>) outs(%x : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func @without
// CHECK-COUNT-4: stamp.transform
func.func @without(%x: tensor<34x34xf32>, %n: tensor<?xi64>,
                   %b: tensor<?x8x4xf32>, %m: memref<34x34xf32>,
                   %a: tensor<?x?x8x4xf32>)
    -> (tensor<?x?x8x4xf32>, tensor<34x34xf32>, tensor<?x8x4xf32>, tensor<34x34xf32>) {
  // REMARK: remark: {{.*}}no kernel transforms these tokens: they are the last dimension
  %2 = stamp.transform #stamp.wht along 1 ins(%x : tensor<34x34xf32>) outs(%x : tensor<34x34xf32>)
  // REMARK: remark: {{.*}}no kernel transforms these tokens: each sequence has a length of its own
  %3 = stamp.transform #stamp.wht along 1 lengths(%n : tensor<?xi64>)
      ins(%b : tensor<?x8x4xf32>) outs(%b : tensor<?x8x4xf32>)
  // REMARK: remark: {{.*}}no kernel transforms these tokens: nothing fast is known of its basis
  %4 = stamp.transform #stamp.identity along 0
      ins(%x : tensor<34x34xf32>) outs(%x : tensor<34x34xf32>)
  // REMARK: remark: {{.*}}no kernel transforms these tokens: they are on buffers
  stamp.transform #stamp.wht along 0 ins(%m : memref<34x34xf32>) outs(%m : memref<34x34xf32>)
  // REMARK: remark: {{.*}}no kernel transforms these tokens: two sizes that are not static would be one
  %5 = stamp.transform #stamp.wht along 2 ins(%a : tensor<?x?x8x4xf32>) outs(%a : tensor<?x?x8x4xf32>)
  return %5, %2, %3, %4
      : tensor<?x?x8x4xf32>, tensor<34x34xf32>, tensor<?x8x4xf32>, tensor<34x34xf32>
}
