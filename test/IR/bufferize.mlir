// RUN: stamp-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize | FileCheck %s

// Bufferization is upstream's alone.

// CHECK-LABEL: func @transform
//  CHECK-SAME:     %[[X:.*]]: memref<?x8xf32>, %[[E:.*]]: memref<?x8xf16>)
//  CHECK-NEXT:   stamp.transform #stamp.dct along 0 ins(%[[X]] : memref<?x8xf32>) outs(%[[E]] : memref<?x8xf16>)
//  CHECK-NEXT:   return %[[E]]
func.func @transform(%x: tensor<?x8xf32>, %e: tensor<?x8xf16>) -> tensor<?x8xf16> {
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf16>)
  return %t : tensor<?x8xf16>
}

// CHECK-LABEL: func @quantize
//  CHECK-SAME:     %[[X:.*]]: memref<?x8xf32>, %[[Q:.*]]: memref<?x8xi8>, %[[S:.*]]: memref<?xf32>, %[[Z:.*]]: memref<?xi32>, %[[I:.*]]: index, %[[N:.*]]: index)
//  CHECK-NEXT:   stamp.quantize {{.*}} rows at %[[I]] of %[[N]] ins(%[[X]] : memref<?x8xf32>) outs(%[[Q]], %[[S]], %[[Z]] : memref<?x8xi8>, memref<?xf32>, memref<?xi32>)
//  CHECK-NEXT:   return %[[Q]], %[[S]], %[[Z]]
func.func @quantize(%x: tensor<?x8xf32>, %q: tensor<?x8xi8>, %s: tensor<?xf32>, %z: tensor<?xi32>, %i: index, %n: index)
    -> (tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>) {
  %r:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1 rows at %i of %n
      ins(%x : tensor<?x8xf32>) outs(%q, %s, %z : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  return %r#0, %r#1, %r#2 : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>
}

// CHECK-LABEL: func @dequantize
//  CHECK-NEXT:   stamp.dequantize over 1 ins(%{{.*}}, %{{.*}}, %{{.*}} : memref<13x8xi8>, memref<13xf32>, memref<13xi32>) outs(%[[E:.*]] : memref<13x8xf32>)
//  CHECK-NEXT:   return %[[E]]
func.func @dequantize(%q: tensor<13x8xi8>, %s: tensor<13xf32>, %z: tensor<13xi32>, %e: tensor<13x8xf32>) -> tensor<13x8xf32> {
  %d = stamp.dequantize over 1 ins(%q, %s, %z : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>) outs(%e : tensor<13x8xf32>)
  return %d : tensor<13x8xf32>
}

// CHECK-LABEL: func @quantize_weight
//  CHECK-NEXT:   stamp.quantize_weight bits = 4 over 0 ins(%{{.*}} : memref<8x4xf32>) outs(%[[Q:.*]], %[[S:.*]], %[[C:.*]] : memref<8x4xi8>, memref<4xf32>, memref<4xi32>)
//  CHECK-NEXT:   return %[[Q]], %[[S]], %[[C]]
func.func @quantize_weight(%w: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<4xf32>, %c: tensor<4xi32>)
    -> (tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>) {
  %r:3 = stamp.quantize_weight bits = 4 over 0 ins(%w : tensor<8x4xf32>) outs(%q, %s, %c : tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>)
  return %r#0, %r#1, %r#2 : tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>
}

// CHECK-LABEL: func @rescale
//  CHECK-NEXT:   stamp.rescale along 0 over 1 ins({{.*}} : memref<13x4xi32>, memref<13xf32>, memref<13xi32>, memref<4xf32>, memref<4xi32>)
//  CHECK-SAME:     bias(%{{.*}} : memref<4xf32>) spread(%{{.*}} : memref<13xf32>) outs(%[[E:.*]] : memref<13x4xf32>)
//  CHECK-NEXT:   return %[[E]]
func.func @rescale(%acc: tensor<13x4xi32>, %sx: tensor<13xf32>, %zx: tensor<13xi32>, %sw: tensor<4xf32>, %c: tensor<4xi32>,
                   %b: tensor<4xf32>, %l: tensor<13xf32>, %e: tensor<13x4xf32>) -> tensor<13x4xf32> {
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<13x4xi32>, tensor<13xf32>, tensor<13xi32>, tensor<4xf32>, tensor<4xi32>)
      bias(%b : tensor<4xf32>) spread(%l : tensor<13xf32>) outs(%e : tensor<13x4xf32>)
  return %y : tensor<13x4xf32>
}

