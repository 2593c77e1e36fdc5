//===- Elementwise.cpp - Sums and scales of rows ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An elementwise op lets rows pass if its body is linear in them: sums and
// differences of rows, and products with what is the same for every token (rule
// 4). To what it adds that is the same for every token, L·1 has to be applied
// (rule 3).
//
//===----------------------------------------------------------------------===//

#include "Passage.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// Broadcasts
//===----------------------------------------------------------------------===//

/// Whether an operand is read as it lies, or repeated: along dimensions that it
/// does not have, or that it has one element of.
static bool selectsElements(AffineMap map) {
  return map.isProjectedPermutation(/*allowZeroInResults=*/true);
}

/// Sees through a broadcast, whoever does it: the tensor in front of it, and
/// how the result's indices become indices of that.
static Value skipBroadcast(Value tensor, AffineMap &map) {
  auto op = tensor.getDefiningOp<linalg::LinalgOp>();
  if (!op || !op.hasPureTensorSemantics() || op->getNumResults() != 1 ||
      op.getNumDpsInputs() != 1 || op.getNumReductionLoops() != 0 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      op.getBlock()->getTerminator()->getOperand(0) !=
          op.getBlock()->getArgument(0))
    return tensor;
  OpOperand *input = op.getDpsInputOperand(0);
  AffineMap inputMap = op.getMatchingIndexingMap(input);
  if (!selectsElements(inputMap) || inputMap.isPermutation() ||
      !isa<RankedTensorType>(input->get().getType()))
    return tensor;
  map = inputMap.compose(map);
  return input->get();
}

Value stamp::dropUnits(OpBuilder &builder, Location loc, Value tensor,
                       AffineMap &map) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices units;
  SmallVector<AffineExpr> indices;
  for (auto [d, index] : llvm::enumerate(map.getResults())) {
    units.push_back(d);
    if (isa<AffineConstantExpr>(index)) {
      if (type.getDimSize(d) != 1)
        return tensor;
      continue;
    }
    indices.push_back(index);
    groups.push_back(std::exchange(units, {}));
  }
  if (indices.size() == map.getNumResults())
    return tensor;
  if (!groups.empty())
    llvm::append_range(groups.back(), units);
  map = AffineMap::get(map.getNumDims(), 0, indices, map.getContext());
  return tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

