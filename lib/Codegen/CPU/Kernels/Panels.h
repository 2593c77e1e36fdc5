//===- Panels.h - Activations as kernels read them --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A panel holds the codes of the few rows that a register tile works on, four
// neighbouring features of a row together, because that is what one lane of a
// dot product takes:
//
//     codes[sequence][panel][feature / 4][row of the panel][feature % 4]
//
// Rows are in block order, so that a basis that works in blocks of tokens finds
// a whole block in neighbouring rows, before the codes are made and after they
// have been multiplied. Row i of the panels is token i − shift: the shift puts
// the first token after the skipped ones at the start of a block. Rows in front
// of token 0 and behind the last one exist but mean nothing.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_KERNELS_PANELS_H
#define STAMP_CODEGEN_CPU_KERNELS_PANELS_H

#include "FeatureTransforms.h"

namespace stamp {

/// The rows of a sequence in blocks of `size` rows: whole panels and whole
/// blocks of the basis.
struct RowBlocks {
  int64_t size;      ///< rows in a block
  int64_t basisSize; ///< tokens that the basis mixes; it divides `size`
  int64_t shift;
  int64_t skip;

  RowBlocks(const KernelBuilder &b, BasisAttrInterface basis);

  /// Calls `then(i)` for the part i of a block that the basis mixes.
  int64_t count() const { return size / basisSize; }

  /// The token of row `row`; negative in front of the first.
  mlir::Value token(KernelBuilder &b, mlir::Value row) const {
    return b.sub(row, shift);
  }

  /// How many blocks there are: none, not even of rows that mean nothing,
  /// without a token.
  mlir::Value blocks(KernelBuilder &b, mlir::Value seqLen) const {
    mlir::Value count = b.ceilDiv(b.add(seqLen, shift), size);
    if (shift == 0)
      return count;
    return b.select(b.less(b.index(0), seqLen), count, b.index(0));
  }

  /// Whether all rows of the block that starts with token `first` are tokens,
  /// and none is skipped.
  mlir::Value isWhole(KernelBuilder &b, mlir::Value first,
                      mlir::Value seqLen) const {
    return b.both(b.atMost(b.index(skip), first),
                  b.atMost(b.add(first, size), seqLen));
  }

  /// How many rows are mixed among those of a basis's block that starts with
  /// token `first`: none if they are skipped.
  mlir::Value mixed(KernelBuilder &b, mlir::Value first,
                    mlir::Value seqLen) const {
    mlir::Value here =
        b.clamp(b.sub(seqLen, first), b.index(0), b.index(basisSize));
    return skip == 0 ? here
                     : b.select(b.less(first, b.index(skip)), b.index(0), here);
  }
};

/// Groups of neighbouring features that are summed up each by itself. A group
/// is whole bytes of 4-bit weights, and whole vectors if rows are quantized by
/// it; the last one may be shorter.
struct FeatureGroups {
  int64_t size;
  bool ofRows; ///< rows have a scale and a zero point for each
};

/// A batch of quantized sequences in memory. What groups have of their own is
/// batch × rows × groups.
struct Panels {
  mlir::Value x; ///< what was quantized: batch × tokens × features
  RowBlocks rows;
  int64_t features;   ///< as the codes have them, padded
  mlir::Value codes;  ///< i8, batch × panels × (features · rows of a panel),
                      ///< and a vector's more if groups end within one
  mlir::Value scales; ///< f32, batch × rows
  mlir::Value zeroPoints; ///< i32, batch × rows
  mlir::Value sums;       ///< i32, batch × rows: Σ of a row's codes
  mlir::Value batch, seqLen;
  std::optional<FeatureGroups> groups;

  /// Whether a sequence has but one token, as in decoding, whose panel then has
  /// no other row; null if a shift puts it somewhere else.
  mlir::Value isAlone(KernelBuilder &b) const {
    if (rows.shift != 0)
      return {};
    return b.createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::eq,
                                               seqLen, b.index(1));
  }
};

/// Features that share a byte step of 4-bit weights: four, and the next four in
/// the high halves.
inline constexpr int64_t featuresOfStep = 8;

/// The features of a panel: whole vectors, and whole bytes of 4-bit weights.
int64_t padFeatures(const KernelBuilder &b, int64_t features);

/// Emits the transform (if there is one), those of the features, the quantizer
/// and the packing, in one pass over X: batch × tokens × features. `order` is
/// the basis that rows are in the block order of, for their widths, or null;
/// `blocks` is the same if kernels handle its blocks, and null if not.
/// `transformed` is the element type of L·X; null if X is transformed already,
/// or not at all.
Panels emitPanels(KernelBuilder &b, mlir::Value x, ScheduleAttr schedule,
                  BasisAttrInterface order, BasisAttrInterface blocks,
                  mlir::Type transformed,
                  llvm::ArrayRef<FeatureStep> featureSteps,
                  std::optional<FeatureGroups> groups);

/// The integer product with a weight and what makes floats of it.
struct PanelProduct {
  mlir::Value strips; ///< i8, the weight's bytes; see Strips.h
  int64_t weightBits;
  int64_t channels;
  mlir::Value columnScales;   ///< f32, channels or groups × channels
  mlir::Value columnSums;     ///< i32, channels; or groups × channels
  mlir::Value bias;           ///< floats, channels; or null
  mlir::Value spread;         ///< f32, tokens; or null
  mlir::Type rescaledType;    ///< of an element before the inverse transform
  BasisAttrInterface inverse; ///< the pending inverse transform; or null
};

/// Emits y: batch × tokens × channels.
void emitPanelProduct(KernelBuilder &b, const Panels &panels,
                      const PanelProduct &product, mlir::Value y);

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_KERNELS_PANELS_H
