//===- BasisTest.cpp - What holds for every basis --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Basis.h"
#include "TestData.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

using namespace stamp;
using namespace stamp::test;

namespace {

struct Case {
  std::string name;
  std::unique_ptr<Basis> basis;
  int64_t seqLen;
};

/// A product of plane rotations: orthonormal and without structure.
std::vector<float> someRotation(int64_t n) {
  std::vector<double> m(n * n, 0.0);
  for (int64_t i = 0; i < n; ++i)
    m[i * n + i] = 1.0;
  for (int64_t stride = 1; stride < n; stride *= 2)
    for (int64_t i = 0; i + stride < n; ++i) {
      double angle = 0.3 + 0.7 * static_cast<double>(i * stride % 11);
      double cosine = std::cos(angle), sine = std::sin(angle);
      for (int64_t j = 0; j < n; ++j) {
        double u = m[i * n + j], v = m[(i + stride) * n + j];
        m[i * n + j] = cosine * u - sine * v;
        m[(i + stride) * n + j] = sine * u + cosine * v;
      }
    }
  return std::vector<float>(m.begin(), m.end());
}

/// Not orthonormal: running sums, scaled; its inverse takes differences.
std::unique_ptr<Basis> runningSums(int64_t n, int64_t skip) {
  std::vector<float> sums(n * n, 0.0f), differences(n * n, 0.0f);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j)
      sums[i * n + j] = 0.25f;
    differences[i * n + i] = 4.0f;
    if (i > 0)
      differences[i * n + i - 1] = -4.0f;
  }
  return std::make_unique<MatrixBasis>(n, sums, differences, skip);
}

/// The most square grid of so many tokens.
std::unique_ptr<Basis> grid(int64_t levels, int64_t length, int64_t skip) {
  int64_t height = static_cast<int64_t>(std::sqrt(length));
  while (length % height != 0)
    --height;
  return std::make_unique<Haar2DBasis>(levels, height, length / height, skip);
}

/// Every basis at lengths that are even, odd, prime and powers of two.
std::vector<Case> orthonormalCases() {
  std::vector<Case> cases;
  for (int64_t seqLen : {1, 2, 3, 8, 13, 40, 197, 512})
    for (int64_t skip : {0, 1}) {
      auto add = [&](const char *name, std::unique_ptr<Basis> basis) {
        cases.push_back({std::string(name) + " S=" + std::to_string(seqLen) +
                             " skip=" + std::to_string(skip),
                         std::move(basis), seqLen});
      };
      int64_t length = std::max<int64_t>(seqLen - skip, 1);
      add("identity", std::make_unique<IdentityBasis>(skip));
      add("haar 1", std::make_unique<HaarBasis>(1, skip));
      add("haar 4", std::make_unique<HaarBasis>(4, skip));
      add("haar 30", std::make_unique<HaarBasis>(30, skip));
      add("haar2d 1", grid(1, length, skip));
      add("haar2d 5", grid(5, length, skip));
      add("haar2d misfit", grid(2, length + 1, skip));
      add("dct", std::make_unique<DCTBasis>(skip));
      add("wht 0", std::make_unique<WHTBasis>(0, skip));
      add("wht 1", std::make_unique<WHTBasis>(1, skip));
      add("wht 16", std::make_unique<WHTBasis>(16, skip));
      add("matrix", std::make_unique<MatrixBasis>(length, someRotation(length),
                                                  std::nullopt, skip));
      add("matrix misfit",
          std::make_unique<MatrixBasis>(length + 1, someRotation(length + 1),
                                        std::nullopt, skip));
    }
  return cases;
}

void forEachOrthonormalCase(const std::function<void(const Case &)> &check) {
  for (const Case &c : orthonormalCases()) {
    SCOPED_TRACE(c.name);
    check(c);
  }
}

constexpr int64_t kFeatures = 9;

/// The largest magnitude in each column: outlier channels must not hide errors
/// in the others.
template <typename T>
std::vector<double> columnPeaks(const std::vector<T> &x, int64_t features) {
  std::vector<double> peaks(features, 0.0);
  for (size_t i = 0; i < x.size(); ++i)
    peaks[i % features] =
        std::max(peaks[i % features], std::abs(static_cast<double>(x[i])));
  return peaks;
}

