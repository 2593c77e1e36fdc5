//===- Gains.cpp - Rule 7: gains of norms go to weights --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A norm ends with a factor for each feature, which a linear behind it may as
// well have in its weight:
//
//   (X·diag(g))·W = X·(diag(g)·W)
//
//   %s = linalg.generic ins(%x, %g) { x·g }
//   %y = linalg.matmul {plan} ins(%s, %w)
// becomes
//   %v = stamp.feature_transform #stamp.scale<g> left over 0 ins(%w)
//   %y = linalg.matmul {plan} ins(%x, %v)
//
// That saves an op, and lets a rotation into what is in front of the norm. It
// changes what is quantized: X instead of X·diag(g).
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "stamp/IR/Constants.h"
#include "stamp/Transforms/Weight.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace stamp;

static PlanAttr getPlan(Operation *op) {
  return op->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName);
}

namespace {
/// An elementwise op whose last step multiplies by a constant for each feature.
struct Gain {
  linalg::LinalgOp op;
  arith::MulFOp product;
  Value scaled;       ///< The other factor of the product.
  OpOperand *factors; ///< The constant, maybe broadcast.
  int64_t dimension;  ///< The features among those of the result.
  SmallVector<float> values;

  static std::optional<Gain> match(Operation *op);

  /// What is left of the op.
  Value remove(RewriterBase &rewriter);
};
} // namespace

/// The f32 values of a constant vector along `loop`, in other dimensions of
/// size 1, that an operand is or is broadcast from.
static std::optional<SmallVector<float>> readVector(Value tensor, AffineMap map,
                                                    unsigned loop) {
  Weight vector = Weight::seeThrough(tensor, map);
  Attribute constant;
  auto own = cast<RankedTensorType>(vector.tensor.getType());
  if (vector.type.getRank() != 1 || vector.type.getNumElements() < 1 ||
      !vector.map.getResult(0).isFunctionOfDim(loop) ||
      !isa<AffineDimExpr>(vector.map.getResult(0)) ||
      !matchPattern(vector.tensor, m_Constant(&constant)))
    return std::nullopt;
  std::vector<float> storage;
  std::optional<ArrayRef<float>> values = readFloats(constant, own, storage);
  if (!values)
    return std::nullopt;
  return SmallVector<float>(*values);
}

std::optional<Gain> Gain::match(Operation *maker) {
  auto op = dyn_cast_or_null<linalg::LinalgOp>(maker);
  if (!op || !op.hasPureTensorSemantics() || op->getNumResults() != 1 ||
      op.getNumReductionLoops() != 0)
    return std::nullopt;
  OpOperand *init = op.getDpsInitOperand(0);
  AffineMap resultMap = op.getMatchingIndexingMap(init);
  Block &body = *op.getBlock();
  auto product =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  if (!product || !product->hasOneUse() || !product.getType().isF32() ||
      !resultMap.isPermutation() || op.payloadUsesValueFromOperand(init))
    return std::nullopt;
  for (auto [factor, other] : {std::pair(product.getLhs(), product.getRhs()),
                               std::pair(product.getRhs(), product.getLhs())}) {
    auto argument = dyn_cast<BlockArgument>(factor);
    if (!argument || argument.getOwner() != &body || !argument.hasOneUse())
      continue;
    OpOperand *factors = op.getMatchingOpOperand(argument);
    AffineMap map = op.getMatchingIndexingMap(factors);
    for (auto [d, index] : llvm::enumerate(resultMap.getResults())) {
      unsigned loop = cast<AffineDimExpr>(index).getPosition();
      if (std::optional<SmallVector<float>> values =
              readVector(factors->get(), map, loop))
        return Gain{op,     product, other, factors, static_cast<int64_t>(d),
                    *values};
    }
  }
  return std::nullopt;
}

Value Gain::remove(RewriterBase &rewriter) {
  rewriter.setInsertionPoint(op);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  AffineMap resultMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  Block *body = op.getBlock();
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (input == factors)
      continue;
    // Nothing is left but what is read as it lies.
    if (scaled == op.getMatchingBlockArgument(input) &&
        op.getMatchingIndexingMap(input) == resultMap &&
        input->get().getType() == op->getResult(0).getType())
      return input->get();
    inputs.push_back(input->get());
    maps.push_back(op.getMatchingIndexingMap(input));
  }
  maps.push_back(resultMap);
  Value init = op.getDpsInits()[0];
  return linalg::GenericOp::create(
             rewriter, op.getLoc(), init.getType(), inputs, init, maps,
             op.getIteratorTypesArray(),
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               IRMapping mapping;
               unsigned next = 0;
               for (OpOperand *input : op.getDpsInputOperands())
                 if (input != factors)
                   mapping.map(op.getMatchingBlockArgument(input),
                               arguments[next++]);
               for (Operation &inner : body->without_terminator())
                 if (&inner != product)
                   b.clone(inner, mapping);
               linalg::YieldOp::create(b, loc, mapping.lookupOrDefault(scaled));
             })
      .getResult(0);
}