/// Whether all elements are one number.
static bool isSplat(Value tensor) {
  return tensor.getDefiningOp<linalg::FillOp>() ||
         matchPattern(tensor, m_Constant<SplatElementsAttr>(nullptr));
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// Fills in, for a body whose arguments `rows` are elements of carriers, what
/// it adds that is the same for every token. Fails, and says why, if it is not
/// linear in the rows apart from that.
static LogicalResult analyzeBody(linalg::LinalgOp op, int64_t sequenceLoop,
                                 llvm::SmallDenseSet<Value> rows,
                                 SmallVectorImpl<OpOperand *> &addends,
                                 std::string &why) {
  auto refuse = [&](const Twine &reason) {
    why = reason.str();
    return failure();
  };
  Block &body = *op.getBlock();
  for (Operation &inner : body.without_terminator()) {
    auto isRow = [&](Value value) { return rows.contains(value); };
    unsigned numRows = llvm::count_if(inner.getOperands(), isRow);
    if (numRows == 0) {
      auto index = dyn_cast<linalg::IndexOp>(inner);
      if (index && static_cast<int64_t>(index.getDim()) == sequenceLoop)
        return refuse("depends on each token's place, as a mask or RoPE does; "
                      "a transform passes only what treats all tokens alike");
      if (!isPure(&inner) || inner.getNumRegions() != 0)
        return refuse(
            "has a body that is not known to be linear; a transform passes "
            "only sums, differences, and products with what all tokens share");
      continue;
    }
    if (isa<arith::AddFOp, arith::SubFOp>(inner)) {
      for (OpOperand &operand : inner.getOpOperands())
        if (!isRow(operand.get()))
          addends.push_back(&operand);
    } else if (isa<arith::MulFOp>(inner)) {
      if (numRows == 2)
        return refuse("multiplies each token by factors of its own, as a gate, "
                      "a norm, a mask or RoPE does; a transform passes only "
                      "what treats all tokens alike");
    } else if (isa<arith::DivFOp>(inner)) {
      if (isRow(inner.getOperand(1)))
        return refuse(
            "divides by what each token has of its own, as a norm or a softmax "
            "does; a transform passes only what treats all tokens alike");
    } else if (!isa<arith::NegFOp>(inner)) {
      return refuse("applies " + inner.getName().getStringRef() +
                    ", which is not linear; a transform passes only sums, "
                    "differences, and products with what all tokens share");
    }
    rows.insert(inner.getResult(0));
  }
  if (!rows.contains(body.getTerminator()->getOperand(0)))
    return refuse("needs tokens; a transform passes only ops that are linear "
                  "and treat all tokens alike");
  return success();
}

std::optional<Passage> Passage::ofElementwise(linalg::LinalgOp op, Entry entry,
                                              const RowTransform &rowTransform,
                                              std::string &why) {
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  OpOperand *init = op.getDpsInitOperand(0);
  if (entry.operand == init)
    return refuse("needs tokens; a transform passes only ops that are linear "
                  "and treat all tokens alike");
  if (op.payloadUsesValueFromOperand(init))
    return refuse("adds to an init; give it one that it does not read");
  AffineMap resultMap = op.getMatchingIndexingMap(init);
  if (!resultMap.isPermutation() ||
      !llvm::all_of(op.getIndexingMapsArray(), selectsElements))
    return refuse("picks elements in another way than a broadcast; index each "
                  "dimension by one loop or by 0");

  AffineMap entryMap =
      op.getMatchingIndexingMap(entry.operand ? entry.operand : init);
  if (!isa<AffineDimExpr>(entryMap.getResult(entry.dimension)))
    return refuse("repeats one token; repeat it behind the next linear");
  unsigned loop = entryMap.getDimPosition(entry.dimension);
  AffineExpr sequence = getAffineDimExpr(loop, op.getContext());
  Passage passage{
      Kind::Elementwise,   op, {}, *resultMap.getResultPosition(sequence),
      /*keepsWidth=*/true, {}};
  llvm::SmallDenseSet<Value> rows;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    std::optional<unsigned> position = map.getResultPosition(sequence);
    if (!position || isSplat(input->get()))
      continue;
    AffineMap source = map;
    skipBroadcast(input->get(), source);
    if (!source.getResultPosition(sequence))
      continue;
    rows.insert(op.getMatchingBlockArgument(input));
    passage.carriers.push_back({input, *position});
    passage.keepsWidth &= map.isPermutation();
  }
  if (passage.carriers.empty())
    return refuse("is the same for every token; make it a constant, which is "
                  "transformed at compile time");
  auto isOfRowType = [&](const Carrier &carrier) {
    return getElementTypeOrSelf(carrier.operand->get()) ==
               getElementTypeOrSelf(init->get()) &&
           (rowTransform.actsOnFeatures() ||
            cast<RankedTensorType>(carrier.operand->get().getType())
                    .getRank() >= 2);
  };
  if (failed(analyzeBody(op, loop, std::move(rows), passage.addends, why)))
    return std::nullopt;
  if (!llvm::all_of(passage.carriers, isOfRowType))
    return refuse("takes factors or terms of each token's own; what all tokens "
                  "share would be passed");
  return passage;
}

//===----------------------------------------------------------------------===//
// Addends
//===----------------------------------------------------------------------===//

Value stamp::createSpread(RewriterBase &rewriter, Location loc,
                          const RowTransform &rows, Value like) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, getSizeSource(like));
  int64_t leading = rows.countLeading();
  Type f32 = rewriter.getF32Type();
  std::optional<int64_t> known = getConstantIntValue(sizes[rows.dimension]);
  if (known && !rows.lengths) {
    std::vector<float> ones =
        rows.basis.getBasis()->transformedOnes(*known, rows.order);
    auto type = RankedTensorType::get(*known, f32);
    return arith::ConstantOp::create(
        rewriter, loc, DenseElementsAttr::get(type, ArrayRef<float>(ones)));
  }
  Value one =
      arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(1));
  sizes[leading] = sizes[rows.dimension];
  sizes.resize(leading + 1);
  sizes.push_back(rewriter.getIndexAttr(1));
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, f32);
  Value ones = linalg::FillOp::create(rewriter, loc, one, empty).getResult(0);
  Value columns = rows.along(leading).create<TransformOp>(rewriter, loc, ones);
  SmallVector<ReassociationIndices> groups;
  for (int64_t d : llvm::seq(leading))
    groups.push_back({d});
  groups.push_back({leading, leading + 1});
  return tensor::CollapseShapeOp::create(rewriter, loc, columns, groups);
}

/// Whether `map` picks what a rescale takes as columns: the channels, or all
/// dimensions but the sequence.
static bool picksColumns(AffineMap map, RescaleOp rescale) {
  MLIRContext *context = map.getContext();
  int64_t rank = map.getNumDims();
  AffineMap vector = AffineMap::get(
      rank, 0, getAffineDimExpr(rescale.getResultChannelDimension(), context));
  AffineMap all = AffineMap::getMultiDimIdentityMap(rank, context)
                      .dropResult(rescale.getResultTokenDimension());
  return map == vector || map == all;
}

