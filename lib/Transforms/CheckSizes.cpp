//===- CheckSizes.cpp - do dynamic sizes agree? -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A verifier sees to it that static sizes agree. Dynamic ones come with the
// arguments, and where they disagree the loops would run past the end of a
// buffer: wrong numbers if one is lucky.
//
// Most checks compare a size with itself, because results take their sizes from
// operands. Canonicalization proves those, and what is left is a comparison or
// two per call.
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_STAMPCHECKSIZES
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

namespace {

/// "model.mlir:7: linalg.matmul: " where the operation's place is known.
std::string getPrefix(Operation *op) {
  std::string prefix;
  llvm::raw_string_ostream os(prefix);
  if (auto place = op->getLoc()->findInstanceOf<FileLineColLoc>())
    os << place.getFilename().getValue() << ':' << place.getLine() << ": ";
  os << op->getName() << ": ";
  return prefix;
}

void checkSizes(linalg::LinalgOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim) {
    // The size that all operands indexed by this loop have to agree on.
    std::optional<std::pair<Value, int64_t>> first;
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      std::optional<unsigned> position =
          op.getMatchingIndexingMap(&operand).getResultPosition(
              builder.getAffineDimExpr(dim));
      if (!type || !position)
        continue;
      if (!first) {
        first = {operand.get(), *position};
        continue;
      }
      auto firstType = cast<RankedTensorType>(first->first.getType());
      if (!type.isDynamicDim(*position) &&
          !firstType.isDynamicDim(first->second))
        continue;
      Value expected =
          tensor::DimOp::create(builder, loc, first->first, first->second);
      Value actual =
          tensor::DimOp::create(builder, loc, operand.get(), *position);
      Value agree = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::eq, expected, actual);
      cf::AssertOp::create(
          builder, loc, agree,
          (getPrefix(op) + "operand " + Twine(operand.getOperandNumber()) +
           " does not have the size of the others along loop " + Twine(dim))
              .str());
    }
  }
}

struct CheckSizes final : stamp::impl::StampCheckSizesBase<CheckSizes> {
  void runOnOperation() override {
    getOperation()->walk([](linalg::LinalgOp op) {
      if (op.hasPureTensorSemantics())
        checkSizes(op);
    });
  }
};

} // namespace
