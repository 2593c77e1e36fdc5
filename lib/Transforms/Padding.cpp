//===- Padding.cpp - Which sequences are padded ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk, in the order of the program: each op passes on the roles of its
// operands' dimensions along its loops. A dimension that an op cuts, joins or
// reduces has no role behind it, and so no lengths: what is not followed is
// transformed with its padding, as if nobody had said anything of it.
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Padding.h"

#include "Fold/Passage.h"
#include "stamp/IR/LoopNest.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Quantize").category("stamp-quantize");

PaddedSequences::PaddedSequences(Operation *root) {
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto function = dyn_cast<FunctionOpInterface>(op))
      addArguments(function);
    else if (!roles.empty())
      follow(op);
  });
}

void PaddedSequences::addArguments(FunctionOpInterface function) {
  if (function.isExternal())
    return;
  for (unsigned number : llvm::seq(function.getNumArguments())) {
    auto padded = function.getArgAttrOfType<PaddedAttr>(
        number, StampDialect::kPaddedAttrName);
    if (!padded)
      continue;
    paddedFunctions.insert(function);
    Value tokens = function.getArgument(number);
    Value lengths = function.getArgument(padded.getLengths());
    SmallVector<Roles> &places = roles[tokens];
    places.resize(cast<ShapedType>(tokens.getType()).getRank());
    for (int64_t d : llvm::seq(cast<ShapedType>(lengths.getType()).getRank()))
      places[d].push_back({lengths, d});
    places[padded.getAlong()].push_back({lengths, kSequence});
  }
}

ArrayRef<PaddedSequences::Role>
PaddedSequences::getRoles(Value tensor, int64_t dimension) const {
  auto found = roles.find(tensor);
  if (found == roles.end())
    return {};
  return found->second[dimension];
}

void PaddedSequences::pass(Value from, int64_t fromDim, Value to,
                           int64_t toDim) {
  // A copy: a new entry may move the old ones.
  Roles passed(getRoles(from, fromDim));
  if (passed.empty())
    return;
  SmallVector<Roles> &places = roles[to];
  places.resize(cast<ShapedType>(to.getType()).getRank());
  for (const Role &role : passed)
    if (!llvm::is_contained(places[toDim], role))
      places[toDim].push_back(role);
}

void PaddedSequences::passAll(Value from, Value to) {
  auto fromType = dyn_cast<RankedTensorType>(from.getType());
  auto toType = dyn_cast<RankedTensorType>(to.getType());
  if (!fromType || !toType || fromType.getRank() != toType.getRank())
    return;
  for (int64_t d : llvm::seq(fromType.getRank()))
    pass(from, d, to, d);
}

void PaddedSequences::follow(Operation *op) {
  if (op->getNumResults() == 0 ||
      llvm::none_of(op->getOperands(),
                    [&](Value operand) { return roles.contains(operand); }))
    return;

  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    if (!linalgOp.hasPureTensorSemantics())
      return;
    for (OpResult result : op->getResults()) {
      AffineMap to = linalgOp.getIndexingMapMatchingResult(result);
      for (OpOperand &operand : op->getOpOperands()) {
        AffineMap from = linalgOp.getMatchingIndexingMap(&operand);
        for (auto [fromDim, index] : llvm::enumerate(from.getResults()))
          if (isa<AffineDimExpr>(index))
            if (std::optional<unsigned> toDim = to.getResultPosition(index))
              pass(operand.get(), fromDim, result, *toDim);
      }
    }
    return;
  }
  if (isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
          tensor::ExtractSliceOp>(op)) {
    for (auto [from, to] : llvm::enumerate(pairDimensions(op)))
      if (to != kNone)
        pass(op->getOperand(0), from, op->getResult(0), to);
    return;
  }
  if (auto insertion = dyn_cast<tensor::InsertSliceOp>(op)) {
    passAll(insertion.getDest(), insertion.getResult());
    for (auto [to, from] : llvm::enumerate(pairWithSlice(
             insertion, insertion.getDest(), insertion.getDroppedDims())))
      if (from != kNone)
        pass(insertion.getSource(), from, insertion.getResult(), to);
    return;
  }
  if (isa<StampDialect>(op->getDialect())) {
    LoopNest nest = getLoopNest(op);
    for (OpResult result : op->getResults())
      for (auto [toDim, loop] :
           llvm::enumerate(getResultLoops(op, nest, result.getResultNumber())))
        for (auto [operand, loops] :
             llvm::zip_equal(op->getOperands(), nest.operands))
          for (auto [fromDim, from] : llvm::enumerate(loops))
            if (loop != kWhole && from == loop)
              pass(operand, fromDim, result, toDim);
    return;
  }
  if (isa<linalg::SoftmaxOp>(op) || OpTrait::hasElementwiseMappableTraits(op))
    for (Value operand : op->getOperands())
      passAll(operand, op->getResult(0));
}

Value PaddedSequences::findLengths(const Linear &linear,
                                   std::string &why) const {
  auto refuse = [&](const char *reason) {
    why = reason;
    return Value();
  };
  if (linear.grid)
    return refuse("its tokens are the pixels of a grid");
  Value lengths;
  for (const Role &role : getRoles(linear.x, linear.sequence)) {
    if (role.place != kSequence)
      continue;
    if (lengths && lengths != role.lengths)
      return refuse("its sequences have the lengths of two arguments");
    lengths = role.lengths;
  }
  if (!lengths)
    return refuse("its sequence is not followed from a padded argument");

  auto type = cast<RankedTensorType>(lengths.getType());
  int64_t leading = type.getRank();
  auto inFront = [&](AffineMap map) {
    return map.getResults().take_front(leading);
  };
  if (leading > std::min({linear.sequence, linear.features,
                          linear.resultSequence, linear.channels}) ||
      inFront(linear.xMap) != inFront(linear.resultMap))
    return refuse("the dimensions that the lengths are for do not stand first");
  for (int64_t d : llvm::seq(leading))
    if (!llvm::is_contained(getRoles(linear.x, d), Role{lengths, d}))
      return refuse("the dimensions that the lengths are for do not stand "
                    "first");
  auto fits = [&](Value tensor) {
    return succeeded(verifyCompatibleShape(
        type.getShape(), cast<RankedTensorType>(tensor.getType())
                             .getShape()
                             .take_front(leading)));
  };
  if (!fits(linear.x) || !fits(linear.init))
    return refuse("there is not one length for each of its sequences");
  return lengths;
}

Value PaddedSequences::findLengths(const Linear &linear) const {
  Operation *op = linear.op;
  Operation *function = op->getParentOfType<FunctionOpInterface>();
  if (!paddedFunctions.contains(function))
    return {};
  std::string why;
  Value lengths = findLengths(linear, why);
  if (!lengths)
    remark::missed(op->getLoc(), kRemark) << remark::reason(
        "padding counts as tokens: {0}; give its lengths to the stamp ops "
        "themselves",
        why);
  return lengths;
}
