//===- FormKernels.cpp - Quantized linears to kernels -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//     %t = stamp.transform … block_order (%x)       ┐
//     %u = stamp.feature_transform … (%t)           │ panels: one pass over X
//     %q, %s, %z = stamp.quantize … (%u)            ┘
//     %a = linalg.matmul (%q, weight)               ┐
//     %r = stamp.rescale (%a, %s, %z, …)            │ product: one store of Y
//     %y = stamp.inverse_transform … (%r)           ┘
//
// With groups of features the codes are reshaped in front of the product, and
// filled up to whole groups. Linears that share their codes share the panels. A
// transform that is not made of blocks of tokens stays an op of its own, on
// either side of the kernels.
//
// The kernels work on buffers while all around them are tensors, so that their
// loops are what is written here and not what bufferization makes of it.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"

#include "../QuantizedLinear.h"
#include "Kernels/Panels.h"
#include "Kernels/Strips.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

#include <list>

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("FormKernels").category("stamp-form-kernels");

static RankedTensorType getType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

//===----------------------------------------------------------------------===//
// Features
//===----------------------------------------------------------------------===//

/// The input of a feature transform that kernels do for `quantize`, and the
/// transform; fails with `why`.
template <typename FeatureTransformLikeOp>
static FailureOr<Value>
matchFeatureTransform(FeatureTransformLikeOp op, Direction direction,
                      QuantizeOp quantize, FeatureStep &step, StringRef &why) {
  why = "it is not of the features that are quantized";
  if (op.getSide() != Side::Right ||
      op.getDimension() != quantize.getFeatureDimension())
    return failure();
  why = "the number of features is not static";
  if (getType(op.getInput()).isDynamicDim(op.getDimension()))
    return failure();
  if (!hasFeatureKernel(op.getTransform(), why))
    return failure();
  step = {op.getTransform(), direction,
          getType(op.getResult()).getElementType()};
  return op.getInput();
}

/// What the feature transforms in front of `quantize` start with, as far as
/// kernels do them; `steps` are those, in order.
static Value matchFeatureTransforms(QuantizeOp quantize,
                                    SmallVectorImpl<FeatureStep> &steps) {
  Value input = quantize.getInput();
  while (Operation *op = input.getDefiningOp()) {
    FeatureStep step;
    StringRef why;
    FailureOr<Value> before;
    if (auto forward = dyn_cast<FeatureTransformOp>(op))
      before = matchFeatureTransform(forward, Direction::Forward, quantize,
                                     step, why);
    else if (auto inverse = dyn_cast<InverseFeatureTransformOp>(op))
      before = matchFeatureTransform(inverse, Direction::Inverse, quantize,
                                     step, why);
    else
      break;
    if (failed(before)) {
      remark::missed(op->getLoc(), kRemark)
          << remark::reason("no kernel transforms these features: {0}", why);
      break;
    }
    steps.push_back(step);
    input = *before;
  }
  std::reverse(steps.begin(), steps.end());
  return input;
}

//===----------------------------------------------------------------------===//
// The rewrite
//===----------------------------------------------------------------------===//

/// Columns as channels or groups × channels; constant where they are turned.
static Value toColumns(KernelBuilder &b, Value columns, bool groupsAreLast) {
  RankedTensorType type = getType(columns);
  if (!groupsAreLast || isVector(columns))
    return toBuffer(b, columns);
  SmallVector<char> storage, turned;
  ArrayRef<char> bytes = *readBytes(columns, storage);
  int64_t channels = type.getDimSize(0), groups = type.getDimSize(1);
  int64_t elementBytes = type.getElementTypeBitWidth() / 8;
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t channel = 0; channel < channels; ++channel)
      llvm::append_range(
          turned,
          bytes.slice((channel * groups + group) * elementBytes, elementBytes));
  return toBuffer(b, arith::ConstantOp::create(
                         b, DenseElementsAttr::getFromRawBuffer(
                                RankedTensorType::get({groups, channels},
                                                      type.getElementType()),
                                turned)));
}

static void rewriteLinear(RewriterBase &rewriter, const CPUTarget &target,
                          QuantizedLinear linear, const Panels &panels) {
  RescaleOp rescale = linear.rescale;
  // Bias and spread may come later than the codes.
  rewriter.setInsertionPoint(linear.inverse ? linear.inverse.getOperation()
                                            : rescale.getOperation());
  KernelBuilder b(rewriter, rescale.getLoc(), target);
  const WeightCodes &weight = linear.product.weight;
  int64_t bits = getWeightBits(weight);
  PanelProduct product;
  product.strips = createStrips(b, weight, bits);
  product.weightBits = bits;
  product.channels = weight.channels;
  bool groupsAreLast = linear.product.groupsAreLast;
  product.columnScales = toColumns(b, rescale.getColumnScales(), groupsAreLast);
  product.columnSums = toColumns(b, rescale.getColumnSums(), groupsAreLast);
  if (rescale.getBias())
    product.bias = toBuffer(b, rescale.getBias());
  if (Value spread = rescale.getSpread())
    product.spread =
        isVector(spread) ? toBuffer(b, spread) : toBatch(b, spread, 1);
  product.rescaledType = getType(rescale.getResult()).getElementType();
  if (linear.inverse)
    product.inverse = linear.inverse.getBasis();

  Value result = linear.result();
  auto xType = cast<MemRefType>(panels.x.getType());
  SmallVector<int64_t> shape = {xType.getDimSize(0), xType.getDimSize(1),
                                product.channels};
  Values sizes;
  for (int64_t d = 0; d < 2; ++d)
    if (xType.isDynamicDim(d))
      sizes.push_back(b.size(panels.x, d));
  Value y = b.alloc(shape, getType(result).getElementType(), sizes);
  emitPanelProduct(b, panels, product, y);
  Value init = linear.inverse ? linear.inverse.getInit() : rescale.getInit();
  Value done = fromBatch(b, y, init);
  if (done.getType() != result.getType())
    done = tensor::CastOp::create(b, result.getType(), done);
  rewriter.replaceAllUsesWith(result, done);
  if (linear.inverse)
    rewriter.eraseOp(linear.inverse);
  rewriter.eraseOp(rescale);
  rewriter.eraseOp(linear.contraction);
}

