// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8>" --stamp-quantize --canonicalize --remarks-filter="stamp-(select|quantize)" --remark-format=emitRemark 2>%t | FileCheck %s
// RUN: FileCheck %s --input-file=%t --check-prefix=REMARK
// Only the rounding of quantizers is between before and after:
// RUN: stamp-validate %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8> weight-bits=8" --stamp-quantize --quantized-tolerance=0.05 | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// All floats are gone, and both functions have the same codes.
// CHECK-NOT: @shared
// CHECK-NOT: @flat
ml_program.global private @shared(dense<[[7.0, 4.0, 14.0], [-7.0, 0.0, -8.0]]> : tensor<2x3xf32>) : tensor<2x3xf32>
ml_program.global private @flat(dense_resource<flat> : tensor<6xf16>) : tensor<6xf16>
// CHECK: ml_program.global private @read_elsewhere
ml_program.global private @read_elsewhere(dense<[[7.0, 4.0], [-7.0, 0.0]]> : tensor<2x2xf32>) : tensor<?x2xf32>
// CHECK: ml_program.global public @known_outside
// REMARK-DAG: [[@LINE+1]]:{{.*}} [Missed] Quantize | Category:stamp-quantize | Reason="nothing loads @known_outside any more, but it is public: its values are held beside the codes; make it private"
ml_program.global public @known_outside(dense<[[7.0, 4.0], [-7.0, 0.0]]> : tensor<2x2xf32>) : tensor<2x2xf32>
ml_program.global private mutable @state(dense<1.0> : tensor<2x2xf32>) : tensor<2x2xf32>
ml_program.global private @elsewhere(#ml_program.extern<tensor<2x2xf32>>) : tensor<2x2xf32>

// CHECK-LABEL: func @loads
//   CHECK-DAG:   arith.constant dense<{{\[}}[64, 64, 127], [-64, 0, -64]]> : tensor<2x3xi8>
func.func @loads(%x: tensor<32x2xf32>) -> tensor<32x3xf32> {
  %w = ml_program.global_load @shared : tensor<2x3xf32>
  %zero = arith.constant dense<0.0> : tensor<32x3xf32>
  %y = linalg.matmul ins(%x, %w : tensor<32x2xf32>, tensor<2x3xf32>) outs(%zero : tensor<32x3xf32>) -> tensor<32x3xf32>
  return %y : tensor<32x3xf32>
}

{-# dialect_resources: { builtin: { flat: "0x02000000004700440040C4004000C000" } } #-}
