// a·b + c keeps its two roundings, and division and square root are IEEE's.

// RUN: stamp-opt %s --stamp-gpu-pipeline | %print-gpu-object | FileCheck %s

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: .entry two_roundings_kernel(
// CHECK-NOT: fma
// CHECK: mul.rn.f32 [[PRODUCT:%[a-z0-9]+]],
// CHECK-NEXT: add.rn.f32 [[SUM:%[a-z0-9]+]], [[PRODUCT]],
// CHECK-NEXT: sqrt.rn.f32 [[ROOT:%[a-z0-9]+]], [[SUM]];
// CHECK-NEXT: div.rn.f32 {{%[a-z0-9]+}}, [[ROOT]],
func.func @two_roundings(%a: tensor<?xf32>, %b: tensor<?xf32>,
                         %c: tensor<?xf32>) -> tensor<?xf32> {
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%a, %b : tensor<?xf32>, tensor<?xf32>) outs(%c : tensor<?xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %product = arith.mulf %p, %q : f32
    %sum = arith.addf %product, %r : f32
    %root = math.sqrt %sum : f32
    %quotient = arith.divf %root, %p : f32
    linalg.yield %quotient : f32
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}
