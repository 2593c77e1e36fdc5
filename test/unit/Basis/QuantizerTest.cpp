//===- QuantizerTest.cpp - Quantizers and integer linears ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Quantizer.h"
#include "TestData.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <limits>

using namespace stamp;
using namespace stamp::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Row {
  RowQuantization parameters;
  std::vector<int> codes;
};

Row quantizeRow(const std::vector<float> &x, int levels) {
  std::vector<int8_t> codes(x.size());
  RowQuantization parameters =
      stamp::quantizeRow(x.data(), x.size(), levels, codes.data());
  return {parameters, std::vector<int>(codes.begin(), codes.end())};
}

//===---------------------------------------------------------------------===//
// Rounding
//===---------------------------------------------------------------------===//

TEST(RoundHalfToEven, TakesTiesToTheEvenNeighbour) {
  EXPECT_EQ(roundHalfToEven(0.5f), 0);
  EXPECT_EQ(roundHalfToEven(1.5f), 2);
  EXPECT_EQ(roundHalfToEven(2.5f), 2);
  EXPECT_EQ(roundHalfToEven(-0.5f), 0);
  EXPECT_EQ(roundHalfToEven(-1.5f), -2);
  EXPECT_EQ(roundHalfToEven(-2.5f), -2);
  EXPECT_EQ(roundHalfToEven(std::nextafter(0.5f, 1.0f)), 1);
  EXPECT_EQ(roundHalfToEven(std::nextafter(0.5f, 0.0f)), 0);
  EXPECT_EQ(roundHalfToEven(std::nextafter(-2.5f, -3.0f)), -3);
}

TEST(RoundHalfToEven, IsNearbyintNearTiesAndIntegers) {
  for (int half = -1040; half <= 1040; ++half) {
    float x = 0.5f * static_cast<float>(half);
    for (float y :
         {std::nextafter(x, -kInfinity), x, std::nextafter(x, kInfinity)})
      ASSERT_EQ(roundHalfToEven(y), static_cast<int>(std::nearbyint(y))) << y;
  }
}

TEST(RoundHalfToEven, DoesNotDependOnTheDynamicRoundingMode) {
  volatile float tie = 2.5f, below = 2.3f, above = -2.7f;
  for (int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST}) {
    std::fesetround(mode);
    int results[] = {roundHalfToEven(tie), roundHalfToEven(below),
                     roundHalfToEven(above)};
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(results[0], 2);
    EXPECT_EQ(results[1], 2);
    EXPECT_EQ(results[2], -3);
  }
}

//===---------------------------------------------------------------------===//
// Activations
//===---------------------------------------------------------------------===//

TEST(ActivationQuantizer, StoresCodesAndZeroPointLessHalfTheLevels) {
  Row row = quantizeRow({-1, 0, 2}, 16);
  EXPECT_EQ(row.parameters.scale, 3.0f / 15.0f);
  EXPECT_EQ(row.parameters.zeroPoint, 5 - 8);
  EXPECT_EQ(row.codes, (std::vector<int>{0 - 8, 5 - 8, 15 - 8}));
}

TEST(ActivationQuantizer, WidensTheRangeToHoldZero) {
  Row positive = quantizeRow({5, 10, 15}, 16);
  EXPECT_EQ(positive.parameters.scale, 1.0f);
  EXPECT_EQ(positive.parameters.zeroPoint, -8);
  EXPECT_EQ(positive.codes, (std::vector<int>{-3, 2, 7}));
  Row negative = quantizeRow({-5, -10, -15}, 16);
  EXPECT_EQ(negative.parameters.scale, 1.0f);
  EXPECT_EQ(negative.parameters.zeroPoint, 7);
  EXPECT_EQ(negative.codes, (std::vector<int>{2, -3, -8}));
}

TEST(ActivationQuantizer, RoundsTiesToEven) {
  Row row = quantizeRow({0, 255, 0.5f, 1.5f, 2.5f, 3.5f}, 256);
  EXPECT_EQ(row.parameters.scale, 1.0f);
  EXPECT_EQ(row.codes, (std::vector<int>{-128, 127, -128, -126, -126, -124}));
}

