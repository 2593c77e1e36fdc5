// A softmax is what NumPy makes of it, in all pipelines, along any dimension and
// with rows whose exponentials alone would overflow.

// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: %python -c "import numpy as np; np.save('x.npy', (np.random.default_rng(0).standard_normal((3, 13, 5)).cumsum(1) * 40).astype(np.float32))"
// RUN: stamp-run %s --inputs=x.npy --outputs=portable0.npy,portable1.npy
// RUN: stamp-run %s --cpu=host --inputs=x.npy --outputs=host0.npy,host1.npy
// RUN: stamp-run %s --gpu=emulate --inputs=x.npy --outputs=gpu0.npy,gpu1.npy
// RUN: %python -c "import numpy as np; x = np.load('x.npy').astype(float); e = [np.exp(x - x.max(a, keepdims=True)) for a in (1, 2)]; [np.testing.assert_allclose(np.load(f'{d}{i}.npy'), e[i] / e[i].sum(i + 1, keepdims=True), rtol=3e-5, atol=1e-30) for d in ('portable', 'host', 'gpu') for i in (0, 1)]"

func.func @main(%x: tensor<?x13x5xf32>) -> (tensor<?x13x5xf32>, tensor<?x13x5xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x13x5xf32>
  %e = tensor.empty(%n) : tensor<?x13x5xf32>
  %y = linalg.softmax dimension(1) ins(%x : tensor<?x13x5xf32>) outs(%e : tensor<?x13x5xf32>) -> tensor<?x13x5xf32>
  %z = linalg.softmax dimension(2) ins(%x : tensor<?x13x5xf32>) outs(%e : tensor<?x13x5xf32>) -> tensor<?x13x5xf32>
  return %y, %z : tensor<?x13x5xf32>, tensor<?x13x5xf32>
}
