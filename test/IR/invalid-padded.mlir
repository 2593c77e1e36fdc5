// RUN: stamp-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{argument 0: 'stamp.pad' is an unknown attribute}}
func.func private @misspelt(tensor<4x8xf32> {stamp.pad = #stamp.padded<along = 0, lengths = 1>}, tensor<i64>)

// -----

// expected-error@+1 {{argument 0: 'stamp.padded' expects a #stamp.padded}}
func.func private @no_padded(tensor<4x8xf32> {stamp.padded = 1 : i64}, tensor<i64>)

// -----

// expected-error@+1 {{argument 0: 'stamp.padded' needs a ranked tensor of floats, got 'i64'}}
func.func private @number(i64 {stamp.padded = #stamp.padded<along = 0, lengths = 1>}, tensor<i64>)

// -----

// expected-error@+1 {{argument 0: 'stamp.padded' needs a ranked tensor of floats, got 'tensor<4x8xi32>'}}
func.func private @integers(tensor<4x8xi32> {stamp.padded = #stamp.padded<along = 0, lengths = 1>}, tensor<i64>)

// -----

// expected-error@+1 {{argument 0: 'stamp.padded' needs a ranked tensor of floats, got 'tensor<*xf32>'}}
func.func private @unranked(tensor<*xf32> {stamp.padded = #stamp.padded<along = 0, lengths = 1>}, tensor<i64>)

// -----

// expected-error@+1 {{argument 1: 'stamp.padded' names dimension 2 of 'tensor<4x8xf32>'}}
func.func private @no_such_dimension(tensor<i64>, tensor<4x8xf32> {stamp.padded = #stamp.padded<along = 2, lengths = 0>})

// -----

// expected-error@+1 {{argument 0: 'stamp.padded' names argument 2 of 2}}
func.func private @no_such_argument(tensor<4x8xf32> {stamp.padded = #stamp.padded<along = 0, lengths = 2>}, tensor<i64>)

// -----

// expected-error@+1 {{argument 0: 'stamp.padded' needs lengths in a ranked tensor of index, i32 or i64, got 'tensor<4x8xf32>'}}
func.func private @lengths_of_itself(tensor<4x8xf32> {stamp.padded = #stamp.padded<along = 0, lengths = 0>})

// -----

// expected-error@+1 {{argument 0: 'stamp.padded' needs lengths in a ranked tensor of index, i32 or i64, got 'tensor<2xi8>'}}
func.func private @narrow_lengths(tensor<2x4x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 1>}, tensor<2xi8>)

// -----

// expected-error@+1 {{argument 0: 'stamp.padded' needs lengths over the first dimensions of 'tensor<2x4x8xf32>', in front of 1, got 'tensor<3xi64>'}}
func.func private @another_batch(tensor<2x4x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 1>}, tensor<3xi64>)

// -----

// expected-error@+1 {{argument 0: 'stamp.padded' needs lengths over the first dimensions of 'tensor<2x4x8xf32>', in front of 0, got 'tensor<2xi64>'}}
func.func private @lengths_along_the_sequence(tensor<2x4x8xf32> {stamp.padded = #stamp.padded<along = 0, lengths = 1>}, tensor<2xi64>)

// -----

// expected-error@+1 {{'func.func' op has an unknown attribute 'stamp.padded'}}
func.func private @padded_function(tensor<4x8xf32>) attributes {stamp.padded = #stamp.padded<along = 0, lengths = 0>}

// -----

// expected-error@+1 {{'func.func' op result 0: 'stamp.padded' is not for results}}
func.func private @padded_result(tensor<i64>) -> (tensor<4x8xf32> {stamp.padded = #stamp.padded<along = 0, lengths = 0>})
