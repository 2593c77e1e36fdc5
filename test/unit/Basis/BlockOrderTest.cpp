//===- BlockOrderTest.cpp - Coefficients where tokens were ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "TestData.h"
#include "stamp/Basis/Basis.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <memory>
#include <numeric>

using namespace stamp;
using namespace stamp::test;

namespace {

constexpr int64_t kFeatures = 3;

std::vector<std::unique_ptr<Basis>> makeBases(int64_t skip) {
  std::vector<std::unique_ptr<Basis>> bases;
  for (int64_t levels : {1, 2, 3, 5, 30})
    bases.push_back(std::make_unique<HaarBasis>(levels, skip));
  for (int64_t block : {0, 1, 2, 8, 64})
    bases.push_back(std::make_unique<WHTBasis>(block, skip));
  bases.push_back(std::make_unique<IdentityBasis>(skip));
  bases.push_back(std::make_unique<DCTBasis>(skip));
  bases.push_back(std::make_unique<Haar2DBasis>(2, 5, 8, skip));
  return bases;
}

/// Every basis at every length that could be ragged in some way.
template <typename Check> void forEachCase(Check check) {
  for (int64_t skip : {0, 1, 4})
    for (const auto &basis : makeBases(skip))
      for (int64_t seqLen = 0; seqLen <= 45; ++seqLen) {
        SCOPED_TRACE(testing::Message() << "skip " << skip << " S " << seqLen);
        check(*basis, seqLen);
      }
}

std::vector<float> forward(const Basis &basis, std::vector<float> x,
                           RowOrder order) {
  basis.forward(x.data(), x.size() / kFeatures, kFeatures, order);
  return x;
}

std::vector<float> rows(const std::vector<float> &x, int64_t begin,
                        int64_t end) {
  return {x.begin() + begin * kFeatures, x.begin() + end * kFeatures};
}

TEST(BlockOrder, DiffersFromCoarseFirstByPlacesOnly) {
  forEachCase([](const Basis &basis, int64_t n) {
    std::vector<int64_t> positions = basis.coarsePositions(n);
    std::vector<int64_t> sorted = positions, all(n);
    std::sort(sorted.begin(), sorted.end());
    std::iota(all.begin(), all.end(), 0);
    ASSERT_EQ(sorted, all);

    std::vector<float> x = correlatedRows(n, kFeatures, 1);
    std::vector<float> coarse = forward(basis, x, RowOrder::CoarseFirst);
    std::vector<float> block = forward(basis, x, RowOrder::Block);
    for (int64_t i = 0; i < n; ++i)
      ASSERT_EQ(rows(block, i, i + 1),
                rows(coarse, positions[i], positions[i] + 1))
          << "row " << i;

    basis.inverse(coarse.data(), n, kFeatures);
    basis.inverse(block.data(), n, kFeatures, RowOrder::Block);
    EXPECT_EQ(block, coarse);
  });
}

TEST(BlockOrder, OfHaarIsWhatTheAlgorithmInPlaceLeaves) {
  constexpr float kC = 0.70710678118654752440f;
  for (int64_t levels : {1, 2, 3, 5, 30})
    for (int64_t n = 1; n <= 70; ++n) {
      std::vector<float> x = correlatedRows(n, kFeatures, 2), y = x;
      for (int64_t level = 0; level < levels && (1 << level) < n; ++level)
        for (int64_t i = 0, distance = 1 << level; i + distance < n;
             i += 2 * distance)
          for (int64_t j = 0; j < kFeatures; ++j) {
            float &u = y[i * kFeatures + j];
            float &v = y[(i + distance) * kFeatures + j];
            float sum = (u + v) * kC, difference = (u - v) * kC;
            u = sum;
            v = difference;
          }
      EXPECT_EQ(forward(HaarBasis(levels), x, RowOrder::Block), y)
          << "levels " << levels << " S " << n;
    }
}

TEST(BlockOrder, OfWHTIsTheNaturalOneInEachBlock) {
  std::vector<float> x{1, 2, 3, 4, 5, 5, 2};
  WHTBasis(4).forward(x.data(), 7, /*features=*/1, RowOrder::Block);
  float c = 0.70710678118654752440f;
  EXPECT_EQ(x, (std::vector<float>{5, -1, -2, 0, 10 * c, 0, 2}));
}

TEST(BlockOrder, LetsRunsOfWholeBlocksStandAlone) {
  forEachCase([](const Basis &basis, int64_t n) {
    std::optional<int64_t> block = basis.fixedBlock();
    if (!block || basis.getSkip() > 0)
      return;
    ASSERT_LE(basis.mixingBlock(n), *block);
    std::vector<float> x = correlatedRows(n, kFeatures, 3);
    std::vector<float> whole = forward(basis, x, RowOrder::Block);
    for (int64_t begin = 0; begin < n; begin += *block)
      for (int64_t blocks : {1, 2, 3}) {
        int64_t end = std::min(n, begin + blocks * *block);
        ASSERT_EQ(forward(basis, rows(x, begin, end), RowOrder::Block),
                  rows(whole, begin, end))
            << "rows " << begin << " to " << end;
      }
  });
}

TEST(BlockOrder, IsLocalWhereBlocksDoNotDependOnTheLength) {
  EXPECT_EQ(HaarBasis(3).fixedBlock(), 8);
  EXPECT_EQ(HaarBasis(30).fixedBlock(), int64_t(1) << 30);
  EXPECT_EQ(WHTBasis(16).fixedBlock(), 16);
  EXPECT_EQ(IdentityBasis().fixedBlock(), 1);
  EXPECT_EQ(WHTBasis(0).fixedBlock(), std::nullopt);
  EXPECT_EQ(DCTBasis().fixedBlock(), std::nullopt);
  EXPECT_EQ(Haar2DBasis(2, 5, 8).fixedBlock(), std::nullopt);
  EXPECT_EQ(MatrixBasis(1, {1}).fixedBlock(), std::nullopt);
}

TEST(BlockOrder, MovesTheTransformedOnesToo) {
  forEachCase([](const Basis &basis, int64_t n) {
    std::vector<float> coarse = basis.transformedOnes(n);
    std::vector<float> block = basis.transformedOnes(n, RowOrder::Block);
    std::vector<int64_t> positions = basis.coarsePositions(n);
    for (int64_t i = 0; i < n; ++i)
      ASSERT_EQ(block[i], coarse[positions[i]]) << "row " << i;
  });
}

} // namespace