// One buffer for input and result, there and back.
// CHECK-LABEL: func @in_place
//  CHECK-SAME:     %[[X:.*]]: memref<?x8xf32>)
//  CHECK-NEXT:   stamp.transform {{.*}} ins(%[[X]] : memref<?x8xf32>) outs(%[[X]] : memref<?x8xf32>)
//  CHECK-NEXT:   stamp.inverse_transform {{.*}} ins(%[[X]] : memref<?x8xf32>) outs(%[[X]] : memref<?x8xf32>)
//  CHECK-NEXT:   return %[[X]]
func.func @in_place(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<?x8xf32>) outs(%x : tensor<?x8xf32>)
  %y = stamp.inverse_transform #stamp.dct along 0 ins(%t : tensor<?x8xf32>) outs(%t : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}

// The init is not read: what was in it is not copied.
// CHECK-LABEL: func @init_used_again
//  CHECK-SAME:     %[[X:.*]]: memref<13x8xf32>, %[[E:.*]]: memref<13x8xf32>)
//  CHECK-NEXT:   %[[NEW:.*]] = memref.alloc()
//  CHECK-NEXT:   stamp.transform {{.*}} ins(%[[X]] : memref<13x8xf32>) outs(%[[NEW]] : memref<13x8xf32>)
//  CHECK-NEXT:   return %[[NEW]], %[[E]]
func.func @init_used_again(%x: tensor<13x8xf32>, %e: tensor<13x8xf32>) -> (tensor<13x8xf32>, tensor<13x8xf32>) {
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%e : tensor<13x8xf32>)
  return %t, %e : tensor<13x8xf32>, tensor<13x8xf32>
}

// Not in place where the input is used again later.
// CHECK-LABEL: func @input_used_again
//  CHECK-SAME:     %[[X:.*]]: memref<13x8xf32>)
//  CHECK-NEXT:   %[[NEW:.*]] = memref.alloc()
//  CHECK-NEXT:   stamp.transform {{.*}} ins(%[[X]] : memref<13x8xf32>) outs(%[[NEW]] : memref<13x8xf32>)
//  CHECK-NEXT:   return %[[NEW]], %[[X]]
func.func @input_used_again(%x: tensor<13x8xf32>) -> (tensor<13x8xf32>, tensor<13x8xf32>) {
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%x : tensor<13x8xf32>)
  return %t, %x : tensor<13x8xf32>, tensor<13x8xf32>
}

// Nor where a loop uses it again.
// CHECK-LABEL: func @input_used_in_the_next_turn
//  CHECK-SAME:     %[[X:.*]]: memref<13x8xf32>, %[[SUM:.*]]: memref<13x8xf32>
//       CHECK:   scf.for
//       CHECK:     %[[NEW:.*]] = memref.alloc()
//       CHECK:     stamp.transform {{.*}} ins(%[[X]] : memref<13x8xf32>) outs(%[[NEW]] : memref<13x8xf32>)
//       CHECK:     linalg.add ins(%[[SUM]], %[[NEW]] :
func.func @input_used_in_the_next_turn(%x: tensor<13x8xf32>, %zero: tensor<13x8xf32>, %n: index) -> tensor<13x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %zero) -> tensor<13x8xf32> {
    %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%x : tensor<13x8xf32>)
    %next = linalg.add ins(%sum, %t : tensor<13x8xf32>, tensor<13x8xf32>) outs(%sum : tensor<13x8xf32>) -> tensor<13x8xf32>
    scf.yield %next : tensor<13x8xf32>
  }
  return %sum : tensor<13x8xf32>
}

