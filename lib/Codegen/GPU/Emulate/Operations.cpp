//===- Operations.cpp - NVVM ops as calls of the emulator -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One shape for all ops: the operands lie in a row in memory, so does the
// result, and what the attributes say are up to four numbers. C's rules for
// structs in registers never matter.
//
//   %d = nvvm.mma.sync A[%a0, …] B[%b0, …] C[%c0, …] {…}
// becomes
//   llvm.store %a0, %operands[0] …
//   llvm.call @stampEmuMma(%site, %operands, %result, %m, %k, %types, %sat)
//   %d = llvm.load %result
//
//===----------------------------------------------------------------------===//

#include "Emulate.h"

#include "../RegisterWgmma.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace stamp;

/// The emulator's number for a special register; -1 if it has none. Without
/// clusters, every block is one.
static int getRegister(StringRef op) {
  return llvm::StringSwitch<int>(op)
      .Case("nvvm.read.ptx.sreg.tid.x", 0)
      .Case("nvvm.read.ptx.sreg.tid.y", 1)
      .Case("nvvm.read.ptx.sreg.tid.z", 2)
      .Case("nvvm.read.ptx.sreg.ntid.x", 3)
      .Case("nvvm.read.ptx.sreg.ntid.y", 4)
      .Case("nvvm.read.ptx.sreg.ntid.z", 5)
      .Case("nvvm.read.ptx.sreg.ctaid.x", 6)
      .Case("nvvm.read.ptx.sreg.ctaid.y", 7)
      .Case("nvvm.read.ptx.sreg.ctaid.z", 8)
      .Case("nvvm.read.ptx.sreg.nctaid.x", 9)
      .Case("nvvm.read.ptx.sreg.nctaid.y", 10)
      .Case("nvvm.read.ptx.sreg.nctaid.z", 11)
      .Case("nvvm.read.ptx.sreg.clusterid.x", 6)
      .Case("nvvm.read.ptx.sreg.clusterid.y", 7)
      .Case("nvvm.read.ptx.sreg.clusterid.z", 8)
      .Case("nvvm.read.ptx.sreg.nclusterid.x", 9)
      .Case("nvvm.read.ptx.sreg.nclusterid.y", 10)
      .Case("nvvm.read.ptx.sreg.nclusterid.z", 11)
      .Case("nvvm.read.ptx.sreg.laneid", 12)
      .Case("nvvm.read.ptx.sreg.warpsize", 13)
      .Case("nvvm.read.ptx.sreg.warpid", 14)
      .Case("nvvm.read.ptx.sreg.nwarpid", 15)
      .Case("nvvm.read.ptx.sreg.lanemask.eq", 16)
      .Case("nvvm.read.ptx.sreg.lanemask.le", 17)
      .Case("nvvm.read.ptx.sreg.lanemask.lt", 18)
      .Case("nvvm.read.ptx.sreg.lanemask.ge", 19)
      .Case("nvvm.read.ptx.sreg.lanemask.gt", 20)
      .Default(-1);
}

namespace {
/// A call to be made: what an op's operands and attributes come to.
struct Plan {
  StringRef function;
  SmallVector<Value> operands;
  SmallVector<int32_t, 4> numbers;
  /// What the room for the result holds at first.
  Value initialResult;
};

class OperationEmulator {
public:
  OperationEmulator(LLVM::LLVMFuncOp function, const DataLayout &layout,
                    EmulatorCalls &calls)
      : function(function), layout(layout), calls(calls) {}

