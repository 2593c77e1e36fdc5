// RUN: stamp-opt %s --pass-pipeline='builtin.module(gpu.module(stamp-gpu-lower-math))' \
// RUN:   --split-input-file --verify-diagnostics | FileCheck %s

gpu.module @exact {
  // CHECK-LABEL: func @rounding(
  // CHECK:         llvm.call_intrinsic "llvm.roundeven"
  // CHECK:         llvm.call_intrinsic "llvm.floor"
  // CHECK:         llvm.call_intrinsic "llvm.sqrt"
  // CHECK-NOT:     math.
  func.func @rounding(%x: f32) -> f32 {
    %0 = math.roundeven %x : f32
    %1 = math.floor %0 : f32
    %2 = math.sqrt %1 : f32
    return %2 : f32
  }

  // 1 / √x, each rounded, not an approximate reciprocal square root.
  // CHECK-LABEL: func @rsqrt(
  // CHECK:         %[[ROOT:.*]] = llvm.call_intrinsic "llvm.sqrt"
  // CHECK:         arith.divf %{{.*}}, %[[ROOT]]
  func.func @rsqrt(%x: f32) -> f32 {
    %0 = math.rsqrt %x : f32
    return %0 : f32
  }

  // A DCT of dynamic length needs cos in f64. π/2 in two parts.
  // CHECK-LABEL: func @cos(
  // CHECK-SAME:    %[[X:.*]]: f64
  // CHECK-DAG:     %[[HIGH:.*]] = arith.constant 1.5707963267948966 : f64
  // CHECK-DAG:     %[[LOW:.*]] = arith.constant 6.123233995736766{{[0-9]*}}E-17 : f64
  // CHECK:         %[[Q:.*]] = llvm.call_intrinsic "llvm.roundeven"
  // CHECK:         %[[MINUS:.*]] = arith.negf %[[Q]]
  // CHECK:         %[[R:.*]] = llvm.call_intrinsic "llvm.fma"(%[[MINUS]], %[[HIGH]], %[[X]])
  // CHECK:         llvm.call_intrinsic "llvm.fma"(%[[MINUS]], %[[LOW]], %[[R]])
  // CHECK-NOT:     math.
  // CHECK:         return
  func.func @cos(%x: f64) -> f64 {
    %0 = math.cos %x : f64
    return %0 : f64
  }

  // CHECK-LABEL: func @activations(
  // CHECK-NOT:     math.
  // CHECK:         return
  func.func @activations(%x: f32, %h: f16) -> (f32, f32, f32, f16) {
    %0 = math.exp %x : f32
    %1 = math.tanh %0 : f32
    %2 = math.erf %1 : f32
    %3 = math.log %2 : f32
    %4 = math.exp %h : f16
    return %1, %2, %3, %4 : f32, f32, f32, f16
  }
}

// -----

gpu.module @no_double_precision {
  func.func @exp(%x: f64) -> f64 {
    // expected-error @below {{has no GPU lowering for 'f64' that does without CUDA's libdevice}}
    %0 = math.exp %x : f64
    return %0 : f64
  }
}

// -----

gpu.module @no_good_approximation {
  func.func @atan(%x: f32) -> f32 {
    // expected-error @below {{has no GPU lowering for 'f32' that does without CUDA's libdevice}}
    %0 = math.atan %x : f32
    return %0 : f32
  }
}

// -----

gpu.module @remainder {
  func.func @remf(%x: f32, %y: f32) -> f32 {
    // expected-error @below {{has no GPU lowering for 'f32' that does without CUDA's libdevice}}
    %0 = arith.remf %x, %y : f32
    return %0 : f32
  }
}
