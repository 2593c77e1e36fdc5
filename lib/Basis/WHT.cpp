//===- WHT.cpp - The Walsh-Hadamard transform in blocks ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// Butterflies in place leave every block in natural Sylvester order; then the
// rows are gathered into the order of sequency, the number of sign changes.
//
//===---------------------------------------------------------------------===//

#include "Butterflies.h"
#include "stamp/Basis/Basis.h"

#include <algorithm>
#include <cassert>

using namespace stamp;

WHTBasis::WHTBasis(int64_t block, int64_t skip) : Basis(skip), block(block) {
  assert(block >= 0 && (block & (block - 1)) == 0 &&
         "a block is a power of two, or 0");
}

static int64_t largestPowerOfTwoUpTo(int64_t n) {
  int64_t power = 1;
  while (power <= n / 2)
    power *= 2;
  return power;
}

static int64_t log2OfPowerOfTwo(int64_t power) {
  int64_t exponent = 0;
  for (; power > 1; power /= 2)
    ++exponent;
  return exponent;
}

/// The natural row of sequency k among 2^m: bitreverse_m(k ⊕ ⌊k/2⌋).
static int64_t naturalRow(int64_t k, int64_t m) {
  int64_t gray = k ^ (k >> 1), row = 0;
  for (int64_t bit = 0; bit < m; ++bit)
    row |= ((gray >> bit) & 1) << (m - 1 - bit);
  return row;
}

int64_t WHTBasis::blockSizeAt(int64_t length, int64_t row) const {
  assert(row >= 0 && row < length);
  int64_t size = block ? block : largestPowerOfTwoUpTo(length);
  int64_t end = length - length % size;
  while (row >= end) {
    size = largestPowerOfTwoUpTo(length - end);
    end += size;
  }
  return size;
}

std::vector<int64_t> WHTBasis::coefficientOrder(int64_t length) const {
  std::vector<int64_t> order;
  order.reserve(length);
  // Blocks come in descending sizes: those that have a row of this sequency are
  // the first ones.
  for (int64_t k = 0; static_cast<int64_t>(order.size()) < length; ++k)
    for (int64_t start = 0; start < length;) {
      int64_t size = blockSizeAt(length, start);
      if (k >= size)
        break;
      order.push_back(start + naturalRow(k, log2OfPowerOfTwo(size)));
      start += size;
    }
  return order;
}

/// The Sylvester matrix times 2^(−m/2), in place: its own inverse.
template <typename T> static void transformBlock(Rows<T> x) {
  multiplyBySylvester(x);
  T scale = static_cast<T>(sylvesterNorm(log2OfPowerOfTwo(x.count)));
  for (int64_t i = 0; i < x.count * x.features; ++i)
    x.data[i] *= scale;
}

template <typename T>
static void transformBlocks(const WHTBasis &basis, Rows<T> x) {
  for (int64_t start = 0; start < x.count;) {
    int64_t size = basis.blockSizeAt(x.count, start);
    transformBlock(Rows<T>{x[start], size, x.features});
    start += size;
  }
}

template <typename T>
static void transformRows(const WHTBasis &basis, Direction direction,
                          Rows<T> x) {
  if (direction == Direction::Forward)
    transformBlocks(basis, x);

  std::vector<int64_t> order = basis.coefficientOrder(x.count);
  std::vector<T> storage(x.data, x.data + x.count * x.features);
  Rows<T> from{storage.data(), x.count, x.features};
  for (int64_t p = 0; p < x.count; ++p) {
    if (direction == Direction::Forward)
      std::copy_n(from[order[p]], x.features, x[p]);
    else
      std::copy_n(from[p], x.features, x[order[p]]);
  }

  if (direction == Direction::Inverse)
    transformBlocks(basis, x);
}

void WHTBasis::transform(Direction direction, Rows<float> x) const {
  transformRows(*this, direction, x);
}

void WHTBasis::transform(Direction direction, Rows<double> x) const {
  transformRows(*this, direction, x);
}

int64_t WHTBasis::mixingBlock(int64_t seqLen) const {
  int64_t length = transformedLength(seqLen);
  return length ? blockSizeAt(length, 0) : 1;
}

double WHTBasis::flops(int64_t seqLen) const {
  int64_t length = transformedLength(seqLen);
  double total = 0;
  for (int64_t start = 0; start < length;) {
    int64_t size = blockSizeAt(length, start);
    total += size * (log2OfPowerOfTwo(size) + 1);
    start += size;
  }
  return total;
}

/// Block order is the layout of the butterflies.
std::vector<int64_t> WHTBasis::coarsePositionsOfLength(int64_t length) const {
  std::vector<int64_t> positions(length);
  std::vector<int64_t> order = coefficientOrder(length);
  for (int64_t p = 0; p < length; ++p)
    positions[order[p]] = p;
  return positions;
}

std::optional<std::string> WHTBasis::misfitOfLength(int64_t length) const {
  if (block <= length)
    return std::nullopt;
  return "block = " + std::to_string(block) + " needs at least " +
         std::to_string(block) + " tokens, there are " + describeLength(length);
}
