// RUN: stamp-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{'func.func' op argument #1 cannot carry 'stamp.weight': it is not a ranked tensor of f32, f16 or bf16}}
func.func private @integers(tensor<4x4xf32>, tensor<4x4xi8> {stamp.weight})

// -----

// expected-error@+1 {{'func.func' op argument #0 cannot carry 'stamp.weight': it is not a ranked tensor of f32, f16 or bf16}}
func.func private @doubles(tensor<4x4xf64> {stamp.weight})

// -----

// expected-error@+1 {{'func.func' op argument #0 cannot carry 'stamp.weight': it is not a ranked tensor of f32, f16 or bf16}}
func.func private @unranked(tensor<*xf32> {stamp.weight})

// -----

// expected-error@+1 {{'func.func' op argument #0 cannot carry 'stamp.weight': it is not a ranked tensor of f32, f16 or bf16}}
func.func private @a_number(f32 {stamp.weight})

// -----

// expected-error@+1 {{'func.func' op argument #0 expects 'stamp.weight' to be a unit attribute}}
func.func private @with_a_value(tensor<4x4xf32> {stamp.weight = true})

// -----

// expected-error@+1 {{'func.func' op argument 0: 'stamp.weights' is an unknown attribute}}
func.func private @misspelt(tensor<4x4xf32> {stamp.weights})
