//===- InstructionSet.h - How a CPU multiplies codes ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//     sum[n] += Σₖ four[k]·codes[n, k]         k = 0, …, 3
//
// `four` are signed bytes of the activations, the same for all lanes; `codes`
// are bytes of the weight. Each file next to this one defines the instruction
// sets of one kind. A new one is a file here and a line in CPUTarget.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_DOT_INSTRUCTIONSET_H
#define STAMP_CODEGEN_CPU_DOT_INSTRUCTIONSET_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace stamp {

/// A product before its operands are widened.
struct Dot {
  mlir::Value four;  ///< vector<4xi8>, signed
  mlir::Value codes; ///< vector<4·lanes x i8>
  mlir::Value sum;   ///< vector<lanes x i32>
  bool isUnsigned;   ///< the codes
  bool isFourBits;   ///< the codes are known to be 0…15
  int64_t lanes;
};

struct InstructionSet {
  /// As users write it.
  llvm::StringLiteral name;
  /// What a machine must have, in LLVM's words.
  llvm::ArrayRef<llvm::StringLiteral> features;
  /// Of 32 bits in a vector register.
  int64_t lanes;
  /// Vector registers that code can name.
  int64_t registers;
  /// Whether codes are bytes 0…255, and not −128…127.
  bool hasUnsignedCodes;
  /// Whether bytes cost no more than codes of four bits.
  bool takesWholeBytes;
  /// Emits a product of so many lanes and such codes, exact modulo 2³².
  mlir::Value (*emitDot)(mlir::ImplicitLocOpBuilder &b, const Dot &dot);
};

extern const InstructionSet avx512vnni, avxvnni, avx2, neonI8mm, neonDotProd,
    generic;

/// Shifts, multiplications and additions, of any lanes and codes.
mlir::Value emitGenericDot(mlir::ImplicitLocOpBuilder &b, const Dot &dot);

//===----------------------------------------------------------------------===//
// Pieces of them
//===----------------------------------------------------------------------===//

inline mlir::VectorType vectorOf(mlir::OpBuilder &b, int64_t count,
                                 unsigned bits) {
  return mlir::VectorType::get(count, b.getIntegerType(bits));
}

mlir::Value splatConstant(mlir::ImplicitLocOpBuilder &b, mlir::VectorType type,
                          int64_t value);

/// The four bytes in every lane, as a vector of `type`.
mlir::Value repeatFour(mlir::ImplicitLocOpBuilder &b, const Dot &dot,
                       mlir::Type type);

mlir::Value callIntrinsic(mlir::ImplicitLocOpBuilder &b, llvm::StringRef name,
                          mlir::Type result, mlir::ValueRange operands);

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_DOT_INSTRUCTIONSET_H
