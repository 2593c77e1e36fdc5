//===- Packing.h - Several codes a byte ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// How docs/Semantics.md stores codes of less than 8 bits. It runs inside the
// compiler, on whole weights, so it works on raw buffers.
//
//===---------------------------------------------------------------------===//

#ifndef STAMP_BASIS_PACKING_H
#define STAMP_BASIS_PACKING_H

#include <cstdint>

namespace stamp {

/// How many codes share a byte: 4 of 2 bits, 2 of 3 or 4, 1 of more.
constexpr int codesPerByte(int64_t bits) {
  return bits <= 2 ? 4 : bits <= 4 ? 2 : 1;
}

/// How many bytes so many codes in a row take.
constexpr int64_t packedSize(int64_t codes, int64_t bits) {
  return codes / codesPerByte(bits) + (codes % codesPerByte(bits) != 0);
}

/// Pack dense row-major codes, seen as outer × count × inner, along the middle.
/// Writes outer × packedSize(count, bits) × inner bytes. Of a code that needs
/// more, the low bits are stored. Precondition: 2 <= bits <= 8.
void packCodes(const int8_t *codes, int64_t outer, int64_t count, int64_t inner,
               int bits, int8_t *packed);

} // namespace stamp

#endif // STAMP_BASIS_PACKING_H
