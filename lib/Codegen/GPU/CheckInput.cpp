//===- CheckInput.cpp - refuse what the GPU lowering would get wrong ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Later passes move every buffer to memory that kernels can reach, on the
// assumption that they made every buffer. This pass checks the assumption while
// the input can still be named in a diagnostic.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Triple.h"

namespace stamp {
#define GEN_PASS_DEF_GPUCHECKINPUT
#include "stamp/Codegen/GPU/Passes.h.inc"
} // namespace stamp

using namespace mlir;

/// min and max that propagate NaN are one instruction from sm_80 on.
static constexpr unsigned kOldestChip = 80;

/// The backend itself only warns of a chip it does not know and then compiles
/// for another one.
static bool backendKnowsChip(StringRef chip) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTargetMC();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return false;
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      target->createMCSubtargetInfo(triple, /*CPU=*/"", /*Features=*/""));
  return info && info->isCPUStringValid(chip);
}

static bool isSupportedChip(StringRef chip) {
  StringRef number = chip;
  unsigned version = 0;
  return number.consume_front("sm_") && !number.consumeInteger(10, version) &&
         version >= kOldestChip && backendKnowsChip(chip);
}

namespace {
struct GPUCheckInput final : stamp::impl::GPUCheckInputBase<GPUCheckInput> {
  using GPUCheckInputBase::GPUCheckInputBase;

  void runOnOperation() override {
    if (!isSupportedChip(chip)) {
      emitError(getOperation().getLoc(), "cannot compile for the GPU '")
          << chip << "': expected sm_" << kOldestChip
          << " or a newer chip that LLVM's NVPTX backend knows";
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([](Operation *op) {
      return failed(check(op)) ? WalkResult::interrupt()
                               : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  static LogicalResult check(Operation *op) {
    auto function = dyn_cast<FunctionOpInterface>(op);
    auto signatureHas = [&](auto isOfKind) {
      return function && (llvm::any_of(function.getArgumentTypes(), isOfKind) ||
                          llvm::any_of(function.getResultTypes(), isOfKind));
    };
    if (isa_and_present<memref::MemRefDialect>(op->getDialect()) ||
        llvm::any_of(op->getResultTypes(), llvm::IsaPred<BaseMemRefType>) ||
        signatureHas(llvm::IsaPred<BaseMemRefType>))
      return op->emitOpError("is about memrefs, but the GPU lowering starts "
                             "from tensors and places all buffers itself");
    if (signatureHas(llvm::IsaPred<UnrankedTensorType>))
      return op->emitOpError("has an unranked tensor in its signature, which "
                             "the GPU lowering cannot copy to the device");
    if (isa<CallOpInterface>(op) &&
        llvm::any_of(op->getResultTypes(), llvm::IsaPred<TensorType>))
      return op->emitOpError("returns a tensor and could not be inlined; a "
                             "function's results live in host memory, out of "
                             "the kernels' reach");
    return success();
  }
};
} // namespace
