// RUN: stamp-opt %s --stamp-block-order --canonicalize | FileCheck %s
// RUN: stamp-opt %s --stamp-block-order --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK
// What has moved stays where it is:
// RUN: stamp-opt %s --stamp-block-order -o %t
// RUN: stamp-opt %t --stamp-block-order | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s --stamp-block-order | FileCheck %s --check-prefix=VALID
// VALID: @tile_of_rows: not run: argument 5 of 'tile_of_rows' has type 'index': only ranked tensors can be passed
// VALID: {{^[0-9]+}} agree, 0 differ, 1 not run

#id = affine_map<(i, j) -> (i, j)>
#channel = affine_map<(i, j) -> (j)>
#token = affine_map<(i, j) -> (i)>
#id3 = affine_map<(b, i, j) -> (b, i, j)>
#rows3 = affine_map<(b, i, j) -> (b, i)>

//===----------------------------------------------------------------------===//
// What moves
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @linear
//       CHECK:   %[[L:.*]] = arith.constant dense<[2.000000e+00, 3.000000e+00, 1.000000e+00]> : tensor<3xf32>
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 0 block_order
//       CHECK:   stamp.quantize {{.*}} block_order of #stamp.haar<levels = 2> ins(
//       CHECK:   linalg.matmul
//       CHECK:   stamp.rescale {{.*}} spread(%[[L]] :
//       CHECK:   stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order
func.func @linear(%x: tensor<3x8xf32>, %wq: tensor<8x6xi8>, %sw: tensor<6xf32>, %cw: tensor<6xi32>,
                  %b: tensor<6xf32>) -> tensor<3x6xf32> {
  // Not the true spread, so that one sees where its rows go.
  %l = arith.constant dense<[2.0, 1.0, 3.0]> : tensor<3xf32>
  %ex = tensor.empty() : tensor<3x8xf32>
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<3x8xf32>) outs(%ex : tensor<3x8xf32>)
  %eq = tensor.empty() : tensor<3x8xi8>
  %es = tensor.empty() : tensor<3xf32>
  %ez = tensor.empty() : tensor<3xi32>
  %q:3 = stamp.quantize #stamp.schedule<[1 : 8], 4> along 0 over 1
      ins(%t : tensor<3x8xf32>) outs(%eq, %es, %ez : tensor<3x8xi8>, tensor<3xf32>, tensor<3xi32>)
  %i0 = arith.constant 0 : i32
  %ea = tensor.empty() : tensor<3x6xi32>
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<3x6xi32>) -> tensor<3x6xi32>
  %a = linalg.matmul ins(%q#0, %wq : tensor<3x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<3x6xi32>) -> tensor<3x6xi32>
  %ey = tensor.empty() : tensor<3x6xf32>
  %r = stamp.rescale along 0 over 1
      ins(%a, %q#1, %q#2, %sw, %cw : tensor<3x6xi32>, tensor<3xf32>, tensor<3xi32>, tensor<6xf32>, tensor<6xi32>)
      bias(%b : tensor<6xf32>) spread(%l : tensor<3xf32>) outs(%ey : tensor<3x6xf32>)
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%r : tensor<3x6xf32>) outs(%ey : tensor<3x6xf32>)
  return %y : tensor<3x6xf32>
}

