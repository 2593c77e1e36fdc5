//===- Prepack.cpp - Weights that are arguments ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What quantizes a marked argument depends on that argument alone: it is cloned
// into the prepacking function, which is the pattern for the callers too. There
// it folds if the weight is a constant, and moves on if it is a marked argument
// again.
//
//===----------------------------------------------------------------------===//

#include "QuantizedWeights.h"

#include "mlir/Analysis/CallGraph.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/CSE.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SCCIterator.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Prepack").category("stamp-quantize");

namespace {
/// What computes some values: ops in order, from arguments of a function.
struct Slice {
  llvm::SetVector<Operation *> ops;
  llvm::SetVector<BlockArgument> arguments;

  /// Adds what computes `value`; false if that does not depend on marked
  /// arguments alone.
  bool add(Value value, func::FuncOp function) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (argument.getOwner() != &function.getBody().front() ||
          !function.getArgAttr(argument.getArgNumber(),
                               StampDialect::kWeightAttrName))
        return false;
      arguments.insert(argument);
      return true;
    }
    Operation *op = value.getDefiningOp();
    if (ops.contains(op))
      return true;
    if (!isMemoryEffectFree(op) || op->getNumRegions() != 0)
      return false;
    for (Value operand : op->getOperands())
      if (!add(operand, function))
        return false;
    ops.insert(op);
    return true;
  }
};

/// A function whose marked weights are to be quantized by another one.
class Prepacking {
public:
  Prepacking(RewriterBase &rewriter, func::FuncOp function)
      : rewriter(rewriter), function(function) {}

  /// Finds what quantizes marked arguments; returns whether there is anything.
  bool find();

  /// Writes the prepacking function, beside the original.
  void outline(SymbolTable &symbols);

  /// Gives the function codes, scales and sums in the place of each weight.
  void changeSignature();

  /// Lets a caller compute what the function takes now.
  void changeCall(func::CallOp call, KnownWeights &known);

  /// Only who is called from outside needs the prepacking function.
  void finish() {
    if (function.isPublic())
      remark::passed(function.getLoc(), kRemark)
          << "its weights come as the results of @" +
                 prepack.getSymName().str() + ", to be called once";
    else
      prepack.erase();
  }

private:
  RewriterBase &rewriter;
  func::FuncOp function, prepack;
  SmallVector<QuantizeWeightOp> quantizers;
  Slice slice;
  /// The first weight that each quantizer reads.
  SmallVector<unsigned> firstArgument;

  /// The arguments of `prepack` among those that the function had.
  SmallVector<unsigned> weights;
  /// For each of the function's arguments: which it was before, or, counted
  /// from the old ones on, which result of `prepack` it is.
  SmallVector<unsigned> sources;
};
} // namespace

static constexpr unsigned kResultsPerWeight = 3;

/// Lets who only measures a weight measure its codes, which have its shape.
static void measureCodes(QuantizeWeightOp op, Value codes) {
  Value weight = op.getWeight();
  while (isa_and_nonnull<FeatureTransformOp, InverseFeatureTransformOp>(
      weight.getDefiningOp()))
    weight = weight.getDefiningOp()->getOperand(0);
  weight.replaceUsesWithIf(
      codes, [](OpOperand &use) { return isa<tensor::DimOp>(use.getOwner()); });
}

bool Prepacking::find() {
  function.walk([&](QuantizeWeightOp op) {
    Slice own;
    if (!op.getCodes() || !own.add(op.getCodes(), function) ||
        own.arguments.empty())
      return;
    quantizers.push_back(op);
    firstArgument.push_back(own.arguments.front().getArgNumber());
    for (Operation *part : own.ops)
      slice.ops.insert(part);
    for (BlockArgument argument : own.arguments)
      slice.arguments.insert(argument);
  });
  return !quantizers.empty();
}

