//===- Rules.h - The rules of stamp-fold -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_LIB_TRANSFORMS_FOLD_RULES_H
#define STAMP_LIB_TRANSFORMS_FOLD_RULES_H

#include "Passage.h"

#include "mlir/IR/PatternMatch.h"

namespace stamp {

/// What the pass has done, for its remark.
struct FoldCounts {
  int64_t sunk = 0;      ///< Rule 1, and what only changes shapes.
  int64_t risen = 0;     ///< The same, upwards.
  int64_t cancelled = 0; ///< Rule 2.
  int64_t biases = 0;    ///< Rule 3.
  int64_t merged = 0;    ///< Rule 4: sums.
  int64_t scaled = 0;    ///< Rule 4: scales.
  int64_t shared = 0;    ///< Rule 5.
  int64_t exchanged = 0; ///< Rule 6.
  int64_t pooled = 0;    ///< Rule 8: contractions of the sequence.
  int64_t constants = 0; ///< Rule 8: transforms at compile time.
  int64_t gains = 0;     ///< Rule 7: scales that went into weights.
  int64_t rotated = 0;   ///< Rule 7: families whose features are transformed.
};

/// A rule, which counts how often it has been applied.
template <typename OpTy> struct FoldPattern : mlir::OpRewritePattern<OpTy> {
  FoldPattern(mlir::MLIRContext *context, FoldCounts &counts,
              mlir::PatternBenefit benefit = 1)
      : mlir::OpRewritePattern<OpTy>(context, benefit), counts(counts) {}

  FoldCounts &counts;
};

/// Rules 1 to 4: transforms move through the ops that rows pass, and cancel.
void populateMoves(mlir::RewritePatternSet &patterns, FoldCounts &counts);

/// Rule 8: constants that contract the sequence, and constants that are
/// transformed.
void populateConstantRules(mlir::RewritePatternSet &patterns,
                           FoldCounts &counts);

/// Ops on a grid of pixels become ops on tokens where a transform waits.
void populatePixelRules(mlir::RewritePatternSet &patterns);

/// Rule 6: what contracts the sequence may transform its other operand.
void populateAttentionRules(mlir::RewritePatternSet &patterns,
                            FoldCounts &counts);

/// A feature transform, or a gain, that stays, and why, as a phrase.
struct FeatureRefusal {
  mlir::Operation *op;
  std::string why;
};

/// Rule 7: what linears ask of their features goes into the weights that make
/// them. Returns whether anything has changed; asked again until nothing does.
bool foldFeatureTransforms(mlir::Operation *root,
                           mlir::RewriterBase::Listener *listener,
                           FoldCounts &counts,
                           llvm::SmallVectorImpl<FeatureRefusal> &refusals);

/// Rule 7: gains of norms go into the weights of the linears that read them.
bool foldGains(mlir::Operation *root, mlir::RewriterBase::Listener *listener,
               FoldCounts &counts,
               llvm::SmallVectorImpl<FeatureRefusal> &refusals);

/// A contraction that sums over the features of a tensor, and no more.
struct FeatureReader {
  mlir::linalg::LinalgOp op;
  mlir::OpOperand *features;
  mlir::OpOperand *weight;
  int64_t reduced; ///< The features among the weight's dimensions.

  static std::optional<FeatureReader> match(mlir::OpOperand &use,
                                            int64_t dimension);
};

/// Whether a weight is known before the program runs, and its quantizer can
/// still transform it first.
bool isFoldableWeight(mlir::Value tensor);

/// Whether a tensor is such a weight of f32, or a copy of one in other shapes
/// that keep a dimension.
bool isCopiedWeight(mlir::Value tensor, int64_t dimension);

/// The same copy of a transformed weight. Unless it is quantized later, which
/// takes no second float copy, it is computed at once if possible.
mlir::Value transformWeight(mlir::RewriterBase &rewriter, mlir::Value tensor,
                            FeatureTransformAttrInterface transform, Side side,
                            Direction direction, int64_t dimension,
                            bool isQuantized);

/// A contraction over the tokens that an inverse transform, which nobody else
/// reads, makes: Σₛ a(…, s)·L⁻¹(B)(s, …).
struct SequenceContraction {
  mlir::linalg::LinalgOp op;
  mlir::OpOperand *inverted; ///< L⁻¹(B).
  mlir::OpOperand *other;    ///< a.
  int64_t along;             ///< The sequence among a's dimensions.

  static std::optional<SequenceContraction> match(InverseTransformOp inverse);
  /// The same for what an inverse may make, with the sequence in `dimension`.
  static std::optional<SequenceContraction> match(mlir::OpOperand &use,
                                                  int64_t dimension);
};

/// What rule 6 makes of the costs of an inverse that is used so, where they are
/// 1 before; nullopt if it does not apply, or that cannot be known.
std::optional<double> getExchangeGrowth(mlir::OpOperand &use,
                                        const RowTransform &rows);

/// Why rule 6 does not apply, as a phrase; empty where there is no contraction
/// of the sequence or the rule applies.
std::string explainNoExchange(InverseTransformOp inverse);

/// Whether `tensor` is a constant whose transform is known at compile time, and
/// held in its place: nobody else reads it.
bool transformsAtCompileTime(mlir::Value tensor, const RowTransform &rows);

/// Why a transform stays where it is, as a phrase; empty if it does not.
std::string explainStay(InverseTransformOp inverse);
std::string explainStay(TransformOp transform);

} // namespace stamp

#endif // STAMP_LIB_TRANSFORMS_FOLD_RULES_H
