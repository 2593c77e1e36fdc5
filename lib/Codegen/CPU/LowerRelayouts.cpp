//===- LowerRelayouts.cpp - linalg.pack and linalg.unpack -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_LOWERRELAYOUTSPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

namespace {
struct LowerRelayouts final
    : stamp::impl::LowerRelayoutsPassBase<LowerRelayouts> {
  void runOnOperation() override {
    SmallVector<Operation *> relayouts;
    getOperation()->walk([&](Operation *op) {
      if (isa<linalg::PackOp, linalg::UnPackOp>(op))
        relayouts.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : relayouts) {
      rewriter.setInsertionPoint(op);
      auto pack = dyn_cast<linalg::PackOp>(op);
      bool lowered = pack ? succeeded(linalg::lowerPack(rewriter, pack))
                          : succeeded(linalg::lowerUnPack(
                                rewriter, cast<linalg::UnPackOp>(op)));
      if (!lowered) {
        op->emitError() << "is lowered with tiles of static sizes only";
        return signalPassFailure();
      }
    }
  }
};
} // namespace
