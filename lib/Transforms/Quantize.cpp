//===- Quantize.cpp - Carry out the plans ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %y = linalg.matmul {stamp.plan = …} ins(%x, %w) outs(%zero)
//
// becomes, by Y = L⁻¹(Q_a(L X R)·Q_w(R⁻¹ W)),
//
//   %t = stamp.transform … ins(%x)
//   %f = stamp.feature_transform … ins(%t)
//   %q, %s, %z = stamp.quantize … ins(%f)
//   %v = stamp.inverse_feature_transform … left … ins(%w)
//   %wq, %ws, %wc = stamp.quantize_weight … ins(%v)
//   %a = linalg.matmul ins(%q, %wq) outs(%izero)
//   %r = stamp.rescale … ins(%a, %s, %z, %ws, %wc)
//   %y = stamp.inverse_transform … ins(%r)
//
// Whatever the form of the contraction, it stays: a matmul is one on codes, a
// generic a generic. It becomes a linalg.contract where the weight is read by
// other maps, in front of its transpose or its broadcast to the batch.
//
// With groups along K the contraction adds up each group by itself, and rescale
// the groups:
//
//   %qg = tensor.expand_shape %q                               S×K to S×G×g
//   %wg = tensor.expand_shape %wq                              K×N to G×g×N
//   %a = linalg.contract ins(%qg, %wg) outs(%izero)            S×G×N
//   %r = stamp.rescale … groups along 1 ins(%a, …)
//
// A K whose sums would overflow has groups for its accumulators alone.
//
// Between X and Y everything is f32, whatever their types. Each op stands here
// unfolded: moving and cancelling transforms is stamp-fold's part.
//
//===----------------------------------------------------------------------===//

#include "Globals.h"
#include "QuantizedWeights.h"

#include "stamp/IR/Constants.h"
#include "stamp/IR/Groups.h"
#include "stamp/Transforms/Padding.h"
#include "stamp/Transforms/Passes.h"
#include "stamp/Transforms/Transforms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPQUANTIZE
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Quantize").category("stamp-quantize");

//===----------------------------------------------------------------------===//
// The contraction on codes
//===----------------------------------------------------------------------===//

namespace {
/// What the integer contraction works on, each with the loops of its
/// dimensions. Those are the linear's, and one more if K has groups.
struct Codes {
  /// The operands of a linear under a plan, with accumulators for its result.
  Codes(const Linear &linear, bool grouped);

  unsigned sequence, channels, reduced;
  std::optional<unsigned> groups;
  SmallVector<unsigned> x, weight, accumulators;
};
} // namespace

static SmallVector<unsigned> getLoops(AffineMap map) {
  return llvm::map_to_vector(map.getResults(), [](AffineExpr index) {
    return cast<AffineDimExpr>(index).getPosition();
  });
}

static int64_t positionOf(ArrayRef<unsigned> loops, unsigned loop) {
  return llvm::find(loops, loop) - loops.begin();
}

Codes::Codes(const Linear &linear, bool grouped)
    : x(getLoops(linear.xMap)), weight(getLoops(linear.weightMap)),
      accumulators(getLoops(linear.resultMap)) {
  sequence = x[linear.sequence];
  reduced = x[linear.features];
  channels = accumulators[linear.channels];
  if (!grouped)
    return;
  // On that side of the channels on which the weight's scales have them.
  groups = linear.xMap.getNumDims();
  bool behind = positionOf(weight, channels) < linear.weightReduced;
  accumulators.insert(accumulators.begin() + linear.channels + behind, *groups);
}

/// Zeroed i32 accumulators; all tensors have their sizes from the linear's init
/// but for the number of groups.
static Value createAccumulators(OpBuilder &builder, Location loc, Value init,
                                const Codes &codes, OpFoldResult numGroups) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, getSizeSource(init));
  if (codes.groups)
    sizes.insert(sizes.begin() + positionOf(codes.accumulators, *codes.groups),
                 numGroups);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value empty =
      tensor::EmptyOp::create(builder, loc, sizes, builder.getI32Type());
  return linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
}

