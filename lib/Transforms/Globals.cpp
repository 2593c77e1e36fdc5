//===- Globals.cpp - Immutable globals as constants ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Globals.h"

#include "stamp/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPINLINEGLOBALS
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;
using ml_program::GlobalOp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Globals").category("stamp-inline-globals");

/// The name of the global that `op` loads; null if it loads none.
static SymbolRefAttr getLoadedName(Operation *op) {
  if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
    return load.getGlobal();
  if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op))
    return load.getGlobal();
  return {};
}

/// What the global surely is; null if it may change or is not known here.
static TypedAttr getConstantValue(GlobalOp global) {
  if (global.getIsMutable() || !global.getValue())
    return {};
  auto value = dyn_cast<TypedAttr>(*global.getValue());
  return isa_and_nonnull<DenseElementsAttr, DenseResourceElementsAttr>(value)
             ? value
             : TypedAttr();
}

/// Whether `op` was a load of `global`, and is a constant now.
static bool inlineLoad(Operation *op, GlobalOp global) {
  TypedAttr value = getConstantValue(global);
  Type type = op->getResult(0).getType();
  // The global's type may be less precise than its value's.
  if (!value || (value.getType() != type &&
                 !tensor::CastOp::areCastCompatible(value.getType(), type)))
    return false;
  OpBuilder builder(op);
  Value constant = arith::ConstantOp::create(builder, op->getLoc(), value);
  if (value.getType() != type)
    constant = tensor::CastOp::create(builder, op->getLoc(), type, constant);
  op->getResult(0).replaceAllUsesWith(constant);
  op->erase();
  return true;
}

void stamp::inlineGlobals(Operation *root) {
  SymbolTableCollection symbols;
  llvm::SetVector<GlobalOp> inlined;
  root->walk([&](Operation *op) {
    SymbolRefAttr name = getLoadedName(op);
    if (!name)
      return;
    auto global = symbols.lookupNearestSymbolFrom<GlobalOp>(op, name);
    if (global && inlineLoad(op, global) && global->getParentOp() == root)
      inlined.insert(global);
  });
  if (inlined.empty())
    return;
  SymbolUserMap users(symbols, root);
  for (GlobalOp global : inlined) {
    if (!users.useEmpty(global))
      continue;
    if (global.isPrivate())
      global.erase();
    else
      remark::missed(global.getLoc(), kRemark) << remark::reason(
          "nothing loads @{0} any more, but it is public: its value is held "
          "beside what becomes of it elsewhere; make it private",
          global.getSymName().str());
  }
}

std::optional<std::string> stamp::whyNoConstant(Operation *op) {
  SymbolRefAttr loaded = getLoadedName(op);
  if (!loaded)
    return std::nullopt;
  auto global = SymbolTable::lookupNearestSymbolFrom<GlobalOp>(op, loaded);
  if (!global)
    return "a global of another module";
  std::string name = ("the global @" + global.getSymName()).str();
  if (global.getIsMutable())
    return name + ", which is mutable; declare it without 'mutable' if nothing "
                  "stores to it";
  if (!getConstantValue(global))
    return name + ", which has no dense value here";
  return name + ", which stamp-inline-globals makes a constant";
}

namespace {
struct StampInlineGlobals final
    : public stamp::impl::StampInlineGlobalsBase<StampInlineGlobals> {
  void runOnOperation() override { inlineGlobals(getOperation()); }
};
} // namespace
