//===- Emulate.h - kernels as calls of the emulator -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_LIB_CODEGEN_GPU_EMULATE_EMULATE_H
#define STAMP_LIB_CODEGEN_GPU_EMULATE_EMULATE_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace stamp {

/// The functions that emulated code calls, declared in the host's module on
/// first use, and the texts of the places that it calls them from.
class EmulatorCalls {
public:
  explicit EmulatorCalls(mlir::ModuleOp host);

  /// The number of the op's text, "op\tfile:line:column".
  uint32_t getSite(mlir::Operation *op);
  llvm::StringRef getSites() const { return sites; }

  mlir::Value number(mlir::OpBuilder &builder, mlir::Location loc,
                     uint64_t value, unsigned width = 32);

  /// A pure function gives one thread the same value every time.
  mlir::Value call(mlir::OpBuilder &builder, mlir::Location loc,
                   llvm::StringRef name, mlir::Type result,
                   mlir::ValueRange arguments, bool isPure = false);

private:
  mlir::ModuleOp host;
  std::string sites;
  llvm::StringMap<uint32_t> siteNumbers;
  llvm::StringMap<mlir::LLVM::LLVMFuncOp> functions;
};

/// Puts a check before every access to memory.
mlir::LogicalResult checkAccesses(mlir::LLVM::LLVMFuncOp function,
                                  const mlir::DataLayout &layout,
                                  EmulatorCalls &calls);

/// Replaces every NVVM op by a call.
mlir::LogicalResult emulateOperations(mlir::LLVM::LLVMFuncOp function,
                                      const mlir::DataLayout &layout,
                                      EmulatorCalls &calls);

} // namespace stamp

#endif // STAMP_LIB_CODEGEN_GPU_EMULATE_EMULATE_H
