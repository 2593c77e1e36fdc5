// RUN: stamp-opt %s --stamp-select --split-input-file --verify-diagnostics

// A plan, the user's or the options', must fit a sequence of static length.

func.func @levels(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{'linalg.matmul' op has a plan that does not fit: levels = 4 needs at least 9 tokens, there are 8}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @levels_after_the_skip(%x: tensor<9x8xf32>, %w: tensor<8x4xf32>, %y: tensor<9x4xf32>) -> tensor<9x4xf32> {
  // expected-error@+1 {{has a plan that does not fit: levels = 4 needs at least 9 tokens, there are 8 after skip = 1}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4, skip = 1>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<9x8xf32>, tensor<8x4xf32>) outs(%y : tensor<9x4xf32>) -> tensor<9x4xf32>
  return %0 : tensor<9x4xf32>
}

// -----

func.func @everything_is_skipped(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{has a plan that does not fit: skip = 8 leaves no token to transform, there are 8}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct<skip = 8>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @grid(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{has a plan that does not fit: grid = 3x3 must hold every token, there are 8}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar2d<levels = 1, grid = 3x3>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @levels_of_a_grid(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{has a plan that does not fit: levels = 3 needs a side of at least 5 tokens, the grid is 2x4}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar2d<levels = 3, grid = 2x4>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @block(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{has a plan that does not fit: block = 16 needs at least 16 tokens, there are 8}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.wht<block = 16>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @matrix(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{has a plan that does not fit: matrix = 1x1 needs exactly 1 tokens, there are 8}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.matrix<dense<1.0> : tensor<1x1xf32>>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @schedule(%x: tensor<2x8x8xf32>, %w: tensor<2x8x4xf32>, %y: tensor<2x8x4xf32>) -> tensor<2x8x4xf32> {
  // expected-error@+1 {{'linalg.batch_matmul' op has a plan that does not fit: the schedule's segments count 9 rows, there are 8}}
  %0 = linalg.batch_matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[4 : 8, 5 : 6], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%y : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}

// -----

// What only run time knows is no error.

func.func @dynamic_length(%x: tensor<?x8xf32>, %w: tensor<8x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar2d<levels = 3, grid = 8x16, skip = 1>, activations = #stamp.schedule<[64 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%y : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

func.func @plan_on_no_linear(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{'linalg.exp' op has a plan that cannot be carried out: it is neither a contraction nor a convolution}}
  %0 = linalg.exp {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @plan_for_integers(%x: tensor<8x8xi8>, %w: tensor<8x4xi8>, %y: tensor<8x4xi32>) -> tensor<8x4xi32> {
  // expected-error@+1 {{has a plan that cannot be carried out: its operands are integers: it is quantized already}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x8xi8>, tensor<8x4xi8>) outs(%y : tensor<8x4xi32>) -> tensor<8x4xi32>
  return %0 : tensor<8x4xi32>
}

// -----

// The number of features is known, whatever the number of tokens.
func.func @features(%x: tensor<?x8xf32>, %w: tensor<8x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error@+1 {{has a plan that does not fit: a scale of 4 factors needs as many features, there are 8}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = [#stamp.hadamard, #stamp.scale<dense<2.0> : tensor<4xf32>>],
                      activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%y : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
