//===- Quantizer.cpp - Quantizers and integer linears --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Quantizer.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace stamp;

static constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

//===---------------------------------------------------------------------===//
// Activations
//===---------------------------------------------------------------------===//

/// max(0, max x) − min(0, min x), and the minimum; NaN if x has a NaN.
static float widenedRange(const float *x, int64_t features, float &lo) {
  float hi = 0.0f;
  bool ordered = true;
  lo = 0.0f;
  for (int64_t j = 0; j < features; ++j) {
    lo = std::min(lo, x[j]);
    hi = std::max(hi, x[j]);
    ordered &= !std::isnan(x[j]);
  }
  return ordered ? hi - lo : kNaN;
}

RowQuantization stamp::quantizeRow(const float *x, int64_t features, int levels,
                                   int8_t *codes) {
  assert(levels >= 2 && levels <= 256);
  int32_t offset = levels / 2;
  int32_t last = levels - 1;

  float lo;
  float range = widenedRange(x, features, lo);
  if (!std::isfinite(range)) {
    std::fill_n(codes, features, static_cast<int8_t>(-offset));
    return {kNaN, -offset};
  }

  float scale = range < kNegligible ? 1.0f : range / static_cast<float>(last);
  int32_t zeroPoint = roundHalfToEven(-lo / scale);
  float inverseScale = 1.0f / scale;
  for (int64_t j = 0; j < features; ++j) {
    int32_t code = roundHalfToEven(x[j] * inverseScale) + zeroPoint;
    codes[j] = static_cast<int8_t>(std::clamp(code, 0, last) - offset);
  }
  return {scale, zeroPoint - offset};
}

void stamp::quantize(const float *x, int64_t seqLen, int64_t features,
                     const PrecisionSchedule &schedule, int8_t *codes,
                     float *scales, int32_t *zeroPoints) {
  std::vector<int> bits = schedule.bitsPerRow(seqLen);
  for (int64_t i = 0; i < seqLen; ++i) {
    RowQuantization row = quantizeRow(x + i * features, features, 1 << bits[i],
                                      codes + i * features);
    scales[i] = row.scale;
    zeroPoints[i] = row.zeroPoint;
  }
}

void stamp::dequantize(const int8_t *codes, const float *scales,
                       const int32_t *zeroPoints, int64_t seqLen,
                       int64_t features, float *x) {
  for (int64_t i = 0; i < seqLen; ++i)
    for (int64_t j = 0; j < features; ++j) {
      int64_t at = i * features + j;
      x[at] = static_cast<float>(codes[at] - zeroPoints[i]) * scales[i];
    }
}

//===---------------------------------------------------------------------===//
// Weights
//===---------------------------------------------------------------------===//

// The loops below walk memory in order whatever dimension is reduced: over a
// slab's rows with a result per column, or, where a row is one element, down
// the single column. Both forms vectorize.

/// The bits of |w|. As integers they order like the magnitudes, with infinities
/// and then NaNs on top, so that a maximum loses neither.
static int32_t magnitudeBits(float w) {
  int32_t bits;
  std::memcpy(&bits, &w, sizeof(bits));
  return bits & 0x7fffffff;
}

static void maxMagnitudes(const float *slab, int64_t reduced, int64_t inner,
                          int32_t *magnitudes) {
  if (inner == 1) {
    int32_t most = 0;
    for (int64_t k = 0; k < reduced; ++k)
      most = std::max(most, magnitudeBits(slab[k]));
    *magnitudes = most;
    return;
  }
  std::fill_n(magnitudes, inner, 0);
  for (int64_t k = 0; k < reduced; ++k)
    for (int64_t i = 0; i < inner; ++i)
      magnitudes[i] =
          std::max(magnitudes[i], magnitudeBits(slab[k * inner + i]));
}

static float weightScale(int32_t maxMagnitude, int32_t last) {
  float most;
  std::memcpy(&most, &maxMagnitude, sizeof(most));
  if (!std::isfinite(most))
    return kNaN;
  return most < kNegligible ? 1.0f : most / static_cast<float>(last);
}

