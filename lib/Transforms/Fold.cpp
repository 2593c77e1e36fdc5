//===- Fold.cpp - Move, cancel and share sequence transforms ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// L acts on rows, so it commutes with everything that acts on features only.
// Inverse transforms sink towards the uses, forward ones rise towards the
// definitions; where they meet, L·L⁻¹ = id. Equal transforms and quantizations
// of one tensor are shared by common subexpression elimination: all our ops are
// pure, so that is rule 5 as it stands.
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Passes.h"
#include "stamp/Transforms/Transforms.h"

#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPFOLD
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Fold").category("stamp-fold");

namespace {
/// What the pass has done, for its remark.
struct FoldCounts {
  int64_t sunk = 0;
  int64_t risen = 0;
  int64_t cancelled = 0;
  int64_t biases = 0;
  int64_t shared = 0;
};

/// A rule, which counts how often it has been applied.
template <typename OpTy> struct FoldPattern : OpRewritePattern<OpTy> {
  FoldPattern(MLIRContext *context, FoldCounts &counts)
      : OpRewritePattern<OpTy>(context), counts(counts) {}

  FoldCounts &counts;
};
} // namespace

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

namespace {
/// Who only measures a tensor asks for the sizes at their source, and does not
/// count as a use that keeps a transform from moving.
///
///   %y = stamp.inverse_transform … outs(%e)
///   %d = tensor.dim %y, %c0
/// becomes
///   %d = tensor.dim %e, %c0
struct MeasureSource final : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::DimOp dim,
                                PatternRewriter &rewriter) const override {
    Value source = getSizeSource(dim.getSource());
    if (source == dim.getSource())
      return failure();
    rewriter.replaceOpWithNewOp<tensor::DimOp>(dim, source, dim.getIndex());
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Rule 2: L·L⁻¹ = id
//===----------------------------------------------------------------------===//

namespace {
/// L·L⁻¹(A) = A and L⁻¹·L(A) = A.
///
///   %i = stamp.inverse_transform #b along d ins(%a)
///   %t = stamp.transform #b along d ins(%i)
/// becomes
///   %a
template <typename OuterOp, typename InnerOp>
struct CancelPair final : FoldPattern<OuterOp> {
  using FoldPattern<OuterOp>::FoldPattern;

  LogicalResult matchAndRewrite(OuterOp outer,
                                PatternRewriter &rewriter) const override {
    auto inner = outer.getInput().template getDefiningOp<InnerOp>();
    if (!inner || inner.getBasis() != outer.getBasis() ||
        inner.getOrder() != outer.getOrder() ||
        inner.getDimension() != outer.getDimension() ||
        inner.getLengths() != outer.getLengths() ||
        inner.getInput().getType() != outer.getResult().getType())
      return failure();
    rewriter.replaceOp(outer, inner.getInput());
    ++this->counts.cancelled;
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Sums with a bias
//===----------------------------------------------------------------------===//

namespace {
/// A + 1bᵀ: a sum of a tensor and of one that is the same for every token.
struct BiasAdd {
  linalg::LinalgOp sum;
  Value bias;
  AffineMap biasMap; ///< From the sum's loops, less the sequence, to the bias.

  /// The sum that `use` is one side of, with tokens along `sequence`.
  static std::optional<BiasAdd> match(OpOperand &use, int64_t sequence);
};
} // namespace

/// Sees through a linalg.broadcast: the tensor in front of it, and how the
/// result's indices become indices of that.
static Value skipBroadcast(Value tensor, AffineMap &map) {
  auto broadcast = tensor.getDefiningOp<linalg::BroadcastOp>();
  if (!broadcast)
    return tensor;
  SmallVector<AffineExpr> kept;
  for (auto [position, result] : llvm::enumerate(map.getResults()))
    if (!llvm::is_contained(broadcast.getDimensions(),
                            static_cast<int64_t>(position)))
      kept.push_back(result);
  map = AffineMap::get(map.getNumDims(), 0, kept, map.getContext());
  return broadcast.getInput();
}

/// Whether the body is one addition of the two inputs' elements.
static bool addsInputs(linalg::LinalgOp op) {
  Block &body = *op.getBlock();
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || !llvm::hasNItems(body, 2))
    return false;
  Value first = body.getArgument(0), second = body.getArgument(1);
  return (sum.getLhs() == first && sum.getRhs() == second) ||
         (sum.getLhs() == second && sum.getRhs() == first);
}

std::optional<BiasAdd> BiasAdd::match(OpOperand &use, int64_t sequence) {
  auto sum = dyn_cast<linalg::LinalgOp>(use.getOwner());
  if (!sum || !sum.hasPureTensorSemantics() || sum->getNumResults() != 1 ||
      sum.getNumDpsInputs() != 2 || !sum.isDpsInput(&use) ||
      sum.getNumReductionLoops() != 0 || !addsInputs(sum) ||
      !sum.getMatchingIndexingMap(&use).isIdentity() ||
      !sum.getMatchingIndexingMap(sum.getDpsInitOperand(0)).isIdentity() ||
      use.get().getType() != sum->getResult(0).getType())
    return std::nullopt;
  OpOperand *other = sum.getDpsInputOperand(1 - use.getOperandNumber());
  AffineMap map = sum.getMatchingIndexingMap(other);
  Value bias = skipBroadcast(other->get(), map);
  if (!map.isProjectedPermutation() ||
      map.getResultPosition(getAffineDimExpr(sequence, sum.getContext())))
    return std::nullopt;
  return BiasAdd{sum, bias, map};
}

//===----------------------------------------------------------------------===//
// Rule 1: through float contractions
//===----------------------------------------------------------------------===//

namespace {
/// How the sequence runs through a contraction: as a loop that one operand and
/// the result carry, and the other operand does not.
struct SequencePath {
  linalg::LinalgOp op;
  OpOperand *operand; ///< The operand that carries the sequence.
  int64_t into;       ///< The sequence among the operand's dimensions.
  int64_t outOf;      ///< The sequence among the result's dimensions.

  /// The features per token on both sides; kDynamic if they are unknown.
  static int64_t width(Value tensor, int64_t sequence) {
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
  int64_t widthIn() const { return width(operand->get(), into); }
  int64_t widthOut() const { return width(op->getResult(0), outOf); }
};
} // namespace

/// The path on which a transform may pass through `op`: from `operand` if that
/// is given, else from whichever operand carries the result's `outOf`. Lengths,
/// if there are any, must find their sequences in the same place behind it.
static std::optional<SequencePath>
findPath(Operation *candidate, OpOperand *operand, std::optional<int64_t> into,
         std::optional<int64_t> outOf, Value lengths, std::string &why) {
  auto op = dyn_cast<linalg::LinalgOp>(candidate);
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  if (!op || !linalg::isaContractionOpInterface(op))
    return refuse("is not a contraction");
  if (!op.hasPureTensorSemantics() ||
      !isa<FloatType>(getElementTypeOrSelf(op->getResult(0))))
    return refuse("is not a contraction of float tensors");
  if (cast<RankedTensorType>(op->getResult(0).getType()).getRank() < 2)
    return refuse("leaves no features to transform");
  // It would transform, and quantize, the coefficients once more.
  if (op->hasAttr(StampDialect::kPlanAttrName))
    return refuse("has a plan that is not carried out yet");
  // L⁻¹(A)·W + C is no function of A·W alone.
  if (!isZeroTensor(op.getDpsInits()[0]))
    return refuse("adds to an init that is not zero");

  AffineMap result = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  auto tryOperand = [&](OpOperand *input) -> std::optional<SequencePath> {
    AffineMap map = op.getMatchingIndexingMap(input);
    unsigned loop =
        into ? map.getDimPosition(*into) : result.getDimPosition(*outOf);
    auto position = [&](AffineMap map) {
      return map.getResultPosition(
          getAffineDimExpr(loop, candidate->getContext()));
    };
    std::optional<unsigned> from = position(map), to = position(result);
    if (!from || !to)
      return refuse("contracts the sequence dimension");
    for (OpOperand *other : op.getDpsInputOperands())
      if (other != input && position(op.getMatchingIndexingMap(other)))
        return refuse("has a second operand that carries the sequence");
    int64_t leading =
        lengths ? cast<RankedTensorType>(lengths.getType()).getRank() : 0;
    if (leading > std::min<int64_t>(*from, *to) ||
        map.getResults().take_front(leading) !=
            result.getResults().take_front(leading))
      return refuse("does not keep in place the dimensions that the lengths "
                    "of its sequences are for");
    return SequencePath{op, input, *from, *to};
  };
  if (operand)
    return tryOperand(operand);
  for (OpOperand *input : op.getDpsInputOperands())
    if (std::optional<SequencePath> path = tryOperand(input))
      return path;
  return std::nullopt;
}

/// The contraction with another tensor in the sequence's place.
static Value cloneWith(RewriterBase &rewriter, const SequencePath &path,
                       Value operand) {
  Operation *clone = rewriter.clone(*path.op);
  clone->setOperand(path.operand->getOperandNumber(), operand);
  return clone->getResult(0);
}

/// Whether an inverse of this basis, were it to make `tensor`, would meet a
/// transform that cancels it at every use, maybe behind biases that go under
/// it.
static bool meetsTransform(Value tensor, BasisAttrInterface basis,
                           RowOrder order, int64_t dimension, Value lengths) {
  auto cancels = [&](OpOperand &use) {
    auto transform = dyn_cast<TransformOp>(use.getOwner());
    return transform && transform.getInput() == use.get() &&
           transform.getBasis() == basis && transform.getOrder() == order &&
           static_cast<int64_t>(transform.getDimension()) == dimension &&
           transform.getLengths() == lengths &&
           transform.getResult().getType() == tensor.getType();
  };
  if (tensor.hasOneUse())
    if (std::optional<BiasAdd> add =
            BiasAdd::match(*tensor.use_begin(), dimension))
      return meetsTransform(add->sum->getResult(0), basis, order, dimension,
                            lengths);
  return !tensor.use_empty() && llvm::all_of(tensor.getUses(), cancels);
}

/// The path by which an inverse transform should sink into its only user;
/// nullopt, and `why` as a phrase about the user, if it should not.
static std::optional<SequencePath> planSink(InverseTransformOp inverse,
                                            std::string &why) {
  if (!inverse.hasPureTensorSemantics()) {
    why = "it works on buffers";
    return std::nullopt;
  }
  if (!inverse->hasOneUse()) {
    why = "it has several uses";
    return std::nullopt;
  }
  if (inverse.getInput().getType() != inverse.getResult().getType()) {
    why = "it changes its tensor's type";
    return std::nullopt;
  }
  OpOperand &use = *inverse->use_begin();
  if (use.getOwner()->getBlock() != inverse->getBlock()) {
    why = "its user stands in another block, which may run more often";
    return std::nullopt;
  }
  std::string reason;
  std::optional<SequencePath> path =
      findPath(use.getOwner(), &use, inverse.getDimension(), std::nullopt,
               inverse.getLengths(), reason);
  if (!path) {
    why = "its user " + use.getOwner()->getName().getStringRef().str() + " " +
          reason;
    return std::nullopt;
  }
  int64_t in = path->widthIn(), out = path->widthOut();
  bool known = !ShapedType::isDynamic(in) && !ShapedType::isDynamic(out);
  bool cheaper = known && out <= in;
  if (!cheaper &&
      !meetsTransform(path->op->getResult(0), inverse.getBasis(),
                      inverse.getOrder(), path->outOf, inverse.getLengths())) {
    why = std::string("the contraction behind it ") +
          (known ? "makes" : "may make") +
          " its tokens wider, and no transform waits there to cancel it";
    return std::nullopt;
  }
  return path;
}

/// The path by which a transform should rise through the contraction that makes
/// its input; nullopt, and `why` as a phrase, if it should not.
static std::optional<SequencePath> planRise(TransformOp transform,
                                            std::string &why) {
  auto refuse = [&](std::string reason) {
    why = std::move(reason);
    return std::nullopt;
  };
  if (!transform.hasPureTensorSemantics())
    return refuse("it works on buffers");
  Value input = transform.getInput();
  Operation *producer = input.getDefiningOp();
  if (!producer)
    return refuse("its input is an argument");
  if (input.getType() != transform.getResult().getType())
    return refuse("it changes its tensor's type");
  if (!input.hasOneUse())
    return refuse("its input has other uses");
  if (producer->getBlock() != transform->getBlock())
    return refuse("its input is made in another block");
  std::string reason;
  std::optional<SequencePath> path =
      findPath(producer, nullptr, std::nullopt, transform.getDimension(),
               transform.getLengths(), reason);
  if (!path)
    return refuse("its input's " + producer->getName().getStringRef().str() +
                  " " + reason);
  int64_t in = path->widthIn(), out = path->widthOut();
  bool known = !ShapedType::isDynamic(in) && !ShapedType::isDynamic(out);
  if (!known || in >= out)
    return refuse("tokens may be no narrower in front of the contraction");
  return path;
}

namespace {
/// L⁻¹(A)·W = L⁻¹(A·W): W does not carry the sequence dimension, so an inverse
/// transform may wait until after the contraction, where another may cancel it.
///
///   %a = stamp.inverse_transform #b along 0 ins(%t)
///   %y = linalg.matmul ins(%a, %w) outs(%zero)
/// becomes
///   %m = linalg.matmul ins(%t, %w) outs(%zero)
///   %y = stamp.inverse_transform #b along 0 ins(%m)
struct SinkInverse final : FoldPattern<InverseTransformOp> {
  using FoldPattern::FoldPattern;

  LogicalResult matchAndRewrite(InverseTransformOp inverse,
                                PatternRewriter &rewriter) const override {
    std::string why;
    std::optional<SequencePath> path = planSink(inverse, why);
    if (!path)
      return failure();
    rewriter.setInsertionPoint(path->op);
    Value product = cloneWith(rewriter, *path, inverse.getInput());
    rewriter.replaceOpWithNewOp<InverseTransformOp>(
        path->op, product, inverse.getBasis(), path->outOf,
        /*elementType=*/Type(), inverse.getOrder(), inverse.getLengths());
    ++counts.sunk;
    return success();
  }
};

/// L(X·W) = L(X)·W, where the tokens of X are narrower than those of X·W.
///
///   %m = linalg.matmul ins(%x, %w) outs(%zero)
///   %t = stamp.transform #b along 0 ins(%m)
/// becomes
///   %a = stamp.transform #b along 0 ins(%x)
///   %t = linalg.matmul ins(%a, %w) outs(%zero)
struct RaiseTransform final : FoldPattern<TransformOp> {
  using FoldPattern::FoldPattern;

  LogicalResult matchAndRewrite(TransformOp transform,
                                PatternRewriter &rewriter) const override {
    std::string why;
    std::optional<SequencePath> path = planRise(transform, why);
    if (!path)
      return failure();
    Value risen =
        TransformOp::create(rewriter, transform.getLoc(), path->operand->get(),
                            transform.getBasis(), path->into,
                            /*elementType=*/Type(), transform.getOrder(),
                            transform.getLengths())
            .getResult();
    Value result = cloneWith(rewriter, *path, risen);
    rewriter.replaceOp(transform, result);
    ++counts.risen;
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Rule 1: past feature transforms
//===----------------------------------------------------------------------===//

/// Whether an op on the sequence and one on the features, the second the only
/// user of the first, may change places.
template <typename FirstOp, typename SecondOp>
static bool commute(FirstOp first, SecondOp second) {
  return first && first->hasOneUse() &&
         first->getBlock() == second->getBlock() &&
         first.getDimension() != second.getDimension() &&
         first.getInput().getType() == first.getInit().getType() &&
         second.getInput().getType() == second.getInit().getType();
}

namespace {
/// L⁻¹(A)·R = L⁻¹(A·R): on the way to a transform that cancels it, an inverse
/// passes what acts on features.
///
///   %a = stamp.inverse_transform #b along 0 ins(%t)
///   %y = stamp.feature_transform #r over 1 ins(%a)
/// becomes
///   %f = stamp.feature_transform #r over 1 ins(%t)
///   %y = stamp.inverse_transform #b along 0 ins(%f)
template <typename FeatureOp>
struct SinkInversePastFeatures final : FoldPattern<FeatureOp> {
  using FoldPattern<FeatureOp>::FoldPattern;

  LogicalResult matchAndRewrite(FeatureOp features,
                                PatternRewriter &rewriter) const override {
    auto inverse =
        features.getInput().template getDefiningOp<InverseTransformOp>();
    if (!commute(inverse, features))
      return failure();
    Value result =
        FeatureOp::create(rewriter, features.getLoc(), inverse.getInput(),
                          features.getTransform(), features.getSide(),
                          features.getDimension())
            .getResult();
    rewriter.replaceOpWithNewOp<InverseTransformOp>(
        features, result, inverse.getBasis(), inverse.getDimension());
    ++this->counts.sunk;
    return success();
  }
};

/// L(X·R) = L(X)·R, likewise on the way up.
///
///   %f = stamp.feature_transform #r over 1 ins(%x)
///   %t = stamp.transform #b along 0 ins(%f)
/// becomes
///   %a = stamp.transform #b along 0 ins(%x)
///   %t = stamp.feature_transform #r over 1 ins(%a)
template <typename FeatureOp>
struct RaiseTransformPastFeatures final : FoldPattern<TransformOp> {
  using FoldPattern::FoldPattern;

  LogicalResult matchAndRewrite(TransformOp transform,
                                PatternRewriter &rewriter) const override {
    auto features = transform.getInput().template getDefiningOp<FeatureOp>();
    if (!commute(features, transform))
      return failure();
    Value risen =
        TransformOp::create(rewriter, transform.getLoc(), features.getInput(),
                            transform.getBasis(), transform.getDimension())
            .getResult();
    rewriter.replaceOpWithNewOp<FeatureOp>(
        transform, risen, features.getTransform(), features.getSide(),
        features.getDimension());
    ++this->counts.risen;
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Rule 3: biases
//===----------------------------------------------------------------------===//

/// l = L·1 in that order, a vector over the tokens of `like`, or one for each
/// of the lengths; never an S×N tensor.
static Value createSpread(RewriterBase &rewriter, Location loc,
                          BasisAttrInterface basis, RowOrder order, Value like,
                          int64_t dimension, Value lengths) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, getSizeSource(like));
  int64_t leading =
      lengths ? cast<RankedTensorType>(lengths.getType()).getRank() : 0;
  Type f32 = rewriter.getF32Type();
  std::optional<int64_t> known = getConstantIntValue(sizes[dimension]);
  if (known && !lengths) {
    std::vector<float> ones = basis.getBasis()->transformedOnes(*known, order);
    auto type = RankedTensorType::get(*known, f32);
    return arith::ConstantOp::create(
        rewriter, loc, DenseElementsAttr::get(type, ArrayRef<float>(ones)));
  }
  Value one =
      arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(1));
  sizes[leading] = sizes[dimension];
  sizes.resize(leading + 1);
  sizes.push_back(rewriter.getIndexAttr(1));
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, f32);
  Value ones = linalg::FillOp::create(rewriter, loc, one, empty).getResult(0);
  Value columns = TransformOp::create(rewriter, loc, ones, basis, leading,
                                      /*elementType=*/Type(), order, lengths)
                      .getResult();
  SmallVector<ReassociationIndices> groups;
  for (int64_t d : llvm::seq(leading))
    groups.push_back({d});
  groups.push_back({leading, leading + 1});
  return tensor::CollapseShapeOp::create(rewriter, loc, columns, groups);
}

/// Whether `map` picks what a rescale takes as columns: the channels, or all
/// dimensions but the sequence.
static bool picksColumns(AffineMap map, RescaleOp rescale) {
  MLIRContext *context = map.getContext();
  int64_t rank = map.getNumDims();
  AffineMap vector = AffineMap::get(
      rank, 0, getAffineDimExpr(rescale.getResultChannelDimension(), context));
  AffineMap all = AffineMap::getMultiDimIdentityMap(rank, context)
                      .dropResult(rescale.getResultTokenDimension());
  return map == vector || map == all;
}

namespace {
/// L⁻¹(A) + 1bᵀ = L⁻¹(A + (L·1)bᵀ): the bias goes under the inverse, spread
/// over the few coefficients that L·1 is not zero in.
///
///   %i = stamp.inverse_transform #b along 0 ins(%a)
///   %y = linalg.generic ins(%i, %bias) { addf }
/// becomes
///   %s = stamp.rescale … bias(%bias) spread(%l)       where %a was a rescale,
///   %s = linalg.generic ins(%a, %bias, %l) { a + l·b }          elsewhere
///   %y = stamp.inverse_transform #b along 0 ins(%s)
struct MoveBiasUnderInverse final : FoldPattern<InverseTransformOp> {
  using FoldPattern::FoldPattern;

  LogicalResult matchAndRewrite(InverseTransformOp inverse,
                                PatternRewriter &rewriter) const override {
    if (!inverse->hasOneUse() ||
        inverse.getInput().getType() != inverse.getResult().getType())
      return failure();
    int64_t sequence = inverse.getDimension();
    OpOperand &use = *inverse->use_begin();
    std::optional<BiasAdd> add = BiasAdd::match(use, sequence);
    if (!add || add->sum->getBlock() != inverse->getBlock())
      return failure();
    rewriter.setInsertionPoint(add->sum);
    Value a = inverse.getInput();
    Value spread =
        createSpread(rewriter, add->sum.getLoc(), inverse.getBasis(),
                     inverse.getOrder(), a, sequence, inverse.getLengths());
    Value sum;
    auto rescale = a.getDefiningOp<RescaleOp>();
    if (rescale && rescale->hasOneUse() && !rescale.getBias() &&
        rescale.getResultTokenDimension() == sequence &&
        picksColumns(add->biasMap, rescale))
      sum = RescaleOp::create(
                rewriter, rescale.getLoc(), rescale.getAccumulators(),
                rescale.getRowScales(), rescale.getZeroPoints(),
                rescale.getColumnScales(), rescale.getColumnSums(),
                rescale.getInit(), add->bias, spread,
                rescale.getDimensionAttr(), rescale.getChannelDimensionAttr(),
                rescale.getGroupDimensionAttr())
                .getResult();
    else
      sum = createScaledSum(rewriter, *add, a, sequence, spread);
    rewriter.replaceOpWithNewOp<InverseTransformOp>(
        add->sum, sum, inverse.getBasis(), sequence, /*elementType=*/Type(),
        inverse.getOrder(), inverse.getLengths());
    ++counts.biases;
    return success();
  }

private:
  static Value createScaledSum(RewriterBase &rewriter, BiasAdd add, Value a,
                               int64_t sequence, Value spread) {
    AffineMap identity = rewriter.getMultiDimIdentityMap(
        cast<RankedTensorType>(a.getType()).getRank());
    int64_t leading = cast<RankedTensorType>(spread.getType()).getRank() - 1;
    SmallVector<AffineExpr> ofSequence(
        identity.getResults().take_front(leading));
    ofSequence.push_back(rewriter.getAffineDimExpr(sequence));
    AffineMap tokens = AffineMap::get(identity.getNumDims(), 0, ofSequence,
                                      rewriter.getContext());
    SmallVector<utils::IteratorType> iterators(identity.getNumDims(),
                                               utils::IteratorType::parallel);
    Location loc = add.sum.getLoc();
    Value init = createEmptyLike(rewriter, loc, a);
    Type type = getElementTypeOrSelf(a);
    return linalg::GenericOp::create(
               rewriter, loc, init.getType(), ValueRange{a, add.bias, spread},
               init,
               ArrayRef<AffineMap>{identity, add.biasMap, tokens, identity},
               iterators,
               [&](OpBuilder &nested, Location loc, ValueRange arguments) {
                 ImplicitLocOpBuilder b(loc, nested);
                 Value share = arguments[2];
                 if (!type.isF32())
                   share = arith::TruncFOp::create(b, type, share);
                 Value part = arith::MulFOp::create(b, share, arguments[1]);
                 linalg::YieldOp::create(b, ValueRange{arith::AddFOp::create(
                                                b, arguments[0], part)});
               })
        .getResult(0);
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// The rules together
//===----------------------------------------------------------------------===//

static int64_t countOps(Operation *root) {
  int64_t count = 0;
  root->walk([&](Operation *op) {
    count += isa<TransformOp, InverseTransformOp, FeatureTransformOp,
                 InverseFeatureTransformOp, QuantizeOp>(op);
  });
  return count;
}

/// Rule 5: linears that read the same X share its transform and codes.
static int64_t shareEqualOps(Operation *root,
                             RewriterBase::Listener *listener) {
  int64_t before = countOps(root);
  IRRewriter rewriter(root->getContext(), listener);
  DominanceInfo dominance(root);
  eliminateCommonSubExpressions(rewriter, dominance, root);
  return before - countOps(root);
}

static void explainTransformsLeft(Operation *root) {
  root->walk([&](Operation *op) {
    std::string why;
    if (auto inverse = dyn_cast<InverseTransformOp>(op)) {
      if (!planSink(inverse, why))
        remark::missed(op->getLoc(), kRemark)
            << remark::reason("the inverse transform stays: {0}", why);
    } else if (auto transform = dyn_cast<TransformOp>(op)) {
      if (!planRise(transform, why))
        remark::missed(op->getLoc(), kRemark)
            << remark::reason("the transform stays: {0}", why);
    }
  });
}

LogicalResult stamp::foldTransforms(Operation *root,
                                    RewriterBase::Listener *listener) {
  MLIRContext *context = root->getContext();
  RewritePatternSet sizes(context);
  sizes.add<MeasureSource>(context);
  walkAndApplyPatterns(root, std::move(sizes), listener);

  FoldCounts counts;
  RewritePatternSet patterns(context);
  patterns.add<CancelPair<TransformOp, InverseTransformOp>,
               CancelPair<InverseTransformOp, TransformOp>, SinkInverse,
               SinkInversePastFeatures<FeatureTransformOp>,
               SinkInversePastFeatures<InverseFeatureTransformOp>,
               RaiseTransform, RaiseTransformPastFeatures<FeatureTransformOp>,
               RaiseTransformPastFeatures<InverseFeatureTransformOp>,
               MoveBiasUnderInverse>(context, counts);
  if (failed(
          applyPatternsGreedily(root, std::move(patterns),
                                GreedyRewriteConfig().setListener(listener))))
    return failure();
  counts.shared = shareEqualOps(root, listener);
  explainTransformsLeft(root);
  remark::analysis(root->getLoc(), kRemark)
      << remark::metric("sunk", counts.sunk)
      << remark::metric("risen", counts.risen)
      << remark::metric("cancelled", counts.cancelled)
      << remark::metric("biases", counts.biases)
      << remark::metric("shared", counts.shared);
  return success();
}

namespace {
struct StampFold final : public stamp::impl::StampFoldBase<StampFold> {
  void runOnOperation() override {
    if (failed(foldTransforms(getOperation()))) {
      getOperation()->emitOpError() << "stamp-fold did not reach a fixed point";
      signalPassFailure();
    }
  }
};
} // namespace
