//===- Haar2D.cpp - The Haar transform of a raster of tokens ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// A level splits the h × w coarse raster that the level before left in front
// along W, then along H, and lays the four bands out one after the other:
//
//   [ LL LH | HL HH ]   low along W | high along W, low along H above high
//
// which is two rasters of h rows, one ⌈w/2⌉ and one ⌊w/2⌋ wide.
//
//===---------------------------------------------------------------------===//

#include "HaarStep.h"
#include "stamp/Basis/Basis.h"

#include <algorithm>
#include <cassert>

using namespace stamp;

Haar2DBasis::Haar2DBasis(int64_t levels, int64_t height, int64_t width,
                         int64_t skip)
    : Basis(skip), levels(levels), height(height), width(width) {
  assert(levels >= kMinLevels && levels <= kMaxLevels);
  assert(height >= 1 && width >= 1);
}

// A product of two large sides could overflow; a quotient cannot.
bool Haar2DBasis::covers(int64_t length) const {
  return length % height == 0 && length / height == width;
}

namespace {
struct Raster {
  int64_t height, width;

  int64_t at(int64_t row, int64_t column) const { return row * width + column; }

  /// The place in the layout of the bands of row `row`, column `column` of the
  /// raster after both splits, coarse before detail along both sides.
  int64_t inBands(int64_t row, int64_t column) const {
    int64_t low = coarseHalf(width);
    if (column < low)
      return row * low + column;
    return height * low + row * detailHalf(width) + (column - low);
  }
};
} // namespace

/// The coarse raster that each level transforms, first level first. Levels past
/// a single token do nothing and are left out.
static std::vector<Raster> levelRasters(int64_t levels, Raster raster) {
  std::vector<Raster> rasters;
  for (; levels > 0 && (raster.height > 1 || raster.width > 1); --levels) {
    rasters.push_back(raster);
    raster = {coarseHalf(raster.height), coarseHalf(raster.width)};
  }
  return rasters;
}

template <typename T>
static void analyze(Rows<T> x, Raster raster, Rows<T> scratch) {
  auto [height, width] = raster;
  int64_t features = x.features;

  int64_t lowColumns = coarseHalf(width);
  for (int64_t i = 0; i < height; ++i) {
    for (int64_t j = 0; j < detailHalf(width); ++j)
      haarStep(x[raster.at(i, 2 * j)], x[raster.at(i, 2 * j + 1)],
               scratch[raster.at(i, j)], scratch[raster.at(i, lowColumns + j)],
               features);
    if (width % 2)
      std::copy_n(x[raster.at(i, width - 1)], features,
                  scratch[raster.at(i, lowColumns - 1)]);
  }

  int64_t lowRows = coarseHalf(height);
  for (int64_t j = 0; j < width; ++j) {
    for (int64_t i = 0; i < detailHalf(height); ++i)
      haarStep(scratch[raster.at(2 * i, j)], scratch[raster.at(2 * i + 1, j)],
               x[raster.inBands(i, j)], x[raster.inBands(lowRows + i, j)],
               features);
    if (height % 2)
      std::copy_n(scratch[raster.at(height - 1, j)], features,
                  x[raster.inBands(lowRows - 1, j)]);
  }
}

template <typename T>
static void synthesize(Rows<T> x, Raster raster, Rows<T> scratch) {
  auto [height, width] = raster;
  int64_t features = x.features;

  int64_t lowRows = coarseHalf(height);
  for (int64_t j = 0; j < width; ++j) {
    for (int64_t i = 0; i < detailHalf(height); ++i)
      haarStep(x[raster.inBands(i, j)], x[raster.inBands(lowRows + i, j)],
               scratch[raster.at(2 * i, j)], scratch[raster.at(2 * i + 1, j)],
               features);
    if (height % 2)
      std::copy_n(x[raster.inBands(lowRows - 1, j)], features,
                  scratch[raster.at(height - 1, j)]);
  }

  int64_t lowColumns = coarseHalf(width);
  for (int64_t i = 0; i < height; ++i) {
    for (int64_t j = 0; j < detailHalf(width); ++j)
      haarStep(scratch[raster.at(i, j)], scratch[raster.at(i, lowColumns + j)],
               x[raster.at(i, 2 * j)], x[raster.at(i, 2 * j + 1)], features);
    if (width % 2)
      std::copy_n(scratch[raster.at(i, lowColumns - 1)], features,
                  x[raster.at(i, width - 1)]);
  }
}

template <typename T>
static void transformRows(const std::vector<Raster> &rasters,
                          Direction direction, Rows<T> x) {
  std::vector<T> storage(x.count * x.features);
  Rows<T> scratch{storage.data(), x.count, x.features};
  if (direction == Direction::Forward) {
    for (Raster raster : rasters)
      analyze(x, raster, scratch);
    return;
  }
  for (auto raster = rasters.rbegin(); raster != rasters.rend(); ++raster)
    synthesize(x, *raster, scratch);
}

void Haar2DBasis::transform(Direction direction, Rows<float> x) const {
  if (covers(x.count))
    transformRows(levelRasters(levels, {height, width}), direction, x);
}

void Haar2DBasis::transform(Direction direction, Rows<double> x) const {
  if (covers(x.count))
    transformRows(levelRasters(levels, {height, width}), direction, x);
}

int64_t Haar2DBasis::mixingBlock(int64_t seqLen) const {
  if (!covers(transformedLength(seqLen)))
    return 1;
  return std::min(int64_t(1) << levels, height) * width;
}

double Haar2DBasis::flops(int64_t seqLen) const {
  if (!covers(transformedLength(seqLen)))
    return 0;
  double pairs = 0;
  for (Raster raster : levelRasters(levels, {height, width}))
    pairs += raster.height * detailHalf(raster.width) +
             raster.width * detailHalf(raster.height);
  return pairs * kHaarStepFlops;
}

std::optional<std::string> Haar2DBasis::misfitOfLength(int64_t length) const {
  std::string grid = std::to_string(height) + "x" + std::to_string(width);
  if (!covers(length))
    return "grid = " + grid + " must hold every token, there are " +
           describeLength(length);
  int64_t longerSide = std::max(height, width);
  if (longerSide < fewestRowsFor(levels))
    return "levels = " + std::to_string(levels) + " needs a side of at least " +
           std::to_string(fewestRowsFor(levels)) + " tokens, the grid is " +
           grid;
  return std::nullopt;
}
