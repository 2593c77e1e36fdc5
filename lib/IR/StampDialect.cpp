//===- StampDialect.cpp - The stamp dialect --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/InliningUtils.h"

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
