//===- ShareMemory.cpp - buffers that the host and the kernels see --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Host code around kernels is ordinary code: it may read an element, copy a
// row, loop. Managed memory keeps all of that right, because every launch has
// ended before the host goes on, and the pages come along on demand. Kernels
// never see a host symbol or a host pointer: what crosses a public function's
// boundary, and every constant, is copied.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace stamp {
#define GEN_PASS_DEF_GPUSHAREMEMORY
#include "stamp/Codegen/GPU/Passes.h.inc"
} // namespace stamp

using namespace mlir;

static SmallVector<Value> getDynamicSizes(OpBuilder &builder, Location loc,
                                          Value buffer) {
  SmallVector<Value> sizes;
  auto type = cast<MemRefType>(buffer.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(memref::DimOp::create(builder, loc, buffer, dim));
  return sizes;
}

static Value allocateShared(OpBuilder &builder, Location loc, MemRefType type,
                            ValueRange sizes) {
  return gpu::AllocOp::create(builder, loc, type, /*asyncToken=*/Type(),
                              /*asyncDependencies=*/ValueRange(), sizes,
                              /*symbolOperands=*/ValueRange(),
                              /*hostShared=*/true)
      .getMemref();
}

/// The runtime only knows a free in a stream; the host waits for it.
static void freeShared(OpBuilder &builder, Location loc, Value buffer) {
  Type token = gpu::AsyncTokenType::get(builder.getContext());
  Value stream =
      gpu::WaitOp::create(builder, loc, token, ValueRange()).getAsyncToken();
  Value freed = gpu::DeallocOp::create(builder, loc, token, stream, buffer)
                    .getAsyncToken();
  gpu::WaitOp::create(builder, loc, /*asyncToken=*/Type(), freed);
}

static Value copyToShared(OpBuilder &builder, Location loc, Value buffer) {
  Value shared =
      allocateShared(builder, loc, cast<MemRefType>(buffer.getType()),
                     getDynamicSizes(builder, loc, buffer));
  memref::CopyOp::create(builder, loc, buffer, shared);
  return shared;
}

namespace {
struct GPUShareMemory final : stamp::impl::GPUShareMemoryBase<GPUShareMemory> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    if (failed(shareAllocations()))
      return signalPassFailure();

    SmallVector<Value> copies;
    shareConstants(copies);
    if (function.isPublic()) {
      shareArguments(copies);
      returnHostMemory();
    }
    function.walk([&](func::ReturnOp op) {
      OpBuilder builder(op);
      for (Value copy : copies)
        freeShared(builder, op.getLoc(), copy);
    });
  }

private:
  LogicalResult shareAllocations() {
    WalkResult result = getOperation().walk([](Operation *op) -> WalkResult {
      if (!isa<memref::AllocOp, memref::AllocaOp, memref::DeallocOp>(op))
        return WalkResult::advance();
      if (op->getParentOfType<gpu::LaunchOp>())
        return op->emitOpError("in a kernel: a thread has no heap; the tensor "
                               "must be made outside the loop or linalg op");
      if (isa<memref::AllocaOp>(op))
        return op->emitOpError("is host stack memory, out of kernels' reach");

      OpBuilder builder(op);
      if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
        alloc.replaceAllUsesWith(allocateShared(
            builder, alloc.getLoc(), alloc.getType(), alloc.getDynamicSizes()));
      } else {
        freeShared(builder, op->getLoc(),
                   cast<memref::DeallocOp>(op).getMemref());
      }
      op->erase();
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  void shareConstants(SmallVectorImpl<Value> &copies) {
    llvm::MapVector<StringRef, SmallVector<memref::GetGlobalOp>> uses;
    getOperation().walk(
        [&](memref::GetGlobalOp op) { uses[op.getName()].push_back(op); });

    OpBuilder builder = OpBuilder::atBlockBegin(&getOperation().front());
    for (auto &[name, ops] : uses) {
      Location loc = ops.front().getLoc();
      Value constant = memref::GetGlobalOp::create(builder, loc,
                                                   ops.front().getType(), name);
      copies.push_back(copyToShared(builder, loc, constant));
      for (memref::GetGlobalOp op : ops) {
        op.replaceAllUsesWith(copies.back());
        op.erase();
      }
    }
  }

  /// The copy also keeps the caller's tensor what it was: bufferization may
  /// write into an argument that nobody reads again.
  void shareArguments(SmallVectorImpl<Value> &copies) {
    Block &entry = getOperation().front();
    OpBuilder builder = OpBuilder::atBlockBegin(&entry);
    for (BlockArgument argument : entry.getArguments()) {
      if (!isa<MemRefType>(argument.getType()) || argument.use_empty())
        continue;
      SmallVector<OpOperand *> uses = llvm::map_to_vector(
          argument.getUses(), [](OpOperand &use) { return &use; });
      copies.push_back(copyToShared(builder, argument.getLoc(), argument));
      for (OpOperand *use : uses)
        use->set(copies.back());
    }
  }

  /// After deallocation every returned buffer belongs to the function alone.
  void returnHostMemory() {
    getOperation().walk([](func::ReturnOp op) {
      OpBuilder builder(op);
      llvm::SmallSetVector<Value, 4> sharedResults;
      for (OpOperand &operand : op->getOpOperands()) {
        Value shared = operand.get();
        auto type = dyn_cast<MemRefType>(shared.getType());
        if (!type)
          continue;
        Value host = memref::AllocOp::create(
            builder, op.getLoc(), type,
            getDynamicSizes(builder, op.getLoc(), shared));
        memref::CopyOp::create(builder, op.getLoc(), shared, host);
        operand.set(host);
        sharedResults.insert(shared);
      }
      for (Value shared : sharedResults)
        freeShared(builder, op.getLoc(), shared);
    });
  }
};
} // namespace
