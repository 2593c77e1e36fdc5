//===- ShareMemory.cpp - buffers that the kernels see ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Kernels never see a host symbol or a host pointer. What only they touch is
// device memory: the arguments of a public function are copied there, its
// results from there, a constant once and for all.
//
// But host code around kernels is ordinary code: it may read an element, copy a
// row, loop. A buffer that it touches, or of which this is not plain to see, is
// managed memory, whose pages come along on demand.
//
// A call of a function has one stream. Allocations, copies, launches and frees
// are put into it in the order of the program, and the host waits for it before
// it touches managed memory and before it returns.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

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

/// Launches, and what is in the body of one that is not outlined yet. An
/// address as a number is of no use but to a kernel.
static bool isInKernel(Operation *op) {
  return isa<gpu::LaunchFuncOp, memref::ExtractAlignedPointerAsIndexOp>(op) ||
         op->getParentOfType<gpu::LaunchOp>();
}

/// Whether host code may read or write what `buffer` refers to. A return does
/// not: what is returned is copied.
static bool isTouchedByHost(Value buffer) {
  return llvm::any_of(buffer.getUsers(), [](Operation *user) {
    if (isInKernel(user) ||
        isa<memref::DimOp, memref::DeallocOp, func::ReturnOp>(user))
      return false;
    if (isa<ViewLikeOpInterface>(user) && user->getNumResults() == 1)
      return isTouchedByHost(user->getResult(0));
    return true;
  });
}

static bool isReadByKernels(Value buffer) {
  return llvm::any_of(buffer.getUsers(), [](Operation *user) {
    return isInKernel(user) ||
           (isa<ViewLikeOpInterface>(user) && user->getNumResults() == 1 &&
            isReadByKernels(user->getResult(0)));
  });
}

static bool isInHostMemory(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer.getDefiningOp<memref::GetGlobalOp>();
}

/// Whether host code reads or writes managed memory here, as far as is known.
/// Control flow only hands buffers on.
static bool touchesManagedMemory(Operation &op) {
  return !op.hasTrait<OpTrait::IsTerminator>() && !isMemoryEffectFree(&op) &&
         llvm::any_of(op.getOperands(), [](Value operand) {
           return isa<MemRefType>(operand.getType()) &&
                  !isInHostMemory(operand);
         });
}

namespace {
class FunctionMemory {
public:
  explicit FunctionMemory(func::FuncOp function)
      : function(function), module(function->getParentOfType<ModuleOp>()),
        token(gpu::AsyncTokenType::get(function.getContext())) {
    OpBuilder builder = OpBuilder::atBlockBegin(&function.front());
    stream =
        callRuntime(builder, function.getLoc(), "stampGpuOpenStream", {}, token)
            .getResult(0);
  }

  LogicalResult place() {
    if (failed(placeAllocations()))
      return failure();
    placeConstants();
    if (function.isPublic()) {
      SmallVector<Value> copies = placeArguments();
      returnHostMemory();
      function.walk([&](func::ReturnOp op) {
        OpBuilder builder(op);
        for (Value copy : copies)
          deallocate(builder, op.getLoc(), copy);
      });
    }
    orderLaunches();
    if (stream.use_empty()) {
      stream.getDefiningOp()->erase();
      return success();
    }
    waitForTheHost(function.getBody());
    function.walk([&](func::ReturnOp op) {
      OpBuilder builder(op);
      callRuntime(builder, op.getLoc(), "stampGpuCloseStream", stream, {});
    });
    return success();
  }

private:
  /// A function of the runtime, through MLIR's C interface.
  func::CallOp callRuntime(OpBuilder &builder, Location loc, StringRef name,
                           ValueRange arguments, TypeRange results) {
    auto callee = module.lookupSymbol<func::FuncOp>(name);
    if (!callee) {
      OpBuilder atBegin = OpBuilder::atBlockBegin(module.getBody());
      callee = func::FuncOp::create(
          atBegin, module.getLoc(), name,
          builder.getFunctionType(arguments.getTypes(), results));
      callee.setPrivate();
    }
    return func::CallOp::create(builder, loc, callee, arguments);
  }

