//===- QuantizedLinear.cpp - What kernels are made of ------------*- C++
//-*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "QuantizedLinear.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

static RankedTensorType getType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

//===----------------------------------------------------------------------===//
// What is there
//===----------------------------------------------------------------------===//

/// The bytes of a constant; a splat is written out into `storage`.
std::optional<ArrayRef<char>> stamp::readBytes(Value tensor,
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
  Value weight = right->get();
  if (isGrouped)
    if (Value ungrouped = findUngrouped(weight, isTransposed))
      weight = ungrouped;
  std::optional<ArrayRef<char>> data = readBytes(weight, storage);
  ArrayRef<int64_t> shape = getType(weight).getShape();
  why = "the weight's size is not static";
  if (!getType(weight).hasStaticShape())
    return failure();
  why = "the weight's codes are not constant and not 8 bits wide";
  if (!data && !getType(weight).getElementType().isInteger(8))
    return failure();
  // In memory groups are not to be seen.
  int64_t numFeatures = getType(codes).getDimSize(features);
  int64_t numChannels = isTransposed ? shape.front() : shape.back();
  why = "the weight's codes have been filled up";
  if (getType(weight).getNumElements() != numFeatures * numChannels)
    return failure();
  CodeProduct product = {{data.value_or(ArrayRef<char>()), numFeatures,
                          numChannels, isTransposed, data ? Value() : weight},
                         {},
                         groupsAreLast};
  if (isGrouped)
    product.group = getType(left->get()).getShape().back();
  return product;
}

bool stamp::isVector(Value tensor) { return getType(tensor).getRank() == 1; }

/// The rows of `quantize` in the form that kernels take.
LogicalResult stamp::matchQuantize(QuantizeOp op, StringRef &why) {
  why = "the quantizer is on buffers";
  if (op->getNumResults() == 0)
    return failure();
  int64_t rank = getType(op.getInput()).getRank();
  why = "tokens and features are not the last two dimensions";
  if (rank < 2 || static_cast<int64_t>(op.getFeatureDimension()) != rank - 1 ||
      static_cast<int64_t>(op.getDimension()) != rank - 2)
    return failure();
  why = "rows of a longer sequence have no kernel";
  if (op.getRowTotal())
    return failure();
  why = "one length is that of several sequences";
  if (op.getLengths() && getType(op.getLengths()).getRank() != rank - 2)
    return failure();
  why = "the number of features is not static";
  return failure(getType(op.getInput()).isDynamicDim(rank - 1));
}

/// Whether tensors around the kernels have coefficients in that order: in block
/// order, which for grids is the same as coarse first.
static bool isBlockOrder(BasisAttrInterface blocks, RowOrder order) {
  return order == RowOrder::Block ||
         !MinTokensAttr::split(blocks).first.emitsBlocks();
}

TransformOp stamp::matchTransform(Value input, QuantizeOp quantize,
                                  BasisAttrInterface blocks) {
  auto transform = input.getDefiningOp<TransformOp>();
  if (!blocks || !transform || transform.getBasis() != blocks ||
      !isBlockOrder(blocks, transform.getOrder()) ||
      transform.getLengths() != quantize.getLengths() ||
      transform.getDimension() != quantize.getDimension())
    return nullptr;
  return transform;
}

FailureOr<QuantizedLinear> stamp::matchLinear(linalg::LinalgOp op,
                                              QuantizeOp quantize,
                                              BasisAttrInterface blocks,
                                              SmallVectorImpl<char> &storage,
                                              StringRef &why) {
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
      (rescale.getBias() && !isVector(rescale.getBias())))
    return failure();
  why = "one spread of the bias is that of several sequences";
  if (rescale.getSpread() && !isVector(rescale.getSpread()) &&
      getType(rescale.getSpread()).getRank() !=
          getType(rescale.getResult()).getRank() - 1)
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
    if (inverse && (inverse.getBasis() != blocks ||
                    !isBlockOrder(blocks, inverse.getOrder()) ||
                    inverse.getLengths() != quantize.getLengths() ||
                    static_cast<int64_t>(inverse.getDimension()) !=
                        rescale.getResultTokenDimension()))
      inverse = nullptr;
  }
  return QuantizedLinear{op, rescale, inverse, *product};
}

/// The contractions of codes, as they are or in groups.
void stamp::findContractions(Value codes,
                             SmallVectorImpl<linalg::LinalgOp> &contractions) {
  for (Operation *user : codes.getUsers()) {
    if (auto op = dyn_cast<linalg::LinalgOp>(user))
      contractions.push_back(op);
    else if (isa<tensor::PadOp, tensor::ExpandShapeOp>(user))
      findContractions(user->getResult(0), contractions);
  }
}

int64_t stamp::getWeightBits(const WeightCodes &codes) {
  if (codes.tensor)
    return 8;
  return llvm::all_of(codes.data,
                      [](char code) {
                        auto value = static_cast<signed char>(code);
                        return value >= -8 && value < 8;
                      })
             ? 4
             : 8;
}

//===----------------------------------------------------------------------===//
// Tensors to buffers and back
//===----------------------------------------------------------------------===//

/// [[0, …, rank − inner − 1], [rank − inner], …, [rank − 1]]
static SmallVector<ReassociationIndices> getBatchGroups(int64_t rank,
                                                        int64_t inner = 2) {
  SmallVector<ReassociationIndices> groups(1);
  for (int64_t d = 0; d < rank - inner; ++d)
    groups[0].push_back(d);
  for (int64_t d = rank - inner; d < rank; ++d)
    groups.push_back({d});
  return groups;
}

Value stamp::toBuffer(ImplicitLocOpBuilder &b, Value tensor) {
  RankedTensorType type = getType(tensor);
  return bufferization::ToBufferOp::create(
      b, MemRefType::get(type.getShape(), type.getElementType()), tensor,
      /*read_only=*/true);
}

Value stamp::toBatch(ImplicitLocOpBuilder &b, Value x, int64_t inner) {
  RankedTensorType type = getType(x);
  int64_t rank = type.getRank();
  if (rank == inner) {
    SmallVector<int64_t> shape(type.getShape());
    shape.insert(shape.begin(), 1);
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
    sizes.insert(sizes.begin(), b.getIndexAttr(1));
    SmallVector<ReassociationIndices> groups;
    if (inner > 0)
      groups = getBatchGroups(inner + 1, inner - 1);
    x = tensor::ExpandShapeOp::create(
        b, RankedTensorType::get(shape, type.getElementType()), x, groups,
        sizes);
  } else if (rank > inner + 1) {
    x = tensor::CollapseShapeOp::create(b, x, getBatchGroups(rank, inner));
  }
  return toBuffer(b, x);
}

/// The reverse, for a result with the sizes of `like`.
Value stamp::fromBatch(ImplicitLocOpBuilder &b, Value memory, Value like) {
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
