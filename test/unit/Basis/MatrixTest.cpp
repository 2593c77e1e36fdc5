//===- MatrixTest.cpp - Explicit matrices ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Basis.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace stamp;

namespace {

TEST(Matrix, MultipliesFromTheLeft) {
  MatrixBasis basis(2, {1, 2, 3, 4}, std::vector<float>{-2, 1, 1.5, -0.5});
  std::vector<float> x{1, 10, 2, 20};
  basis.forward(x.data(), 2, 2);
  EXPECT_EQ(x, (std::vector<float>{5, 50, 11, 110}));
  basis.inverse(x.data(), 2, 2);
  EXPECT_EQ(x, (std::vector<float>{1, 10, 2, 20}));
}

TEST(Matrix, WithoutAnInverseIsUndoneByItsTranspose) {
  MatrixBasis basis(3, {0, 1, 0, 0, 0, 1, 1, 0, 0});
  std::vector<float> x{1, 2, 3};
  basis.forward(x.data(), 3, 1);
  EXPECT_EQ(x, (std::vector<float>{2, 3, 1}));
  basis.inverse(x.data(), 3, 1);
  EXPECT_EQ(x, (std::vector<float>{1, 2, 3}));
}

TEST(Matrix, OrthonormalityErrorTellsRotationsFromOtherMatrices) {
  float rotation[] = {0.6f, 0.8f, -0.8f, 0.6f};
  EXPECT_LT(MatrixBasis::orthonormalityError(2, rotation), 1e-7);
  float scaled[] = {1.0f, 0.0f, 0.0f, 1.5f};
  EXPECT_DOUBLE_EQ(MatrixBasis::orthonormalityError(2, scaled), 1.25);
  float skewed[] = {1.0f, 0.0f, 0.6f, 0.8f};
  EXPECT_NEAR(MatrixBasis::orthonormalityError(2, skewed), 0.6, 1e-7);
}

TEST(Matrix, OrthonormalityErrorOfANonFiniteMatrixIsNaN) {
  float nan = std::numeric_limits<float>::quiet_NaN();
  float infinity = std::numeric_limits<float>::infinity();
  float withNaN[] = {1.0f, 0.0f, 0.0f, nan};
  float withInfinity[] = {1.0f, infinity, 0.0f, 1.0f};
  EXPECT_TRUE(std::isnan(MatrixBasis::orthonormalityError(2, withNaN)));
  EXPECT_TRUE(std::isnan(MatrixBasis::orthonormalityError(2, withInfinity)));
}

} // namespace