  /// Behind the beginning of the stream.
  OpBuilder atEntry() {
    OpBuilder builder(function.getContext());
    builder.setInsertionPointAfterValue(stream);
    return builder;
  }

  /// Managed memory is there for host and device alike, in no stream.
  Value allocate(OpBuilder &builder, Location loc, MemRefType type,
                 ValueRange sizes, bool isManaged) {
    return gpu::AllocOp::create(builder, loc, type, isManaged ? Type() : token,
                                isManaged ? ValueRange() : stream, sizes,
                                /*symbolOperands=*/ValueRange(),
                                /*hostShared=*/isManaged)
        .getMemref();
  }

  void deallocate(OpBuilder &builder, Location loc, Value buffer) {
    gpu::DeallocOp::create(builder, loc, token, stream, buffer);
  }

  void copy(OpBuilder &builder, Location loc, Value from, Value to) {
    gpu::MemcpyOp::create(builder, loc, token, stream, to, from);
  }

  /// Gives launches the stream, and the token that goes with it.
  void orderLaunches() {
    function.walk([&](Operation *op) {
      if (!isa<gpu::LaunchOp, gpu::LaunchFuncOp>(op))
        return;
      cast<gpu::AsyncOpInterface>(op).addAsyncDependency(stream);
      OperationState state(op->getLoc(), op->getName());
      state.addOperands(op->getOperands());
      state.addTypes(token);
      state.addAttributes(llvm::to_vector(op->getDiscardableAttrs()));
      state.propertiesAttr = op->getPropertiesAsAttribute();
      for (Region &region : op->getRegions())
        state.addRegion()->takeBody(region);
      OpBuilder(op).create(state);
      op->erase();
    });
  }

  /// Once between the device's work and the host's.
  void waitForTheHost(Region &region) {
    for (Block &block : region) {
      bool mayRun = true;
      for (Operation &op : block) {
        if (auto async = dyn_cast<gpu::AsyncOpInterface>(op)) {
          mayRun |= static_cast<bool>(async.getAsyncToken());
        } else if (op.getNumRegions() > 0) {
          for (Region &inner : op.getRegions())
            waitForTheHost(inner);
          mayRun = true;
        } else if (mayRun && touchesManagedMemory(op)) {
          OpBuilder builder(&op);
          callRuntime(builder, op.getLoc(), "stampGpuWait", stream, {});
          mayRun = false;
        }
      }
    }
  }