template <typename A, typename B>
double worstRelativeDifference(const std::vector<A> &a, const std::vector<B> &b,
                               int64_t features) {
  std::vector<double> peaks = columnPeaks(b, features);
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    double difference =
        std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    worst = std::max(worst, difference / peaks[i % features]);
  }
  return worst;
}

template <typename T>
std::vector<double> columnNorms(const std::vector<T> &x, int64_t features) {
  std::vector<double> squares(features, 0.0);
  for (size_t i = 0; i < x.size(); ++i)
    squares[i % features] +=
        static_cast<double>(x[i]) * static_cast<double>(x[i]);
  for (double &s : squares)
    s = std::sqrt(s);
  return squares;
}

TEST(Basis, InverseUndoesForward) {
  forEachOrthonormalCase([](const Case &c) {
    std::vector<float> x = correlatedRows(c.seqLen, kFeatures, 1), y = x;
    c.basis->forward(y.data(), c.seqLen, kFeatures);
    c.basis->inverse(y.data(), c.seqLen, kFeatures);
    EXPECT_LE(worstRelativeDifference(y, x, kFeatures), 1e-6);

    std::vector<double> xd = widened(x), yd = xd;
    c.basis->forward(yd.data(), c.seqLen, kFeatures);
    c.basis->inverse(yd.data(), c.seqLen, kFeatures);
    // A matrix is given in float: its transpose inverts it no better than that.
    bool isMatrix = dynamic_cast<const MatrixBasis *>(c.basis.get());
    EXPECT_LE(worstRelativeDifference(yd, xd, kFeatures),
              isMatrix ? 1e-6 : 1e-13);
  });
}

TEST(Basis, ForwardUndoesInverse) {
  forEachOrthonormalCase([](const Case &c) {
    std::vector<float> x = correlatedRows(c.seqLen, kFeatures, 2), y = x;
    c.basis->inverse(y.data(), c.seqLen, kFeatures);
    c.basis->forward(y.data(), c.seqLen, kFeatures);
    EXPECT_LE(worstRelativeDifference(y, x, kFeatures), 1e-6);
  });
}

TEST(Basis, OrthonormalBasesKeepEveryColumnsNorm) {
  forEachOrthonormalCase([](const Case &c) {
    ASSERT_TRUE(c.basis->isOrthonormal());
    std::vector<float> x = correlatedRows(c.seqLen, kFeatures, 3), y = x;
    c.basis->forward(y.data(), c.seqLen, kFeatures);
    EXPECT_LE(worstRelativeDifference(columnNorms(y, kFeatures),
                                      columnNorms(x, kFeatures), kFeatures),
              1e-6);
  });
}

TEST(Basis, MatrixIsWhatForwardMultipliesBy) {
  forEachOrthonormalCase([](const Case &c) {
    int64_t n = c.seqLen;
    std::vector<float> x = correlatedRows(n, kFeatures, 4), y = x;
    c.basis->forward(y.data(), n, kFeatures);
    std::vector<double> l = c.basis->matrix(n);
    std::vector<double> expected(n * kFeatures, 0.0);
    for (int64_t k = 0; k < n; ++k)
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < kFeatures; ++j)
          expected[k * kFeatures + j] +=
              l[k * n + i] * static_cast<double>(x[i * kFeatures + j]);
    EXPECT_LE(worstRelativeDifference(y, expected, kFeatures), 1e-6);
  });
}

TEST(Basis, TheTransposedMatrixIsTheInverse) {
  forEachOrthonormalCase([](const Case &c) {
    int64_t n = c.seqLen;
    std::vector<double> x = widened(correlatedRows(n, kFeatures, 5)), y = x;
    c.basis->inverse(y.data(), n, kFeatures);
    std::vector<double> l = c.basis->matrix(n);
    std::vector<double> expected(n * kFeatures, 0.0);
    for (int64_t k = 0; k < n; ++k)
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < kFeatures; ++j)
          expected[k * kFeatures + j] += l[i * n + k] * x[i * kFeatures + j];
    EXPECT_LE(worstRelativeDifference(y, expected, kFeatures), 1e-12);
  });
}