void Prepacking::outline(SymbolTable &symbols) {
  SmallVector<BlockArgument> arguments = slice.arguments.takeVector();
  llvm::sort(arguments, [](BlockArgument a, BlockArgument b) {
    return a.getArgNumber() < b.getArgNumber();
  });
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfter(function);
  SmallVector<Type> types = llvm::map_to_vector(
      arguments, [](BlockArgument argument) { return argument.getType(); });
  prepack = func::FuncOp::create(rewriter, function.getLoc(),
                                 ("prepack_" + function.getSymName()).str(),
                                 rewriter.getFunctionType(types, {}));
  symbols.insert(prepack, std::next(Block::iterator(function)));
  Block *body = prepack.addEntryBlock();
  rewriter.setInsertionPointToStart(body);
  IRMapping mapping;
  for (auto [argument, copy] :
       llvm::zip_equal(arguments, body->getArguments())) {
    weights.push_back(argument.getArgNumber());
    mapping.map(argument, copy);
  }
  for (Operation *op : slice.ops)
    rewriter.clone(*op, mapping);
  SmallVector<Value> results;
  for (QuantizeWeightOp op : quantizers)
    for (Value result : op->getResults())
      results.push_back(mapping.lookup(result));
  auto end = func::ReturnOp::create(rewriter, function.getLoc(), results);
  // Linears that share a weight share its codes.
  DominanceInfo dominance(prepack);
  eliminateCommonSubExpressions(rewriter, dominance, prepack);
  prepack.setFunctionType(
      rewriter.getFunctionType(types, end.getOperandTypes()));
}

/// What `stamp.padded` names by number has another number now: argument i was
/// argument sources[i], one of `oldCount`, or is new.
static void renumberLengths(func::FuncOp function, ArrayRef<unsigned> sources,
                            unsigned oldCount) {
  llvm::DenseMap<int64_t, int64_t> numbers;
  for (auto [number, source] : llvm::enumerate(sources))
    if (source < oldCount)
      numbers[source] = static_cast<int64_t>(number);
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (auto padded = function.getArgAttrOfType<PaddedAttr>(
            i, StampDialect::kPaddedAttrName))
      function.setArgAttr(i, StampDialect::kPaddedAttrName,
                          PaddedAttr::get(function.getContext(),
                                          padded.getAlong(),
                                          numbers.lookup(padded.getLengths())));
}

void Prepacking::changeSignature() {
  auto end = cast<func::ReturnOp>(prepack.getBody().front().getTerminator());
  Block &body = function.getBody().front();
  unsigned oldCount = body.getNumArguments();

  // Codes, scales and sums that are equal become one argument, behind the first
  // weight that they are made of.
  llvm::MapVector<Value, BlockArgument> results;
  SmallVector<SmallVector<Value>> behind(oldCount);
  for (auto [i, result] : llvm::enumerate(end.getOperands()))
    if (results.insert({result, {}}).second)
      behind[firstArgument[i / kResultsPerWeight]].push_back(result);
  SmallVector<unsigned> places;
  SmallVector<Value> inserted;
  SmallVector<Type> types;
  SmallVector<Location> locations;
  for (unsigned argument : llvm::seq(oldCount))
    for (Value result : behind[argument]) {
      places.push_back(argument + 1);
      inserted.push_back(result);
      types.push_back(result.getType());
      locations.push_back(body.getArgument(argument).getLoc());
    }
  SmallVector<DictionaryAttr> noAttributes(types.size());
  (void)function.insertArguments(places, types, noAttributes, locations);
  llvm::BitVector isInserted(body.getNumArguments());
  for (auto [i, place] : llvm::enumerate(places)) {
    results[inserted[i]] = body.getArgument(place + i);
    isInserted.set(place + i);
  }

  SmallVector<Value> operands;
  for (auto [i, op] : llvm::enumerate(quantizers)) {
    SmallVector<Value> values;
    for (Value result :
         end.getOperands().slice(i * kResultsPerWeight, kResultsPerWeight))
      values.push_back(results[result]);
    measureCodes(op, values.front());
    llvm::append_range(operands, op->getOperands());
    rewriter.replaceOp(op, values);
  }
  eraseDead(rewriter, operands);

  // Who else reads a weight keeps its floats.
  llvm::BitVector isWeight(oldCount), unused(body.getNumArguments());
  for (unsigned weight : weights)
    isWeight.set(weight);
  llvm::DenseMap<Value, unsigned> numbers;
  for (auto [number, entry] : llvm::enumerate(results))
    numbers[entry.second] = number;
  unsigned old = 0;
  for (BlockArgument argument : body.getArguments()) {
    if (isInserted.test(argument.getArgNumber())) {
      sources.push_back(oldCount + numbers[argument]);
      continue;
    }
    if (isWeight.test(old) && argument.use_empty())
      unused.set(argument.getArgNumber());
    else
      sources.push_back(old);
    ++old;
  }
  (void)function.eraseArguments(unused);
  renumberLengths(function, sources, oldCount);

  SmallVector<Value> returned = llvm::map_to_vector(
      results, [](const auto &entry) { return entry.first; });
  rewriter.setInsertionPoint(end);
  rewriter.replaceOpWithNewOp<func::ReturnOp>(end, returned);
  prepack.setFunctionType(rewriter.getFunctionType(
      prepack.getArgumentTypes(), ValueRange(returned).getTypes()));
}

