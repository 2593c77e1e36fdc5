//===- RegisterWgmma.h - wgmma with A in registers --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// NVVM's op takes both operands from shared memory. With A in registers the
// instruction is inline PTX: the only one that kernels contain and that the
// emulator executes.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_LIB_CODEGEN_GPU_REGISTERWGMMA_H
#define STAMP_LIB_CODEGEN_GPU_REGISTERWGMMA_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <optional>

namespace stamp {

/// wgmma.mma_async m64nNk32 on s8, wrapping: `sums`, N/2 of them, grow by the
/// product of `a`, four words of a thread's codes, and the matrix in shared
/// memory that the descriptor describes.
mlir::LLVM::InlineAsmOp createRegisterWgmma(mlir::OpBuilder &builder,
                                            mlir::Location loc,
                                            mlir::ValueRange a,
                                            mlir::Value descriptor,
                                            mlir::ValueRange sums);

struct RegisterWgmma {
  mlir::ValueRange a;
  mlir::Value descriptor;
  mlir::ValueRange sums;
};

/// The operands, if the op says what the function above makes it say.
std::optional<RegisterWgmma>
matchRegisterWgmma(mlir::LLVM::InlineAsmOp inlineAsm);

} // namespace stamp

#endif // STAMP_LIB_CODEGEN_GPU_REGISTERWGMMA_H
