//===- Theorem1Test.cpp - The bound on the quantization error --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Theorem1.h"
#include "TestData.h"
#include "stamp/Basis/Basis.h"
#include "stamp/Basis/Quantizer.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

using namespace stamp;
using namespace stamp::test;

namespace {

struct Outcome {
  double error; ///< ‖X − L⁻¹Q(LX)‖², the last inverse in double
  double bound;
};

Outcome quantizeThrough(const Basis &basis, const PrecisionSchedule &schedule,
                        const std::vector<float> &x, int64_t seqLen,
                        int64_t features) {
  std::vector<float> coefficients = x;
  basis.forward(coefficients.data(), seqLen, features);

  std::vector<int8_t> codes(x.size());
  std::vector<float> scales(seqLen);
  std::vector<int32_t> zeroPoints(seqLen);
  quantize(coefficients.data(), seqLen, features, schedule, codes.data(),
           scales.data(), zeroPoints.data());
  std::vector<float> dequantized(x.size());
  dequantize(codes.data(), scales.data(), zeroPoints.data(), seqLen, features,
             dequantized.data());
  std::vector<double> back = widened(dequantized);
  basis.inverse(back.data(), seqLen, features);

  Outcome outcome{0, 0};
  for (size_t i = 0; i < x.size(); ++i) {
    double difference = back[i] - static_cast<double>(x[i]);
    outcome.error += difference * difference;
  }
  std::vector<double> energies(seqLen, 0.0);
  for (size_t i = 0; i < x.size(); ++i)
    energies[i / features] += static_cast<double>(coefficients[i]) *
                              static_cast<double>(coefficients[i]);
  outcome.bound =
      theorem1Bound(energies, schedule.bitsPerRow(seqLen), features);
  return outcome;
}

TEST(Theorem1, BoundIsTheFormula) {
  EXPECT_DOUBLE_EQ(theorem1Bound({}, {}, 8), 0.0);
  // 3/2·(9/3² + 30/15²)
  EXPECT_DOUBLE_EQ(theorem1Bound({9, 30}, {2, 4}, 3),
                   1.5 * (1.0 + 30.0 / 225.0));
}

TEST(Theorem1, IsReachedByAPairOfOppositeNumbers) {
  for (int bits = PrecisionSchedule::kMinBits;
       bits <= PrecisionSchedule::kMaxBits; ++bits)
    for (float a : {1.0f, 0.3f, 1000.0f, 0x1p-90f}) {
      Outcome outcome = quantizeThrough(
          IdentityBasis(), PrecisionSchedule({}, bits), {a, -a}, 1, 2);
      EXPECT_NEAR(outcome.error / outcome.bound, 1.0, 1e-4)
          << bits << " bits, a = " << a;
    }
}

std::unique_ptr<Basis> randomBasis(std::mt19937 &random, int64_t seqLen) {
  auto below = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
  int64_t skip = below(3) == 0 ? 1 : 0;
  switch (below(6)) {
  case 0:
    return std::make_unique<IdentityBasis>(skip);
  case 1:
    return std::make_unique<HaarBasis>(1 + below(6), skip);
  case 2: {
    int64_t length = std::max<int64_t>(seqLen - skip, 1), height = 1 + below(6);
    while (length % height != 0)
      --height;
    return std::make_unique<Haar2DBasis>(1 + below(3), height, length / height,
                                         skip);
  }
  case 3:
    return std::make_unique<DCTBasis>(skip);
  case 4:
    return std::make_unique<WHTBasis>(int64_t(1) << below(6), skip);
  default: {
    // Any orthonormal matrix will do: a DCT with its rows in reverse.
    int64_t n = std::max<int64_t>(seqLen - skip, 1);
    std::vector<float> rows = DCTBasis::coefficients(n), reversed;
    for (int64_t k = n - 1; k >= 0; --k)
      reversed.insert(reversed.end(), rows.begin() + k * n,
                      rows.begin() + (k + 1) * n);
    return std::make_unique<MatrixBasis>(n, reversed, std::nullopt, skip);
  }
  }
}

PrecisionSchedule randomSchedule(std::mt19937 &random, int64_t seqLen) {
  auto bits = [&] { return 2 + static_cast<int>(random() % 7); };
  std::vector<Segment> segments;
  for (unsigned left = random() % 4; left > 0; --left) {
    if (random() % 2)
      segments.push_back(Segment::rows(random() % (seqLen + 2), bits()));
    else
      segments.push_back(Segment::fraction((1 + random() % 16) / 16.0, bits()));
  }
  return PrecisionSchedule(segments, bits());
}

/// Noise, correlated rows, heavy tails, rows of very different magnitudes,
/// single spikes, all zeros but a few: at scales from 2⁻⁶⁰ to 2⁶⁰.
std::vector<float> randomInput(std::mt19937 &random, int64_t seqLen,
                               int64_t features) {
  std::normal_distribution<float> normal;
  std::cauchy_distribution<float> cauchy;
  std::vector<float> x(seqLen * features, 0.0f);
  switch (random() % 6) {
  case 0:
    for (float &v : x)
      v = normal(random);
    break;
  case 1:
    x = correlatedRows(seqLen, features, random());
    break;
  case 2:
    for (float &v : x)
      v = cauchy(random);
    break;
  case 3:
    for (int64_t i = 0; i < seqLen; ++i) {
      int exponent = static_cast<int>(random() % 60) - 30;
      for (int64_t j = 0; j < features; ++j)
        x[i * features + j] = std::ldexp(normal(random), exponent);
    }
    break;
  case 4:
    x[random() % x.size()] = normal(random);
    break;
  default:
    // Two values per row: the shape that comes closest to the bound.
    for (int64_t i = 0; i < seqLen; ++i) {
      float a = normal(random);
      for (int64_t j = 0; j < features; ++j)
        x[i * features + j] = random() % 2 ? a : -a;
    }
    break;
  }
  int exponent = static_cast<int>(random() % 121) - 60;
  for (float &v : x)
    v = std::ldexp(v, exponent);
  return x;
}

TEST(Theorem1, HoldsForTwentyThousandRandomInputs) {
  std::mt19937 random(20251026);
  double closest = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    int64_t seqLen = 1 + random() % 40;
    int64_t features = 1 + random() % 24;
    std::unique_ptr<Basis> basis = randomBasis(random, seqLen);
    PrecisionSchedule schedule = randomSchedule(random, seqLen);
    std::vector<float> x = randomInput(random, seqLen, features);
    Outcome outcome = quantizeThrough(*basis, schedule, x, seqLen, features);
    ASSERT_TRUE(std::isfinite(outcome.bound));
    ASSERT_LE(outcome.error, outcome.bound * (1 + 1e-4)) << "trial " << trial;
    if (outcome.bound > 0)
      closest = std::max(closest, outcome.error / outcome.bound);
  }
  // The inputs come near enough to the bound to find a quantizer that breaks
  // it.
  EXPECT_GT(closest, 0.99);
}

TEST(Theorem1, HoldsDownToTheSmallestRangeItSpeaksOf) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<float> x(12);
    for (float &v : x)
      v = std::ldexp(normal(random), -98);
    auto [lo, hi] = std::minmax_element(x.begin(), x.end());
    if (std::max(*hi, 0.0f) - std::min(*lo, 0.0f) < 0x1p-100f)
      continue;
    int bits = 2 + trial % 7;
    Outcome outcome =
        quantizeThrough(IdentityBasis(), PrecisionSchedule({}, bits), x, 1, 12);
    ASSERT_LE(outcome.error, outcome.bound * (1 + 1e-4));
  }
}

} // namespace
