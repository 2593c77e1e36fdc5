//===- TestData.h - Inputs that look like activations ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#ifndef STAMP_TEST_UNIT_BASIS_TESTDATA_H
#define STAMP_TEST_UNIT_BASIS_TESTDATA_H

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace stamp::test {

/// Correlated along the sequence, xₜ = ρ·xₜ₋₁ + √(1 − ρ²)·noise, with every
/// seventh feature an outlier channel. Shape seqLen × features, row-major.
inline std::vector<float> correlatedRows(int64_t seqLen, int64_t features,
                                         unsigned seed, double rho = 0.95) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> state(features);
  for (double &s : state)
    s = normal(random);
  std::vector<float> x(seqLen * features);
  for (int64_t t = 0; t < seqLen; ++t)
    for (int64_t j = 0; j < features; ++j) {
      if (t > 0)
        state[j] = rho * state[j] + std::sqrt(1.0 - rho * rho) * normal(random);
      double gain = j % 7 == 3 ? 40.0 : 1.0;
      x[t * features + j] = static_cast<float>(gain * (state[j] + 0.3));
    }
  return x;
}

inline std::vector<double> widened(const std::vector<float> &x) {
  return std::vector<double>(x.begin(), x.end());
}

} // namespace stamp::test

#endif // STAMP_TEST_UNIT_BASIS_TESTDATA_H
