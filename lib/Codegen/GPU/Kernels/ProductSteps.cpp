//===- ProductSteps.cpp - What products of every tile do ---------*- C++
//-*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProductSteps.h"

using namespace mlir;
using namespace stamp;

static Type getFourWords(GPUKernelBuilder &b) {
  return LLVM::LLVMStructType::getLiteral(b.getContext(),
                                          SmallVector<Type>(4, b.getI32Type()));
}

static Values fieldsOf(GPUKernelBuilder &b, Value fields) {
  Values values;
  for (int64_t i = 0; i < 4; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, fields, i));
  return values;
}

Values stamp::loadMatrices(GPUKernelBuilder &b, Value row) {
  return fieldsOf(b, NVVM::LdMatrixOp::create(
                         b, getFourWords(b), row, 4, NVVM::MMALayout::row,
                         NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
                         NVVM::LdStMatrixEltType::B16));
}

Values stamp::multiplyAdd(GPUKernelBuilder &b, ValueRange a,
                          ValueRange fragment, ValueRange c) {
  return fieldsOf(
      b, NVVM::MmaOp::create(
             b, getFourWords(b), a, fragment, c, ArrayRef<int64_t>{16, 8, 32},
             std::nullopt, NVVM::MMAIntOverflow::wrapped,
             std::array{NVVM::MMATypes::s8, NVVM::MMATypes::s8},
             std::array{NVVM::MMALayout::row, NVVM::MMALayout::col}));
}

Values stamp::unpackFragment(GPUKernelBuilder &b, ArrayRef<Value> words,
                             int64_t j, int64_t weightBits) {
  if (weightBits == 8)
    return {words[2 * j], words[2 * j + 1]};
  Value high = b.constantI32(static_cast<int32_t>(0xf0f0f0f0));
  Value raised = arith::ShLIOp::create(b, words[j], b.constantI32(4));
  return {b.both(raised, high), b.both(words[j], high)};
}

Value stamp::rescaleSum(GPUKernelBuilder &b, Value sum, int64_t weightBits,
                        const RowQuantizer &row,
                        const ColumnQuantizer &column) {
  Value exact = sum;
  if (weightBits == 4)
    exact = arith::ShRSIOp::create(b, exact, b.constantI32(4));
  exact = b.sub(exact, b.mul(row.zeroPoint, column.sum));
  Value value = b.mulF(b.mulF(row.scale, column.scale),
                       arith::SIToFPOp::create(b, b.getF32Type(), exact));
  if (!column.bias)
    return value;
  return b.addF(value,
                row.spread ? b.mulF(row.spread, column.bias) : column.bias);
}
