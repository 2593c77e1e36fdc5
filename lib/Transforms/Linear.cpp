//===- Linear.cpp - What a linear layer is ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Linear.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// Lengths
//===----------------------------------------------------------------------===//

int64_t Linear::getSequenceLength() const {
  auto type = cast<RankedTensorType>(x.getType());
  if (!grid)
    return type.getDimSize(sequence);
  if (type.isDynamicDim(*grid) || type.isDynamicDim(*grid + 1))
    return ShapedType::kDynamic;
  return type.getDimSize(*grid) * type.getDimSize(*grid + 1);
}

/// X or W may know K: either is enough.
int64_t Linear::getReductionLength() const {
  auto type = cast<RankedTensorType>(x.getType());
  // The grid takes one dimension more in X than in the maps.
  int64_t length = type.getDimSize(features + (grid && *grid < features));
  return ShapedType::isDynamic(length) ? weight.type.getDimSize(weightReduced)
                                       : length;
}

//===----------------------------------------------------------------------===//
// Convolutions of one pixel
//===----------------------------------------------------------------------===//

namespace {
/// Where the dimensions of a convolution's operands are.
struct ConvolutionLayout {
  int64_t grid;          ///< H among N, H, W and C.
  int64_t filter;        ///< The filter's height, in front of its width.
  int64_t inputChannels; ///< C among the filter's dimensions.
  int64_t channels;      ///< F among them.
};
} // namespace

static std::optional<ConvolutionLayout> getLayout(linalg::LinalgOp op) {
  if (isa<linalg::Conv2DNhwcHwcfOp>(op.getOperation()))
    return ConvolutionLayout{1, 0, 2, 3};
  if (isa<linalg::Conv2DNhwcFhwcOp>(op.getOperation()))
    return ConvolutionLayout{1, 1, 3, 0};
  if (isa<linalg::Conv2DNchwFchwOp>(op.getOperation()))
    return ConvolutionLayout{2, 2, 1, 0};
  return std::nullopt;
}

