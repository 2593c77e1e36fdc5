//===- Neon.cpp - sdot and usdot --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// AArch64's dotprod multiplies bytes that are both signed or both unsigned;
// i8mm adds usdot, for which the weight's bytes need no sign.
//
//===----------------------------------------------------------------------===//

#include "InstructionSet.h"

using namespace mlir;
using namespace stamp;

static Value emitSdot(ImplicitLocOpBuilder &b, const Dot &dot) {
  Value four = repeatFour(b, dot, dot.codes.getType());
  return callIntrinsic(b, "llvm.aarch64.neon.sdot.v4i32.v16i8",
                       dot.sum.getType(), {dot.sum, dot.codes, four});
}

static Value emitUsdot(ImplicitLocOpBuilder &b, const Dot &dot) {
  Value four = repeatFour(b, dot, dot.codes.getType());
  return callIntrinsic(b, "llvm.aarch64.neon.usdot.v4i32.v16i8",
                       dot.sum.getType(), {dot.sum, dot.codes, four});
}

static constexpr llvm::StringLiteral dotProdFeatures[] = {"dotprod"};
const InstructionSet stamp::neonDotProd = {"neon-dotprod",
                                           dotProdFeatures,
                                           /*lanes=*/4,
                                           /*registers=*/32,
                                           /*hasUnsignedCodes=*/false,
                                           /*takesWholeBytes=*/false,
                                           emitSdot};

static constexpr llvm::StringLiteral i8mmFeatures[] = {"i8mm"};
const InstructionSet stamp::neonI8mm = {"neon-i8mm",
                                        i8mmFeatures,
                                        /*lanes=*/4,
                                        /*registers=*/32,
                                        /*hasUnsignedCodes=*/true,
                                        /*takesWholeBytes=*/true,
                                        emitUsdot};