/// The same op by name, on other types. What else it is marked with, and how it
/// casts its operands, belongs to the original.
static linalg::LinalgOp createAlike(OpBuilder &builder, linalg::LinalgOp op,
                                    ValueRange inputs, Value init) {
  SmallVector<NamedAttribute> attributes;
  for (StringRef name : {"indexing_maps", "operandSegmentSizes"})
    if (std::optional<Attribute> inherent = op->getInherentAttr(name);
        inherent && *inherent)
      attributes.push_back(builder.getNamedAttr(name, *inherent));
  OperationState state(op.getLoc(), op->getName());
  state.addOperands(inputs);
  state.addOperands(init);
  state.addTypes(init.getType());
  state.addAttributes(attributes);
  Block &body = state.addRegion()->emplaceBlock();
  for (Value operand : state.operands)
    body.addArgument(getElementTypeOrSelf(operand), op.getLoc());
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  b.setInsertionPointToStart(&body);
  op.getRegionBuilder()(b, body, attributes, {});
  return cast<linalg::LinalgOp>(builder.create(state));
}

/// The contraction on i8 codes, into i32 sums, in the form of the original: its
/// name unless the weight is read by other maps, a generic if it was one.
static linalg::LinalgOp createIntegerContraction(OpBuilder &builder,
                                                 const Linear &linear,
                                                 Value codes, Value weightCodes,
                                                 Value init) {
  linalg::LinalgOp op = linear.op;
  Location loc = op.getLoc();
  SmallVector<Value> inputs = {codes, weightCodes};
  SmallVector<AffineMap> maps = {linear.xMap, linear.weightMap,
                                 linear.resultMap};
  if (linear.weightIsFirst) {
    std::swap(inputs[0], inputs[1]);
    std::swap(maps[0], maps[1]);
  }
  SmallVector<utils::IteratorType> iterators;
  for (unsigned loop : llvm::seq(linear.resultMap.getNumDims()))
    iterators.push_back(linear.resultMap.isFunctionOfDim(loop)
                            ? utils::IteratorType::parallel
                            : utils::IteratorType::reduction);
  if (isa<linalg::GenericOp>(op.getOperation()))
    return linalg::GenericOp::create(
        builder, loc, init.getType(), inputs, init, maps, iterators,
        [](OpBuilder &nested, Location loc, ValueRange arguments) {
          ImplicitLocOpBuilder b(loc, nested);
          Type i32 = b.getI32Type();
          Value product = arith::MulIOp::create(
              b, arith::ExtSIOp::create(b, i32, arguments[0]),
              arith::ExtSIOp::create(b, i32, arguments[1]));
          linalg::YieldOp::create(
              b, ValueRange{arith::AddIOp::create(b, arguments[2], product)});
        });
  if (op.getIndexingMapsArray() == maps)
    return createAlike(builder, op, inputs, init);
  return linalg::ContractOp::create(builder, loc, TypeRange(init), inputs, init,
                                    builder.getAffineMapArrayAttr(maps));
}

/// The contraction on codes whose features have been split into groups, into
/// one accumulator per group. Loops: those of the accumulators, and the
/// features of a group.
static linalg::LinalgOp createGroupedContraction(OpBuilder &builder,
                                                 Location loc,
                                                 const Codes &codes, Value x,
                                                 Value weight, Value init) {
  unsigned summed = codes.accumulators.size();
  auto mapTo = [&](ArrayRef<unsigned> loops) {
    SmallVector<AffineExpr> indices;
    for (unsigned loop : loops) {
      if (loop == codes.reduced) {
        indices.push_back(builder.getAffineDimExpr(
            positionOf(codes.accumulators, *codes.groups)));
        indices.push_back(builder.getAffineDimExpr(summed));
      } else {
        indices.push_back(
            builder.getAffineDimExpr(positionOf(codes.accumulators, loop)));
      }
    }
    return AffineMap::get(summed + 1, 0, indices, builder.getContext());
  };
  AffineMap maps[] = {mapTo(codes.x), mapTo(codes.weight),
                      mapTo(codes.accumulators)};
  return linalg::ContractOp::create(builder, loc, TypeRange(init),
                                    ValueRange{x, weight}, init,
                                    builder.getAffineMapArrayAttr(maps));
}

