//===- ExpandMath.cpp - exp, tanh and erf of vectors ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Products and sums of f32, each rounded, so that all machines compute the same
// bits. Nothing branches: where a function has two forms, both are computed.
//
//     exp x  = 2ⁿ·eʳ               n = round(x / ln 2), r = x − n·ln 2
//     tanh x = x + x³·P(x²)        |x| < 0.6
//              1 − 2/(e²ˣ + 1)     x ≥ 0.6
//     erf x  = x·P(x²)             |x| < 0.9
//              1 − e^(−Q(x))       0.9 ≤ x < 4, and 1 from there on
//
// P and Q are fitted to the functions for the least largest error; that of a
// result is 1.1, 1.4 and 2.4 units in the last place.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

namespace {

/// Arithmetic on vectors of one shape.
class Lanes : public ImplicitLocOpBuilder {
public:
  Lanes(PatternRewriter &rewriter, Operation *op)
      : ImplicitLocOpBuilder(op->getLoc(), rewriter),
        type(cast<VectorType>(op->getResult(0).getType())) {}

  Value constant(float value) {
    return arith::ConstantOp::create(
        *this, DenseElementsAttr::get(type, getF32FloatAttr(value)));
  }
  Value integer(int32_t value) {
    return arith::ConstantOp::create(
        *this, DenseElementsAttr::get(integers(), getI32IntegerAttr(value)));
  }
  Value add(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
  Value sub(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
  Value abs(Value a) { return math::AbsFOp::create(*this, a); }
  Value withSign(Value a, Value sign) {
    return math::CopySignOp::create(*this, a, sign);
  }
  /// a < b ? then : otherwise; false for a NaN.
  Value ifLess(Value a, Value b, Value then, Value otherwise) {
    Value less = arith::CmpFOp::create(*this, arith::CmpFPredicate::OLT, a, b);
    return arith::SelectOp::create(*this, less, then, otherwise);
  }
  /// c₀ + c₁·x + c₂·x² + …
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value sum = constant(coefficients.back());
    for (float coefficient : llvm::reverse(coefficients.drop_back()))
      sum = add(mul(sum, x), constant(coefficient));
    return sum;
  }
  Value bits(Value floats) {
    return arith::BitcastOp::create(*this, integers(), floats);
  }
  /// 2ⁿ for n from −126 to 127.
  Value powerOfTwo(Value n) {
    Value exponent = arith::AddIOp::create(*this, n, integer(127));
    return arith::BitcastOp::create(
        *this, type, arith::ShLIOp::create(*this, exponent, integer(23)));
  }
  Value exp(Value x);

private:
  VectorType integers() { return type.clone(getI32Type()); }

  VectorType type;
};

/// A float that is 1.5·2²³ larger than a small one has rounded it to an
/// integer, which its lowest bits are: no float becomes an integer that it does
/// not fit, and a NaN, whose n means nothing, stays one.
Value Lanes::exp(Value x) {
  // Beyond these results are 0 and infinity.
  Value low = constant(-104), high = constant(89);
  x = ifLess(x, low, low, x);
  x = ifLess(high, x, high, x);
  Value magic = constant(0x1.8p23f);
  Value shifted = add(mul(x, constant(0x1.715476p0f)), magic);
  Value n = sub(shifted, magic);
  // ln 2 in two parts: the products of the first are exact.
  Value r = sub(x, mul(n, constant(0x1.63p-1f)));
  r = sub(r, mul(n, constant(-0x1.bd0106p-13f)));
  // 1/2!, 1/3!, …: |r| is at most ln(2)/2.
  Value tail = polynomial(
      r, {1.f / 2, 1.f / 6, 1.f / 24, 1.f / 120, 1.f / 720, 1.f / 5040});
  Value power = add(add(mul(mul(tail, r), r), r), constant(1));
  // Two factors reach denormals and infinity.
  Value whole = arith::SubIOp::create(*this, bits(shifted), bits(magic));
  Value half = arith::ShRSIOp::create(*this, whole, integer(1));
  Value rest = arith::SubIOp::create(*this, whole, half);
  return mul(mul(power, powerOfTwo(half)), powerOfTwo(rest));
}

template <typename OpT> struct ExpandFunction : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || !type.getElementType().isF32())
      return failure();
    Lanes lanes(rewriter, op);
    rewriter.replaceOp(op, expand(lanes, op.getOperand()));
    return success();
  }

private:
  virtual Value expand(Lanes &l, Value x) const = 0;
};

struct ExpandExp final : ExpandFunction<math::ExpOp> {
  using ExpandFunction::ExpandFunction;
  Value expand(Lanes &l, Value x) const override { return l.exp(x); }
};

struct ExpandTanh final : ExpandFunction<math::TanhOp> {
  using ExpandFunction::ExpandFunction;
  Value expand(Lanes &l, Value x) const override {
    Value size = l.abs(x), square = l.mul(size, size);
    Value tail =
        l.polynomial(square, {-0x1.55553ep-2f, 0x1.1109acp-3f, -0x1.b898a4p-5f,
                              0x1.54b714p-6f, -0x1.825118p-8f});
    Value near = l.add(l.mul(l.mul(tail, square), size), size);
    Value one = l.constant(1);
    Value power = l.add(l.exp(l.add(size, size)), one);
    Value far = l.sub(one, arith::DivFOp::create(l, l.constant(2), power));
    return l.withSign(l.ifLess(size, l.constant(0.6f), near, far), x);
  }
};

struct ExpandErf final : ExpandFunction<math::ErfOp> {
  using ExpandFunction::ExpandFunction;
  Value expand(Lanes &l, Value x) const override {
    Value size = l.abs(x);
    Value near =
        l.mul(l.polynomial(l.mul(size, size),
                           {0x1.20dd74p0f, -0x1.8126f8p-2f, 0x1.ce1dcep-4f,
                            -0x1.b6becp-6f, 0x1.48761ap-8f, -0x1.3f4cfep-11f}),
              size);
    Value end = l.constant(4);
    Value inside = l.ifLess(end, size, end, size);
    // The logarithm of what is missing to 1.
    Value missing =
        l.polynomial(inside, {-0x1.674a24p-14f, 0x1.2104b4p0f, 0x1.44ff0ap-1f,
                              0x1.b2d4cap-4f, -0x1.7ab916p-6f, 0x1.80d2b6p-9f,
                              0x1.01d818p-14f, -0x1.b3e0a8p-14f,
                              0x1.2cfbfep-16f, -0x1.2b8a48p-20f});
    Value far = l.sub(l.constant(1), l.exp(arith::NegFOp::create(l, missing)));
    return l.withSign(l.ifLess(size, l.constant(0.9f), near, far), x);
  }
};

struct ExpandMath final : stamp::impl::ExpandMathPassBase<ExpandMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp, ExpandTanh, ExpandErf>(&getContext());
    // f16 between an extension and a truncation.
    populateMathF32ExpansionPatterns(patterns, [](StringRef name) {
      return name == "math.exp" || name == "math.tanh" || name == "math.erf";
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
