//===- Passage.cpp - How rows pass through an op ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Contractions, feature transforms and changes of shape. Elementwise.cpp has
// those passages that depend on what a body computes.
//
//===----------------------------------------------------------------------===//

#include "Passage.h"

#include "stamp/Transforms/Linear.h"

#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace stamp;

int64_t stamp::getTokenWidth(Value tensor, int64_t sequence) {
  int64_t product = 1;
  auto type = cast<RankedTensorType>(tensor.getType());
  for (int64_t d = 0; d < type.getRank(); ++d) {
    if (d == sequence)
      continue;
    if (type.isDynamicDim(d))
      return ShapedType::kDynamic;
    product *= type.getDimSize(d);
  }
  return product;
}

int64_t stamp::getOwnWidth(linalg::LinalgOp op, OpOperand *operand,
                           OpOperand *other) {
  int64_t product = 1;
  AffineMap otherMap = op.getMatchingIndexingMap(other);
  for (auto [size, index] :
       llvm::zip_equal(op.getShape(operand),
                       op.getMatchingIndexingMap(operand).getResults())) {
    if (otherMap.getResultPosition(index))
      continue;
    if (ShapedType::isDynamic(size))
      return ShapedType::kDynamic;
    product *= size;
  }
  return product;
}

std::optional<Passage> Passage::down(OpOperand &use, const RowTransform &rows,
                                     std::string &why) {
  return find(use.getOwner(), Entry{&use, rows.dimension}, rows, why);
}

std::optional<Passage> Passage::up(OpResult result, const RowTransform &rows,
                                   std::string &why) {
  return find(result.getOwner(), Entry{nullptr, rows.dimension}, rows, why);
}

std::optional<Passage> Passage::find(Operation *op, Entry entry,
                                     const RowTransform &rows,
                                     std::string &why) {
  if (isa<FeatureTransformOp, InverseFeatureTransformOp>(op))
    return ofFeatures(op, entry, rows, why);
  if (rows.actsOnFeatures() && isa<TransformOp, InverseTransformOp>(op))
    return ofTokens(op, entry, why);
  if (isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
          tensor::ExtractSliceOp>(op))
    return ofShape(op, entry, rows, why);
  if (auto insertion = dyn_cast<tensor::InsertSliceOp>(op))
    return ofInsertion(insertion, entry, rows, why);
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp) {
    why = "needs tokens; a transform passes only ops that are linear and treat "
          "all tokens alike";
    return std::nullopt;
  }
  if (!linalgOp.hasPureTensorSemantics() || op->getNumResults() != 1 ||
      !isa<FloatType>(getElementTypeOrSelf(op->getResult(0)))) {
    why = "does not make one tensor of floats; an op of its own for each float "
          "tensor would be passed";
    return std::nullopt;
  }
  std::optional<Passage> passage =
      linalgOp.getNumReductionLoops() == 0
          ? ofElementwise(linalgOp, entry, rows, why)
          : ofContraction(linalgOp, entry, rows, why);
  if (!passage)
    return std::nullopt;
  if (!rows.actsOnFeatures() &&
      cast<RankedTensorType>(op->getResult(0).getType()).getRank() < 2) {
    why = "leaves no features to transform; a dimension of features, be it of "
          "size 1, would let it pass";
    return std::nullopt;
  }
  // Lengths must find their sequences in the same place behind the op.
  int64_t leading = rows.countLeading();
  auto leadingLoops = [&](OpOperand *operand) {
    return linalgOp.getMatchingIndexingMap(operand).getResults().take_front(
        leading);
  };
  for (Carrier carrier : passage->carriers)
    if (leading > std::min(carrier.dimension, passage->result) ||
        leadingLoops(carrier.operand) !=
            leadingLoops(linalgOp.getDpsInitOperand(0))) {
      why = "does not keep in place the dimensions that the lengths of its "
            "sequences are for; keep them in front";
      return std::nullopt;
    }
  return passage;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// L⁻¹(A)·W: the sequence is a loop that one operand and the result carry, and