//===----------------------------------------------------------------------===//
// Scales in the order of the accumulators
//===----------------------------------------------------------------------===//

/// `loops` without K, or with its groups in its place.
static SmallVector<unsigned> dropReduced(ArrayRef<unsigned> loops,
                                         const Codes &codes, bool grouped) {
  SmallVector<unsigned> result;
  for (unsigned loop : loops) {
    if (loop != codes.reduced)
      result.push_back(loop);
    else if (grouped)
      result.push_back(*codes.groups);
  }
  return result;
}

/// A tensor with one dimension for each of the loops `from` as one with the
/// loops `to`: permuted, and repeated along those that it did not have.
static Value arrange(OpBuilder &builder, Location loc, Value tensor,
                     ArrayRef<unsigned> from, ArrayRef<unsigned> to,
                     const Codes &codes, Value accumulators) {
  if (from == to)
    return tensor;
  SmallVector<OpFoldResult> sizes;
  for (unsigned loop : to)
    sizes.push_back(tensor::getMixedSize(builder, loc,
                                         getSizeSource(accumulators),
                                         positionOf(codes.accumulators, loop)));
  Value init = tensor::EmptyOp::create(builder, loc, sizes,
                                       getElementTypeOrSelf(tensor));
  AffineMap identity = builder.getMultiDimIdentityMap(to.size());
  SmallVector<unsigned> places = llvm::map_to_vector(from, [&](unsigned loop) {
    return static_cast<unsigned>(positionOf(to, loop));
  });
  SmallVector<utils::IteratorType> iterators(to.size(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, init.getType(), tensor, init,
             ArrayRef<AffineMap>{identity.getSubMap(places), identity},
             iterators,
             [](OpBuilder &b, Location loc, ValueRange arguments) {
               linalg::YieldOp::create(b, loc, arguments.front());
             })
      .getResult(0);
}

/// What is told of each row, as rescale takes it.
static Value arrangeRows(OpBuilder &builder, Location loc, Value rows,
                         const Codes &codes, bool grouped, Value accumulators) {
  SmallVector<unsigned> to = codes.accumulators;
  llvm::erase(to, codes.channels);
  if (codes.groups && !grouped)
    llvm::erase(to, *codes.groups);
  return arrange(builder, loc, rows, dropReduced(codes.x, codes, grouped), to,
                 codes, accumulators);
}

/// What is told of each column: that of all tokens, if the weight has a batch.
static Value arrangeColumns(OpBuilder &builder, Location loc, Value columns,
                            const Codes &codes, bool grouped,
                            Value accumulators) {
  SmallVector<unsigned> from = dropReduced(codes.weight, codes, grouped);
  bool batch = codes.weight.size() > 2;
  SmallVector<unsigned> to = codes.accumulators;
  llvm::erase_if(to, [&](unsigned loop) {
    if (loop == codes.groups)
      return !grouped;
    return loop == codes.sequence || (!batch && loop != codes.channels);
  });
  return arrange(builder, loc, columns, from, to, codes, accumulators);
}

//===----------------------------------------------------------------------===//
// Convolutions that leave pixels out
//===----------------------------------------------------------------------===//

/// The X of a linear without the pixels that its strides leave out.
static Value takeReadPixels(OpBuilder &builder, Location loc,
                            const Linear &linear) {
  if (linear.strides.empty())
    return linear.x;
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, getSizeSource(linear.x));
  SmallVector<OpFoldResult> left =
      tensor::getMixedSizes(builder, loc, getSizeSource(linear.init));
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
  for (int64_t d : linear.xArrangement.groups[linear.sequence])
    sizes[d] = left[d];
  return tensor::ExtractSliceOp::create(
      builder, loc, linear.x, offsets, sizes,
      getAsIndexOpFoldResult(builder.getContext(), linear.strides));
}

//===----------------------------------------------------------------------===//
// Results in blocks
//===----------------------------------------------------------------------===//

