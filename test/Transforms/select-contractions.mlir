// RUN: stamp-opt %s --stamp-select --remarks-filter="stamp.*" --remark-format=emitRemark 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --implicit-check-not=remark: --input-file=%t

// Contractions are told by their maps, and weights through what only copies them.

// CHECK-LABEL: func @transposed_by_maps
//       CHECK:   linalg.matmul indexing_maps = {{.*}} {stamp.plan =
func.func @transposed_by_maps(%x: tensor<32x8xf32>, %y: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %w = arith.constant dense<1.0> : tensor<4x8xf32>
  %0 = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<32x8xf32>, tensor<4x8xf32>) outs(%y : tensor<32x4xf32>) -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}

// CHECK-LABEL: func @tokens_in_columns
//       CHECK:   linalg.matmul {stamp.plan =
func.func @tokens_in_columns(%x: tensor<8x32xf32>, %y: tensor<4x32xf32>) -> tensor<4x32xf32> {
  %w = arith.constant dense<1.0> : tensor<4x8xf32>
  %0 = linalg.matmul ins(%w, %x : tensor<4x8xf32>, tensor<8x32xf32>) outs(%y : tensor<4x32xf32>) -> tensor<4x32xf32>
  return %0 : tensor<4x32xf32>
}

// CHECK-LABEL: func @weight_broadcast_by_maps
//       CHECK:   linalg.batch_matmul indexing_maps = {{.*}} {stamp.plan =
func.func @weight_broadcast_by_maps(%x: tensor<2x32x8xf32>, %y: tensor<2x32x4xf32>) -> tensor<2x32x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %0 = linalg.batch_matmul
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%x, %w : tensor<2x32x8xf32>, tensor<8x4xf32>) outs(%y : tensor<2x32x4xf32>) -> tensor<2x32x4xf32>
  return %0 : tensor<2x32x4xf32>
}

// Decoding in a batch: the sequence is the last dimension of tokens, however
// long it is.
// CHECK-LABEL: func @one_token_each
//   CHECK-NOT:   stamp.plan
func.func @one_token_each(%x: tensor<32x1x8xf32>, %y: tensor<32x1x4xf32>) -> tensor<32x1x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="its 1 token(s) are fewer than min-tokens = 2; min-tokens = 1 or a stamp.plan of its own would choose it"
  %0 = linalg.contract
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%x, %w : tensor<32x1x8xf32>, tensor<8x4xf32>) outs(%y : tensor<32x1x4xf32>) -> tensor<32x1x4xf32>
  return %0 : tensor<32x1x4xf32>
}

// CHECK-LABEL: func @pixels
//       CHECK:   linalg.conv_2d_nhwc_hwcf {{.*}}stamp.plan = #stamp.plan<basis = #stamp.haar2d<levels = 3, grid = 4x8>
//       CHECK:   linalg.conv_2d_nchw_fchw {{.*}}stamp.plan = #stamp.plan<basis = #stamp.haar2d<levels = 4, grid = 32x2>
//       CHECK:   linalg.conv_2d_nhwc_fhwc {{.*}}stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>
func.func @pixels(%a: tensor<1x4x8x3xf32>, %b: tensor<1x3x32x2xf32>, %c: tensor<1x?x8x3xf32>,
                  %ya: tensor<1x4x8x5xf32>, %yb: tensor<1x5x32x2xf32>, %yc: tensor<1x?x8x5xf32>)
    -> (tensor<1x4x8x5xf32>, tensor<1x5x32x2xf32>, tensor<1x?x8x5xf32>) {
  %hwcf = arith.constant dense<1.0> : tensor<1x1x3x5xf32>
  %fchw = arith.constant dense<1.0> : tensor<5x3x1x1xf32>
  %fhwc = arith.constant dense<1.0> : tensor<5x1x1x3xf32>
  %0 = linalg.conv_2d_nhwc_hwcf ins(%a, %hwcf : tensor<1x4x8x3xf32>, tensor<1x1x3x5xf32>) outs(%ya : tensor<1x4x8x5xf32>) -> tensor<1x4x8x5xf32>
  %1 = linalg.conv_2d_nchw_fchw ins(%b, %fchw : tensor<1x3x32x2xf32>, tensor<5x3x1x1xf32>) outs(%yb : tensor<1x5x32x2xf32>) -> tensor<1x5x32x2xf32>
  %2 = linalg.conv_2d_nhwc_fhwc ins(%c, %fhwc : tensor<1x?x8x3xf32>, tensor<5x1x1x3xf32>) outs(%yc : tensor<1x?x8x5xf32>) -> tensor<1x?x8x5xf32>
  return %0, %1, %2 : tensor<1x4x8x5xf32>, tensor<1x5x32x2xf32>, tensor<1x?x8x5xf32>
}

