//===- FormKernels.cpp - Quantized linears to kernels -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//     %t = stamp.transform … block_order (%x)       ┐
//     %u = stamp.feature_transform … (%t)           │ panels: one pass over X
//     %q, %s, %z = stamp.quantize … (%u)            ┘
//     %a = linalg.matmul (%q, constant weight)      ┐
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

#include "Kernels/Panels.h"
#include "Kernels/Strips.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SmallBitVector.h"
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

namespace {
/// A contraction of codes with a constant weight.
struct CodeProduct {
  WeightCodes weight;
  std::optional<int64_t> group; ///< of features that are summed up together
  bool groupsAreLast;           ///< behind the channels, in the accumulators
};

/// One linear behind a quantizer.
struct QuantizedLinear {
  linalg::LinalgOp contraction;
  RescaleOp rescale;
  InverseTransformOp inverse; ///< null if none is to be fused
  CodeProduct product;

  Value result() { return inverse ? inverse.getResult() : rescale.getResult(); }
};
} // namespace

static RankedTensorType getType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

//===----------------------------------------------------------------------===//
// What is there
//===----------------------------------------------------------------------===//

/// The bytes of a constant; a splat is written out into `storage`.
static std::optional<ArrayRef<char>> readBytes(Value tensor,
                                               SmallVectorImpl<char> &storage) {
  ElementsAttr constant;
  if (!matchPattern(tensor, m_Constant(&constant)))
    return std::nullopt;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? std::optional(blob->getData()) : std::nullopt;
  }
  auto dense = dyn_cast<DenseElementsAttr>(constant);
  if (!dense)
    return std::nullopt;
  if (!dense.isSplat())
    return dense.getRawData();
  for (int64_t i = 0; i < dense.getNumElements(); ++i)
    llvm::append_range(storage, dense.getRawData());
  return ArrayRef<char>(storage);
}

/// The tensor whose dimension `dimension` became groups of g in `grouped`, with
/// zeros that fill up the last one; null if `grouped` is no such tensor.
static Value findUngrouped(Value grouped, int64_t dimension) {
  auto expand = grouped.getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand || dimension >= expand.getSrcType().getRank() ||
      getType(grouped).getRank() != expand.getSrcType().getRank() + 1 ||
      expand.getReassociationIndices()[dimension].size() != 2)
    return nullptr;
  auto pad = expand.getSrc().getDefiningOp<tensor::PadOp>();
  if (!pad)
    return expand.getSrc();
  llvm::SmallBitVector others = pad.getPaddedDims();
  others.reset(dimension);
  Value padding = pad.getConstantPaddingValue();
  if (others.any() || !isZeroInteger(pad.getMixedLowPad()[dimension]) ||
      !padding || !matchPattern(padding, m_Zero()))
    return nullptr;
  // Not by more than the group needs.
  int64_t size = pad.getSourceType().getDimSize(dimension);
  ArrayRef<int64_t> shape = getType(grouped).getShape();
  if (ShapedType::isDynamic(size) ||
      shape[dimension] != llvm::divideCeilSigned(size, shape[dimension + 1]))
    return nullptr;
  return pad.getSource();
}

/// Whether the operands are multiplied as signed numbers.
static bool isSignedContraction(linalg::LinalgOp op) {
  if (!linalg::isaContractionOpInterface(op))
    return false;
  return llvm::none_of(op.getBlock()->getOperations(), [](Operation &inner) {
    return isa<arith::ExtUIOp>(inner);
  });
}

