//===- Strips.h - A weight as kernels read it -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A strip holds the columns of a register tile. For each of them four
// neighbouring features stand together, and with 4 bits the next four share
// their bytes as the high halves:
//
//     strips[strip][feature / 4 (or 8)][column of the strip][feature % 4]
//
// Codes have the target's offset added, so that bytes are what its instruction
// takes. Features and columns beyond the weight's are 0 bytes.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_KERNELS_STRIPS_H
#define STAMP_CODEGEN_CPU_KERNELS_STRIPS_H

#include "../../QuantizedLinear.h"
#include "KernelBuilder.h"

namespace stamp {

/// The strips in memory, as i8: strips × steps × bytes of a step. A constant's
/// are a constant; those of other weights, of 8 bits, are written where they
/// are needed.
mlir::Value createStrips(KernelBuilder &b, const WeightCodes &codes,
                         int64_t bits);

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_KERNELS_STRIPS_H
