//===- InstructionSet.cpp - How a CPU multiplies codes ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "InstructionSet.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace stamp;

Value stamp::splatConstant(ImplicitLocOpBuilder &b, VectorType type,
                           int64_t value) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             type, b.getIntegerAttr(type.getElementType(), value)));
}

Value stamp::repeatFour(ImplicitLocOpBuilder &b, const Dot &dot, Type type) {
  Value word = vector::BitCastOp::create(b, vectorOf(b, 1, 32), dot.four);
  Value scalar = vector::ExtractOp::create(b, word, ArrayRef<int64_t>{0});
  Value words =
      vector::BroadcastOp::create(b, vectorOf(b, dot.lanes, 32), scalar);
  return b.createOrFold<vector::BitCastOp>(type, words);
}

Value stamp::callIntrinsic(ImplicitLocOpBuilder &b, StringRef name, Type result,
                           ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}
