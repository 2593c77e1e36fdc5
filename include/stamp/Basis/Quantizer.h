//===- Quantizer.h - Quantizers and the integer linear layer ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// The quantizers of docs/Semantics.md, in its order of float operations. The
// weight quantizer also runs inside the compiler, on whole models, so it works
// on raw buffers and is fast; the integer linear layer is here to define what
// compiled code computes, and is not.
//
//===---------------------------------------------------------------------===//

#ifndef STAMP_BASIS_QUANTIZER_H
#define STAMP_BASIS_QUANTIZER_H

#include "stamp/Basis/PrecisionSchedule.h"

#include <cstdint>

namespace stamp {

/// Rows whose range, and weights whose magnitude, stay below this, 2⁻¹¹⁸, count
/// as zero: 1/s would come near the end of the float range.
constexpr float kNegligible = 0x1p-118f;

/// The nearest integer, ties to even, whatever the dynamic rounding mode, and
/// in a form that vectorizes. Precondition: |x| <= 2²².
inline int32_t roundHalfToEven(float x) {
  int32_t whole = static_cast<int32_t>(x);
  float rest = x - static_cast<float>(whole); // Exact.
  int32_t odd = whole & 1;
  int32_t up = (rest > 0.5f) | ((rest == 0.5f) & odd);
  int32_t down = (rest < -0.5f) | ((rest == -0.5f) & odd);
  return whole + up - down;
}

/// What dequantization needs to know of a row: x ≈ (code − zeroPoint)·scale.
/// The scale is NaN if the row had no finite range.
struct RowQuantization {
  float scale;
  int32_t zeroPoint;
};

/// Quantize one token of `features` floats, asymmetrically, to codes
/// 0 … levels − 1, stored (like the zero point) less ⌊levels/2⌋: that is
/// 2^(b−1) for the 2^b levels of b bits. `levels` need not be a power of two.
/// Precondition: 2 <= levels <= 256.
RowQuantization quantizeRow(const float *x, int64_t features, int levels,
                            int8_t *codes);

/// How many groups of `group` neighbours `size` makes, the last of which may be
/// shorter. A group of 0, everywhere here, is one group of all.
inline int64_t numGroups(int64_t size, int64_t group) {
  return group ? (size + group - 1) / group : 1;
}

/// Quantize x, seqLen × features, row by row under a schedule, and each group
/// of features in a row by itself. Writes seqLen × features codes, and seqLen ×
/// groups scales and zero points.
void quantize(const float *x, int64_t seqLen, int64_t features,
              const PrecisionSchedule &schedule, int8_t *codes, float *scales,
              int32_t *zeroPoints, int64_t group = 0);

/// x = (code − zeroPoint)·scale, the difference in integers.
void dequantize(const int8_t *codes, const float *scales,
                const int32_t *zeroPoints, int64_t seqLen, int64_t features,
                float *x, int64_t group = 0);

/// A dense row-major weight seen as outer × reduced × inner: `reduced` is the
/// dimension that the contraction sums over, and each of the outer·inner
/// channels has a scale of its own, or one per `group` of its inputs. K×N is
/// 1×K×N, N×K is N×K×1, and so on for any position of the reduced dimension in
/// any rank.
struct WeightShape {
  int64_t outer;
  int64_t reduced;
  int64_t inner;
  int64_t group = 0;

  int64_t groups() const { return numGroups(reduced, group); }
  int64_t scales() const { return outer * groups() * inner; }
  int64_t elements() const { return outer * reduced * inner; }
};

/// Quantize a weight symmetrically per channel and group to ±(2^(bits−1) − 1).
/// `codes` is laid out like the weight; `scales` is outer × groups × inner; a
/// group with a NaN or an infinity gets scale NaN and codes 0.
/// Precondition: 2 <= bits <= 8.
void quantizeWeight(const float *weight, WeightShape shape, int bits,
                    int8_t *codes, float *scales);

/// The sum of each group's codes (outer × groups × inner), which turns the
/// activations' zero points into one correction per output and group.
void columnSums(const int8_t *codes, WeightShape shape, int32_t *sums);

/// acc = x·w in wrapping i32, with x seqLen × inputs and w inputs × outputs,
/// and acc seqLen × groups × outputs: one sum per group of inputs.
void integerLinear(const int8_t *x, const int8_t *w, int64_t seqLen,
                   int64_t inputs, int64_t outputs, int32_t *acc,
                   int64_t group = 0);

/// The accumulators of an integer linear: seqLen × groups × outputs.
struct AccumulatorShape {
  int64_t seqLen;
  int64_t outputs;
  int64_t groups = 1;
  /// Whether scales and zero points, and weight scales, are one per group too.
  bool groupsHaveRows = true;
  bool groupsHaveScales = true;
};

/// From the accumulators to seqLen × outputs floats:
///
///   y = Σ_g (scale·weightScale)·float(acc_g − zeroPoint·weightSum_g) [ +
///   l·bias ]
///
/// with g ascending. `bias` is null or one float per output; `ones` is then
/// null for l = 1, or L·1, one float per row.
void rescale(const int32_t *acc, const float *scales, const int32_t *zeroPoints,
             const float *weightScales, const int32_t *weightSums,
             const float *ones, const float *bias, AccumulatorShape shape,
             float *y);

} // namespace stamp

#endif // STAMP_BASIS_QUANTIZER_H