TEST(ActivationQuantizer, MultipliesByTheRoundedInverse) {
  // Codes where x·(1/s) and x/s differ exist, and the product decides there.
  bool differed = false;
  for (int i = 1; i <= 2000; ++i) {
    float top = 0.01f * static_cast<float>(i), scale = top / 15.0f;
    for (int half = 1; half < 30; half += 2) {
      float x = 0.5f * static_cast<float>(half) * scale;
      int product = static_cast<int>(std::nearbyint(x * (1.0f / scale)));
      differed |= product != static_cast<int>(std::nearbyint(x / scale));
      ASSERT_EQ(quantizeRow({0, top, x}, 16).codes[2], product - 8);
    }
  }
  EXPECT_TRUE(differed);
}

TEST(ActivationQuantizer, GivesAZeroRowScaleOneAndTheLowestCode) {
  for (float zero : {0.0f, -0.0f}) {
    Row row = quantizeRow({zero, zero}, 16);
    EXPECT_EQ(row.parameters.scale, 1.0f);
    EXPECT_EQ(row.parameters.zeroPoint, -8);
    EXPECT_EQ(row.codes, (std::vector<int>{-8, -8}));
  }
}

TEST(ActivationQuantizer, TreatsATinyRangeAsZeroAndTheNextFloatNot) {
  float below = std::nextafter(kNegligible, 0.0f);
  Row tiny = quantizeRow({below, 0}, 16);
  EXPECT_EQ(tiny.parameters.scale, 1.0f);
  EXPECT_EQ(tiny.codes, (std::vector<int>{-8, -8}));
  Row subnormal = quantizeRow({-0x1p-149f, 0x1p-149f}, 4);
  EXPECT_EQ(subnormal.parameters.scale, 1.0f);
  EXPECT_EQ(subnormal.codes, (std::vector<int>{-2, -2}));

  for (int levels : {4, 16, 256}) {
    Row row = quantizeRow({kNegligible, 0}, levels);
    EXPECT_EQ(row.parameters.scale, kNegligible / (levels - 1));
    EXPECT_EQ(row.codes, (std::vector<int>{levels / 2 - 1, -levels / 2}));
  }
}

TEST(ActivationQuantizer, GivesARowWithoutFiniteRangeNaNAndTheLowestCodes) {
  float most = std::numeric_limits<float>::max();
  for (const std::vector<float> &x : {std::vector<float>{1, kNaN, 2},
                                      {kNaN, 1, 2},
                                      {1, 2, kNaN},
                                      {kInfinity, 0, 1},
                                      {-kInfinity, 0, 1},
                                      {kInfinity, -kInfinity, kNaN},
                                      {most, -most, 0}}) {
    Row row = quantizeRow(x, 16);
    EXPECT_TRUE(std::isnan(row.parameters.scale));
    EXPECT_EQ(row.parameters.zeroPoint, -8);
    EXPECT_EQ(row.codes, (std::vector<int>{-8, -8, -8}));
  }
}

TEST(ActivationQuantizer, HoldsTheLargestFiniteRange) {
  float most = std::numeric_limits<float>::max();
  for (int levels : {4, 16, 256}) {
    Row row = quantizeRow({most, 0, most / 2}, levels);
    EXPECT_EQ(row.parameters.scale, most / (levels - 1));
    EXPECT_EQ(row.codes[0], levels / 2 - 1);
    EXPECT_EQ(row.codes[1], -levels / 2);
  }
}

TEST(ActivationQuantizer, ClampsTheTopOfASymmetricRow) {
  // ±7.5 are ties, and so is z: to ±8 around 8, and 16 is clamped to 15.
  Row row = quantizeRow({7.5f, -7.5f}, 16);
  EXPECT_EQ(row.parameters.scale, 1.0f);
  EXPECT_EQ(row.parameters.zeroPoint, 8 - 8);
  EXPECT_EQ(row.codes, (std::vector<int>{15 - 8, 0 - 8}));
}

TEST(ActivationQuantizer, TakesAnyNumberOfLevels) {
  Row row = quantizeRow({-9, 0, 9, 3.4f}, 19);
  EXPECT_EQ(row.parameters.scale, 1.0f);
  EXPECT_EQ(row.parameters.zeroPoint, 0);
  EXPECT_EQ(row.codes, (std::vector<int>{-9, 0, 9, 3}));
}