/// the other operand does not.
std::optional<Passage> Passage::ofContraction(linalg::LinalgOp op, Entry entry,
                                              const RowTransform &rows,
                                              std::string &why) {
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  if (!linalg::isaContractionOpInterface(op))
    return refuse("reduces in another way than a contraction; sums of products "
                  "over features are passed");
  // It would transform, and quantize, the coefficients once more.
  if (!rows.actsOnFeatures() && op->hasAttr(StampDialect::kPlanAttrName))
    return refuse(
        "has a plan that is not carried out yet; run stamp-quantize first");
  if (entry.operand && op.isDpsInit(entry.operand))
    return refuse(
        "adds to it; an addition behind the contraction would be passed");
  // L⁻¹(A)·W + C is no function of A·W alone; A·(W·R) + C·R, of weights and
  // biases, is.
  bool addsToInit = !isZeroTensor(op.getDpsInits()[0]);
  if (addsToInit && !rows.actsOnFeatures())
    return refuse("adds to an init that is not zero; an addition behind the "
                  "contraction would be passed");

  OpOperand *init = op.getDpsInitOperand(0);
  unsigned loop =
      op.getMatchingIndexingMap(entry.operand ? entry.operand : init)
          .getDimPosition(entry.dimension);
  auto position = [&](OpOperand *operand) {
    return op.getMatchingIndexingMap(operand).getResultPosition(
        getAffineDimExpr(loop, op.getContext()));
  };
  std::optional<unsigned> to = position(init);
  if (!to)
    return refuse(
        "contracts the sequence dimension; contract it with a constant, or "
        "under an orthonormal basis with fewer rows than there are features");
  SmallVector<Carrier> carriers;
  for (OpOperand *input : op.getDpsInputOperands())
    if (std::optional<unsigned> from = position(input))
      carriers.push_back({input, *from});
  if (carriers.size() != 1)
    return refuse("has a second operand that carries the sequence; factors "
                  "that all tokens share would be passed");
  if (addsToInit)
    carriers.push_back({init, *to});
  return Passage{Kind::Contraction,    op, carriers, *to,
                 /*keepsWidth=*/false, {}};
}

//===----------------------------------------------------------------------===//
// Feature transforms
//===----------------------------------------------------------------------===//

/// L⁻¹(A)·R: what acts on other dimensions.
std::optional<Passage> Passage::ofFeatures(Operation *op, Entry entry,
                                           const RowTransform &rows,
                                           std::string &why) {
  auto match = [&](auto features) -> std::optional<Passage> {
    int64_t over = features.getDimension();
    if (over == entry.dimension)
      why = "acts on the sequence, too; transform the features along another "
            "dimension";
    else if (over < rows.countLeading())
      why = "mixes sequences of different lengths; transform the features of "
            "each sequence";
    else if (!keepsType(features) ||
             (entry.operand && entry.operand != &features.getInputMutable()))
      why = "changes the type; change it in an op of its own";
    else
      return Passage{Kind::Features,
                     op,
                     {{&features.getInputMutable(), entry.dimension}},
                     entry.dimension,
                     /*keepsWidth=*/true,
                     {}};
    return std::nullopt;
  };
  if (auto forward = dyn_cast<FeatureTransformOp>(op))
    return match(forward);
  return match(cast<InverseFeatureTransformOp>(op));
}

/// L(A·R) = L(A)·R, the other way around.
std::optional<Passage> Passage::ofTokens(Operation *op, Entry entry,
                                         std::string &why) {
  auto match = [&](auto tokens) -> std::optional<Passage> {
    RowTransform own = RowTransform::of(tokens);
    if (own.dimension == entry.dimension ||
        entry.dimension < own.countLeading() || !keepsType(tokens) ||
        (entry.operand && entry.operand != &tokens.getInputMutable())) {
      why =
          "acts on the features, too, or is for sequences of other lengths, or "
          "changes the type";
      return std::nullopt;
    }
    return Passage{
        Kind::Features,      op, {{&tokens.getInputMutable(), entry.dimension}},
        entry.dimension,
        /*keepsWidth=*/true, {}};
  };
  if (auto forward = dyn_cast<TransformOp>(op))
    return match(forward);
  return match(cast<InverseTransformOp>(op));
}

