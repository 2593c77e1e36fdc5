//===- Matrix.cpp - An explicit matrix -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "DenseProduct.h"
#include "stamp/Basis/Basis.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

using namespace stamp;

MatrixBasis::MatrixBasis(int64_t n, std::vector<float> matrix,
                         std::optional<std::vector<float>> inverse,
                         int64_t skip)
    : Basis(skip), n(n), forwardMatrix(std::move(matrix)),
      inverseMatrix(std::move(inverse)) {
  assert(n >= 1 && static_cast<int64_t>(forwardMatrix.size()) == n * n);
  assert(!inverseMatrix ||
         static_cast<int64_t>(inverseMatrix->size()) == n * n);
}

double MatrixBasis::orthonormalityError(int64_t n, const float *matrix) {
  double worst = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k <= i; ++k) {
      double product = 0;
      for (int64_t j = 0; j < n; ++j)
        product += static_cast<double>(matrix[i * n + j]) *
                   static_cast<double>(matrix[k * n + j]);
      double error = std::abs(product - (i == k ? 1.0 : 0.0));
      if (!std::isfinite(error))
        return std::numeric_limits<double>::quiet_NaN();
      worst = std::max(worst, error);
    }
  return worst;
}

template <typename T>
static void transformRows(const MatrixBasis &basis, Direction direction,
                          Rows<T> x) {
  if (x.count != basis.getSize())
    return;
  bool isInverse = direction == Direction::Inverse;
  if (isInverse && basis.getInverse())
    multiplyInPlace(*basis.getInverse(), /*transposed=*/false, x);
  else
    multiplyInPlace(basis.getMatrix(), /*transposed=*/isInverse, x);
}

void MatrixBasis::transform(Direction direction, Rows<float> x) const {
  transformRows(*this, direction, x);
}

void MatrixBasis::transform(Direction direction, Rows<double> x) const {
  transformRows(*this, direction, x);
}

int64_t MatrixBasis::mixingBlock(int64_t seqLen) const {
  return transformedLength(seqLen) == n ? n : 1;
}

double MatrixBasis::flops(int64_t seqLen) const {
  return transformedLength(seqLen) == n ? denseFlops(n) : 0;
}

std::optional<std::string> MatrixBasis::misfitOfLength(int64_t length) const {
  if (length == n)
    return std::nullopt;
  std::string size = std::to_string(n);
  return "matrix = " + size + "x" + size + " needs exactly " + size +
         " tokens, there are " + describeLength(length);
}
