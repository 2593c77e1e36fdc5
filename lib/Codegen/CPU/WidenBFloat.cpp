//===- WidenBFloat.cpp - arithmetic in bf16 by f32 --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Both halves are needed: where LLVM finds an extension, an operation and a
// truncation it makes an operation on bf16 of them.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_WIDENBFLOATPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

/// Whether all that goes in and comes out is bf16, and something is computed.
static bool isArithmetic(Operation *op) {
  return isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
         op->getNumOperands() > 0 && op->getNumResults() == 1 &&
         op->hasTrait<OpTrait::SameOperandsAndResultType>() &&
         getElementTypeOrSelf(op->getResult(0)).isBF16();
}

static void widen(RewriterBase &rewriter, Operation *op) {
  rewriter.setInsertionPoint(op);
  Location loc = op->getLoc();
  Type narrow = op->getResult(0).getType(), wide = rewriter.getF32Type();
  if (auto shaped = dyn_cast<ShapedType>(narrow))
    wide = shaped.clone(wide);
  IRMapping widened;
  for (Value operand : op->getOperands())
    if (!widened.contains(operand))
      widened.map(operand, arith::ExtFOp::create(rewriter, loc, wide, operand));
  Operation *computed = rewriter.clone(*op, widened);
  computed->getResult(0).setType(wide);
  rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, narrow,
                                               computed->getResult(0));
}

namespace {
struct WidenBFloat final
    : public stamp::impl::WidenBFloatPassBase<WidenBFloat> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) {
      if (isArithmetic(op))
        widen(rewriter, op);
    });
    RewritePatternSet patterns(&getContext());
    arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
