//===- RuntimeCalls.h - host code that calls GPURuntime.h -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What host code is like for a device and for the emulator alike.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_LIB_CODEGEN_GPU_RUNTIMECALLS_H
#define STAMP_LIB_CODEGEN_GPU_RUNTIMECALLS_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace stamp {

/// mgpuMemAlloc, which gpu-to-llvm calls, is stampGpuMemAlloc.
void renameUpstreamFunctions(mlir::ModuleOp host);

/// A constant: the bytes, and a zero behind them, which ends PTX and strings.
mlir::LLVM::GlobalOp makeBytes(mlir::OpBuilder &builder, mlir::Location loc,
                               const llvm::Twine &name, llvm::StringRef bytes);

/// A StampGpuImage. The strings are names of globals.
mlir::LLVM::GlobalOp makeImage(mlir::OpBuilder &builder, mlir::Location loc,
                               const llvm::Twine &symbol,
                               mlir::LLVM::Linkage linkage, uint32_t kind,
                               llvm::StringRef name, llvm::StringRef chip,
                               llvm::StringRef data, uint64_t size);

/// stampGpuLaunch in place of the launch, which must have a stream. `name` is
/// the global with the kernel's name.
mlir::LogicalResult callLaunch(mlir::gpu::LaunchFuncOp launch,
                               llvm::StringRef image, llvm::StringRef name);

} // namespace stamp

#endif // STAMP_LIB_CODEGEN_GPU_RUNTIMECALLS_H
