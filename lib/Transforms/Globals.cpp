//===- Globals.cpp - Immutable globals as constants ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Globals.h"

#include "stamp/Transforms/Passes.h"
#include "stamp/Transforms/Weight.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPINLINEGLOBALS
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

ml_program::GlobalOp stamp::getLoadedGlobal(Operation *op) {
  SymbolRefAttr name;
  if (auto load = dyn_cast_or_null<ml_program::GlobalLoadOp>(op))
    name = load.getGlobal();
  else if (auto load = dyn_cast_or_null<ml_program::GlobalLoadConstOp>(op))
    name = load.getGlobal();
  else
    return {};
  return SymbolTable::lookupNearestSymbolFrom<ml_program::GlobalOp>(op, name);
}

TypedAttr stamp::getConstantValue(Value value) {
  Attribute constant;
  if (matchPattern(value, m_Constant(&constant)))
    return dyn_cast<TypedAttr>(constant);
  ml_program::GlobalOp global = getLoadedGlobal(value.getDefiningOp());
  if (!global || global.getIsMutable() || !global.getValue())
    return {};
  auto initial = dyn_cast<TypedAttr>(*global.getValue());
  if (!isa_and_nonnull<DenseElementsAttr, DenseResourceElementsAttr>(initial))
    return {};
  // The global's type may be less precise than its value's, as a cast is.
  auto type = dyn_cast<RankedTensorType>(value.getType());
  auto initialType = dyn_cast<RankedTensorType>(initial.getType());
  if (!type || !initialType ||
      !tensor::CastOp::areCastCompatible(initialType, type))
    return {};
  return initial;
}

bool stamp::inlineGlobal(RewriterBase &rewriter, Operation *op) {
  TypedAttr value;
  if (!getLoadedGlobal(op) || !(value = getConstantValue(op->getResult(0))))
    return false;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Type type = op->getResult(0).getType();
  Value constant = arith::ConstantOp::create(rewriter, op->getLoc(), value);
  if (constant.getType() != type)
    constant = tensor::CastOp::create(rewriter, op->getLoc(), type, constant);
  rewriter.replaceOp(op, constant);
  return true;
}

LoadedGlobals::LoadedGlobals(Operation *symbolTable)
    : symbolTable(symbolTable) {
  if (!symbolTable->hasTrait<OpTrait::SymbolTable>())
    return;
  symbolTable->walk([&](Operation *op) {
    ml_program::GlobalOp global = getLoadedGlobal(op);
    if (global && !global.getIsMutable() &&
        global->getParentOp() == symbolTable)
      globals.insert(global);
  });
}

SmallVector<ml_program::GlobalOp> LoadedGlobals::eraseUnused() {
  SmallVector<ml_program::GlobalOp> known;
  if (globals.empty())
    return known;
  SymbolTableCollection tables;
  SymbolUserMap users(tables, symbolTable);
  for (ml_program::GlobalOp global : globals) {
    if (!users.useEmpty(global))
      continue;
    if (global.isPrivate())
      global.erase();
    else
      known.push_back(global);
  }
  return known;
}

namespace {
struct StampInlineGlobals final
    : public stamp::impl::StampInlineGlobalsBase<StampInlineGlobals> {
  void runOnOperation() override {
    LoadedGlobals globals(getOperation());
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) { inlineGlobal(rewriter, op); });
    (void)globals.eraseUnused();
  }
};
} // namespace