/// The linears that read a tensor, maybe in other shapes; nullopt, and `why`,
/// if somebody else does or one of them cannot take a factor.
static std::optional<SmallVector<FeatureReader>>
findReaders(Value tensor, int64_t dimension, std::string &why) {
  SmallVector<FeatureReader> readers;
  SmallVector<std::pair<Value, int64_t>> open = {{tensor, dimension}};
  while (!open.empty()) {
    auto [value, d] = open.pop_back_val();
    for (OpOperand &use : value.getUses()) {
      Operation *op = use.getOwner();
      if (isa<tensor::DimOp>(op))
        continue;
      if (auto dps = dyn_cast<linalg::LinalgOp>(op);
          dps && dps.isDpsInit(&use) && !dps.payloadUsesValueFromOperand(&use))
        continue;
      std::optional<FeatureReader> reader = FeatureReader::match(use, d);
      if (!reader) {
        std::string ignored;
        std::optional<Passage> passage =
            Passage::down(use, RowTransform::ofFeatures(d), ignored);
        if (passage && passage->kind == Passage::Kind::Shape &&
            passage->carriers.size() == 1) {
          open.push_back({passage->getResult(), passage->result});
          continue;
        }
        why =
            llvm::formatv("{0} reads what it scales, too; it would go if only "
                          "linears with constant weights read that",
                          op->getName());
        return std::nullopt;
      }
      PlanAttr plan = getPlan(reader->op);
      if (!plan)
        why = "a linear behind it has no plan, and its float weight would be "
              "held twice; give it one";
      else if (!isCopiedWeight(reader->weight->get(), reader->reduced))
        why =
            "the weight of a linear behind it is no f32 constant, or comes as "
            "codes, which are kept";
      else if (!llvm::all_of(plan.getFeatures(), [](auto transform) {
                 return transform.getFeatureTransform()->isOrthonormal();
               }))
        why = "a linear behind it scales its features by its plan, for the "
              "sizes that they have now";
      if (!why.empty())
        return std::nullopt;
      readers.push_back(*reader);
    }
  }
  return readers;
}

bool stamp::foldGains(Operation *root, RewriterBase::Listener *listener,
                      FoldCounts &counts,
                      SmallVectorImpl<FeatureRefusal> &refusals) {
  // What makes the input of a linear, maybe in another shape.
  llvm::SetVector<Operation *> makers;
  root->walk([&](linalg::LinalgOp op) {
    if (!getPlan(op))
      return;
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto isFeature = [&](int64_t d) {
        return FeatureReader::match(*input, d).has_value();
      };
      Operation *maker = input->get().getDefiningOp();
      if (!maker || llvm::none_of(llvm::seq(op.getRank(input)), isFeature))
        continue;
      while (isa_and_nonnull<tensor::CastOp, tensor::CollapseShapeOp,
                             tensor::ExpandShapeOp>(maker))
        maker = maker->getOperand(0).getDefiningOp();
      if (maker)
        makers.insert(maker);
    }
  });
  IRRewriter rewriter(root->getContext(), listener);
  refusals.clear();
  bool changed = false;
  for (Operation *maker : makers) {
    std::optional<Gain> gain = Gain::match(maker);
    if (!gain)
      continue;
    std::string why;
    std::optional<SmallVector<FeatureReader>> readers =
        findReaders(maker->getResult(0), gain->dimension, why);
    if (readers && !llvm::all_of(gain->values, [](float factor) {
          return factor != 0 && std::isfinite(factor);
        }))
      why = "one of its factors is 0 or not finite";
    if (!why.empty()) {
      refusals.push_back({maker, why});
      continue;
    }
    auto type =
        RankedTensorType::get(gain->values.size(), rewriter.getF32Type());
    auto factors = ScaleAttr::get(
        rewriter.getContext(),
        DenseElementsAttr::get(type, ArrayRef<float>(gain->values)));
    for (FeatureReader &reader : *readers) {
      Value weight = transformWeight(rewriter, reader.weight->get(), factors,
                                     Side::Left, Direction::Forward,
                                     reader.reduced, /*isQuantized=*/true);
      rewriter.modifyOpInPlace(reader.op, [&] { reader.weight->set(weight); });
    }
    rewriter.replaceOp(maker, gain->remove(rewriter));
    ++counts.gains;
    changed = true;
  }
  return changed;
}
