//===- FormKernels.cpp - Quantized linears to kernels -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//     %t = stamp.transform … block_order (%x)       ┐ panels: one pass over X
//     %q, %s, %z = stamp.quantize … (%t)            ┘
//     %a = linalg.matmul (%q, constant weight)      ┐
//     %r = stamp.rescale (%a, %s, %z, …)            │ product: one store of Y
//     %y = stamp.inverse_transform … (%r)           ┘
//
// Linears that share their codes share the panels. A transform that is not made
// of blocks of tokens stays an op of its own, on either side of the kernels.
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
/// Blocks of more tokens would not stay in registers and the nearest cache.
constexpr int64_t largestBlock = 64;

/// One linear behind a quantizer.
struct QuantizedLinear {
  linalg::LinalgOp contraction;
  RescaleOp rescale;
  InverseTransformOp inverse; ///< null if none is to be fused
  WeightCodes weight;

  Value result() { return inverse ? inverse.getResult() : rescale.getResult(); }
};
} // namespace

static RankedTensorType getType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

//===----------------------------------------------------------------------===//
// What is there
//===----------------------------------------------------------------------===//

/// The bytes of a constant i8 matrix; a splat is written out into `storage`.
static std::optional<ArrayRef<char>> readCodes(Value weight,
                                               SmallVectorImpl<char> &storage) {
  ElementsAttr constant;
  if (!matchPattern(weight, m_Constant(&constant)))
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
  storage.assign(dense.getNumElements(), dense.getRawData().front());
  return ArrayRef<char>(storage);
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
/// codes[…, s, k]·weight[k, n or n, k] = result[…, s, n]; fails with `why`.
static FailureOr<WeightCodes> matchContraction(linalg::LinalgOp op, Value codes,
                                               SmallVectorImpl<char> &storage,
                                               StringRef &why) {
  why = "the product with the codes is no plain contraction";
  if (op.getNumDpsInputs() != 2 || !isSignedContraction(op))
    return failure();
  bool codesFirst = op.getDpsInputOperand(0)->get() == codes;
  OpOperand *left = op.getDpsInputOperand(codesFirst ? 0 : 1);
  OpOperand *right = op.getDpsInputOperand(codesFirst ? 1 : 0);
  if (left->get() != codes || right->get() == codes)
    return failure();
  AffineMap x = op.getMatchingIndexingMap(left);
  AffineMap w = op.getMatchingIndexingMap(right);
  AffineMap y = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  unsigned rank = x.getNumResults();
  why = "the codes are not read row by row";
  if (w.getNumResults() != 2 || y.getNumResults() != rank ||
      op.getNumLoops() != rank + 1 || !x.isProjectedPermutation() ||
      !w.isProjectedPermutation() || !y.isProjectedPermutation())
    return failure();
  if (x.getResults().drop_back() != y.getResults().drop_back())
    return failure();
  AffineExpr k = x.getResults().back(), n = y.getResults().back();
  bool isTransposed = w.getResult(0) == n;
  if (w.getResult(isTransposed ? 1 : 0) != k ||
      w.getResult(isTransposed ? 0 : 1) != n)
    return failure();
  why = "the accumulators do not start at zero";
  Attribute start;
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!fill || !matchPattern(fill.getInputs()[0], m_Constant(&start)) ||
      !cast<IntegerAttr>(start).getValue().isZero())
    return failure();
  why = "the weight's codes are not constant";
  std::optional<ArrayRef<char>> data = readCodes(right->get(), storage);
  if (!data)
    return failure();
  auto shape = getType(right->get()).getShape();
  return WeightCodes{*data, shape[isTransposed ? 1 : 0],
                     shape[isTransposed ? 0 : 1], isTransposed};
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
  why = "its groups, lengths or rows of a longer sequence have no kernel";
  if (op.getGroupSize() || op.getLengths() || op.getRowTotal())
    return failure();
  why = "the number of features is not static";
  return failure(getType(op.getInput()).isDynamicDim(rank - 1));
}

/// The transform in front of a quantizer, if it is made in blocks.
static TransformOp matchTransform(QuantizeOp quantize,
                                  BasisAttrInterface blocks) {
  auto transform = quantize.getInput().getDefiningOp<TransformOp>();
  if (!blocks || !transform || transform.getBasis() != blocks ||
      transform.getOrder() != RowOrder::Block || transform.getLengths() ||
      transform.getDimension() != quantize.getDimension())
    return nullptr;
  return transform;
}

