//===- ValueBoundsOpInterfaceImpl.cpp - The sizes of results ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A result has its init's sizes, and along every loop the sizes of all other
// operands: an op means nothing where they disagree.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/LoopNest.h"
#include "stamp/IR/Stamp.h"

#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace stamp;

namespace {
template <typename OpTy>
struct ValueBounds final
    : ValueBoundsOpInterface::ExternalModel<ValueBounds<OpTy>, OpTy> {
  void populateBoundsForShapedValueDim(Operation *op, Value value, int64_t dim,
                                       ValueBoundsConstraintSet &cstr) const {
    LoopNest nest = getLoopNest(op);
    auto result = cast<OpResult>(value);
    int64_t loop = getResultLoops(op, nest, result.getResultNumber())[dim];
    if (loop == kWhole) {
      auto dpsOp = cast<DestinationStyleOpInterface>(op);
      Value init = dpsOp.getTiedOpOperand(result)->get();
      cstr.bound(value)[dim] == cstr.getExpr(init, dim);
      return;
    }
    for (auto [operand, along] : getDimensionsAlong(op, nest, loop))
      cstr.bound(value)[dim] == cstr.getExpr(operand, along);
  }
};
} // namespace

template <typename... OpTys>
static void attachValueBounds(MLIRContext *context) {
  (OpTys::template attachInterface<ValueBounds<OpTys>>(*context), ...);
}

void StampDialect::attachValueBoundsInterfaces() {
  attachValueBounds<
#define GET_OP_LIST
#include "stamp/IR/StampOps.cpp.inc"
      >(getContext());
}
