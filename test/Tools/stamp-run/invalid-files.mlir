// Files that are missing, damaged, unwritable, or hold what no one asked for.

// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: %python -c "import numpy as np; np.save('x.npy', np.zeros((2, 3), 'f4')); b = open('x.npy', 'rb').read(); open('short.npy', 'wb').write(b[:-1]); open('cut.npy', 'wb').write(b[:40]); open('text.npy', 'w').write('1 2 3'); open('bad.npy', 'wb').write(b.replace(b'shape', b'shave'))"
// RUN: %python -c "import numpy as np; np.save('nan.npy', np.float32([[0, 1, 2], [3, 4, np.nan]])); np.save('inf.npy', np.float32([[0, -np.inf, 2], [3, 4, np.nan]]))"

// RUN: not stamp-run missing.mlir --inputs=x.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=NO-MODULE
// NO-MODULE: error: cannot open input file 'missing.mlir'

// RUN: echo "func.func @main( {" > broken.mlir
// RUN: not stamp-run broken.mlir --inputs=x.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=PARSE
// PARSE: broken.mlir:1:{{[0-9]+}}: error:
// PARSE: error: 'broken.mlir' is not a valid module

// RUN: not stamp-run %s --inputs=missing.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=NO-FILE
// NO-FILE: error: cannot read 'missing.npy': No such file or directory

// RUN: not stamp-run %s --inputs=text.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=MAGIC
// MAGIC: error: cannot read 'text.npy': not a .npy file

// RUN: not stamp-run %s --inputs=cut.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=CUT
// CUT: error: cannot read 'cut.npy': truncated in the header: 118 bytes announced, 30 found

// RUN: not stamp-run %s --inputs=bad.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=HEADER
// HEADER: error: cannot read 'bad.npy': corrupt header: unknown key 'shave'

// RUN: not stamp-run %s --inputs=short.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=SHORT
// SHORT: error: cannot read 'short.npy': truncated data: float32[2, 3] needs 24 bytes, 23 found

// RUN: not stamp-run %s --inputs=nan.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=NAN
// NAN: error: 'nan.npy' holds a NaN or an infinity at [1, 2]

// RUN: not stamp-run %s --inputs=inf.npy --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=INF
// INF: error: 'inf.npy' holds a NaN or an infinity at [0, 1]

// RUN: not stamp-run %s --inputs=x.npy --outputs=nowhere/y.npy 2>&1 | FileCheck %s --check-prefix=UNWRITABLE
// UNWRITABLE: error: cannot write 'nowhere/y.npy': No such file or directory

// RUN: stamp-run %s --inputs=inf.npy --outputs=y.npy --allow-nonfinite
// RUN: %python -c "import numpy as np; print(np.load('y.npy'))" | FileCheck %s --check-prefix=ALLOWED
// ALLOWED: -inf

func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  return %x : tensor<2x3xf32>
}
