//===- Stamp.h - The stamp dialect -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_STAMP_H
#define STAMP_IR_STAMP_H

#include "stamp/Basis/Basis.h"
#include "stamp/Basis/FeatureTransform.h"
#include "stamp/Basis/PrecisionSchedule.h"
#include "stamp/IR/ResultsInInits.h"
#include "stamp/IR/TokenBuilder.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <memory>

namespace stamp {
/// Lets `#stamp.schedule` be uniqued.
llvm::hash_code hash_value(const Segment &segment);
} // namespace stamp

#include "stamp/IR/StampDialect.h.inc"

#include "stamp/IR/StampAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "stamp/IR/StampAttrs.h.inc"

#define GET_OP_CLASSES
#include "stamp/IR/StampOps.h.inc"

#endif // STAMP_IR_STAMP_H