TEST(ActivationQuantizer, ErrsByHalfAStepAtMost) {
  constexpr int64_t kSeqLen = 40, kFeatures = 33;
  std::vector<float> x = correlatedRows(kSeqLen, kFeatures, 41);
  for (int levels : {4, 8, 16, 19, 32, 64, 128, 256})
    for (int64_t i = 0; i < kSeqLen; ++i) {
      std::vector<float> input(x.begin() + i * kFeatures,
                               x.begin() + (i + 1) * kFeatures);
      Row row = quantizeRow(input, levels);
      double scale = row.parameters.scale;
      for (int64_t j = 0; j < kFeatures; ++j) {
        double back = (row.codes[j] - row.parameters.zeroPoint) * scale;
        ASSERT_LE(std::abs(back - input[j]), 0.5 * scale * (1 + 1e-4));
      }
    }
}

TEST(ActivationQuantizer, FollowsTheScheduleRowByRow) {
  constexpr int64_t kSeqLen = 13, kFeatures = 8;
  PrecisionSchedule schedule({Segment::rows(2, 8), Segment::fraction(0.25, 5)},
                             3);
  std::vector<float> x = correlatedRows(kSeqLen, kFeatures, 42);
  std::vector<int8_t> codes(x.size());
  std::vector<float> scales(kSeqLen);
  std::vector<int32_t> zeroPoints(kSeqLen);
  quantize(x.data(), kSeqLen, kFeatures, schedule, codes.data(), scales.data(),
           zeroPoints.data());
  for (int64_t i = 0; i < kSeqLen; ++i) {
    Row row = quantizeRow(
        {x.begin() + i * kFeatures, x.begin() + (i + 1) * kFeatures},
        1 << schedule.bitsOf(i, kSeqLen));
    EXPECT_EQ(scales[i], row.parameters.scale);
    EXPECT_EQ(zeroPoints[i], row.parameters.zeroPoint);
    EXPECT_TRUE(std::equal(row.codes.begin(), row.codes.end(),
                           codes.begin() + i * kFeatures));
  }
}

TEST(Dequantize, SubtractsInIntegersAndPropagatesNaN) {
  int8_t codes[] = {127, -128, 0, 3};
  float scales[] = {0.5f, kNaN};
  int32_t zeroPoints[] = {-128, -8};
  float x[4];
  dequantize(codes, scales, zeroPoints, 2, 2, x);
  EXPECT_EQ(x[0], 127.5f);
  EXPECT_EQ(x[1], 0.0f);
  EXPECT_TRUE(std::isnan(x[2]));
  EXPECT_TRUE(std::isnan(x[3]));
}

//===---------------------------------------------------------------------===//
// Weights
//===---------------------------------------------------------------------===//

struct Weight {
  std::vector<int> codes;
  std::vector<float> scales;
  std::vector<int32_t> sums;
};

Weight quantizeWeight(const std::vector<float> &w, WeightShape shape,
                      int bits) {
  std::vector<int8_t> codes(w.size());
  std::vector<float> scales(shape.scales());
  std::vector<int32_t> sums(shape.scales());
  stamp::quantizeWeight(w.data(), shape, bits, codes.data(), scales.data());
  columnSums(codes.data(), shape, sums.data());
  return {{codes.begin(), codes.end()}, scales, sums};
}

TEST(WeightQuantizer, ScalesEachColumnByItsLargestMagnitude) {
  // Columns (7, 2.5, −1.5) and (−14, 5, 7) of a 3×2 weight; 2.5 and ±1.5 tie.
  Weight q = quantizeWeight({7, -14, 2.5f, 5, -1.5f, 7}, {1, 3, 2}, 4);
  EXPECT_EQ(q.scales, (std::vector<float>{1, 2}));
  EXPECT_EQ(q.codes, (std::vector<int>{7, -7, 2, 2, -2, 4}));
  EXPECT_EQ(q.sums, (std::vector<int32_t>{7, -1}));
}

TEST(WeightQuantizer, UsesTheSymmetricRangeOfItsBits) {
  for (int bits : {4, 8}) {
    int last = (1 << (bits - 1)) - 1;
    Weight q = quantizeWeight({-3, 3, 1}, {1, 3, 1}, bits);
    EXPECT_EQ(q.scales[0], 3.0f / last);
    EXPECT_EQ(q.codes[0], -last);
    EXPECT_EQ(q.codes[1], last);
  }
}

