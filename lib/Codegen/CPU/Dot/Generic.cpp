//===- Generic.cpp - Products of codes on any machine -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "InstructionSet.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace stamp;

/// Byte k of every lane by shifts, then a multiplication.
Value stamp::emitGenericDot(ImplicitLocOpBuilder &b, const Dot &dot) {
  auto type = cast<VectorType>(dot.sum.getType());
  auto byte = [&](Value words, int64_t k, bool isUnsigned) -> Value {
    Value top =
        arith::ShLIOp::create(b, words, splatConstant(b, type, 24 - 8 * k));
    Value shift = splatConstant(b, type, 24);
    return isUnsigned ? Value(arith::ShRUIOp::create(b, top, shift))
                      : Value(arith::ShRSIOp::create(b, top, shift));
  };
  Value four = repeatFour(b, dot, type);
  Value codes = vector::BitCastOp::create(b, type, dot.codes);
  Value sum = dot.sum;
  for (int64_t k = 0; k < 4; ++k)
    sum = arith::AddIOp::create(
        b, sum,
        arith::MulIOp::create(b, byte(four, k, false),
                              byte(codes, k, dot.isUnsigned)));
  return sum;
}

const InstructionSet stamp::generic = {"generic",
                                       /*features=*/{},
                                       /*lanes=*/4,
                                       /*registers=*/16,
                                       /*hasUnsignedCodes=*/true,
                                       /*takesWholeBytes=*/false,
                                       emitGenericDot};