//===----------------------------------------------------------------------===//
// Changes of shape
//===----------------------------------------------------------------------===//

/// For each dimension of the wide type, the one of the narrow type that is the
/// same, all others of its group being of size 1.
static SmallVector<int64_t> pairWithin(RankedTensorType wide,
                                       ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> narrow(wide.getRank(), kNone);
  for (auto [position, group] : llvm::enumerate(groups)) {
    auto isOne = [&](int64_t d) { return wide.getDimSize(d) == 1; };
    int64_t others = group.size() - llvm::count_if(group, isOne);
    for (int64_t d : group)
      if (others == (isOne(d) ? 0 : 1) && (!isOne(d) || d == group.front()))
        narrow[d] = position;
  }
  return narrow;
}

SmallVector<int64_t> stamp::pairWithSlice(OffsetSizeAndStrideOpInterface slice,
                                          Value whole,
                                          const llvm::SmallBitVector &dropped) {
  auto type = cast<RankedTensorType>(whole.getType());
  SmallVector<int64_t> places;
  int64_t next = 0;
  for (int64_t d = 0; d < type.getRank(); ++d) {
    OpFoldResult size = slice.getMixedSizes()[d];
    auto value = llvm::dyn_cast_if_present<Value>(size);
    auto dim = value ? value.getDefiningOp<tensor::DimOp>() : nullptr;
    bool isAll =
        type.isDynamicDim(d)
            ? dim && dim.getConstantIndex() == d &&
                  getSizeSource(dim.getSource()) == getSizeSource(whole)
            : isConstantIntValue(size, type.getDimSize(d));
    bool takesAll = isAll &&
                    isConstantIntValue(slice.getMixedOffsets()[d], 0) &&
                    isConstantIntValue(slice.getMixedStrides()[d], 1);
    places.push_back(takesAll && !dropped.test(d) ? next : kNone);
    next += !dropped.test(d);
  }
  return places;
}

SmallVector<int64_t> stamp::pairDimensions(Operation *op) {
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    auto from = dyn_cast<RankedTensorType>(cast.getSource().getType());
    if (!from || !isa<RankedTensorType>(cast.getType()))
      return {};
    return llvm::to_vector(llvm::seq(from.getRank()));
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return pairWithin(collapse.getSrcType(),
                      collapse.getReassociationIndices());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    SmallVector<int64_t> narrow =
        pairWithin(expand.getResultType(), expand.getReassociationIndices());
    SmallVector<int64_t> wide(expand.getSrcType().getRank(), kNone);
    for (auto [position, from] : llvm::enumerate(narrow))
      if (from != kNone)
        wide[from] = position;
    return wide;
  }
  auto slice = cast<tensor::ExtractSliceOp>(op);
  return pairWithSlice(slice, slice.getSource(), slice.getDroppedDims());
}

