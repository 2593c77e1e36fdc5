//===- DCT.cpp - The orthonormal DCT-II ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "DenseProduct.h"
#include "stamp/Basis/Basis.h"

#include <algorithm>
#include <cmath>

using namespace stamp;

std::vector<double> DCTBasis::cosines(int64_t length) {
  constexpr double kPi = 3.14159265358979323846;
  std::vector<double> table(4 * length);
  // A quarter period determines the rest, and makes the zeros zero.
  for (int64_t j = 0; j < length; ++j) {
    double c = std::cos(kPi * static_cast<double>(j) /
                        (2.0 * static_cast<double>(length)));
    table[j] = c;
    table[2 * length - j] = -c;
    table[2 * length + j] = -c;
    if (j > 0)
      table[4 * length - j] = c;
  }
  return table;
}

template <typename T> static std::vector<T> denseDCT(int64_t length) {
  std::vector<double> cosines = DCTBasis::cosines(length);
  double scale = std::sqrt(2.0 / static_cast<double>(length));
  std::vector<T> matrix(length * length);
  for (int64_t k = 0; k < length; ++k) {
    double rowScale = k == 0 ? scale / std::sqrt(2.0) : scale;
    for (int64_t i = 0; i < length; ++i)
      matrix[k * length + i] =
          static_cast<T>(rowScale * cosines[(2 * i + 1) * k % (4 * length)]);
  }
  return matrix;
}

std::vector<float> DCTBasis::coefficients(int64_t length) {
  return denseDCT<float>(length);
}

std::vector<double> DCTBasis::preciseCoefficients(int64_t length) {
  return denseDCT<double>(length);
}

void DCTBasis::transform(Direction direction, Rows<float> x) const {
  multiplyInPlace(denseDCT<float>(x.count), direction == Direction::Inverse, x);
}

void DCTBasis::transform(Direction direction, Rows<double> x) const {
  multiplyInPlace(denseDCT<double>(x.count), direction == Direction::Inverse,
                  x);
}

// A product with the rounded matrix would leave noise where L·1 is zero.
std::vector<float> DCTBasis::coarseFirstOnes(int64_t seqLen) const {
  int64_t length = transformedLength(seqLen);
  std::vector<float> ones(seqLen, 1.0f);
  if (length == 0)
    return ones;
  auto coefficients = ones.end() - length;
  std::fill(coefficients, ones.end(), 0.0f);
  *coefficients = std::sqrt(static_cast<float>(length));
  return ones;
}

int64_t DCTBasis::mixingBlock(int64_t seqLen) const {
  return std::max<int64_t>(transformedLength(seqLen), 1);
}

double DCTBasis::flops(int64_t seqLen) const {
  return denseFlops(transformedLength(seqLen));
}
