// RUN: stamp-opt %s --canonicalize | FileCheck %s

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @absorb_casts
//  CHECK-SAME:     %[[Q:.*]]: tensor<13x8xi8>, %[[S:.*]]: tensor<13xf32>, %[[Z:.*]]: tensor<13xi32>, %[[E:.*]]: tensor<13x8xf32>)
//  CHECK-NEXT:   %[[D:.*]] = stamp.dequantize over 1 ins(%[[Q]], %[[S]], %[[Z]] : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>) outs(%[[E]] : tensor<13x8xf32>)
//  CHECK-NEXT:   %[[C:.*]] = tensor.cast %[[D]] : tensor<13x8xf32> to tensor<?x?xf32>
//  CHECK-NEXT:   return %[[C]]
func.func @absorb_casts(%q: tensor<13x8xi8>, %s: tensor<13xf32>, %z: tensor<13xi32>, %e: tensor<13x8xf32>) -> tensor<?x?xf32> {
  %cq = tensor.cast %q : tensor<13x8xi8> to tensor<?x?xi8>
  %cs = tensor.cast %s : tensor<13xf32> to tensor<?xf32>
  %cz = tensor.cast %z : tensor<13xi32> to tensor<?xi32>
  %ce = tensor.cast %e : tensor<13x8xf32> to tensor<?x?xf32>
  %d = stamp.dequantize over 1 ins(%cq, %cs, %cz : tensor<?x?xi8>, tensor<?xf32>, tensor<?xi32>) outs(%ce : tensor<?x?xf32>)
  return %d : tensor<?x?xf32>
}

// An input's static size is the init's and the result's.
// CHECK-LABEL: func @static_input
//  CHECK-SAME:     %[[X:.*]]: tensor<13x8xf32>, %[[E:.*]]: tensor<?x8xf16>)
//  CHECK-NEXT:   %[[C:.*]] = tensor.cast %[[E]] : tensor<?x8xf16> to tensor<13x8xf16>
//  CHECK-NEXT:   %[[T:.*]] = stamp.transform #stamp.dct along 0 ins(%[[X]] : tensor<13x8xf32>) outs(%[[C]] : tensor<13x8xf16>)
//  CHECK-NEXT:   %[[R:.*]] = tensor.cast %[[T]] : tensor<13x8xf16> to tensor<?x8xf16>
//  CHECK-NEXT:   return %[[R]]
func.func @static_input(%x: tensor<13x8xf32>, %e: tensor<?x8xf16>) -> tensor<?x8xf16> {
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%e : tensor<?x8xf16>)
  return %t : tensor<?x8xf16>
}

// And one operand's those of all: tokens from the zero points, channels from the
// column sums.
// CHECK-LABEL: func @static_vectors
//       CHECK:   %[[Y:.*]] = stamp.rescale along 0 over 1
//  CHECK-SAME:     ins({{.*}} : tensor<13x4xi32>, tensor<13xf32>, tensor<13xi32>, tensor<4xf32>, tensor<4xi32>)
//  CHECK-SAME:     bias(%{{.*}} : tensor<4xf32>) spread(%{{.*}} : tensor<13xf32>) outs(%{{.*}} : tensor<13x4xf32>)
//       CHECK:   tensor.cast %[[Y]] : tensor<13x4xf32> to tensor<?x?xf32>
func.func @static_vectors(%acc: tensor<?x?xi32>, %sx: tensor<?xf32>, %zx: tensor<13xi32>, %sw: tensor<?xf32>,
                          %c: tensor<4xi32>, %b: tensor<?xf32>, %l: tensor<?xf32>, %e: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<?x?xi32>, tensor<?xf32>, tensor<13xi32>, tensor<?xf32>, tensor<4xi32>)
      bias(%b : tensor<?xf32>) spread(%l : tensor<?xf32>) outs(%e : tensor<?x?xf32>)
  return %y : tensor<?x?xf32>
}