/// An init in the shape of the arranged result, by the sizes of X and W.
static Value createArrangedInit(OpBuilder &builder, Location loc,
                                const Linear &linear, Value x, Value w) {
  SmallVector<OpFoldResult> sizes;
  for (AffineExpr loop : linear.resultMap.getResults()) {
    std::optional<unsigned> inX = linear.xMap.getResultPosition(loop);
    sizes.push_back(
        inX ? tensor::getMixedSize(builder, loc, x, *inX)
            : tensor::getMixedSize(builder, loc, w,
                                   *linear.weightMap.getResultPosition(loop)));
  }
  return tensor::EmptyOp::create(builder, loc, sizes,
                                 getElementTypeOrSelf(linear.init));
}

/// Gives those who unpack the result of a linear what they unpack from it.
static void bypassUnpacks(RewriterBase &rewriter, const Linear &linear,
                          Value y) {
  for (Operation *user : llvm::make_early_inc_range(linear.op->getUsers())) {
    auto unpack = dyn_cast<linalg::UnPackOp>(user);
    if (!unpack || !linear.isUnpackedBy(unpack))
      continue;
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(unpack);
    Location loc = unpack.getLoc();
    Value result = y;
    if (y.getType() != unpack.getDestType() ||
        !unpack.getDestType().hasStaticShape()) {
      int64_t rank = unpack.getDestRank();
      SmallVector<OpFoldResult> zeros(rank, rewriter.getIndexAttr(0)),
          ones(rank, rewriter.getIndexAttr(1));
      result = tensor::ExtractSliceOp::create(
          rewriter, loc, unpack.getDestType(), y, zeros,
          tensor::getMixedSizes(rewriter, loc, unpack.getDest()), ones);
    }
    rewriter.replaceOp(unpack, result);
  }
}

//===----------------------------------------------------------------------===//
// The linear
//===----------------------------------------------------------------------===//

/// What a linear adds to its product.
struct Addend {
  Value tensor;
  AffineMap map; ///< From the dimensions of the arranged result.
};

/// A bias that has been repeated for all tokens, so that a contraction adds to
/// it, is read in front of the repetition, where it is still known to be one.
static Addend findAddend(OpBuilder &builder, Location loc,
                         const Linear &linear) {
  auto type = cast<RankedTensorType>(linear.init.getType());
  const SmallVector<ReassociationIndices> &groups =
      linear.resultArrangement.groups;
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  Weight bias = Weight::seeThrough(linear.init, identity);
  // Dimensions of the bias as dimensions of the arranged result.
  SmallVector<unsigned> places;
  for (AffineExpr index : bias.map.getResults()) {
    auto dimension = dyn_cast<AffineDimExpr>(index);
    if (!dimension)
      break;
    ReassociationIndices alone = {dimension.getPosition()};
    const auto *group = llvm::find(groups, alone);
    if (group == groups.end() ||
        group - groups.begin() == linear.resultSequence)
      break;
    places.push_back(group - groups.begin());
  }
  identity = builder.getMultiDimIdentityMap(groups.size());
  if (places.size() == bias.map.getNumResults())
    return {bias.materialize(builder, loc), identity.getSubMap(places)};
  return {linear.resultArrangement.apply(builder, loc, linear.init), identity};
}

/// y + addend, in f32 and narrowed to the type of `init`, whose size it has.
static Value createSum(OpBuilder &builder, Location loc, Value y,
                       const Addend &addend, Value init) {
  Type resultType = getElementTypeOrSelf(init);
  int64_t rank = cast<RankedTensorType>(init.getType()).getRank();
  AffineMap identity = builder.getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  Value empty = createEmptyLike(builder, loc, init);
  return linalg::GenericOp::create(
             builder, loc, empty.getType(), ValueRange{y, addend.tensor}, empty,
             ArrayRef<AffineMap>{identity, addend.map, identity}, iterators,
             [&](OpBuilder &nested, Location loc, ValueRange x) {
               ImplicitLocOpBuilder b(loc, nested);
               Value term = x[1];
               if (term.getType() != x[0].getType())
                 term = arith::ExtFOp::create(b, x[0].getType(), term);
               Value sum = arith::AddFOp::create(b, x[0], term);
               if (resultType != sum.getType())
                 sum = arith::TruncFOp::create(b, resultType, sum);
               linalg::YieldOp::create(b, sum);
             })
      .getResult(0);
}

