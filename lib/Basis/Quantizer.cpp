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
                     float *scales, int32_t *zeroPoints, int64_t group) {
  std::vector<int> bits = schedule.bitsPerRow(seqLen);
  int64_t length = group ? group : features;
  for (int64_t i = 0; i < seqLen; ++i)
    for (int64_t g = 0; g < numGroups(features, group); ++g) {
      int64_t begin = g * length, end = std::min(begin + length, features);
      int64_t first = i * features + begin;
      RowQuantization row =
          quantizeRow(x + first, end - begin, 1 << bits[i], codes + first);
      *scales++ = row.scale;
      *zeroPoints++ = row.zeroPoint;
    }
}

void stamp::dequantize(const int8_t *codes, const float *scales,
                       const int32_t *zeroPoints, int64_t seqLen,
                       int64_t features, float *x, int64_t group) {
  int64_t groups = numGroups(features, group);
  for (int64_t i = 0; i < seqLen; ++i)
    for (int64_t j = 0; j < features; ++j) {
      int64_t at = i * features + j;
      int64_t row = i * groups + (group ? j / group : 0);
      x[at] = static_cast<float>(codes[at] - zeroPoints[row]) * scales[row];
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

namespace {
/// What has scales of its own: `length` × inner elements, `inner` scales.
struct Slab {
  int64_t firstElement, length, firstScale;
};
} // namespace

/// The slabs of a weight: each outer index, cut into its groups.
static std::vector<Slab> getSlabs(WeightShape shape) {
  std::vector<Slab> slabs;
  int64_t length = shape.group ? shape.group : shape.reduced;
  for (int64_t o = 0; o < shape.outer; ++o)
    for (int64_t g = 0; g < shape.groups(); ++g) {
      int64_t begin = g * length;
      slabs.push_back({(o * shape.reduced + begin) * shape.inner,
                       std::min(length, shape.reduced - begin),
                       (o * shape.groups() + g) * shape.inner});
    }
  return slabs;
}

void stamp::quantizeWeight(const float *weight, WeightShape shape, int bits,
                           int8_t *codes, float *scales) {
  assert(bits >= 2 && bits <= 8);
  int64_t inner = shape.inner;
  int32_t last = (1 << (bits - 1)) - 1;
  std::vector<int32_t> magnitudes(inner);
  for (auto [firstElement, reduced, firstScale] : getSlabs(shape)) {
    const float *slab = weight + firstElement;
    int8_t *slabCodes = codes + firstElement;
    float *slabScales = scales + firstScale;

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
  int64_t inner = shape.inner;
  std::fill_n(sums, shape.scales(), 0);
  for (auto [firstElement, reduced, firstScale] : getSlabs(shape)) {
    const int8_t *slab = codes + firstElement;
    int32_t *slabSums = sums + firstScale;
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
                          int64_t inputs, int64_t outputs, int32_t *acc,
                          int64_t group) {
  int64_t length = group ? group : inputs;
  std::vector<uint32_t> sums(outputs); // Unsigned: wraps by definition.
  for (int64_t i = 0; i < seqLen; ++i)
    for (int64_t g = 0; g < numGroups(inputs, group); ++g) {
      std::fill(sums.begin(), sums.end(), 0);
      int64_t begin = g * length, end = std::min(begin + length, inputs);
      for (int64_t k = begin; k < end; ++k)
        for (int64_t j = 0; j < outputs; ++j)
          sums[j] +=
              static_cast<uint32_t>(x[i * inputs + k] * w[k * outputs + j]);
      acc = std::copy(sums.begin(), sums.end(), acc);
    }
}

void stamp::rescale(const int32_t *acc, const float *scales,
                    const int32_t *zeroPoints, const float *weightScales,
                    const int32_t *weightSums, const float *ones,
                    const float *bias, AccumulatorShape shape, float *y) {
  auto [seqLen, outputs, groups, groupsHaveRows, groupsHaveScales] = shape;
  for (int64_t i = 0; i < seqLen; ++i)
    for (int64_t j = 0; j < outputs; ++j) {
      float sum = -0.0f; // −0 + y is y, for y = 0 as well.
      for (int64_t g = 0; g < groups; ++g) {
        int64_t row = groupsHaveRows ? i * groups + g : i;
        int64_t column = g * outputs + j;
        uint32_t centred =
            static_cast<uint32_t>(acc[(i * groups + g) * outputs + j]) -
            static_cast<uint32_t>(zeroPoints[row]) *
                static_cast<uint32_t>(weightSums[column]);
        float scale = scales[row] * weightScales[groupsHaveScales ? column : j];
        sum += scale * static_cast<float>(static_cast<int32_t>(centred));
      }
      if (bias)
        sum += (ones ? ones[i] : 1.0f) * bias[j];
      y[i * outputs + j] = sum;
    }
}