/// The weight's dimensions and order, where the contraction is
/// codes[…, s, k]·weight[k, n or n, k] = result[…, s, n] or, in groups,
/// codes[…, s, g, k]·weight[g, k, n or n, g, k] = result[…, s, g, n or n, g];
/// fails with `why`.
static FailureOr<CodeProduct> matchContraction(linalg::LinalgOp op, Value codes,
                                               SmallVectorImpl<char> &storage,
                                               StringRef &why) {
  why = "the product with the codes is no plain contraction";
  if (op.getNumDpsInputs() != 2 || !isSignedContraction(op))
    return failure();
  int64_t features = getType(codes).getRank() - 1;
  auto readsCodes = [&](OpOperand *operand) {
    return operand->get() == codes ||
           findUngrouped(operand->get(), features) == codes;
  };
  bool codesFirst = readsCodes(op.getDpsInputOperand(0));
  OpOperand *left = op.getDpsInputOperand(codesFirst ? 0 : 1);
  OpOperand *right = op.getDpsInputOperand(codesFirst ? 1 : 0);
  if (!readsCodes(left) || readsCodes(right))
    return failure();
  bool isGrouped = left->get() != codes;
  AffineMap x = op.getMatchingIndexingMap(left);
  AffineMap w = op.getMatchingIndexingMap(right);
  AffineMap y = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  unsigned rank = x.getNumResults(), reduced = isGrouped ? 2 : 1;
  why = "the codes are not read row by row";
  if (w.getNumResults() != reduced + 1 || y.getNumResults() != rank ||
      op.getNumLoops() != rank + 1 || !x.isProjectedPermutation() ||
      !w.isProjectedPermutation() || !y.isProjectedPermutation())
    return failure();
  ArrayRef<AffineExpr> inputs = x.getResults().take_back(reduced);
  if (x.getResults().drop_back(reduced) != y.getResults().drop_back(reduced))
    return failure();
  // The groups, if there are any, stand on either side of the channels.
  bool groupsAreLast = isGrouped && y.getResults().back() == inputs.front();
  AffineExpr n = y.getResult(rank - 1 - groupsAreLast);
  if (isGrouped && y.getResult(rank - 2 + groupsAreLast) != inputs.front())
    return failure();
  bool isTransposed = w.getResult(0) == n;
  if (w.getResult(isTransposed ? 0 : reduced) != n ||
      w.getResults().slice(isTransposed, reduced) != inputs)
    return failure();
  why = "the accumulators do not start at zero";
  Attribute start;
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!fill || !matchPattern(fill.getInputs()[0], m_Constant(&start)) ||
      !cast<IntegerAttr>(start).getValue().isZero())
    return failure();
  why = "the weight's codes are not constant";
  Value weight = right->get();
  if (isGrouped)
    if (Value ungrouped = findUngrouped(weight, isTransposed))
      weight = ungrouped;
  std::optional<ArrayRef<char>> data = readBytes(weight, storage);
  if (!data)
    return failure();
  // In memory groups are not to be seen.
  int64_t numFeatures = getType(codes).getDimSize(features);
  ArrayRef<int64_t> shape = getType(weight).getShape();
  int64_t numChannels = isTransposed ? shape.front() : shape.back();
  why = "the weight's codes have been filled up";
  if (getType(weight).getNumElements() != numFeatures * numChannels)
    return failure();
  CodeProduct product = {
      {*data, numFeatures, numChannels, isTransposed}, {}, groupsAreLast};
  if (isGrouped)
    product.group = getType(left->get()).getShape().back();
  return product;
}

static bool isVector(Value tensor) { return getType(tensor).getRank() == 1; }

/// The rows of `quantize` in the form that kernels take.
static LogicalResult matchQuantize(QuantizeOp op, StringRef &why) {
  why = "the quantizer is on buffers";
  if (op->getNumResults() == 0)
    return failure();
  int64_t rank = getType(op.getInput()).getRank();
  why = "tokens and features are not the last two dimensions";
  if (rank < 2 || static_cast<int64_t>(op.getFeatureDimension()) != rank - 1 ||
      static_cast<int64_t>(op.getDimension()) != rank - 2)
    return failure();
  why = "its lengths or rows of a longer sequence have no kernel";
  if (op.getLengths() || op.getRowTotal())
    return failure();
  why = "the number of features is not static";
  return failure(getType(op.getInput()).isDynamicDim(rank - 1));
}

