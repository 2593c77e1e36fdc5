// A basis that only its own dialect knows goes through every pass. In this file
// it is not even mentioned but in an option:
// RUN: stamp-test-opt %s --stamp-select="basis=#slant.slant<block=4>" | FileCheck %s --check-prefix=SELECT
// RUN: stamp-test-opt %s --stamp-select="basis=#slant.slant<block=4>" --stamp-quantize | FileCheck %s --check-prefix=QUANTIZE
// RUN: stamp-test-opt %s --stamp-select="basis=#slant.slant<block=4>" --stamp-quantize --stamp-fold -o %t.mlir
// RUN: FileCheck %s --check-prefix=FOLD < %t.mlir
// RUN: stamp-test-opt %t.mlir --stamp-block-order | FileCheck %s --check-prefix=BLOCK
// RUN: stamp-test-opt %t.mlir --stamp-block-order --stamp-to-linalg | FileCheck %s --check-prefix=LINALG --implicit-check-not=slant
// RUN: stamp-test-opt %t.mlir --stamp-to-linalg --stamp-check-sizes | FileCheck %s --check-prefix=SIZES
// RUN: stamp-test-opt %t.mlir --stamp-block-order --stamp-cpu-pipeline | FileCheck %s --check-prefix=CPU --implicit-check-not=slant
// RUN: stamp-test-opt %t.mlir --stamp-block-order --stamp-gpu-pipeline | FileCheck %s --check-prefix=GPU --implicit-check-not=slant
// RUN: stamp-test-opt %t.mlir --emit-bytecode | stamp-test-opt | FileCheck %s --check-prefix=FOLD

// RUN: not stamp-test-opt %s --stamp-select="basis=#slant.slant<block=3>" 2>&1 | FileCheck %s --check-prefix=VERIFIER
// VERIFIER: block must be a power of two from 2 to 64, got 3
// RUN: not stamp-test-opt %s --stamp-select="basis=#slant.slant<block=16>" 2>&1 | FileCheck %s --check-prefix=MISFIT
// MISFIT: has a plan that does not fit: block = 16 is longer than 9 tokens
// Who has not loaded the dialect hears so.
// RUN: not stamp-opt %s --stamp-select="basis=#slant.slant<block=4>" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: {{.*}}slant

// Nine tokens: two blocks and one token more.
// SELECT-LABEL: func @chain
// SELECT-COUNT-2: stamp.plan = #stamp.plan<basis = #slant.slant<block = 4>,

// QUANTIZE-LABEL: func @chain
//       QUANTIZE:   stamp.transform #slant.slant<block = 4> along 0
//       QUANTIZE:   stamp.inverse_transform #slant.slant<block = 4> along 0
//       QUANTIZE:   stamp.transform #slant.slant<block = 4> along 0
//       QUANTIZE:   stamp.inverse_transform #slant.slant<block = 4> along 0

// The bias goes under the inverse, spread over the two constants and the tail,
// and there the pair cancels.
// FOLD-LABEL: func @chain
//       FOLD:   dense<[2.000000e+00, 2.000000e+00, {{.*}}, 1.000000e+00]> : tensor<9xf32>
//       FOLD:   stamp.transform #slant.slant<block = 4>
//   FOLD-NOT:   transform #slant
//       FOLD:   stamp.rescale {{.*}} spread(
//   FOLD-NOT:   transform #slant
//       FOLD:   stamp.inverse_transform #slant.slant<block = 4>
//   FOLD-NOT:   transform #slant

// BLOCK-LABEL: func @chain
//       BLOCK:   stamp.transform #slant.slant<block = 4> along 0 block_order
//       BLOCK:   stamp.quantize {{.*}} block_order of #slant.slant<block = 4>
//       BLOCK:   %[[L:.*]] = arith.constant dense<[2.000000e+00, {{[^,]*}}, {{[^,]*}}, {{[^,]*}}, 2.000000e+00, {{[^,]*}}, {{[^,]*}}, {{[^,]*}}, 1.000000e+00]> : tensor<9xf32>
//       BLOCK:   stamp.rescale {{.*}} spread(%[[L]] :
//       BLOCK:   stamp.quantize {{.*}} block_order of #slant.slant<block = 4>
//       BLOCK:   stamp.inverse_transform #slant.slant<block = 4> along 0 block_order

// LINALG-LABEL: func @chain
//       LINALG:   tensor.expand_shape %{{.*}} {{\[\[}}0, 1], [2]] output_shape [2, 4, 6]
// SIZES-LABEL: func @chain
//       SIZES:   linalg.generic
// CPU-LABEL: llvm.func @chain
// GPU-LABEL: llvm.func @chain
//       GPU: gpu.binary
func.func @chain(%x: tensor<9x6xf32>, %b: tensor<6xf32>) -> tensor<9x6xf32> {
  %w = arith.constant dense<0.5> : tensor<6x6xf32>
  %zero = arith.constant dense<0.0> : tensor<9x6xf32>
  %e = tensor.empty() : tensor<9x6xf32>
  %m = linalg.matmul ins(%x, %w : tensor<9x6xf32>, tensor<6x6xf32>) outs(%zero : tensor<9x6xf32>) -> tensor<9x6xf32>
  %wide = linalg.broadcast ins(%b : tensor<6xf32>) outs(%e : tensor<9x6xf32>) dimensions = [0]
  %h = linalg.add ins(%m, %wide : tensor<9x6xf32>, tensor<9x6xf32>) outs(%e : tensor<9x6xf32>) -> tensor<9x6xf32>
  %n = linalg.matmul ins(%h, %w : tensor<9x6xf32>, tensor<6x6xf32>) outs(%zero : tensor<9x6xf32>) -> tensor<9x6xf32>
  return %n : tensor<9x6xf32>
}
