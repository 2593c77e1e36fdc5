//===- QuantizedWeights.h - Weights quantized beforehand -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight is quantized before the program runs: while compiling if it is a
// constant, and by a function of its own if it is a marked argument.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_QUANTIZEDWEIGHTS_H
#define STAMP_TRANSFORMS_QUANTIZEDWEIGHTS_H

#include "stamp/IR/Stamp.h"
#include "stamp/Transforms/WeightCodes.h"

#include "mlir/IR/PatternMatch.h"

namespace stamp {

/// Erases ops whose results nobody needs any more, and what only they needed.
void eraseDead(mlir::RewriterBase &rewriter,
               llvm::ArrayRef<mlir::Value> values);

/// Quantizes a constant weight, and what a plan does to it first, now, so that
/// no float copy lives on. Its codes stand where `weight` stood, and are those
/// of `known` if the same has been asked for before. Otherwise nothing happens.
void foldConstantWeight(mlir::RewriterBase &rewriter, mlir::Operation *weight,
                        QuantizeWeightOp op, KnownWeights &known);

/// Moves the quantization of arguments that are marked as weights out of the
/// functions of a module, into a prepacking function beside each and into their
/// callers:
///
///   func.func @f(%x, %w {stamp.weight}) {
///     %q, %s, %c = stamp.quantize_weight … ins(%w)
///     …
/// becomes
///   func.func @f(%x, %q, %s, %c) { …
///   func.func @prepack_f(%w) -> (…) {
///     %q, %s, %c = stamp.quantize_weight … ins(%w)
///     return %q, %s, %c
///
/// Callees come before their callers, so that a weight that is handed on moves
/// up to where it comes from.
void prepackMarkedWeights(mlir::RewriterBase &rewriter,
                          mlir::Operation *symbolTable, KnownWeights &known);

} // namespace stamp

#endif // STAMP_TRANSFORMS_QUANTIZEDWEIGHTS_H
