// RUN: stamp-opt %s --split-input-file --verify-diagnostics --stamp-kv-cache

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 2>, schedule = #stamp.schedule<[], 4>>
// expected-error @+1 {{expects tokens, queries or probabilities, 1 tensor(s) of codes, scales, zero points, a window and the number of tokens}}
func.func private @too_few(tensor<?x8xf32>, tensor<4x4x4xi8>, index) -> index attributes {stamp.kv_append = #kv}

// -----

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 2>, schedule = #stamp.schedule<[], 4>>
// expected-error @+1 {{expects the type '(tensor<2x?x8xf32>, tensor<2x4x4x4xi8>, tensor<2x4x4xf32>, tensor<2x4x4xi8>, tensor<2x4x8xf32>, index) -> (tensor<2x4x4x4xi8>, tensor<2x4x4xf32>, tensor<2x4x4xi8>, tensor<2x4x8xf32>, index)'}}
func.func private @unpacked_codes(tensor<2x?x8xf32>, tensor<2x4x4x8xi8>, tensor<2x4x4xf32>, tensor<2x4x4xi8>, tensor<2x4x8xf32>, index)
  -> (tensor<2x4x4x8xi8>, tensor<2x4x4xf32>, tensor<2x4x4xi8>, tensor<2x4x8xf32>, index) attributes {stamp.kv_append = #kv}

// -----

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 2>, schedule = #stamp.schedule<[], 4>>
// expected-error @+1 {{expects the type '(tensor<3x8xf32>, tensor<?x4x4xi8>, tensor<?x4xf32>, tensor<?x4xi8>, tensor<4x8xf32>, index) -> tensor<3x?xf32>'}}
func.func private @static_scores(tensor<3x8xf32>, tensor<?x4x4xi8>, tensor<?x4xf32>, tensor<?x4xi8>, tensor<4x8xf32>, index)
  -> tensor<3x16xf32> attributes {stamp.kv_scores = #kv}

// -----

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 2>, schedule = #stamp.schedule<[], 4>>
// expected-error @+1 {{expects a window of at least one block: it has 3 tokens, a block 4}}
func.func private @small_window(tensor<?x8xf32>, tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<3x8xf32>, index)
  -> (tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<3x8xf32>, index) attributes {stamp.kv_append = #kv}

// -----

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 2>, schedule = #stamp.schedule<[], 4>>
// expected-error @+1 {{expects static sizes of blocks, window and features}}
func.func private @dynamic_window(tensor<?x8xf32>, tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<?x8xf32>, index)
  -> (tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<?x8xf32>, index) attributes {stamp.kv_append = #kv}

// -----

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 4>, schedule = #stamp.schedule<[], 4>>
// expected-error @+1 {{has blocks that do not fit: levels = 4 needs at least 9 tokens, there are 4}}
func.func private @short_blocks(tensor<?x8xf32>, tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<4x8xf32>, index)
  -> (tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<4x8xf32>, index) attributes {stamp.kv_append = #kv}

// -----

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 2>, schedule = #stamp.schedule<[], 4>>
// expected-error @+1 {{expects a window of f32, f16 or bf16}}
func.func private @integers(tensor<?x8xi32>, tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<4x8xi32>, index)
  -> (tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<4x8xi32>, index) attributes {stamp.kv_append = #kv}

// -----

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 2>, schedule = #stamp.schedule<[], 4>>
// expected-error @+1 {{is to get the body of a cache's function, but has one}}
func.func @body() attributes {stamp.kv_append = #kv} { return }

// -----

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 2>, schedule = #stamp.schedule<[], 4>>
// expected-error @+1 {{has more than one role in a cache}}
func.func private @two_roles(tensor<?x8xf32>, tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<4x8xf32>, index)
  -> (tensor<4x4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>, tensor<4x8xf32>, index) attributes {stamp.kv_append = #kv, stamp.kv_mix = #kv}
