//===- Packing.cpp - Several codes a byte ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Packing.h"

#include <algorithm>

using namespace stamp;

void stamp::packCodes(const int8_t *codes, int64_t outer, int64_t count,
                      int64_t inner, int bits, int8_t *packed) {
  const int perByte = codesPerByte(bits);
  const int width = 8 / perByte;
  const unsigned mask = (1u << width) - 1;
  const int64_t bytes = packedSize(count, bits);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t byte = 0; byte < bytes; ++byte) {
      const int8_t *first = codes + (o * count + byte * perByte) * inner;
      const int64_t present =
          std::min<int64_t>(perByte, count - byte * perByte);
      for (int64_t i = 0; i < inner; ++i) {
        unsigned joined = 0;
        for (int64_t place = 0; place < present; ++place) {
          auto code = static_cast<uint8_t>(first[place * inner + i]);
          joined |= (code & mask) << (place * width);
        }
        *packed++ = static_cast<int8_t>(joined);
      }
    }
  }
}