void stamp::eraseDead(RewriterBase &rewriter, ArrayRef<Value> values) {
  llvm::SmallSetVector<Operation *, 8> unused;
  auto add = [&](ValueRange values) {
    for (Value value : values)
      if (Operation *producer = value.getDefiningOp())
        unused.insert(producer);
  };
  add(values);
  while (!unused.empty()) {
    Operation *last = unused.pop_back_val();
    if (!isOpTriviallyDead(last))
      continue;
    SmallVector<Value> operands = llvm::to_vector(last->getOperands());
    rewriter.eraseOp(last);
    add(operands);
  }
}

/// The inputs whose products one i32 accumulator adds up, if not all K of them:
/// the group of the plan, or, where |Σ(q − z)·q_w| ≤ 255·127·K may reach 2³¹,
/// an equal part of K, so that none is padded by more than it has to be.
static std::optional<int64_t> getAccumulatorGroup(PlanAttr plan, int64_t k) {
  if (int64_t group =
          std::max(plan.getActivationGroup(), plan.getWeightGroup()))
    return group;
  constexpr int64_t kMaxSum = 66311;
  if (ShapedType::isDynamic(k) || k <= kMaxSum)
    return std::nullopt;
  return llvm::divideCeil(k, llvm::divideCeil(k, kMaxGroup));
}

/// Adds all that the values of a tensor depend on; false if not all is known.
static bool addToKey(Value tensor, SmallVectorImpl<Attribute> &key) {
  Attribute constant;
  if (matchPattern(tensor, m_Constant(&constant))) {
    key.push_back(constant);
    return true;
  }
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return false;
  SmallVector<Value> sources = getWeightSources(op);
  llvm::append_values(key, op->getName().getIdentifier(),
                      op->getAttrDictionary(), TypeAttr::get(tensor.getType()));
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    addToKey(pad.getConstantPaddingValue(), key);
  return !sources.empty() && llvm::all_of(sources, [&](Value source) {
    return addToKey(source, key);
  });
}

/// All that the codes of a constant weight depend on; null if it is none.
static Attribute getKey(QuantizeWeightOp op) {
  SmallVector<Attribute> key = {op->getAttrDictionary()};
  if (!addToKey(op.getWeight(), key))
    return {};
  return ArrayAttr::get(op->getContext(), key);
}

/// What has been done to a picked weight, done to all that it is picked from.
static Value rebuildOnWhole(OpBuilder &builder, Value picked) {
  Operation *op = picked.getDefiningOp();
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return slice.getSource();
  Location loc = op->getLoc();
  Value input = op->getOperand(0), whole = rebuildOnWhole(builder, input);
  Type type = getElementTypeOrSelf(picked);
  if (isa<arith::ExtFOp>(op))
    return arith::ExtFOp::create(
        builder, loc, cast<RankedTensorType>(whole.getType()).clone(type),
        whole);
  SmallVector<int64_t> dimensions = PickedWeight::match(input)->dimensions;
  if (auto transform = dyn_cast<FeatureTransformOp>(op))
    return FeatureTransformOp::create(
               builder, loc, whole, transform.getTransform(),
               transform.getSide(), dimensions[transform.getDimension()], type)
        .getResult();
  if (auto transform = dyn_cast<InverseFeatureTransformOp>(op))
    return InverseFeatureTransformOp::create(
               builder, loc, whole, transform.getTransform(),
               transform.getSide(), dimensions[transform.getDimension()], type)
        .getResult();
  return whole;
}

