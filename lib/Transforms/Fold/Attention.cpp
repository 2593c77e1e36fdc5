//===- Attention.cpp - Rule 6: contractions of the sequence ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention contracts the tokens of V, P·L⁻¹(V), and keeps those of K,
// Q·(L⁻¹K)ᵀ = (Q·Kᵀ)·L⁻ᵀ. The second is rule 1, which transforms whichever of K
// and Q·Kᵀ is narrower; the first is here.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Linalg/Utils/Utils.h"

using namespace mlir;
using namespace stamp;

std::optional<SequenceContraction>
SequenceContraction::match(OpOperand &use, int64_t dimension) {
  auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
  if (!op || !linalg::isaContractionOpInterface(op) ||
      !op.hasPureTensorSemantics() || !op.isDpsInput(&use) ||
      op->hasAttr(StampDialect::kPlanAttrName))
    return std::nullopt;
  AffineExpr sequence = getAffineDimExpr(
      op.getMatchingIndexingMap(&use).getDimPosition(dimension),
      op.getContext());
  OpOperand *other = op.getDpsInputOperand(1 - use.getOperandNumber());
  std::optional<unsigned> along =
      op.getMatchingIndexingMap(other).getResultPosition(sequence);
  if (!along || op.getMatchingIndexingMap(op.getDpsInitOperand(0))
                    .getResultPosition(sequence))
    return std::nullopt;
  return SequenceContraction{op, &use, other, *along};
}

std::optional<SequenceContraction>
SequenceContraction::match(InverseTransformOp inverse) {
  if (!keepsType(inverse) || !inverse->hasOneUse())
    return std::nullopt;
  return match(*inverse->use_begin(), inverse.getDimension());
}

/// Why the other factor cannot be transformed instead, whatever it costs; null
/// if it can.
static const char *whyNotOther(const SequenceContraction &sum,
                               const RowTransform &rows) {
  auto type = cast<RankedTensorType>(sum.other->get().getType());
  if (!rows.basis.getBasis()->isOrthonormal())
    return "and the basis is not orthonormal; an orthonormal one could move to "
           "its other operand";
  if (rows.lengths)
    return "and its sequences have lengths of their own; sequences of one "
           "length could be exchanged";
  if (sum.op->getBlock() != sum.inverted->get().getParentBlock())
    return "in another block, which may run more often; move it into this "
           "block";
  if (!isa<Float16Type, BFloat16Type, Float32Type>(type.getElementType()) ||
      type.getRank() < 2)
    return "and its other operand cannot be transformed instead; make that a "
           "tensor of floats with rows";
  return nullptr;
}

/// What transforms of the other factor cost, where those of the inverted one
/// cost 1; nullopt if that cannot be known.
static std::optional<double> getGrowth(const SequenceContraction &sum) {
  int64_t mine = getOwnWidth(sum.op, sum.inverted, sum.other);
  int64_t its = getOwnWidth(sum.op, sum.other, sum.inverted);
  if (ShapedType::isDynamic(mine) || ShapedType::isDynamic(its) || mine == 0)
    return std::nullopt;
  return static_cast<double>(its) / static_cast<double>(mine);
}

std::optional<double> stamp::getExchangeGrowth(OpOperand &use,
                                               const RowTransform &rows) {
  std::optional<SequenceContraction> sum =
      SequenceContraction::match(use, rows.dimension);
  if (!sum || whyNotOther(*sum, rows))
    return std::nullopt;
  return getGrowth(*sum);
}

/// The contraction whose other operand is the cheaper one to transform;
/// nullopt, and `why` as a phrase if there is a contraction of the sequence at
/// all.
static std::optional<SequenceContraction>
planExchange(InverseTransformOp inverse, std::string &why) {
  std::optional<SequenceContraction> sum = SequenceContraction::match(inverse);
  if (!sum)
    return std::nullopt;
  auto refuse = [&](const char *reason) {
    why = "its user " + sum->op->getName().getStringRef().str() +
          " contracts the sequence dimension, " + reason;
    return std::nullopt;
  };
  RowTransform rows = RowTransform::of(inverse);
  if (const char *reason = whyNotOther(*sum, rows))
    return refuse(reason);
  if (auto meets = sum->other->get().getDefiningOp<InverseTransformOp>();
      meets && keepsType(meets) &&
      RowTransform::of(meets) == rows.along(sum->along))
    return sum;
  std::optional<double> growth = getGrowth(*sum);
  if (!growth)
    return refuse("and its other operand may be no cheaper to transform; "
                  "static sizes would tell");
  if (*growth >= 1)
    return refuse("and its other operand is no cheaper to transform; fewer "
                  "rows there than features here would be");
  return sum;
}

namespace {
/// P·L⁻¹(V) = (P·Lᵀ)·V for an orthonormal L, where P has fewer rows than V has
/// features, as when one token is decoded.
///
///   %i = stamp.inverse_transform #b along 0 ins(%v)
///   %y = linalg.matmul ins(%p, %i) outs(%zero)
/// becomes
///   %t = stamp.transform #b along 1 ins(%p)
///   %y = linalg.matmul ins(%t, %v) outs(%zero)
///
/// If P is an inverse, too, as in (L⁻¹K)ᵀ·L⁻¹V = Kᵀ·V, both are gone.
struct ExchangeFactor final : FoldPattern<InverseTransformOp> {
  using FoldPattern::FoldPattern;

  LogicalResult matchAndRewrite(InverseTransformOp inverse,
                                PatternRewriter &rewriter) const override {
    std::string why;
    std::optional<SequenceContraction> sum = planExchange(inverse, why);
    if (!sum)
      return failure();
    rewriter.setInsertionPoint(sum->op);
    Value transformed =
        RowTransform::of(inverse)
            .along(sum->along)
            .create<TransformOp>(rewriter, sum->op.getLoc(), sum->other->get());
    rewriter.modifyOpInPlace(sum->op, [&] {
      sum->other->set(transformed);
      sum->inverted->set(inverse.getInput());
    });
    ++counts.exchanged;
    return success();
  }
};
} // namespace

void stamp::populateAttentionRules(RewritePatternSet &patterns,
                                   FoldCounts &counts) {
  patterns.add<ExchangeFactor>(patterns.getContext(), counts);
}

std::string stamp::explainNoExchange(InverseTransformOp inverse) {
  std::string why;
  planExchange(inverse, why);
  return why;
}