// CHECK-LABEL: func @in_a_region
//       CHECK:   scf.if
//       CHECK:     linalg.matmul {stamp.plan =
func.func @in_a_region(%x: tensor<32x8xf32>, %y: tensor<32x4xf32>, %p: i1) -> tensor<32x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %r = scf.if %p -> tensor<32x4xf32> {
    %0 = linalg.matmul ins(%x, %w : tensor<32x8xf32>, tensor<8x4xf32>) outs(%y : tensor<32x4xf32>) -> tensor<32x4xf32>
    scf.yield %0 : tensor<32x4xf32>
  } else {
    scf.yield %y : tensor<32x4xf32>
  }
  return %r : tensor<32x4xf32>
}

// The tokens of a linalg.mmt4d are in blocks of rows.
// CHECK-LABEL: func @blocked
//       CHECK:   linalg.mmt4d {stamp.plan =
func.func @blocked(%x: tensor<4x2x8x4xf32>, %y: tensor<4x3x8x16xf32>) -> tensor<4x3x8x16xf32> {
  %w = arith.constant dense<1.0> : tensor<3x2x16x4xf32>
  %0 = linalg.mmt4d ins(%x, %w : tensor<4x2x8x4xf32>, tensor<3x2x16x4xf32>) outs(%y : tensor<4x3x8x16xf32>) -> tensor<4x3x8x16xf32>
  return %0 : tensor<4x3x8x16xf32>
}

// CHECK-LABEL: func @two_sums
//       CHECK:   linalg.contract {{.*}}{stamp.plan =
func.func @two_sums(%x: tensor<32x2x8xf32>, %y: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %w = arith.constant dense<1.0> : tensor<2x8x4xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(m, n, h, k) -> (m, h, k)>, affine_map<(m, n, h, k) -> (h, k, n)>, affine_map<(m, n, h, k) -> (m, n)>]
      ins(%x, %w : tensor<32x2x8xf32>, tensor<2x8x4xf32>) outs(%y : tensor<32x4xf32>) -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}

// CHECK-LABEL: func @channels_of_heads
//       CHECK:   linalg.contract {{.*}}{stamp.plan =
func.func @channels_of_heads(%x: tensor<32x8xf32>, %y: tensor<32x2x4xf32>) -> tensor<32x2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x2x4xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(m, h, n, k) -> (m, k)>, affine_map<(m, h, n, k) -> (k, h, n)>, affine_map<(m, h, n, k) -> (m, h, n)>]
      ins(%x, %w : tensor<32x8xf32>, tensor<8x2x4xf32>) outs(%y : tensor<32x2x4xf32>) -> tensor<32x2x4xf32>
  return %0 : tensor<32x2x4xf32>
}

