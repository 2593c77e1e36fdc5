//===- ProductSteps.h - What products of every tile do -----------*- C++
//-*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_GPU_KERNELS_PRODUCTSTEPS_H
#define STAMP_CODEGEN_GPU_KERNELS_PRODUCTSTEPS_H

#include "CodedRows.h"

namespace stamp {

/// Four 8×8 matrices of 16 bits; a lane's address is that of a row.
Values loadMatrices(GPUKernelBuilder &b, mlir::Value row);

/// c + a·b by `mma.sync` m16n8k32 on i8; sums wrap.
Values multiplyAdd(GPUKernelBuilder &b, mlir::ValueRange a,
                   mlir::ValueRange fragment, mlir::ValueRange c);

/// Both words of fragment j. A 4-bit code in the high half of a byte is 16
/// times the code.
Values unpackFragment(GPUKernelBuilder &b, llvm::ArrayRef<mlir::Value> words,
                      int64_t j, int64_t weightBits);

struct RowQuantizer {
  mlir::Value scale, zeroPoint;
  mlir::Value spread; ///< of the bias; or null
};
struct ColumnQuantizer {
  mlir::Value scale, sum;
  mlir::Value bias; ///< or null
};

/// (s_x·s_w)·float(acc − z·c) [+ l·b], of the sum of unpacked fragments.
mlir::Value rescaleSum(GPUKernelBuilder &b, mlir::Value sum, int64_t weightBits,
                       const RowQuantizer &row, const ColumnQuantizer &column);

} // namespace stamp

#endif // STAMP_CODEGEN_GPU_KERNELS_PRODUCTSTEPS_H