  LogicalResult run() {
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) {
      if (isa_and_present<NVVM::NVVMDialect>(op->getDialect()) ||
          isa<LLVM::InlineAsmOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (failed(emulate(op)))
        return failure();
    return success();
  }

private:
  LogicalResult emulate(Operation *op) {
    OpBuilder builder(op);
    if (int number = getRegister(op->getName().getStringRef()); number >= 0) {
      Value value = calls.call(
          builder, op->getLoc(), "stampEmuRegister", builder.getI32Type(),
          calls.number(builder, op->getLoc(), number), /*isPure=*/true);
      op->replaceAllUsesWith(ValueRange(value));
      op->erase();
      return success();
    }
    if (hasNoEffect(op)) {
      op->erase();
      return success();
    }
    FailureOr<Plan> plan = makePlan(op, builder);
    if (failed(plan))
      return failure();
    carryOut(op, *plan, builder);
    return success();
  }

  /// Fences order a thread's own accesses, which here are in order; the rest
  /// are hints.
  static bool hasNoEffect(Operation *op) {
    return isa<NVVM::MembarOp, NVVM::FenceScClusterOp,
               NVVM::FenceMbarrierInitOp, NVVM::SetMaxRegisterOp,
               NVVM::NanosleepOp, NVVM::PrefetchOp, NVVM::GriddepcontrolOp>(op);
  }

  static LogicalResult refuse(Operation *op, const Twine &why) {
    return op->emitOpError("is not known to the GPU emulator") << why;
  }

  FailureOr<Plan> makePlan(Operation *op, OpBuilder &builder);
  FailureOr<Plan> planMma(NVVM::MmaOp op);
  FailureOr<Plan> planWgmma(NVVM::WgmmaMmaAsyncOp op);
  FailureOr<Plan> planInlineAsm(LLVM::InlineAsmOp op, OpBuilder &builder);

  void carryOut(Operation *op, const Plan &plan, OpBuilder &builder) {
    Location loc = op->getLoc();
    auto pointer = LLVM::LLVMPointerType::get(op->getContext());
    Value operandRoom = getRoom(operands), resultRoom = getRoom(results);
    auto row = LLVM::LLVMStructType::getLiteral(
        op->getContext(),
        llvm::to_vector(ValueRange(plan.operands).getTypes()));
    need(operands, layout.getTypeSize(row).getFixedValue());
    for (auto [i, operand] : llvm::enumerate(plan.operands)) {
      Value place = LLVM::GEPOp::create(
          builder, loc, pointer, row, operandRoom,
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      LLVM::StoreOp::create(builder, loc, operand, place);
    }
    if (plan.initialResult)
      LLVM::StoreOp::create(builder, loc, plan.initialResult, resultRoom);

    SmallVector<Value> arguments = {
        calls.number(builder, loc, calls.getSite(op)), operandRoom, resultRoom};
    for (unsigned i = 0; i < 4; ++i)
      arguments.push_back(
          calls.number(builder, loc,
                       static_cast<uint32_t>(
                           i < plan.numbers.size() ? plan.numbers[i] : 0)));
    calls.call(builder, loc, plan.function, Type(), arguments);
    if (op->getNumResults() == 1) {
      Type type = op->getResult(0).getType();
      need(results, layout.getTypeSize(type).getFixedValue());
      op->getResult(0).replaceAllUsesWith(
          LLVM::LoadOp::create(builder, loc, type, resultRoom).getResult());
    }
    op->erase();
  }

  /// Room on the stack that all calls of the function share.
  struct Room {
    LLVM::AllocaOp alloca;
    uint64_t bytes = 0;
  };

  Value getRoom(Room &room) {
    if (!room.alloca) {
      OpBuilder builder = OpBuilder::atBlockBegin(&function.front());
      Location loc = function.getLoc();
      room.alloca = LLVM::AllocaOp::create(
          builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
          builder.getI8Type(), calls.number(builder, loc, 1, 64),
          /*alignment=*/16);
    }
    return room.alloca;
  }

  static void need(Room &room, uint64_t bytes) {
    if (bytes <= room.bytes)
      return;
    room.bytes = bytes;
    Type type = IntegerType::get(room.alloca.getContext(), 8);
    room.alloca.setElemType(LLVM::LLVMArrayType::get(type, bytes));
  }

  LLVM::LLVMFuncOp function;
  const DataLayout &layout;
  EmulatorCalls &calls;
  Room operands, results;
};
} // namespace

/// The width of an element, + 16 if A is signed, + 32 if B is.
static int32_t encodeTypes(int32_t bits, bool aIsSigned, bool bIsSigned) {
  return bits | aIsSigned << 4 | bIsSigned << 5;
}

FailureOr<Plan> OperationEmulator::planMma(NVVM::MmaOp op) {
  using NVVM::MMATypes;
  auto getBits = [](MMATypes type) -> int32_t {
    return type == MMATypes::s8 || type == MMATypes::u8   ? 8
           : type == MMATypes::s4 || type == MMATypes::u4 ? 4
                                                          : 0;
  };
  auto isSigned = [](MMATypes type) {
    return type == MMATypes::s8 || type == MMATypes::s4;
  };
  std::optional<MMATypes> a = op.getMultiplicandAPtxType(),
                          b = op.getMultiplicandBPtxType();
  if (!a || !b || getBits(*a) == 0 || getBits(*a) != getBits(*b))
    return refuse(op, ": it multiplies integers of 8 or 4 bits only");
  bool saturates =
      op.getIntOverflowBehavior() == NVVM::MMAIntOverflow::satfinite;
  return Plan{"stampEmuMma",
              llvm::to_vector(op.getOperands()),
              {static_cast<int32_t>(op.getShape().getM()),
               static_cast<int32_t>(op.getShape().getK()),
               encodeTypes(getBits(*a), isSigned(*a), isSigned(*b)), saturates},
              Value()};
}

FailureOr<Plan> OperationEmulator::planWgmma(NVVM::WgmmaMmaAsyncOp op) {
  using NVVM::WGMMATypes;
  auto isInteger = [](WGMMATypes type) {
    return type == WGMMATypes::s8 || type == WGMMATypes::u8;
  };
  if (!isInteger(op.getTypeA()) || !isInteger(op.getTypeB()) ||
      op.getShape().getM() != 64 || op.getShape().getK() != 32)
    return refuse(op, ": it multiplies integers of 8 bits only");
  if (op.getLayoutA() != NVVM::MMALayout::row ||
      op.getLayoutB() != NVVM::MMALayout::col)
    return refuse(op, ": rows of A and columns of B lie along K");
  bool adds = op.getScaleD() == NVVM::WGMMAScaleOut::one;
  bool saturates = op.getSatfinite() == NVVM::MMAIntOverflow::satfinite;
  return Plan{"stampEmuWgmma",
              {op.getDescriptorB(), op.getDescriptorA()},
              {static_cast<int32_t>(op.getShape().getN()),
               encodeTypes(8, op.getTypeA() == WGMMATypes::s8,
                           op.getTypeB() == WGMMATypes::s8),
               saturates | adds << 1},
              op.getInouts()};
}

FailureOr<Plan> OperationEmulator::planInlineAsm(LLVM::InlineAsmOp op,
                                                 OpBuilder &builder) {
  std::optional<RegisterWgmma> wgmma = matchRegisterWgmma(op);
  if (!wgmma)
    return refuse(op, ": of inline PTX it knows nothing but wgmma on s8 with A "
                      "in registers, as kernels have it");
  Value sums =
      LLVM::PoisonOp::create(builder, op.getLoc(), op.getResult(0).getType());
  for (auto [i, sum] : llvm::enumerate(wgmma->sums))
    sums = LLVM::InsertValueOp::create(builder, op.getLoc(), sums, sum,
                                       static_cast<int64_t>(i));
  SmallVector<Value> operands = {wgmma->descriptor};
  llvm::append_range(operands, wgmma->a);
  return Plan{"stampEmuRegisterWgmma",
              operands,
              {static_cast<int32_t>(2 * wgmma->sums.size()),
               encodeTypes(8, true, true), /*adds*/ 2},
              sums};
}

FailureOr<Plan> OperationEmulator::makePlan(Operation *op, OpBuilder &builder) {
  Location loc = op->getLoc();
  auto number = [&](uint32_t value) {
    return calls.number(builder, loc, value);
  };
  auto plan = [](StringRef function, ArrayRef<Value> operands,
                 ArrayRef<int32_t> numbers = {}) -> FailureOr<Plan> {
    return Plan{function, llvm::to_vector(operands),
                llvm::to_vector<4>(numbers), Value()};
  };
  auto orElse = [&](Value optional, uint32_t value) {
    return optional ? optional : number(value);
  };
  int32_t hasResult = op->getNumResults() != 0;

  return llvm::TypeSwitch<Operation *, FailureOr<Plan>>(op)
      // Warps.
      .Case([&](NVVM::ShflOp op) {
        return plan("stampEmuShfl",
                    {op.getThreadMask(), op.getVal(), op.getOffset(),
                     op.getMaskAndClamp()},
                    {static_cast<int32_t>(op.getKind()),
                     op.getReturnValueAndIsValid().value_or(false)});
      })
      .Case([&](NVVM::VoteSyncOp op) {
        return plan("stampEmuVote", {op.getMask(), op.getPred()},
                    {static_cast<int32_t>(op.getKind())});
      })
      .Case([&](NVVM::ReduxOp op) -> FailureOr<Plan> {
        if (!op.getVal().getType().isInteger(32))
          return refuse(op, ": it reduces integers only");
        return plan("stampEmuRedux", {op.getVal(), op.getMaskAndClamp()},
                    {static_cast<int32_t>(op.getKind())});
      })
      .Case([&](NVVM::SyncWarpOp op) {
        return plan("stampEmuSyncWarp", {op.getMask()});
      })
      .Case([&](NVVM::ElectSyncOp op) {
        return plan("stampEmuElect", {orElse(op.getMembermask(), ~0u)});
      })
      .Case([&](NVVM::MatchSyncOp op) {
        Value value = op.getVal();
        if (!value.getType().isInteger(64))
          value =
              LLVM::ZExtOp::create(builder, loc, builder.getI64Type(), value);
        return plan("stampEmuMatch", {op.getThreadMask(), value},
                    {static_cast<int32_t>(op.getKind())});
      })
      // Blocks.
      .Case([&](NVVM::Barrier0Op op) {
        return plan("stampEmuBarrier", {number(0), number(0), number(0)}, {-1});
      })
      .Case([&](NVVM::BarrierOp op) {
        int32_t reduction = op.getReductionOp()
                                ? static_cast<int32_t>(*op.getReductionOp())
                                : -1;
        return plan("stampEmuBarrier",
                    {orElse(op.getBarrierId(), 0),
                     orElse(op.getNumberOfThreads(), 0),
                     orElse(op.getReductionPredicate(), 0)},
                    {reduction});
      })
      .Case([&](NVVM::BarrierArriveOp op) {
        return plan(
            "stampEmuBarrierArrive",
            {orElse(op.getBarrierId(), 0), op.getNumberOfThreads(), number(0)});
      })
      .Case(
          [&](NVVM::FenceProxyOp op) { return plan("stampEmuFenceProxy", {}); })
      // Copies.
      .Case([&](NVVM::CpAsyncOp op) {
        return plan(
            "stampEmuCpAsync",
            {op.getDst(), op.getSrc(), orElse(op.getCpSize(), 0)},
            {static_cast<int32_t>(op.getSize()), op.getCpSize() != nullptr});
      })
      .Case([&](NVVM::CpAsyncCommitGroupOp op) {
        return plan("stampEmuCpAsyncCommit", {});
      })
      .Case([&](NVVM::CpAsyncWaitGroupOp op) {
        return plan("stampEmuCpAsyncWait", {},
                    {static_cast<int32_t>(op.getN())});
      })
      .Case([&](NVVM::CpAsyncMBarrierArriveOp op) {
        return plan("stampEmuCpAsyncMBarrierArrive", {op.getAddr(), number(0)},
                    {op.getNoinc()});
      })
      // mbarriers.
      .Case([&](NVVM::MBarrierInitOp op) -> FailureOr<Plan> {
        if (op.getPredicate())
          return refuse(op, " with a predicate");
        return plan("stampEmuMBarrierInit", {op.getAddr(), op.getCount()});
      })
      .Case([&](NVVM::MBarrierInvalOp op) {
        return plan("stampEmuMBarrierInval", {op.getAddr(), number(0)});
      })
      .Case([&](NVVM::MBarrierArriveOp op) {
        return plan("stampEmuMBarrierArrive",
                    {op.getAddr(), orElse(op.getCount(), 0)},
                    {op.getCount() != nullptr, hasResult});
      })
      .Case([&](NVVM::MBarrierArriveNocompleteOp op) {
        return plan("stampEmuMBarrierArrive", {op.getAddr(), op.getCount()},
                    {1, hasResult});
      })
      .Case([&](NVVM::MBarrierArriveExpectTxOp op) -> FailureOr<Plan> {
        if (op.getPredicate())
          return refuse(op, " with a predicate");
        return plan("stampEmuMBarrierExpect", {op.getAddr(), op.getTxcount()},
                    {1, hasResult});
      })
      .Case([&](NVVM::MBarrierTryWaitParityOp op) {
        return plan("stampEmuMBarrierWait", {op.getAddr(), op.getPhase()},
                    {1, 1, 0});
      })
      .Case([&](NVVM::MBarrierTryWaitOp op) {
        bool isParity = op.getStateOrPhase().getType().isInteger(32);
        return plan("stampEmuMBarrierWait",
                    {op.getAddr(), op.getStateOrPhase()}, {isParity, 1, 1});
      })
      .Case([&](NVVM::MBarrierTestWaitOp op) {
        bool isParity = op.getStateOrPhase().getType().isInteger(32);
        return plan("stampEmuMBarrierWait",
                    {op.getAddr(), op.getStateOrPhase()}, {isParity, 0, 1});
      })
      // Matrices.
      .Case([&](NVVM::LdMatrixOp op) -> FailureOr<Plan> {
        if (op.getShape().getM() != 8 || op.getShape().getN() != 8 ||
            op.getEltType() != NVVM::LdStMatrixEltType::B16)
          return refuse(op, " but for 8x8 matrices of 16 bits");
        return plan("stampEmuLdMatrix", {op.getPtr()},
                    {static_cast<int32_t>(op.getNum()),
                     op.getLayout() == NVVM::MMALayout::col});
      })
      .Case([&](NVVM::StMatrixOp op) -> FailureOr<Plan> {
        if (op.getShape().getM() != 8 || op.getShape().getN() != 8 ||
            op.getEltType() != NVVM::LdStMatrixEltType::B16)
          return refuse(op, " but for 8x8 matrices of 16 bits");
        SmallVector<Value> operands(op.getOperands());
        return plan("stampEmuStMatrix", operands,
                    {static_cast<int32_t>(op.getSources().size()),
                     op.getLayout() == NVVM::MMALayout::col});
      })
      .Case([&](NVVM::MmaOp op) { return planMma(op); })
      .Case([&](NVVM::WgmmaFenceAlignedOp op) {
        return plan("stampEmuWgmmaFence", {});
      })
      .Case([&](NVVM::WgmmaGroupSyncAlignedOp op) {
        return plan("stampEmuWgmmaCommit", {});
      })
      .Case([&](NVVM::WgmmaWaitGroupSyncOp op) {
        return plan("stampEmuWgmmaWait", {},
                    {static_cast<int32_t>(op.getGroup())});
      })
      .Case([&](NVVM::WgmmaMmaAsyncOp op) { return planWgmma(op); })
      .Case([&](LLVM::InlineAsmOp op) { return planInlineAsm(op, builder); })
      // Arithmetic.
      .Case([&](NVVM::DotAccumulate4WayOp op) {
        return plan("stampEmuDot4", {op.getA(), op.getB(), op.getC()},
                    {op.getAType() == NVVM::DotAccumulateType::SIGNED,
                     op.getBType() == NVVM::DotAccumulateType::SIGNED});
      })
      .Case([&](NVVM::PermuteOp op) {
        return plan("stampEmuPermute",
                    {op.getLo(), orElse(op.getHi(), 0), op.getSelector()},
                    {static_cast<int32_t>(op.getMode())});
      })
      .Default(
          [&](Operation *op) -> FailureOr<Plan> { return refuse(op, ""); });
}

LogicalResult stamp::emulateOperations(LLVM::LLVMFuncOp function,
                                       const DataLayout &layout,
                                       EmulatorCalls &calls) {
  return OperationEmulator(function, layout, calls).run();
}
