//===- FuseElementwise.cpp - fusion that recomputes nothing -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Fusion trades a trip through memory for the right to compute the producer
// where it is consumed. That is a bargain as long as each element is computed
// once. It stops being one when the consumer reads an element many times:
//
//   %e = generic (m, k)      { exp }
//   %y = generic (m, k, n)   { mulf, addf } reading %e at (m, k)
//
// would compute N exponentials for each one that there was.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"
#include "stamp/Codegen/CPU/Transforms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

namespace {

/// Whether `op` computes nothing: its elements are those of an operand, at
/// most widened.
bool onlyMovesElements(linalg::GenericOp op) {
  return llvm::all_of(op.getBody()->without_terminator(), [](Operation &inner) {
    return isa<arith::ExtSIOp, arith::ExtUIOp, arith::ExtFOp>(inner);
  });
}

/// Each fusion copies both bodies, so that without a limit a chain of ops would
/// take quadratic time; and no core keeps more values at hand.
constexpr unsigned kMaxBody = 128;

bool isLong(linalg::LinalgOp op) {
  return llvm::hasNItemsOrMore(*op.getBlock(), kMaxBody);
}

bool fusionPays(OpOperand *consumed) {
  auto producer = consumed->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::LinalgOp>(consumed->getOwner());
  // A producer with other users would be computed for them as well.
  if (!producer || !consumer || !producer->hasOneUse() || isLong(producer) ||
      isLong(consumer))
    return false;
  bool visitsEachElementOnce =
      consumer.getMatchingIndexingMap(consumed).isPermutation();
  return visitsEachElementOnce || onlyMovesElements(producer);
}

struct FuseElementwise final
    : stamp::impl::FuseElementwisePassBase<FuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    stamp::populateFuseElementwisePatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void stamp::populateFuseElementwisePatterns(RewritePatternSet &patterns) {
  linalg::populateElementwiseOpsFusionPatterns(patterns, fusionPays);
}
