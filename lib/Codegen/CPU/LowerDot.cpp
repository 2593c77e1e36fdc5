//===- LowerDot.cpp - Products of codes to instructions ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Finds the products that Kernels/Product.cpp writes; Dot/ has the
// instructions.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/CPUTarget.h"
#include "stamp/Codegen/CPU/Passes.h"

#include "Dot/InstructionSet.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_LOWERDOTPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

using namespace stamp;

/// Whether a mask leaves four bits of every code.
static bool isFourBits(Value codes) {
  while (auto cast = codes.getDefiningOp<vector::ShapeCastOp>())
    codes = cast.getSource();
  auto masked = codes.getDefiningOp<arith::AndIOp>();
  APInt mask;
  return masked && matchPattern(masked.getRhs(), m_ConstantInt(&mask)) &&
         mask.ule(15);
}

static std::optional<Dot> matchDot(vector::ContractionOp op) {
  AffineExpr n = getAffineDimExpr(0, op.getContext());
  AffineExpr k = getAffineDimExpr(1, op.getContext());
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto sumType = dyn_cast<VectorType>(op.getAccType());
  auto left = op.getLhs().getDefiningOp<arith::ExtSIOp>();
  Operation *right = op.getRhs().getDefiningOp();
  if (!left || !sumType || sumType.getRank() != 1 ||
      !isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(right) ||
      maps[0].getResults() != ArrayRef(k) ||
      maps[1].getResults() != ArrayRef({n, k}) ||
      maps[2].getResults() != ArrayRef(n) ||
      op.getKind() != vector::CombiningKind::ADD)
    return std::nullopt;
  auto four = cast<VectorType>(left.getIn().getType());
  auto codes = cast<VectorType>(right->getOperand(0).getType());
  if (four.getNumElements() != 4 || !four.getElementType().isInteger(8) ||
      !codes.getElementType().isInteger(8))
    return std::nullopt;
  return Dot{left.getIn(),
             right->getOperand(0),
             op.getAcc(),
             isa<arith::ExtUIOp>(right),
             isFourBits(right->getOperand(0)),
             sumType.getNumElements()};
}

static Value emitDot(ImplicitLocOpBuilder &b, Dot dot,
                     const CPUTarget &target) {
  dot.codes =
      vector::ShapeCastOp::create(b, vectorOf(b, 4 * dot.lanes, 8), dot.codes);
  const InstructionSet &set = *target.instructions;
  bool fits = dot.lanes == set.lanes &&
              (dot.isUnsigned == set.hasUnsignedCodes || dot.isFourBits);
  return fits ? set.emitDot(b, dot) : emitGenericDot(b, dot);
}

namespace {
struct LowerDot final : public stamp::impl::LowerDotPassBase<LowerDot> {
  using LowerDotPassBase::LowerDotPassBase;

  void runOnOperation() override {
    FailureOr<CPUTarget> target = CPUTarget::get(cpu, getOperation()->getLoc());
    if (failed(target))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](vector::ContractionOp op) {
      std::optional<Dot> dot = matchDot(op);
      if (!dot)
        return;
      rewriter.setInsertionPoint(op);
      ImplicitLocOpBuilder b(op.getLoc(), rewriter);
      rewriter.replaceOp(op, emitDot(b, *dot, *target));
    });
  }
};
} // namespace
