// The schedule of README.md, as it stands there, on a model of three layers of
// which it takes two: what it computes is, bit for bit, what the passes compute
// from the same plans.

// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: sed -n '/^module attributes {transform/,/^```/p' %S/../../README.md | grep -v '```' > schedule.mlir
// DEFINE: %{schedule} = --transform-preload-library=transform-library-paths=schedule.mlir --transform-interpreter

// RUN: stamp-opt %s %{schedule} -o scheduled.mlir
// RUN: FileCheck %s --input-file=scheduled.mlir
// RUN: stamp-opt %s %{schedule} --stamp-cpu-pipeline | FileCheck %s --check-prefix=CPU

// The plans alone, put on by the schedule less its other half, and the passes.
// RUN: grep -vE 'stamp.(quantize|fold)|merge_handles|^ +: ' schedule.mlir > plans.mlir
// RUN: stamp-opt %s --transform-preload-library=transform-library-paths=plans.mlir --transform-interpreter \
// RUN:   --stamp-select --stamp-quantize --stamp-fold -o passes.mlir

// RUN: %python -c "import numpy as np; r = np.random.default_rng(3); [np.save(f'{n}.npy', np.cumsum(r.standard_normal(s), 0).astype('f4')) for n, s in [('x', (32, 8)), ('up', (8, 12)), ('down', (12, 8)), ('out', (8, 4))]]"
// RUN: stamp-run scheduled.mlir --inputs=x.npy,up.npy,down.npy,out.npy --outputs=scheduled.npy
// RUN: stamp-run passes.mlir --inputs=x.npy,up.npy,down.npy,out.npy --outputs=passes.npy
// RUN: stamp-run %s --inputs=x.npy,up.npy,down.npy,out.npy --outputs=float.npy
// RUN: cmp scheduled.npy passes.npy

// As patterns, the lowering computes the same again.
// RUN: sed 's/transform.stamp.fold .*/&  transform.apply_patterns to %%function { transform.apply_patterns.stamp.to_linalg } : !transform.any_op/' schedule.mlir > lower.mlir
// RUN: stamp-opt %s --transform-preload-library=transform-library-paths=lower.mlir --transform-interpreter -o lowered.mlir
// RUN: not grep stamp. lowered.mlir
// RUN: stamp-run lowered.mlir --inputs=x.npy,up.npy,down.npy,out.npy --outputs=lowered.npy
// RUN: cmp scheduled.npy lowered.npy

// RUN: not cmp scheduled.npy float.npy
// RUN: %python -c "import numpy as np; y, f = np.load('scheduled.npy'), np.load('float.npy'); print('within 5 %:', np.linalg.norm(y - f) < 0.05 * np.linalg.norm(f))" | FileCheck %s --check-prefix=NEAR
// NEAR: within 5 %: True

// CHECK-LABEL: func @main(
//       CHECK:   stamp.transform #stamp.haar<levels = 3> along 0
//       CHECK:   stamp.quantize #stamp.schedule<[8 : 8], 4>
//       CHECK:   linalg.matmul ins({{.*}} : tensor<32x8xi8>, tensor<8x12xi8>)
//       CHECK:   stamp.transform #stamp.wht along 0
//       CHECK:   stamp.quantize #stamp.schedule<[], 6>
//       CHECK:   linalg.matmul ins({{.*}} : tensor<32x12xi8>, tensor<12x8xi8>)
//       CHECK:   linalg.matmul {layer = "out"} ins({{.*}} : tensor<32x8xf32>, tensor<8x4xf32>)
//       CHECK:   stamp.inverse_transform #stamp.wht along 0 {{.*}} outs({{.*}} : tensor<32x4xf32>)

// CPU: llvm.func @main(
func.func @main(%x: tensor<32x8xf32>, %w0: tensor<8x12xf32>, %w1: tensor<12x8xf32>, %w2: tensor<8x4xf32>) -> tensor<32x4xf32> {
  %zero12 = arith.constant dense<0.0> : tensor<32x12xf32>
  %zero8 = arith.constant dense<0.0> : tensor<32x8xf32>
  %zero4 = arith.constant dense<0.0> : tensor<32x4xf32>
  %0 = linalg.matmul {layer = "up"} ins(%x, %w0 : tensor<32x8xf32>, tensor<8x12xf32>) outs(%zero12 : tensor<32x12xf32>) -> tensor<32x12xf32>
  %1 = linalg.matmul {layer = "down"} ins(%0, %w1 : tensor<32x12xf32>, tensor<12x8xf32>) outs(%zero8 : tensor<32x8xf32>) -> tensor<32x8xf32>
  %2 = linalg.matmul {layer = "out"} ins(%1, %w2 : tensor<32x8xf32>, tensor<8x4xf32>) outs(%zero4 : tensor<32x4xf32>) -> tensor<32x4xf32>
  return %2 : tensor<32x4xf32>
}