// Through a chain: a static argument makes all of it static, and only the ends
// are casts.
// CHECK-LABEL: func @static_chain
//  CHECK-SAME:     %[[X:.*]]: tensor<13x8xf32>, %[[N:.*]]: index)
//   CHECK-NOT:   tensor.cast %[[X]]
//       CHECK:   %[[T:.*]] = stamp.transform {{.*}} outs(%{{.*}} : tensor<13x8xf32>)
//       CHECK:   %[[Q:.*]], %[[S:.*]], %[[Z:.*]] = stamp.quantize {{.*}} ins(%[[T]] : tensor<13x8xf32>)
//  CHECK-SAME:     outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
//       CHECK:   tensor.cast %[[Q]] : tensor<13x8xi8> to tensor<?x8xi8>
func.func @static_chain(%x: tensor<13x8xf32>, %n: index) -> tensor<?x8xi8> {
  %c = tensor.cast %x : tensor<13x8xf32> to tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %eq = tensor.empty(%n) : tensor<?x8xi8>
  %es = tensor.empty(%n) : tensor<?xf32>
  %ez = tensor.empty(%n) : tensor<?xi32>
  %t = stamp.transform #stamp.dct along 0 ins(%c : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%t : tensor<?x8xf32>) outs(%eq, %es, %ez : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q#0 : tensor<?x8xi8>
}

// Sizes that disagree mean nothing, and valid IR stays valid.
// CHECK-LABEL: func @sizes_that_disagree
//       CHECK:   stamp.quantize {{.*}} ins(%{{.*}} : tensor<?x8xf32>) outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<13x8xi8>, tensor<14xf32>, tensor<?xi32>)
func.func @sizes_that_disagree(%x: tensor<?x8xf32>, %q: tensor<13x8xi8>, %s: tensor<14xf32>, %z: tensor<?xi32>) -> tensor<?xi32> {
  %r:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%x : tensor<?x8xf32>) outs(%q, %s, %z : tensor<13x8xi8>, tensor<14xf32>, tensor<?xi32>)
  return %r#2 : tensor<?xi32>
}

// CHECK-LABEL: func @absorb_casts_of_buffers
//  CHECK-SAME:     %[[M:.*]]: memref<13x8xf32>)
//  CHECK-NEXT:   stamp.transform #stamp.dct along 0 ins(%[[M]] : memref<13x8xf32>) outs(%[[M]] : memref<13x8xf32>)
//  CHECK-NEXT:   return
func.func @absorb_casts_of_buffers(%m: memref<13x8xf32>) {
  %c = memref.cast %m : memref<13x8xf32> to memref<?x8xf32, strided<[?, ?], offset: ?>>
  stamp.transform #stamp.dct along 0 ins(%c : memref<?x8xf32, strided<[?, ?], offset: ?>>) outs(%m : memref<13x8xf32>)
  return
}

// A cast to a more static type knows what the operand does not.
// CHECK-LABEL: func @casts_to_more_static_types_stay
//       CHECK:   %[[C:.*]] = tensor.cast
//       CHECK:   stamp.transform {{.*}} ins(%[[C]] : tensor<13x8xf32>)
//       CHECK:   %[[B:.*]] = memref.cast
//       CHECK:   stamp.transform {{.*}} ins(%[[B]] : memref<13x8xf32>)
func.func @casts_to_more_static_types_stay(%x: tensor<?x8xf32>, %e: tensor<13x8xf32>, %m: memref<?x8xf32>, %n: memref<13x8xf32>) -> tensor<13x8xf32> {
  %c = tensor.cast %x : tensor<?x8xf32> to tensor<13x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%c : tensor<13x8xf32>) outs(%e : tensor<13x8xf32>)
  %b = memref.cast %m : memref<?x8xf32> to memref<13x8xf32>
  stamp.transform #stamp.dct along 0 ins(%b : memref<13x8xf32>) outs(%n : memref<13x8xf32>)
  return %t : tensor<13x8xf32>
}

//===----------------------------------------------------------------------===//
// Inits
//===----------------------------------------------------------------------===//

// What is only overwritten is not computed.
// CHECK-LABEL: func @init_that_is_filled
//  CHECK-SAME:     %[[X:.*]]: tensor<?x8xf32>, %[[E:.*]]: tensor<?x8xf32>)
//  CHECK-NEXT:   stamp.transform {{.*}} ins(%[[X]] : tensor<?x8xf32>) outs(%[[E]] : tensor<?x8xf32>)
func.func @init_that_is_filled(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<?x8xf32>) outs(%f : tensor<?x8xf32>)
  return %t : tensor<?x8xf32>
}

// CHECK-LABEL: func @init_that_is_transformed
//  CHECK-SAME:     %[[X:.*]]: tensor<13x8xf32>, %[[E:.*]]: tensor<13x8xf32>)
//  CHECK-NEXT:   stamp.inverse_transform {{.*}} ins(%[[X]] : tensor<13x8xf32>) outs(%[[E]] : tensor<13x8xf32>)
func.func @init_that_is_transformed(%x: tensor<13x8xf32>, %e: tensor<13x8xf32>) -> tensor<13x8xf32> {
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%e : tensor<13x8xf32>)
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%t : tensor<13x8xf32>)
  return %i : tensor<13x8xf32>
}