static int8_t weightCode(float w, float scale, int32_t last) {
  // Without a scale w/scale is a NaN, which has no integer.
  float quotient = scale == scale ? w / scale : 0.0f;
  return static_cast<int8_t>(
      std::clamp(roundHalfToEven(quotient), -last, last));
}

void stamp::quantizeWeight(const float *weight, WeightShape shape, int bits,
                           int8_t *codes, float *scales) {
  assert(bits >= 2 && bits <= 8);
  auto [outer, reduced, inner] = shape;
  int32_t last = (1 << (bits - 1)) - 1;
  std::vector<int32_t> magnitudes(inner);
  for (int64_t o = 0; o < outer; ++o) {
    const float *slab = weight + o * reduced * inner;
    int8_t *slabCodes = codes + o * reduced * inner;
    float *slabScales = scales + o * inner;

    maxMagnitudes(slab, reduced, inner, magnitudes.data());
    for (int64_t i = 0; i < inner; ++i)
      slabScales[i] = weightScale(magnitudes[i], last);

    if (inner == 1) {
      float scale = *slabScales;
      for (int64_t k = 0; k < reduced; ++k)
        slabCodes[k] = weightCode(slab[k], scale, last);
      continue;
    }
    for (int64_t k = 0; k < reduced; ++k)
      for (int64_t i = 0; i < inner; ++i)
        slabCodes[k * inner + i] =
            weightCode(slab[k * inner + i], slabScales[i], last);
  }
}

void stamp::columnSums(const int8_t *codes, WeightShape shape, int32_t *sums) {
  auto [outer, reduced, inner] = shape;
  std::fill_n(sums, shape.channels(), 0);
  for (int64_t o = 0; o < outer; ++o) {
    const int8_t *slab = codes + o * reduced * inner;
    int32_t *slabSums = sums + o * inner;
    if (inner == 1) {
      int32_t sum = 0;
      for (int64_t k = 0; k < reduced; ++k)
        sum += slab[k];
      *slabSums = sum;
      continue;
    }
    for (int64_t k = 0; k < reduced; ++k)
      for (int64_t i = 0; i < inner; ++i)
        slabSums[i] += slab[k * inner + i];
  }
}

//===---------------------------------------------------------------------===//
// The integer linear layer
//===---------------------------------------------------------------------===//

void stamp::integerLinear(const int8_t *x, const int8_t *w, int64_t seqLen,
                          int64_t inputs, int64_t outputs, int32_t *acc) {
  std::vector<uint32_t> sums(outputs); // Unsigned: wraps by definition.
  for (int64_t i = 0; i < seqLen; ++i) {
    std::fill(sums.begin(), sums.end(), 0);
    for (int64_t k = 0; k < inputs; ++k)
      for (int64_t j = 0; j < outputs; ++j)
        sums[j] +=
            static_cast<uint32_t>(x[i * inputs + k] * w[k * outputs + j]);
    std::copy(sums.begin(), sums.end(), acc + i * outputs);
  }
}

void stamp::rescale(const int32_t *acc, const float *scales,
                    const int32_t *zeroPoints, const float *weightScales,
                    const int32_t *weightSums, const float *ones,
                    const float *bias, int64_t seqLen, int64_t outputs,
                    float *y) {
  for (int64_t i = 0; i < seqLen; ++i)
    for (int64_t j = 0; j < outputs; ++j) {
      int64_t at = i * outputs + j;
      uint32_t centred = static_cast<uint32_t>(acc[at]) -
                         static_cast<uint32_t>(zeroPoints[i]) *
                             static_cast<uint32_t>(weightSums[j]);
      float product = (scales[i] * weightScales[j]) *
                      static_cast<float>(static_cast<int32_t>(centred));
      if (bias)
        product += (ones ? ones[i] : 1.0f) * bias[j];
      y[at] = product;
    }
}
