//===- WeightCodes.h - Weights that come as codes --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters of quantized models write a weight as integer constants that the
// program widens, shifts by zero points and scales. A linear on such a weight
// is an integer contraction on just these codes: to quantize the floats that
// they stand for once more would only lose precision.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_WEIGHTCODES_H
#define STAMP_TRANSFORMS_WEIGHTCODES_H

#include "stamp/Transforms/Weight.h"

#include "llvm/ADT/DenseMap.h"

#include <optional>
#include <string>

namespace stamp {

struct WeightCodes;

/// Codes by what they have been made from, so that linears that share a weight,
/// in one function or in several, share its codes.
using KnownWeights = llvm::DenseMap<mlir::Attribute, WeightCodes>;

/// What a plan says of a weight.
struct CodeWidth {
  /// The inputs that share a scale; nullopt if all do.
  std::optional<int64_t> group;
  int64_t bits; ///< 4 if that holds all codes, else 8.
};

/// What stamp.quantize_weight returns, of the codes that a weight came with or
/// of those that it got.
struct WeightCodes {
  mlir::TypedAttr codes, scales, sums;
  CodeWidth width;

  /// Whether the codes can be kept that come with a weight whose dimension
  /// `reduced` is summed over, its zero points among them, by activations with
  /// such groups; nullopt, and `why` as a clause, if not.
  static std::optional<CodeWidth>
  inspect(const Weight &weight, int64_t reduced,
          std::optional<int64_t> activationGroup, std::string &why);

  /// The same, and keeps them.
  static std::optional<WeightCodes> read(const Weight &weight, int64_t reduced,
                                         std::optional<int64_t> activationGroup,
                                         std::string &why, KnownWeights &known);
};

/// Whether a tensor of floats is computed from constants alone, and tensors of
/// integers are among them.
bool comesAsCodes(mlir::Value tensor);

} // namespace stamp

#endif // STAMP_TRANSFORMS_WEIGHTCODES_H