/// Quantizes all the weights of which run time picks one, and picks its codes,
/// scales and sums:
///
///   %w = tensor.extract_slice %all[%layer, 0, 0] …
///   %q, %s, %c = stamp.quantize_weight … ins(%w)
/// becomes
///   %qs, %ss, %cs = stamp.quantize_weight … ins(%all)
///   %q = tensor.extract_slice %qs[%layer, 0, 0] …
///   %s = tensor.extract_slice %ss[%layer, 0] …
///   %c = tensor.extract_slice %cs[%layer, 0] …
///
/// The new one is for all; null, and nothing happens, if none is picked.
static QuantizeWeightOp pickAmongCodes(RewriterBase &rewriter,
                                       QuantizeWeightOp op) {
  std::optional<PickedWeight> picked = PickedWeight::match(op.getWeight());
  if (!picked)
    return {};
  tensor::ExtractSliceOp slice = picked->slice;
  int64_t reduced = picked->dimensions[op.getReducedDimension()];
  if (slice.getStaticSize(reduced) != slice.getSourceType().getDimSize(reduced))
    return {};
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfterValue(slice.getSource());
  Location loc = op.getLoc();
  auto all = QuantizeWeightOp::create(
      rewriter, loc, rebuildOnWhole(rewriter, op.getWeight()), op.getBits(),
      reduced, op.getGroupSize(), op.getGroupsForSums());
  rewriter.setInsertionPoint(op);
  SmallVector<Value> results;
  for (auto [from, to] : llvm::zip_equal(all.getResults(), op.getResults())) {
    SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(),
                              sizes = slice.getMixedSizes(),
                              strides = slice.getMixedStrides();
    auto fromType = cast<RankedTensorType>(from.getType());
    if (fromType.getRank() == static_cast<int64_t>(sizes.size())) {
      sizes[reduced] = rewriter.getIndexAttr(fromType.getDimSize(reduced));
    } else {
      offsets.erase(offsets.begin() + reduced);
      sizes.erase(sizes.begin() + reduced);
      strides.erase(strides.begin() + reduced);
    }
    results.push_back(tensor::ExtractSliceOp::create(
        rewriter, loc, cast<RankedTensorType>(to.getType()), from, offsets,
        sizes, strides));
  }
  Value weight = op.getWeight();
  rewriter.replaceOp(op, results);
  eraseDead(rewriter, weight);
  return all;
}

void stamp::foldConstantWeight(RewriterBase &rewriter, Operation *weight,
                               QuantizeWeightOp op, KnownWeights &known) {
  if (QuantizeWeightOp all = pickAmongCodes(rewriter, op)) {
    op = all;
    weight = all;
  }
  Attribute key = getKey(op);
  if (!key)
    return;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(weight);
  SmallVector<Value> folded;
  if (auto before = known.find(key); before != known.end()) {
    const WeightCodes &same = before->second;
    for (TypedAttr value : {same.codes, same.scales, same.sums})
      folded.push_back(arith::ConstantOp::create(rewriter, op.getLoc(), value));
  } else {
    if (failed(rewriter.tryFold(op, folded)))
      return;
    auto getValue = [](Value constant) {
      return cast<arith::ConstantOp>(constant.getDefiningOp()).getValue();
    };
    CodeWidth width = {op.getScaleGroup(), static_cast<int64_t>(op.getBits())};
    known.insert({key,
                  {getValue(folded[0]), getValue(folded[1]),
                   getValue(folded[2]), width}});
  }
  SmallVector<Value> operands = llvm::to_vector(op->getOperands());
  rewriter.replaceOp(op, folded);
  eraseDead(rewriter, operands);
}

/// A group of 0 is all of K.
static std::optional<int64_t> asOptional(int64_t group) {
  return group ? std::optional(group) : std::nullopt;
}

std::optional<std::string> stamp::whyNotKept(const Linear &linear,
                                             PlanAttr plan) {
  if (!linear.weight.isCodes())
    return std::nullopt;
  constexpr const char *kPrefix =
      "cannot be carried out: its weight comes as codes, but ";
  if (!plan.getFeatures().empty())
    return std::string(kPrefix) + "a feature transform would change them";
  std::string why;
  if (!WeightCodes::inspect(linear.weight, linear.weightReduced,
                            asOptional(plan.getActivationGroup()), why))
    return kPrefix + why;
  return std::nullopt;
}

namespace {
/// A weight as the integer contraction and its rescale take it.
struct QuantizedWeight {
  Value codes, scales, sums;
  std::optional<int64_t> group; ///< The inputs that share a scale.
};
} // namespace

