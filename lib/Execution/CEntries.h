//===- CEntries.h - the C functions of a compiled module --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_EXECUTION_CENTRIES_H
#define STAMP_EXECUTION_CENTRIES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace stamp {

struct CEntry {
  std::string name;        ///< in the module
  mlir::FunctionType type; ///< of tensors
};

/// The public functions with a body, or those that `names` lists: each must
/// take and return ranked tensors whose elements C has a type for, and have a
/// name that C takes.
llvm::Expected<std::vector<CEntry>>
findCEntries(mlir::ModuleOp module, llvm::ArrayRef<std::string> names);

/// Adds the C functions to a module in the LLVM dialect that has an
/// _mlir_ciface_ function for each entry.
void addCEntries(mlir::ModuleOp module, llvm::ArrayRef<CEntry> entries,
                 llvm::StringRef prefix);

/// Declarations of the C functions, with what they take and return.
std::string writeCHeader(llvm::ArrayRef<CEntry> entries,
                         llvm::StringRef prefix);

} // namespace stamp

#endif // STAMP_EXECUTION_CENTRIES_H