  LogicalResult placeAllocations() {
    WalkResult result = function.walk([&](Operation *op) -> WalkResult {
      if (!isa<memref::AllocOp, memref::AllocaOp, memref::DeallocOp>(op))
        return WalkResult::advance();
      if (op->getParentOfType<gpu::LaunchOp>())
        return op->emitOpError("in a kernel: a thread has no heap; the tensor "
                               "must be made outside the loop or linalg op");
      if (isa<memref::AllocaOp>(op))
        return op->emitOpError("is host stack memory, out of kernels' reach");

      OpBuilder builder(op);
      if (auto alloc = dyn_cast<memref::AllocOp>(op))
        alloc.replaceAllUsesWith(allocate(
            builder, alloc.getLoc(), alloc.getType(), alloc.getDynamicSizes(),
            isTouchedByHost(alloc.getMemref())));
      else
        deallocate(builder, op->getLoc(),
                   cast<memref::DeallocOp>(op).getMemref());
      op->erase();
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// The host reads a constant where it is. Kernels read the copy that stays on
  /// the device.
  void placeConstants() {
    llvm::MapVector<StringRef, SmallVector<memref::GetGlobalOp>> uses;
    function.walk(
        [&](memref::GetGlobalOp op) { uses[op.getName()].push_back(op); });

    OpBuilder builder = atEntry();
    for (auto &[name, ops] : uses) {
      Location loc = ops.front().getLoc();
      auto type = cast<MemRefType>(ops.front().getType());
      Value host = memref::GetGlobalOp::create(builder, loc, type, name);
      Value resident;
      for (memref::GetGlobalOp op : ops) {
        if (isReadByKernels(op)) {
          if (!resident)
            resident = getResident(builder, loc, host);
          moveKernelUses(op, resident);
        }
        op.replaceAllUsesWith(host);
        op.erase();
      }
    }
  }

  /// In kernels, `resident` instead of `host`; views of the constant are made
  /// again for them.
  static void moveKernelUses(Value host, Value resident) {
    host.replaceUsesWithIf(
        resident, [](OpOperand &use) { return isInKernel(use.getOwner()); });
    for (Operation *user : llvm::make_early_inc_range(host.getUsers()))
      if (isa<ViewLikeOpInterface>(user) && user->getNumResults() == 1) {
        OpBuilder builder(user);
        Operation *copy = builder.clone(*user);
        copy->replaceUsesOfWith(host, resident);
        moveKernelUses(user->getResult(0), copy->getResult(0));
      }
  }

  Value getResident(OpBuilder &builder, Location loc, Value host) {
    auto type = cast<MemRefType>(host.getType());
    Value address =
        memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, host);
    int64_t bits = std::max(8u, type.getElementType().isIndex()
                                    ? 64u
                                    : type.getElementTypeBitWidth());
    Value bytes = arith::ConstantIndexOp::create(
        builder, loc, type.getNumElements() * llvm::divideCeil(bits, 8));
    auto memoryType =
        MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
    Value memory = callRuntime(builder, loc, "stampGpuConstant",
                               {address, bytes}, memoryType)
                       .getResult(0);
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    return memref::ViewOp::create(builder, loc, type, memory, zero,
                                  ValueRange());
  }

  /// The copy also keeps the caller's tensor what it was: bufferization may
  /// write into an argument that nobody reads again.
  SmallVector<Value> placeArguments() {
    SmallVector<Value> copies;
    OpBuilder builder = atEntry();
    for (BlockArgument argument : function.getArguments()) {
      auto type = dyn_cast<MemRefType>(argument.getType());
      if (!type || argument.use_empty())
        continue;
      SmallVector<OpOperand *> uses = llvm::map_to_vector(
          argument.getUses(), [](OpOperand &use) { return &use; });
      Location loc = argument.getLoc();
      Value copied =
          allocate(builder, loc, type, getDynamicSizes(builder, loc, argument),
                   isTouchedByHost(argument));
      copy(builder, loc, argument, copied);
      for (OpOperand *use : uses)
        use->set(copied);
      copies.push_back(copied);
    }
    return copies;
  }

  /// After deallocation every returned buffer belongs to the function alone.
  void returnHostMemory() {
    function.walk([&](func::ReturnOp op) {
      OpBuilder builder(op);
      llvm::SmallSetVector<Value, 4> results;
      for (OpOperand &operand : op->getOpOperands()) {
        Value result = operand.get();
        auto type = dyn_cast<MemRefType>(result.getType());
        if (!type)
          continue;
        Value host = memref::AllocOp::create(
            builder, op.getLoc(), type,
            getDynamicSizes(builder, op.getLoc(), result));
        copy(builder, op.getLoc(), result, host);
        operand.set(host);
        results.insert(result);
      }
      for (Value result : results)
        deallocate(builder, op.getLoc(), result);
    });
  }

  func::FuncOp function;
  ModuleOp module;
  Type token;
  Value stream;
};

struct GPUShareMemory final : stamp::impl::GPUShareMemoryBase<GPUShareMemory> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> functions =
        llvm::filter_to_vector(getOperation().getOps<func::FuncOp>(),
                               [](func::FuncOp f) { return !f.isExternal(); });
    for (func::FuncOp function : functions)
      if (failed(FunctionMemory(function).place()))
        return signalPassFailure();
  }
};
} // namespace