/// The codes that a weight comes with.
static QuantizedWeight keepCodes(OpBuilder &builder, Location loc,
                                 const Linear &linear,
                                 std::optional<int64_t> activationGroup,
                                 KnownWeights &known) {
  std::string why;
  std::optional<WeightCodes> kept = WeightCodes::read(
      linear.weight, linear.weightReduced, activationGroup, why, known);
  assert(kept && "checked by whyNotKept");
  auto create = [&](TypedAttr value) -> Value {
    return arith::ConstantOp::create(builder, loc, value);
  };
  return {create(kept->codes), create(kept->scales), create(kept->sums),
          kept->width.group};
}

QuantizedLinear stamp::quantizeLinear(RewriterBase &rewriter, Linear linear,
                                      PlanAttr plan, KnownWeights &known,
                                      Value lengths) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(linear.op);
  Location loc = linear.op.getLoc();
  Type f32 = rewriter.getF32Type();
  QuantizedLinear pieces;

  // A contraction adds to its init: in f32, so that only the sum is narrowed.
  bool adds = !isZeroTensor(linear.init);
  Value x = linear.xArrangement.apply(rewriter, loc,
                                      takeReadPixels(rewriter, loc, linear));
  bool isCodes = linear.weight.isCodes();
  Value w =
      isCodes ? linear.weight.tensor : linear.weight.materialize(rewriter, loc);
  Operation *constant = isCodes ? nullptr : w.getDefiningOp();
  if (!isCodes)
    w = linear.weightArrangement.apply(rewriter, loc, w);
  Value init = linear.init;
  if (!linear.resultArrangement.isIdentity())
    init = createArrangedInit(rewriter, loc, linear, x, w);
  bool transforms = !plan.getBasis().isIdentity();
  if (transforms) {
    pieces.transform =
        TransformOp::create(rewriter, loc, x, plan.getBasis(), linear.sequence,
                            f32, RowOrder::CoarseFirst, lengths);
    x = pieces.transform.getResult();
  }
  // (L X)·R₁·R₂… and …R₂⁻¹·R₁⁻¹·W: each acts on what the one before has made.
  for (FeatureTransformAttrInterface transform : plan.getFeatures()) {
    x = FeatureTransformOp::create(rewriter, loc, x, transform, Side::Right,
                                   linear.features, f32)
            .getResult();
    w = InverseFeatureTransformOp::create(rewriter, loc, w, transform,
                                          Side::Left, linear.weightReduced, f32)
            .getResult();
  }
  std::optional<int64_t> activationGroup =
      asOptional(plan.getActivationGroup());
  QuantizedWeight weight;
  weight.group = asOptional(plan.getWeightGroup());
  if (isCodes)
    weight = keepCodes(rewriter, loc, linear, activationGroup, known);
  std::optional<int64_t> group =
      !isCodes          ? getAccumulatorGroup(plan, linear.getReductionLength())
      : activationGroup ? activationGroup
                        : weight.group;
  pieces.quantize = QuantizeOp::create(rewriter, loc, x, plan.getActivations(),
                                       linear.sequence, linear.features,
                                       activationGroup, lengths);
  QuantizeWeightOp quantizeWeight;
  if (!isCodes) {
    quantizeWeight = QuantizeWeightOp::create(
        rewriter, loc, w, plan.getWeightBits(), linear.weightReduced, group,
        /*groupsForSums=*/!weight.group && group);
    weight.codes = quantizeWeight.getCodes();
    weight.scales = quantizeWeight.getScales();
    weight.sums = quantizeWeight.getSums();
  }

  Codes codes(linear, group.has_value());
  Value xCodes = pieces.quantize.getCodes(), weightCodes = weight.codes;
  OpFoldResult numGroups;
  if (group) {
    xCodes = splitGroups(rewriter, loc, xCodes, linear.features, *group);
    weightCodes =
        splitGroups(rewriter, loc, weightCodes, linear.weightReduced, *group);
    numGroups = tensor::getMixedSize(rewriter, loc, xCodes, linear.features);
  }
  Value accumulators =
      createAccumulators(rewriter, loc, init, codes, numGroups);
  pieces.contraction =
      group ? createGroupedContraction(rewriter, loc, codes, xCodes,
                                       weightCodes, accumulators)
            : createIntegerContraction(rewriter, linear, xCodes, weightCodes,
                                       accumulators);

  auto rows = [&](Value tensor) {
    return arrangeRows(rewriter, loc, tensor, codes,
                       activationGroup.has_value(), accumulators);
  };
  auto columns = [&](Value tensor, bool grouped) {
    return arrangeColumns(rewriter, loc, tensor, codes, grouped, accumulators);
  };
  Type resultType = getElementTypeOrSelf(init);
  Type inverseType = adds ? f32 : resultType;
  Type rescaledType = transforms ? f32 : inverseType;
  pieces.rescale = RescaleOp::create(
      rewriter, loc, pieces.contraction->getResult(0),
      rows(pieces.quantize.getScales()), rows(pieces.quantize.getZeroPoints()),
      columns(weight.scales, weight.group.has_value()),
      columns(weight.sums, group.has_value()),
      createEmptyLike(rewriter, loc, init, rescaledType),
      /*bias=*/Value(), /*spread=*/Value(),
      rewriter.getI64IntegerAttr(
          positionOf(codes.accumulators, codes.sequence)),
      rewriter.getI64IntegerAttr(
          positionOf(codes.accumulators, codes.channels)),
      group ? rewriter.getI64IntegerAttr(
                  positionOf(codes.accumulators, *codes.groups))
            : IntegerAttr());
  Value y = pieces.rescale.getResult();
  if (transforms) {
    pieces.inverse = InverseTransformOp::create(
        rewriter, loc, y, plan.getBasis(), linear.resultSequence, inverseType,
        RowOrder::CoarseFirst, lengths);
    y = pieces.inverse.getResult();
  }
  if (adds)
    y = createSum(rewriter, loc, y, findAddend(rewriter, loc, linear), init);
  bypassUnpacks(rewriter, linear, y);
  remark::passed(loc, kRemark) << "quantized";
  SmallVector<Value> operands = llvm::to_vector(linear.op->getOperands());
  operands.push_back(init);
  if (linear.op->use_empty())
    rewriter.eraseOp(linear.op);
  else
    rewriter.replaceOp(linear.op, linear.resultArrangement.undo(
                                      rewriter, loc, y, linear.init,
                                      /*wholeBlocks=*/linear.isUnpacked));
  eraseDead(rewriter, operands);
  if (constant)
    foldConstantWeight(rewriter, constant, quantizeWeight, known);
  return pieces;
}

