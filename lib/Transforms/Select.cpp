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

  void runOnOperation() override {
    PlanAttr plan = parsePlan();
    if (!plan)
      return signalPassFailure();

    int64_t found = 0, selected = 0;
    WalkResult result = getOperation()->walk([&](linalg::LinalgOp op) {
      if (auto own = op->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName))
        return checkUserPlan(op, own);
      if (!linalg::isaContractionOpInterface(op))
        return WalkResult::advance();
      ++found;
      std::optional<std::string> refusal = whyNot(op);
      if (refusal) {
        remark::missed(op.getLoc(), kRemark) << remark::reason("{0}", *refusal);
        return WalkResult::advance();
      }
      // The pass's options are the user's word as well: a plan that asks for
      // more than this sequence has is an error, not a silent cut.
      op->setAttr(StampDialect::kPlanAttrName, plan);
      ++selected;
      return checkUserPlan(op, plan);
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
  AttrTy parseOption(StringRef name, StringRef text) {
    // The parser has already said what it could not read.
    Attribute attribute = parseAttribute(text, &getContext());
    if (!attribute)
      return {};
    auto typed = dyn_cast<AttrTy>(attribute);
    if (!typed)
      emitError(UnknownLoc::get(&getContext()))
          << "stamp-select: option '" << name << "' does not take "
          << attribute;
    return typed;
  }

  PlanAttr parsePlan() {
    auto parsedBasis = parseOption<BasisAttrInterface>("basis", basis);
    if (!parsedBasis)
      return {};
    auto parsedSchedule = parseOption<ScheduleAttr>("schedule", schedule);
    if (!parsedSchedule)
      return {};
    auto report = [&] {
      return emitError(UnknownLoc::get(&getContext())) << "stamp-select: ";
    };
    int64_t bits = weightBits;
    if (failed(PlanAttr::verify(report, parsedBasis, parsedSchedule, bits)))
      return {};
    return PlanAttr::get(&getContext(), parsedBasis, parsedSchedule, bits);
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
      return "its " + std::to_string(tokens) +
             " token(s) are fewer than "
             "min-tokens = " +
             std::to_string(minTokens);
    return std::nullopt;
  }

  static WalkResult checkUserPlan(linalg::LinalgOp op, PlanAttr plan) {
    std::string why;
    std::optional<Linear> linear = Linear::match(op, why);
    if (!linear) {
      op->emitOpError() << "has a plan that cannot be carried out: " << why;
      return WalkResult::interrupt();
    }
    int64_t tokens = linear->getSequenceLength();
    if (ShapedType::isDynamic(tokens))
      return WalkResult::advance();
    if (std::optional<std::string> misfit = plan.misfit(tokens)) {
      op->emitOpError() << "has a plan that does not fit: " << *misfit;
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  }
};
} // namespace