/// The rescale with this bias, if `a` is a rescale that has room for it.
static Value addToRescale(RewriterBase &rewriter, Value a, int64_t sequence,
                          Value bias, AffineMap biasMap, Value spread) {
  auto rescale = a.getDefiningOp<RescaleOp>();
  if (!rescale || !rescale->hasOneUse() || rescale.getBias() ||
      rescale.getResultTokenDimension() != sequence ||
      !picksColumns(biasMap, rescale))
    return {};
  return RescaleOp::create(
             rewriter, rescale.getLoc(), rescale.getAccumulators(),
             rescale.getRowScales(), rescale.getZeroPoints(),
             rescale.getColumnScales(), rescale.getColumnSums(),
             rescale.getInit(), bias, spread, rescale.getDimensionAttr(),
             rescale.getChannelDimensionAttr(), rescale.getGroupDimensionAttr())
      .getResult();
}

/// If the body is a + b and no more, with nothing permuted, the operand of b.
static OpOperand *getBias(const Passage &passage) {
  auto op = cast<linalg::LinalgOp>(passage.op);
  Block &body = *op.getBlock();
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || !llvm::hasNItems(body, 2) || passage.carriers.size() != 1)
    return nullptr;
  auto argument = dyn_cast<BlockArgument>(passage.addends.front()->get());
  if (!argument || argument.getOwner() != &body ||
      !op.getMatchingIndexingMap(passage.carriers.front().operand)
           .isIdentity() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return nullptr;
  return op.getMatchingOpOperand(argument);
}

Value Passage::rebuildWithAddends(RewriterBase &rewriter,
                                  ArrayRef<Value> carried,
                                  const RowTransform &rows) const {
  auto linalgOp = cast<linalg::LinalgOp>(op);
  Location loc = op->getLoc();
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (OpOperand *input : linalgOp.getDpsInputOperands()) {
    AffineMap map = linalgOp.getMatchingIndexingMap(input);
    inputs.push_back(skipBroadcast(input->get(), map));
    maps.push_back(map);
  }
  for (auto [carrier, value] : llvm::zip_equal(carriers, carried)) {
    inputs[carrier.operand->getOperandNumber()] = value;
    maps[carrier.operand->getOperandNumber()] =
        linalgOp.getMatchingIndexingMap(carrier.operand);
  }
  Value spread = createSpread(rewriter, loc, rows, getResult());
  if (OpOperand *bias = getBias(*this)) {
    unsigned number = bias->getOperandNumber();
    inputs[number] = dropUnits(rewriter, loc, inputs[number], maps[number]);
    if (Value sum = addToRescale(rewriter, carried.front(), result,
                                 inputs[number], maps[number], spread))
      return sum;
  }

  Value init = linalgOp.getDpsInits()[0];
  for (const Carrier &carrier : carriers)
    if (carrier.operand->get() == init) {
      init = createEmptyLike(rewriter, loc, init);
      break;
    }
  AffineMap resultMap =
      linalgOp.getMatchingIndexingMap(linalgOp.getDpsInitOperand(0));
  SmallVector<AffineExpr> ofSpread(
      resultMap.getResults().take_front(rows.countLeading()));
  ofSpread.push_back(resultMap.getResult(result));
  inputs.push_back(spread);
  maps.push_back(AffineMap::get(resultMap.getNumDims(), 0, ofSpread,
                                rewriter.getContext()));
  maps.push_back(resultMap);
  Block *body = linalgOp.getBlock();
  return linalg::GenericOp::create(
             rewriter, loc, init.getType(), inputs, init, maps,
             linalgOp.getIteratorTypesArray(),
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               Value share = arguments.drop_back().back();
               IRMapping mapping;
               for (auto [from, to] :
                    llvm::zip(body->getArguments().drop_back(), arguments))
                 mapping.map(from, to);
               for (Operation &inner : body->without_terminator()) {
                 Operation *clone = b.clone(inner, mapping);
                 for (OpOperand &operand : inner.getOpOperands()) {
                   if (!llvm::is_contained(addends, &operand))
                     continue;
                   OpBuilder::InsertionGuard guard(b);
                   b.setInsertionPoint(clone);
                   Value addend = mapping.lookupOrDefault(operand.get());
                   Type type = addend.getType();
                   Value factor = share;
                   if (type.getIntOrFloatBitWidth() < 32)
                     factor = arith::TruncFOp::create(b, loc, type, share);
                   else if (!type.isF32())
                     factor = arith::ExtFOp::create(b, loc, type, share);
                   clone->setOperand(
                       operand.getOperandNumber(),
                       arith::MulFOp::create(b, loc, factor, addend));
                 }
               }
               linalg::YieldOp::create(
                   b, loc,
                   mapping.lookupOrDefault(
                       body->getTerminator()->getOperand(0)));
             })
      .getResult(0);
}
