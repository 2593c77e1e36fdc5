// RUN: stamp-opt %s --stamp-quantize --split-input-file --verify-diagnostics

func.func @no_linear(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{'linalg.exp' op has a plan that cannot be carried out: it is neither a contraction nor a convolution}}
  %0 = linalg.exp {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A plan that was written by hand is checked here, too.
func.func @no_such_tokens(%x: tensor<8x4xf32>, %w: tensor<4x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{'linalg.matmul' op has a plan that does not fit: levels = 4 needs at least 9 tokens, there are 8}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x4xf32>, tensor<4x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @no_such_features(%x: tensor<8x4xf32>, %w: tensor<4x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{'linalg.matmul' op has a plan that does not fit: hadamard order = 3 needs 3 times a power of two of features, there are 4}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard<order = 3>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x4xf32>, tensor<4x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @no_such_rows(%x: tensor<8x4xf32>, %w: tensor<4x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{'linalg.matmul' op has a plan that does not fit: the schedule's segments count 9 rows, there are 8}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[9 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<8x4xf32>, tensor<4x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @features_of_codes(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<1> : tensor<4x2xi8>
  %w = arith.sitofp %q : tensor<4x2xi8> to tensor<4x2xf32>
  // expected-error@+1 {{'linalg.matmul' op has a plan that cannot be carried out: its weight comes as codes, but a feature transform would change them}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}

// -----

func.func @codes_that_do_not_fit(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %q = arith.constant dense<200> : tensor<4x2xi16>
  %w = arith.sitofp %q : tensor<4x2xi16> to tensor<4x2xf32>
  // expected-error@+1 {{'linalg.matmul' op has a plan that cannot be carried out: its weight comes as codes, but its codes, less their zero points, do not fit 8 bits}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x4xf32>, tensor<4x2xf32>) outs(%y : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %0 : tensor<8x2xf32>
}
