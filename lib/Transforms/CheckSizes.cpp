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

/// A cast that promises a size.
void checkSizes(tensor::CastOp op) {
  auto source = dyn_cast<RankedTensorType>(op.getSource().getType());
  auto result = dyn_cast<RankedTensorType>(op.getType());
  if (!source || !result)
    return;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  for (int64_t dim = 0; dim < source.getRank(); ++dim) {
    if (!source.isDynamicDim(dim) || result.isDynamicDim(dim))
      continue;
    int64_t size = result.getDimSize(dim);
    Value expected = arith::ConstantIndexOp::create(builder, loc, size);
    Value actual = tensor::DimOp::create(builder, loc, op.getSource(), dim);
    Value agree = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        expected, actual);
    cf::AssertOp::create(builder, loc, agree,
                         (getPrefix(op) + "the size along dimension " +
                          Twine(dim) + " is not " + Twine(size))
                             .str());
  }
}

struct CheckSizes final : stamp::impl::StampCheckSizesBase<CheckSizes> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      if (auto cast = dyn_cast<tensor::CastOp>(op))
        checkSizes(cast);
      else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
               linalgOp && linalgOp.hasPureTensorSemantics())
        checkSizes(linalgOp);
    });
  }
};

} // namespace
