// RUN: stamp-opt %s --stamp-gpu-check-input --split-input-file --verify-diagnostics

// expected-error @below {{is about memrefs, but the GPU lowering starts from tensors}}
func.func @memref_argument(%x: memref<4xf32>) {
  return
}

// -----

func.func @memref_inside() {
  // expected-error @below {{is about memrefs, but the GPU lowering starts from tensors}}
  %0 = memref.alloc() : memref<4xf32>
  memref.dealloc %0 : memref<4xf32>
  return
}

// -----

// expected-error @below {{has an unranked tensor in its signature}}
func.func @unranked(%x: tensor<*xf32>) {
  return
}

// -----

func.func private @elsewhere(tensor<4xf32>) -> tensor<4xf32>
func.func @call(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{returns a tensor and could not be inlined}}
  %y = func.call @elsewhere(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
