// 4-bit weights; a bias under its spread; rows and columns that end inside of
// tiles; sixteen turns of the main loop.
#haar = #stamp.haar<levels = 3, skip = 1>
func.func @linear(%x: tensor<?x1024xf32>, %bias: tensor<200xf32>, %spread: tensor<?xf32>) -> tensor<?x200xf32> {
  %w = arith.constant dense<3> : tensor<1024x200xi8>
  %sw = arith.constant dense<0.5> : tensor<200xf32>
  %c = arith.constant dense<3072> : tensor<200xi32>
  %i0 = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x1024xf32>
  %ex = tensor.empty(%n) : tensor<?x1024xf32>
  %eq = tensor.empty(%n) : tensor<?x1024xi8>
  %es = tensor.empty(%n) : tensor<?xf32>
  %ez = tensor.empty(%n) : tensor<?xi32>
  %ea = tensor.empty(%n) : tensor<?x200xi32>
  %ey = tensor.empty(%n) : tensor<?x200xf32>
  %t = stamp.transform #haar along 0 block_order ins(%x : tensor<?x1024xf32>)
      outs(%ex : tensor<?x1024xf32>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[0.0625 : 8], 4> along 0 over 1 block_order of #haar
      ins(%t : tensor<?x1024xf32>)
      outs(%eq, %es, %ez : tensor<?x1024xi8>, tensor<?xf32>, tensor<?xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<?x200xi32>) -> tensor<?x200xi32>
  %a = linalg.matmul ins(%q, %w : tensor<?x1024xi8>, tensor<1024x200xi8>)
      outs(%zero : tensor<?x200xi32>) -> tensor<?x200xi32>
  %r = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<?x200xi32>, tensor<?xf32>, tensor<?xi32>,
          tensor<200xf32>, tensor<200xi32>)
      bias(%bias : tensor<200xf32>) spread(%spread : tensor<?xf32>)
      outs(%ey : tensor<?x200xf32>)
  %y = stamp.inverse_transform #haar along 0 block_order ins(%r : tensor<?x200xf32>)
      outs(%ey : tensor<?x200xf32>)
  return %y : tensor<?x200xf32>
}
