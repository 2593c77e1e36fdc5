//===- Select.cpp - Choose the linears -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Selection only writes a plan on the ops it chooses, so that a user can read,
// correct or write plans between this pass and stamp-quantize. What it leaves
// alone it explains in a remark.
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Linear.h"
#include "stamp/Transforms/Passes.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPSELECT
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Select").category("stamp-select");

namespace {
struct StampSelect final : public stamp::impl::StampSelectBase<StampSelect> {
  using StampSelectBase::StampSelectBase;

  /// Not later: an option may name a dialect that is still to be loaded, which
  /// a running pass must not do.
  LogicalResult initialize(MLIRContext *context) override {
    plan = parsePlan(context);
    return success(plan != nullptr);
  }

  void runOnOperation() override {
    int64_t found = 0, selected = 0;
    WalkResult result = getOperation()->walk([&](linalg::LinalgOp op) {
      auto own = op->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName);
      if (!own && !linalg::isaContractionOpInterface(op))
        return WalkResult::advance();
      ++found;
      std::optional<std::string> refusal = own ? std::nullopt : whyNot(op);
      if (std::optional<std::string> misfit;
          !refusal && (misfit = whyMisfit(op, own ? own : plan))) {
        // What the user asked for is an error; what nobody asked for is not.
        if (own || isUserGiven()) {
          op->emitOpError() << "has a plan that " << *misfit;
          return WalkResult::interrupt();
        }
        refusal = "the default plan " + *misfit;
      }
      if (refusal) {
        remark::missed(op.getLoc(), kRemark) << remark::reason("{0}", *refusal);
        return WalkResult::advance();
      }
      if (!own)
        op->setAttr(StampDialect::kPlanAttrName, plan);
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
  template <typename AttrTy>
  AttrTy parseOption(StringRef name, StringRef text, MLIRContext *context) {
    // The parser has already said what it could not read.
    Attribute attribute = parseAttribute(text, context);
    if (!attribute)
      return {};
    auto typed = dyn_cast<AttrTy>(attribute);
    if (!typed)
      emitError(UnknownLoc::get(context)) << "stamp-select: option '" << name
                                          << "' does not take " << attribute;
    return typed;
  }

  PlanAttr parsePlan(MLIRContext *context) {
    auto parsedBasis = parseOption<BasisAttrInterface>("basis", basis, context);
    if (!parsedBasis)
      return {};
    auto parsedSchedule =
        parseOption<ScheduleAttr>("schedule", schedule, context);
    if (!parsedSchedule)
      return {};
    auto report = [&] {
      return emitError(UnknownLoc::get(context)) << "stamp-select: ";
    };
    int64_t bits = weightBits;
    if (failed(PlanAttr::verify(report, parsedBasis, parsedSchedule, bits)))
      return {};
    return PlanAttr::get(context, parsedBasis, parsedSchedule, bits);
  }

  /// Why a contraction stays as it is; nullopt if it becomes a STaMP linear.
  std::optional<std::string> whyNot(linalg::LinalgOp op) {
    std::string why;
    std::optional<Linear> linear = Linear::match(op, why);
    if (!linear)
      return why;
    if (!matchPattern(linear->weight, m_Constant()))
      return "its weight is not a constant";
    int64_t tokens = linear->getSequenceLength();
    if (!ShapedType::isDynamic(tokens) && tokens < minTokens)
      return llvm::formatv("its {0} token(s) are fewer than min-tokens = {1}",
                           tokens, int64_t(minTokens))
          .str();
    return std::nullopt;
  }

  /// What is wrong with a plan for this contraction, as a phrase about the
  /// plan; nullopt if it can be carried out and asks for no more than there is.
  static std::optional<std::string> whyMisfit(linalg::LinalgOp op,
                                              PlanAttr plan) {
    std::string why;
    std::optional<Linear> linear = Linear::match(op, why);
    if (!linear)
      return "cannot be carried out: " + why;
    int64_t tokens = linear->getSequenceLength();
    if (ShapedType::isDynamic(tokens))
      return std::nullopt;
    std::optional<std::string> misfit = plan.misfit(tokens);
    return misfit ? "does not fit: " + *misfit : misfit;
  }

  /// Whether the plan is the user's word, not just the options' defaults.
  bool isUserGiven() const { return basis.hasValue() || schedule.hasValue(); }

  PlanAttr plan; ///< What the options ask for.
};
} // namespace