TEST(Basis, ColumnsDoNotInfluenceEachOther) {
  forEachOrthonormalCase([](const Case &c) {
    constexpr int64_t kMany = 301; // More than any internal column tile.
    std::vector<float> x = correlatedRows(c.seqLen, kMany, 6), y = x;
    c.basis->forward(y.data(), c.seqLen, kMany);
    for (int64_t j : {int64_t(0), int64_t(127), int64_t(128), kMany - 1}) {
      std::vector<float> column(c.seqLen);
      for (int64_t i = 0; i < c.seqLen; ++i)
        column[i] = x[i * kMany + j];
      c.basis->forward(column.data(), c.seqLen, 1);
      for (int64_t i = 0; i < c.seqLen; ++i)
        ASSERT_EQ(column[i], y[i * kMany + j]) << "row " << i;
    }
  });
}

TEST(Basis, SkippedTokensStayInFrontUntouched) {
  for (int64_t skip : {1, 3, 8, 20}) {
    std::unique_ptr<Basis> bases[] = {
        std::make_unique<IdentityBasis>(skip),
        std::make_unique<HaarBasis>(3, skip),
        std::make_unique<Haar2DBasis>(2, 3, 4, skip),
        std::make_unique<DCTBasis>(skip),
        std::make_unique<WHTBasis>(4, skip),
        std::make_unique<MatrixBasis>(12, someRotation(12), std::nullopt, skip),
        runningSums(12, skip)};
    for (const auto &basis : bases) {
      int64_t seqLen = 15, kept = std::min(skip, seqLen);
      std::vector<float> x = correlatedRows(seqLen, 2, 7), y = x, rest = x;
      basis->forward(y.data(), seqLen, 2);
      EXPECT_TRUE(std::equal(x.begin(), x.begin() + 2 * kept, y.begin()));
      basis->inverse(rest.data(), seqLen, 2);
      EXPECT_TRUE(std::equal(x.begin(), x.begin() + 2 * kept, rest.begin()));
    }
  }
}

TEST(Basis, AnEmptySequenceIsLeftAlone) {
  EXPECT_TRUE(HaarBasis(3).matrix(0).empty());
  EXPECT_TRUE(WHTBasis().transformedOnes(0).empty());
  EXPECT_TRUE(DCTBasis(2).transformedOnes(0).empty());
  EXPECT_EQ(DCTBasis().mixingBlock(0), 1);
  EXPECT_EQ(WHTBasis(0).mixingBlock(0), 1);
  EXPECT_EQ(HaarBasis(2).flops(0), 0);
}

TEST(Basis, TransformedOnesAreTheRowSumsOfTheMatrix) {
  forEachOrthonormalCase([](const Case &c) {
    int64_t n = c.seqLen;
    std::vector<double> l = c.basis->matrix(n);
    std::vector<float> ones = c.basis->transformedOnes(n);
    ASSERT_EQ(static_cast<int64_t>(ones.size()), n);
    for (int64_t k = 0; k < n; ++k) {
      double sum = 0;
      for (int64_t i = 0; i < n; ++i)
        sum += l[k * n + i];
      EXPECT_NEAR(ones[k], sum, 1e-6 * std::sqrt(static_cast<double>(n)))
          << "row " << k;
    }
  });
}

TEST(Basis, HaarDCTAndWHTSpreadABiasOverFewRows) {
  // 40 = 5·8: the coarse rows of three levels, and no others.
  std::vector<float> haar = HaarBasis(3).transformedOnes(40);
  EXPECT_EQ(std::count_if(haar.begin(), haar.end(),
                          [](float v) { return v != 0.0f; }),
            5);
  std::vector<float> dct = DCTBasis().transformedOnes(40);
  EXPECT_EQ(dct[0], std::sqrt(40.0f));
  EXPECT_EQ(std::count(dct.begin(), dct.end(), 0.0f), 39);
  // 13 = 8 + 4 + 1: the mean of each block, skipped tokens in front.
  std::vector<float> wht = WHTBasis(0, /*skip=*/1).transformedOnes(14);
  EXPECT_EQ(wht[0], 1.0f);
  EXPECT_FLOAT_EQ(wht[1], std::sqrt(8.0f));
  EXPECT_EQ(wht[2], 2.0f);
  EXPECT_EQ(wht[3], 1.0f);
  EXPECT_EQ(std::count(wht.begin(), wht.end(), 0.0f), 10);
}

