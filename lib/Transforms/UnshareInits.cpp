//===- UnshareInits.cpp - An init for each op ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %f = linalg.fill ins(%zero) outs(%e)
//   %x = linalg.matmul ins(%a, %v) outs(%f)
//   %y = linalg.matmul ins(%a, %w) outs(%f)
//
// becomes
//
//   %f = linalg.fill ins(%zero) outs(%e)
//   %x = linalg.matmul ins(%a, %v) outs(%f)
//   %g = linalg.fill ins(%zero) outs(%e)
//   %y = linalg.matmul ins(%a, %w) outs(%g)
//
// Common subexpression elimination leaves one empty and one filled tensor of
// each size for a whole model. Nobody means one buffer by that, but
// bufferization has to find it out: it compares each write to a tensor with all
// other uses of it, which takes quadratic time.
//
// A filled tensor is only good for one op. An empty one may serve a few: where
// an elementwise op reads what is in it, it writes in place.
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_STAMPUNSHAREINITS
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

/// How many ops may write to one empty tensor.
static constexpr int kMaxWriters = 8;

/// A copy of `producer` in front of the op in its block that `user` is or is
/// in, so that a loop makes none in each turn; null if there is no such op.
static Operation *copyFor(Operation *user, Operation *producer) {
  Operation *place = producer->getBlock()->findAncestorOpInBlock(*user);
  return place ? OpBuilder(place).clone(*producer) : nullptr;
}

/// function(init, producer) for each op that makes an init, in program order.
template <typename ProducerOp, typename Function>
static void forEachInit(Operation *root, Function function) {
  root->walk([&](DestinationStyleOpInterface writer) {
    for (OpOperand &init : writer.getDpsInitsMutable())
      if (auto producer = init.get().getDefiningOp<ProducerOp>())
        function(init, producer);
  });
}

namespace {
struct StampUnshareInits final
    : public stamp::impl::StampUnshareInitsBase<StampUnshareInits> {
  void runOnOperation() override {
    forEachInit<linalg::FillOp>(
        getOperation(), [](OpOperand &init, linalg::FillOp fill) {
          if (fill->hasOneUse() ||
              !fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>())
            return;
          if (Operation *copy = copyFor(init.getOwner(), fill))
            init.set(copy->getResult(0));
        });

    struct Share {
      Operation *empty;
      int numWriters = 0;
    };
    DenseMap<Operation *, Share> shares;
    forEachInit<tensor::EmptyOp>(
        getOperation(), [&](OpOperand &init, tensor::EmptyOp empty) {
          Share &share = shares.try_emplace(empty, Share{empty}).first->second;
          if (++share.numWriters > kMaxWriters) {
            Operation *copy = copyFor(init.getOwner(), empty);
            if (!copy)
              return;
            share = {copy, 1};
          }
          init.set(share.empty->getResult(0));
        });
  }
};
} // namespace
