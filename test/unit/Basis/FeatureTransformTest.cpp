//===- FeatureTransformTest.cpp - R along the features ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/FeatureTransform.h"
#include "TestData.h"

#include "gtest/gtest.h"

#include <cmath>
#include <memory>

using namespace stamp;
using namespace stamp::test;

namespace {

/// A·B, n × n.
std::vector<double> product(const std::vector<double> &a,
                            const std::vector<double> &b, int64_t n) {
  std::vector<double> c(n * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < n; ++k)
      for (int64_t j = 0; j < n; ++j)
        c[i * n + j] += a[i * n + k] * b[k * n + j];
  return c;
}

std::vector<double> transposed(const std::vector<double> &a, int64_t n) {
  std::vector<double> t(n * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      t[j * n + i] = a[i * n + j];
  return t;
}

double distance(const std::vector<double> &a, const std::vector<double> &b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

std::vector<double> identity(int64_t n) {
  std::vector<double> i(n * n);
  for (int64_t k = 0; k < n; ++k)
    i[k * n + k] = 1;
  return i;
}

double energy(const std::vector<double> &x) {
  double sum = 0;
  for (double v : x)
    sum += v * v;
  return sum;
}

//===---------------------------------------------------------------------===//
// Hadamard matrices
//===---------------------------------------------------------------------===//

TEST(HadamardSigns, AreHadamardMatricesOfAllOrdersPromised) {
  std::vector<int64_t> missing;
  for (int64_t m = 1; m <= 256; ++m) {
    std::vector<int8_t> h = Hadamard::signs(m);
    if (h.empty()) {
      if (m <= 2 || m % 4 == 0)
        missing.push_back(m);
      continue;
    }
    ASSERT_EQ(static_cast<int64_t>(h.size()), m * m);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        int64_t dot = 0;
        for (int64_t k = 0; k < m; ++k) {
          ASSERT_EQ(std::abs(h[i * m + k]), 1);
          dot += h[i * m + k] * h[j * m + k];
        }
        ASSERT_EQ(dot, i == j ? m : 0) << "order " << m;
      }
  }
  EXPECT_EQ(missing, (std::vector<int64_t>{156, 188, 236}));
}

TEST(HadamardSigns, OfASmallOrderAreWhatTheyAreByHand) {
  EXPECT_EQ(Hadamard::signs(4),
            (std::vector<int8_t>{1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1,
                                 -1, 1}));
  // Paley over GF(11), whose squares are 1, 3, 4, 5, 9: row 1 has χ(0 − j).
  std::vector<int8_t> h = Hadamard::signs(12);
  EXPECT_EQ(std::vector<int8_t>(h.begin() + 12, h.begin() + 24),
            (std::vector<int8_t>{-1, 1, -1, 1, -1, -1, -1, 1, 1, 1, -1, 1}));
}

TEST(HadamardSigns, ExistForNoOtherOrder) {
  for (int64_t m : {3, 6, 7, 14, 107, 231, 462})
    EXPECT_TRUE(Hadamard::signs(m).empty()) << m;
}

TEST(Hadamard, ProposesAnOrder) {
  for (auto [features, order] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1},
           {2, 1},
           {4096, 1},
           {120, 60},
           {3584, 28},
           {11008, 172},
           {13696, 107}, // 428 is too large, and not constructed.
           {13824, 108},
           {18944, 148},
           {29568, 231}, // 924 is too large.
           {7, 7}})
    EXPECT_EQ(Hadamard::orderFor(features), order) << features;
  EXPECT_EQ(Hadamard::orderFor(2 * 4097), std::nullopt);
  EXPECT_EQ(Hadamard::orderFor(0), std::nullopt);
}

//===---------------------------------------------------------------------===//
// The rotation
//===---------------------------------------------------------------------===//

TEST(Hadamard, OfFourFeaturesIsWhatItIsByHand) {
  // Natural order: unlike the WHT's, no sorting by sequency.
  std::vector<float> x{1, 2, 3, 4};
  Hadamard(1).apply(x.data(), {1, 4, 1}, Side::Right, Direction::Forward);
  EXPECT_EQ(x, (std::vector<float>{5, -1, -2, 0}));
}

TEST(Hadamard, IsOrthonormalForEveryOrder) {
  for (int64_t m = 1; m <= 128; ++m) {
    int64_t n = 2 * m;
    std::vector<double> r = Hadamard(m).matrix(n);
    EXPECT_LT(distance(product(r, transposed(r, n), n), identity(n)), 1e-13)
        << m;
  }
}

TEST(Hadamard, IsTheKroneckerProductItIsSaidToBe) {
  int64_t m = 12, blocks = 4, n = m * blocks;
  std::vector<double> r = Hadamard(m).matrix(n);
  std::vector<int8_t> outer = Hadamard::signs(blocks),
                      inner = Hadamard::signs(m);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      ASSERT_NEAR(r[i * n + j],
                  outer[i / m * blocks + j / m] * inner[i % m * m + j % m] /
                      std::sqrt(n),
                  1e-15);
}

TEST(Hadamard, KeepsEnergyAndComesBackAtTheSizesOfModels) {
  for (auto [features, order] :
       std::vector<std::pair<int64_t, int64_t>>{{120, 15},
                                                {120, 60},
                                                {3584, 28},
                                                {4096, 1},
                                                {13696, 107},
                                                {13696, 428},
                                                {29568, 231},
                                                {29568, 924}}) {
    Hadamard hadamard(order);
    ASSERT_EQ(hadamard.misfit(features), std::nullopt);
    std::vector<float> data = correlatedRows(2, features, features);
    for (Side side : {Side::Right, Side::Left}) {
      std::vector<double> x = widened(data);
      hadamard.apply(x.data(), {2, features, 1}, side, Direction::Forward);
      EXPECT_NEAR(energy(x) / energy(widened(data)), 1, 1e-12);
      EXPECT_GT(distance(x, widened(data)), 1);
      hadamard.apply(x.data(), {2, features, 1}, side, Direction::Inverse);
      EXPECT_LT(distance(x, widened(data)), 1e-10) << features << "/" << order;
    }
  }
}

