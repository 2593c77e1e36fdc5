//===- Validate.h - does a pass keep what a program computes? ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Translation validation by running: a module before some passes and the same
// module after them are compiled by the portable path and called on equal
// inputs. It proves nothing for other inputs, so the inputs are such that
// mistakes show: correlated tokens with a few loud channels, never constants.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_EXECUTION_VALIDATE_H
#define STAMP_EXECUTION_VALIDATE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace stamp {

struct ValidationOptions {
  /// A function is called once for each of these, with other inputs each time.
  /// They are what its arguments' dynamic sizes are, all alike, unless a check
  /// at run time refuses that: then some give way to static sizes that the
  /// function mentions.
  llvm::SmallVector<int64_t> sizes = {1, 13, 40};
  unsigned seed = 0;
  /// How far floats may be apart, as a part of the result's largest magnitude;
  /// in f16 they may be a unit in the last place.
  double tolerance = 1e-5;
  /// The same in functions that quantize. Where two roundings of one value fall
  /// on two sides of a step, a code differs by one, and whole rows with it.
  double quantizedTolerance = 1e-2;
  /// In functions that quantize, integers may differ by one at fewer than this
  /// part of the positions (docs/Semantics.md). Elsewhere they are equal.
  double quantizedPositions = 1e-4;
};

/// What all calls of a function say about one of its results.
struct ResultReport {
  bool agrees = true;
  bool isFloat = true;
  int64_t numElements = 0;
  /// Unequal elements; two NaNs are equal.
  int64_t numDifferent = 0;
  int64_t numNaNs = 0;
  /// For floats relative to the largest magnitude in the same call; infinite if
  /// only one of the two is a number.
  double largestDifference = 0;
  double allowed = 0;
  /// Where that is: "[3, 2] of float32[13, 8]".
  std::string place;
};

struct FunctionReport {
  enum Outcome { Agrees, Differs, NotRun };

  std::string name;
  Outcome outcome = Agrees;
  /// Why it was not run, be it with some sizes only, or what differs beside the
  /// results' elements.
  std::string reason;
  llvm::SmallVector<ResultReport> results;
};

/// Runs every function of `before` in both modules, which are lowered in place.
/// An error is a module that does not compile.
llvm::Expected<std::vector<FunctionReport>>
validate(mlir::ModuleOp before, mlir::ModuleOp after,
         const ValidationOptions &options = {});

} // namespace stamp

#endif // STAMP_EXECUTION_VALIDATE_H
