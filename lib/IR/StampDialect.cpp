//===- StampDialect.cpp - The stamp dialect --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/InliningUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace stamp;

#include "stamp/IR/StampDialect.cpp.inc"

namespace {
/// No op of ours depends on the function that it stands in.
struct StampInlinerInterface final : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Region *, bool,
                       IRMapping &) const override {
    return true;
  }
};
} // namespace

void StampDialect::initialize() {
  registerAttributes();
  registerBytecode();
  addOperations<
#define GET_OP_LIST
#include "stamp/IR/StampOps.cpp.inc"
      >();
  addInterfaces<StampInlinerInterface>();
  attachTilingInterfaces();
  attachBufferizationInterfaces();
  attachValueBoundsInterfaces();
}

Operation *StampDialect::materializeConstant(OpBuilder &builder,
                                             Attribute value, Type type,
                                             Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

LogicalResult StampDialect::verifyOperationAttribute(Operation *op,
                                                     NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name == kAppendAttrName || name == kScoresAttrName ||
      name == kMixAttrName) {
    if (!isa<KVCacheAttr>(attribute.getValue()))
      return op->emitOpError()
             << "expects '" << name << "' to be a #stamp.kv_cache";
    if (!isa<FunctionOpInterface>(op))
      return op->emitOpError()
             << "cannot carry '" << name << "': it is not a function";
    return success();
  }
  if (name != kPlanAttrName)
    return op->emitOpError() << "has an unknown attribute '" << name << "'";
  if (!isa<PlanAttr>(attribute.getValue()))
    return op->emitOpError()
           << "expects '" << kPlanAttrName << "' to be a #stamp.plan";
  if (!isa<linalg::LinalgOp>(op))
    return op->emitOpError()
           << "cannot carry '" << kPlanAttrName << "': it is not a linalg op";
  return success();
}

/// On its way to machine code a function keeps its arguments' attributes while
/// tensors become buffers and those pointers and sizes, so that only func.func
/// is held to what a user may write.
LogicalResult StampDialect::verifyRegionArgAttribute(Operation *op,
                                                     unsigned /*regionIndex*/,
                                                     unsigned argumentIndex,
                                                     NamedAttribute attribute) {
  auto refuse = [&] {
    return op->emitOpError() << "argument #" << argumentIndex << " ";
  };
  if (attribute.getName() != kWeightAttrName)
    return refuse() << "has an unknown attribute '"
                    << attribute.getName().getValue() << "'";
  if (!isa<UnitAttr>(attribute.getValue()))
    return refuse() << "expects '" << kWeightAttrName
                    << "' to be a unit attribute";
  auto function = dyn_cast<func::FuncOp>(op);
  if (!function)
    return success();
  Type type = function.getArgumentTypes()[argumentIndex];
  if (!isa<RankedTensorType, MemRefType>(type) ||
      !isa<Float32Type, Float16Type, BFloat16Type>(getElementTypeOrSelf(type)))
    return refuse() << "cannot carry '" << kWeightAttrName
                    << "': it is not a ranked tensor of f32, f16 or bf16";
  return success();
}
