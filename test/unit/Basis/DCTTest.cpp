//===- DCTTest.cpp - The orthonormal DCT-II --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "TestData.h"
#include "stamp/Basis/Basis.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace stamp;
using namespace stamp::test;

namespace {

double direct(int64_t n, int64_t k, int64_t i) {
  double value =
      std::sqrt(2.0 / n) * std::cos(M_PI * (2 * i + 1) * k / (2 * n));
  return k == 0 ? value / std::sqrt(2.0) : value;
}

TEST(DCT, MatrixIsTheDirectFormula) {
  for (int64_t n : {1, 2, 3, 8, 13, 40, 197, 512}) {
    std::vector<double> l = DCTBasis().matrix(n);
    std::vector<float> rounded = DCTBasis::coefficients(n);
    for (int64_t k = 0; k < n; ++k)
      for (int64_t i = 0; i < n; ++i) {
        // The formula's argument grows with k·i and loses as many bits.
        ASSERT_NEAR(l[k * n + i], direct(n, k, i), 1e-12) << n;
        ASSERT_EQ(rounded[k * n + i], static_cast<float>(l[k * n + i])) << n;
      }
  }
}

TEST(DCT, OfTwoTokensIsTheirScaledSumAndDifference) {
  std::vector<float> x{3, 1};
  DCTBasis().forward(x.data(), 2, 1);
  EXPECT_FLOAT_EQ(x[0], 4 / std::sqrt(2.0f));
  EXPECT_FLOAT_EQ(x[1], 2 / std::sqrt(2.0f));
}

TEST(DCT, CosinesAreOnePeriodWithExactSymmetries) {
  for (int64_t n : {1, 2, 13, 512}) {
    std::vector<double> table = DCTBasis::cosines(n);
    ASSERT_EQ(static_cast<int64_t>(table.size()), 4 * n);
    EXPECT_EQ(table[0], 1.0);
    EXPECT_EQ(table[n], 0.0);
    EXPECT_EQ(table[2 * n], -1.0);
    EXPECT_EQ(table[3 * n], 0.0);
    for (int64_t j = 0; j < 4 * n; ++j) {
      EXPECT_NEAR(table[j], std::cos(M_PI * j / (2 * n)), 4e-15);
      EXPECT_EQ(table[j], table[(4 * n - j) % (4 * n)]);
      EXPECT_EQ(table[j], -table[(j + 2 * n) % (4 * n)]);
    }
  }
}

TEST(DCT, ACosineIsOneCoefficient) {
  constexpr int64_t kSeqLen = 40, kFrequency = 7;
  std::vector<float> x(kSeqLen);
  for (int64_t i = 0; i < kSeqLen; ++i)
    x[i] = std::cos(M_PI * (2 * i + 1) * kFrequency / (2 * kSeqLen));
  DCTBasis().forward(x.data(), kSeqLen, 1);
  for (int64_t k = 0; k < kSeqLen; ++k)
    EXPECT_NEAR(x[k], k == kFrequency ? std::sqrt(kSeqLen / 2.0) : 0.0, 1e-6);
}

} // namespace
