//===- QuantizeAttention.cpp - Keys and values as codes --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention is Y = P·V with P = softmax(Q·Kᵀ). K and V are as long as the
// sequence that is attended to and outlive the step that makes them, so they
// are what is worth few bits:
//
//   %s = linalg.contract ins(%q, %k)
//   %p = …softmax of %s…
//   %y = linalg.contract ins(%p, %v)
//
// becomes, for K as for V,
//
//   %t = stamp.transform … ins(%k)
//   %c, %sk, %z = stamp.quantize … ins(%t)
//   %d = stamp.dequantize … ins(%c, %sk, %z)
//   %i = stamp.inverse_transform … ins(%d)
//   %s = linalg.contract ins(%q, %i)
//
// The inverse stands where the tokens stood: stamp-fold knows where it is
// cheaper.
//
//===----------------------------------------------------------------------===//

#include "Fold/Passage.h"
#include "Options.h"

#include "stamp/IR/Groups.h"
#include "stamp/Transforms/Passes.h"
#include "stamp/Transforms/Weight.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPQUANTIZEATTENTION
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("QuantizeAttention")
        .category("stamp-quantize-attention");

//===----------------------------------------------------------------------===//
// Products of two activations
//===----------------------------------------------------------------------===//

/// Whether both factors are computed at run time, as floats.
static bool isProductOfActivations(linalg::LinalgOp op) {
  return linalg::isaContractionOpInterface(op) && op.hasPureTensorSemantics() &&
         llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *operand) {
           return isa<Float16Type, BFloat16Type, Float32Type>(
                      getElementTypeOrSelf(operand->get())) &&
                  Weight::seeThrough(operand->get(),
                                     op.getMatchingIndexingMap(operand))
                      .whyUnknown();
         });
}

static OpOperand *getOtherFactor(OpOperand *factor) {
  return cast<linalg::LinalgOp>(factor->getOwner())
      .getDpsInputOperand(1 - factor->getOperandNumber());
}

namespace {
enum class Role { Keys, Values };

/// Where the tokens and the features are in what is read as keys or values.
struct Layout {
  int64_t tokens, features;

