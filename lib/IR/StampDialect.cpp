//===- StampDialect.cpp - The stamp dialect --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace stamp;

#include "stamp/IR/StampDialect.cpp.inc"

void StampDialect::initialize() {
  registerAttributes();
  registerBytecode();
  addOperations<
#define GET_OP_LIST
#include "stamp/IR/StampOps.cpp.inc"
      >();
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
