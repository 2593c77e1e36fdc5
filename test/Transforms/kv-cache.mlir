// RUN: stamp-opt %s --stamp-kv-cache -o %t
// RUN: FileCheck %s --input-file %t
// A second run finds nothing to do.
// RUN: stamp-opt %t --stamp-kv-cache | diff %t -
// RUN: stamp-opt %t --stamp-fold | FileCheck %s --check-prefix=FOLDED
// RUN: stamp-opt %s --stamp-kv-cache --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// REMARK: [Analysis] {{.*}}functions=3

// Two heads, blocks of eight tokens of four features, of which four blocks fit
// into the cache; eight bits for the coarsest coefficient and four for the rest.
#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 3>, schedule = #stamp.schedule<[1 : 8], 4>>

// CHECK-LABEL: func private @append
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<2x?x4xf32>, %[[P8:[^:]*]]: tensor<2x4x1x4xi8>, %[[P4:[^:]*]]: tensor<2x4x7x2xi8>,
//  CHECK-SAME:    %[[S:[^:]*]]: tensor<2x4x8xf32>, %[[Z:[^:]*]]: tensor<2x4x8xi8>, %[[W:[^:]*]]: tensor<2x12x4xf32>, %[[N:[^:]*]]: index)
//   CHECK-NOT:   stamp.kv_append
//       CHECK:   scf.for
//       CHECK:     %[[TOKEN:.*]] = tensor.extract_slice %[[X]]
//       CHECK:     %[[FILLED:.*]] = tensor.insert_slice %[[TOKEN]] into
//       CHECK:     scf.if
//       CHECK:       cf.assert %{{.*}}, "append: the cache has too few blocks"
//       CHECK:       %[[BLOCK:.*]] = tensor.extract_slice %[[FILLED]][0, 0, 0] [2, 8, 4]
//       CHECK:       %[[T:.*]] = stamp.transform #stamp.haar<levels = 3> along 1 ins(%[[BLOCK]] :
//       CHECK:       %[[Q:.*]], %{{.*}}, %{{.*}} = stamp.quantize #stamp.schedule<[1 : 8], 4> along 1 over 2 ins(%[[T]] :
//       CHECK:       stamp.pack #stamp.schedule<[1 : 8], 4> along 1 over 2 ins(%[[Q]] : tensor<2x8x4xi8>) outs(%{{.*}}, %{{.*}} : tensor<2x1x4xi8>, tensor<2x7x2xi8>)
// CHECK-COUNT-4:       tensor.insert_slice
//       CHECK:       %[[RECENT:.*]] = tensor.extract_slice %[[FILLED]][0, 8, 0] [2, 4, 4]
//       CHECK:       tensor.insert_slice %[[RECENT]] into %[[FILLED]][0, 0, 0]
func.func private @append(tensor<2x?x4xf32>, tensor<2x4x1x4xi8>, tensor<2x4x7x2xi8>, tensor<2x4x8xf32>, tensor<2x4x8xi8>, tensor<2x12x4xf32>, index)
    -> (tensor<2x4x1x4xi8>, tensor<2x4x7x2xi8>, tensor<2x4x8xf32>, tensor<2x4x8xi8>, tensor<2x12x4xf32>, index)
    attributes {stamp.kv_append = #kv}

// Three rows of queries for each head, fewer than features: the scores are
// transformed instead of the keys.
// CHECK-LABEL: func private @scores
//       CHECK:   scf.for
//       CHECK:     stamp.unpack
//       CHECK:     stamp.dequantize
//       CHECK:     %[[K:.*]] = stamp.inverse_transform #stamp.haar<levels = 3> along 1
//       CHECK:     %[[B:.*]] = linalg.contract {{.*}} ins(%{{.*}}, %[[K]] :
//       CHECK:     tensor.insert_slice %[[B]] into
//       CHECK:   linalg.contract
//       CHECK:   tensor.insert_slice

// FOLDED-LABEL: func private @scores
//       FOLDED:     %[[C:.*]] = stamp.dequantize
//       FOLDED:     %[[B:.*]] = linalg.contract {{.*}} ins(%{{.*}}, %[[C]] :
//       FOLDED:     stamp.inverse_transform #stamp.haar<levels = 3> along 2 ins(%[[B]] : tensor<2x3x8xf32>)
func.func private @scores(tensor<2x3x4xf32>, tensor<2x4x1x4xi8>, tensor<2x4x7x2xi8>, tensor<2x4x8xf32>, tensor<2x4x8xi8>, tensor<2x12x4xf32>, index)
    -> tensor<2x3x?xf32> attributes {stamp.kv_scores = #kv}

// CHECK-LABEL: func private @mix
//       CHECK:   scf.for
//       CHECK:     tensor.extract_slice %{{.*}} [2, 3, 8]
//       CHECK:     %[[V:.*]] = stamp.inverse_transform #stamp.haar<levels = 3> along 1
//       CHECK:     linalg.contract {{.*}} ins(%{{.*}}, %[[V]] :
//       CHECK:   linalg.contract
//       CHECK:   arith.truncf

// FOLDED-LABEL: func private @mix
//       FOLDED:     %[[C:.*]] = stamp.dequantize
//       FOLDED:     %[[P:.*]] = stamp.transform #stamp.haar<levels = 3> along 2 ins(%{{.*}} : tensor<2x3x8xf32>)
//       FOLDED:     linalg.contract {{.*}} ins(%[[P]], %[[C]] :
func.func private @mix(tensor<2x3x?xf32>, tensor<2x4x1x4xi8>, tensor<2x4x7x2xi8>, tensor<2x4x8xf32>, tensor<2x4x8xi8>, tensor<2x12x4xf32>, index)
    -> tensor<2x3x4xf16> attributes {stamp.kv_mix = #kv}
