// RUN: stamp-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{levels must be between 1 and 30, got 0}}
func.func private @no_levels() attributes {a = #stamp.haar<levels = 0>}

// -----

// expected-error@+1 {{levels must be between 1 and 30, got 31}}
func.func private @too_many_levels() attributes {a = #stamp.haar<levels = 31>}

// -----

// expected-error@+1 {{skip must not be negative, got -1}}
func.func private @haar_negative_skip() attributes {a = #stamp.haar<levels = 1, skip = -1>}

// -----

// expected-error@+1 {{struct is missing required parameter: levels}}
func.func private @haar_without_levels() attributes {a = #stamp.haar<skip = 1>}

// -----

// expected-error@+1 {{levels must be between 1 and 30, got 31}}
func.func private @haar2d_too_many_levels() attributes {a = #stamp.haar2d<levels = 31, grid = 2x2>}

// -----

// expected-error@+1 {{skip must not be negative, got -1}}
func.func private @haar2d_negative_skip() attributes {a = #stamp.haar2d<levels = 1, grid = 2x2, skip = -1>}

// -----

// expected-error@+1 {{the grid must not be empty, got 0x4}}
func.func private @no_rows() attributes {a = #stamp.haar2d<levels = 1, grid = 0x4>}

// -----

// expected-error@+1 {{the grid must not be empty, got 4x0}}
func.func private @no_columns() attributes {a = #stamp.haar2d<levels = 1, grid = 4x0>}

// -----

// expected-error@+1 {{expected a grid such as 8x16}}
func.func private @grid_of_three_sides() attributes {a = #stamp.haar2d<levels = 1, grid = 2x3x4>}

// -----

// expected-error@+1 {{expected static shape}}
func.func private @dynamic_grid() attributes {a = #stamp.haar2d<levels = 1, grid = ?x4>}

// -----

// expected-error@+1 {{skip must not be negative, got -1}}
func.func private @dct_negative_skip() attributes {a = #stamp.dct<skip = -1>}

// -----

// expected-error@+1 {{block must be 0 or a power of two up to 2^30, got 12}}
func.func private @block_no_power_of_two() attributes {a = #stamp.wht<block = 12>}

// -----

// expected-error@+1 {{block must be 0 or a power of two up to 2^30, got -4}}
func.func private @negative_block() attributes {a = #stamp.wht<block = -4>}

// -----

// expected-error@+1 {{block must be 0 or a power of two up to 2^30, got 2147483648}}
func.func private @block_too_long() attributes {a = #stamp.wht<block = 2147483648>}

// -----

// expected-error@+1 {{skip must not be negative, got -1}}
func.func private @wht_negative_skip() attributes {a = #stamp.wht<skip = -1>}

// -----

// expected-error@+2 {{skip must not be negative, got -1}}
func.func private @matrix_negative_skip() attributes {
  a = #stamp.matrix<dense<1.0> : tensor<1x1xf32>, skip = -1>}

// -----

// expected-error@+2 {{expected a square matrix of f32, got 'tensor<1x2xf32>'}}
func.func private @not_square() attributes {
  a = #stamp.matrix<dense<1.0> : tensor<1x2xf32>>}

// -----

// expected-error@+2 {{expected a square matrix of f32, got 'tensor<1x1xf64>'}}
func.func private @not_f32() attributes {
  a = #stamp.matrix<dense<1.0> : tensor<1x1xf64>>}

// -----

// expected-error@+2 {{expected a square matrix of f32, got 'tensor<1xf32>'}}
func.func private @not_a_matrix() attributes {
  a = #stamp.matrix<dense<1.0> : tensor<1xf32>>}

// -----

// expected-error@+2 {{expected a square matrix of f32, got 'vector<1x1xf32>'}}
func.func private @not_a_tensor() attributes {
  a = #stamp.matrix<dense<1.0> : vector<1x1xf32>>}

// -----

// expected-error@+2 {{expected a square matrix of f32, got 'tensor<0x0xf32>'}}
func.func private @empty_matrix() attributes {
  a = #stamp.matrix<dense<> : tensor<0x0xf32>>}

// -----

// expected-error@+2 {{the matrix has no dense values to read}}
func.func private @matrix_without_values() attributes {
  a = #stamp.matrix<dense_resource<absent> : tensor<2x2xf32>>}

// -----

// expected-error@+2 {{the matrix has no dense values to read}}
func.func private @sparse_matrix() attributes {
  a = #stamp.matrix<sparse<[[0, 0], [1, 1]], 1.0> : tensor<2x2xf32>>}

// -----

// Refused before anything as large as it claims to be is computed.
// expected-error@+2 {{the entries of the matrix are all equal: it cannot be inverted}}
func.func private @splat_matrix() attributes {
  a = #stamp.matrix<dense<1.0> : tensor<4611686018427387904x4611686018427387904xf32>>}

// -----

// expected-error@+2 {{a matrix without an inverse must be orthonormal, but an entry of M*transpose(M) - I is 3.000000e+00}}
func.func private @not_orthonormal() attributes {
  a = #stamp.matrix<dense<2.0> : tensor<1x1xf32>>}

// -----

// expected-error@+2 {{a matrix without an inverse must be orthonormal, but an entry of M*transpose(M) - I is nan}}
func.func private @not_finite() attributes {
  a = #stamp.matrix<dense<0x7F800000> : tensor<1x1xf32>>}

// -----

// expected-error@+2 {{the inverse must have the matrix's type 'tensor<1x1xf32>', got 'tensor<2x2xf32>'}}
func.func private @inverse_of_another_size() attributes {
  a = #stamp.matrix<dense<2.0> : tensor<1x1xf32>, inverse = dense<0.5> : tensor<2x2xf32>>}

// -----

// expected-error@+2 {{the inverse must have the matrix's type 'tensor<1x1xf32>', got 'tensor<1x1xf16>'}}
func.func private @inverse_of_another_type() attributes {
  a = #stamp.matrix<dense<2.0> : tensor<1x1xf32>, inverse = dense<0.5> : tensor<1x1xf16>>}

// -----

// expected-error@+2 {{the inverse has no dense values to read}}
func.func private @inverse_without_values() attributes {
  a = #stamp.matrix<dense<2.0> : tensor<1x1xf32>, inverse = dense_resource<absent> : tensor<1x1xf32>>}

// -----

// expected-error@+2 {{the inverse does not invert the matrix: an entry of M*inverse - I is 1.000000e+00}}
func.func private @wrong_inverse() attributes {
  a = #stamp.matrix<dense<2.0> : tensor<1x1xf32>, inverse = dense<1.0> : tensor<1x1xf32>>}

// -----

// expected-error@+2 {{the inverse does not invert the matrix: an entry of M*inverse - I is nan}}
func.func private @inverse_not_finite() attributes {
  a = #stamp.matrix<dense<2.0> : tensor<1x1xf32>, inverse = dense<0x7FC00000> : tensor<1x1xf32>>}

// -----

// expected-error@+1 {{bits must be between 2 and 8, got 1}}
func.func private @one_bit() attributes {a = #stamp.schedule<[64 : 1], 4>}

// -----

// expected-error@+1 {{bits must be between 2 and 8, got 9}}
func.func private @nine_bits() attributes {a = #stamp.schedule<[64 : 9], 4>}

// -----

// expected-error@+1 {{bits must be between 2 and 8, got 4294967300}}
func.func private @bits_are_not_cut() attributes {a = #stamp.schedule<[64 : 4294967300], 4>}

// -----

// expected-error@+1 {{bits must be between 2 and 8, got 1}}
func.func private @one_bit_for_the_rest() attributes {a = #stamp.schedule<[64 : 8], 1>}

// -----

// expected-error@+1 {{bits must be between 2 and 8, got 9}}
func.func private @nine_bits_for_the_rest() attributes {a = #stamp.schedule<[], 9>}

// -----

// expected-error@+1 {{a fraction of the sequence must be in (0, 1], got 0.000000e+00}}
func.func private @no_fraction() attributes {a = #stamp.schedule<[0.0 : 8], 4>}

// -----

// expected-error@+1 {{a fraction of the sequence must be in (0, 1], got 1.500000e+00}}
func.func private @more_than_all() attributes {a = #stamp.schedule<[1.5 : 8], 4>}

// -----

// expected-error@+1 {{a number of rows must not be negative, got -1}}
func.func private @negative_rows() attributes {a = #stamp.schedule<[-1 : 8], 4>}

// -----

// expected-error@+1 {{integer value too large}}
func.func private @rows_beyond_64_bits() attributes {a = #stamp.schedule<[9223372036854775808 : 8], 4>}

// -----

// expected-error@+1 {{expected ','}}
func.func private @no_rest() attributes {a = #stamp.schedule<[64 : 8]>}

// -----

// expected-error@+1 {{expected ':'}}
func.func private @no_bits() attributes {a = #stamp.schedule<[64], 4>}

// -----

// expected-error@+2 {{weight_bits must be 4 or 8, got 5}}
func.func private @weight_bits() attributes {
  a = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 5>}

// -----

// expected-error@+3 {{invalid kind of attribute specified}}
// expected-error@+2 {{failed to parse Stamp_PlanAttr parameter 'basis' which is to be a `::stamp::BasisAttrInterface`}}
func.func private @schedule_is_no_basis() attributes {
  a = #stamp.plan<basis = #stamp.schedule<[], 8>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}

// -----

// expected-error@+2 {{group must be 0 to 65536, got 65537}}
func.func private @cache_group() attributes {
  a = #stamp.kv_cache<basis = #stamp.identity, schedule = #stamp.schedule<[], 4>, group = 65537>}

// -----

// expected-error@+1 {{order must be between 1 and 4096, got 0}}
func.func private @no_order() attributes {a = #stamp.hadamard<order = 0>}

// -----

// expected-error@+1 {{order must be between 1 and 4096, got 4097}}
func.func private @order_too_large() attributes {a = #stamp.hadamard<order = 4097>}

// -----

// expected-error@+1 {{expected a vector of f32, got 'tensor<2xf64>'}}
func.func private @scale_of_doubles() attributes {a = #stamp.scale<dense<[1.0, 2.0]> : tensor<2xf64>>}

// -----

// expected-error@+1 {{expected a vector of f32, got 'tensor<1x2xf32>'}}
func.func private @scale_of_a_matrix() attributes {a = #stamp.scale<dense<[[1.0, 2.0]]> : tensor<1x2xf32>>}

// -----

// expected-error@+1 {{expected a vector of f32, got 'tensor<0xf32>'}}
func.func private @scale_of_nothing() attributes {a = #stamp.scale<dense<[]> : tensor<0xf32>>}

// -----

// expected-error@+1 {{a factor must be finite and not zero, got 0.000000e+00}}
func.func private @scale_of_zero() attributes {a = #stamp.scale<dense<[1.0, 0.0]> : tensor<2xf32>>}

// -----

// expected-error@+1 {{a factor must be finite and not zero, got INF}}
func.func private @scale_of_infinity() attributes {a = #stamp.scale<dense<0x7F800000> : tensor<2xf32>>}

// -----

// expected-error@+1 {{the factors have no values to read}}
func.func private @scale_in_an_absent_resource() attributes {a = #stamp.scale<dense_resource<absent> : tensor<2xf32>>}

// -----

// expected-error@+3 {{invalid kind of attribute specified}}
// expected-error@+2 {{failed to parse Stamp_PlanAttr parameter 'features'}}
func.func private @basis_is_no_feature_transform() attributes {
  a = #stamp.plan<basis = #stamp.identity, features = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}

// -----

// expected-error@+1 {{min_tokens must be positive, got 0}}
func.func private @at_least_no_token() attributes {a = #stamp.min_tokens<0, #stamp.dct>}

// -----

// expected-error@+1 {{min_tokens of min_tokens: the larger number says it}}
func.func private @min_tokens_twice() attributes {a = #stamp.min_tokens<4, #stamp.min_tokens<8, #stamp.dct>>}

// -----

// expected-error@+1 {{min_tokens must not be negative, got -1}}
func.func private @schedule_for_less_than_no_token() attributes {a = #stamp.schedule<[], 4, min_tokens = -1>}

// -----

// expected-error@+1 {{expected 'min_tokens'}}
func.func private @schedule_with_something_else() attributes {a = #stamp.schedule<[], 4, skip = 1>}

// -----

// expected-error@+1 {{along and lengths must not be negative, got -1 and 0}}
func.func private @padded_in_front() attributes {a = #stamp.padded<along = -1, lengths = 0>}

// -----

// expected-error@+1 {{along and lengths must not be negative, got 0 and -1}}
func.func private @lengths_in_front() attributes {a = #stamp.padded<along = 0, lengths = -1>}

// -----

// expected-error@+1 {{unknown attribute `nothing` in dialect `stamp`}}
func.func private @unknown_attribute() attributes {a = #stamp.nothing}
