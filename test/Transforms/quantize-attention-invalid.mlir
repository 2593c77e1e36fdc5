// RUN: not stamp-opt %s --stamp-quantize-attention="basis=haar" 2>&1 | FileCheck %s --check-prefix=NO-ATTRIBUTE
// RUN: not stamp-opt %s --stamp-quantize-attention="basis={#stamp.schedule<[], 8>}" 2>&1 | FileCheck %s --check-prefix=NO-BASIS
// RUN: not stamp-opt %s --stamp-quantize-attention="schedule=#stamp.dct" 2>&1 | FileCheck %s --check-prefix=NO-SCHEDULE
// RUN: not stamp-opt %s --stamp-quantize-attention="group=-1" 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: not stamp-opt %s --stamp-quantize-attention="basis=#stamp.haar<levels=4>" 2>&1 | FileCheck %s --check-prefix=MISFIT
// RUN: not stamp-opt %s --stamp-quantize-attention="basis=#stamp.identity schedule={#stamp.schedule<[5 : 8], 4>}" 2>&1 | FileCheck %s --check-prefix=ROWS

// NO-ATTRIBUTE: error: expected attribute value
// NO-BASIS:     error: stamp-quantize-attention: option 'basis' does not take #stamp.schedule<[], 8>
// NO-SCHEDULE:  error: stamp-quantize-attention: option 'schedule' does not take #stamp.dct
// GROUP:        error: stamp-quantize-attention: group must be 0 to 65536, got -1
// MISFIT:       [[@LINE+4]]:{{[0-9]+}}: error: 'linalg.matmul' op has keys or values that the options do not fit: levels = 4 needs at least 9 tokens, there are 4
// ROWS:         [[@LINE+3]]:{{[0-9]+}}: error: 'linalg.matmul' op has keys or values that the options do not fit: {{.*}}

func.func @four_tokens(%q: tensor<2x8xf32>, %k: tensor<8x4xf32>, %v: tensor<4x8xf32>, %s0: tensor<2x4xf32>, %y0: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %s = linalg.matmul ins(%q, %k : tensor<2x8xf32>, tensor<8x4xf32>) outs(%s0 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %p = math.exp %s : tensor<2x4xf32>
  %y = linalg.matmul ins(%p, %v : tensor<2x4xf32>, tensor<4x8xf32>) outs(%y0 : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}
