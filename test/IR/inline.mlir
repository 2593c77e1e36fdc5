// RUN: stamp-opt %s --inline | FileCheck %s

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
