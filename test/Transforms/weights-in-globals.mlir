// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8>" --stamp-quantize --canonicalize --remarks-filter="stamp.*" --remark-format=emitRemark 2>%t | FileCheck %s
// RUN: FileCheck %s --input-file=%t --check-prefix=REMARK
// Only the rounding of quantizers is between before and after:
// RUN: stamp-validate %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8> weight-bits=8" --stamp-quantize --quantized-tolerance=0.05 | FileCheck %s --check-prefix=VALID
// VALID: 7 agree, 0 differ, 0 not run

// Floats that nothing loads any more are gone, unless somebody outside may know them.
// CHECK-NOT: @shared
// CHECK-NOT: @flat
ml_program.global private @shared(dense<[[7.0, 4.0, 14.0], [-7.0, 0.0, -8.0]]> : tensor<2x3xf32>) : tensor<2x3xf32>
ml_program.global private @flat(dense_resource<flat> : tensor<6xf16>) : tensor<?xf16>
// CHECK-NOT: @read_elsewhere
ml_program.global private @read_elsewhere(dense<[[7.0, 4.0], [-7.0, 0.0]]> : tensor<2x2xf32>) : tensor<2x2xf32>
// CHECK: ml_program.global public @known_outside
// REMARK-DAG: [[@LINE+1]]:{{.*}} [Missed] Globals | Category:stamp-inline-globals | Reason="nothing loads @known_outside any more, but it is public: its value is held beside what becomes of it elsewhere; make it private"
ml_program.global public @known_outside(dense<[[7.0, 4.0], [-7.0, 0.0]]> : tensor<2x2xf32>) : tensor<2x2xf32>
// CHECK: ml_program.global private mutable @state
ml_program.global private mutable @state(dense<1.0> : tensor<2x2xf32>) : tensor<2x2xf32>
// CHECK: ml_program.global private @unused
ml_program.global private @unused(dense<1.0> : tensor<2x2xf32>) : tensor<2x2xf32>

// CHECK-LABEL: func @load_const
//   CHECK-NOT:   ml_program
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}[7, 7, 7], [-7, 0, -4]]> : tensor<2x3xi8>
//   CHECK-DAG:   %[[WS:.*]] = arith.constant dense<[1.000000e+00, 0.571428597, 2.000000e+00]> : tensor<3xf32>
//       CHECK:   linalg.matmul ins(%{{.*}}, %[[WQ]] : tensor<32x2xi8>, tensor<2x3xi8>)
//       CHECK:   stamp.rescale {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}}, %[[WS]]
func.func @load_const(%x: tensor<32x2xf32>, %zero: tensor<32x3xf32>) -> tensor<32x3xf32> {
  %w = ml_program.global_load_const @shared : tensor<2x3xf32>
  %y = linalg.matmul ins(%x, %w : tensor<32x2xf32>, tensor<2x3xf32>) outs(%zero : tensor<32x3xf32>) -> tensor<32x3xf32>
  return %y : tensor<32x3xf32>
}

// The same global, turned.
// CHECK-LABEL: func @load
//   CHECK-NOT:   ml_program
//   CHECK-DAG:   arith.constant dense<{{\[}}[4, 2, 7], [-6, 0, -7]]> : tensor<2x3xi8>
//       CHECK:   linalg.contract
func.func @load(%x: tensor<32x3xf32>, %zero: tensor<32x2xf32>) -> tensor<32x2xf32> {
  %w = ml_program.global_load @shared : tensor<2x3xf32>
  %e = tensor.empty() : tensor<3x2xf32>
  %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
  %y = linalg.matmul ins(%x, %t : tensor<32x3xf32>, tensor<3x2xf32>) outs(%zero : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %y : tensor<32x2xf32>
}

// A global whose type knows less than its value does.
// CHECK-LABEL: func @reshaped
//   CHECK-NOT:   ml_program
//   CHECK-DAG:   arith.constant dense<{{\[}}[7, 7, -7], [2, 7, 2]]> : tensor<2x3xi8>
//       CHECK:   linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<?x2xi8>, tensor<2x3xi8>)
func.func @reshaped(%x: tensor<?x2xf32>, %zero: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %flat = ml_program.global_load_const @flat : tensor<?xf16>
  %static = tensor.cast %flat : tensor<?xf16> to tensor<6xf16>
  %wide = arith.extf %static : tensor<6xf16> to tensor<6xf32>
  %w = tensor.expand_shape %wide [[0, 1]] output_shape [2, 3] : tensor<6xf32> into tensor<2x3xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x3xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// Who reads the floats keeps them.
// CHECK-LABEL: func @not_clobbered
//       CHECK:   %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<2x2xf32>
//       CHECK:   return %[[W]]
func.func @not_clobbered() -> tensor<2x2xf32> {
  %w = ml_program.global_load_const @read_elsewhere : tensor<2x2xf32>
  return %w : tensor<2x2xf32>
}

// CHECK-LABEL: func @both_operands
//       CHECK:   linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<2x2xi8>, tensor<2x2xi8>)
func.func @both_operands(%zero: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = ml_program.global_load @read_elsewhere : tensor<2x2xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 8>}
      ins(%w, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// CHECK-LABEL: func @public
//   CHECK-NOT:   ml_program
//       CHECK:   stamp.rescale
func.func @public(%x: tensor<32x2xf32>, %zero: tensor<32x2xf32>) -> tensor<32x2xf32> {
  %w = ml_program.global_load_const @known_outside : tensor<2x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<32x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %y : tensor<32x2xf32>
}

// CHECK-LABEL: func @mutable
//       CHECK:   ml_program.global_load @state
//       CHECK:   linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<32x2xf32>, tensor<2x2xf32>)
func.func @mutable(%x: tensor<32x2xf32>, %zero: tensor<32x2xf32>) -> tensor<32x2xf32> {
  %w = ml_program.global_load @state : tensor<2x2xf32>
  // REMARK-DAG: [[@LINE+1]]:{{.*}} [Missed] Select | Category:stamp-select | Reason="its weight is the global @state, which is mutable; declare it without 'mutable' if nothing stores to it"
  %y = linalg.matmul ins(%x, %w : tensor<32x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %y : tensor<32x2xf32>
}

{-# dialect_resources: { builtin: { flat: "0x020000000047004400C400400044003C" } } #-}