TEST(WeightQuantizer, GivesANegligibleChannelScaleOneAndZeros) {
  Weight q = quantizeWeight({0, 0x1p-119f, 1, -0.0f, -0x1p-120f, 0x1p-119f},
                            {1, 2, 3}, 4);
  EXPECT_EQ(q.scales, (std::vector<float>{1, 1, 1.0f / 7.0f}));
  EXPECT_EQ(q.codes, (std::vector<int>{0, 0, 7, 0, 0, 0}));
}

TEST(WeightQuantizer, GivesANonFiniteChannelNaNAndZerosAndKeepsTheOthers) {
  // Columns: a NaN, an infinity and a number; three numbers; an infinity.
  Weight columns = quantizeWeight({kNaN, 7, 1,         //
                                   kInfinity, 5, 2,    //
                                   1, -3, -kInfinity}, //
                                  {1, 3, 3}, 4);
  EXPECT_TRUE(std::isnan(columns.scales[0]));
  EXPECT_EQ(columns.scales[1], 1.0f);
  EXPECT_TRUE(std::isnan(columns.scales[2]));
  EXPECT_EQ(columns.codes, (std::vector<int>{0, 7, 0, 0, 5, 0, 0, -3, 0}));
  EXPECT_EQ(columns.sums, (std::vector<int32_t>{0, 9, 0}));

  // The same channels as rows.
  Weight rows = quantizeWeight({kNaN, kInfinity, 1, 7, 5, -3, 1, 2, -kInfinity},
                               {3, 3, 1}, 4);
  EXPECT_TRUE(std::isnan(rows.scales[0]));
  EXPECT_EQ(rows.scales[1], 1.0f);
  EXPECT_TRUE(std::isnan(rows.scales[2]));
  EXPECT_EQ(rows.codes, (std::vector<int>{0, 0, 0, 7, 5, -3, 0, 0, 0}));
  EXPECT_EQ(rows.sums, (std::vector<int32_t>{0, 9, 0}));
}

TEST(WeightQuantizer, DoesNotCareWhereTheReducedDimensionLies) {
  // One weight of 2·3 channels and 50 inputs, laid out in three ways.
  constexpr int64_t kOuter = 2, kReduced = 50, kInner = 3;
  std::vector<float> w = correlatedRows(kOuter * kReduced, kInner, 43);
  for (int bits : {4, 8}) {
    Weight middle = quantizeWeight(w, {kOuter, kReduced, kInner}, bits);

    std::vector<float> last(w.size()), first(w.size());
    for (int64_t o = 0; o < kOuter; ++o)
      for (int64_t k = 0; k < kReduced; ++k)
        for (int64_t i = 0; i < kInner; ++i) {
          float value = w[(o * kReduced + k) * kInner + i];
          int64_t channel = o * kInner + i;
          last[channel * kReduced + k] = value;
          first[k * kOuter * kInner + channel] = value;
        }
    Weight asLast = quantizeWeight(last, {kOuter * kInner, kReduced, 1}, bits);
    Weight asFirst =
        quantizeWeight(first, {1, kReduced, kOuter * kInner}, bits);

    EXPECT_EQ(asLast.scales, middle.scales);
    EXPECT_EQ(asFirst.scales, middle.scales);
    EXPECT_EQ(asLast.sums, middle.sums);
    EXPECT_EQ(asFirst.sums, middle.sums);
    for (int64_t o = 0; o < kOuter; ++o)
      for (int64_t k = 0; k < kReduced; ++k)
        for (int64_t i = 0; i < kInner; ++i) {
          int64_t channel = o * kInner + i;
          int code = middle.codes[(o * kReduced + k) * kInner + i];
          ASSERT_EQ(asLast.codes[channel * kReduced + k], code);
          ASSERT_EQ(asFirst.codes[k * kOuter * kInner + channel], code);
        }
  }
}

