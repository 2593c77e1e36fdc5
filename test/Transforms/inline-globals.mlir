// RUN: stamp-opt %s --stamp-inline-globals | FileCheck %s

// CHECK-NOT: @one
ml_program.global private @one(dense<2.0> : tensor<4xf32>) : tensor<4xf32>
// CHECK-NOT: @dynamic
ml_program.global private @dynamic(dense_resource<values> : tensor<2xi8>) : tensor<?xi8>
// CHECK: ml_program.global public @known_outside
ml_program.global public @known_outside(dense<3.0> : tensor<4xf32>) : tensor<4xf32>
// CHECK: ml_program.global private mutable @state
ml_program.global private mutable @state(dense<3.0> : tensor<4xf32>) : tensor<4xf32>
// CHECK: ml_program.global private @number
ml_program.global private @number(3 : i32) : i32

// CHECK-LABEL: func @load
//   CHECK-DAG:   %[[ONE:.*]] = arith.constant dense<2.000000e+00> : tensor<4xf32>
//   CHECK-DAG:   %[[RESOURCE:.*]] = arith.constant dense_resource<values> : tensor<2xi8>
//   CHECK-DAG:   %[[DYNAMIC:.*]] = tensor.cast %[[RESOURCE]] : tensor<2xi8> to tensor<?xi8>
//   CHECK-DAG:   %[[PUBLIC:.*]] = arith.constant dense<3.000000e+00> : tensor<4xf32>
//   CHECK-DAG:   %[[STATE:.*]] = ml_program.global_load @state : tensor<4xf32>
//   CHECK-DAG:   %[[NUMBER:.*]] = ml_program.global_load_const @number : i32
//       CHECK:   return %[[ONE]], %[[DYNAMIC]], %[[PUBLIC]], %[[STATE]], %[[NUMBER]]
func.func @load() -> (tensor<4xf32>, tensor<?xi8>, tensor<4xf32>, tensor<4xf32>, i32) {
  %one = ml_program.global_load_const @one : tensor<4xf32>
  %dynamic = ml_program.global_load @dynamic : tensor<?xi8>
  %public = ml_program.global_load @known_outside : tensor<4xf32>
  %state = ml_program.global_load @state : tensor<4xf32>
  %number = ml_program.global_load_const @number : i32
  return %one, %dynamic, %public, %state, %number : tensor<4xf32>, tensor<?xi8>, tensor<4xf32>, tensor<4xf32>, i32
}

{-# dialect_resources: { builtin: { values: "0x010000000102" } } #-}
