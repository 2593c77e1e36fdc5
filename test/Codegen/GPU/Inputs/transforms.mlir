// Kernels of transforms: levels in shared memory with a length of run time, in
// strips that end inside of one, and a product.
func.func @transforms(%x: tensor<?x72xbf16>) -> (tensor<?x72xf32>, tensor<?x72xbf16>, tensor<?x72xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x72xbf16>
  %e = tensor.empty(%n) : tensor<?x72xf32>
  %h = tensor.empty(%n) : tensor<?x72xbf16>
  %w = stamp.transform #stamp.wht<skip = 1> along 0 ins(%x : tensor<?x72xbf16>)
      outs(%e : tensor<?x72xf32>)
  %u = stamp.inverse_transform #stamp.haar<levels = 9> along 0 ins(%x : tensor<?x72xbf16>)
      outs(%h : tensor<?x72xbf16>)
  %c = stamp.transform #stamp.dct along 0 ins(%x : tensor<?x72xbf16>)
      outs(%e : tensor<?x72xf32>)
  return %w, %u, %c : tensor<?x72xf32>, tensor<?x72xbf16>, tensor<?x72xf32>
}
