// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8>" --stamp-quantize --remarks-filter="stamp-(select|quantize)" --remark-format=emitRemark 2>%t | FileCheck %s
// RUN: FileCheck %s --input-file=%t --check-prefix=REMARK --implicit-check-not="[Missed]"
// One function by itself keeps its signature, too.
// RUN: stamp-opt %s --pass-pipeline="builtin.module(func.func(stamp-select{basis=#stamp.dct schedule=#stamp.schedule<[],8>},stamp-quantize))" | FileCheck %s

// Functions whose weights are quantized in each call.

// CHECK-LABEL: func @recursive(
//  CHECK-SAME:   tensor<2x2xf32> {stamp.weight}
//       CHECK:   stamp.quantize_weight
// REMARK-DAG: [[@LINE+1]]:{{.*}} [Missed] Prepack | Category:stamp-quantize | Reason="its weights are quantized in each call: it is recursive"
func.func @recursive(%x: tensor<8x2xf32>, %w: tensor<2x2xf32> {stamp.weight}, %more: i1) -> tensor<8x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %z = scf.if %more -> tensor<8x2xf32> {
    %false = arith.constant false
    %again = func.call @recursive(%y, %w, %false) : (tensor<8x2xf32>, tensor<2x2xf32>, i1) -> tensor<8x2xf32>
    scf.yield %again : tensor<8x2xf32>
  } else {
    scf.yield %y : tensor<8x2xf32>
  }
  return %z : tensor<8x2xf32>
}

// CHECK-LABEL: func private @by_name(
//  CHECK-SAME:   tensor<2x2xf32> {stamp.weight}
// REMARK-DAG: [[@LINE+1]]:{{.*}} [Missed] Prepack | Category:stamp-quantize | Reason="its weights are quantized in each call: not only calls refer to it"
func.func private @by_name(%x: tensor<8x2xf32>, %w: tensor<2x2xf32> {stamp.weight}) -> tensor<8x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}

func.func private @take((tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>)

func.func private @name() {
  %f = func.constant @by_name : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  call @take(%f) : ((tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>) -> ()
  return
}

// An argument that nobody has marked.
// CHECK-LABEL: func @unmarked(
//   CHECK-NOT:   stamp.quantize
func.func @unmarked(%x: tensor<8x2xf32>, %w: tensor<2x2xf32>) -> tensor<8x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  // REMARK-DAG: [[@LINE+1]]:{{.*}} [Missed] Select | Category:stamp-select | Reason="its weight is argument #1 of the function; mark that with stamp.weight if it is the same in every call, or give the linear a stamp.plan to quantize it at run time"
  %y = linalg.matmul ins(%x, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}
