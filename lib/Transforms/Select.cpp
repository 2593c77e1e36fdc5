//===- Select.cpp - Choose the linears -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Selection only writes a plan on the ops it chooses, so that a user can read,
// correct or write plans between this pass and stamp-quantize. What it leaves
// alone it explains in a remark. Immutable globals have become constants
// before, which moves no value and makes weights of them.
//
//===----------------------------------------------------------------------===//

#include "Globals.h"
#include "Options.h"

#include "stamp/Transforms/Passes.h"
#include "stamp/Transforms/Transforms.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Regex.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPSELECT
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Select").category("stamp-select");

std::optional<std::string> stamp::whyMisfit(linalg::LinalgOp op,
                                            PlanAttr plan) {
  std::string why;
  std::optional<Linear> linear = Linear::match(op, why);
  return linear ? whyMisfit(*linear, plan) : "cannot be carried out: " + why;
}

std::optional<std::string> stamp::whyMisfit(const Linear &linear,
                                            PlanAttr plan) {
  std::optional<std::string> misfit;
  if (int64_t tokens = linear.getSequenceLength();
      !ShapedType::isDynamic(tokens))
    misfit = plan.misfit(tokens);
  if (int64_t count = linear.getReductionLength();
      !misfit && !ShapedType::isDynamic(count))
    misfit = plan.featuresMisfit(count);
  return misfit ? "does not fit: " + *misfit : whyNotKept(linear, plan);
}

namespace {
struct StampSelect final : public stamp::impl::StampSelectBase<StampSelect> {
  using StampSelectBase::StampSelectBase;

  /// Not later: an option may name a dialect that is still to be loaded, which
  /// a running pass must not do.
  LogicalResult initialize(MLIRContext *context) override {
    plan = parsePlan(context);
    return success(
        plan && succeeded(parseFilter("include", include, included, context)) &&
        succeeded(parseFilter("exclude", exclude, excluded, context)));
  }