// Any length: the column of ones moves with the rest, through its reshape. Its
// own length is measured as before.
// CHECK-LABEL: func @spread_of_any_length
//       CHECK:   linalg.fill
//       CHECK:   stamp.transform #stamp.wht<block = 4> along 0 block_order
//       CHECK:   tensor.collapse_shape
//       CHECK:   stamp.transform #stamp.wht<block = 4> along 0 block_order
//       CHECK:   linalg.generic
//       CHECK:   stamp.inverse_transform #stamp.wht<block = 4> along 0 block_order
func.func @spread_of_any_length(%x: tensor<?x4xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%s) : tensor<?x4xf32>
  %one = arith.constant 1.0 : f32
  %eo = tensor.empty(%s) : tensor<?x1xf32>
  %ones = linalg.fill ins(%one : f32) outs(%eo : tensor<?x1xf32>) -> tensor<?x1xf32>
  %column = stamp.transform #stamp.wht<block = 4> along 0 ins(%ones : tensor<?x1xf32>) outs(%eo : tensor<?x1xf32>)
  %l = tensor.collapse_shape %column [[0, 1]] : tensor<?x1xf32> into tensor<?xf32>
  %t = stamp.transform #stamp.wht<block = 4> along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %sum = linalg.generic {indexing_maps = [#id, #channel, #token, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t, %b, %l : tensor<?x4xf32>, tensor<4xf32>, tensor<?xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%u: f32, %v: f32, %w: f32, %out: f32):
    %p = arith.mulf %v, %w : f32
    %a = arith.addf %u, %p : f32
    linalg.yield %a : f32
  } -> tensor<?x4xf32>
  %y = stamp.inverse_transform #stamp.wht<block = 4> along 0 ins(%sum : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %y : tensor<?x4xf32>
}

// Two readers, a batch, a broadcast, and tokens along the last dimension.
// CHECK-LABEL: func @readers
// CHECK-COUNT-2: stamp.transform {{.*}} along 2 block_order
// CHECK-COUNT-2: stamp.inverse_transform {{.*}} along 2 block_order
func.func @readers(%x: tensor<2x4x9xf32>, %r: tensor<2x4x9xf32>, %c: tensor<4xf32>)
    -> (tensor<2x4x9xf32>, tensor<2x4x9xf32>) {
  %e = tensor.empty() : tensor<2x4x9xf32>
  %t = stamp.transform #stamp.haar<levels = 3, skip = 1> along 2 ins(%x : tensor<2x4x9xf32>) outs(%e : tensor<2x4x9xf32>)
  %u = stamp.transform #stamp.haar<levels = 3, skip = 1> along 2 ins(%r : tensor<2x4x9xf32>) outs(%e : tensor<2x4x9xf32>)
  %wide = linalg.broadcast ins(%c : tensor<4xf32>) outs(%e : tensor<2x4x9xf32>) dimensions = [0, 2]
  %m = linalg.mul ins(%t, %wide : tensor<2x4x9xf32>, tensor<2x4x9xf32>) outs(%e : tensor<2x4x9xf32>) -> tensor<2x4x9xf32>
  %a = linalg.add ins(%m, %u : tensor<2x4x9xf32>, tensor<2x4x9xf32>) outs(%e : tensor<2x4x9xf32>) -> tensor<2x4x9xf32>
  %y = stamp.inverse_transform #stamp.haar<levels = 3, skip = 1> along 2 ins(%a : tensor<2x4x9xf32>) outs(%e : tensor<2x4x9xf32>)
  %z = stamp.inverse_transform #stamp.haar<levels = 3, skip = 1> along 2 ins(%m : tensor<2x4x9xf32>) outs(%e : tensor<2x4x9xf32>)
  return %y, %z : tensor<2x4x9xf32>, tensor<2x4x9xf32>
}

// Too few tokens have one order only; more are in blocks.
// CHECK-LABEL: func @min_tokens
//       CHECK:   stamp.transform #stamp.min_tokens<3, #stamp.haar<levels = 2>> along 0 block_order
//       CHECK:   stamp.inverse_transform #stamp.min_tokens<3, #stamp.haar<levels = 2>> along 0 block_order
func.func @min_tokens(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%s) : tensor<?x4xf32>
  %t = stamp.transform #stamp.min_tokens<3, #stamp.haar<levels = 2>> along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %a = linalg.exp ins(%t : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = stamp.inverse_transform #stamp.min_tokens<3, #stamp.haar<levels = 2>> along 0 ins(%a : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %y : tensor<?x4xf32>
}