// A fully connected layer as a convolution: what was a matrix is one again. Of
// images that are of one pixel by themselves each is a sequence of one token.
// CHECK-LABEL: func @rows_as_images
//       CHECK:   linalg.conv_2d_nhwc_fhwc {{.*}}stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>
//   CHECK-NOT:   stamp.plan
func.func @rows_as_images(%rows: tensor<32x8xf32>, %images: tensor<32x1x1x8xf32>, %y: tensor<32x1x1x4xf32>) -> (tensor<32x1x1x4xf32>, tensor<32x1x1x4xf32>) {
  %w = arith.constant dense<1.0> : tensor<4x1x1x8xf32>
  %x = tensor.expand_shape %rows [[0, 1, 2], [3]] output_shape [32, 1, 1, 8] : tensor<32x8xf32> into tensor<32x1x1x8xf32>
  %0 = linalg.conv_2d_nhwc_fhwc ins(%x, %w : tensor<32x1x1x8xf32>, tensor<4x1x1x8xf32>) outs(%y : tensor<32x1x1x4xf32>) -> tensor<32x1x1x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="its 1 token(s) are fewer than min-tokens = 2; min-tokens = 1 or a stamp.plan of its own would choose it"
  %1 = linalg.conv_2d_nhwc_fhwc ins(%images, %w : tensor<32x1x1x8xf32>, tensor<4x1x1x8xf32>) outs(%y : tensor<32x1x1x4xf32>) -> tensor<32x1x1x4xf32>
  return %0, %1 : tensor<32x1x1x4xf32>, tensor<32x1x1x4xf32>
}

