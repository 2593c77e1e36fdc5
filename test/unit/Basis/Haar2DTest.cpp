//===- Haar2DTest.cpp - The Haar transform of a raster ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "TestData.h"
#include "stamp/Basis/Basis.h"

#include "gtest/gtest.h"

#include <algorithm>

using namespace stamp;
using namespace stamp::test;

namespace {

/// A raster of rows of features.
struct Raster {
  int64_t height, width, features;
  std::vector<float> data;

  const float *at(int64_t i, int64_t j) const {
    return &data[(i * width + j) * features];
  }
};

Raster crop(const Raster &from, int64_t top, int64_t left, int64_t height,
            int64_t width) {
  Raster result{height, width, from.features, {}};
  for (int64_t i = 0; i < height; ++i)
    for (int64_t j = 0; j < width; ++j)
      result.data.insert(result.data.end(), from.at(top + i, left + j),
                         from.at(top + i, left + j) + from.features);
  return result;
}

/// The definition, from one-level 1-D transforms: each raster row is a sequence
/// of tokens, then the raster is a sequence of raster rows.
std::vector<float> byHand(Raster x, int64_t levels) {
  if (levels == 0)
    return x.data;
  HaarBasis level(1);
  for (int64_t i = 0; i < x.height; ++i)
    level.forward(&x.data[i * x.width * x.features], x.width, x.features);
  level.forward(x.data.data(), x.height, x.width * x.features);

  int64_t lowH = (x.height + 1) / 2, highH = x.height / 2;
  int64_t lowW = (x.width + 1) / 2, highW = x.width / 2;
  std::vector<float> result =
      byHand(crop(x, 0, 0, lowH, lowW), levels - 1);             // LL
  for (const Raster &band : {crop(x, lowH, 0, highH, lowW),      // LH
                             crop(x, 0, lowW, lowH, highW),      // HL
                             crop(x, lowH, lowW, highH, highW)}) // HH
    result.insert(result.end(), band.data.begin(), band.data.end());
  return result;
}

TEST(Haar2D, BandsOfATwoByTwoRasterAreItsMeanAndThreeDifferences) {
  //  1 2     LL ∝ sum         LH ∝ top − bottom
  //  3 5     HL ∝ left − right  HH ∝ diagonal difference
  std::vector<float> x{1, 2, 3, 5};
  Haar2DBasis(1, 2, 2).forward(x.data(), 4, 1);
  std::vector<float> expected{5.5f, -2.5f, -1.5f, 0.5f};
  for (int i = 0; i < 4; ++i)
    EXPECT_FLOAT_EQ(x[i], expected[i]) << "row " << i;
}

TEST(Haar2D, EqualsOneDimensionalLevelsAlongBothSides) {
  constexpr int64_t kFeatures = 3;
  for (auto [height, width] : {std::pair<int64_t, int64_t>{4, 8},
                               {5, 7},
                               {1, 13},
                               {13, 1},
                               {2, 3},
                               {14, 14},
                               {6, 24},
                               {1, 1}})
    for (int64_t levels : {1, 2, 3, 6}) {
      SCOPED_TRACE(testing::Message()
                   << height << "x" << width << " levels=" << levels);
      std::vector<float> x = correlatedRows(height * width, kFeatures, 21);
      std::vector<float> expected =
          byHand({height, width, kFeatures, x}, levels);
      Haar2DBasis(levels, height, width)
          .forward(x.data(), height * width, kFeatures);
      EXPECT_EQ(x, expected); // To the bit.
    }
}

TEST(Haar2D, ARasterOfOneRowIsTheOneDimensionalTransform) {
  std::vector<float> x = correlatedRows(40, 2, 22), y = x;
  Haar2DBasis(3, 1, 40).forward(x.data(), 40, 2);
  HaarBasis(3).forward(y.data(), 40, 2);
  EXPECT_EQ(x, y);
}

TEST(Haar2D, MixesOnlyPatches) {
  // Two levels, 4×4 patches: a token at (0, 0) reaches no coefficient that the
  // token at (0, 4) reaches.
  Haar2DBasis basis(2, 8, 8);
  std::vector<double> l = basis.matrix(64);
  for (int64_t k = 0; k < 64; ++k)
    EXPECT_EQ(l[k * 64 + 0] * l[k * 64 + 4], 0.0) << "row " << k;
}

} // namespace
