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
// Which tokens the rows are, RowBlocks.h says.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_KERNELS_PANELS_H
#define STAMP_CODEGEN_CPU_KERNELS_PANELS_H

#include "FeatureTransforms.h"
#include "RowBlocks.h"

namespace stamp {

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
  /// How many tokens of each sequence are valid: integers, of any size; null
  /// for all.
  mlir::Value lengths;

  TokenCount countTokens(KernelBuilder &b, mlir::Value sequence) const;

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
/// `blocks` is a basis whose blocks kernels handle, `order` unless that is
/// null, or null.
/// `transformed` is the element type of L·X; null if X is transformed already,
/// or not at all.
Panels emitPanels(KernelBuilder &b, mlir::Value x, ScheduleAttr schedule,
                  BasisAttrInterface order, BasisAttrInterface blocks,
                  mlir::Type transformed,
                  llvm::ArrayRef<FeatureStep> featureSteps,
                  std::optional<FeatureGroups> groups, mlir::Value lengths);

/// The integer product with a weight and what makes floats of it.
struct PanelProduct {
  mlir::Value strips; ///< i8, the weight's bytes; see Strips.h
  int64_t weightBits;
  int64_t channels;
  mlir::Value columnScales;   ///< f32, channels or groups × channels
  mlir::Value columnSums;     ///< i32, channels; or groups × channels
  mlir::Value bias;           ///< floats, channels; or null
  mlir::Value spread;         ///< f32, tokens or batch × tokens; or null
  mlir::Type rescaledType;    ///< of an element before the inverse transform
  BasisAttrInterface inverse; ///< the pending inverse transform; or null
};

/// Emits y: batch × tokens × channels.
void emitPanelProduct(KernelBuilder &b, const Panels &panels,
                      const PanelProduct &product, mlir::Value y);

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_KERNELS_PANELS_H
