//===- BufferizableOpInterfaceImpl.cpp - Tensors to buffers ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inputs are read, inits are written without being read, and a result is the
// buffer of its init.
//
// The models are attached to our own ops when the dialect is loaded, so an
// embedder has nothing to register.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace stamp;

namespace {
template <typename OpTy>
struct Bufferization final
    : DstBufferizableOpInterfaceExternalModel<Bufferization<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<OpTy>(op).isDpsInit(&operand);
  }

  /// An input that is also the init stays where it is: the op works in place.
  /// Not so if another region defines it, a loop around the op maybe: the
  /// second turn would read what the first one wrote.
  bool isNotConflicting(Operation *op, OpOperand *read, OpOperand *write,
                        const AnalysisState &state) const {
    if (read->getOwner() != op || write->getOwner() != op ||
        read->get() != write->get())
      return false;
    return llvm::all_of(state.findDefinitions(read), [&](Value definition) {
      return definition.getParentRegion() == op->getParentRegion();
    });
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    if (op->getNumResults() == 0)
      return success();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (isa<TensorType>(operand.getType())) {
        FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
        if (failed(buffer))
          return failure();
        operand = *buffer;
      }
      operands.push_back(operand);
    }
    Operation *onBuffers = clone(rewriter, op, TypeRange(), operands);
    auto inits = cast<OpTy>(onBuffers).getDpsInits();
    replaceOpWithBufferizedValues(rewriter, op, SmallVector<Value>(inits));
    return success();
  }
};
} // namespace

template <typename... OpTys>
static void attachBufferization(MLIRContext *context) {
  (OpTys::template attachInterface<Bufferization<OpTys>>(*context), ...);
}

void StampDialect::attachBufferizationInterfaces() {
  attachBufferization<
#define GET_OP_LIST
#include "stamp/IR/StampOps.cpp.inc"
      >(getContext());
}
