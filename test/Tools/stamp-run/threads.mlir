// Any positive number of threads computes the same; more than there are cores
// are as many as there are cores.

// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: %python -c "import numpy as np; np.save('x.npy', np.sin(np.arange(160, dtype='f4')).reshape(10, 16))"
// RUN: stamp-run %s --inputs=x.npy --outputs=one.npy --cpu=generic
// RUN: stamp-run %s --inputs=x.npy --outputs=all.npy --cpu=generic --num-threads=100000
// RUN: %python -c "import numpy as np; y = np.load('one.npy'); print(y.any() and (y == np.load('all.npy')).all())" | FileCheck %s --check-prefix=SAME
// SAME: True

// RUN: not stamp-run %s --inputs=x.npy --outputs=y.npy --cpu=generic --num-threads=0 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: --num-threads needs a positive number, not 0

// RUN: not stamp-run %s --inputs=x.npy --outputs=y.npy --cpu=generic --num-threads=-3 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// NEGATIVE: error: --num-threads needs a positive number, not -3

// RUN: not stamp-run %s --inputs=x.npy --outputs=y.npy --cpu=generic --num-threads=99999999999 2>&1 | FileCheck %s --check-prefix=TOO-LARGE
// TOO-LARGE: for the --num-threads option: '99999999999' value invalid for integer argument!

// RUN: not stamp-run %s --inputs=x.npy --outputs=y.npy --cpu=z80 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown cpu 'z80'; known are host, avx512vnni, avxvnni, avx2, neon-i8mm, neon-dotprod, generic
// UNKNOWN: error: lowering to the LLVM dialect failed

// RUN: not stamp-opt %s --stamp-cpu-pipeline=cpu=z80 2>&1 | FileCheck %s --check-prefix=PIPELINE
// PIPELINE: error: unknown cpu 'z80'

// RUN: not ls y.npy

func.func @main(%x: tensor<10x16xf32>) -> tensor<10x20xf32> {
  %w = arith.constant dense<3> : tensor<16x20xi8>
  %sw = arith.constant dense<0.5> : tensor<20xf32>
  %c = arith.constant dense<48> : tensor<20xi32>
  %i0 = arith.constant 0 : i32
  %eq = tensor.empty() : tensor<10x16xi8>
  %es = tensor.empty() : tensor<10xf32>
  %ez = tensor.empty() : tensor<10xi32>
  %ea = tensor.empty() : tensor<10x20xi32>
  %ey = tensor.empty() : tensor<10x20xf32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%x : tensor<10x16xf32>)
      outs(%eq, %es, %ez : tensor<10x16xi8>, tensor<10xf32>, tensor<10xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<10x20xi32>) -> tensor<10x20xi32>
  %a = linalg.matmul ins(%q, %w : tensor<10x16xi8>, tensor<16x20xi8>)
      outs(%zero : tensor<10x20xi32>) -> tensor<10x20xi32>
  %y = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<10x20xi32>, tensor<10xf32>, tensor<10xi32>,
          tensor<20xf32>, tensor<20xi32>)
      outs(%ey : tensor<10x20xf32>)
  return %y : tensor<10x20xf32>
}
