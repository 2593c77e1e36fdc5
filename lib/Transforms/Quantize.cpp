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
// With groups along K the contraction adds up each group by itself, and rescale
// the groups:
//
//   %qg = tensor.expand_shape %q                               S×K to S×G×g
//   %wg = tensor.expand_shape %wq                              K×N to G×g×N
//   %a = linalg.contract ins(%qg, %wg) outs(%izero)            S×G×N
//   %r = stamp.rescale … groups along 1 ins(%a, …)
//
// Between X and Y everything is f32, whatever their types. Each op stands here
// unfolded: moving and cancelling transforms is stamp-fold's part.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Groups.h"
#include "stamp/Transforms/Passes.h"
#include "stamp/Transforms/Transforms.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPQUANTIZE
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Quantize").category("stamp-quantize");

/// The contraction on codes: the same op on i8 tensors, into zeroed i32.
static linalg::LinalgOp createIntegerContraction(OpBuilder &builder,
                                                 Linear linear, Value codes,
                                                 Value weightCodes) {
  Location loc = linear.op.getLoc();
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value empty =
      createEmptyLike(builder, loc, linear.init, builder.getI32Type());
  Value init = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  Value inputs[] = {codes, weightCodes};
  if (isa<linalg::BatchMatmulOp>(linear.op.getOperation()))
    return linalg::BatchMatmulOp::create(builder, loc, inputs, init);
  return linalg::MatmulOp::create(builder, loc, inputs, init);
}

/// The contraction on codes, into one accumulator per group of K: its groups
/// stand in front of the channels. Codes that fill up the last group are 0.
static linalg::LinalgOp createGroupedContraction(OpBuilder &builder,
                                                 Linear linear, Value codes,
                                                 Value weightCodes,
                                                 int64_t group) {
  Location loc = linear.op.getLoc();
  int64_t groups = linear.channels, reduced = linear.features;
  Value x = splitGroups(builder, loc, codes, reduced, group);
  Value w = splitGroups(builder, loc, weightCodes, linear.weightReduced, group);

  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, getSizeSource(linear.init));
  sizes.insert(sizes.begin() + groups,
               tensor::getMixedSize(builder, loc, x, reduced));
  Type i32 = builder.getI32Type();
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value empty = tensor::EmptyOp::create(builder, loc, sizes, i32);
  Value init = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);

  // Loops: (batch,) tokens, groups, channels, and the features of a group.
  unsigned summed = sizes.size();
  AffineMap all = builder.getMultiDimIdentityMap(summed + 1);
  SmallVector<unsigned> ofWeight =
      llvm::to_vector(llvm::seq<unsigned>(linear.weightReduced));
  ofWeight.append({static_cast<unsigned>(groups), summed,
                   static_cast<unsigned>(groups + 1)});
  AffineMap maps[] = {all.dropResult(groups + 1), all.getSubMap(ofWeight),
                      all.dropResult(summed)};
  return linalg::ContractOp::create(builder, loc, TypeRange(init),
                                    ValueRange{x, w}, init,
                                    builder.getAffineMapArrayAttr(maps));
}

/// y + init, in the f32 of y and narrowed to the type of init.
static Value createSum(OpBuilder &builder, Location loc, Value y, Value init) {
  Type f32 = getElementTypeOrSelf(y), resultType = getElementTypeOrSelf(init);
  return TokenBuilder(builder, loc, /*dimension=*/0)
      .map({y, init}, resultType,
           [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
             Value addend = x[1];
             if (resultType != f32)
               addend = arith::ExtFOp::create(b, f32, addend);
             Value sum = arith::AddFOp::create(b, x[0], addend);
             if (resultType != f32)
               sum = arith::TruncFOp::create(b, resultType, sum);
             return {sum};
           })
      .front();
}

