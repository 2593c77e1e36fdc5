//===- Padding.h - Which sequences are padded ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An argument with `stamp.padded` says where its padding is. What is computed
// from it, row by row, is padded likewise: this follows its sequences, and the
// dimensions that number them, through the function.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_PADDING_H
#define STAMP_TRANSFORMS_PADDING_H

#include "stamp/IR/Stamp.h"
#include "stamp/Transforms/Linear.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace stamp {

/// The padded sequences of all functions in an op, as its arguments tell. Only
/// valid while the linears that it is asked about stand as they stood.
class PaddedSequences {
public:
  explicit PaddedSequences(mlir::Operation *root);

  /// The lengths of the sequences that a linear reads, an argument of its
  /// function; null if none are padded. Where a function has padded sequences
  /// but not this linear, a remark says why.
  mlir::Value findLengths(const Linear &linear) const;

private:
  /// What a dimension is to sequences of some lengths.
  struct Role {
    mlir::Value lengths;
    /// Which of the lengths' dimensions it is, or kSequence.
    int64_t place;

    bool operator==(const Role &other) const {
      return lengths == other.lengths && place == other.place;
    }
  };
  static constexpr int64_t kSequence = -1;

  /// The roles of one dimension. There are several where sequences of several
  /// arguments meet, as the batch of an encoder and a decoder.
  using Roles = llvm::SmallVector<Role, 1>;

  void addArguments(mlir::FunctionOpInterface function);
  void follow(mlir::Operation *op);
  /// Gives the roles of `from` to `to`.
  void pass(mlir::Value from, int64_t fromDim, mlir::Value to, int64_t toDim);
  void passAll(mlir::Value from, mlir::Value to);
  llvm::ArrayRef<Role> getRoles(mlir::Value tensor, int64_t dimension) const;
  mlir::Value findLengths(const Linear &linear, std::string &why) const;

  llvm::DenseMap<mlir::Value, llvm::SmallVector<Roles>> roles;
  llvm::DenseSet<mlir::Operation *> paddedFunctions;
};

} // namespace stamp

#endif // STAMP_TRANSFORMS_PADDING_H
