// RUN: stamp-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: stamp-opt %s --split-input-file --verify-diagnostics | stamp-opt --split-input-file | FileCheck %s
// RUN: stamp-opt %s --split-input-file --verify-diagnostics --mlir-print-op-generic | stamp-opt --split-input-file | FileCheck %s

// CHECK-LABEL: func @transform
//       CHECK:   stamp.transform #stamp.haar<levels = 3> along 0 block_order ins(
//       CHECK:   stamp.inverse_transform #stamp.wht<block = 8, skip = 1> along 0 block_order ins(
//       CHECK:   stamp.inverse_transform #stamp.wht<block = 8, skip = 1> along 0 ins(
func.func @transform(%x: tensor<?x4096xf32>, %e: tensor<?x4096xf32>)
    -> (tensor<?x4096xf32>, tensor<?x4096xf32>, tensor<?x4096xf32>) {
  %u = stamp.transform #stamp.haar<levels = 3> along 0 block_order
         ins(%x : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)
  %v = stamp.inverse_transform #stamp.wht<block = 8, skip = 1> along 0 block_order
         ins(%x : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)
  %w = stamp.inverse_transform #stamp.wht<block = 8, skip = 1> along 0
         ins(%x : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)
  return %u, %v, %w : tensor<?x4096xf32>, tensor<?x4096xf32>, tensor<?x4096xf32>
}

// CHECK-LABEL: func @quantize
//       CHECK:   stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1 block_order of #stamp.haar<levels = 3> rows at %{{.*}} of %{{.*}} ins(
//       CHECK:   stamp.quantize #stamp.schedule<[], 4> along 0 over 1 block_order of #stamp.dct ins(
func.func @quantize(%tile: tensor<8x4096xf32>,
                    %e0: tensor<8x4096xi8>, %e1: tensor<8xf32>, %e2: tensor<8xi32>,
                    %row: index, %tokens: index) -> (tensor<8x4096xi8>, tensor<8x4096xi8>) {
  %qb, %sb, %zb = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
      block_order of #stamp.haar<levels = 3> rows at %row of %tokens
      ins(%tile : tensor<8x4096xf32>)
      outs(%e0, %e1, %e2 : tensor<8x4096xi8>, tensor<8xf32>, tensor<8xi32>)
  %qd, %sd, %zd = stamp.quantize #stamp.schedule<[], 4> along 0 over 1
      block_order of #stamp.dct
      ins(%tile : tensor<8x4096xf32>)
      outs(%e0, %e1, %e2 : tensor<8x4096xi8>, tensor<8xf32>, tensor<8xi32>)
  return %qb, %qd : tensor<8x4096xi8>, tensor<8x4096xi8>
}

// -----

func.func @order_of_what_is_no_basis(%x: tensor<8x4xf32>, %e0: tensor<8x4xi8>,
                                     %e1: tensor<8xf32>, %e2: tensor<8xi32>) {
  %q, %s, %z = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
      // expected-error@+1 {{custom op 'stamp.quantize' invalid kind of attribute specified}}
      block_order of #stamp.schedule<[], 4>
      ins(%x : tensor<8x4xf32>)
      outs(%e0, %e1, %e2 : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}
