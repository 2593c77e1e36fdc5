// The numbering of threads, run on the CPU: a STaMP linear whose loops are cut
// into blocks of threads gives, bit for bit, what its plain linalg loops give.
// S = 0, 1, 13 and 333 tokens: no block, part of a block, and several.

// RUN: cat %S/Inputs/stamp-linear.mlir %s > %t.mlir
// RUN: stamp-opt %t.mlir --pass-pipeline='builtin.module( \
// RUN:     one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map}, \
// RUN:     func.func(convert-linalg-to-loops))' -o %t.plain.mlir
// RUN: stamp-opt %t.mlir --pass-pipeline='builtin.module( \
// RUN:     one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map}, \
// RUN:     func.func(stamp-gpu-map-loops))' -o %t.threads.mlir
// RUN: FileCheck %s --check-prefix=MAPPED < %t.threads.mlir

// DEFINE: %{run} = stamp-opt --pass-pipeline='builtin.module( \
// DEFINE:     func.func(expand-strided-metadata,lower-affine,arith-expand,convert-scf-to-cf), \
// DEFINE:     convert-math-to-llvm,convert-to-llvm,reconcile-unrealized-casts)' \
// DEFINE:   | mlir-runner -e main --entry-point-result=void \
// DEFINE:     --shared-libs=%mlir_lib_dir/libmlir_runner_utils.so,%mlir_lib_dir/libmlir_c_runner_utils.so \
// DEFINE:   | sed -e 's|base@ = 0x[0-9a-f]* ||' -e '/sizes = \[0,/{n;d}'
// RUN: cat %t.plain.mlir | %{run} > %t.plain.txt
// RUN: cat %t.threads.mlir | %{run} > %t.threads.txt
// RUN: diff %t.plain.txt %t.threads.txt
// RUN: FileCheck %s < %t.threads.txt

// MAPPED: processor = thread_x

// CHECK: sizes = [0, 24]
// CHECK: sizes = [1, 24]
// CHECK: sizes = [13, 24]
// CHECK: sizes = [333, 24]

func.func private @printMemrefI32(tensor<*xi32>)

/// Tokens as a first-order autoregression, ρ = 0.95, with two large channels;
/// the noise is a hash of its position.
func.func private @tokens(%s: index) -> tensor<?x32xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %multiplier = arith.constant 747796405 : i32
  %shift = arith.constant 9 : i32
  %rho = arith.constant 0.95 : f32
  %unit = arith.constant 1.0e-7 : f32
  %large = arith.constant 20.0 : f32
  %zero = arith.constant 0.0 : f32
  %x0 = tensor.empty(%s) : tensor<?x32xf32>
  %x = scf.for %j = %c0 to %c32 step %c1 iter_args(%column = %x0) -> tensor<?x32xf32> {
    %channel = arith.remui %j, %c16 : index
    %outlier = arith.cmpi eq, %channel, %c5 : index
    %last, %filled = scf.for %i = %c0 to %s step %c1 iter_args(%before = %zero, %t = %column) -> (f32, tensor<?x32xf32>) {
      %row = arith.muli %i, %c32 : index
      %position = arith.addi %row, %j : index
      %seed = arith.index_cast %position : index to i32
      %h0 = arith.muli %seed, %multiplier : i32
      %h1 = arith.shrui %h0, %shift : i32
      %h2 = arith.xori %h0, %h1 : i32
      %h3 = arith.muli %h2, %multiplier : i32
      %h4 = arith.shrsi %h3, %shift : i32
      %h5 = arith.sitofp %h4 : i32 to f32
      %noise = arith.mulf %h5, %unit : f32
      %kept = arith.mulf %before, %rho : f32
      %now = arith.addf %kept, %noise : f32
      %scaled = arith.mulf %now, %large : f32
      %value = arith.select %outlier, %scaled, %now : f32
      %next = tensor.insert %value into %t[%i, %j] : tensor<?x32xf32>
      scf.yield %now, %next : f32, tensor<?x32xf32>
    }
    scf.yield %filled : tensor<?x32xf32>
  }
  return %x : tensor<?x32xf32>
}

func.func private @run(%s: index) {
  %c0 = arith.constant 0 : index
  %x = func.call @tokens(%s) : (index) -> tensor<?x32xf32>
  %we = tensor.empty() : tensor<32x24xi8>
  %w = linalg.generic {indexing_maps = [affine_map<(k, n) -> (k, n)>], iterator_types = ["parallel", "parallel"]} outs(%we : tensor<32x24xi8>) {
  ^bb0(%o: i8):
    %k = linalg.index 0 : index
    %n = linalg.index 1 : index
    %c7 = arith.constant 7 : index
    %c15 = arith.constant 15 : index
    %0 = arith.muli %k, %c7 : index
    %1 = arith.muli %n, %k : index
    %2 = arith.addi %0, %1 : index
    %3 = arith.addi %2, %n : index
    %4 = arith.remui %3, %c15 : index
    %5 = arith.subi %4, %c7 : index
    %6 = arith.index_cast %5 : index to i8
    linalg.yield %6 : i8
  } -> tensor<32x24xi8>
  %se = tensor.empty() : tensor<24xf32>
  %scales = linalg.generic {indexing_maps = [affine_map<(n) -> (n)>], iterator_types = ["parallel"]} outs(%se : tensor<24xf32>) {
  ^bb0(%o: f32):
    %n = linalg.index 0 : index
    %c3 = arith.constant 3 : index
    %step = arith.constant 0.0078125 : f32
    %0 = arith.addi %n, %c3 : index
    %1 = arith.index_cast %0 : index to i32
    %2 = arith.sitofp %1 : i32 to f32
    %3 = arith.mulf %2, %step : f32
    linalg.yield %3 : f32
  } -> tensor<24xf32>
  %zero = arith.constant 0 : i32
  %ce = tensor.empty() : tensor<24xi32>
  %c = linalg.fill ins(%zero : i32) outs(%ce : tensor<24xi32>) -> tensor<24xi32>
  %sums = linalg.generic {indexing_maps = [affine_map<(k, n) -> (k, n)>, affine_map<(k, n) -> (n)>], iterator_types = ["reduction", "parallel"]} ins(%w : tensor<32x24xi8>) outs(%c : tensor<24xi32>) {
  ^bb0(%q: i8, %sum: i32):
    %0 = arith.extsi %q : i8 to i32
    %1 = arith.addi %sum, %0 : i32
    linalg.yield %1 : i32
  } -> tensor<24xi32>
  %y = func.call @stamp_linear(%x, %w, %scales, %sums) : (tensor<?x32xf32>, tensor<32x24xi8>, tensor<24xf32>, tensor<24xi32>) -> tensor<?x24xf32>

  // As bits: printing floats would round.
  %be = tensor.empty(%s) : tensor<?x24xi32>
  %bits = linalg.map ins(%y : tensor<?x24xf32>) outs(%be : tensor<?x24xi32>) (%v: f32, %o: i32) {
    %b = arith.bitcast %v : f32 to i32
    linalg.yield %b : i32
  }
  %all = tensor.cast %bits : tensor<?x24xi32> to tensor<*xi32>
  func.call @printMemrefI32(%all) : (tensor<*xi32>) -> ()
  return
}

func.func @main() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c13 = arith.constant 13 : index
  %c333 = arith.constant 333 : index
  func.call @run(%c0) : (index) -> ()
  func.call @run(%c1) : (index) -> ()
  func.call @run(%c13) : (index) -> ()
  func.call @run(%c333) : (index) -> ()
  return
}