/// Whether tensors around the kernels have coefficients in that order: in block
/// order, which for grids is the same as coarse first.
static bool isBlockOrder(BasisAttrInterface blocks, RowOrder order) {
  return order == RowOrder::Block || !blocks.emitsBlocks();
}

/// The transform that makes `input`, if it is made in blocks.
static TransformOp matchTransform(Value input, QuantizeOp quantize,
                                  BasisAttrInterface blocks) {
  auto transform = input.getDefiningOp<TransformOp>();
  if (!blocks || !transform || transform.getBasis() != blocks ||
      !isBlockOrder(blocks, transform.getOrder()) || transform.getLengths() ||
      transform.getDimension() != quantize.getDimension())
    return nullptr;
  return transform;
}

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

static FailureOr<QuantizedLinear>
matchLinear(linalg::LinalgOp op, QuantizeOp quantize, BasisAttrInterface blocks,
            SmallVectorImpl<char> &storage, StringRef &why) {
  FailureOr<CodeProduct> product =
      matchContraction(op, quantize.getCodes(), storage, why);
  if (failed(product))
    return failure();
  why = "the accumulators are used for more than to be rescaled";
  Value accumulators = op->getResult(0);
  if (!accumulators.hasOneUse())
    return failure();
  auto rescale = dyn_cast<RescaleOp>(*accumulators.user_begin());
  if (!rescale || rescale.getAccumulators() != accumulators ||
      rescale.getRowScales() != quantize.getScales() ||
      rescale.getZeroPoints() != quantize.getZeroPoints())
    return failure();
  why = "other dimensions are rescaled than those of the product";
  int64_t rank = getType(accumulators).getRank();
  int64_t channels = rank - 1 - product->groupsAreLast;
  std::optional<int64_t> groups;
  if (product->group)
    groups = rank - 2 + product->groupsAreLast;
  if (static_cast<int64_t>(rescale.getDimension()) !=
          rank - 2 - groups.has_value() ||
      static_cast<int64_t>(rescale.getChannelDimension()) != channels ||
      rescale.getGroupDimension() != groups)
    return failure();
  why = "it is rescaled by more than a row and a column";
  if (getType(rescale.getColumnScales()).getRank() > 1 + groups.has_value() ||
      getType(rescale.getColumnSums()).getRank() > 1 + groups.has_value() ||
      (rescale.getBias() && !isVector(rescale.getBias())) ||
      (rescale.getSpread() && !isVector(rescale.getSpread())))
    return failure();
  why = "the scales or sums of its groups are not constant";
  SmallVector<char> scratch;
  for (Value columns : {rescale.getColumnScales(), rescale.getColumnSums()})
    if (product->groupsAreLast && !isVector(columns) &&
        !readBytes(columns, scratch))
      return failure();
  InverseTransformOp inverse;
  if (blocks && rescale.getResult().hasOneUse()) {
    inverse = dyn_cast<InverseTransformOp>(*rescale.getResult().user_begin());
    if (inverse &&
        (inverse.getBasis() != blocks ||
         !isBlockOrder(blocks, inverse.getOrder()) || inverse.getLengths() ||
         static_cast<int64_t>(inverse.getDimension()) !=
             rescale.getResultTokenDimension()))
      inverse = nullptr;
  }
  return QuantizedLinear{op, rescale, inverse, *product};
}

//===----------------------------------------------------------------------===//
// Tensors to buffers and back
//===----------------------------------------------------------------------===//

/// [[0, …, rank − 3], [rank − 2], [rank − 1]]
static SmallVector<ReassociationIndices> getBatchGroups(int64_t rank) {
  SmallVector<ReassociationIndices> groups(3);
  for (int64_t d = 0; d < rank - 2; ++d)
    groups[0].push_back(d);
  groups[1].push_back(rank - 2);
  groups[2].push_back(rank - 1);
  return groups;
}