/// Quantizes a constant weight, and what a plan does to it first, now, so that
/// no float copy lives on. Its codes stand where it stood.
static void foldConstantWeight(RewriterBase &rewriter, Operation *constant,
                               QuantizeWeightOp op) {
  if (!constant)
    return;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(constant);
  SmallVector<Value> folded;
  if (failed(rewriter.tryFold(op, folded)))
    return;
  llvm::SmallSetVector<Operation *, 8> unused;
  auto addOperands = [&](Operation *op) {
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        unused.insert(producer);
  };
  addOperands(op);
  rewriter.replaceOp(op, folded);
  while (!unused.empty()) {
    Operation *last = unused.pop_back_val();
    if (!isOpTriviallyDead(last))
      continue;
    addOperands(last);
    rewriter.eraseOp(last);
  }
}

QuantizedLinear stamp::quantizeLinear(RewriterBase &rewriter, Linear linear,
                                      PlanAttr plan) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(linear.op);
  Location loc = linear.op.getLoc();
  Type f32 = rewriter.getF32Type();
  QuantizedLinear pieces;

  Value x = linear.x, w = linear.weight;
  bool transforms = !plan.getBasis().isIdentity();
  if (transforms) {
    pieces.transform = TransformOp::create(rewriter, loc, x, plan.getBasis(),
                                           linear.sequence, f32);
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
  // A group of 0 is all of K.
  auto asOptional = [](int64_t group) {
    return group ? std::optional(group) : std::nullopt;
  };
  std::optional<int64_t> activationGroup =
      asOptional(plan.getActivationGroup());
  std::optional<int64_t> weightGroup = asOptional(plan.getWeightGroup());
  std::optional<int64_t> group =
      activationGroup ? activationGroup : weightGroup;
  pieces.quantize =
      QuantizeOp::create(rewriter, loc, x, plan.getActivations(),
                         linear.sequence, linear.features, activationGroup);
  auto weight = QuantizeWeightOp::create(
      rewriter, loc, w, plan.getWeightBits(), linear.weightReduced, group,
      /*groupsForSums=*/!weightGroup && group);
  Value codes = pieces.quantize.getCodes(), weightCodes = weight.getCodes();
  pieces.contraction =
      group ? createGroupedContraction(rewriter, linear, codes, weightCodes,
                                       *group)
            : createIntegerContraction(rewriter, linear, codes, weightCodes);

  // A contraction adds to its init: in f32, so that only the sum is narrowed.
  Type resultType = getElementTypeOrSelf(linear.init);
  bool adds = !isZeroTensor(linear.init);
  Type inverseType = adds ? f32 : resultType;
  Type rescaledType = transforms ? f32 : inverseType;
  pieces.rescale = RescaleOp::create(
      rewriter, loc, pieces.contraction->getResult(0),
      pieces.quantize.getScales(), pieces.quantize.getZeroPoints(),
      weight.getScales(), weight.getSums(),
      createEmptyLike(rewriter, loc, linear.init, rescaledType),
      /*bias=*/Value(), /*spread=*/Value(),
      rewriter.getI64IntegerAttr(linear.sequence),
      rewriter.getI64IntegerAttr(linear.channels + group.has_value()),
      group ? rewriter.getI64IntegerAttr(linear.channels) : IntegerAttr());
  Value y = pieces.rescale.getResult();
  if (transforms) {
    pieces.inverse = InverseTransformOp::create(
        rewriter, loc, y, plan.getBasis(), linear.sequence, inverseType);
    y = pieces.inverse.getResult();
  }
  if (adds)
    y = createSum(rewriter, loc, y, linear.init);
  remark::passed(loc, kRemark) << "quantized";
  rewriter.replaceOp(linear.op, y);
  foldConstantWeight(rewriter, linear.weight.getDefiningOp(), weight);
  return pieces;
}

namespace {
struct StampQuantize final
    : public stamp::impl::StampQuantizeBase<StampQuantize> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> planned;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op->hasAttr(StampDialect::kPlanAttrName))
        planned.push_back(op);
    });

    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : planned) {
      std::string why;
      std::optional<Linear> linear = Linear::match(op, why);
      if (!linear) {
        op->emitOpError() << "has a plan that cannot be carried out: " << why;
        return signalPassFailure();
      }
      quantizeLinear(rewriter, *linear,
                     op->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName));
    }
    remark::analysis(getOperation()->getLoc(), kRemark)
        << remark::metric("quantized", planned.size());
  }
};
} // namespace