  /// Q·Kᵀ keeps the tokens of K and sums over its features, P·V sums over the
  /// tokens of V and keeps its features; all other loops are in all three.
  static std::optional<Layout> of(OpOperand *factor, Role role,
                                  std::string &why) {
    auto op = cast<linalg::LinalgOp>(factor->getOwner());
    AffineMap other = op.getMatchingIndexingMap(getOtherFactor(factor));
    AffineMap result = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    SmallVector<int64_t> kept, summed;
    for (auto [d, index] :
         llvm::enumerate(op.getMatchingIndexingMap(factor).getResults())) {
      unsigned loop = cast<AffineDimExpr>(index).getPosition();
      bool inOther = other.isFunctionOfDim(loop);
      if (inOther != result.isFunctionOfDim(loop))
        (inOther ? summed : kept).push_back(d);
    }
    bool areKeys = role == Role::Keys;
    const SmallVector<int64_t> &tokens = areKeys ? kept : summed;
    const SmallVector<int64_t> &features = areKeys ? summed : kept;
    if (tokens.size() == 1 && features.size() == 1)
      return Layout{tokens.front(), features.front()};
    why =
        llvm::formatv("they have {0} dimensions of tokens and {1} of features; "
                      "collapse them before, so that one of each is left",
                      tokens.size(), features.size())
            .str();
    return std::nullopt;
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// From probabilities back to keys
//===----------------------------------------------------------------------===//

/// How many ops are looked at between P and Q·Kᵀ. Bounded, so that the time for
/// a model is linear in its size.
static constexpr unsigned kMaxSteps = 128;

static bool isExponential(Operation *op) {
  return isa<math::ExpOp, math::Exp2Op, linalg::ExpOp>(op);
}

namespace {
/// What P of P·V is computed from.
struct Probabilities {
  SmallVector<OpOperand *> keys; ///< K in each Q·Kᵀ, one but for sums of them.
  bool normalizes = false; ///< Whether a softmax or its exponential is met.

  /// Follows the dimension along which P is summed up to where it comes from.
  static Probabilities trace(Value probabilities, int64_t dimension) {
    Probabilities found;
    SmallVector<std::pair<Value, int64_t>> open = {{probabilities, dimension}};
    llvm::SmallDenseSet<std::pair<Value, int64_t>> seen;
    while (!open.empty() && seen.size() < kMaxSteps) {
      auto [value, along] = open.pop_back_val();
      if (seen.insert({value, along}).second)
        if (auto result = dyn_cast<OpResult>(value))
          found.step(result, along, open);
    }
    return found;
  }

private:
  void step(OpResult result, int64_t along,
            SmallVectorImpl<std::pair<Value, int64_t>> &open) {
    Operation *op = result.getOwner();
    if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
      normalizes |= static_cast<int64_t>(softmax.getDimension()) == along;
      open.push_back({softmax.getInput(), along});
    } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
      stepLinalg(linalgOp, result, along, open);
    } else if (OpTrait::hasElementwiseMappableTraits(op)) {
      normalizes |= isExponential(op);
      for (Value operand : op->getOperands())
        if (isa<RankedTensorType>(operand.getType()))
          open.push_back({operand, along});
    } else if (isa<tensor::CastOp, tensor::ExpandShapeOp,
                   tensor::CollapseShapeOp>(op)) {
      std::string why;
      if (std::optional<Passage> passage = Passage::up(
              result, RowTransform{{}, RowOrder::CoarseFirst, along, {}}, why))
        open.push_back({op->getOperand(0), passage->carriers[0].dimension});
    }
  }

  void stepLinalg(linalg::LinalgOp op, OpResult result, int64_t along,
                  SmallVectorImpl<std::pair<Value, int64_t>> &open) {
    if (!op.hasPureTensorSemantics())
      return;
    AffineExpr loop = op.getIndexingMapMatchingResult(result).getResult(along);
    if (!isa<AffineDimExpr>(loop))
      return;
    SmallVector<OpOperand *> carriers =
        llvm::filter_to_vector(op.getDpsInputOperands(), [&](OpOperand *input) {
          return op.getMatchingIndexingMap(input)
              .getResultPosition(loop)
              .has_value();
        });
    if (isProductOfActivations(op)) {
      if (carriers.size() == 1)
        keys.push_back(carriers.front());
      return;
    }
    if (op.getNumReductionLoops() != 0)
      return;
    normalizes |=
        isExponential(op) || llvm::any_of(*op.getBlock(), [](Operation &inner) {
          return isExponential(&inner);
        });
    for (OpOperand *input : carriers)
      open.push_back(
          {input->get(),
           *op.getMatchingIndexingMap(input).getResultPosition(loop)});
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// In front of repeated heads
//===----------------------------------------------------------------------===//

namespace {
/// A use of keys or values: by a contraction, or by an op in front of it that
/// only copies them.
struct Use {
  OpOperand *operand;
  Layout layout;
};
} // namespace

/// The use in front of an op that copies whole rows; nullopt if it does not.
/// `repeats` tells whether it makes several of one.
static std::optional<Use> stepOverCopy(OpResult result, Layout layout,
                                       bool &repeats) {
  Operation *op = result.getOwner();
  repeats = false;
  if (isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
    std::string why;
    auto trace = [&](int64_t along) {
      return Passage::up(
          result, RowTransform{{}, RowOrder::CoarseFirst, along, {}}, why);
    };
    std::optional<Passage> tokens = trace(layout.tokens);
    std::optional<Passage> features = trace(layout.features);
    if (!tokens || !features)
      return std::nullopt;
    return Use{&op->getOpOperand(0), Layout{tokens->carriers[0].dimension,
                                            features->carriers[0].dimension}};
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !linalgOp.hasPureTensorSemantics() ||
      linalgOp.getNumDpsInputs() != 1 || linalgOp.getNumReductionLoops() != 0 ||
      linalgOp.getBlock()->getTerminator()->getOperand(0) !=
          linalgOp.getBlock()->getArgument(0))
    return std::nullopt;
  OpOperand *input = linalgOp.getDpsInputOperand(0);
  AffineMap from = linalgOp.getMatchingIndexingMap(input);
  AffineMap to = linalgOp.getIndexingMapMatchingResult(result);
  if (!isa<RankedTensorType>(input->get().getType()) || !to.isPermutation())
    return std::nullopt;
  std::optional<unsigned> tokens =
      from.getResultPosition(to.getResult(layout.tokens));
  std::optional<unsigned> features =
      from.getResultPosition(to.getResult(layout.features));
  if (!tokens || !features)
    return std::nullopt;
  repeats = llvm::any_of(llvm::enumerate(to.getResults()), [&](auto indexed) {
    return !from.getResultPosition(indexed.value()) &&
           cast<RankedTensorType>(result.getType())
                   .getDimSize(indexed.index()) != 1;
  });
  return Use{input, Layout{*tokens, *features}};
}

/// The use at which to quantize: that of the contraction, or one in front of
/// what repeats a head for several groups of queries. Nullopt if they are codes
/// already. With `forCaller`, it may also be where they are returned.
static std::optional<Use> findPlace(Use use, bool forCaller) {
  Use place = use;
  bool areTokens = true;
  while (auto result = dyn_cast<OpResult>(use.operand->get())) {
    if (isa<DequantizeOp>(result.getOwner()))
      return std::nullopt;
    // What is quantized stays quantized wherever its inverse has gone.
    if (auto inverse = dyn_cast<InverseTransformOp>(result.getOwner())) {
      use.operand = &inverse.getInputMutable();
      areTokens = false;
      continue;
    }
    bool repeats;
    std::optional<Use> inFront = stepOverCopy(result, use.layout, repeats);
    if (!inFront)
      break;
    // Other readers of the copies want what they are copies of.
    areTokens &= result.hasOneUse();
    use = *inFront;
    bool isPlace =
        repeats || (forCaller && llvm::any_of(use.operand->get().getUsers(),
                                              llvm::IsaPred<func::ReturnOp>));
    if (isPlace && areTokens)
      place = use;
  }
  return place;
}

//===----------------------------------------------------------------------===//
// Codes
//===----------------------------------------------------------------------===//

namespace {
/// Keys or values, and what stands for them.
struct Codes {
  Value x;
  Layout layout;
  QuantizeOp quantized;
  Value restored; ///< L⁻¹(Q(L X)) in the type of X: nothing else has to change.

  static Codes create(OpBuilder &builder, Location loc, Value x, Layout layout,
                      PlanAttr plan);

  /// Packed codes, scales, zero points as i8: what a caller is to keep.
  SmallVector<Value> pack(OpBuilder &builder, PlanAttr plan);
};
} // namespace

Codes Codes::create(OpBuilder &builder, Location loc, Value x, Layout layout,
                    PlanAttr plan) {
  BasisAttrInterface basis = plan.getBasis();
  std::optional<int64_t> group;
  if (plan.getActivationGroup())
    group = plan.getActivationGroup();
  Value coefficients = x;
  if (!basis.isIdentity())
    coefficients = TransformOp::create(builder, loc, x, basis, layout.tokens,
                                       builder.getF32Type())
                       .getResult();
  auto quantized =
      QuantizeOp::create(builder, loc, coefficients, plan.getActivations(),
                         layout.tokens, layout.features, group);
  Value init = createEmptyLike(builder, loc, x);
  Value restored =
      DequantizeOp::create(builder, loc, init.getType(), quantized.getCodes(),
                           quantized.getScales(), quantized.getZeroPoints(),
                           init, builder.getI64IntegerAttr(layout.features),
                           group ? builder.getI64IntegerAttr(*group)
                                 : IntegerAttr())
          .getResult();
  if (!basis.isIdentity())
    restored =
        InverseTransformOp::create(builder, loc, restored, basis, layout.tokens)
            .getResult();
  return {x, layout, quantized, restored};
}

SmallVector<Value> Codes::pack(OpBuilder &builder, PlanAttr plan) {
  Location loc = quantized->getLoc();
  auto packed =
      PackOp::create(builder, loc, quantized.getCodes(), plan.getActivations(),
                     layout.tokens, layout.features);
  SmallVector<Value> values = llvm::to_vector_of<Value>(packed.getResults());
  values.push_back(quantized.getScales());
  // A zero point is one of the codes.
  Value zeroPoints = quantized.getZeroPoints();
  Type narrow =
      cast<RankedTensorType>(zeroPoints.getType()).clone(builder.getI8Type());
  values.push_back(arith::TruncIOp::create(builder, loc, narrow, zeroPoints));
  return values;
}

//===----------------------------------------------------------------------===//
// Codes for the caller
//===----------------------------------------------------------------------===//

/// Lets a function return codes where it returns the tensors that they stand
/// for.
///
///   return %y, %k
/// becomes
///   %p = stamp.pack … ins(%codes)
///   return %y, %p, %scales, %zero_points
static void giveCodes(func::ReturnOp op, MutableArrayRef<Codes> all,
                      PlanAttr plan) {
  auto function = cast<func::FuncOp>(op->getParentOp());
  OpBuilder builder(op);
  SmallVector<Value> values;
  SmallVector<DictionaryAttr> attributes;
  for (OpOperand &operand : op->getOpOperands()) {
    Codes *codes = llvm::find_if(
        all, [&](Codes &codes) { return codes.x == operand.get(); });
    if (codes == all.end()) {
      values.push_back(operand.get());
      attributes.push_back(
          function.getResultAttrDict(operand.getOperandNumber()));
      continue;
    }
    llvm::append_range(values, codes->pack(builder, plan));
    attributes.resize(values.size());
  }
  op.getOperandsMutable().assign(values);
  function.setType(FunctionType::get(op.getContext(),
                                     function.getArgumentTypes(),
                                     TypeRange(ValueRange(values))));
  for (DictionaryAttr &ofResult : attributes)
    if (!ofResult)
      ofResult = builder.getDictionaryAttr({});
  function.setAllResultAttrs(attributes);
}

/// The return op to which `codes` may be given; null, and `why` as a phrase if
/// what they stand for is returned all the same.
static func::ReturnOp findReturn(Codes &codes, std::string &why) {
  for (Operation *user : codes.x.getUsers()) {
    auto op = dyn_cast<func::ReturnOp>(user);
    if (!op)
      continue;
    auto function = cast<func::FuncOp>(op->getParentOp());
    if (!function.getBody().hasOneBlock() ||
        codes.quantized->getBlock() != op->getBlock())
      why = "its function has branches, on some of which there are no codes";
    else if (!SymbolTable::symbolKnownUseEmpty(
                 function,
                 SymbolTable::getNearestSymbolTable(function->getParentOp())))
      why = "its function is used in this module, which expects floats; inline "
            "it first";
    else
      return op;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct StampQuantizeAttention final
    : public stamp::impl::StampQuantizeAttentionBase<StampQuantizeAttention> {
  using StampQuantizeAttentionBase::StampQuantizeAttentionBase;

  /// Not later: an option may name a dialect that is still to be loaded, which
  /// a running pass must not do.
  LogicalResult initialize(MLIRContext *context) override {
    plan = parsePlan(context);
    return success(plan != nullptr);
  }

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> products;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (isProductOfActivations(op))
        products.push_back(op);
    });

    made.clear();
    llvm::SmallDenseMap<OpOperand *, Role> attended;
    int64_t found = 0;
    for (linalg::LinalgOp op : products)
      found += findAttention(op, attended);

    int64_t quantized = 0;
    for (linalg::LinalgOp op : products) {
      bool isAttention = false;
      for (OpOperand *operand : op.getDpsInputOperands()) {
        auto entry = attended.find(operand);
        if (entry == attended.end())
          continue;
        isAttention = true;
        std::string why;
        FailureOr<bool> done = quantize(operand, entry->second, why);
        if (failed(done))
          return signalPassFailure();
        const char *name = entry->second == Role::Keys ? "keys" : "values";
        if (*done)
          remark::passed(op.getLoc(), kRemark)
              << llvm::formatv("its {0} are codes", name).str();
        else
          remark::missed(op.getLoc(), kRemark)
              << remark::reason("its {0} stay: {1}", name, why);
        quantized += *done;
      }
      if (!isAttention)
        remark::missed(op.getLoc(), kRemark) << remark::reason(
            "it multiplies two activations, but no softmax leads from a "
            "product of queries and keys to a product with values here");
    }
    if (returnCodes)
      giveToCallers();
    remark::analysis(getOperation()->getLoc(), kRemark)
        << remark::metric("attentions", found)
        << remark::metric("quantized", quantized)
        << remark::metric("left",
                          static_cast<int64_t>(attended.size()) - quantized);
  }

private:
  /// If `mix` is P·V, takes down its values and the keys behind P.
  bool findAttention(linalg::LinalgOp mix,
                     llvm::SmallDenseMap<OpOperand *, Role> &attended) {
    SmallVector<unsigned> summed;
    mix.getReductionDims(summed);
    AffineExpr loop = getAffineDimExpr(summed.front(), mix.getContext());
    for (OpOperand *values : mix.getDpsInputOperands()) {
      OpOperand *factor = getOtherFactor(values);
      std::optional<unsigned> along =
          mix.getMatchingIndexingMap(factor).getResultPosition(loop);
      if (!along)
        continue;
      Probabilities probabilities = Probabilities::trace(factor->get(), *along);
      if (!probabilities.normalizes || probabilities.keys.empty())
        continue;
      for (OpOperand *keys : probabilities.keys)
        attended.insert({keys, Role::Keys});
      attended.insert({values, Role::Values});
      return true;
    }
    return false;
  }

  /// Returns whether the operand is read from codes now; if not, says why.
  /// Fails where it cannot be what the user asks for.
  FailureOr<bool> quantize(OpOperand *operand, Role role, std::string &why) {
    std::optional<Layout> layout = Layout::of(operand, role, why);
    if (!layout)
      return false;
    std::optional<Use> use = findPlace(Use{operand, *layout}, returnCodes);
    if (!use) {
      why = "they are quantized already";
      return false;
    }
    Value x = use->operand->get();
    int64_t tokens =
        cast<RankedTensorType>(x.getType()).getDimSize(use->layout.tokens);
    if (!ShapedType::isDynamic(tokens)) {
      if (tokens < minTokens) {
        why =
            llvm::formatv("their {0} token(s) are fewer than min-tokens = {1}",
                          tokens, int64_t(minTokens))
                .str();
        return false;
      }
      if (std::optional<std::string> misfit = plan.misfit(tokens)) {
        if (basis.hasValue() || schedule.hasValue())
          return operand->getOwner()->emitOpError()
                 << "has keys or values that the options do not fit: "
                 << *misfit;
        why = "the default options do not fit: " + *misfit;
        return false;
      }
    }
    OpBuilder builder(use->operand->getOwner());
    Codes codes = Codes::create(builder, operand->getOwner()->getLoc(), x,
                                use->layout, plan);
    use->operand->set(codes.restored);
    made.push_back(codes);
    return true;
  }

  /// The options as the plan of a linear that has no weight.
  PlanAttr parsePlan(MLIRContext *context) {
    auto parsedBasis =
        parseOption<BasisAttrInterface>(getArgument(), "basis", basis, context);
    if (!parsedBasis)
      return {};
    auto parsedSchedule =
        parseOption<ScheduleAttr>(getArgument(), "schedule", schedule, context);
    if (!parsedSchedule)
      return {};
    if (group < 0 || group > kMaxGroup) {
      emitError(UnknownLoc::get(context))
          << "stamp-quantize-attention: group must be 0 to " << kMaxGroup
          << ", got " << int64_t(group);
      return {};
    }
    return PlanAttr::get(context, parsedBasis, {}, parsedSchedule, group,
                         /*weight_bits=*/4, /*weight_group=*/0);
  }

  /// Gives callers the codes that have been made of what they are given.
  void giveToCallers() {
    llvm::MapVector<func::ReturnOp, SmallVector<Codes>> returned;
    for (Codes &codes : made) {
      std::string why;
      if (func::ReturnOp op = findReturn(codes, why))
        returned[op].push_back(codes);
      else if (!why.empty())
        remark::missed(codes.quantized->getLoc(), kRemark) << remark::reason(
            "its floats are returned, not its codes: {0}", why);
    }
    for (auto &[op, codes] : returned)
      giveCodes(op, codes, plan);
  }

  PlanAttr plan;           ///< What the options ask for.
  SmallVector<Codes> made; ///< Of what has been quantized.
};
} // namespace
