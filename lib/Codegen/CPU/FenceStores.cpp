//===- FenceStores.cpp - Order stores past the caches -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_FENCESTORESPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

namespace {
struct FenceStores final
    : public stamp::impl::FenceStoresPassBase<FenceStores> {
  void runOnOperation() override {
    getOperation()->walk([](omp::LoopNestOp loop) {
      WalkResult found = loop.walk([](vector::StoreOp store) {
        return store.getNontemporal() ? WalkResult::interrupt()
                                      : WalkResult::advance();
      });
      if (!found.wasInterrupted())
        return;
      OpBuilder builder(loop.getRegion().back().getTerminator());
      LLVM::FenceOp::create(builder, loop.getLoc(),
                            LLVM::AtomicOrdering::seq_cst);
    });
  }
};
} // namespace