TEST(WeightQuantizer, DividesByTheScale) {
  std::vector<float> w = correlatedRows(64, 16, 44);
  Weight q = quantizeWeight(w, {1, 64, 16}, 8);
  for (int64_t k = 0; k < 64; ++k)
    for (int64_t i = 0; i < 16; ++i)
      ASSERT_EQ(q.codes[k * 16 + i],
                static_cast<int>(std::nearbyint(w[k * 16 + i] / q.scales[i])));
}

//===---------------------------------------------------------------------===//
// The integer linear layer
//===---------------------------------------------------------------------===//

TEST(IntegerLinear, IsTheProductOfTheDequantizedFactorsPlusTheSpreadBias) {
  constexpr int64_t kSeqLen = 13, kInputs = 120, kOutputs = 24;
  std::vector<float> x = correlatedRows(kSeqLen, kInputs, 45);
  std::vector<float> w = correlatedRows(kInputs, kOutputs, 46, 0.2);
  std::vector<float> bias = correlatedRows(1, kOutputs, 47);
  std::vector<float> ones = correlatedRows(1, kSeqLen, 48);

  std::vector<int8_t> xq(x.size()), wq(w.size());
  std::vector<float> xs(kSeqLen), ws(kOutputs);
  std::vector<int32_t> xz(kSeqLen), sums(kOutputs), acc(kSeqLen * kOutputs);
  WeightShape shape{1, kInputs, kOutputs};
  quantize(x.data(), kSeqLen, kInputs,
           PrecisionSchedule({Segment::rows(3, 8)}, 4), xq.data(), xs.data(),
           xz.data());
  stamp::quantizeWeight(w.data(), shape, 4, wq.data(), ws.data());
  columnSums(wq.data(), shape, sums.data());
  integerLinear(xq.data(), wq.data(), kSeqLen, kInputs, kOutputs, acc.data());

  for (bool withOnes : {false, true})
    for (bool withBias : {false, true}) {
      std::vector<float> y(kSeqLen * kOutputs);
      rescale(acc.data(), xs.data(), xz.data(), ws.data(), sums.data(),
              withOnes ? ones.data() : nullptr,
              withBias ? bias.data() : nullptr, {kSeqLen, kOutputs}, y.data());
      for (int64_t i = 0; i < kSeqLen; ++i)
        for (int64_t j = 0; j < kOutputs; ++j) {
          double expected = 0, magnitude = 0;
          for (int64_t k = 0; k < kInputs; ++k) {
            double term = static_cast<double>(xs[i]) *
                          (xq[i * kInputs + k] - xz[i]) *
                          static_cast<double>(ws[j]) * wq[k * kOutputs + j];
            expected += term;
            magnitude += std::abs(term);
          }
          if (withBias)
            expected += static_cast<double>(withOnes ? ones[i] : 1.0f) *
                        static_cast<double>(bias[j]);
          ASSERT_NEAR(y[i * kOutputs + j], expected,
                      1e-6 * std::max(magnitude, std::abs(expected)));
        }
    }
}

TEST(IntegerLinear, WrapsOnTheWayAndIsRightInTheEnd) {
  // Σ (q − z)·q_w = 0, though the stored codes alone sum to −128·127·K < −2³¹.
  constexpr int64_t kInputs = 140000;
  std::vector<int8_t> x(kInputs, -128), w(kInputs, 127);
  int32_t acc;
  integerLinear(x.data(), w.data(), 1, kInputs, 1, &acc);
  EXPECT_EQ(acc, static_cast<int32_t>(
                     static_cast<uint32_t>(int64_t(-128) * 127 * kInputs)));
  float scale = 1, weightScale = 1, y;
  int32_t zeroPoint = -128, sum = 127 * kInputs;
  rescale(&acc, &scale, &zeroPoint, &weightScale, &sum, nullptr, nullptr,
          {1, 1}, &y);
  EXPECT_EQ(y, 0.0f);
}

TEST(IntegerLinear, MultipliesTheScalesFirst) {
  // (2¹⁰⁰·2⁻¹⁰⁰)·float(2²⁵ + 1): the scales cancel, the integer rounds once.
  float scale = 0x1p100f, weightScale = 0x1p-100f, y;
  int32_t acc = (1 << 25) + 1, zeroPoint = 0, sum = 0;
  rescale(&acc, &scale, &zeroPoint, &weightScale, &sum, nullptr, nullptr,
          {1, 1}, &y);
  EXPECT_EQ(y, 0x1p25f);
  // Where the integer times one scale would overflow, the product does not.
  scale = 0x1p120f;
  weightScale = 0x1p-120f;
  rescale(&acc, &scale, &zeroPoint, &weightScale, &sum, nullptr, nullptr,
          {1, 1}, &y);
  EXPECT_EQ(y, 0x1p25f);
}

