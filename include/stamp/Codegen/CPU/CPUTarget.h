//===- CPUTarget.h - What kernels must know of a CPU ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// All that a kernel's shape depends on: the instruction that multiplies codes,
// how many registers it may keep, and how much of a matrix stays near. No other
// file holds a number of any machine.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_CPUTARGET_H
#define STAMP_CODEGEN_CPU_CPUTARGET_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace stamp {

/// The instructions that multiply codes; lib/Codegen/CPU/Dot has them.
struct InstructionSet;

/// A part of the result that is accumulated in registers: so many rows, and so
/// many vectors of columns.
struct RegisterTile {
  int64_t rows;
  int64_t vectors;
};

struct CPUTarget {
  const InstructionSet *instructions;
  int64_t lanes;     ///< of 32 bits in a vector register
  int64_t registers; ///< vector registers that code can name
  int64_t l2Bytes;   ///< of one core's second-level cache

  /// By the name of its instruction set: avx512vnni, generic, …; or host, the
  /// best that this machine has.
  static llvm::Expected<CPUTarget> get(llvm::StringRef name);

  /// Any other name is an error at `loc`.
  static mlir::FailureOr<CPUTarget> get(llvm::StringRef name,
                                        mlir::Location loc);

  /// What a machine must have, as LLVM's code generators are told: "+avx2".
  std::vector<std::string> getFeatures() const;

  /// Whether the instruction takes bytes 0…255 for the weight. The codes then
  /// get an offset.
  bool hasUnsignedWeights() const;

  /// What is added to a weight's code of so many bits to make it a byte that
  /// the instruction takes. Codes of 4 bits always become 0…15, so that
  /// unpacking is a mask and a shift.
  int64_t getWeightOffset(int64_t bits) const {
    return bits == 4 ? 8 : hasUnsignedWeights() ? 128 : 0;
  }

  /// Whether the high code of a byte need not be shifted down first: the
  /// instruction adds up products with whole bytes as well.
  bool takesWholeBytes() const;

  /// The tile with the most products per load whose accumulators leave room for
  /// the operands.
  RegisterTile getRegisterTile() const;

  /// How many rows of K codes to go through for one strip of the weight: they
  /// should stay in half of the second-level cache.
  int64_t getRowsPerTask(int64_t features) const;
};

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_CPUTARGET_H
