//===- DecomposeAggregates.cpp - One op that stands for several -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %y = linalg.softmax dimension(1) ins(%x) outs(%e)
//
// becomes
//
//   %m = linalg.generic { maxnumf }     ins(%x) outs(filled with -∞)
//   %p = linalg.generic { subf, exp }   ins(%x, %m) outs(%e)
//   %s = linalg.generic { addf }        ins(%p) outs(filled with 0)
//   %y = linalg.generic { divf }        ins(%p, %s) outs(%e)
//
// An op of linalg that is not a nest of loops, but says itself of which it is
// made. Nothing lowers it to loops, so that it has to come apart on tensors, in
// front of fusion. Before that it is worth more as it is: passes that look for
// attention see a softmax.
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_STAMPDECOMPOSEAGGREGATES
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

namespace {
struct StampDecomposeAggregates final
    : public stamp::impl::StampDecomposeAggregatesBase<
          StampDecomposeAggregates> {
  void runOnOperation() override {
    SmallVector<linalg::AggregatedOpInterface> aggregates;
    getOperation()->walk([&](linalg::AggregatedOpInterface op) {
      auto writer = dyn_cast<DestinationStyleOpInterface>(op.getOperation());
      if (writer && writer.hasPureTensorSemantics())
        aggregates.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::AggregatedOpInterface op : aggregates) {
      rewriter.setInsertionPoint(op);
      FailureOr<SmallVector<Value>> results = op.decomposeOperation(rewriter);
      if (failed(results)) {
        op->emitError() << "cannot be written as several linalg ops";
        return signalPassFailure();
      }
      rewriter.replaceOp(op, *results);
    }
  }
};
} // namespace