void Prepacking::changeCall(func::CallOp call, KnownWeights &known) {
  rewriter.setInsertionPoint(call);
  IRMapping mapping;
  for (auto [copy, number] : llvm::zip_equal(prepack.getArguments(), weights))
    mapping.map(copy, call.getOperand(number));
  SmallVector<QuantizeWeightOp> copies;
  for (Operation &op : prepack.getBody().front().without_terminator()) {
    Operation *copy = rewriter.clone(op, mapping);
    if (auto quantizer = dyn_cast<QuantizeWeightOp>(copy))
      copies.push_back(quantizer);
  }
  SmallVector<Value> operands;
  unsigned oldCount = call.getNumOperands();
  Operation *end = prepack.getBody().front().getTerminator();
  for (unsigned source : sources)
    operands.push_back(
        source < oldCount ? call.getOperand(source)
                          : mapping.lookup(end->getOperand(source - oldCount)));
  bool isComputedHere = llvm::any_of(weights, [&](unsigned number) {
    Value weight = call.getOperand(number);
    Weight read = Weight::seeThrough(
        weight, AffineMap::getMultiDimIdentityMap(
                    cast<RankedTensorType>(weight.getType()).getRank(),
                    weight.getContext()));
    return read.isCodes() || read.whyUnknown();
  });
  if (isComputedHere)
    remark::missed(call.getLoc(), kRemark) << remark::reason(
        "the weights of @{0} are quantized at each call; hand them on from a "
        "constant, or from an argument marked with {1}",
        call.getCallee().str(), StampDialect::kWeightAttrName.str());
  call->setOperands(operands);
  call.removeArgAttrsAttr(); // They were those of other operands.
  for (QuantizeWeightOp copy : copies)
    if (Operation *weight = copy.getWeight().getDefiningOp())
      foldConstantWeight(rewriter, weight, copy, known);
}

/// The calls of a function, if it is used in no other way.
static std::optional<SmallVector<func::CallOp>>
findCalls(func::FuncOp function, const SymbolUserMap &users) {
  SmallVector<func::CallOp> calls;
  for (Operation *user : users.getUsers(function)) {
    auto call = dyn_cast<func::CallOp>(user);
    if (!call)
      return std::nullopt;
    calls.push_back(call);
  }
  return calls;
}

void stamp::prepackMarkedWeights(RewriterBase &rewriter, Operation *symbolTable,
                                 KnownWeights &known) {
  OpBuilder::InsertionGuard guard(rewriter);
  // Callees first; those of a cycle have no order.
  SmallVector<std::pair<func::FuncOp, bool>> functions;
  {
    CallGraph callGraph(symbolTable);
    for (auto scc = llvm::scc_begin(static_cast<const CallGraph *>(&callGraph));
         !scc.isAtEnd(); ++scc)
      for (CallGraphNode *node : *scc)
        if (!node->isExternal())
          if (auto function = dyn_cast<func::FuncOp>(
                  node->getCallableRegion()->getParentOp()))
            functions.push_back({function, scc.hasCycle()});
  }
  SymbolTableCollection tables;
  SymbolUserMap users(tables, symbolTable);
  SymbolTable &symbols = tables.getSymbolTable(symbolTable);
  for (auto [function, isRecursive] : functions) {
    Prepacking prepacking(rewriter, function);
    if (function->getParentOp() != symbolTable || !prepacking.find())
      continue;
    std::optional<SmallVector<func::CallOp>> calls = findCalls(function, users);
    const char *why = isRecursive ? "it is recursive"
                      : !calls    ? "not only calls refer to it"
                                  : nullptr;
    if (why) {
      remark::missed(function.getLoc(), kRemark)
          << remark::reason("its weights are quantized in each call: {0}", why);
      continue;
    }
    prepacking.outline(symbols);
    prepacking.changeSignature();
    for (func::CallOp call : *calls)
      prepacking.changeCall(call, known);
    prepacking.finish();
  }
}
