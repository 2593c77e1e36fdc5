//===- FeatureTransform.cpp - Scales, matrices, what all share --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/FeatureTransform.h"

#include "DenseProduct.h"

#include <algorithm>
#include <cassert>
#include <utility>

using namespace stamp;

//===---------------------------------------------------------------------===//
// What all share
//===---------------------------------------------------------------------===//

/// Copies some columns at a time together, whatever the layout, so that a
/// transform sees features as rows of a block that stays in the cache.
template <typename T, typename Body>
static void forEachPanel(T *x, FeatureShape shape, Body body) {
  constexpr int64_t kColumns = 128;
  int64_t columns = shape.outer * shape.inner;
  std::vector<T> panel(shape.features * std::min(kColumns, columns));
  int64_t offsets[kColumns];
  for (int64_t first = 0; first < columns; first += kColumns) {
    int64_t width = std::min(kColumns, columns - first);
    for (int64_t j = 0; j < width; ++j) {
      int64_t slab = (first + j) / shape.inner;
      offsets[j] =
          slab * shape.features * shape.inner + (first + j) % shape.inner;
    }
    Rows<T> rows{panel.data(), shape.features, width};
    for (int64_t i = 0; i < shape.features; ++i)
      for (int64_t j = 0; j < width; ++j)
        rows[i][j] = x[offsets[j] + i * shape.inner];
    body(rows);
    for (int64_t i = 0; i < shape.features; ++i)
      for (int64_t j = 0; j < width; ++j)
        x[offsets[j] + i * shape.inner] = rows[i][j];
  }
}

void FeatureTransform::apply(float *x, FeatureShape shape, Side side,
                             Direction direction) const {
  if (!misfit(shape.features))
    forEachPanel(x, shape,
                 [&](Rows<float> rows) { transform(side, direction, rows); });
}

void FeatureTransform::apply(double *x, FeatureShape shape, Side side,
                             Direction direction) const {
  if (!misfit(shape.features))
    forEachPanel(x, shape,
                 [&](Rows<double> rows) { transform(side, direction, rows); });
}

std::vector<double> FeatureTransform::matrix(int64_t features) const {
  // R = R·I.
  std::vector<double> result(features * features, 0.0);
  for (int64_t i = 0; i < features; ++i)
    result[i * features + i] = 1.0;
  apply(result.data(), {1, features, features}, Side::Left, Direction::Forward);
  return result;
}

//===---------------------------------------------------------------------===//
// Scales
//===---------------------------------------------------------------------===//

FeatureScale::FeatureScale(std::vector<float> factors)
    : factors(std::move(factors)) {
  assert(std::count(this->factors.begin(), this->factors.end(), 0.0f) == 0);
}

template <typename T>
static void scaleRows(const std::vector<float> &factors, Direction direction,
                      Rows<T> x) {
  for (int64_t i = 0; i < x.count; ++i) {
    T factor = factors[i];
    for (int64_t j = 0; j < x.features; ++j)
      x[i][j] =
          direction == Direction::Forward ? x[i][j] * factor : x[i][j] / factor;
  }
}

void FeatureScale::transform(Side, Direction direction, Rows<float> x) const {
  scaleRows(factors, direction, x);
}

void FeatureScale::transform(Side, Direction direction, Rows<double> x) const {
  scaleRows(factors, direction, x);
}

double FeatureScale::flops(int64_t features) const {
  return misfit(features) ? 0 : static_cast<double>(features);
}

std::optional<std::string> FeatureScale::misfit(int64_t features) const {
  if (features == static_cast<int64_t>(factors.size()))
    return std::nullopt;
  return "a scale of " + std::to_string(factors.size()) +
         " factors needs as many features, there are " +
         std::to_string(features);
}

//===---------------------------------------------------------------------===//
// Matrices
//===---------------------------------------------------------------------===//

FeatureMatrix::FeatureMatrix(int64_t n, std::vector<float> matrix,
                             std::optional<std::vector<float>> inverse,
                             int64_t skip)
    : n(n), skip(skip), forwardMatrix(std::move(matrix)),
      inverseMatrix(std::move(inverse)) {
  assert(n >= 1 && static_cast<int64_t>(forwardMatrix.size()) == n * n);
  assert(!inverseMatrix ||
         static_cast<int64_t>(inverseMatrix->size()) == n * n);
  assert(skip >= 0);
}

/// The features after the skip.
template <typename T> static Rows<T> skipFeatures(Rows<T> x, int64_t skip) {
  return {x[skip], x.count - skip, x.features};
}

template <typename T>
static void multiplyRows(const std::vector<float> &matrix,
                         const std::optional<std::vector<float>> &inverse,
                         Side side, Direction direction, Rows<T> x) {
  bool isInverse = direction == Direction::Inverse;
  bool isTransposed = side == Side::Right;
  if (isInverse && inverse)
    multiplyInPlace(*inverse, isTransposed, x);
  else
    multiplyInPlace(matrix, isTransposed != isInverse, x);
}

void FeatureMatrix::transform(Side side, Direction direction,
                              Rows<float> x) const {
  multiplyRows(forwardMatrix, inverseMatrix, side, direction,
               skipFeatures(x, skip));
}

void FeatureMatrix::transform(Side side, Direction direction,
                              Rows<double> x) const {
  multiplyRows(forwardMatrix, inverseMatrix, side, direction,
               skipFeatures(x, skip));
}

double FeatureMatrix::flops(int64_t features) const {
  return misfit(features) ? 0 : denseFlops(n);
}

std::optional<std::string> FeatureMatrix::misfit(int64_t features) const {
  if (features - skip == n)
    return std::nullopt;
  std::string size = std::to_string(n);
  std::string after = skip ? " after skip = " + std::to_string(skip) : "";
  return "matrix = " + size + "x" + size + " needs exactly " + size +
         " features" + after + ", there are " +
         std::to_string(std::max<int64_t>(features - skip, 0));
}
