// What does not fit a function is refused before anything is compiled.

// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: %python -c "import numpy as np; np.save('x.npy', np.zeros((2, 3), 'f4')); np.save('wide.npy', np.zeros((2, 4), 'f4')); np.save('flat.npy', np.zeros(6, 'f4')); np.save('double.npy', np.zeros((2, 3)))"

// RUN: not stamp-run %s --entry=nothing --inputs=x.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: error: there is no function 'nothing'

// RUN: not stamp-run %s --entry=declared --inputs=x.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=NO-BODY
// NO-BODY: error: function 'declared' has no body

// RUN: not stamp-run %s --entry=hidden --inputs=x.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=PRIVATE
// PRIVATE: error: function 'hidden' is private

// RUN: not stamp-run %s --entry=buffer --inputs=x.npy 2>&1 | FileCheck %s --check-prefix=BUFFER
// BUFFER: error: argument 0 of 'buffer' has type 'memref<2x3xf32>': only ranked tensors can be passed

// RUN: not stamp-run %s --entry=scalar --inputs=x.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=SCALAR
// SCALAR: error: argument 1 of 'scalar' has type 'f32': only ranked tensors can be passed

// RUN: not stamp-run %s --entry=bfloat --inputs=x.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=BFLOAT
// BFLOAT: error: argument 0 of 'bfloat' has type 'tensor<2xbf16>': NumPy has no such element type

// RUN: not stamp-run %s --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=TOO-FEW
// TOO-FEW: error: 'main' takes 1 inputs, 0 given

// RUN: not stamp-run %s --inputs=x.npy --outputs=y.npy,z.npy 2>&1 | FileCheck %s --check-prefix=TOO-MANY
// TOO-MANY: error: 'main' has 1 results, 2 outputs given

// RUN: not stamp-run %s --inputs=double.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: error: input 0 of 'main' is float64[2, 3] where 'tensor<?x3xf32>' is expected: the element types differ

// RUN: not stamp-run %s --inputs=flat.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=RANK
// RANK: error: input 0 of 'main' is float32[6] where 'tensor<?x3xf32>' is expected: the ranks differ

// RUN: not stamp-run %s --inputs=wide.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=SIZE
// SIZE: error: input 0 of 'main' is float32[2, 4] where 'tensor<?x3xf32>' is expected: the sizes differ

// RUN: not stamp-run %s --call="main x.npy -> y.npy" 2>&1 | FileCheck %s --check-prefix=MALFORMED
// MALFORMED: error: malformed --call 'main x.npy -> y.npy'

// RUN: not stamp-run %s --call="main(x.npy,) -> y.npy" 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: error: malformed --call

// RUN: not stamp-run %s --call="main(x.npy) -> y.npy" --entry=main 2>&1 | FileCheck %s --check-prefix=BOTH
// BOTH: error: --call excludes --entry, --inputs and --outputs

// RUN: not stamp-run %s --inputs=x.npy --outputs=y.npy -O4 2>&1 | FileCheck %s --check-prefix=LEVEL
// LEVEL: error: there is no optimization level 4

// RUN: not stamp-run %s --inputs=x.npy --outputs=y.npy --time=0 2>&1 | FileCheck %s --check-prefix=RUNS
// RUNS: error: --time needs a positive number of runs, not '0'

// RUN: not stamp-run %s --entry=add --inputs=x.npy,wide.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=DISAGREE
// DISAGREE: error: {{.*}}invalid-calls.mlir:{{[0-9]+}}: linalg.add: operand 1 does not have the size of the others along loop 1

// RUN: not ls y.npy

func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  return %x : tensor<?x3xf32>
}
func.func private @declared(tensor<2x3xf32>) -> tensor<2x3xf32>
func.func private @hidden(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  return %x : tensor<2x3xf32>
}
func.func @buffer(%x: memref<2x3xf32>) {
  return
}
func.func @scalar(%x: tensor<2x3xf32>, %y: f32) -> tensor<2x3xf32> {
  return %x : tensor<2x3xf32>
}
func.func @bfloat(%x: tensor<2xbf16>) -> tensor<2xbf16> {
  return %x : tensor<2xbf16>
}
func.func @add(%x: tensor<2x?xf32>, %y: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %z = linalg.add ins(%x, %y : tensor<2x?xf32>, tensor<2x?xf32>)
                  outs(%x : tensor<2x?xf32>) -> tensor<2x?xf32>
  return %z : tensor<2x?xf32>
}
