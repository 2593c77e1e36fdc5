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
// Between X and Y everything is f32, whatever their types. Each op stands here
// unfolded: moving and cancelling transforms is stamp-fold's part.
//
//===----------------------------------------------------------------------===//

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
  bool transforms = !plan.getBasis().isIdentity();
  if (transforms)
    x = TransformOp::create(rewriter, loc, x, plan.getBasis(), linear.sequence,
                            f32);
  auto quantize = QuantizeOp::create(rewriter, loc, x, plan.getActivations(),
                                     linear.sequence, linear.features);
  auto weight = QuantizeWeightOp::create(
      rewriter, loc, linear.weight, plan.getWeightBits(), linear.weightReduced);
  Value accumulators = createIntegerContraction(
      rewriter, linear, quantize.getCodes(), weight.getCodes());

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
      rewriter.getI64IntegerAttr(linear.channels));
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