// What a loop carries, each turn may transform in place.
// CHECK-LABEL: func @carried_by_a_loop
//  CHECK-SAME:     %[[X:.*]]: memref<13x8xf32>
//   CHECK-NOT:   memref.alloc
//   CHECK-NOT:   memref.copy
//       CHECK:   scf.for
//       CHECK:     stamp.transform {{.*}} ins(%[[X]] : memref<13x8xf32>) outs(%[[X]] : memref<13x8xf32>)
//       CHECK:   return %[[X]]
func.func @carried_by_a_loop(%x: tensor<13x8xf32>, %n: index) -> tensor<13x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%y = %x) -> tensor<13x8xf32> {
    %t = stamp.transform #stamp.dct along 0 ins(%y : tensor<13x8xf32>) outs(%y : tensor<13x8xf32>)
    scf.yield %t : tensor<13x8xf32>
  }
  return %y : tensor<13x8xf32>
}

// An input that overlaps with the init is copied.
// CHECK-LABEL: func @input_inside_of_the_init
//  CHECK-SAME:     %[[X:.*]]: memref<13x8xf32>)
//       CHECK:   %[[TAIL:.*]] = memref.subview %[[X]][5, 0] [8, 8]
//       CHECK:   %[[NEW:.*]] = memref.alloc()
//       CHECK:   memref.copy %[[TAIL]], %[[NEW]]
//       CHECK:   %[[HEAD:.*]] = memref.subview %[[X]][0, 0] [8, 8]
//       CHECK:   stamp.transform {{.*}} ins(%[[NEW]] : {{.*}}) outs(%[[HEAD]] :
func.func @input_inside_of_the_init(%x: tensor<13x8xf32>) -> tensor<13x8xf32> {
  %tail = tensor.extract_slice %x[5, 0] [8, 8] [1, 1] : tensor<13x8xf32> to tensor<8x8xf32>
  %head = tensor.extract_slice %x[0, 0] [8, 8] [1, 1] : tensor<13x8xf32> to tensor<8x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%tail : tensor<8x8xf32>) outs(%head : tensor<8x8xf32>)
  %y = tensor.insert_slice %t into %x[0, 0] [8, 8] [1, 1] : tensor<8x8xf32> into tensor<13x8xf32>
  return %y : tensor<13x8xf32>
}

// A constant is not written to.
// CHECK-LABEL: func @constant_input
//       CHECK:   %[[C:.*]] = memref.get_global
//       CHECK:   %[[NEW:.*]] = memref.alloc()
//       CHECK:   stamp.transform {{.*}} ins(%[[C]] : {{.*}}) outs(%[[NEW]] :
func.func @constant_input() -> tensor<2x2xf32> {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<2x2xf32>) outs(%x : tensor<2x2xf32>)
  return %t : tensor<2x2xf32>
}

// CHECK-LABEL: func @inverse_transform
//  CHECK-NEXT:   stamp.inverse_transform #stamp.wht along 1 lengths(%{{.*}} : memref<2xi64>) ins(%{{.*}} : memref<2x13x8xf16>) outs(%[[E:.*]] : memref<2x13x8xf32>)
//  CHECK-NEXT:   return %[[E]]
func.func @inverse_transform(%x: tensor<2x13x8xf16>, %n: tensor<2xi64>, %e: tensor<2x13x8xf32>) -> tensor<2x13x8xf32> {
  %y = stamp.inverse_transform #stamp.wht along 1 lengths(%n : tensor<2xi64>)
         ins(%x : tensor<2x13x8xf16>) outs(%e : tensor<2x13x8xf32>)
  return %y : tensor<2x13x8xf32>
}

