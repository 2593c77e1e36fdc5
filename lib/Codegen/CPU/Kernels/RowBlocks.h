//===- RowBlocks.h - Which tokens a kernel's rows are -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The order of rows is free inside of kernels, so it is one in which a basis
// that works in blocks of tokens finds a whole block in neighbouring rows,
// before the codes are made and after they have been multiplied.
//
// A block of a line is neighbouring tokens. Row i is token i − shift: the shift
// puts the first token after the skipped ones at the start of a block. Rows in
// front of token 0 and behind the last one exist but mean nothing.
//
// A block of a grid is a patch of 2^J × 2^J tokens (or a few such patches side
// by side), raster row after raster row. All tokens are in whole patches.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_KERNELS_ROWBLOCKS_H
#define STAMP_CODEGEN_CPU_KERNELS_ROWBLOCKS_H

#include "KernelBuilder.h"

#include "stamp/IR/Stamp.h"

namespace stamp {

/// Whether kernels handle the blocks of a basis, for so many tokens (which may
/// be dynamic) of which the last ones may be padding.
bool hasRowBlocks(const KernelBuilder &b, BasisAttrInterface basis,
                  int64_t seqLen, bool isPadded);

/// How many tokens a sequence has. Those behind the valid ones are padding,
/// which no basis mixes.
struct TokenCount {
  mlir::Value all, valid;
};

/// The rows of a sequence in blocks of `size` rows: whole panels and whole
/// blocks of the basis.
struct RowBlocks {
  int64_t size;      ///< rows in a block
  int64_t basisSize; ///< tokens that the basis mixes; it divides `size`
  int64_t shift;
  int64_t skip;
  int64_t minTokens; ///< in shorter sequences nothing is mixed

  /// `basis` is null or one that `hasRowBlocks`.
  RowBlocks(KernelBuilder &b, BasisAttrInterface basis);

  /// The same rows for a kernel that does not mix them.
  RowBlocks withoutBasis(const KernelBuilder &b) const;

  /// The token of row `row`; negative in front of the first.
  mlir::Value token(KernelBuilder &b, mlir::Value row) const;

  /// The token of the row that is `row` rows behind the first of a block or of
  /// a panel, as the distance from that one's token.
  int64_t distance(int64_t row) const;

  /// Where the tensors around the kernels have the coefficient that the basis
  /// leaves in the row of a token.
  mlir::Value coefficient(KernelBuilder &b, mlir::Value token) const;

  /// How many blocks there are: none, not even of rows that mean nothing,
  /// without a token.
  mlir::Value blocks(KernelBuilder &b, mlir::Value seqLen) const;

  /// All rows of all blocks are tokens that are mixed.
  bool areWhole() const { return grid.has_value(); }

  /// Whether that is so for the block that starts with token `first`.
  mlir::Value isWhole(KernelBuilder &b, mlir::Value first,
                      const TokenCount &tokens) const;

  /// L or L⁻¹ on the rows of the block that starts with token `first`. Rows are
  /// loaded when they are needed and stored when they are complete, so that
  /// larger blocks than registers hold wait in memory.
  void mix(KernelBuilder &b, mlir::Value first, const TokenCount &tokens,
           bool whole, Direction direction,
           llvm::function_ref<mlir::Value(int64_t)> load,
           llvm::function_ref<void(int64_t, mlir::Value)> store) const;

private:
  mlir::Value isLong(KernelBuilder &b, const TokenCount &tokens) const;

  /// How many rows are mixed among those of a basis's block that starts with
  /// token `first`: none if they are skipped, or if the sequence is too short.
  mlir::Value mixed(KernelBuilder &b, mlir::Value first,
                    const TokenCount &tokens) const;

  /// Patches of a grid.
  struct Patches {
    int64_t side;
    int64_t levels;
    int64_t rasterWidth; ///< of the grid
    mlir::Value places;  ///< of a token's coefficient: an i32 for each
  };

  BasisAttrInterface basis; ///< of sequences that are not too short
  std::optional<Patches> grid;
};

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_KERNELS_ROWBLOCKS_H
