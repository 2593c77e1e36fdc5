//===- Conversions.c - what older compilers' libraries lack ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include <stdint.h>
#include <string.h>

/// Rounds to bf16, which is the low half of the result: that is where compiled
/// code looks for it. Where a target has no bf16, LLVM calls this even to move
/// one, and libgcc has it only since its version 13.
__attribute__((weak)) float __truncsfbf2(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits = value != value ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
  bits >>= 16;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}
