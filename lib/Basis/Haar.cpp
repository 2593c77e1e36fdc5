//===- Haar.cpp - The Haar wavelet transform -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// A level works on the coarse rows that the level before left in front:
//
//   x₀ x₁ x₂ x₃ x₄  →  a₀ a₁ x₄ | d₀ d₁  →  a'₀ x₄ | d'₀ | d₀ d₁
//
// so that [a_J, d_J, …, d₁] comes out by itself.
//
//===---------------------------------------------------------------------===//

#include "HaarStep.h"
#include "stamp/Basis/Basis.h"

#include <algorithm>
#include <cassert>

using namespace stamp;

HaarBasis::HaarBasis(int64_t levels, int64_t skip)
    : Basis(skip), levels(levels) {
  assert(levels >= kMinLevels && levels <= kMaxLevels);
}

/// The number of rows that each level transforms, first level first. Levels
/// past a single coarse row do nothing and are left out.
static std::vector<int64_t> levelLengths(int64_t levels, int64_t length) {
  std::vector<int64_t> lengths;
  for (; levels > 0 && length > 1; --levels, length = coarseHalf(length))
    lengths.push_back(length);
  return lengths;
}

/// Coarse row i takes the place of row i, which has been read by then; the
/// details wait in `details`.
template <typename T>
static void analyze(Rows<T> x, int64_t length, Rows<T> details) {
  int64_t coarse = coarseHalf(length), detail = detailHalf(length);
  for (int64_t i = 0; i < detail; ++i)
    haarStep(x[2 * i], x[2 * i + 1], x[i], details[i], x.features);
  if (coarse > detail)
    std::copy_n(x[length - 1], x.features, x[coarse - 1]);
  std::copy_n(details.data, detail * x.features, x[coarse]);
}

/// The same backwards, from the last pair to the first.
template <typename T>
static void synthesize(Rows<T> x, int64_t length, Rows<T> details) {
  int64_t coarse = coarseHalf(length), detail = detailHalf(length);
  std::copy_n(x[coarse], detail * x.features, details.data);
  if (coarse > detail)
    std::copy_n(x[coarse - 1], x.features, x[length - 1]);
  for (int64_t i = detail - 1; i >= 0; --i)
    haarStep(x[i], details[i], x[2 * i], x[2 * i + 1], x.features);
}

template <typename T>
static void transformRows(int64_t levels, Direction direction, Rows<T> x) {
  std::vector<int64_t> lengths = levelLengths(levels, x.count);
  std::vector<T> storage(detailHalf(x.count) * x.features);
  Rows<T> details{storage.data(), detailHalf(x.count), x.features};
  if (direction == Direction::Forward) {
    for (int64_t length : lengths)
      analyze(x, length, details);
    return;
  }
  for (auto length = lengths.rbegin(); length != lengths.rend(); ++length)
    synthesize(x, *length, details);
}

void HaarBasis::transform(Direction direction, Rows<float> x) const {
  transformRows(levels, direction, x);
}

void HaarBasis::transform(Direction direction, Rows<double> x) const {
  transformRows(levels, direction, x);
}

int64_t HaarBasis::mixingBlock(int64_t seqLen) const {
  int64_t length = std::max<int64_t>(transformedLength(seqLen), 1);
  return std::min(int64_t(1) << levels, length);
}

double HaarBasis::flops(int64_t seqLen) const {
  double pairs = 0;
  for (int64_t length : levelLengths(levels, transformedLength(seqLen)))
    pairs += detailHalf(length);
  return pairs * kHaarStepFlops;
}

/// In place, level t + 1 pairs the tokens at multiples of 2^t with their
/// neighbours among these. Token i = 2^t·odd is the second of its pair there
/// and keeps that level's detail; whatever is a multiple of 2^J stays coarse.
///
///     x₀ x₁ x₂ x₃ x₄  →  a₀ d₀ a₁ d₁ x₄  →  a'₀ d₀ d'₀ d₁ x₄
///
/// The details of level t + 1 stand behind its ⌈S/2^(t+1)⌉ coarse rows, an odd
/// last one included: at every length.
std::vector<int64_t> HaarBasis::coarsePositionsOfLength(int64_t length) const {
  std::vector<int64_t> positions(length);
  for (int64_t i = 0; i < length; ++i) {
    int64_t t = 0;
    while (t < levels && (i >> t) % 2 == 0)
      ++t;
    if (t == levels) {
      positions[i] = i >> levels;
      continue;
    }
    int64_t span = int64_t(1) << (t + 1);
    positions[i] = (length + span - 1) / span + i / span;
  }
  return positions;
}

std::optional<std::string> HaarBasis::misfitOfLength(int64_t length) const {
  if (length >= fewestRowsFor(levels))
    return std::nullopt;
  return "levels = " + std::to_string(levels) + " needs at least " +
         std::to_string(fewestRowsFor(levels)) + " tokens, there are " +
         describeLength(length);
}
