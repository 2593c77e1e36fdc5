//===- PrecisionSchedule.cpp - How many bits each row gets ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/PrecisionSchedule.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

using namespace stamp;

static bool isWidth(int bits) {
  return bits >= PrecisionSchedule::kMinBits &&
         bits <= PrecisionSchedule::kMaxBits;
}

[[maybe_unused]] static bool isValid(const Segment &segment) {
  bool extent = segment.isFraction()
                    ? segment.getFraction() > 0 && segment.getFraction() <= 1
                    : segment.getRows() >= 0;
  return extent && isWidth(segment.bits);
}

/// a + b, or `most` if that is less. Precondition: 0 <= a <= most, b >= 0.
static int64_t addUpTo(int64_t most, int64_t a, int64_t b) {
  return b < most - a ? a + b : most;
}

PrecisionSchedule::PrecisionSchedule(std::vector<Segment> segments,
                                     int restBits, int64_t minTokens)
    : segments(std::move(segments)), restBits(restBits), minTokens(minTokens) {
  assert(minTokens >= 0);
  assert(std::all_of(this->segments.begin(), this->segments.end(), isValid));
  assert(isWidth(restBits));
}

std::vector<int64_t> PrecisionSchedule::ends(int64_t seqLen) const {
  if (seqLen < minTokens)
    return std::vector<int64_t>(segments.size(), seqLen);
  std::vector<int64_t> result;
  result.reserve(segments.size());
  int64_t counts = 0; // Cut at seqLen, so that it cannot overflow.
  double fractions = 0;
  for (const Segment &segment : segments) {
    counts = addUpTo(seqLen, counts, segment.getRows());
    fractions += segment.getFraction();
    double part = std::floor(fractions * static_cast<double>(seqLen));
    int64_t partRows = part < static_cast<double>(seqLen)
                           ? static_cast<int64_t>(part)
                           : seqLen;
    result.push_back(addUpTo(seqLen, counts, partRows));
  }
  return result;
}

std::vector<int> PrecisionSchedule::bitsPerRow(int64_t seqLen) const {
  std::vector<int> bits(seqLen, restBits);
  int64_t begin = 0;
  std::vector<int64_t> segmentEnds = ends(seqLen);
  for (size_t i = 0; i < segments.size(); ++i) {
    std::fill(bits.begin() + begin, bits.begin() + segmentEnds[i],
              segments[i].bits);
    begin = segmentEnds[i];
  }
  return bits;
}

int PrecisionSchedule::bitsOf(int64_t row, int64_t seqLen) const {
  assert(row >= 0 && row < seqLen);
  std::vector<int64_t> segmentEnds = ends(seqLen);
  for (size_t i = 0; i < segments.size(); ++i)
    if (row < segmentEnds[i])
      return segments[i].bits;
  return restBits;
}

double PrecisionSchedule::averageBits(int64_t seqLen) const {
  if (seqLen == 0)
    return restBits;
  double total = 0;
  int64_t begin = 0;
  std::vector<int64_t> segmentEnds = ends(seqLen);
  for (size_t i = 0; i < segments.size(); ++i) {
    total += static_cast<double>(segmentEnds[i] - begin) * segments[i].bits;
    begin = segmentEnds[i];
  }
  total += static_cast<double>(seqLen - begin) * restBits;
  return total / static_cast<double>(seqLen);
}

std::optional<std::string> PrecisionSchedule::misfit(int64_t seqLen) const {
  if (seqLen < minTokens)
    return std::nullopt;
  int64_t counts = 0;
  for (const Segment &segment : segments)
    counts =
        addUpTo(std::numeric_limits<int64_t>::max(), counts, segment.getRows());
  if (counts <= seqLen)
    return std::nullopt;
  return "the schedule's segments count " + std::to_string(counts) +
         " rows, there are " + std::to_string(seqLen);
}
