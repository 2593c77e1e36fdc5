// RUN: stamp-opt %S/fold-transformer-block.mlir --stamp-quantize --stamp-quantize-attention="basis=#stamp.haar<levels=3>" -o %t
// RUN: stamp-opt %t --stamp-fold | FileCheck %s
// RUN: stamp-validate %t | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// Where keys and values are made by linears in the same basis, their coefficients
// are there already: the block has 4 transforms and 7 inverses, as it has without
// (fold-transformer-block.mlir says why), but two quantizations more.

//      CHECK: stamp.transform
//      CHECK: stamp.quantize #
//      CHECK: stamp.rescale
//      CHECK: stamp.inverse_transform
//      CHECK: %[[K:.*]] = stamp.rescale
//      CHECK: %[[V:.*]] = stamp.rescale
//  CHECK-NOT: stamp.transform
//      CHECK: stamp.quantize #stamp.schedule<[0.0625 : 8], 4> along 0 over 1 ins(%[[K]] :
//  CHECK-NOT: stamp.transform
//      CHECK: linalg.exp
//  CHECK-NOT: stamp.transform
//      CHECK: stamp.quantize #stamp.schedule<[0.0625 : 8], 4> along 0 over 1 ins(%[[V]] :
//  CHECK-NOT: stamp.transform
//      CHECK: linalg.matmul ins(%{{.*}} : tensor<12x12xf32>,
// CHECK-COUNT-3: stamp.transform
//  CHECK-NOT: stamp.transform