TEST(Basis, NoRowOfTheMatrixReachesBeyondOneMixingBlock) {
  forEachOrthonormalCase([](const Case &c) {
    int64_t n = c.seqLen, block = c.basis->mixingBlock(n);
    int64_t kept = n - c.basis->transformedLength(n);
    ASSERT_GE(block, 1);
    ASSERT_LE(block, std::max<int64_t>(n - kept, 1));
    std::vector<double> l = c.basis->matrix(n);
    for (int64_t k = kept; k < n; ++k) {
      int64_t home = -1;
      for (int64_t i = kept; i < n; ++i) {
        if (l[k * n + i] == 0.0)
          continue;
        int64_t here = (i - kept) / block;
        if (home < 0)
          home = here;
        ASSERT_EQ(here, home) << "row " << k << " column " << i;
      }
    }
  });
}

TEST(Basis, TheFirstCoefficientSpansItsWholeMixingBlock) {
  auto spans = [](const Basis &basis, int64_t seqLen) {
    std::vector<double> l = basis.matrix(seqLen);
    for (int64_t i = 0; i < basis.mixingBlock(seqLen); ++i)
      if (l[i] == 0.0)
        return false;
    return true;
  };
  EXPECT_TRUE(spans(IdentityBasis(), 40));
  EXPECT_TRUE(spans(HaarBasis(3), 40));
  EXPECT_TRUE(spans(HaarBasis(10), 40));
  EXPECT_TRUE(spans(WHTBasis(8), 40));
  EXPECT_TRUE(spans(WHTBasis(), 40));
  EXPECT_TRUE(spans(DCTBasis(), 40));
  EXPECT_EQ(HaarBasis(3).mixingBlock(40), 8);
  EXPECT_EQ(HaarBasis(10).mixingBlock(40), 40);
  EXPECT_EQ(WHTBasis().mixingBlock(40), 32);
  EXPECT_EQ(Haar2DBasis(1, 4, 10).mixingBlock(40), 20);
  EXPECT_EQ(Haar2DBasis(3, 4, 10).mixingBlock(40), 40);
}

TEST(Basis, SequencesOfFewerThanMinTokensAreLeftAlone) {
  HaarBasis haar(2, /*skip=*/1), limited(2, /*skip=*/1);
  limited.setMinTokens(8);
  for (int64_t n : {0, 1, 2, 7}) {
    EXPECT_EQ(limited.matrix(n), IdentityBasis().matrix(n));
    EXPECT_EQ(limited.transformedOnes(n), std::vector<float>(n, 1.0f));
    EXPECT_EQ(limited.coarsePositions(n), IdentityBasis().coarsePositions(n));
    EXPECT_EQ(limited.mixingBlock(n), 1);
    EXPECT_EQ(limited.flops(n), 0);
    EXPECT_EQ(limited.misfit(n), std::nullopt);
  }
  for (int64_t n : {8, 13}) {
    EXPECT_EQ(limited.matrix(n), haar.matrix(n));
    EXPECT_EQ(limited.transformedOnes(n), haar.transformedOnes(n));
    EXPECT_EQ(limited.coarsePositions(n), haar.coarsePositions(n));
  }
  // A part of a long sequence could be a short one.
  EXPECT_EQ(limited.fixedBlock(), std::nullopt);
}

TEST(Basis, AGridOrMatrixOfAnotherSizeIsTheIdentity) {
  std::vector<float> x = correlatedRows(13, 3, 8);
  Haar2DBasis raster(2, 3, 4);
  MatrixBasis matrix(12, someRotation(12));
  for (const Basis *basis : {static_cast<const Basis *>(&raster),
                             static_cast<const Basis *>(&matrix)}) {
    std::vector<float> y = x;
    basis->forward(y.data(), 13, 3);
    EXPECT_EQ(y, x);
    basis->inverse(y.data(), 13, 3);
    EXPECT_EQ(y, x);
    EXPECT_EQ(basis->mixingBlock(13), 1);
    EXPECT_EQ(basis->flops(13), 0);
    EXPECT_NE(basis->mixingBlock(12), 1);
    EXPECT_NE(basis->flops(12), 0);
  }
}