TEST(IntegerLinear, ARowWithoutScaleIsNaN) {
  float scale = kNaN, weightScale = 1, bias = 2, y;
  int32_t acc = 5, zeroPoint = -8, sum = 3;
  rescale(&acc, &scale, &zeroPoint, &weightScale, &sum, nullptr, &bias, {1, 1},
          &y);
  EXPECT_TRUE(std::isnan(y));
}

//===---------------------------------------------------------------------===//
// Groups
//===---------------------------------------------------------------------===//

TEST(Groups, AreRowsAndChannelsOfTheirOwn) {
  // 3 groups of 8 and one of 6.
  constexpr int64_t kSeqLen = 5, kInputs = 30, kOutputs = 3, kGroup = 8;
  constexpr int64_t kGroups = 4;
  std::vector<float> x = correlatedRows(kSeqLen, kInputs, 50);
  std::vector<float> w = correlatedRows(kInputs, kOutputs, 51, 0.2);
  PrecisionSchedule schedule({Segment::rows(2, 8)}, 4);

  std::vector<int8_t> xq(x.size()), wq(w.size());
  std::vector<float> xs(kSeqLen * kGroups), ws(kGroups * kOutputs);
  std::vector<int32_t> xz(xs.size()), sums(ws.size());
  WeightShape shape{1, kInputs, kOutputs, kGroup};
  ASSERT_EQ(shape.groups(), kGroups);
  ASSERT_EQ(shape.scales(), kGroups * kOutputs);
  quantize(x.data(), kSeqLen, kInputs, schedule, xq.data(), xs.data(),
           xz.data(), kGroup);
  stamp::quantizeWeight(w.data(), shape, 4, wq.data(), ws.data());
  columnSums(wq.data(), shape, sums.data());

  for (int64_t g = 0; g < kGroups; ++g) {
    int64_t begin = g * kGroup, length = std::min(kGroup, kInputs - begin);
    for (int64_t i = 0; i < kSeqLen; ++i) {
      std::vector<int8_t> codes(length);
      int64_t first = i * kInputs + begin;
      RowQuantization row = stamp::quantizeRow(x.data() + first, length,
                                               i < 2 ? 256 : 16, codes.data());
      EXPECT_EQ(row.scale, xs[i * kGroups + g]);
      EXPECT_EQ(row.zeroPoint, xz[i * kGroups + g]);
      EXPECT_TRUE(std::equal(codes.begin(), codes.end(), xq.begin() + first));
    }
    WeightShape part{1, length, kOutputs};
    std::vector<int8_t> codes(part.elements());
    std::vector<float> scales(kOutputs);
    std::vector<int32_t> partSums(kOutputs);
    stamp::quantizeWeight(w.data() + begin * kOutputs, part, 4, codes.data(),
                          scales.data());
    columnSums(codes.data(), part, partSums.data());
    EXPECT_TRUE(
        std::equal(codes.begin(), codes.end(), wq.begin() + begin * kOutputs));
    EXPECT_TRUE(
        std::equal(scales.begin(), scales.end(), ws.begin() + g * kOutputs));
    EXPECT_TRUE(std::equal(partSums.begin(), partSums.end(),
                           sums.begin() + g * kOutputs));
  }
}

