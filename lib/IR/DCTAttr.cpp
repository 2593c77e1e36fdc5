//===- DCTAttr.cpp - The cosine transform as IR ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// L[k, n] = √(2/S)·cos(π(2n + 1)k/(2S)), row 0 divided by √2, as a dense
// product. Only 4S different cosines occur, so the matrix is looked up in a
// table of one period: S² cosines would cost more than the product itself.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include <cmath>

using namespace mlir;
using namespace stamp;

LogicalResult DCTAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                              int64_t skip) {
  if (skip < 0)
    return emitError() << "skip must not be negative, got " << skip;
  return success();
}

std::unique_ptr<Basis> DCTAttr::getBasis() const {
  return std::make_unique<DCTBasis>(getSkip());
}

/// cos(πj/(2S)) for 0 ≤ j < 4S, in f64.
static Value emitCosines(TokenBuilder &tokens, OpFoldResult length) {
  Type f64 = tokens.getF64Type();
  if (std::optional<int64_t> known = getConstantIntValue(length)) {
    std::vector<double> cosines = DCTBasis::cosines(*known);
    auto type =
        RankedTensorType::get(static_cast<int64_t>(cosines.size()), f64);
    return arith::ConstantOp::create(
        tokens, DenseElementsAttr::get(type, ArrayRef<double>(cosines)));
  }
  Value integer = arith::IndexCastOp::create(tokens, tokens.getI64Type(),
                                             tokens.materialize(length));
  Value step = arith::DivFOp::create(
      tokens, arith::ConstantOp::create(tokens, tokens.getF64FloatAttr(M_PI_2)),
      arith::SIToFPOp::create(tokens, f64, integer));
  OpFoldResult period =
      tokens.apply(tokens.getAffineSymbolExpr(0) * 4, {length});
  Value table = tensor::EmptyOp::create(tokens, ArrayRef{period}, f64);
  return tokens.generate(
      table, [&](ImplicitLocOpBuilder &b, ValueRange i) -> SmallVector<Value> {
        Value j = arith::SIToFPOp::create(
            b, f64, arith::IndexCastOp::create(b, b.getI64Type(), i[0]));
        return {math::CosOp::create(b, arith::MulFOp::create(b, j, step))};
      });
}

/// √(numerator/S) in f64.
static Value emitNorm(TokenBuilder &tokens, OpFoldResult length,
                      double numerator) {
  if (std::optional<int64_t> known = getConstantIntValue(length))
    return arith::ConstantOp::create(
        tokens, tokens.getF64FloatAttr(std::sqrt(numerator / *known)));
  Value integer = arith::IndexCastOp::create(tokens, tokens.getI64Type(),
                                             tokens.materialize(length));
  Value quotient = arith::DivFOp::create(
      tokens,
      arith::ConstantOp::create(tokens, tokens.getF64FloatAttr(numerator)),
      arith::SIToFPOp::create(tokens, tokens.getF64Type(), integer));
  return math::SqrtOp::create(tokens, quotient);
}

static Value emitMatrix(TokenBuilder &tokens, OpFoldResult length) {
  Value cosines = emitCosines(tokens, length);
  Value firstNorm = emitNorm(tokens, length, 1);
  Value norm = emitNorm(tokens, length, 2);
  Value period = tokens.materialize(
      tokens.apply(tokens.getAffineSymbolExpr(0) * 4, {length}));
  Value zero = arith::ConstantIndexOp::create(tokens, 0);
  Value one = arith::ConstantIndexOp::create(tokens, 1);
  Value matrix = tensor::EmptyOp::create(tokens, ArrayRef{length, length},
                                         tokens.getF32Type());
  return tokens.generate(
      matrix, [&](ImplicitLocOpBuilder &b, ValueRange i) -> SmallVector<Value> {
        Value k = i[0], n = i[1];
        Value odd =
            arith::AddIOp::create(b, arith::AddIOp::create(b, n, n), one);
        Value j =
            arith::RemUIOp::create(b, arith::MulIOp::create(b, odd, k), period);
        Value cosine = tensor::ExtractOp::create(b, cosines, j);
        Value first =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, k, zero);
        Value scaled = arith::MulFOp::create(
            b, cosine, arith::SelectOp::create(b, first, firstNorm, norm));
        return {arith::TruncFOp::create(b, b.getF32Type(), scaled)};
      });
}

Value DCTAttr::emitTokens(TokenBuilder &tokens, Value x, Direction direction,
                          RowOrder) const {
  return tokens.multiply(emitMatrix(tokens, tokens.length(x)), x, direction);
}
