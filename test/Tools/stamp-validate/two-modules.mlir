// What counts as a difference, and what does not.

// RUN: rm -rf %t && split-file %s %t && cd %t
// RUN: not stamp-validate before.mlir after.mlir 2>&1 | FileCheck after.mlir
// RUN: stamp-validate before.mlir before.mlir | FileCheck %s --check-prefix=SAME
// SAME: {{^}}11 agree, 0 differ, 0 not run

// RUN: stamp-validate quantized.mlir quantized-after.mlir --quantized-tolerance=0.1 | FileCheck quantized-after.mlir --check-prefix=LOOSE
// RUN: not stamp-validate quantized.mlir quantized-after.mlir --quantized-tolerance=0 2>&1 | FileCheck quantized-after.mlir --check-prefix=EXACT
// RUN: not stamp-validate quantized.mlir codes-after.mlir 2>&1 | FileCheck codes-after.mlir

//--- before.mlir
func.func @float(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  return %x : tensor<5x4xf32>
}
func.func @rounded(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  return %x : tensor<5x4xf32>
}
func.func @half(%x: tensor<5x4xf16>) -> tensor<5x4xf16> {
  return %x : tensor<5x4xf16>
}
func.func @integer(%x: tensor<5x4xi32>) -> tensor<5x4xi32> {
  return %x : tensor<5x4xi32>
}
func.func @nan_stays() -> tensor<2xf32> {
  %y = arith.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  return %y : tensor<2xf32>
}
func.func @nan_goes() -> tensor<2xf32> {
  %y = arith.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  return %y : tensor<2xf32>
}
func.func @infinity_changes_sign() -> tensor<2xf32> {
  %y = arith.constant dense<[1.0, 0x7F800000]> : tensor<2xf32>
  return %y : tensor<2xf32>
}
func.func @length(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
func.func @type(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
func.func @gone(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  return %x : tensor<5x4xf32>
}
func.func @refuses(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

//--- after.mlir
// CHECK: @float: result 0 differs: largest difference 0.001, allowed 1e-05, at [
func.func @float(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %s = arith.constant dense<1.001> : tensor<5x4xf32>
  %y = arith.mulf %x, %s : tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}
// CHECK: @rounded: result 0 agrees: largest difference {{9.9e-07|1e-06}}, allowed 1e-05
func.func @rounded(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %s = arith.constant dense<1.000001> : tensor<5x4xf32>
  %y = arith.mulf %x, %s : tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}
// CHECK: @half: result 0 agrees: largest difference {{.*}}, allowed 0.000976562
func.func @half(%x: tensor<5x4xf16>) -> tensor<5x4xf16> {
  %one = arith.constant dense<1> : tensor<5x4xi16>
  %bits = arith.bitcast %x : tensor<5x4xf16> to tensor<5x4xi16>
  %next = arith.addi %bits, %one : tensor<5x4xi16>
  %y = arith.bitcast %next : tensor<5x4xi16> to tensor<5x4xf16>
  return %y : tensor<5x4xf16>
}
// CHECK: @integer: result 0 differs: 60 of 60 integers differ, by at most 1, at [0, 0] of int32[5, 4]
func.func @integer(%x: tensor<5x4xi32>) -> tensor<5x4xi32> {
  %s = arith.constant dense<1> : tensor<5x4xi32>
  %y = arith.addi %x, %s : tensor<5x4xi32>
  return %y : tensor<5x4xi32>
}
// CHECK: @nan_stays: result 0 agrees: largest difference 0, allowed 1e-05; 3 of 6 are NaN
func.func @nan_stays() -> tensor<2xf32> {
  %y = arith.constant dense<[1.0, 0x7FC00001]> : tensor<2xf32>
  return %y : tensor<2xf32>
}
// CHECK: @nan_goes: result 0 differs: largest difference inf, allowed 1e-05, at [1] of float32[2]; 3 of 6 are NaN
func.func @nan_goes() -> tensor<2xf32> {
  %y = arith.constant dense<[1.0, 0.0]> : tensor<2xf32>
  return %y : tensor<2xf32>
}
// CHECK: @infinity_changes_sign: result 0 differs: largest difference inf, allowed 1e-05, at [1] of float32[2]
func.func @infinity_changes_sign() -> tensor<2xf32> {
  %y = arith.constant dense<[1.0, 0xFF800000]> : tensor<2xf32>
  return %y : tensor<2xf32>
}
// CHECK: @length: result 0 differs: largest difference inf, allowed 1e-05, at float32[13] that became float32[12]
func.func @length(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c12 = arith.constant 12 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %m = arith.minui %n, %c12 : index
  %y = tensor.extract_slice %x[0] [%m] [1] : tensor<?xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}
// CHECK: @type: its type was (tensor<?xf32>) -> tensor<?xf32> and is (tensor<?xf32>) -> tensor<?x1xf32>
func.func @type(%x: tensor<?xf32>) -> tensor<?x1xf32> {
  %y = tensor.expand_shape %x [[0, 1]] output_shape [5, 1] : tensor<?xf32> into tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
// CHECK: @gone: afterwards there is no function 'gone'
// CHECK-NEXT: @refuses: afterwards only one token
func.func @refuses(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %one = arith.cmpi eq, %n, %c1 : index
  cf.assert %one, "only one token"
  return %x : tensor<?xf32>
}
// CHECK: 3 agree, 8 differ, 0 not run

//--- quantized.mlir
func.func private @quantize(%x: tensor<128x80xf32>) -> (tensor<128x80xi8>, tensor<128xf32>) {
  %eq = tensor.empty() : tensor<128x80xi8>
  %es = tensor.empty() : tensor<128xf32>
  %ez = tensor.empty() : tensor<128xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 ins(%x : tensor<128x80xf32>) outs(%eq, %es, %ez : tensor<128x80xi8>, tensor<128xf32>, tensor<128xi32>)
  return %q, %s : tensor<128x80xi8>, tensor<128xf32>
}
func.func @codes_and_scales(%x: tensor<128x80xf32>) -> (tensor<128x80xi8>, tensor<128xf32>) {
  %q, %s = call @quantize(%x) : (tensor<128x80xf32>) -> (tensor<128x80xi8>, tensor<128xf32>)
  return %q, %s : tensor<128x80xi8>, tensor<128xf32>
}

// One code of 10,240 differs by one, and the scales grow by 5 %.
//--- quantized-after.mlir
// LOOSE: @quantize: not run: function 'quantize' is private
// LOOSE: @codes_and_scales: result 0 agrees: 3 of 30720 integers differ, by at most 1
// LOOSE: @codes_and_scales: result 1 agrees: largest difference 0.05, allowed 0.1
// LOOSE: 1 agree, 0 differ, 1 not run
// EXACT: @codes_and_scales: result 0 agrees:
// EXACT: @codes_and_scales: result 1 differs: largest difference 0.05, allowed 0, at [
func.func private @quantize(%x: tensor<128x80xf32>) -> (tensor<128x80xi8>, tensor<128xf32>) {
  %eq = tensor.empty() : tensor<128x80xi8>
  %es = tensor.empty() : tensor<128xf32>
  %ez = tensor.empty() : tensor<128xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 ins(%x : tensor<128x80xf32>) outs(%eq, %es, %ez : tensor<128x80xi8>, tensor<128xf32>, tensor<128xi32>)
  return %q, %s : tensor<128x80xi8>, tensor<128xf32>
}
func.func @codes_and_scales(%x: tensor<128x80xf32>) -> (tensor<128x80xi8>, tensor<128xf32>) {
  %q, %s = call @quantize(%x) : (tensor<128x80xf32>) -> (tensor<128x80xi8>, tensor<128xf32>)
  %c0 = arith.constant 0 : index
  %one = arith.constant 1 : i8
  %code = tensor.extract %q[%c0, %c0] : tensor<128x80xi8>
  %next = arith.addi %code, %one : i8
  %q1 = tensor.insert %next into %q[%c0, %c0] : tensor<128x80xi8>
  %growth = arith.constant dense<1.05> : tensor<128xf32>
  %s1 = arith.mulf %s, %growth : tensor<128xf32>
  return %q1, %s1 : tensor<128x80xi8>, tensor<128xf32>
}

// Two codes are too many.
//--- codes-after.mlir
// CHECK: @codes_and_scales: result 0 differs: 6 of 30720 integers differ, by at most 1, at [0, 0] of int8[128, 80]
// CHECK: @codes_and_scales: result 1 agrees: largest difference 0, allowed 0.01
func.func @codes_and_scales(%x: tensor<128x80xf32>) -> (tensor<128x80xi8>, tensor<128xf32>) {
  %eq = tensor.empty() : tensor<128x80xi8>
  %es = tensor.empty() : tensor<128xf32>
  %ez = tensor.empty() : tensor<128xi32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 ins(%x : tensor<128x80xf32>) outs(%eq, %es, %ez : tensor<128x80xi8>, tensor<128xf32>, tensor<128xi32>)
  %c0 = arith.constant 0 : index
  %one = arith.constant dense<1> : tensor<1x2xi8>
  %code = tensor.extract_slice %q[0, 0] [1, 2] [1, 1] : tensor<128x80xi8> to tensor<1x2xi8>
  %next = arith.addi %code, %one : tensor<1x2xi8>
  %q1 = tensor.insert_slice %next into %q[0, 0] [1, 2] [1, 1] : tensor<1x2xi8> into tensor<128x80xi8>
  return %q1, %s : tensor<128x80xi8>, tensor<128xf32>
}
