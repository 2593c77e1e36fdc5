//===- CodingGainTest.cpp - How well a basis decorrelates ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Basis.h"

#include "gtest/gtest.h"

#include <cmath>
#include <numeric>

using namespace stamp;

namespace {

constexpr int64_t kLength = 32;
constexpr double kRho = 0.95;

/// The autocorrelation of a first-order autoregressive sequence.
std::vector<double> autocorrelation() {
  std::vector<double> r(kLength * kLength);
  for (int64_t i = 0; i < kLength; ++i)
    for (int64_t j = 0; j < kLength; ++j)
      r[i * kLength + j] = std::pow(kRho, std::abs(i - j));
  return r;
}

/// Arithmetic over geometric mean of the coefficients' variances, in decibels:
/// what the best allocation of bits can win.
double codingGain(const Basis &basis) {
  std::vector<double> r = autocorrelation(), l = basis.matrix(kLength);
  double sum = 0, sumOfLogs = 0;
  for (int64_t k = 0; k < kLength; ++k) {
    double variance = 0;
    for (int64_t i = 0; i < kLength; ++i)
      for (int64_t j = 0; j < kLength; ++j)
        variance +=
            l[k * kLength + i] * r[i * kLength + j] * l[k * kLength + j];
    sum += variance;
    sumOfLogs += std::log10(variance);
  }
  return 10 * (std::log10(sum / kLength) - sumOfLogs / kLength);
}

/// The eigenvectors of the autocorrelation, as rows, by Jacobi's rotations.
std::vector<float> karhunenLoeve() {
  constexpr int64_t n = kLength;
  std::vector<double> a = autocorrelation(), v(n * n, 0.0);
  for (int64_t i = 0; i < n; ++i)
    v[i * n + i] = 1.0;
  for (int sweep = 0; sweep < 12; ++sweep)
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        double angle =
            0.5 * std::atan2(2 * a[p * n + q], a[q * n + q] - a[p * n + p]);
        double c = std::cos(angle), s = std::sin(angle);
        auto rotate = [&](double &x, double &y) {
          double first = x, second = y;
          x = c * first - s * second;
          y = s * first + c * second;
        };
        for (int64_t i = 0; i < n; ++i)
          rotate(a[i * n + p], a[i * n + q]);
        for (int64_t i = 0; i < n; ++i) {
          rotate(a[p * n + i], a[q * n + i]);
          rotate(v[p * n + i], v[q * n + i]);
        }
      }
  return std::vector<float>(v.begin(), v.end());
}

TEST(CodingGain, OfTheIdentityIsZero) {
  EXPECT_NEAR(codingGain(IdentityBasis()), 0.0, 1e-9);
}

TEST(CodingGain, OfTheKLTIsAllThatTheDeterminantAllows) {
  std::vector<float> klt = karhunenLoeve();
  ASSERT_LT(MatrixBasis::orthonormalityError(kLength, klt.data()), 1e-6);
  // det R = (1 − ρ²)^(n−1) is the product of the variances that remain.
  double limit = -10 * std::log10(1 - kRho * kRho) * (kLength - 1.0) / kLength;
  EXPECT_NEAR(codingGain(MatrixBasis(kLength, klt)), limit, 1e-3);
}

TEST(CodingGain, FallsFromKLTOverDCTAndTheBinaryBasesToTheIdentity) {
  double klt = codingGain(MatrixBasis(kLength, karhunenLoeve()));
  double dct = codingGain(DCTBasis());
  double wht = codingGain(WHTBasis());
  double haar = codingGain(HaarBasis(5));
  double oneLevel = codingGain(HaarBasis(1));
  EXPECT_GE(klt, dct);
  EXPECT_GT(dct, wht);
  EXPECT_GT(dct, haar);
  EXPECT_GT(wht, oneLevel);
  EXPECT_GT(haar, oneLevel);
  EXPECT_GT(oneLevel, 3.0);
}

} // namespace