TEST(Hadamard, SpreadsAnOutlierEvenly) {
  std::vector<double> x(3584);
  x[1000] = 1;
  Hadamard(28).apply(x.data(), {1, 3584, 1}, Side::Right, Direction::Forward);
  for (double v : x)
    ASSERT_NEAR(std::abs(v), 1 / std::sqrt(3584), 1e-12);
}

//===---------------------------------------------------------------------===//
// All transforms
//===---------------------------------------------------------------------===//

struct Case {
  const char *name;
  std::unique_ptr<FeatureTransform> transform;
  int64_t features;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back({"hadamard", std::make_unique<Hadamard>(1), 16});
  all.push_back({"paley", std::make_unique<Hadamard>(12), 24});
  all.push_back({"dct", std::make_unique<Hadamard>(3), 12});
  all.push_back(
      {"scale", std::make_unique<FeatureScale>(std::vector<float>{2, 0.25, -3}),
       3});
  all.push_back({"rotation",
                 std::make_unique<FeatureMatrix>(
                     2, std::vector<float>{0.6f, 0.8f, -0.8f, 0.6f}),
                 2});
  all.push_back({"skewed after a skip",
                 std::make_unique<FeatureMatrix>(
                     2, std::vector<float>{1, 2, 0, 1},
                     std::vector<float>{1, -2, 0, 1}, /*skip=*/1),
                 3});
  return all;
}

TEST(FeatureTransform, EverySideAndDirectionIsAProductWithR) {
  for (const Case &c : cases()) {
    int64_t n = c.features;
    std::vector<double> r = c.transform->matrix(n), i = identity(n);
    auto apply = [&](std::vector<double> x, FeatureShape shape, Side side,
                     Direction direction) {
      c.transform->apply(x.data(), shape, side, direction);
      return x;
    };
    FeatureShape rows = {n, n, 1}, columns = {1, n, n};
    std::vector<double> x = widened(correlatedRows(n, n, 5));
    std::vector<double> inverse =
        apply(i, columns, Side::Left, Direction::Inverse);
    EXPECT_LT(distance(product(r, inverse, n), i), 1e-6) << c.name;
    EXPECT_LT(distance(apply(x, rows, Side::Right, Direction::Forward),
                       product(x, r, n)),
              1e-5)
        << c.name;
    EXPECT_LT(distance(apply(x, rows, Side::Right, Direction::Inverse),
                       product(x, inverse, n)),
              1e-5)
        << c.name;
    EXPECT_LT(distance(apply(x, columns, Side::Left, Direction::Forward),
                       product(r, x, n)),
              1e-5)
        << c.name;
    EXPECT_LT(distance(apply(x, columns, Side::Left, Direction::Inverse),
                       product(inverse, x, n)),
              1e-5)
        << c.name;
  }
}

TEST(FeatureTransform, TheFeaturesMayStandAnywhere) {
  // 3 × n × 50 elements: panels run over the ends of slabs.
  for (const Case &c : cases()) {
    int64_t n = c.features, inner = 50;
    std::vector<float> x = correlatedRows(3 * n, inner, 9), whole = x;
    c.transform->apply(whole.data(), {3, n, inner}, Side::Left,
                       Direction::Forward);
    for (int64_t slab = 0; slab < 3; ++slab)
      for (int64_t j = 0; j < inner; ++j) {
        std::vector<float> column(n);
        for (int64_t i = 0; i < n; ++i)
          column[i] = x[(slab * n + i) * inner + j];
        c.transform->apply(column.data(), {1, n, 1}, Side::Left,
                           Direction::Forward);
        for (int64_t i = 0; i < n; ++i)
          ASSERT_EQ(whole[(slab * n + i) * inner + j], column[i]) << c.name;
      }
  }
}

TEST(FeatureTransform, IsTheIdentityWhereItDoesNotFit) {
  for (const Case &c : cases()) {
    int64_t features = 7;
    ASSERT_TRUE(c.transform->misfit(features)) << c.name;
    EXPECT_FALSE(c.transform->misfit(c.features)) << c.name;
    std::vector<float> x = correlatedRows(4, features, 3), y = x;
    c.transform->apply(y.data(), {4, features, 1}, Side::Right,
                       Direction::Forward);
    EXPECT_EQ(y, x) << c.name;
    EXPECT_EQ(c.transform->flops(features), 0) << c.name;
    EXPECT_GT(c.transform->flops(c.features), 0) << c.name;
  }
}

TEST(FeatureTransform, MisfitsSayWhy) {
  EXPECT_EQ(*Hadamard(1).misfit(12), "hadamard order = 1 needs a power of two "
                                     "of features, there are 12");
  EXPECT_EQ(*Hadamard(28).misfit(120), "hadamard order = 28 needs 28 times a "
                                       "power of two of features, there are "
                                       "120");
  EXPECT_TRUE(Hadamard(28).misfit(14));
  EXPECT_TRUE(Hadamard(1).misfit(0));
  EXPECT_EQ(*FeatureScale({2, 3}).misfit(3),
            "a scale of 2 factors needs as many features, there are 3");
  EXPECT_EQ(*FeatureMatrix(1, {1}, std::nullopt, 1).misfit(3),
            "matrix = 1x1 needs exactly 1 features after skip = 1, there are "
            "2");
}

} // namespace
