// Every op and every attribute of version 1, with all that is optional. What
// v1.mlir.bc holds was made from this file by the version's own writer:
//   stamp-opt test/IR/Bytecode/v1.mlir --emit-bytecode -o test/IR/Bytecode/v1.mlir.bc
// Written once: files of a released version are read for good, never made anew.

// RUN: stamp-opt %s -o %t.expected
// RUN: stamp-opt %s.bc | diff %t.expected -

// What this program writes, it reads.
// RUN: stamp-opt %s --emit-bytecode -o %t.bc
// RUN: stamp-opt %t.bc | diff %t.expected -

func.func @transform(%x: tensor<?x2x8xf32>, %e: tensor<?x2x8xbf16>) -> tensor<?x2x8xbf16> {
  %t = stamp.transform #stamp.haar<levels = 5, skip = 1> along 0
         ins(%x : tensor<?x2x8xf32>) outs(%e : tensor<?x2x8xbf16>)
  return %t : tensor<?x2x8xbf16>
}

func.func @inverse_transform(%t: tensor<13x8xf16>, %e: tensor<13x8xf32>) -> tensor<13x8xf32> {
  %y = stamp.inverse_transform #stamp.haar2d<levels = 3, grid = 4x3, skip = 1> along 0
         ins(%t : tensor<13x8xf16>) outs(%e : tensor<13x8xf32>)
  return %y : tensor<13x8xf32>
}

func.func @feature_transforms(%x: tensor<?x12xf32>, %w: tensor<12x4xf32>) -> (tensor<?x12xf32>, tensor<12x4xf32>) {
  %r = stamp.feature_transform #stamp.hadamard<order = 3> over 1
         ins(%x : tensor<?x12xf32>) outs(%x : tensor<?x12xf32>)
  %v = stamp.inverse_feature_transform #stamp.hadamard<order = 3> left over 0
         ins(%w : tensor<12x4xf32>) outs(%w : tensor<12x4xf32>)
  return %r, %v : tensor<?x12xf32>, tensor<12x4xf32>
}

