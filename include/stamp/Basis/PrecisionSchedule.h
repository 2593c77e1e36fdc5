//===- PrecisionSchedule.h - How many bits each row gets -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// Coefficients come coarse first, so the first rows carry the energy and earn
// more bits. A schedule says how many rows get how many, for any length.
//
//===---------------------------------------------------------------------===//

#ifndef STAMP_BASIS_PRECISIONSCHEDULE_H
#define STAMP_BASIS_PRECISIONSCHEDULE_H

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace stamp {

/// A run of rows of one width: so many rows, or a fraction of the sequence.
struct Segment {
  static Segment rows(int64_t count, int bits) { return {count, bits}; }
  static Segment fraction(double part, int bits) { return {part, bits}; }

  bool isFraction() const { return std::holds_alternative<double>(extent); }
  /// 0 if this is a fraction.
  int64_t getRows() const {
    const int64_t *count = std::get_if<int64_t>(&extent);
    return count ? *count : 0;
  }
  /// 0 if this is a number of rows.
  double getFraction() const {
    const double *part = std::get_if<double>(&extent);
    return part ? *part : 0.0;
  }

  friend bool operator==(const Segment &a, const Segment &b) {
    return a.extent == b.extent && a.bits == b.bits;
  }
  friend bool operator!=(const Segment &a, const Segment &b) {
    return !(a == b);
  }

  std::variant<int64_t, double> extent;
  int bits;
};

/// Segments from the first row on, then `restBits` for the rows that are left.
/// Rows count over the whole sequence, skipped tokens included.
class PrecisionSchedule {
public:
  static constexpr int kMinBits = 2;
  static constexpr int kMaxBits = 8;

  /// Preconditions: counts and minTokens >= 0, fractions in (0, 1], all bits in
  /// [kMinBits, kMaxBits].
  PrecisionSchedule(std::vector<Segment> segments, int restBits,
                    int64_t minTokens = 0);

  const std::vector<Segment> &getSegments() const { return segments; }
  int getRestBits() const { return restBits; }

  /// A shorter sequence belongs to the first segment as a whole.
  int64_t getMinTokens() const { return minTokens; }

  /// The row at which each segment ends: min(S, Cᵢ + ⌊Fᵢ·S⌋), with Cᵢ and Fᵢ
  /// the sums of the counts and of the fractions (f64) up to segment i; S in
  /// sequences of fewer than minTokens.
  std::vector<int64_t> ends(int64_t seqLen) const;

  /// Precondition: 0 <= row < seqLen.
  int bitsOf(int64_t row, int64_t seqLen) const;

  /// The bits of every row.
  std::vector<int> bitsPerRow(int64_t seqLen) const;

  /// The mean of bitsOf over the rows; the rest's bits if there are none.
  double averageBits(int64_t seqLen) const;

  /// Why the schedule asks for more rows than a sequence of that static length
  /// has, as a phrase for a diagnostic; nullopt if it fits. Evaluation is
  /// defined for misfits too: the schedule is cut.
  std::optional<std::string> misfit(int64_t seqLen) const;

  friend bool operator==(const PrecisionSchedule &a,
                         const PrecisionSchedule &b) {
    return a.segments == b.segments && a.restBits == b.restBits &&
           a.minTokens == b.minTokens;
  }
  friend bool operator!=(const PrecisionSchedule &a,
                         const PrecisionSchedule &b) {
    return !(a == b);
  }

private:
  std::vector<Segment> segments;
  int restBits;
  int64_t minTokens;
};

} // namespace stamp

#endif // STAMP_BASIS_PRECISIONSCHEDULE_H