// CHECK-LABEL: func @feature_transforms_in_place
//  CHECK-SAME:     %[[X:.*]]: memref<?x8xf32>)
//  CHECK-NEXT:   stamp.feature_transform #stamp.hadamard over 1 ins(%[[X]] : memref<?x8xf32>) outs(%[[X]] : memref<?x8xf32>)
//  CHECK-NEXT:   stamp.inverse_feature_transform #stamp.hadamard over 1 ins(%[[X]] : memref<?x8xf32>) outs(%[[X]] : memref<?x8xf32>)
//  CHECK-NEXT:   return %[[X]]
func.func @feature_transforms_in_place(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %t = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<?x8xf32>) outs(%x : tensor<?x8xf32>)
  %y = stamp.inverse_feature_transform #stamp.hadamard over 1 ins(%t : tensor<?x8xf32>) outs(%t : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}

// One buffer per part.
// CHECK-LABEL: func @pack
//  CHECK-SAME:     %[[Q:.*]]: memref<12x5xi8>, %[[A:.*]]: memref<3x5xi8>, %[[B:.*]]: memref<9x3xi8>)
//  CHECK-NEXT:   stamp.pack {{.*}} ins(%[[Q]] : memref<12x5xi8>) outs(%[[A]], %[[B]] : memref<3x5xi8>, memref<9x3xi8>)
//  CHECK-NEXT:   return %[[A]], %[[B]]
func.func @pack(%q: tensor<12x5xi8>, %a: tensor<3x5xi8>, %b: tensor<9x3xi8>) -> (tensor<3x5xi8>, tensor<9x3xi8>) {
  %p:2 = stamp.pack #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%q : tensor<12x5xi8>) outs(%a, %b : tensor<3x5xi8>, tensor<9x3xi8>)
  return %p#0, %p#1 : tensor<3x5xi8>, tensor<9x3xi8>
}

// CHECK-LABEL: func @unpack
//  CHECK-SAME:     %[[A:.*]]: memref<3x5xi8>, %[[B:.*]]: memref<9x3xi8>, %[[Q:.*]]: memref<12x5xi8>)
//  CHECK-NEXT:   stamp.unpack {{.*}} ins(%[[A]], %[[B]] : memref<3x5xi8>, memref<9x3xi8>) outs(%[[Q]] : memref<12x5xi8>)
//  CHECK-NEXT:   return %[[Q]]
func.func @unpack(%a: tensor<3x5xi8>, %b: tensor<9x3xi8>, %q: tensor<12x5xi8>) -> tensor<12x5xi8> {
  %u = stamp.unpack #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%a, %b : tensor<3x5xi8>, tensor<9x3xi8>) outs(%q : tensor<12x5xi8>)
  return %u : tensor<12x5xi8>
}

// One buffer for all sums.
// CHECK-LABEL: func @observe
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: memref<13x8xf32>, %[[A:[a-z0-9]+]]: memref<13x13xf64>)
//  CHECK-NEXT:   stamp.observe "a" along 0 ins(%[[X]], %[[A]] : memref<13x8xf32>, memref<13x13xf64>) outs(%[[A]] : memref<13x13xf64>)
//  CHECK-NEXT:   stamp.observe "b" along 0 ins(%[[X]], %[[A]] : memref<13x8xf32>, memref<13x13xf64>) outs(%[[A]] : memref<13x13xf64>)
//  CHECK-NEXT:   return %[[A]]
func.func @observe(%x: tensor<13x8xf32>, %a: tensor<13x13xf64>) -> tensor<13x13xf64> {
  %s = stamp.observe "a" along 0 ins(%x, %a : tensor<13x8xf32>, tensor<13x13xf64>) outs(%a : tensor<13x13xf64>)
  %t = stamp.observe "b" along 0 ins(%x, %s : tensor<13x8xf32>, tensor<13x13xf64>) outs(%s : tensor<13x13xf64>)
  return %t : tensor<13x13xf64>
}
