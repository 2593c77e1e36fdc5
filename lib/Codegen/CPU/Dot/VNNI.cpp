//===- VNNI.cpp - vpdpbusd --------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One instruction is the whole product. LLVM's intrinsic of 256 bits is named
// after AVX512VL and selects the encoding of AVX-VNNI where there is only that.
//
//===----------------------------------------------------------------------===//

#include "InstructionSet.h"

using namespace mlir;
using namespace stamp;

template <unsigned bits>
static Value emitVpdpbusd(ImplicitLocOpBuilder &b, const Dot &dot) {
  Value four = repeatFour(b, dot, dot.codes.getType());
  return callIntrinsic(b,
                       bits == 512 ? "llvm.x86.avx512.vpdpbusd.512"
                                   : "llvm.x86.avx512.vpdpbusd.256",
                       dot.sum.getType(), {dot.sum, dot.codes, four});
}

static constexpr llvm::StringLiteral avx512Features[] = {"avx512vnni",
                                                         "avx512bw"};
const InstructionSet stamp::avx512vnni = {"avx512vnni",
                                          avx512Features,
                                          /*lanes=*/16,
                                          /*registers=*/32,
                                          /*hasUnsignedCodes=*/true,
                                          /*takesWholeBytes=*/true,
                                          emitVpdpbusd<512>};

static constexpr llvm::StringLiteral avxFeatures[] = {"avxvnni"};
const InstructionSet stamp::avxvnni = {"avxvnni",
                                       avxFeatures,
                                       /*lanes=*/8,
                                       /*registers=*/16,
                                       /*hasUnsignedCodes=*/true,
                                       /*takesWholeBytes=*/true,
                                       emitVpdpbusd<256>};
