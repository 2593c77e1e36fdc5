//===- Basis.cpp - What all bases share ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// The skip, and readings that follow from the evaluation alone.
//
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Basis.h"

#include <cassert>

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

void Basis::forward(float *x, int64_t seqLen, int64_t features) const {
  if (transformedLength(seqLen) > 0)
    transform(Direction::Forward, transformedRows(*this, x, seqLen, features));
}

void Basis::forward(double *x, int64_t seqLen, int64_t features) const {
  if (transformedLength(seqLen) > 0)
    transform(Direction::Forward, transformedRows(*this, x, seqLen, features));
}

void Basis::inverse(float *x, int64_t seqLen, int64_t features) const {
  if (transformedLength(seqLen) > 0)
    transform(Direction::Inverse, transformedRows(*this, x, seqLen, features));
}

void Basis::inverse(double *x, int64_t seqLen, int64_t features) const {
  if (transformedLength(seqLen) > 0)
    transform(Direction::Inverse, transformedRows(*this, x, seqLen, features));
}

std::vector<double> Basis::matrix(int64_t seqLen) const {
  // L = L·I.
  std::vector<double> result(seqLen * seqLen, 0.0);
  for (int64_t i = 0; i < seqLen; ++i)
    result[i * seqLen + i] = 1.0;
  forward(result.data(), seqLen, seqLen);
  return result;
}

std::vector<float> Basis::transformedOnes(int64_t seqLen) const {
  std::vector<float> ones(seqLen, 1.0f);
  forward(ones.data(), seqLen, /*features=*/1);
  return ones;
}

std::optional<std::string> Basis::misfit(int64_t seqLen) const {
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