// CHECK-LABEL: func @init_that_is_constant
//   CHECK-NOT:   arith.constant
//       CHECK:   %[[E:.*]] = tensor.empty() : tensor<13x8xf32>
//       CHECK:   stamp.transform {{.*}} outs(%[[E]] : tensor<13x8xf32>)
func.func @init_that_is_constant(%x: tensor<13x8xf32>) -> tensor<13x8xf32> {
  %f = arith.constant dense<0.0> : tensor<13x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%f : tensor<13x8xf32>)
  return %t : tensor<13x8xf32>
}

// The input stays where it is: one buffer will do for both.
// CHECK-LABEL: func @in_place_stays
//       CHECK:   %[[T:.*]] = stamp.transform
//       CHECK:   stamp.inverse_transform {{.*}} ins(%[[T]] : {{.*}}) outs(%[[T]] :
func.func @in_place_stays(%x: tensor<13x8xf32>, %e: tensor<13x8xf32>) -> tensor<13x8xf32> {
  %t = stamp.transform #stamp.haar<levels = 1> along 0 ins(%x : tensor<13x8xf32>) outs(%e : tensor<13x8xf32>)
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%t : tensor<13x8xf32>) outs(%t : tensor<13x8xf32>)
  return %i : tensor<13x8xf32>
}

