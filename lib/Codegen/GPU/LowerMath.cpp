//===- LowerMath.cpp - math in kernels, without libdevice -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The semantics of STaMP rest on a few correctly rounded operations that PTX
// has as instructions. Everything else that a model may bring along (exp in a
// softmax, tanh in an activation, cos in a DCT of dynamic length) is written
// out as arithmetic. What neither covers is refused here, where the op still
// has a name and a location.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSwitch.h"

#include <limits>
#include <type_traits>

namespace stamp {
#define GEN_PASS_DEF_GPULOWERMATH
#include "stamp/Codegen/GPU/Passes.h.inc"
} // namespace stamp

using namespace mlir;

/// The LLVM intrinsic that the NVPTX backend selects without a library, with
/// IEEE rounding; empty if there is none.
static StringRef getExactIntrinsic(Operation *op) {
  return llvm::StringSwitch<StringRef>(op->getName().getStringRef())
      .Case("arith.maxnumf", "llvm.maxnum")
      .Case("arith.minnumf", "llvm.minnum")
      .Case("math.absf", "llvm.fabs")
      .Case("math.ceil", "llvm.ceil")
      .Case("math.copysign", "llvm.copysign")
      .Case("math.floor", "llvm.floor")
      .Case("math.fma", "llvm.fma")
      .Case("math.roundeven", "llvm.roundeven")
      .Case("math.sqrt", "llvm.sqrt")
      .Case("math.trunc", "llvm.trunc")
      .Default("");
}

/// Ops that the upstream conversion lowers without a library.
static bool isLoweredUpstream(Operation *op) {
  return isa<math::AbsIOp, math::CountLeadingZerosOp,
             math::CountTrailingZerosOp, math::CtPopOp, math::IsFiniteOp,
             math::IsInfOp, math::IsNaNOp, math::IsNormalOp>(op);
}

namespace {
/// A `llvm.intr.*` op would be turned back into a libdevice call by
/// `convert-gpu-to-nvvm`; a call of the intrinsic by name is left alone.
struct CallExactIntrinsic final : RewritePattern {
  explicit CallExactIntrinsic(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    StringRef intrinsic = getExactIntrinsic(op);
    if (intrinsic.empty())
      return failure();
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op->getResultTypes().front(), rewriter.getStringAttr(intrinsic),
        op->getOperands());
    return success();
  }
};

/// Σ (−1)ⁱ·x²ⁱ/(first + 2i)! · first! without its leading 1, by Horner's rule:
/// cos x − 1 for first = 0, sin x / x − 1 for first = 1. Nine terms leave less
/// than 2⁻⁶⁰ for |x| ≤ π/4.
static Value createTaylorTail(ImplicitLocOpBuilder &builder, Value square,
                              int first) {
  constexpr int kTerms = 9;
  Type type = square.getType();
  auto constant = [&](double value) -> Value {
    return arith::ConstantOp::create(builder, FloatAttr::get(type, value));
  };
  double coefficients[kTerms];
  double inverseFactorial = 1;
  for (int i = 0; i < kTerms; ++i) {
    int n = first + 2 * (i + 1);
    inverseFactorial /= -double(n - 1) * n;
    coefficients[i] = inverseFactorial;
  }
  Value sum = constant(coefficients[kTerms - 1]);
  for (int i = kTerms - 2; i >= 0; --i)
    sum = math::FmaOp::create(builder, sum, square, constant(coefficients[i]));
  return arith::MulFOp::create(builder, sum, square);
}

/// sin and cos in f64, from x = q·π/2 + r with |r| ≤ π/4. Two parts of π/2 keep
/// r right for |x| < 2³⁰; a larger x gives NaN rather than noise.
///
///   q mod 4   0      1      2      3
///   sin x   sin r  cos r −sin r −cos r       cos x = sin of q + 1
template <typename OpT> struct ExpandSinCos final : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    Value operand = op.getOperand();
    Type type = operand.getType();
    if (!isa<FloatType>(type) || type.getIntOrFloatBitWidth() > 64)
      return failure();

    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type f64 = builder.getF64Type();
    Type i64 = builder.getI64Type();
    auto constant = [&](double value) -> Value {
      return arith::ConstantOp::create(builder, FloatAttr::get(f64, value));
    };
    auto integer = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(builder, IntegerAttr::get(i64, value));
    };

    Value x =
        type == f64 ? operand : arith::ExtFOp::create(builder, f64, operand);
    Value inRange = arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT,
                                          math::AbsFOp::create(builder, x),
                                          constant(0x1p30));
    Value scaled =
        arith::MulFOp::create(builder, x, constant(0x1.45f306dc9c883p-1));
    Value safe = arith::SelectOp::create(builder, inRange, scaled, constant(0));
    Value q = math::RoundEvenOp::create(builder, safe);
    Value minusQ = arith::NegFOp::create(builder, q);
    Value r =
        math::FmaOp::create(builder, minusQ, constant(0x1.921fb54442d18p0), x);
    r = math::FmaOp::create(builder, minusQ, constant(0x1.1a62633145c07p-54),
                            r);

    Value square = arith::MulFOp::create(builder, r, r);
    Value sine = math::FmaOp::create(builder, r,
                                     createTaylorTail(builder, square, 1), r);
    Value cosine = arith::AddFOp::create(
        builder, createTaylorTail(builder, square, 0), constant(1));

    Value quarter = arith::FPToSIOp::create(builder, i64, q);
    if (std::is_same_v<OpT, math::CosOp>)
      quarter = arith::AddIOp::create(builder, quarter, integer(1));
    auto hasBit = [&](int64_t bit) -> Value {
      return arith::CmpIOp::create(
          builder, arith::CmpIPredicate::ne,
          arith::AndIOp::create(builder, quarter, integer(bit)), integer(0));
    };
    Value value = arith::SelectOp::create(builder, hasBit(1), cosine, sine);
    value = arith::SelectOp::create(
        builder, hasBit(2), arith::NegFOp::create(builder, value), value);
    value = arith::SelectOp::create(
        builder, inRange, value,
        constant(std::numeric_limits<double>::quiet_NaN()));
    if (type != f64)
      value = arith::TruncFOp::create(builder, type, value);
    rewriter.replaceOp(op, value);
    return success();
  }
};

struct GPULowerMath final : stamp::impl::GPULowerMathBase<GPULowerMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    // Not all of arith's expansions: min and max are single instructions.
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    math::populateExpansionPatterns(patterns, {"rsqrt"});
    populateMathF32ExpansionPatterns(patterns, isApproximated);
    populateMathPolynomialApproximationPatterns(patterns, isApproximated);
    patterns.add<CallExactIntrinsic, ExpandSinCos<math::CosOp>,
                 ExpandSinCos<math::SinOp>>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();

    WalkResult result = getOperation().walk([](Operation *op) -> WalkResult {
      bool isMath = isa_and_present<math::MathDialect>(op->getDialect());
      if ((isMath && !isLoweredUpstream(op)) || isa<arith::RemFOp>(op))
        return op->emitOpError("has no GPU lowering for ")
               << op->getOperand(0).getType()
               << " that does without CUDA's libdevice";
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  /// Those of MLIR's polynomials that stay within a few ulp. That of atan does
  /// not, nor do those of sin and cos, which have expansions of their own.
  static bool isApproximated(StringRef name) {
    return llvm::StringSwitch<bool>(name)
        .Cases({"math.exp", "math.expm1", "math.log", "math.log1p", "math.log2",
                "math.erf", "math.tanh"},
               true)
        .Default(false);
  }
};
} // namespace