  void runOnOperation() override {
    inlineGlobals(getOperation());
    int64_t found = 0, selected = 0;
    WalkResult result = getOperation()->walk([&](linalg::LinalgOp op) {
      auto own = op->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName);
      if (!own && !isLinearCandidate(op))
        return WalkResult::advance();
      ++found;
      std::string why;
      std::optional<Linear> linear = Linear::match(op, why);
      std::optional<std::string> refusal, misfit;
      PlanAttr chosen = own;
      if (!linear && own)
        misfit = "cannot be carried out: " + why;
      else if (!linear)
        refusal = why;
      else if (!own && !(refusal = whyNot(*linear)))
        chosen = fitToLinear(*linear);
      if (linear && !refusal)
        misfit = whyMisfit(*linear, chosen);
      if (misfit) {
        // What the user asked for is an error; what nobody asked for is not.
        if (own || isUserGiven()) {
          op->emitOpError() << "has a plan that " << *misfit;
          return WalkResult::interrupt();
        }
        refusal =
            "the default plan " + *misfit +
            "; another basis by option or a stamp.plan of its own may fit";
      }
      if (refusal) {
        remark::missed(op.getLoc(), kRemark) << remark::reason("{0}", *refusal);
        return WalkResult::advance();
      }
      if (!own)
        op->setAttr(StampDialect::kPlanAttrName, chosen);
      ++selected;
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    remark::analysis(getOperation()->getLoc(), kRemark)
        << remark::metric("contractions", found)
        << remark::metric("selected", selected)
        << remark::metric("left", found - selected);
  }

private:
  PlanAttr parsePlan(MLIRContext *context) {
    auto parsedBasis =
        parseOption<BasisAttrInterface>(getArgument(), "basis", basis, context);
    if (!parsedBasis)
      return {};
    auto parsedSchedule =
        parseOption<ScheduleAttr>(getArgument(), "schedule", schedule, context);
    if (!parsedSchedule)
      return {};
    std::optional<SmallVector<FeatureTransformAttrInterface>> parsedFeatures =
        parseFeatures(context);
    if (!parsedFeatures)
      return {};
    auto report = [&] {
      return emitError(UnknownLoc::get(context)) << "stamp-select: ";
    };
    if (failed(PlanAttr::verify(report, parsedBasis, *parsedFeatures,
                                parsedSchedule, activationGroup, weightBits,
                                weightGroup)))
      return {};
    return PlanAttr::get(context, parsedBasis, *parsedFeatures, parsedSchedule,
                         activationGroup, weightBits, weightGroup);
  }

  static LogicalResult parseFilter(StringRef name, StringRef text,
                                   std::shared_ptr<const llvm::Regex> &filter,
                                   MLIRContext *context) {
    std::string why;
    filter = text.empty() ? nullptr : std::make_shared<llvm::Regex>(text);
    if (!filter || filter->isValid(why))
      return success();
    return emitError(UnknownLoc::get(context))
           << "stamp-select: option '" << name
           << "' is no regular expression: " << why;
  }

  /// One transform or a list of them; none yet if each linear gets its own.
  std::optional<SmallVector<FeatureTransformAttrInterface>>
  parseFeatures(MLIRContext *context) {
    SmallVector<FeatureTransformAttrInterface> transforms;
    if (features.empty() || features == kProposeHadamard)
      return transforms;
    auto attribute =
        parseOption<Attribute>(getArgument(), "features", features, context);
    if (!attribute)
      return std::nullopt;
    auto list = dyn_cast<ArrayAttr>(attribute);
    for (Attribute element : list ? list.getValue() : ArrayRef(attribute)) {
      auto transform = dyn_cast<FeatureTransformAttrInterface>(element);
      if (!transform) {
        emitError(UnknownLoc::get(context))
            << "stamp-select: option 'features' does not take " << element;
        return std::nullopt;
      }
      transforms.push_back(transform);
    }
    return transforms;
  }

  /// The plan of the options for one linear: its features, which the word
  /// `hadamard` leaves to the number of them, a basis over the grid of its
  /// pixels unless the user wants another, and what to do with too few tokens
  /// where run time decides how many there are.
  PlanAttr fitToLinear(const Linear &linear) {
    BasisAttrInterface chosen = plan.getBasis();
    if (!basis.hasValue())
      if (BasisAttrInterface overGrid = proposeGridBasis(linear))
        chosen = overGrid;
    ScheduleAttr activations = plan.getActivations();
    if (ShapedType::isDynamic(linear.getSequenceLength())) {
      chosen = MinTokensAttr::limit(minTokens, chosen);
      activations = activations.limit(minTokens);
    }
    SmallVector<FeatureTransformAttrInterface> transforms(plan.getFeatures());
    if (features == kProposeHadamard)
      transforms = {proposeHadamard(linear)};
    int64_t bits = plan.getWeightBits(), group = plan.getWeightGroup();
    // Codes that are there already are kept: as wide and grouped as they are,
    // and under no transform, which would have to change them.
    if (linear.weight.isCodes()) {
      std::string why;
      std::optional<CodeWidth> codes = inspectCodes(linear, why);
      bits = codes->bits;
      group = codes->group.value_or(0);
      transforms.clear();
    }
    return PlanAttr::get(&getContext(), chosen, transforms, activations,
                         plan.getActivationGroup(), bits, group);
  }

  /// The codes that a weight comes with, for activations as the options want
  /// them.
  std::optional<CodeWidth> inspectCodes(const Linear &linear,
                                        std::string &why) {
    int64_t group = plan.getActivationGroup();
    return WeightCodes::inspect(linear.weight, linear.weightReduced,
                                group ? std::optional(group) : std::nullopt,
                                why);
  }

  /// The 2-D form of the default basis, with fewer levels on a small grid; null
  /// if the linear's tokens are no grid, or one whose sides run time decides.
  BasisAttrInterface proposeGridBasis(const Linear &linear) {
    if (!linear.grid || ShapedType::isDynamic(linear.getSequenceLength()))
      return {};
    // Strides may have left fewer pixels than X has.
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(linear.init.getType()).getShape();
    int64_t height = shape[*linear.grid], width = shape[*linear.grid + 1];
    constexpr int64_t kDefaultLevels = 4;
    int64_t levels = llvm::Log2_64_Ceil(std::max(height, width));
    return Haar2DAttr::get(&getContext(),
                           std::clamp<int64_t>(levels, 1, kDefaultLevels),
                           height, width, /*skip=*/0);
  }

  /// Where no order suits the features, the rotation of a power of two is what
  /// does not fit.
  FeatureTransformAttrInterface proposeHadamard(const Linear &linear) {
    int64_t order = 1;
    if (int64_t count = linear.getReductionLength();
        !ShapedType::isDynamic(count))
      order = Hadamard::orderFor(count).value_or(order);
    return HadamardAttr::get(&getContext(), order);
  }

  /// Why a linear stays as it is; nullopt if it becomes a STaMP linear.
  std::optional<std::string> whyNot(const Linear &linear) {
    if (std::optional<std::string> unknown = linear.weight.whyUnknown())
      return unknown;
    auto xType = cast<RankedTensorType>(linear.x.getType());
    if (!Weight::seeThrough(linear.x, AffineMap::getMultiDimIdentityMap(
                                          xType.getRank(), &getContext()))
             .whyUnknown())
      return "both its operands are known before the program runs; compute it "
             "then, so that its result is a constant";
    if (PickedWeight::match(linear.weight.tensor) &&
        !linear.weightArrangement.isIdentity())
      return "run time picks its weight among several, which it reads in "
             "another "
             "shape; reshape all of them before";
    if (std::string why; linear.weight.isCodes() && !inspectCodes(linear, why))
      return "its weight comes as codes, but " + why;
    int64_t tokens = linear.getSequenceLength();
    if (!ShapedType::isDynamic(tokens) && tokens < minTokens)
      return llvm::formatv("its {0} token(s) are fewer than min-tokens = {1}; "
                           "min-tokens = {0} or a stamp.plan of its own would "
                           "choose it",
                           tokens, int64_t(minTokens))
          .str();
    auto isFewer = [](int64_t count, int64_t least) {
      return !ShapedType::isDynamic(count) && count < least;
    };
    auto tooSmall = [](int64_t count, StringRef what, StringRef option,
                       int64_t least) {
      return llvm::formatv("its {0} {1} are fewer than {2} = {3}; a smaller "
                           "{2} or a stamp.plan of its own would choose it",
                           count, what, option, least)
          .str();
    };
    if (int64_t k = linear.getReductionLength(); isFewer(k, minK))
      return tooSmall(k, "inputs", "min-k", minK);
    if (int64_t n = linear.getChannelCount(); isFewer(n, minN))
      return tooSmall(n, "output channels", "min-n", minN);
    if (int64_t macs = linear.getMultiplyAdds(); isFewer(macs, minMacs))
      return tooSmall(macs, "multiply-adds", "min-macs", minMacs);
    return whyFiltered(linear.op);
  }

  /// Why `include` or `exclude` leaves an op out.
  std::optional<std::string> whyFiltered(Operation *op) {
    if (!included && !excluded)
      return std::nullopt;
    SmallVector<std::string> names = getNames(op);
    if (included && llvm::none_of(names, [&](StringRef name) {
          return included->match(name);
        }))
      return "option 'include' matches neither its function nor its location; "
             "a wider expression or a stamp.plan of its own would choose it";
    if (excluded)
      for (StringRef name : names)
        if (excluded->match(name))
          return llvm::formatv("option 'exclude' matches '{0}'; a narrower "
                               "expression or a stamp.plan of its own would "
                               "choose it",
                               name)
              .str();
    return std::nullopt;
  }

  /// What a user may call an op by: the functions around it, and the names and
  /// places of its location.
  static SmallVector<std::string> getNames(Operation *op) {
    SmallVector<std::string> names;
    for (auto function = op->getParentOfType<FunctionOpInterface>(); function;
         function = function->getParentOfType<FunctionOpInterface>())
      names.push_back(function.getName().str());
    op->getLoc()->walk([&](Location location) {
      if (auto named = dyn_cast<NameLoc>(location))
        names.push_back(named.getName().str());
      else if (auto place = dyn_cast<FileLineColLoc>(location))
        names.push_back(llvm::formatv("{0}:{1}:{2}",
                                      place.getFilename().getValue(),
                                      place.getLine(), place.getColumn())
                            .str());
      return WalkResult::advance();
    });
    return names;
  }

  /// Whether the plan is the user's word, not just the options' defaults.
  bool isUserGiven() const {
    return basis.hasValue() || features.hasValue() || schedule.hasValue();
  }

  /// The value of `features` that is no attribute.
  static constexpr StringLiteral kProposeHadamard = "hadamard";

  PlanAttr plan; ///< What the options ask for.
  /// What the options `include` and `exclude` ask for; null if nothing. Shared
  /// by clones of the pass.
  std::shared_ptr<const llvm::Regex> included, excluded;
};
} // namespace