TEST(Groups, OfAWeightReducedInTheMiddleAreThoseOfItsSlabs) {
  constexpr int64_t kOuter = 2, kReduced = 10, kInner = 3, kGroup = 4;
  std::vector<float> w = correlatedRows(kOuter * kReduced, kInner, 52);
  WeightShape whole{kOuter, kReduced, kInner, kGroup};
  std::vector<int8_t> codes(whole.elements());
  std::vector<float> scales(whole.scales());
  stamp::quantizeWeight(w.data(), whole, 4, codes.data(), scales.data());
  for (int64_t o = 0; o < kOuter; ++o) {
    WeightShape slab{1, kReduced, kInner, kGroup};
    std::vector<int8_t> slabCodes(slab.elements());
    std::vector<float> slabScales(slab.scales());
    stamp::quantizeWeight(w.data() + o * slab.elements(), slab, 4,
                          slabCodes.data(), slabScales.data());
    EXPECT_TRUE(std::equal(slabCodes.begin(), slabCodes.end(),
                           codes.begin() + o * slab.elements()));
    EXPECT_TRUE(std::equal(slabScales.begin(), slabScales.end(),
                           scales.begin() + o * slab.scales()));
  }
}

TEST(Groups, AddUpToTheProductOfTheDequantizedFactors) {
  constexpr int64_t kSeqLen = 5, kInputs = 30, kOutputs = 3;
  std::vector<float> x = correlatedRows(kSeqLen, kInputs, 53);
  std::vector<float> w = correlatedRows(kInputs, kOutputs, 54, 0.2);
  constexpr int64_t kGroup = 8, kGroups = 4;

  for (bool groupedRows : {false, true})
    for (bool groupedScales : {false, true}) {
      int64_t rowGroup = groupedRows ? kGroup : 0;
      int64_t scaleGroup = groupedScales ? kGroup : 0;
      std::vector<int8_t> xq(x.size()), wq(w.size());
      std::vector<float> xs(kSeqLen * kGroups), ws(kGroups * kOutputs);
      std::vector<int32_t> xz(xs.size()), sums(kGroups * kOutputs);
      std::vector<int32_t> acc(kSeqLen * kGroups * kOutputs);
      std::vector<float> dequantized(x.size()), y(kSeqLen * kOutputs);
      quantize(x.data(), kSeqLen, kInputs, PrecisionSchedule({}, 6), xq.data(),
               xs.data(), xz.data(), rowGroup);
      dequantize(xq.data(), xs.data(), xz.data(), kSeqLen, kInputs,
                 dequantized.data(), rowGroup);
      stamp::quantizeWeight(w.data(), {1, kInputs, kOutputs, scaleGroup}, 4,
                            wq.data(), ws.data());
      columnSums(wq.data(), {1, kInputs, kOutputs, kGroup}, sums.data());
      integerLinear(xq.data(), wq.data(), kSeqLen, kInputs, kOutputs,
                    acc.data(), kGroup);
      rescale(acc.data(), xs.data(), xz.data(), ws.data(), sums.data(), nullptr,
              nullptr, {kSeqLen, kOutputs, kGroups, groupedRows, groupedScales},
              y.data());
      for (int64_t i = 0; i < kSeqLen; ++i)
        for (int64_t j = 0; j < kOutputs; ++j) {
          double expected = 0, magnitude = 0;
          for (int64_t k = 0; k < kInputs; ++k) {
            int64_t scale = (groupedScales ? k / kGroup : 0) * kOutputs + j;
            double term = static_cast<double>(dequantized[i * kInputs + k]) *
                          static_cast<double>(ws[scale]) * wq[k * kOutputs + j];
            expected += term;
            magnitude += std::abs(term);
          }
          ASSERT_NEAR(y[i * kOutputs + j], expected, 1e-6 * magnitude);
        }
    }
}

TEST(Groups, AreAddedUpInAscendingOrderAndOneIsNone) {
  // (1 + 2⁻²⁴) + 2⁻²⁴ is 1; from the other end it would be 1 + 2⁻²³.
  int32_t acc[] = {1, 1, 1}, zeroPoints[3] = {}, sums[3] = {};
  float scales[] = {1, 0x1p-24f, 0x1p-24f}, weightScale = 1, y;
  rescale(acc, scales, zeroPoints, &weightScale, sums, nullptr, nullptr,
          {1, 1, 3, true, false}, &y);
  EXPECT_EQ(y, 1.0f);
  // A negative product that underflows is −0, with one group or without.
  int32_t minusOne = -1;
  float tiny = 0x1p-120f;
  rescale(&minusOne, &tiny, zeroPoints, &tiny, sums, nullptr, nullptr, {1, 1},
          &y);
  EXPECT_TRUE(y == 0 && std::signbit(y));
}

} // namespace
