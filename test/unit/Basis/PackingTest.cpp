//===- PackingTest.cpp - Several codes a byte ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Packing.h"

#include "gtest/gtest.h"

#include <vector>

using namespace stamp;

namespace {

using Bytes = std::vector<int8_t>;

Bytes pack(const Bytes &codes, int64_t outer, int64_t count, int64_t inner,
           int bits) {
  Bytes packed(outer * packedSize(count, bits) * inner);
  packCodes(codes.data(), outer, count, inner, bits, packed.data());
  return packed;
}

TEST(Packing, FieldsAreTheLeastPowerOfTwoThatHoldsTheBits) {
  EXPECT_EQ(codesPerByte(2), 4);
  EXPECT_EQ(codesPerByte(3), 2);
  EXPECT_EQ(codesPerByte(4), 2);
  EXPECT_EQ(codesPerByte(5), 1);
  EXPECT_EQ(codesPerByte(8), 1);
}

TEST(Packing, ALastByteNeedNotBeFull) {
  EXPECT_EQ(packedSize(0, 4), 0);
  EXPECT_EQ(packedSize(1, 4), 1);
  EXPECT_EQ(packedSize(4, 4), 2);
  EXPECT_EQ(packedSize(5, 4), 3);
  EXPECT_EQ(packedSize(5, 2), 2);
  EXPECT_EQ(packedSize(5, 8), 5);
}

TEST(Packing, TheFirstCodeIsInTheLowestBits) {
  EXPECT_EQ(pack({1, -2, 7}, 1, 3, 1, 4), (Bytes{int8_t(0xE1), 0x07}));
  EXPECT_EQ(pack({1, -2, 0, -1, 1}, 1, 5, 1, 2),
            (Bytes{int8_t(0b11'00'10'01), 0b01}));
  EXPECT_EQ(pack({100, -128}, 1, 2, 1, 5), (Bytes{100, -128}));
}

TEST(Packing, OnlyLowBitsAreStored) {
  EXPECT_EQ(pack({0x64, -128}, 1, 2, 1, 4), (Bytes{0x04}));
}

TEST(Packing, NeighboursStandAlongTheMiddle) {
  // Two times three codes of two columns.
  Bytes codes = {1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6};
  EXPECT_EQ(pack(codes, 2, 3, 2, 4),
            (Bytes{0x31, 0x42, 5, 6, int8_t(0xDF), int8_t(0xCE), 0x0B, 0x0A}));
}

} // namespace
