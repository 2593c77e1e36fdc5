// RUN: not stamp-opt %s --stamp-select="basis=haar" 2>&1 | FileCheck %s --check-prefix=NO-ATTRIBUTE
// RUN: not stamp-opt %s --stamp-select="basis=#stamp.haar<levels=40>" 2>&1 | FileCheck %s --check-prefix=LEVELS
// RUN: not stamp-opt %s --stamp-select="basis={#stamp.schedule<[], 8>}" 2>&1 | FileCheck %s --check-prefix=NO-BASIS
// RUN: not stamp-opt %s --stamp-select="schedule=#stamp.dct" 2>&1 | FileCheck %s --check-prefix=NO-SCHEDULE
// RUN: not stamp-opt %s --stamp-select="schedule={#stamp.schedule<[64 : 9], 4>}" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not stamp-opt %s --stamp-select="basis={#stamp.dct and more}" 2>&1 | FileCheck %s --check-prefix=TRAILING
// RUN: not stamp-opt %s --stamp-select="weight-bits=5" 2>&1 | FileCheck %s --check-prefix=WEIGHT-BITS
// RUN: not stamp-opt %s --stamp-select="activation-group=64 weight-group=32" 2>&1 | FileCheck %s --check-prefix=GROUPS
// RUN: not stamp-opt %s --stamp-select="weight-group=-1" 2>&1 | FileCheck %s --check-prefix=NEGATIVE-GROUP
// RUN: not stamp-opt %s --stamp-select="basis=#stamp.haar<levels=4>" 2>&1 | FileCheck %s --check-prefix=MISFIT
// RUN: not stamp-opt %s --stamp-select="features=Hadamard" 2>&1 | FileCheck %s --check-prefix=NO-ATTRIBUTE
// RUN: not stamp-opt %s --stamp-select="features=#stamp.dct" 2>&1 | FileCheck %s --check-prefix=NO-FEATURES
// RUN: not stamp-opt %s --stamp-select="features={[#stamp.hadamard, 3]}" 2>&1 | FileCheck %s --check-prefix=NO-LIST
// RUN: not stamp-opt %s --stamp-select="basis=#stamp.identity features=#stamp.hadamard<order=3>" 2>&1 | FileCheck %s --check-prefix=ORDER
// RUN: not stamp-opt %s --stamp-select="include=a(b" 2>&1 | FileCheck %s --check-prefix=INCLUDE
// RUN: not stamp-opt %s --stamp-select="exclude=[z-a]" 2>&1 | FileCheck %s --check-prefix=EXCLUDE

// NO-ATTRIBUTE: error: expected attribute value
// INCLUDE:      error: stamp-select: option 'include' is no regular expression: parentheses not balanced
// EXCLUDE:      error: stamp-select: option 'exclude' is no regular expression: invalid character range
// LEVELS:       error: levels must be between 1 and 30, got 40
// NO-BASIS:     error: stamp-select: option 'basis' does not take #stamp.schedule<[], 8>
// NO-SCHEDULE:  error: stamp-select: option 'schedule' does not take #stamp.dct
// BITS:         error: bits must be between 2 and 8, got 9
// TRAILING:     error: found trailing characters: 'and more'
// WEIGHT-BITS:  error: stamp-select: weight_bits must be 4 or 8, got 5
// NO-FEATURES:  error: stamp-select: option 'features' does not take #stamp.dct
// NO-LIST:      error: stamp-select: option 'features' does not take 3
// GROUPS:       error: stamp-select: activation_group and weight_group must be equal where both are given, got 64 and 32
// NEGATIVE-GROUP: error: stamp-select: weight_group must be 0 to 65536, got -1

// ORDER:        [[@LINE+6]]:{{[0-9]+}}: error: 'linalg.matmul' op has a plan that does not fit: hadamard order = 3 needs 3 times a power of two of features, there are 8

// MISFIT:       [[@LINE+4]]:{{[0-9]+}}: error: 'linalg.matmul' op has a plan that does not fit: levels = 4 needs at least 9 tokens, there are 8

func.func @eight_tokens(%x: tensor<8x8xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
