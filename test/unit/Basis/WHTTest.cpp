//===- WHTTest.cpp - The Walsh-Hadamard transform in blocks ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "TestData.h"
#include "stamp/Basis/Basis.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace stamp;
using namespace stamp::test;

namespace {

std::vector<float> forward(const Basis &basis, std::vector<float> x) {
  basis.forward(x.data(), x.size(), 1);
  return x;
}

std::vector<int64_t> blockSizes(const WHTBasis &basis, int64_t length) {
  std::vector<int64_t> sizes;
  for (int64_t row = 0; row < length; row += sizes.back())
    sizes.push_back(basis.blockSizeAt(length, row));
  return sizes;
}

TEST(WHT, OfFourTokensIsWhatItIsByHand) {
  // Sylvester: (10, −2, −4, 0)/2; sequency takes rows 0, 2, 3, 1.
  EXPECT_EQ(forward(WHTBasis(4), {1, 2, 3, 4}),
            (std::vector<float>{5, -2, 0, -1}));
}

TEST(WHT, RowsComeInIncreasingNumberOfSignChanges) {
  for (int64_t n : {2, 4, 8, 64, 256}) {
    std::vector<double> l = WHTBasis(n).matrix(n);
    for (int64_t k = 0; k < n; ++k) {
      int64_t changes = 0;
      for (int64_t i = 0; i < n; ++i) {
        ASSERT_NEAR(std::abs(l[k * n + i]), 1 / std::sqrt(n), 1e-15);
        if (i > 0 && (l[k * n + i] < 0) != (l[k * n + i - 1] < 0))
          ++changes;
      }
      EXPECT_EQ(changes, k) << "of " << n;
    }
  }
}

TEST(WHT, ARaggedTailSplitsIntoDescendingPowersOfTwo) {
  EXPECT_EQ(blockSizes(WHTBasis(), 13), (std::vector<int64_t>{8, 4, 1}));
  EXPECT_EQ(blockSizes(WHTBasis(4), 13), (std::vector<int64_t>{4, 4, 4, 1}));
  EXPECT_EQ(blockSizes(WHTBasis(16), 45),
            (std::vector<int64_t>{16, 16, 8, 4, 1}));
  EXPECT_EQ(blockSizes(WHTBasis(64), 13), (std::vector<int64_t>{8, 4, 1}));
  EXPECT_EQ(blockSizes(WHTBasis(), 64), (std::vector<int64_t>{64}));
  EXPECT_EQ(blockSizes(WHTBasis(1), 3), (std::vector<int64_t>{1, 1, 1}));
  EXPECT_EQ(WHTBasis(4).blockSizeAt(7, 3), 4);
  EXPECT_EQ(WHTBasis(4).blockSizeAt(7, 5), 2);
  EXPECT_EQ(WHTBasis(4).blockSizeAt(7, 6), 1);
}

TEST(WHT, LowSequenciesOfAllBlocksComeFirst) {
  // Two blocks of 4 and a tail of 2 + 1.
  EXPECT_EQ(WHTBasis(4).coefficientOrder(11),
            (std::vector<int64_t>{0, 4, 8, 10, 2, 6, 9, 3, 7, 1, 5}));
}

TEST(WHT, CoefficientOrderIsAPermutation) {
  for (int64_t block : {0, 1, 2, 16, 512})
    for (int64_t length : {1, 2, 3, 8, 13, 40, 197, 512}) {
      std::vector<int64_t> order = WHTBasis(block).coefficientOrder(length);
      std::sort(order.begin(), order.end());
      std::vector<int64_t> all(length);
      std::iota(all.begin(), all.end(), 0);
      EXPECT_EQ(order, all) << "block " << block << " length " << length;
    }
}

TEST(WHT, BlocksAreTransformedEachForItself) {
  std::vector<float> x = correlatedRows(13, 1, 31);
  std::vector<float> whole = forward(WHTBasis(), x);
  std::vector<float> eight = forward(WHTBasis(8), {x.begin(), x.begin() + 8});
  std::vector<float> four =
      forward(WHTBasis(4), {x.begin() + 8, x.begin() + 12});
  EXPECT_EQ(whole,
            (std::vector<float>{eight[0], four[0], x[12], eight[1], four[1],
                                eight[2], four[2], eight[3], four[3], eight[4],
                                eight[5], eight[6], eight[7]}));
}

TEST(WHT, TheScaleIsOneMultiplicationAfterTheSums) {
  constexpr float kC = 0.70710678118654752440f;
  EXPECT_EQ(forward(WHTBasis(2), {3, 1}), (std::vector<float>{4 * kC, 2 * kC}));
  std::vector<float> y = forward(WHTBasis(8), {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(y[0], 36 * (kC / 2)); // 2^(−3/2); halving is exact.
}

} // namespace