// Each sequence of a padded batch has an order of its own.
// CHECK-LABEL: func @padded_batch
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 1 block_order lengths(
//       CHECK:   stamp.quantize {{.*}} lengths(%{{.*}}) block_order of #stamp.haar<levels = 2>
//       CHECK:   stamp.inverse_transform #stamp.haar<levels = 2> along 1 block_order lengths(
func.func @padded_batch(%x: tensor<2x7x4xf32>, %n: tensor<2xi64>) -> tensor<2x7x4xf32> {
  %e = tensor.empty() : tensor<2x7x4xf32>
  %t = stamp.transform #stamp.haar<levels = 2> along 1 lengths(%n : tensor<2xi64>)
      ins(%x : tensor<2x7x4xf32>) outs(%e : tensor<2x7x4xf32>)
  %eq = tensor.empty() : tensor<2x7x4xi8>
  %es = tensor.empty() : tensor<2x7xf32>
  %ez = tensor.empty() : tensor<2x7xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[1 : 8], 4> along 1 over 2 lengths(%n : tensor<2xi64>)
      ins(%t : tensor<2x7x4xf32>) outs(%eq, %es, %ez : tensor<2x7x4xi8>, tensor<2x7xf32>, tensor<2x7xi32>)
  %f = linalg.generic {indexing_maps = [#id3, #rows3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q, %s : tensor<2x7x4xi8>, tensor<2x7xf32>) outs(%e : tensor<2x7x4xf32>) {
  ^bb0(%c: i8, %w: f32, %out: f32):
    %u = arith.sitofp %c : i8 to f32
    %v = arith.mulf %u, %w : f32
    linalg.yield %v : f32
  } -> tensor<2x7x4xf32>
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 1 lengths(%n : tensor<2xi64>)
      ins(%f : tensor<2x7x4xf32>) outs(%e : tensor<2x7x4xf32>)
  return %y : tensor<2x7x4xf32>
}

//===----------------------------------------------------------------------===//
// What stays, and why
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @no_blocks
//   CHECK-NOT:   block_order
func.func @no_blocks(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %e = tensor.empty() : tensor<8x4xf32>
  // REMARK: remark: {{.*}}stamp.transform stays coarse first: its basis has no blocks of one size
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %a = linalg.exp ins(%t : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  // REMARK: remark: {{.*}}stamp.inverse_transform stays coarse first: its basis has no blocks of one size
  %y = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %y : tensor<8x4xf32>
}

// CHECK-LABEL: func @other_lengths
//   CHECK-NOT:   block_order
func.func @other_lengths(%x: tensor<2x7x4xf32>, %n: tensor<2xi64>, %m: tensor<2xi64>) -> tensor<2x7x4xf32> {
  %e = tensor.empty() : tensor<2x7x4xf32>
  // REMARK: remark: {{.*}}stamp.transform stays coarse first: its rows meet those of sequences of other lengths; give both the same
  %t = stamp.transform #stamp.haar<levels = 2> along 1 lengths(%n : tensor<2xi64>)
      ins(%x : tensor<2x7x4xf32>) outs(%e : tensor<2x7x4xf32>)
  // REMARK: remark: {{.*}}stamp.inverse_transform stays coarse first: its rows meet those of sequences of other lengths
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 1 lengths(%m : tensor<2xi64>)
      ins(%t : tensor<2x7x4xf32>) outs(%e : tensor<2x7x4xf32>)
  return %y : tensor<2x7x4xf32>
}

// CHECK-LABEL: func @constant_of_padded_sequences
//   CHECK-NOT:   block_order
func.func @constant_of_padded_sequences(%x: tensor<2x3x4xf32>, %n: tensor<2xi64>) -> tensor<2x3x4xf32> {
  %e = tensor.empty() : tensor<2x3x4xf32>
  %l = arith.constant dense<[[2.0, 1.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  // REMARK: remark: {{.*}}its rows meet those of a constant, which would be in an order of its own for each sequence's length
  %t = stamp.transform #stamp.haar<levels = 2> along 1 lengths(%n : tensor<2xi64>)
      ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>)
  %f = linalg.generic {indexing_maps = [#id3, #rows3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%t, %l : tensor<2x3x4xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%c: f32, %w: f32, %out: f32):
    %v = arith.mulf %c, %w : f32
    linalg.yield %v : f32
  } -> tensor<2x3x4xf32>
  // REMARK: remark: {{.*}}its rows meet those of a constant, which would be in an order of its own for each sequence's length
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 1 lengths(%n : tensor<2xi64>)
      ins(%f : tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>)
  return %y : tensor<2x3x4xf32>
}

// CHECK-LABEL: func @returned
//   CHECK-NOT:   block_order
func.func @returned(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // REMARK: remark: {{.*}}its rows go into 'func.return', which cannot follow
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// CHECK-LABEL: func @argument
//   CHECK-NOT:   block_order
func.func @argument(%a: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // REMARK: remark: {{.*}}stamp.inverse_transform stays coarse first: its rows meet those of an argument
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %y : tensor<8x4xf32>
}

// CHECK-LABEL: func @cut_out
//   CHECK-NOT:   block_order
func.func @cut_out(%x: tensor<16x4xf32>, %e: tensor<16x4xf32>, %f: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // REMARK: remark: {{.*}}its rows go into 'tensor.extract_slice', which cannot follow
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<16x4xf32>) outs(%e : tensor<16x4xf32>)
  %c = tensor.extract_slice %t[0, 0] [8, 4] [1, 1] : tensor<16x4xf32> to tensor<8x4xf32>
  // REMARK: remark: {{.*}}its rows meet those of 'tensor.extract_slice', which cannot follow
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%c : tensor<8x4xf32>) outs(%f : tensor<8x4xf32>)
  return %y : tensor<8x4xf32>
}

// CHECK-LABEL: func @contracted
//   CHECK-NOT:   block_order
func.func @contracted(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>, %p: tensor<3x8xf32>, %f: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // REMARK: remark: {{.*}}its rows meet 'linalg.matmul', which mixes them
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.matmul ins(%p, %t : tensor<3x8xf32>, tensor<8x4xf32>) outs(%f : tensor<3x4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// CHECK-LABEL: func @indexed
//   CHECK-NOT:   block_order
func.func @indexed(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // REMARK: remark: {{.*}}its rows meet 'linalg.generic', which mixes them
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%u: f32, %out: f32):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i32
    %v = arith.sitofp %n : i32 to f32
    %p = arith.mulf %u, %v : f32
    linalg.yield %p : f32
  } -> tensor<8x4xf32>
  // REMARK: remark: {{.*}}its rows meet 'linalg.generic', which mixes them
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%m : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %y : tensor<8x4xf32>
}

// CHECK-LABEL: func @other_basis
//   CHECK-NOT:   block_order
func.func @other_basis(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // REMARK: remark: {{.*}}its rows meet coefficients of another basis or order
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  // REMARK: remark: {{.*}}its rows meet coefficients of another basis or order
  %y = stamp.inverse_transform #stamp.haar<levels = 3> along 0 ins(%t : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %y : tensor<8x4xf32>
}

// CHECK-LABEL: func @twice
//   CHECK-NOT:   block_order
func.func @twice(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // REMARK: remark: {{.*}}its rows meet 'stamp.transform', which mixes them
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  // REMARK: remark: {{.*}}its rows go into 'func.return', which cannot follow
  %y = stamp.transform #stamp.haar<levels = 2> along 0 ins(%t : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %y : tensor<8x4xf32>
}

// CHECK-LABEL: func @gram
//   CHECK-NOT:   block_order
func.func @gram(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>, %f: tensor<8x8xf32>) -> tensor<8x8xf32> {
  // REMARK: remark: {{.*}}a tensor has its rows along two dimensions
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %zero = arith.constant dense<0.0> : tensor<8x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%t, %t : tensor<8x4xf32>, tensor<8x4xf32>) outs(%zero : tensor<8x8xf32>) {
  ^bb0(%u: f32, %v: f32, %out: f32):
    %p = arith.mulf %u, %v : f32
    %s = arith.addf %out, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x8xf32>
  return %y : tensor<8x8xf32>
}

// CHECK-LABEL: func @tile_of_rows
//   CHECK-NOT:   block_order
func.func @tile_of_rows(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>, %eq: tensor<8x4xi8>, %es: tensor<8xf32>,
                        %ez: tensor<8xi32>, %row: index, %total: index) -> tensor<8x4xf32> {
  // REMARK: remark: {{.*}}its rows meet a 'stamp.quantize' that places them in its own way
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %q:3 = stamp.quantize #stamp.schedule<[1 : 8], 4> along 0 over 1 rows at %row of %total
      ins(%t : tensor<8x4xf32>) outs(%eq, %es, %ez : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  %d = stamp.dequantize over 1 ins(%q#0, %q#1, %q#2 : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>) outs(%e : tensor<8x4xf32>)
  // REMARK: remark: {{.*}}its rows meet a 'stamp.quantize' that places them in its own way
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%d : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %y : tensor<8x4xf32>
}

// A plan that is still to be carried out transforms its own tokens.
// CHECK-LABEL: func @planned
//   CHECK-NOT:   block_order
func.func @planned(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>, %w: tensor<4x4xf32>) -> tensor<8x4xf32> {
  // REMARK: remark: {{.*}}its rows go into 'linalg.matmul', which cannot follow
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %m = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 4>, weight_bits = 4>}
      ins(%t, %w : tensor<8x4xf32>, tensor<4x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%m : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %y : tensor<8x4xf32>
}

// Zeros behind the features are in every row, those behind the rows are not.
// CHECK-LABEL: func @padded
//       CHECK:   stamp.transform {{.*}} block_order
//       CHECK:   stamp.inverse_transform {{.*}} block_order
//       CHECK:   stamp.transform #{{[^b]*}} ins
func.func @padded(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>, %e6: tensor<8x6xf32>, %e9: tensor<9x4xf32>)
    -> (tensor<8x6xf32>, tensor<9x4xf32>) {
  %zero = arith.constant 0.0 : f32
  // REMARK: remark: {{.*}}moved to block order
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %p = tensor.pad %t low[0, 0] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<8x4xf32> to tensor<8x6xf32>
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%p : tensor<8x6xf32>) outs(%e6 : tensor<8x6xf32>)
  // REMARK: remark: {{.*}}its rows meet 'tensor.pad', which mixes them
  %u = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %q = tensor.pad %u low[0, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<8x4xf32> to tensor<9x4xf32>
  %v = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%q : tensor<9x4xf32>) outs(%e9 : tensor<9x4xf32>)
  return %y, %v : tensor<8x6xf32>, tensor<9x4xf32>
}

// No tokens, nothing to reorder.
// CHECK-LABEL: func @no_rows
func.func @no_rows(%x: tensor<0x4xf32>, %e: tensor<0x4xf32>) -> tensor<0x4xf32> {
  %c = arith.constant dense<> : tensor<0x4xf32>
  // REMARK: remark: {{.*}}moved to block order
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<0x4xf32>) outs(%e : tensor<0x4xf32>)
  %a = linalg.add ins(%t, %c : tensor<0x4xf32>, tensor<0x4xf32>) outs(%e : tensor<0x4xf32>) -> tensor<0x4xf32>
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%a : tensor<0x4xf32>) outs(%e : tensor<0x4xf32>)
  return %y : tensor<0x4xf32>
}

// REMARK: remark: [Analysis] BlockOrder | Category:stamp-block-order | left=24, moved=17