namespace {
struct StampQuantize final
    : public stamp::impl::StampQuantizeBase<StampQuantize> {
  void runOnOperation() override {
    inlineGlobals(getOperation());
    SmallVector<linalg::LinalgOp> planned;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op->hasAttr(StampDialect::kPlanAttrName))
        planned.push_back(op);
    });

    std::string why;
    KnownWeights known;
    PaddedSequences padded(getOperation());
    SmallVector<Value> lengths;
    for (linalg::LinalgOp op : planned) {
      std::optional<Linear> linear = Linear::match(op, why);
      std::optional<std::string> misfit = whyMisfit(op, getPlan(op));
      if (!misfit && linear)
        misfit = whyNotKept(*linear, getPlan(op));
      if (misfit) {
        op->emitOpError() << "has a plan that " << *misfit;
        return signalPassFailure();
      }
      lengths.push_back(padded.findLengths(*linear));
    }

    // Matched once more: a linear before it may have made its input.
    IRRewriter rewriter(&getContext());
    for (auto [op, ownLengths] : llvm::zip_equal(planned, lengths))
      quantizeLinear(rewriter, *Linear::match(op, why), getPlan(op), known,
                     ownLengths);
    if (getOperation()->hasTrait<OpTrait::SymbolTable>())
      prepackMarkedWeights(rewriter, getOperation(), known);
    remark::analysis(getOperation()->getLoc(), kRemark)
        << remark::metric("quantized", planned.size());
  }

private:
  static PlanAttr getPlan(linalg::LinalgOp op) {
    return op->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName);
  }
};
} // namespace
