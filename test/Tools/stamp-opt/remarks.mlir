// --stamp-remarks shows our passes' remarks and nobody else's, --stamp-statistics
// only what they have counted; what the user
// asks for with MLIR's own flags, in front of it or behind, comes first.

// RUN: stamp-opt %s --canonicalize --stamp-select --stamp-quantize --stamp-remarks 2>&1 >%t | FileCheck %s --implicit-check-not=remark:
// RUN: stamp-opt %s --canonicalize --stamp-select --stamp-quantize --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 >%t | FileCheck %s --implicit-check-not=remark:
// RUN: stamp-opt %s --stamp-select --stamp-quantize --stamp-remarks --remarks-filter=stamp-quantize 2>&1 >%t | FileCheck %s --check-prefix=ONLY --implicit-check-not=remark:
// RUN: stamp-opt %s --stamp-select --stamp-quantize --remarks-filter=stamp-quantize --stamp-remarks 2>&1 >%t | FileCheck %s --check-prefix=ONLY --implicit-check-not=remark:
// RUN: stamp-opt %s --stamp-select --stamp-quantize 2>&1 >%t | count 0
// RUN: stamp-opt %s --stamp-select --stamp-quantize --stamp-statistics 2>&1 >%t | FileCheck %s --check-prefix=COUNTS --implicit-check-not=remark:
// RUN: stamp-opt %s --stamp-select --stamp-quantize --stamp-remarks=false 2>&1 >%t | count 0

// CHECK: remark: [Missed] Select | Category:stamp-select | Reason="its weight is argument #1 of the function; mark that with stamp.weight if it is the same in every call, or give the linear a stamp.plan to quantize it at run time"
// CHECK: remark: [Analysis] Select | Category:stamp-select | contractions=1, left=1, selected=0
// CHECK: remark: [Analysis] Quantize | Category:stamp-quantize | quantized=0
// COUNTS: remark: [Analysis] Select | Category:stamp-select | contractions=1, left=1, selected=0
// COUNTS: remark: [Analysis] Quantize | Category:stamp-quantize | quantized=0
// ONLY:  remark: [Analysis] Quantize | Category:stamp-quantize | quantized=0
func.func @linear(%x: tensor<512x8xf32>, %w: tensor<8x4xf32>, %y: tensor<512x4xf32>) -> tensor<512x4xf32> {
  %0 = linalg.matmul ins(%x, %w : tensor<512x8xf32>, tensor<8x4xf32>) outs(%y : tensor<512x4xf32>) -> tensor<512x4xf32>
  return %0 : tensor<512x4xf32>
}
