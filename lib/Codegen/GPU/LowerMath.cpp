//===- LowerMath.cpp - math in kernels, without libdevice -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The semantics of STaMP rest on a few correctly rounded operations that PTX
// has as instructions. Everything else that a model may bring along (exp in a
// softmax, tanh in an activation) is written out as arithmetic. What neither
// covers is refused here, where the op still has a name and a location.
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
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSwitch.h"

namespace stamp {
#define GEN_PASS_DEF_GPULOWERMATH
#include "stamp/Codegen/GPU/Passes.h.inc"
} // namespace stamp

using namespace mlir;

/// The LLVM intrinsic that the NVPTX backend selects without a library, with
/// IEEE rounding; empty if there is none.
static StringRef getExactIntrinsic(Operation *op) {
  return llvm::StringSwitch<StringRef>(op->getName().getStringRef())
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

struct GPULowerMath final : stamp::impl::GPULowerMathBase<GPULowerMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    // Not all of arith's expansions: min and max are single instructions.
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    math::populateExpansionPatterns(patterns, {"rsqrt"});
    populateMathF32ExpansionPatterns(patterns, isApproximated);
    populateMathPolynomialApproximationPatterns(patterns, isApproximated);
    patterns.add<CallExactIntrinsic>(&getContext());
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
  /// Those of MLIR's polynomials that stay within a few ulp. Those of sin, cos
  /// and atan do not: docs/GPU.md.
  static bool isApproximated(StringRef name) {
    return llvm::StringSwitch<bool>(name)
        .Cases({"math.exp", "math.expm1", "math.log", "math.log1p", "math.log2",
                "math.erf", "math.tanh"},
               true)
        .Default(false);
  }
};
} // namespace