/// What keeps rows whole, wherever it puts them.
std::optional<Passage> Passage::ofShape(Operation *op, Entry entry,
                                        const RowTransform &rows,
                                        std::string &why) {
  SmallVector<int64_t> places = pairDimensions(op);
  int64_t from = entry.dimension, to = kNone;
  if (!entry.operand) {
    auto found = llvm::find(places, entry.dimension);
    from = found == places.end() ? kNone : found - places.begin();
  }
  if (from != kNone && from < static_cast<int64_t>(places.size()))
    to = places[from];
  if (to == kNone) {
    why = "does not keep the sequence dimension whole; keep the tokens in one "
          "dimension up to the next linear";
    return std::nullopt;
  }
  if (entry.operand && entry.operand != &op->getOpOperand(0)) {
    why = "needs tokens; a transform passes only ops that are linear and treat "
          "all tokens alike";
    return std::nullopt;
  }
  int64_t leading = rows.countLeading();
  for (int64_t d = 0; d < leading; ++d)
    if (places[d] != d) {
      why = "does not keep in place the dimensions that the lengths of its "
            "sequences are for; keep them in front";
      return std::nullopt;
    }
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto source = cast<RankedTensorType>(op->getOperand(0).getType());
  if (!rows.actsOnFeatures() &&
      std::min(type.getRank(), source.getRank()) < 2) {
    why = "leaves no features to transform; a dimension of features, be it of "
          "size 1, would let it pass";
    return std::nullopt;
  }
  return Passage{Kind::Shape,
                 op,
                 {{&op->getOpOperand(0), from}},
                 to,
                 /*keepsWidth=*/!isa<tensor::ExtractSliceOp>(op),
                 {}};
}

/// What is put beside other features of the same tokens. Where there is nothing
/// yet, or zeros, the coefficients are the same.
std::optional<Passage> Passage::ofInsertion(tensor::InsertSliceOp op,
                                            Entry entry,
                                            const RowTransform &rows,
                                            std::string &why) {
  SmallVector<int64_t> places =
      pairWithSlice(op, op.getDest(), op.getDroppedDims());
  OpOperand *source = &op.getSourceMutable(), *dest = &op.getDestMutable();
  int64_t sequence = entry.dimension;
  if (entry.operand == source) {
    auto found = llvm::find(places, entry.dimension);
    sequence = found == places.end() ? kNone : found - places.begin();
  } else if (entry.operand && entry.operand != dest) {
    why = "needs tokens; a transform passes only ops that are linear and treat "
          "all tokens alike";
    return std::nullopt;
  }
  if (sequence == kNone || places[sequence] == kNone) {
    why = "does not keep the sequence dimension whole; keep the tokens in one "
          "dimension up to the next linear";
    return std::nullopt;
  }
  for (int64_t d = 0; d < rows.countLeading(); ++d)
    if (places[d] != d) {
      why = "does not keep in place the dimensions that the lengths of its "
            "sequences are for; keep them in front";
      return std::nullopt;
    }
  if (op.getSourceType().getRank() < 2) {
    why = "leaves no features to transform; a dimension of features, be it of "
          "size 1, would let it pass";
    return std::nullopt;
  }
  Passage passage{
      Kind::Shape,          op, {{source, places[sequence]}}, sequence,
      /*keepsWidth=*/false, {}};
  if (entry.operand == dest ||
      (!op.getDest().getDefiningOp<tensor::EmptyOp>() &&
       !isZeroTensor(op.getDest())))
    passage.carriers.push_back({dest, sequence});
  return passage;
}

//===----------------------------------------------------------------------===//
// Rebuilding
//===----------------------------------------------------------------------===//

Value Passage::rebuild(RewriterBase &rewriter, ArrayRef<Value> carried,
                       const RowTransform &rows) const {
  if (!addends.empty())
    return rebuildWithAddends(rewriter, carried, rows);
  Operation *clone = rewriter.clone(*op);
  for (auto [carrier, value] : llvm::zip_equal(carriers, carried))
    clone->setOperand(carrier.operand->getOperandNumber(), value);
  // What was computed in place no longer is: no tensor must live on for an init
  // that nobody reads.
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(clone))
    for (OpOperand &init : dps.getDpsInitsMutable())
      for (const Carrier &carrier : carriers)
        if (init.get() == carrier.operand->get()) {
          OpBuilder::InsertionGuard guard(rewriter);
          rewriter.setInsertionPoint(clone);
          init.set(createEmptyLike(rewriter, op->getLoc(), init.get()));
          break;
        }
  return clone->getResult(0);
}
