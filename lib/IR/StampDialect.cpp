//===- StampDialect.cpp - The stamp dialect --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

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
  if (attribute.getName() != kPlanAttrName)
    return op->emitOpError() << "has an unknown attribute '"
                             << attribute.getName().getValue() << "'";
  if (!isa<PlanAttr>(attribute.getValue()))
    return op->emitOpError()
           << "expects '" << kPlanAttrName << "' to be a #stamp.plan";
  if (!isa<linalg::LinalgOp>(op))
    return op->emitOpError()
           << "cannot carry '" << kPlanAttrName << "': it is not a linalg op";
  return success();
}