//===----------------------------------------------------------------------===//
// Single ops
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @place_of_all_rows
// CHECK-COUNT-3:   stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1 ins(
func.func @place_of_all_rows(%x: tensor<?x8xf32>, %eq: tensor<?x8xi8>, %es: tensor<?xf32>, %ez: tensor<?xi32>,
                             %y: tensor<13x8xf32>, %fq: tensor<13x8xi8>, %fs: tensor<13xf32>, %fz: tensor<13xi32>,
                             %mx: memref<?x8xf32>, %mq: memref<?x8xi8>, %ms: memref<?xf32>, %mz: memref<?xi32>)
    -> (tensor<?x8xi8>, tensor<13x8xi8>) {
  %c0 = arith.constant 0 : index
  %c13 = arith.constant 13 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1 rows at %c0 of %n
      ins(%x : tensor<?x8xf32>) outs(%eq, %es, %ez : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  %p:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1 rows at %c0 of %c13
      ins(%y : tensor<13x8xf32>) outs(%fq, %fs, %fz : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
  %m = memref.dim %mx, %c0 : memref<?x8xf32>
  stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1 rows at %c0 of %m
      ins(%mx : memref<?x8xf32>) outs(%mq, %ms, %mz : memref<?x8xi8>, memref<?xf32>, memref<?xi32>)
  return %q#0, %p#0 : tensor<?x8xi8>, tensor<13x8xi8>
}

// The first rows of more, and rows further on. Also all features of fewer rows.
// CHECK-LABEL: func @place_of_some_rows
// CHECK-COUNT-3:   stamp.quantize {{.*}} rows at
func.func @place_of_some_rows(%x: tensor<13x8xf32>, %eq: tensor<13x8xi8>, %es: tensor<13xf32>, %ez: tensor<13xi32>, %n: index)
    -> (tensor<13x8xi8>, tensor<13x8xi8>, tensor<13x8xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c13 = arith.constant 13 : index
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1 rows at %c0 of %n
      ins(%x : tensor<13x8xf32>) outs(%eq, %es, %ez : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
  %p:3 = stamp.quantize #stamp.schedule<[0.5 : 8], 4> along 0 over 1 rows at %c1 of %c13
      ins(%x : tensor<13x8xf32>) outs(%eq, %es, %ez : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
  %c14 = arith.constant 14 : index
  %o:3 = stamp.quantize #stamp.schedule<[0.5 : 8], 4> along 0 over 1 rows at %c0 of %c14
      ins(%x : tensor<13x8xf32>) outs(%eq, %es, %ez : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
  return %q#0, %p#0, %o#0 : tensor<13x8xi8>, tensor<13x8xi8>, tensor<13x8xi8>
}

// A known length decides whether it suffices for the segments, that of the whole
// sequence for a tile.
// CHECK-LABEL: func @schedule_of_a_known_length
//       CHECK:   stamp.quantize #stamp.schedule<[2 : 8], 4> along 0
//       CHECK:   stamp.quantize #stamp.schedule<[], 8> along 0
//       CHECK:   stamp.quantize #stamp.schedule<[2 : 8], 4> along 0 over 1 block_order of #stamp.wht<block = 4> rows at
//       CHECK:   stamp.quantize #stamp.schedule<[2 : 8], 4, min_tokens = 8> along 0 over 1 rows at
func.func @schedule_of_a_known_length(%x: tensor<8x4xf32>, %y: tensor<7x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>,
                                      %p: tensor<7x4xi8>, %r: tensor<7xf32>, %o: tensor<7xi32>, %row: index)
    -> (tensor<8x4xi8>, tensor<7x4xi8>, tensor<7x4xi8>, tensor<7x4xi8>) {
  %n = arith.constant 21 : index
  %0:3 = stamp.quantize #stamp.schedule<[2 : 8], 4, min_tokens = 8> along 0 over 1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  %1:3 = stamp.quantize #stamp.schedule<[2 : 8], 4, min_tokens = 8> along 0 over 1
      ins(%y : tensor<7x4xf32>) outs(%p, %r, %o : tensor<7x4xi8>, tensor<7xf32>, tensor<7xi32>)
  %2:3 = stamp.quantize #stamp.schedule<[2 : 8], 4, min_tokens = 8> along 0 over 1
      block_order of #stamp.min_tokens<8, #stamp.wht<block = 4>> rows at %row of %n
      ins(%y : tensor<7x4xf32>) outs(%p, %r, %o : tensor<7x4xi8>, tensor<7xf32>, tensor<7xi32>)
  %3:3 = stamp.quantize #stamp.schedule<[2 : 8], 4, min_tokens = 8> along 0 over 1 rows at %row of %row
      ins(%y : tensor<7x4xf32>) outs(%p, %r, %o : tensor<7x4xi8>, tensor<7xf32>, tensor<7xi32>)
  return %0#0, %1#0, %2#0, %3#0 : tensor<8x4xi8>, tensor<7x4xi8>, tensor<7x4xi8>, tensor<7x4xi8>
}

// CHECK-LABEL: func @spread_of_ones
//       CHECK:   stamp.rescale {{.*}} bias(%{{.*}} : tensor<4xf32>) outs(
func.func @spread_of_ones(%acc: tensor<13x4xi32>, %sx: tensor<13xf32>, %zx: tensor<13xi32>, %sw: tensor<4xf32>,
                          %c: tensor<4xi32>, %b: tensor<4xf32>, %e: tensor<13x4xf32>) -> tensor<13x4xf32> {
  %l = arith.constant dense<1.0> : tensor<13xf32>
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<13x4xi32>, tensor<13xf32>, tensor<13xi32>, tensor<4xf32>, tensor<4xi32>)
      bias(%b : tensor<4xf32>) spread(%l : tensor<13xf32>) outs(%e : tensor<13x4xf32>)
  return %y : tensor<13x4xf32>
}

// CHECK-LABEL: func @spread_of_others
//       CHECK:   stamp.rescale {{.*}} spread(
func.func @spread_of_others(%acc: tensor<2x4xi32>, %sx: tensor<2xf32>, %zx: tensor<2xi32>, %sw: tensor<4xf32>,
                            %c: tensor<4xi32>, %b: tensor<4xf32>, %e: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %l = arith.constant dense<[1.0, 0.0]> : tensor<2xf32>
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x4xi32>, tensor<2xf32>, tensor<2xi32>, tensor<4xf32>, tensor<4xi32>)
      bias(%b : tensor<4xf32>) spread(%l : tensor<2xf32>) outs(%e : tensor<2x4xf32>)
  return %y : tensor<2x4xf32>
}

// CHECK-LABEL: func @observe
//       CHECK:   stamp.observe "a" along 0 ins(%{{.*}}, %{{.*}} : tensor<13x8xf32>, tensor<13x13xf64>) outs(%{{.*}} : tensor<13x13xf64>)
func.func @observe(%x: tensor<13x8xf32>, %a: tensor<?x13xf64>, %e: tensor<?x?xf64>) -> tensor<?x?xf64> {
  %s = stamp.observe "a" along 0 ins(%x, %a : tensor<13x8xf32>, tensor<?x13xf64>) outs(%e : tensor<?x?xf64>)
  return %s : tensor<?x?xf64>
}