/// Whether a linear's groups are those of the panels, which the first linear
/// that was found decides on unless rows have groups; fails with `why`.
static LogicalResult checkGroups(const KernelBuilder &b,
                                 const QuantizedLinear &linear, bool isFirst,
                                 std::optional<FeatureGroups> &groups,
                                 StringRef &why) {
  std::optional<int64_t> group = linear.product.group;
  bool ofRows = groups && groups->ofRows;
  why = ofRows ? "a group is not whole vectors"
               : "a group is not a multiple of 8 features";
  if (group && *group % (ofRows ? padFeatures(b, 1) : featuresOfStep) != 0)
    return failure();
  if (group && isFirst && !groups)
    groups = FeatureGroups{*group, /*ofRows=*/false};
  why = "another linear of these codes has other groups";
  return success(group ==
                 (groups ? std::optional(groups->size) : std::nullopt));
}

/// The basis whose blocks the kernels are made for, if there is one: of the
/// block order that rows are in, or of a grid's transform on either side.
static BasisAttrInterface findBlocks(const KernelBuilder &b,
                                     QuantizeOp quantize,
                                     ArrayRef<linalg::LinalgOp> contractions) {
  BasisAttrInterface blocks = quantize.getBlockBasisAttr();
  auto look = [&](auto transform) {
    if (!blocks && transform && isa<Haar2DAttr>(transform.getBasis()))
      blocks = transform.getBasis();
  };
  look(quantize.getInput().getDefiningOp<TransformOp>());
  for (linalg::LinalgOp op : contractions)
    for (Operation *rescale : op->getUsers())
      if (isa<RescaleOp>(rescale))
        for (Operation *user : rescale->getUsers())
          look(dyn_cast<InverseTransformOp>(user));
  int64_t seqLen =
      getType(quantize.getInput()).getDimSize(quantize.getDimension());
  bool isPadded = quantize.getLengths() != nullptr;
  return blocks && hasRowBlocks(b, blocks, seqLen, isPadded)
             ? blocks
             : BasisAttrInterface();
}

/// How many linears behind `quantize` have become kernels.
static int64_t rewriteQuantize(RewriterBase &rewriter, const CPUTarget &target,
                               QuantizeOp quantize) {
  StringRef why;
  if (failed(matchQuantize(quantize, why))) {
    remark::missed(quantize.getLoc(), kRemark)
        << remark::reason("no kernel quantizes these activations: {0}", why);
    return 0;
  }
  rewriter.setInsertionPoint(quantize);
  KernelBuilder b(rewriter, quantize.getLoc(), target);
  BasisAttrInterface order = quantize.getBlockBasisAttr();
  std::optional<FeatureGroups> groups;
  if (std::optional<uint64_t> size = quantize.getGroupSize())
    groups = FeatureGroups{static_cast<int64_t>(*size), /*ofRows=*/true};
  SmallVector<linalg::LinalgOp> contractions;
  findContractions(quantize.getCodes(), contractions);
  BasisAttrInterface blocks = findBlocks(b, quantize, contractions);
  SmallVector<QuantizedLinear> linears;
  std::list<SmallVector<char>> storage;
  for (linalg::LinalgOp op : contractions) {
    FailureOr<QuantizedLinear> linear =
        matchLinear(op, quantize, blocks, storage.emplace_back(), why);
    if (succeeded(linear) &&
        succeeded(checkGroups(b, *linear, linears.empty(), groups, why)))
      linears.push_back(*linear);
    else
      remark::missed(op.getLoc(), kRemark)
          << remark::reason("no kernel multiplies these codes: {0}", why);
  }
  if (linears.empty())
    return 0;

  SmallVector<FeatureStep> featureSteps;
  Value input = matchFeatureTransforms(quantize, featureSteps);
  TransformOp transform = matchTransform(input, quantize, blocks);
  Value x = toBatch(b, transform ? transform.getInput() : input), lengths;
  if (Value perSequence = quantize.getLengths())
    lengths = toBatch(b, perSequence, 0);
  Panels panels = emitPanels(
      b, x, quantize.getSchedule(), order, blocks,
      transform ? getType(transform.getResult()).getElementType() : Type(),
      featureSteps, groups, lengths);
  for (QuantizedLinear &linear : linears)
    rewriteLinear(rewriter, target, linear, panels);
  return static_cast<int64_t>(linears.size());
}

namespace {
struct FormKernels final
    : public stamp::impl::FormKernelsPassBase<FormKernels> {
  using FormKernelsPassBase::FormKernelsPassBase;

  void runOnOperation() override {
    FailureOr<CPUTarget> target = CPUTarget::get(cpu, getOperation()->getLoc());
    if (failed(target))
      return signalPassFailure();
    SmallVector<QuantizeOp> quantizers;
    getOperation()->walk([&](QuantizeOp op) { quantizers.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (QuantizeOp op : quantizers)
      rewriteQuantize(rewriter, *target, op);
  }
};
} // namespace