func.func @quantize(%t: tensor<?x8xf32>,
                    %eq: tensor<?x8xi8>, %es: tensor<?xf32>, %ez: tensor<?xi32>)
    -> (tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>) {
  %q, %s, %z = stamp.quantize #stamp.schedule<[64 : 8, 0.25 : 6], 4> along 0 over 1
      ins(%t : tensor<?x8xf32>)
      outs(%eq, %es, %ez : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q, %s, %z : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>
}

func.func @quantize_rows(%tile: tensor<8x4xf32>,
                         %eq: tensor<8x4xi8>, %es: tensor<8xf32>, %ez: tensor<8xi32>,
                         %row: index, %tokens: index)
    -> (tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>) {
  %q, %s, %z = stamp.quantize #stamp.schedule<[], 8> along 0 over 1
      rows at %row of %tokens
      ins(%tile : tensor<8x4xf32>)
      outs(%eq, %es, %ez : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return %q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>
}

func.func @valid_lengths(%x: tensor<2x13x8xf32>, %n: tensor<2xi64>, %one: tensor<index>,
                         %eq: tensor<2x13x8xi8>, %es: tensor<2x13xf32>, %ez: tensor<2x13xi32>, %row: index)
    -> (tensor<2x13x8xi8>, tensor<2x13x8xf32>) {
  %t = stamp.transform #stamp.wht along 1 lengths(%n : tensor<2xi64>)
         ins(%x : tensor<2x13x8xf32>) outs(%x : tensor<2x13x8xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[0.5 : 8], 4> along 1 over 2 lengths(%n : tensor<2xi64>)
      rows at %row of %row
      ins(%t : tensor<2x13x8xf32>)
      outs(%eq, %es, %ez : tensor<2x13x8xi8>, tensor<2x13xf32>, tensor<2x13xi32>)
  %i = stamp.inverse_transform #stamp.wht along 1 lengths(%one : tensor<index>)
         ins(%t : tensor<2x13x8xf32>) outs(%x : tensor<2x13x8xf32>)
  return %q, %i : tensor<2x13x8xi8>, tensor<2x13x8xf32>
}

func.func @block_order(%x: tensor<?x8xf32>, %eq: tensor<?x8xi8>, %es: tensor<?xf32>, %ez: tensor<?xi32>)
    -> (tensor<?x8xi8>, tensor<?x8xf32>) {
  %t = stamp.transform #stamp.haar<levels = 3> along 0 block_order
         ins(%x : tensor<?x8xf32>) outs(%x : tensor<?x8xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
      block_order of #stamp.haar<levels = 3>
      ins(%t : tensor<?x8xf32>) outs(%eq, %es, %ez : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  %i = stamp.inverse_transform #stamp.haar<levels = 3> along 0 block_order
         ins(%t : tensor<?x8xf32>) outs(%x : tensor<?x8xf32>)
  return %q, %i : tensor<?x8xi8>, tensor<?x8xf32>
}

func.func @packed(%q: tensor<12x5xi8>, %a: tensor<3x5xi8>, %b: tensor<9x3xi8>) -> tensor<12x5xi8> {
  %p:2 = stamp.pack #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%q : tensor<12x5xi8>) outs(%a, %b : tensor<3x5xi8>, tensor<9x3xi8>)
  %u = stamp.unpack #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%p#0, %p#1 : tensor<3x5xi8>, tensor<9x3xi8>) outs(%q : tensor<12x5xi8>)
  return %u : tensor<12x5xi8>
}

func.func @dequantize(%q: tensor<?x8xi8>, %s: tensor<?xf32>, %z: tensor<?xi32>,
                      %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %d = stamp.dequantize over 1
      ins(%q, %s, %z : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
      outs(%e : tensor<?x8xf32>)
  return %d : tensor<?x8xf32>
}

func.func @quantize_weight(%w: tensor<8x4xf32>,
                           %eq: tensor<8x4xi8>, %es: tensor<4xf32>, %ec: tensor<4xi32>)
    -> (tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>) {
  %q, %s, %c = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<8x4xf32>)
      outs(%eq, %es, %ec : tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>)
  return %q, %s, %c : tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>
}

func.func @groups(%x: tensor<?x8xf32>, %eq: tensor<?x8xi8>, %es: tensor<?x4xf32>, %ez: tensor<?x4xi32>,
                  %w: tensor<8x4xf32>, %ewq: tensor<8x4xi8>, %e1: tensor<4xf32>, %e2: tensor<4x4xi32>,
                  %acc: tensor<?x4x4xi32>, %e: tensor<?x4xf32>) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  %q, %s, %z = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 groups of 2
      ins(%x : tensor<?x8xf32>) outs(%eq, %es, %ez : tensor<?x8xi8>, tensor<?x4xf32>, tensor<?x4xi32>)
  %d = stamp.dequantize over 1 groups of 2
      ins(%q, %s, %z : tensor<?x8xi8>, tensor<?x4xf32>, tensor<?x4xi32>) outs(%x : tensor<?x8xf32>)
  %wq, %ws, %wc = stamp.quantize_weight bits = 8 over 0 groups of 2 for sums
      ins(%w : tensor<8x4xf32>) outs(%ewq, %e1, %e2 : tensor<8x4xi8>, tensor<4xf32>, tensor<4x4xi32>)
  %y = stamp.rescale along 0 over 2 groups along 1
      ins(%acc, %s, %z, %ws, %wc : tensor<?x4x4xi32>, tensor<?x4xf32>, tensor<?x4xi32>, tensor<4xf32>, tensor<4x4xi32>)
      outs(%e : tensor<?x4xf32>)
  return %d, %y : tensor<?x8xf32>, tensor<?x4xf32>
}

func.func @rescale(%acc: tensor<?x4xi32>, %sx: tensor<?xf32>, %zx: tensor<?xi32>,
                   %sw: tensor<4xf32>, %c: tensor<4xi32>,
                   %b: tensor<4xf32>, %l: tensor<?xf32>,
                   %e: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<?x4xi32>, tensor<?xf32>,
          tensor<?xi32>, tensor<4xf32>, tensor<4xi32>)
      bias(%b : tensor<4xf32>) spread(%l : tensor<?xf32>)
      outs(%e : tensor<?x4xf32>)
  %plain = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<?x4xi32>, tensor<?xf32>,
          tensor<?xi32>, tensor<4xf32>, tensor<4xi32>)
      outs(%e : tensor<?x4xf32>)
  return %y, %plain : tensor<?x4xf32>, tensor<?x4xf32>
}

func.func @observe(%x: tensor<8x4xf32>, %a: tensor<8x8xf64>) -> tensor<8x8xf64> {
  %s = stamp.observe "block0.qkv" along 0 ins(%x, %a : tensor<8x4xf32>, tensor<8x8xf64>) outs(%a : tensor<8x8xf64>)
  return %s : tensor<8x8xf64>
}

func.func private @bases() attributes {
  identity = #stamp.identity,
  haar = #stamp.haar<levels = 30>,
  haar2d = #stamp.haar2d<levels = 3, grid = 8x16>,
  dct = #stamp.dct,
  dct_skip = #stamp.dct<skip = 1>,
  wht = #stamp.wht,
  wht_block = #stamp.wht<block = 16, skip = 1>,
  matrix = #stamp.matrix<dense<[[0.6, 0.8], [0.8, -0.6]]> : tensor<2x2xf32>>,
  matrix_inverse = #stamp.matrix<dense<[[2.0, 0.0], [0.0, 4.0]]> : tensor<2x2xf32>,
    inverse = dense<[[0.5, 0.0], [0.0, 0.25]]> : tensor<2x2xf32>, skip = 3>
}

func.func private @features() attributes {
  hadamard = #stamp.hadamard,
  hadamard_order = #stamp.hadamard<order = 28>,
  scale = #stamp.scale<dense<[1.0, 0.125]> : tensor<2xf32>>
}

func.func private @schedules() attributes {
  rows = #stamp.schedule<[64 : 8], 4>,
  fraction = #stamp.schedule<[0.0625 : 8], 4>,
  mixed = #stamp.schedule<[1 : 8, 0.3333333333333333 : 6, 0 : 2, 1.0 : 3], 2>,
  large = #stamp.schedule<[9223372036854775807 : 7], 5>
}

func.func @plan(%x: tensor<?x8xf32>, %w: tensor<8x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>,
                      activations = #stamp.schedule<[64 : 8], 4>, weight_bits = 4>}
      ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>)
      outs(%y : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

func.func private @plan_with_all_that_is_optional() attributes {
  plan = #stamp.plan<basis = #stamp.dct,
    features = [#stamp.scale<dense<0.5> : tensor<8xf32>>, #stamp.hadamard],
    activations = #stamp.schedule<[], 4>, activation_group = 64,
    weight_bits = 8, weight_group = 64>
}

func.func private @cache() attributes {
  stamp.kv_append = #stamp.kv_cache<basis = #stamp.haar<levels = 4>, schedule = #stamp.schedule<[1 : 8], 4>, group = 64>
}

func.func @min_tokens(%x: tensor<?x8xf32>, %eq: tensor<?x8xi8>, %es: tensor<?xf32>, %ez: tensor<?xi32>) -> tensor<?x8xi8> {
  %t = stamp.transform #stamp.min_tokens<32, #stamp.wht<skip = 1>> along 0
         ins(%x : tensor<?x8xf32>) outs(%x : tensor<?x8xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[0.0625 : 8], 4, min_tokens = 32> along 0 over 1
      ins(%t : tensor<?x8xf32>) outs(%eq, %es, %ez : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q : tensor<?x8xi8>
}

func.func private @padded(tensor<4x?x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 1>}, tensor<4xi64>)
