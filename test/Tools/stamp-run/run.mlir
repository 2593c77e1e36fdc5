// A module is compiled once and called by name, with arrays in NumPy's files.

// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: %python -c "import numpy as np; np.save('x.npy', np.float32([[1, -2, 3], [4, 5, -6]]))"
// RUN: stamp-run %s --inputs=x.npy --outputs=y.npy
// RUN: %python -c "import numpy as np; print(np.load('y.npy'))" | FileCheck %s --check-prefix=MAIN
// MAIN:      {{\[}}[ 2. -4.  6.]
// MAIN-NEXT:  [ 8. 10. -12.]]

// RUN: stamp-run %s --entry=split --inputs=x.npy --outputs=a.npy,b.npy -O0
// RUN: %python -c "import numpy as np; print(np.load('a.npy'), np.load('b.npy'))" | FileCheck %s --check-prefix=SPLIT
// SPLIT: [1. 4.] [ 3. -6.]

// RUN: stamp-run %s --call="main(x.npy) -> y.npy" --call="split( y.npy )->a.npy , b.npy" --time=3 | FileCheck %s --check-prefix=TIME
// TIME-DAG: compile: lower {{.*}} ms
// TIME-DAG: compile: generate {{.*}} ms
// TIME-DAG: main: median {{.*}} ms
// TIME-DAG: split: minimum {{.*}} ms

// RUN: stamp-run --help | FileCheck %s --check-prefix=HELP
// HELP: --inputs=<x.npy,...>

func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %y = arith.addf %x, %x : tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

func.func @split(%x: tensor<2x3xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %a = tensor.extract_slice %x[0, 0] [2, 1] [1, 1] : tensor<2x3xf32> to tensor<2xf32>
  %b = tensor.extract_slice %x[0, 2] [2, 1] [1, 1] : tensor<2x3xf32> to tensor<2xf32>
  return %a, %b : tensor<2xf32>, tensor<2xf32>
}
