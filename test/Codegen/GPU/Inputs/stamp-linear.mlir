// A STaMP linear as the portable lowering writes it, with the order of float
// operations of docs/Semantics.md: one Haar level, the first coefficient row at
// 8 bits and the rest at 4, any number of tokens.
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#col = affine_map<(i, j) -> (j)>
#vec = affine_map<(i) -> (i)>
func.func @stamp_linear(%x: tensor<?x32xf32>, %w: tensor<32x24xi8>, %ws: tensor<24xf32>, %wsum: tensor<24xi32>) -> tensor<?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
  %izero = arith.constant 0 : i32
  %c = arith.constant 0.707106769 : f32
  %s = tensor.dim %x, %c0 : tensor<?x32xf32>
  %pairs = arith.divui %s, %c2 : index
  %coarse = arith.subi %s, %pairs : index
  // Forward Haar.
  %x0 = tensor.extract_slice %x[0, 0] [%pairs, 32] [2, 1] : tensor<?x32xf32> to tensor<?x32xf32>
  %x1 = tensor.extract_slice %x[1, 0] [%pairs, 32] [2, 1] : tensor<?x32xf32> to tensor<?x32xf32>
  %he = tensor.empty(%pairs) : tensor<?x32xf32>
  %a = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x0, %x1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%he : tensor<?x32xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t = arith.addf %p, %q : f32
    %u = arith.mulf %t, %c : f32
    linalg.yield %u : f32
  } -> tensor<?x32xf32>
  %d = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x0, %x1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%he : tensor<?x32xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t = arith.subf %p, %q : f32
    %u = arith.mulf %t, %c : f32
    linalg.yield %u : f32
  } -> tensor<?x32xf32>
  %odd = arith.subi %coarse, %pairs : index
  %last = arith.muli %pairs, %c2 : index
  %xl = tensor.extract_slice %x[%last, 0] [%odd, 32] [1, 1] : tensor<?x32xf32> to tensor<?x32xf32>
  %e = tensor.empty(%s) : tensor<?x32xf32>
  %i0 = tensor.insert_slice %a into %e[0, 0] [%pairs, 32] [1, 1] : tensor<?x32xf32> into tensor<?x32xf32>
  %i1 = tensor.insert_slice %xl into %i0[%pairs, 0] [%odd, 32] [1, 1] : tensor<?x32xf32> into tensor<?x32xf32>
  %t = tensor.insert_slice %d into %i1[%coarse, 0] [%pairs, 32] [1, 1] : tensor<?x32xf32> into tensor<?x32xf32>
  // Quantize.
  %ve = tensor.empty(%s) : tensor<?xf32>
  %v0 = linalg.fill ins(%zero : f32) outs(%ve : tensor<?xf32>) -> tensor<?xf32>
  %mn = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%t : tensor<?x32xf32>) outs(%v0 : tensor<?xf32>) {
  ^bb0(%p: f32, %o: f32):
    %m = arith.minimumf %p, %o : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %mx = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%t : tensor<?x32xf32>) outs(%v0 : tensor<?xf32>) {
  ^bb0(%p: f32, %o: f32):
    %m = arith.maximumf %p, %o : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %n8 = arith.constant 255.0 : f32
  %n4 = arith.constant 15.0 : f32
  %o8 = arith.constant 128 : i32
  %o4 = arith.constant 8 : i32
  %one = arith.constant 1.0 : f32
  %tiny = arith.constant 3.00926555E-36 : f32
  %inf = arith.constant 0x7F800000 : f32
  %nan = arith.constant 0x7FC00000 : f32
  %iv = tensor.empty(%s) : tensor<?xi32>
  %scale, %zp = linalg.generic {indexing_maps = [#vec, #vec, #vec, #vec], iterator_types = ["parallel"]} ins(%mn, %mx : tensor<?xf32>, tensor<?xf32>) outs(%ve, %iv : tensor<?xf32>, tensor<?xi32>) {
  ^bb0(%l: f32, %h: f32, %os: f32, %oz: i32):
    %i = linalg.index 0 : index
    %first = arith.cmpi ult, %i, %c1 : index
    %levels = arith.select %first, %n8, %n4 : f32
    %off = arith.select %first, %o8, %o4 : i32
    %range = arith.subf %h, %l : f32
    %finite = arith.cmpf olt, %range, %inf : f32
    %dead = arith.cmpf olt, %range, %tiny : f32
    %s0 = arith.divf %range, %levels : f32
    %s1 = arith.select %dead, %one, %s0 : f32
    %s2 = arith.select %finite, %s1, %one : f32
    %neg = arith.negf %l : f32
    %z0 = arith.divf %neg, %s2 : f32
    %z1 = math.roundeven %z0 : f32
    %ok = arith.select %finite, %z1, %zero : f32
    %zi = arith.fptosi %ok : f32 to i32
    %z = arith.subi %zi, %off : i32
    %so = arith.select %finite, %s1, %nan : f32
    linalg.yield %so, %z : f32, i32
  } -> (tensor<?xf32>, tensor<?xi32>)
  %ce = tensor.empty(%s) : tensor<?x32xi8>
  %codes = linalg.generic {indexing_maps = [#id, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%t, %scale, %zp : tensor<?x32xf32>, tensor<?xf32>, tensor<?xi32>) outs(%ce : tensor<?x32xi8>) {
  ^bb0(%v: f32, %sc: f32, %z: i32, %o: i8):
    %i = linalg.index 0 : index
    %first = arith.cmpi ult, %i, %c1 : index
    %levels = arith.select %first, %n8, %n4 : f32
    %off = arith.select %first, %o8, %o4 : i32
    %inv = arith.divf %one, %sc : f32
    %y = arith.mulf %v, %inv : f32
    %r = math.roundeven %y : f32
    %zu = arith.addi %z, %off : i32
    %zf = arith.sitofp %zu : i32 to f32
    %q0 = arith.addf %r, %zf : f32
    %q1 = arith.maximumf %q0, %zero : f32
    %q2 = arith.minimumf %q1, %levels : f32
    %fin = arith.cmpf ord, %sc, %sc : f32
    %q3 = arith.select %fin, %q2, %zero : f32
    %qi = arith.fptosi %q3 : f32 to i32
    %qs = arith.subi %qi, %off : i32
    %q = arith.trunci %qs : i32 to i8
    linalg.yield %q : i8
  } -> tensor<?x32xi8>
  // Integer matmul and rescale.
  %ae = tensor.empty(%s) : tensor<?x24xi32>
  %a0 = linalg.fill ins(%izero : i32) outs(%ae : tensor<?x24xi32>) -> tensor<?x24xi32>
  %acc = linalg.matmul ins(%codes, %w : tensor<?x32xi8>, tensor<32x24xi8>) outs(%a0 : tensor<?x24xi32>) -> tensor<?x24xi32>
  %re = tensor.empty(%s) : tensor<?x24xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #row, #col, #col, #id], iterator_types = ["parallel", "parallel"]} ins(%acc, %scale, %zp, %ws, %wsum : tensor<?x24xi32>, tensor<?xf32>, tensor<?xi32>, tensor<24xf32>, tensor<24xi32>) outs(%re : tensor<?x24xf32>) {
  ^bb0(%p: i32, %sc: f32, %z: i32, %wsc: f32, %sum: i32, %o: f32):
    %corr = arith.muli %z, %sum : i32
    %diff = arith.subi %p, %corr : i32
    %f = arith.sitofp %diff : i32 to f32
    %ss = arith.mulf %sc, %wsc : f32
    %r = arith.mulf %ss, %f : f32
    linalg.yield %r : f32
  } -> tensor<?x24xf32>
  // Inverse Haar.
  %ya = tensor.extract_slice %y[0, 0] [%pairs, 24] [1, 1] : tensor<?x24xf32> to tensor<?x24xf32>
  %yd = tensor.extract_slice %y[%coarse, 0] [%pairs, 24] [1, 1] : tensor<?x24xf32> to tensor<?x24xf32>
  %yl = tensor.extract_slice %y[%pairs, 0] [%odd, 24] [1, 1] : tensor<?x24xf32> to tensor<?x24xf32>
  %ye = tensor.empty(%pairs) : tensor<?x24xf32>
  %y0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%ya, %yd : tensor<?x24xf32>, tensor<?x24xf32>) outs(%ye : tensor<?x24xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t1 = arith.addf %p, %q : f32
    %u = arith.mulf %t1, %c : f32
    linalg.yield %u : f32
  } -> tensor<?x24xf32>
  %y1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%ya, %yd : tensor<?x24xf32>, tensor<?x24xf32>) outs(%ye : tensor<?x24xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t1 = arith.subf %p, %q : f32
    %u = arith.mulf %t1, %c : f32
    linalg.yield %u : f32
  } -> tensor<?x24xf32>
  %out = tensor.empty(%s) : tensor<?x24xf32>
  %r0 = tensor.insert_slice %y0 into %out[0, 0] [%pairs, 24] [2, 1] : tensor<?x24xf32> into tensor<?x24xf32>
  %r1 = tensor.insert_slice %y1 into %r0[1, 0] [%pairs, 24] [2, 1] : tensor<?x24xf32> into tensor<?x24xf32>
  %r2 = tensor.insert_slice %yl into %r1[%last, 0] [%odd, 24] [1, 1] : tensor<?x24xf32> into tensor<?x24xf32>
  return %r2 : tensor<?x24xf32>
}
