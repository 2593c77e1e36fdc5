//===- Basis.cpp - What all bases share ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// The skip, and readings that follow from the evaluation alone.
//
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Basis.h"

#include <algorithm>
#include <cassert>
#include <numeric>

using namespace stamp;

Basis::Basis(int64_t skip) : skip(skip) {
  assert(skip >= 0 && "a skip counts tokens");
}

/// The tokens after the skip.
template <typename T>
static Rows<T> transformedRows(const Basis &basis, T *x, int64_t seqLen,
                               int64_t features) {
  int64_t length = basis.transformedLength(seqLen);
  return {x + (seqLen - length) * features, length, features};
}

/// Moves row positions[i] to row i, or back.
template <typename T>
static void permute(Direction direction, const std::vector<int64_t> &positions,
                    Rows<T> x) {
  std::vector<T> storage(x.data, x.data + x.count * x.features);
  Rows<T> from{storage.data(), x.count, x.features};
  for (int64_t i = 0; i < x.count; ++i) {
    if (direction == Direction::Forward)
      std::copy_n(from[positions[i]], x.features, x[i]);
    else
      std::copy_n(from[i], x.features, x[positions[i]]);
  }
}

void Basis::forward(float *x, int64_t seqLen, int64_t features,
                    RowOrder order) const {
  evaluate(Direction::Forward, x, seqLen, features, order);
}

void Basis::forward(double *x, int64_t seqLen, int64_t features,
                    RowOrder order) const {
  evaluate(Direction::Forward, x, seqLen, features, order);
}

void Basis::inverse(float *x, int64_t seqLen, int64_t features,
                    RowOrder order) const {
  evaluate(Direction::Inverse, x, seqLen, features, order);
}

void Basis::inverse(double *x, int64_t seqLen, int64_t features,
                    RowOrder order) const {
  evaluate(Direction::Inverse, x, seqLen, features, order);
}

/// The orders differ by places only, never by a bit.
template <typename T>
void Basis::evaluate(Direction direction, T *x, int64_t seqLen,
                     int64_t features, RowOrder order) const {
  if (transformedLength(seqLen) == 0)
    return;
  Rows<T> rows = transformedRows(*this, x, seqLen, features);
  bool moves = order == RowOrder::Block;
  if (moves && direction == Direction::Inverse)
    permute(direction, coarsePositionsOfLength(rows.count), rows);
  transform(direction, rows);
  if (moves && direction == Direction::Forward)
    permute(direction, coarsePositionsOfLength(rows.count), rows);
}

std::vector<double> Basis::matrix(int64_t seqLen) const {
  // L = L·I.
  std::vector<double> result(seqLen * seqLen, 0.0);
  for (int64_t i = 0; i < seqLen; ++i)
    result[i * seqLen + i] = 1.0;
  forward(result.data(), seqLen, seqLen);
  return result;
}

std::vector<float> Basis::transformedOnes(int64_t seqLen,
                                          RowOrder order) const {
  std::vector<float> ones = coarseFirstOnes(seqLen);
  if (order == RowOrder::Block)
    permute(Direction::Forward, coarsePositions(seqLen),
            Rows<float>{ones.data(), seqLen, /*features=*/1});
  return ones;
}

std::vector<float> Basis::coarseFirstOnes(int64_t seqLen) const {
  std::vector<float> ones(seqLen, 1.0f);
  forward(ones.data(), seqLen, /*features=*/1);
  return ones;
}

std::vector<int64_t> Basis::coarsePositions(int64_t seqLen) const {
  int64_t length = transformedLength(seqLen), skipped = seqLen - length;
  std::vector<int64_t> positions(skipped);
  std::iota(positions.begin(), positions.end(), 0);
  if (length > 0)
    for (int64_t position : coarsePositionsOfLength(length))
      positions.push_back(skipped + position);
  return positions;
}

std::vector<int64_t> Basis::coarsePositionsOfLength(int64_t length) const {
  std::vector<int64_t> positions(length);
  std::iota(positions.begin(), positions.end(), 0);
  return positions;
}

std::optional<std::string> Basis::misfit(int64_t seqLen) const {
  if (seqLen < minTokens)
    return std::nullopt;
  int64_t length = transformedLength(seqLen);
  if (length == 0)
    return "skip = " + std::to_string(skip) +
           " leaves no token to transform, there are " + std::to_string(seqLen);
  return misfitOfLength(length);
}

std::string Basis::describeLength(int64_t length) const {
  std::string tokens = std::to_string(length);
  return skip ? tokens + " after skip = " + std::to_string(skip) : tokens;
}
