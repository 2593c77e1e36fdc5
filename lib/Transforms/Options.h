//===- Options.h - Options that are attributes -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_LIB_TRANSFORMS_OPTIONS_H
#define STAMP_LIB_TRANSFORMS_OPTIONS_H

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"

namespace stamp {

/// The value of a pass's option; null, and an error, if it is no such
/// attribute.
template <typename AttrTy>
AttrTy parseOption(mlir::StringRef pass, mlir::StringRef name,
                   mlir::StringRef text, mlir::MLIRContext *context) {
  // The parser says what it cannot read.
  mlir::Attribute attribute = mlir::parseAttribute(text, context);
  if (!attribute)
    return {};
  auto typed = mlir::dyn_cast<AttrTy>(attribute);
  if (!typed)
    mlir::emitError(mlir::UnknownLoc::get(context))
        << pass << ": option '" << name << "' does not take " << attribute;
  return typed;
}

} // namespace stamp

#endif // STAMP_LIB_TRANSFORMS_OPTIONS_H
