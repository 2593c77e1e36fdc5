//===- StampTransformOps.h - transform.stamp.* -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Schedules: what is done to which layer, said in the transform dialect.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMOPS_STAMPTRANSFORMOPS_H
#define STAMP_TRANSFORMOPS_STAMPTRANSFORMOPS_H

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Transform/IR/TransformDialect.h"
#include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.h"

#define GET_OP_CLASSES
#include "stamp/TransformOps/StampTransformOps.h.inc"

namespace stamp {

/// Makes the `transform.stamp` ops known to contexts made from `registry`.
void registerTransformDialectExtension(mlir::DialectRegistry &registry);

} // namespace stamp

#endif // STAMP_TRANSFORMOPS_STAMPTRANSFORMOPS_H
