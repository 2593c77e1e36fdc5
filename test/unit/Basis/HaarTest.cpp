//===- HaarTest.cpp - The Haar wavelet transform ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "TestData.h"
#include "stamp/Basis/Basis.h"

#include "gtest/gtest.h"

using namespace stamp;
using namespace stamp::test;

namespace {

constexpr float kC = 0.70710678118654752440f;

std::vector<float> forward(const Basis &basis, std::vector<float> x) {
  basis.forward(x.data(), x.size(), 1);
  return x;
}

TEST(Haar, APairBecomesItsScaledSumAndDifference) {
  EXPECT_EQ(forward(HaarBasis(1), {3, 1}),
            (std::vector<float>{4 * kC, 2 * kC}));
}

TEST(Haar, CoefficientsComeCoarseFirst) {
  std::vector<float> y = forward(HaarBasis(3), {1, 2, 3, 4, 5, 6, 7, 8});
  std::vector<float> expected{18 * kC, -8 * kC, -2, -2, -kC, -kC, -kC, -kC};
  for (size_t i = 0; i < y.size(); ++i)
    EXPECT_FLOAT_EQ(y[i], expected[i]) << "row " << i;
}

TEST(Haar, AnOddLastRowPassesIntoTheCoarseHalf) {
  EXPECT_EQ(forward(HaarBasis(1), {1, 2, 4}),
            (std::vector<float>{3 * kC, 4, -1 * kC}));
  float coarse = 3 * kC;
  EXPECT_EQ(forward(HaarBasis(2), {1, 2, 4}),
            (std::vector<float>{(coarse + 4) * kC, (coarse - 4) * kC, -kC}));
}

TEST(Haar, LevelsPastASingleCoarseRowDoNothing) {
  std::vector<float> x = correlatedRows(40, 1, 11);
  EXPECT_EQ(forward(HaarBasis(6), x), forward(HaarBasis(30), x));
  EXPECT_NE(forward(HaarBasis(5), x), forward(HaarBasis(6), x));
  EXPECT_EQ(forward(HaarBasis(4), {5}), (std::vector<float>{5}));
}

TEST(Haar, TheConstantIsOneOverRootTwoRoundedToFloat) {
  // The sum must be rounded before the multiplication: 16777217 is no float.
  std::vector<float> y = forward(HaarBasis(1), {16777216, 1});
  EXPECT_EQ(y[0], 16777216.0f * kC);
  EXPECT_EQ(y[1], 16777215.0f * kC);
}

TEST(Haar, MoreLevelsConcentrateMoreOfACorrelatedSignalInFront) {
  constexpr int64_t kSeqLen = 512, kFeatures = 16, kFront = 32;
  auto frontShare = [&](const Basis &basis) {
    std::vector<float> x = correlatedRows(kSeqLen, kFeatures, 12);
    basis.forward(x.data(), kSeqLen, kFeatures);
    double front = 0, total = 0;
    for (int64_t i = 0; i < kSeqLen * kFeatures; ++i) {
      double energy = static_cast<double>(x[i]) * x[i];
      total += energy;
      if (i < kFront * kFeatures)
        front += energy;
    }
    return front / total;
  };
  EXPECT_LT(frontShare(IdentityBasis()), 0.2);
  EXPECT_LT(frontShare(HaarBasis(1)), frontShare(HaarBasis(3)));
  EXPECT_GT(frontShare(HaarBasis(4)), 0.7);
}

} // namespace
