// RUN: stamp-opt %s --inline --canonicalize | FileCheck %s

func.func private @any_length(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %t = stamp.transform #stamp.min_tokens<8, #stamp.dct> along 0 ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  return %t : tensor<?x8xf32>
}

// What a program for every length leaves open, its caller decides.
// CHECK-LABEL: func @short
//  CHECK-SAME:   (%[[X:.*]]: tensor<7x8xf32>)
//       CHECK:   return %[[X]]
func.func @short(%x: tensor<7x8xf32>) -> tensor<7x8xf32> {
  %d = tensor.cast %x : tensor<7x8xf32> to tensor<?x8xf32>
  %y = call @any_length(%d, %d) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = tensor.cast %y : tensor<?x8xf32> to tensor<7x8xf32>
  return %s : tensor<7x8xf32>
}

// CHECK-LABEL: func @long
//       CHECK:   stamp.transform #stamp.dct along 0 ins(%{{.*}} : tensor<9x8xf32>)
func.func @long(%x: tensor<9x8xf32>) -> tensor<9x8xf32> {
  %d = tensor.cast %x : tensor<9x8xf32> to tensor<?x8xf32>
  %y = call @any_length(%d, %d) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = tensor.cast %y : tensor<?x8xf32> to tensor<9x8xf32>
  return %s : tensor<9x8xf32>
}

// CHECK-LABEL: func @caller
//   CHECK-NOT:   call
//       CHECK:   stamp.transform #stamp.dct
func.func @caller(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %y = call @callee(%x) : (tensor<5x4xf32>) -> tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}

func.func private @callee(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<5x4xf32>) outs(%x : tensor<5x4xf32>)
  return %t : tensor<5x4xf32>
}
