//===- PrecisionScheduleTest.cpp - How many bits each row gets -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/PrecisionSchedule.h"

#include "gtest/gtest.h"

#include <limits>

using namespace stamp;

namespace {

using Ends = std::vector<int64_t>;

TEST(PrecisionSchedule, WithoutSegmentsGivesEveryRowTheRestsBits) {
  PrecisionSchedule schedule({}, 4);
  EXPECT_EQ(schedule.ends(40), Ends{});
  EXPECT_EQ(schedule.bitsPerRow(3), (std::vector<int>{4, 4, 4}));
  EXPECT_EQ(schedule.averageBits(40), 4.0);
  EXPECT_EQ(schedule.averageBits(0), 4.0);
}

TEST(PrecisionSchedule, SegmentsFollowEachOther) {
  PrecisionSchedule schedule({Segment::rows(2, 8), Segment::rows(3, 6)}, 4);
  EXPECT_EQ(schedule.ends(8), (Ends{2, 5}));
  EXPECT_EQ(schedule.bitsPerRow(8), (std::vector<int>{8, 8, 6, 6, 6, 4, 4, 4}));
}

TEST(PrecisionSchedule, FractionsAreFlooredAfterTheyAreSummed) {
  PrecisionSchedule schedule(
      {Segment::fraction(0.25, 8), Segment::fraction(0.25, 6)}, 3);
  EXPECT_EQ(schedule.ends(13), (Ends{3, 6})); // ⌊3.25⌋, ⌊6.5⌋; not 3 + 3.
  EXPECT_EQ(schedule.ends(7), (Ends{1, 3}));  // ⌊1.75⌋, ⌊3.5⌋; not 1 + 1.
  EXPECT_EQ(schedule.ends(1), (Ends{0, 0}));
}

TEST(PrecisionSchedule, CountsAndFractionsAdd) {
  PrecisionSchedule schedule({Segment::rows(1, 8), Segment::fraction(0.0625, 7),
                              Segment::rows(4, 6), Segment::fraction(0.5, 5)},
                             2);
  EXPECT_EQ(schedule.ends(512), (Ends{1, 33, 37, 293}));
}

TEST(PrecisionSchedule, IsCutAtTheLength) {
  PrecisionSchedule schedule({Segment::rows(64, 8), Segment::rows(64, 6)}, 4);
  EXPECT_EQ(schedule.ends(13), (Ends{13, 13}));
  EXPECT_EQ(schedule.ends(100), (Ends{64, 100}));
  EXPECT_EQ(schedule.ends(0), (Ends{0, 0}));
  EXPECT_EQ(schedule.averageBits(13), 8.0);
  PrecisionSchedule overfull(
      {Segment::fraction(0.75, 8), Segment::fraction(0.75, 6)}, 4);
  EXPECT_EQ(overfull.ends(8), (Ends{6, 8}));
}

TEST(PrecisionSchedule, HugeCountsDoNotOverflow) {
  int64_t huge = std::numeric_limits<int64_t>::max();
  PrecisionSchedule schedule({Segment::rows(huge, 8), Segment::rows(huge, 6)},
                             4);
  EXPECT_EQ(schedule.ends(40), (Ends{40, 40}));
  EXPECT_NE(schedule.misfit(40), std::nullopt);
}

TEST(PrecisionSchedule, BitsOfARowAgreesWithBitsPerRowAndTheAverage) {
  PrecisionSchedule schedule(
      {Segment::rows(3, 8), Segment::rows(0, 7), Segment::fraction(0.3, 5)}, 2);
  for (int64_t seqLen : {1, 2, 3, 8, 13, 40, 197}) {
    std::vector<int> bits = schedule.bitsPerRow(seqLen);
    double total = 0;
    for (int64_t row = 0; row < seqLen; ++row) {
      EXPECT_EQ(schedule.bitsOf(row, seqLen), bits[row]);
      total += bits[row];
    }
    EXPECT_DOUBLE_EQ(schedule.averageBits(seqLen), total / seqLen);
  }
}

TEST(PrecisionSchedule, OneSixteenthAtEightBitsAveragesFourAndAQuarter) {
  EXPECT_EQ(
      PrecisionSchedule({Segment::fraction(0.0625, 8)}, 4).averageBits(512),
      4.25);
}

TEST(PrecisionSchedule, MoreRowsThanTokensAreAMisfit) {
  PrecisionSchedule schedule(
      {Segment::rows(32, 8), Segment::fraction(1.0, 5), Segment::rows(32, 6)},
      4);
  EXPECT_EQ(schedule.misfit(64), std::nullopt);
  EXPECT_EQ(schedule.misfit(40),
            std::optional<std::string>(
                "the schedule's segments count 64 rows, there are 40"));
}

TEST(PrecisionSchedule, FewTokensBelongToTheFirstSegment) {
  PrecisionSchedule schedule({Segment::rows(2, 8), Segment::fraction(0.5, 6)},
                             4, /*minTokens=*/5);
  EXPECT_EQ(schedule.bitsPerRow(4), std::vector<int>(4, 8));
  EXPECT_EQ(schedule.bitsPerRow(5), (std::vector<int>{8, 8, 6, 6, 4}));
  EXPECT_EQ(schedule.misfit(1), std::nullopt);
  EXPECT_EQ(schedule.averageBits(1), 8);
  EXPECT_EQ(PrecisionSchedule({}, 4, 5).bitsPerRow(1), std::vector<int>{4});
}

TEST(PrecisionSchedule, EqualityTellsCountsFromFractions) {
  EXPECT_EQ(Segment::rows(1, 8), Segment::rows(1, 8));
  EXPECT_NE(Segment::rows(1, 8), Segment::fraction(1.0, 8));
  EXPECT_NE(Segment::rows(1, 8), Segment::rows(1, 7));
  EXPECT_NE(PrecisionSchedule({}, 4), PrecisionSchedule({}, 5));
  EXPECT_NE(PrecisionSchedule({}, 4), PrecisionSchedule({}, 4, 2));
}

} // namespace