static Value toBuffer(KernelBuilder &b, Value tensor) {
  RankedTensorType type = getType(tensor);
  return bufferization::ToBufferOp::create(
      b, MemRefType::get(type.getShape(), type.getElementType()), tensor,
      /*read_only=*/true);
}

/// X as batch × tokens × features.
static Value toBatch(KernelBuilder &b, Value x) {
  RankedTensorType type = getType(x);
  int64_t rank = type.getRank();
  if (rank == 2) {
    SmallVector<int64_t> shape = {1, type.getDimSize(0), type.getDimSize(1)};
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
    sizes.insert(sizes.begin(), b.getIndexAttr(1));
    SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
    x = tensor::ExpandShapeOp::create(
        b, RankedTensorType::get(shape, type.getElementType()), x, groups,
        sizes);
  } else if (rank > 3) {
    x = tensor::CollapseShapeOp::create(b, x, getBatchGroups(rank));
  }
  return toBuffer(b, x);
}

/// The reverse, for a result with the sizes of `like`.
static Value fromBatch(KernelBuilder &b, Value memory, Value like) {
  auto batched = cast<MemRefType>(memory.getType());
  RankedTensorType type = getType(like);
  Value y = bufferization::ToTensorOp::create(
      b, RankedTensorType::get(batched.getShape(), batched.getElementType()),
      memory, /*restrict=*/true, /*writable=*/true);
  int64_t rank = type.getRank();
  if (rank == 2) {
    SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
    y = tensor::CollapseShapeOp::create(b, y, groups);
  } else if (rank > 3) {
    SmallVector<int64_t> shape(type.getShape());
    shape[rank - 2] = batched.getDimSize(1);
    y = tensor::ExpandShapeOp::create(
        b, RankedTensorType::get(shape, type.getElementType()), y,
        getBatchGroups(rank), tensor::getMixedSizes(b, b.getLoc(), like));
  }
  return y.getType() == type ? y : Value(tensor::CastOp::create(b, type, y));
}

//===----------------------------------------------------------------------===//
// The rewrite
//===----------------------------------------------------------------------===//

static int64_t getWeightBits(const WeightCodes &codes) {
  return llvm::all_of(codes.data,
                      [](char code) {
                        auto value = static_cast<signed char>(code);
                        return value >= -8 && value < 8;
                      })
             ? 4
             : 8;
}

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
  product.strips = toBuffer(b, createStrips(b, weight, bits));
  product.weightBits = bits;
  product.channels = weight.channels;
  bool groupsAreLast = linear.product.groupsAreLast;
  product.columnScales = toColumns(b, rescale.getColumnScales(), groupsAreLast);
  product.columnSums = toColumns(b, rescale.getColumnSums(), groupsAreLast);
  if (rescale.getBias())
    product.bias = toBuffer(b, rescale.getBias());
  if (rescale.getSpread())
    product.spread = toBuffer(b, rescale.getSpread());
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

/// The contractions of codes, as they are or in groups.
static void findContractions(Value codes,
                             SmallVectorImpl<linalg::LinalgOp> &contractions) {
  for (Operation *user : codes.getUsers()) {
    if (auto op = dyn_cast<linalg::LinalgOp>(user))
      contractions.push_back(op);
    else if (isa<tensor::PadOp, tensor::ExpandShapeOp>(user))
      findContractions(user->getResult(0), contractions);
  }
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
  return blocks && hasRowBlocks(b, blocks, seqLen) ? blocks
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
  Value x = toBatch(b, transform ? transform.getInput() : input);
  Panels panels = emitPanels(
      b, x, quantize.getSchedule(), order, blocks,
      transform ? getType(transform.getResult()).getElementType() : Type(),
      featureSteps, groups);
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
