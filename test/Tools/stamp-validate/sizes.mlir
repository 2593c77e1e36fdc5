// Dynamic sizes are all alike where that works; else some are static sizes of the
// function, as the checks at run time want it.

// RUN: stamp-validate %s --canonicalize | FileCheck %s
// RUN: stamp-validate %s --canonicalize --sizes=5 --seed=3 | FileCheck %s --check-prefix=ONE

// CHECK: @alike: result 0 agrees: 0 of 54 integers differ, by at most 0
// ONE:   @alike: result 0 agrees: 0 of 5 integers differ, by at most 0
func.func @alike(%x: tensor<?xi8>) -> tensor<?xi8> {
  return %x : tensor<?xi8>
}

// The features are as many as the weight's, 8; tokens stay 1, 13 and 40.
// CHECK: @features: result 0 agrees: 0 of 216 integers differ, by at most 0
// ONE:   @features: result 0 agrees: 0 of 20 integers differ, by at most 0
func.func @features(%x: tensor<?x?xi32>, %w: tensor<8x4xi32>, %y: tensor<?x4xi32>) -> tensor<?x4xi32> {
  %0 = linalg.matmul ins(%x, %w : tensor<?x?xi32>, tensor<8x4xi32>) outs(%y : tensor<?x4xi32>) -> tensor<?x4xi32>
  return %0 : tensor<?x4xi32>
}

// CHECK: @some_lengths: result 0 agrees: 0 of 40 integers differ, by at most 0
// CHECK: @some_lengths: not run with sizes of 13: many tokens only
// ONE:   @some_lengths: not run with sizes of 5: many tokens only
func.func @some_lengths(%x: tensor<?xi8>) -> tensor<?xi8> {
  %c0 = arith.constant 0 : index
  %c20 = arith.constant 20 : index
  %n = tensor.dim %x, %c0 : tensor<?xi8>
  %many = arith.cmpi ugt, %n, %c20 : index
  cf.assert %many, "many tokens only"
  return %x : tensor<?xi8>
}

// CHECK: 3 agree, 0 differ, 0 not run
// ONE: 2 agree, 0 differ, 1 not run