static FailureOr<QuantizedLinear>
matchLinear(linalg::LinalgOp op, QuantizeOp quantize, BasisAttrInterface blocks,
            SmallVectorImpl<char> &storage, StringRef &why) {
  FailureOr<WeightCodes> weight =
      matchContraction(op, quantize.getCodes(), storage, why);
  if (failed(weight))
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
  why = "it is rescaled in groups, or by more than a row and a column";
  if (rescale.getGroupDimension() || !isVector(rescale.getColumnScales()) ||
      !isVector(rescale.getColumnSums()) ||
      (rescale.getBias() && !isVector(rescale.getBias())) ||
      (rescale.getSpread() && !isVector(rescale.getSpread())))
    return failure();
  InverseTransformOp inverse;
  if (blocks && rescale.getResult().hasOneUse()) {
    inverse = dyn_cast<InverseTransformOp>(*rescale.getResult().user_begin());
    if (inverse &&
        (inverse.getBasis() != blocks ||
         inverse.getOrder() != RowOrder::Block || inverse.getLengths() ||
         inverse.getDimension() != rescale.getDimension()))
      inverse = nullptr;
  }
  return QuantizedLinear{op, rescale, inverse, *weight};
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

static void rewriteLinear(RewriterBase &rewriter, const CPUTarget &target,
                          QuantizedLinear linear, const Panels &panels) {
  RescaleOp rescale = linear.rescale;
  // Bias and spread may come later than the codes.
  rewriter.setInsertionPoint(linear.inverse ? linear.inverse.getOperation()
                                            : rescale.getOperation());
  KernelBuilder b(rewriter, rescale.getLoc(), target);
  int64_t bits = getWeightBits(linear.weight);
  PanelProduct product;
  product.strips = toBuffer(b, createStrips(b, linear.weight, bits));
  product.weightBits = bits;
  product.channels = linear.weight.channels;
  product.columnScales = toBuffer(b, rescale.getColumnScales());
  product.columnSums = toBuffer(b, rescale.getColumnSums());
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

/// How many linears behind `quantize` have become kernels.
static int64_t rewriteQuantize(RewriterBase &rewriter, const CPUTarget &target,
                               QuantizeOp quantize) {
  StringRef why;
  if (failed(matchQuantize(quantize, why))) {
    remark::missed(quantize.getLoc(), kRemark)
        << remark::reason("no kernel quantizes these activations: {0}", why);
    return 0;
  }
  BasisAttrInterface order = quantize.getBlockBasisAttr(), blocks;
  if (order && order.emitsBlocks() &&
      *order.getBasis()->fixedBlock() <= largestBlock)
    blocks = order;

  SmallVector<QuantizedLinear> linears;
  std::list<SmallVector<char>> storage;
  for (Operation *user : quantize.getCodes().getUsers()) {
    auto op = dyn_cast<linalg::LinalgOp>(user);
    if (!op)
      continue;
    FailureOr<QuantizedLinear> linear =
        matchLinear(op, quantize, blocks, storage.emplace_back(), why);
    if (succeeded(linear))
      linears.push_back(*linear);
    else
      remark::missed(op.getLoc(), kRemark)
          << remark::reason("no kernel multiplies these codes: {0}", why);
  }
  if (linears.empty())
    return 0;

  rewriter.setInsertionPoint(quantize);
  KernelBuilder b(rewriter, quantize.getLoc(), target);
  TransformOp transform = matchTransform(quantize, blocks);
  Value x = toBatch(b, transform ? transform.getInput() : quantize.getInput());
  Panels panels = emitPanels(
      b, x, quantize.getSchedule(), order, blocks,
      transform ? getType(transform.getResult()).getElementType() : Type());
  for (QuantizedLinear &linear : linears)
    rewriteLinear(rewriter, target, linear, panels);
  return static_cast<int64_t>(linears.size());
}

namespace {
struct FormKernels final
    : public stamp::impl::FormKernelsPassBase<FormKernels> {
  using FormKernelsPassBase::FormKernelsPassBase;

  void runOnOperation() override {
    std::optional<CPUTarget> target = CPUTarget::get(cpu);
    if (!target) {
      emitError(getOperation()->getLoc())
          << "unknown cpu '" << cpu << "'; known are " << CPUTarget::names();
      return signalPassFailure();
    }
    SmallVector<QuantizeOp> quantizers;
    getOperation()->walk([&](QuantizeOp op) { quantizers.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (QuantizeOp op : quantizers)
      rewriteQuantize(rewriter, *target, op);
  }
};
} // namespace