TEST(Basis, AGivenInverseIsUsedAndMakesABasisNotOrthonormal) {
  std::unique_ptr<Basis> basis = runningSums(5, /*skip=*/0);
  EXPECT_FALSE(basis->isOrthonormal());
  std::vector<float> x{1, 2, 3, 4, 5};
  basis->forward(x.data(), 5, 1);
  EXPECT_EQ(x, (std::vector<float>{0.25, 0.75, 1.5, 2.5, 3.75}));
  basis->inverse(x.data(), 5, 1);
  EXPECT_EQ(x, (std::vector<float>{1, 2, 3, 4, 5}));
}

TEST(Basis, FlopsCountTheFastEvaluation) {
  EXPECT_EQ(IdentityBasis().flops(40), 0);
  // 4 + 2 + 1 pairs, two additions and two multiplications each.
  EXPECT_EQ(HaarBasis(3).flops(8), 28);
  EXPECT_EQ(HaarBasis(3, /*skip=*/1).flops(9), 28);
  // 2·2 pairs along W and 1·4 along H.
  EXPECT_EQ(Haar2DBasis(1, 2, 4).flops(8), 32);
  // Three additions and one multiplication per row.
  EXPECT_EQ(WHTBasis(8).flops(16), 64);
  EXPECT_EQ(DCTBasis().flops(8), 128);
  EXPECT_EQ(MatrixBasis(8, someRotation(8)).flops(8), 128);
}

TEST(Basis, APlanThatExceedsTheLengthIsToldWhy) {
  using Message = std::optional<std::string>;
  EXPECT_EQ(HaarBasis(10).misfit(40),
            Message("levels = 10 needs at least 513 tokens, there are 40"));
  EXPECT_EQ(HaarBasis(7, /*skip=*/1).misfit(41),
            Message("levels = 7 needs at least 65 tokens, there are 40 after "
                    "skip = 1"));
  EXPECT_EQ(HaarBasis(6).misfit(40), std::nullopt);
  EXPECT_EQ(HaarBasis(6).misfit(33), std::nullopt);
  EXPECT_NE(HaarBasis(6).misfit(32), std::nullopt);
  EXPECT_NE(HaarBasis(1).misfit(1), std::nullopt);
  EXPECT_EQ(HaarBasis(1).misfit(2), std::nullopt);

  EXPECT_EQ(Haar2DBasis(2, 14, 14).misfit(197),
            Message("grid = 14x14 must hold every token, there are 197"));
  EXPECT_EQ(Haar2DBasis(4, 14, 14, /*skip=*/1).misfit(197), std::nullopt);
  EXPECT_EQ(Haar2DBasis(5, 14, 3).misfit(42),
            Message("levels = 5 needs a side of at least 17 tokens, the grid "
                    "is 14x3"));
  int64_t huge = int64_t(1) << 62;
  EXPECT_NE(Haar2DBasis(1, huge, huge).misfit(0), std::nullopt);
  EXPECT_NE(Haar2DBasis(1, huge, huge).misfit(16), std::nullopt);

  EXPECT_EQ(WHTBasis(64).misfit(40),
            Message("block = 64 needs at least 64 tokens, there are 40"));
  EXPECT_EQ(WHTBasis(32).misfit(40), std::nullopt);
  EXPECT_EQ(WHTBasis().misfit(40), std::nullopt);

  EXPECT_EQ(MatrixBasis(8, someRotation(8)).misfit(9),
            Message("matrix = 8x8 needs exactly 8 tokens, there are 9"));
  EXPECT_EQ(MatrixBasis(8, someRotation(8), std::nullopt, 1).misfit(9),
            std::nullopt);

  EXPECT_EQ(DCTBasis().misfit(1), std::nullopt);
  EXPECT_EQ(DCTBasis(5).misfit(5),
            Message("skip = 5 leaves no token to transform, there are 5"));
  EXPECT_EQ(IdentityBasis(5).misfit(5), std::nullopt);
}

} // namespace