/// A filter of one pixel makes a convolution a linear whose tokens are pixels.
/// Its loops: images, pixels, output channels, input channels.
static std::optional<Linear> matchConvolution(linalg::LinalgOp op,
                                              ConvolutionLayout layout,
                                              std::string &why) {
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  Value filter = op.getDpsInputOperand(1)->get();
  auto filterType = cast<RankedTensorType>(filter.getType());
  if (filterType.getDimSize(layout.filter) != 1 ||
      filterType.getDimSize(layout.filter + 1) != 1)
    return refuse("its filter covers more than one pixel; only 1x1 "
                  "convolutions are linears");
  auto strides = op->getAttrOfType<DenseIntElementsAttr>("strides");
  if (strides && !llvm::all_of(strides.getValues<int64_t>(),
                               [](int64_t stride) { return stride == 1; }))
    return refuse("its stride leaves pixels out; take the others by "
                  "tensor.extract_slice first");

  MLIRContext *context = op->getContext();
  auto mapTo = [&](ArrayRef<int64_t> loops) {
    SmallVector<AffineExpr> exprs;
    for (int64_t loop : loops)
      exprs.push_back(getAffineDimExpr(loop, context));
    return AffineMap::get(/*dimCount=*/4, 0, exprs, context);
  };
  bool pixelsLast = layout.grid == 2;
  SmallVector<AffineExpr> ofFilter(4, getAffineConstantExpr(0, context));
  ofFilter[layout.channels] = getAffineDimExpr(2, context);
  ofFilter[layout.inputChannels] = getAffineDimExpr(3, context);

  Linear linear;
  linear.op = op;
  linear.x = op.getDpsInputOperand(0)->get();
  linear.weight =
      Weight::seeThrough(filter, AffineMap::get(4, 0, ofFilter, context));
  linear.init = op.getDpsInitOperand(0)->get();
  linear.weightIsFirst = false;
  linear.xMap = mapTo(pixelsLast ? ArrayRef<int64_t>{0, 3, 1}
                                 : ArrayRef<int64_t>{0, 1, 3});
  linear.resultMap = mapTo(pixelsLast ? ArrayRef<int64_t>{0, 2, 1}
                                      : ArrayRef<int64_t>{0, 1, 2});
  linear.sequence = linear.resultSequence = pixelsLast ? 2 : 1;
  linear.features = linear.channels = pixelsLast ? 1 : 2;
  linear.weightReduced =
      *linear.weight.map.getResultPosition(getAffineDimExpr(3, context));
  linear.grid = layout.grid;
  return linear;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// Whether the body only multiplies and adds. A contraction's may also apply
/// any function of one argument on the way.
static bool hasPlainBody(linalg::LinalgOp op) {
  return llvm::all_of(*op.getBlock(), [](Operation &inner) {
    return isa<arith::MulFOp, arith::AddFOp, arith::ExtFOp, arith::TruncFOp,
               linalg::YieldOp>(inner);
  });
}

/// A contraction whose loops are told apart by which operands have them.
static std::optional<Linear> matchContraction(linalg::LinalgOp op,
                                              std::string &why) {
  auto refuse = [&](std::string reason) {
    why = std::move(reason);
    return std::nullopt;
  };
  if (isa<linalg::Mmt4DOp, linalg::BatchMmt4DOp>(op.getOperation()))
    return refuse("its operands are blocked, so that no one dimension is the "
                  "sequence; quantize it before it is packed");
  if (!hasPlainBody(op))
    return refuse("its body does more than multiply and add");

  Linear linear;
  linear.op = op;
  linear.init = op.getDpsInitOperand(0)->get();
  OpOperand *left = op.getDpsInputOperand(0), *right = op.getDpsInputOperand(1);
  Weight leftWeight =
      Weight::seeThrough(left->get(), op.getMatchingIndexingMap(left));
  Weight rightWeight =
      Weight::seeThrough(right->get(), op.getMatchingIndexingMap(right));
  linear.weightIsFirst = !leftWeight.whyUnknown() && rightWeight.whyUnknown();
  linear.weight = linear.weightIsFirst ? leftWeight : rightWeight;
  OpOperand *x = linear.weightIsFirst ? right : left;
  linear.x = x->get();
  linear.xMap = op.getMatchingIndexingMap(x);
  linear.resultMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));

  SmallVector<unsigned> features, channels;
  std::optional<unsigned> sequence;
  for (unsigned loop : llvm::seq(op.getNumLoops())) {
    bool inX = linear.xMap.isFunctionOfDim(loop);
    bool inWeight = linear.weight.map.isFunctionOfDim(loop);
    bool inResult = linear.resultMap.isFunctionOfDim(loop);
    if (inX + inWeight + inResult == 1)
      return refuse("one of its loops runs over one operand alone, which is "
                    "summed up or repeated");
    if (inX && inWeight && !inResult)
      features.push_back(loop);
    if (inWeight && inResult && !inX)
      channels.push_back(loop);
  }
  for (AffineExpr index : linear.xMap.getResults()) {
    unsigned loop = cast<AffineDimExpr>(index).getPosition();
    if (!linear.weight.map.isFunctionOfDim(loop))
      sequence = loop;
  }
  if (!sequence)
    return refuse("no dimension of its activations is a sequence, which the "
                  "result has and the weight has not");
  if (channels.empty())
    return refuse("its weight is a vector");
  constexpr const char *kCollapse =
      "; collapse its operands before, so that one is left";
  if (features.size() != 1)
    return refuse(llvm::formatv("it sums over {0} dimensions{1}",
                                features.size(), kCollapse)
                      .str());
  if (channels.size() != 1)
    return refuse(llvm::formatv("its weight has {0} dimensions of channels{1}",
                                channels.size(), kCollapse)
                      .str());
  auto position = [&](AffineMap map, unsigned loop) -> int64_t {
    return *map.getResultPosition(getAffineDimExpr(loop, op->getContext()));
  };
  linear.sequence = position(linear.xMap, *sequence);
  linear.features = position(linear.xMap, features[0]);
  linear.weightReduced = position(linear.weight.map, features[0]);
  linear.resultSequence = position(linear.resultMap, *sequence);
  linear.channels = position(linear.resultMap, channels[0]);
  return linear;
}

bool stamp::isLinearCandidate(linalg::LinalgOp op) {
  return linalg::isaContractionOpInterface(op) || getLayout(op) ||
         isa<linalg::QuantizedMatmulOp, linalg::QuantizedBatchMatmulOp>(
             op.getOperation());
}

std::optional<Linear> Linear::match(linalg::LinalgOp op, std::string &why) {
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  if (!isLinearCandidate(op))
    return refuse("it is neither a contraction nor a convolution");
  if (!op.hasPureTensorSemantics())
    return refuse("it works on buffers, not on tensors");
  auto isInteger = [](Value operand) {
    return isa<IntegerType>(getElementTypeOrSelf(operand));
  };
  if (llvm::all_of(op.getDpsInputs(), isInteger))
    return refuse("its operands are integers: it is quantized already");
  auto isFloat = [](Type type) {
    Type element = getElementTypeOrSelf(type);
    return element.isF32() || element.isF16() || element.isBF16();
  };
  constexpr const char *kElementTypes =
      "its element types are not f32, f16 or bf16";
  if (!llvm::all_of(op->getOperandTypes(), isFloat))
    return refuse(kElementTypes);

  std::optional<ConvolutionLayout> layout = getLayout(op);
  std::optional<Linear> linear =
      layout ? matchConvolution(op, *layout, why) : matchContraction(op, why);
  if (!linear)
    return std::nullopt;
  // What a weight has been widened from.
  if (!isFloat(linear->weight.type))
    return refuse(kElementTypes);
  return linear;
}

bool stamp::isZeroTensor(Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) ||
           matchPattern(fill.getInputs()[0], m_Zero());
  DenseElementsAttr constant;
  if (!matchPattern(tensor, m_Constant(&constant)) || !constant.isSplat())
    return false;
  if (isa<FloatType>(constant.getElementType()))
    return constant.getSplatValue<APFloat>().isZero();
  return constant.getSplatValue<APInt>().isZero();
}
