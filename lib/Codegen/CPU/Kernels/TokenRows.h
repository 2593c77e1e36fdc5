//===- TokenRows.h - Rows of tokens in memory -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What the kernels of all transforms share: where a row is, and which columns
// are worked on together.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_KERNELS_TOKENROWS_H
#define STAMP_CODEGEN_CPU_KERNELS_TOKENROWS_H

#include "Transform.h"

namespace stamp {

/// How many rows of a sequence stay as they are, in front, and how many are
/// transformed.
struct SequenceLength {
  mlir::Value skipped, length;

  SequenceLength(KernelBuilder &b, const SequenceTransform &transform);
};

/// Some columns, as many at a time as vectors hold. The last ones of a row are
/// masked.
struct Columns {
  mlir::Value sequence;
  mlir::Value first, count;
  /// For each of the vectors that are worked on together; or null.
  mlir::SmallVector<mlir::Value> masks;
};

/// The rows of one sequence, of X or Y or of scratch memory.
class TokenRows {
public:
  /// Row i stands in the sequence's row i, or where `places` says, an i32 for
  /// each row; behind the skipped ones. Masks are for rows that are not padded
  /// to whole vectors.
  TokenRows(mlir::Value memory, mlir::Value sequence, mlir::Value firstRow,
            mlir::Value firstColumn, mlir::Value places = {},
            bool isPadded = false)
      : memory(memory), sequence(sequence), firstRow(firstRow),
        firstColumn(firstColumn), places(places), isPadded(isPadded) {}

  /// Where row `row` is in memory.
  mlir::Value find(KernelBuilder &b, mlir::Value row) const;
  /// f32 lanes from there.
  mlir::Value load(KernelBuilder &b, mlir::Value place, mlir::Value column,
                   mlir::Value mask) const {
    return b.load(memory, {sequence, place, b.add(firstColumn, column)},
                  isPadded ? mlir::Value() : mask);
  }
  void store(KernelBuilder &b, mlir::Value lane, mlir::Value place,
             mlir::Value column, mlir::Value mask) const;
  /// Asks for what will be loaded. A machine does not foresee the short runs of
  /// a strip in far rows by itself.
  void prefetch(KernelBuilder &b, mlir::Value place, mlir::Value column) const;

private:
  mlir::Value memory, sequence, firstRow, firstColumn;
  mlir::Value places;
  bool isPadded;
};

/// A constant in memory.
mlir::Value createTable(KernelBuilder &b, llvm::ArrayRef<int32_t> values);
mlir::Value createTable(KernelBuilder &b, llvm::ArrayRef<float> values);

/// Where the algorithm in place leaves the coefficients: an i32 for each row
/// behind the skipped ones, or null if they are to stay there.
mlir::Value createPlaces(KernelBuilder &b, const SequenceTransform &transform,
                         mlir::Value length);

/// Copies the rows that are skipped; all, if `everything`.
void copyRows(KernelBuilder &b, const SequenceTransform &transform,
              mlir::Value begin, mlir::Value end);

/// Calls `emit` for all columns of a sequence, in turns that may run at the
/// same time; each has up to `perStrip` columns, a multiple of `together`
/// vectors.
void forEachStrip(KernelBuilder &b, const SequenceTransform &transform,
                  int64_t together, mlir::Value perStrip,
                  llvm::function_ref<void(const Columns &)> emit);

/// How many columns of a strip make f32 scratch of `rows` rows fill the
/// second-level cache. Narrower strips would visit more pages of memory.
mlir::Value getStripColumns(KernelBuilder &b, int64_t together,
                            mlir::Value rows);

/// The same for all columns of some rows in turn.
void forAllColumns(
    KernelBuilder &b, mlir::Value memory,
    llvm::function_ref<void(mlir::Value column, mlir::Value mask)> emit);

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_KERNELS_TOKENROWS_H