// Along one side, pixels are tokens as they are.
// CHECK-LABEL: func @one_side
//       CHECK:   linalg.conv_1d_nwc_wcf {{.*}}stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>
//       CHECK:   linalg.conv_1d_ncw_fcw {{.*}}stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>
func.func @one_side(%a: tensor<2x16x3xf32>, %b: tensor<2x3x16xf32>, %ya: tensor<2x16x5xf32>, %yb: tensor<2x5x16xf32>) -> (tensor<2x16x5xf32>, tensor<2x5x16xf32>) {
  %wcf = arith.constant dense<1.0> : tensor<1x3x5xf32>
  %fcw = arith.constant dense<1.0> : tensor<5x3x1xf32>
  %0 = linalg.conv_1d_nwc_wcf ins(%a, %wcf : tensor<2x16x3xf32>, tensor<1x3x5xf32>) outs(%ya : tensor<2x16x5xf32>) -> tensor<2x16x5xf32>
  %1 = linalg.conv_1d_ncw_fcw ins(%b, %fcw : tensor<2x3x16xf32>, tensor<5x3x1xf32>) outs(%yb : tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  return %0, %1 : tensor<2x16x5xf32>, tensor<2x5x16xf32>
}

// The grid is that of the pixels that are read.
// CHECK-LABEL: func @a_stride
//       CHECK:   linalg.conv_2d_nhwc_hwcf {{.*}}stamp.plan = #stamp.plan<basis = #stamp.haar2d<levels = 2, grid = 4x3>
func.func @a_stride(%x: tensor<1x8x9x3xf32>, %y: tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32> {
  %w = arith.constant dense<1.0> : tensor<1x1x3x5xf32>
  %0 = linalg.conv_2d_nhwc_hwcf {strides = dense<[2, 3]> : tensor<2xi64>} ins(%x, %w : tensor<1x8x9x3xf32>, tensor<1x1x3x5xf32>) outs(%y : tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  return %0 : tensor<1x4x3x5xf32>
}

// Index 0 of a dimension of size 1 says nothing, nor does a loop of one step.
// CHECK-LABEL: func @units
//       CHECK:   linalg.generic {{.*}}{stamp.plan =
func.func @units(%x: tensor<1x32x8xf32>, %y: tensor<1x32x4x1xf32>) -> tensor<1x32x4x1xf32> {
  %w = arith.constant dense<1.0> : tensor<1x8x4x1xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(m, n, u, k) -> (0, m, k)>, affine_map<(m, n, u, k) -> (0, k, n, 0)>, affine_map<(m, n, u, k) -> (0, m, n, u)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1x32x8xf32>, tensor<1x8x4x1xf32>) outs(%y : tensor<1x32x4x1xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x32x4x1xf32>
  return %0 : tensor<1x32x4x1xf32>
}

// What a linalg.conv_2d_nchw_fchw of one pixel becomes as a generic.
// CHECK-LABEL: func @pixels_of_a_generic
//       CHECK:   linalg.generic {{.*}}{stamp.plan =
func.func @pixels_of_a_generic(%x: tensor<1x3x4x16xf32>, %y: tensor<1x5x4x16xf32>) -> tensor<1x5x4x16xf32> {
  %w = arith.constant dense<1.0> : tensor<5x3x1x1xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, f, h, w, c, i, j) -> (b, c, h + i, w + j)>, affine_map<(b, f, h, w, c, i, j) -> (f, c, i, j)>, affine_map<(b, f, h, w, c, i, j) -> (b, f, h, w)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<1x3x4x16xf32>, tensor<5x3x1x1xf32>) outs(%y : tensor<1x5x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x5x4x16xf32>
  return %0 : tensor<1x5x4x16xf32>
}

func.func private @without_a_body(tensor<32x8xf32>) -> tensor<32x4xf32>

// Everything below stays as it is, for a reason.

// CHECK-LABEL: func @attention
//   CHECK-NOT:   stamp.plan
func.func @attention(%q: tensor<2x32x8xf32>, %k: tensor<2x32x8xf32>, %y: tensor<2x32x32xf32>) -> tensor<2x32x32xf32> {
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="its weight is argument #1 of the function; mark that with stamp.weight if it is the same in every call, or give the linear a stamp.plan to quantize it at run time"
  %0 = linalg.batch_matmul
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%q, %k : tensor<2x32x8xf32>, tensor<2x32x8xf32>) outs(%y : tensor<2x32x32xf32>) -> tensor<2x32x32xf32>
  return %0 : tensor<2x32x32xf32>
}

func.func @a_vector_for_tokens(%x: tensor<8xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %w = arith.constant dense<1.0> : tensor<4x8xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="no dimension of its activations is a sequence, which the result has and the weight has not; it is a product of a vector, or of two tensors with the same batch"
  %0 = linalg.matvec ins(%w, %x : tensor<4x8xf32>, tensor<8xf32>) outs(%y : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// All channels alike.
func.func @repeated_channels(%x: tensor<32x8xf32>, %y: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %w = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
  %e = tensor.empty() : tensor<8x4xf32>
  %b = linalg.broadcast ins(%w : tensor<8xf32>) outs(%e : tensor<8x4xf32>) dimensions = [1]
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="one of its loops runs over one operand alone, which is summed up or repeated; do that in an op of its own"
  %0 = linalg.matmul ins(%x, %b : tensor<32x8xf32>, tensor<8x4xf32>) outs(%y : tensor<32x4xf32>) -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}

func.func @more_in_the_body(%x: tensor<32x8xf32>, %y: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="its body does more than multiply and add; move what else it computes into an op of its own"
  %0 = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<32x8xf32>, tensor<8x4xf32>) outs(%y : tensor<32x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %n = arith.negf %a : f32
    %p = arith.mulf %n, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}

func.func @a_larger_filter(%x: tensor<1x6x6x3xf32>, %y: tensor<1x4x4x5xf32>) -> tensor<1x4x4x5xf32> {
  %w = arith.constant dense<1.0> : tensor<3x3x3x5xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="its filter covers more than one pixel; as a 1x1 convolution of gathered pixels (im2col) it would be a linear"
  %0 = linalg.conv_2d_nhwc_hwcf ins(%x, %w : tensor<1x6x6x3xf32>, tensor<3x3x3x5xf32>) outs(%y : tensor<1x4x4x5xf32>) -> tensor<1x4x4x5xf32>
  return %0 : tensor<1x4x4x5xf32>
}

func.func @one_channel(%x: tensor<32x8xf32>, %y: tensor<32x1xf32>) -> tensor<32x1xf32> {
  %w = arith.constant dense<1.0> : tensor<8xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="its weight is a vector; expand it to a matrix of one column"
  %0 = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (k)>, affine_map<(m, k) -> (m, 0)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : tensor<32x8xf32>, tensor<8xf32>) outs(%y : tensor<32x1xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<32x1xf32>
  return %0 : tensor<32x1xf32>
}

func.func @a_row_of_two(%x: tensor<32x8xf32>, %y: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %w = arith.constant dense<1.0> : tensor<2x8x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="it reads index 0 of a dimension that is not of size 1; take a slice of that operand before"
  %0 = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (0, k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<32x8xf32>, tensor<2x8x4xf32>) outs(%y : tensor<32x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}

func.func @a_scale_in_the_body(%x: tensor<32x8xf32>, %scale: tensor<4xf32>, %y: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="it has other operands than two factors and a sum; compute what they add, such as a scale, in an op of its own, on the weight or on the result"
  %0 = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %scale : tensor<32x8xf32>, tensor<8x4xf32>, tensor<4xf32>) outs(%y : tensor<32x4xf32>) {
  ^bb0(%a: f32, %b: f32, %f: f32, %c: f32):
    %v = arith.mulf %b, %f : f32
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}

func.func @fused_multiply_add(%x: tensor<32x8xf32>, %y: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="its body does more than multiply and add; move what else it computes into an op of its own"
  %0 = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<32x8xf32>, tensor<8x4xf32>) outs(%y : tensor<32x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = math.fma %a, %b, %c : f32
    linalg.yield %s : f32
  } -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}

func.func @a_filter_for_each_channel(%x: tensor<1x6x6x3xf32>, %y: tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32> {
  %w = arith.constant dense<1.0> : tensor<3x3x3xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="an operand is not read at one loop per dimension, as a convolution of several pixels or of groups reads it; as a 1x1 convolution, or a matmul, of gathered pixels (im2col) it would be a linear"
  %0 = linalg.depthwise_conv_2d_nhwc_hwc ins(%x, %w : tensor<1x6x6x3xf32>, tensor<3x3x3xf32>) outs(%y : tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32>
  return %0 : tensor<1x4x4x3xf32>
}

// A low-rank change of a weight is none of the activations.
func.func @two_constants(%y: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %a = arith.constant dense<1.0> : tensor<32x2xf32>
  %b = arith.constant dense<1.0> : tensor<2x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="both its operands are known before the program runs; compute it then, so that its result is a constant"
  %0 = linalg.matmul ins(%a, %b : tensor<32x2xf32>, tensor<2x4xf32>) outs(%y : tensor<32x4xf32>) -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}

func.func @complex_numbers(%x: tensor<32x8xcomplex<f32>>, %w: tensor<8x4xcomplex<f32>>, %y: tensor<32x4xcomplex<f32>>) -> tensor<32x4xcomplex<f32>> {
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="its element types are not f32, f16 or bf16; convert them first"
  %0 = linalg.matmul ins(%x, %w : tensor<32x8xcomplex<f32>>, tensor<8x4xcomplex<f32>>) outs(%y : tensor<32x4xcomplex<f32>>) -> tensor<32x4xcomplex<f32>>
  return %0 : tensor<32x4xcomplex<f32>>
}

func.func @quantized_elsewhere(%x: tensor<32x8xi8>, %y: tensor<32x4xi32>) -> tensor<32x4xi32> {
  %w = arith.constant dense<1> : tensor<8x4xi8>
  %z = arith.constant 3 : i32
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} Reason="its operands are integers: it is quantized already; nothing is left to do"
  %0 = linalg.quantized_matmul ins(%x, %w, %z, %z : tensor<32x8xi8>, tensor<8x4xi8>, i32, i32) outs(%y : tensor<32x4xi32>) -> tensor<32x4xi32>
  return %0 : tensor<32x4xi32>
}

// No contractions: sums of squares, even of what two operands make.
func.func @variance(%x: tensor<32x8xf32>, %mean: tensor<32xf32>, %y: tensor<32xf32>) -> tensor<32xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>, affine_map<(m, k) -> (m)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x, %mean : tensor<32x8xf32>, tensor<32xf32>) outs(%y : tensor<32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %d = arith.subf %a, %b : f32
    %p = arith.mulf %d, %d : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<32xf32>
  return %0 : tensor<32xf32>
}

// REMARK: remark: [Analysis] {{.*}} contractions=31, left=15, selected=16
