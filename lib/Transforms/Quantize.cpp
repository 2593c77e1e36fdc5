//===- Quantize.cpp - Carry out the plans ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %y = linalg.matmul {stamp.plan = …} ins(%x, %w) outs(%zero)
//
// becomes, by Y = L⁻¹(Q_a(L X)·Q_w(W)),
//
//   %t = stamp.transform … ins(%x)
//   %q, %s, %z = stamp.quantize … ins(%t)
//   %wq, %ws, %wc = stamp.quantize_weight … ins(%w)
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
#include "stamp/Transforms/Linear.h"
#include "stamp/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/FoldUtils.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPQUANTIZE
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Quantize").category("stamp-quantize");

/// The contraction on codes: the same op on i8 tensors, into zeroed i32.
static Value createIntegerContraction(OpBuilder &builder, Linear linear,
                                      Value codes, Value weightCodes) {
  Location loc = linear.op.getLoc();
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value empty =
      createEmptyLike(builder, loc, linear.init, builder.getI32Type());
  Value init = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  Value inputs[] = {codes, weightCodes};
  if (isa<linalg::BatchMatmulOp>(linear.op.getOperation()))
    return linalg::BatchMatmulOp::create(builder, loc, inputs, init)
        .getResult(0);
  return linalg::MatmulOp::create(builder, loc, inputs, init).getResult(0);
}

/// The contraction on codes, into one accumulator per group of K: its groups
/// stand in front of the channels. Codes that fill up the last group are 0.
static Value createGroupedContraction(OpBuilder &builder, Linear linear,
                                      Value codes, Value weightCodes,
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
                                    builder.getAffineMapArrayAttr(maps))
      .getResult(0);
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

static Value createLinear(RewriterBase &rewriter, Linear linear,
                          PlanAttr plan) {
  Location loc = linear.op.getLoc();
  Type f32 = rewriter.getF32Type();
  Value x = linear.x;
  bool transforms = !isa<IdentityAttr>(plan.getBasis());
  if (transforms)
    x = TransformOp::create(rewriter, loc, x, plan.getBasis(), linear.sequence,
                            f32);
  // A group of 0 is all of K.
  auto asOptional = [](int64_t group) {
    return group ? std::optional(group) : std::nullopt;
  };
  std::optional<int64_t> activationGroup =
      asOptional(plan.getActivationGroup());
  std::optional<int64_t> weightGroup = asOptional(plan.getWeightGroup());
  std::optional<int64_t> group =
      activationGroup ? activationGroup : weightGroup;
  auto quantize =
      QuantizeOp::create(rewriter, loc, x, plan.getActivations(),
                         linear.sequence, linear.features, activationGroup);
  auto weight = QuantizeWeightOp::create(
      rewriter, loc, linear.weight, plan.getWeightBits(), linear.weightReduced,
      group, /*groupsForSums=*/!weightGroup && group);
  Value codes = quantize.getCodes(), weightCodes = weight.getCodes();
  Value accumulators =
      group ? createGroupedContraction(rewriter, linear, codes, weightCodes,
                                       *group)
            : createIntegerContraction(rewriter, linear, codes, weightCodes);

  // A contraction adds to its init: in f32, so that only the sum is narrowed.
  Type resultType = getElementTypeOrSelf(linear.init);
  bool adds = !isZeroTensor(linear.init);
  Type inverseType = adds ? f32 : resultType;
  Type rescaledType = transforms ? f32 : inverseType;
  Value y = RescaleOp::create(
      rewriter, loc, accumulators, quantize.getScales(),
      quantize.getZeroPoints(), weight.getScales(), weight.getSums(),
      createEmptyLike(rewriter, loc, linear.init, rescaledType),
      /*bias=*/Value(), /*spread=*/Value(),
      rewriter.getI64IntegerAttr(linear.sequence),
      rewriter.getI64IntegerAttr(linear.channels + group.has_value()),
      group ? rewriter.getI64IntegerAttr(linear.channels) : IntegerAttr());
  if (transforms)
    y = InverseTransformOp::create(rewriter, loc, y, plan.getBasis(),
                                   linear.sequence, inverseType);
  return adds ? createSum(rewriter, loc, y, linear.init) : y;
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
      rewriter.setInsertionPoint(op);
      Value result = createLinear(
          rewriter, *linear,
          op->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName));
      remark::passed(op.getLoc(), kRemark) << "quantized";
      rewriter.replaceOp(op, result);
    }
    foldConstantWeights();
    remark::analysis(getOperation()->getLoc(), kRemark)
        << remark::metric("quantized", planned.size());
  }

private:
  /// Constant weights are quantized now, so that no float copy lives on.
  void foldConstantWeights() {
    OperationFolder folder(&getContext());
    SmallVector<QuantizeWeightOp> weights;
    getOperation()->walk([&](QuantizeWeightOp op) { weights.push_back(op); });
    for (QuantizeWeightOp op : weights) {
      Operation *weight = op.getWeight().getDefiningOp();
      SmallVector<Operation *> inits;
      for (Value init : op.getDpsInits())
        if (Operation *empty = init.getDefiningOp<tensor::EmptyOp>())
          inits.push_back(empty);
      if (failed(folder.tryToFold(op)))
        continue;
      for (Operation *empty : inits)
        if (empty->use_empty())
          empty->erase();
      if (weight && weight->use_empty())
        weight->erase();
    }
  }
};
} // namespace
