//===- Accesses.cpp - a check before every access to memory ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// While pointers still say their address space. The alignment that is checked
// is the one that the op promises, for that is what the backend relies on when
// it chooses a vector instruction.
//
//===----------------------------------------------------------------------===//

#include "Emulate.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

namespace {
enum Kind { Read, Write, Atomic };

class AccessChecker {
public:
  AccessChecker(const DataLayout &layout, EmulatorCalls &calls)
      : layout(layout), calls(calls) {}

  LogicalResult check(Operation *op) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case([&](LLVM::LoadOp load) {
          bool isAtomic =
              load.getOrdering() != LLVM::AtomicOrdering::not_atomic;
          return check(op, load.getAddr(), load.getType(), load.getAlignment(),
                       isAtomic ? Atomic : Read);
        })
        .Case([&](LLVM::StoreOp store) {
          bool isAtomic =
              store.getOrdering() != LLVM::AtomicOrdering::not_atomic;
          return check(op, store.getAddr(), store.getValue().getType(),
                       store.getAlignment(), isAtomic ? Atomic : Write);
        })
        .Case([&](LLVM::AtomicRMWOp rmw) {
          return check(op, rmw.getPtr(), rmw.getType(), rmw.getAlignment(),
                       Atomic);
        })
        .Case([&](LLVM::AtomicCmpXchgOp exchange) {
          return check(op, exchange.getPtr(), exchange.getCmp().getType(),
                       exchange.getAlignment(), Atomic);
        })
        .Case<LLVM::MemcpyOp, LLVM::MemmoveOp>([&](auto copy) {
          checkRange(op, copy.getSrc(), copy.getLen(), Read);
          checkRange(op, copy.getDst(), copy.getLen(), Write);
          return success();
        })
        .Case([&](LLVM::MemsetOp set) {
          checkRange(op, set.getDst(), set.getLen(), Write);
          return success();
        })
        .Case<LLVM::MemcpyInlineOp, LLVM::MemsetInlineOp, LLVM::MaskedLoadOp,
              LLVM::MaskedStoreOp, LLVM::masked_gather, LLVM::masked_scatter,
              LLVM::masked_expandload, LLVM::masked_compressstore>(
            [&](auto unknown) {
              return unknown.emitOpError("is not known to the GPU emulator");
            })
        .Default(success());
  }

  /// An alloca is a variable from where it stands to the end of the function.
  void addLocals(LLVM::LLVMFuncOp function) {
    SmallVector<LLVM::AllocaOp> allocas;
    function.walk([&](LLVM::AllocaOp op) { allocas.push_back(op); });
    if (allocas.empty())
      return;
    Location loc = function.getLoc();
    OpBuilder builder = OpBuilder::atBlockBegin(&function.front());
    Type i64 = builder.getI64Type();
    Value depth = calls.call(builder, loc, "stampEmuEnter", i64, {});
    for (LLVM::AllocaOp op : allocas) {
      builder.setInsertionPointAfter(op);
      Value bytes = calls.number(
          builder, loc, layout.getTypeSize(op.getElemType()).getFixedValue(),
          64);
      Value count = op.getArraySize();
      if (count.getType() != i64)
        count = LLVM::ZExtOp::create(builder, loc, i64, count);
      bytes = LLVM::MulOp::create(builder, loc, bytes, count);
      calls.call(builder, loc, "stampEmuLocal", Type(),
                 {toGeneric(builder, op.getResult()), bytes});
    }
    function.walk([&](LLVM::ReturnOp op) {
      builder.setInsertionPoint(op);
      calls.call(builder, loc, "stampEmuLeave", Type(), depth);
    });
  }

private:
  static Value toGeneric(OpBuilder &builder, Value pointer) {
    auto generic = LLVM::LLVMPointerType::get(builder.getContext());
    if (pointer.getType() == generic)
      return pointer;
    return LLVM::AddrSpaceCastOp::create(builder, pointer.getLoc(), generic,
                                         pointer);
  }

  uint64_t getNaturalAlignment(Type type) {
    if (auto array = dyn_cast<LLVM::LLVMArrayType>(type))
      return getNaturalAlignment(array.getElementType());
    if (auto structure = dyn_cast<LLVM::LLVMStructType>(type)) {
      uint64_t most = 1;
      for (Type field : structure.getBody())
        most = std::max(most,
                        structure.isPacked() ? 1 : getNaturalAlignment(field));
      return most;
    }
    return llvm::PowerOf2Ceil(layout.getTypeSize(type).getFixedValue());
  }

  LogicalResult check(Operation *op, Value pointer, Type type,
                      std::optional<uint64_t> alignment, Kind kind) {
    OpBuilder builder(op);
    Location loc = op->getLoc();
    uint64_t bytes = layout.getTypeSize(type).getFixedValue();
    auto space =
        cast<LLVM::LLVMPointerType>(pointer.getType()).getAddressSpace();
    uint64_t promised = alignment.value_or(0);
    if (promised == 0)
      promised = getNaturalAlignment(type);
    calls.call(builder, loc, "stampEmuAccess", Type(),
               {toGeneric(builder, pointer), calls.number(builder, loc, bytes),
                calls.number(builder, loc, promised),
                calls.number(builder, loc, space),
                calls.number(builder, loc, kind),
                calls.number(builder, loc, calls.getSite(op))});
    return success();
  }

  void checkRange(Operation *op, Value pointer, Value length, Kind kind) {
    OpBuilder builder(op);
    Location loc = op->getLoc();
    if (!length.getType().isInteger(64))
      length = LLVM::ZExtOp::create(builder, loc, builder.getI64Type(), length);
    auto space =
        cast<LLVM::LLVMPointerType>(pointer.getType()).getAddressSpace();
    calls.call(
        builder, loc, "stampEmuAccessRange", Type(),
        {toGeneric(builder, pointer), length, calls.number(builder, loc, 1),
         calls.number(builder, loc, space), calls.number(builder, loc, kind),
         calls.number(builder, loc, calls.getSite(op))});
  }

  const DataLayout &layout;
  EmulatorCalls &calls;
};
} // namespace

LogicalResult stamp::checkAccesses(LLVM::LLVMFuncOp function,
                                   const DataLayout &layout,
                                   EmulatorCalls &calls) {
  AccessChecker checker(layout, calls);
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops)
    if (failed(checker.check(op)))
      return failure();
  checker.addLocals(function);
  return success();
}
