//===- BlockOrder.cpp - Coefficients where their tokens were ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %t = stamp.transform #b along 0 ins(%x)
//   %q, %s, %z = stamp.quantize #bits along 0 over 1 ins(%t)
//   %a = linalg.matmul ins(%q, %wq) outs(%zero)
//   %r = stamp.rescale along 0 over 1 ins(%a, %s, %z, …) bias(%b) spread(%l)
//   %y = stamp.inverse_transform #b along 0 ins(%r)
//
// becomes, with P the permutation from coarse first to block order,
//
//   %t = stamp.transform #b along 0 block_order ins(%x)                  P·t
//   %q, %s, %z = stamp.quantize … block_order of #b ins(%t)    P·q, P·s, P·z
//   %a = linalg.matmul ins(%q, %wq) outs(%zero)                          P·a
//   %r = stamp.rescale … bias(%b) spread(P·l)                            P·r
//   %y = stamp.inverse_transform #b along 0 block_order ins(%r)            y
//
// An op that treats every row by itself, in parallel, maps permuted rows to
// permuted rows. So the tensors whose rows are the same coefficients form a
// family, closed under such ops, and its rows may be permuted if at its borders
// nobody can tell: rows come out of transforms, go into inverse transforms, are
// constants, or are all alike.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/LoopNest.h"
#include "stamp/Transforms/Passes.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPBLOCKORDER
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("BlockOrder").category("stamp-block-order");

//===----------------------------------------------------------------------===//
// Ops as loop nests
//===----------------------------------------------------------------------===//

namespace {
/// How an op walks along its tensors: per tensor, the loop of each dimension.
struct Nest {
  using Loops = SmallVector<int64_t>;
  static constexpr int64_t kNone = -1;

  SmallVector<Loops> operands; ///< Without loops where no element is read.
  SmallVector<Loops> results;
  /// The loops whose turns depend on each other or on their number.
  SmallVector<int64_t> mixed;

  /// nullopt if nothing is known of `op`.
  static std::optional<Nest> of(Operation *op);

private:
  static Nest ofStamp(Operation *op);
  static Nest ofLinalg(linalg::LinalgOp op);
  static Nest ofReshape(RankedTensorType wide, bool collapses,
                        ArrayRef<ReassociationIndices> groups);
};
} // namespace

std::optional<Nest> Nest::of(Operation *op) {
  if (isa_and_nonnull<StampDialect>(op->getDialect()))
    return ofStamp(op);
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    auto type = dyn_cast<RankedTensorType>(cast.getType());
    if (!type || !isa<RankedTensorType>(cast.getSource().getType()))
      return std::nullopt;
    Loops all = llvm::to_vector(llvm::seq(type.getRank()));
    return Nest{{all}, {all}, {}};
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return ofReshape(collapse.getSrcType(), /*collapses=*/true,
                     collapse.getReassociationIndices());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    Nest nest = ofReshape(expand.getResultType(), /*collapses=*/false,
                          expand.getReassociationIndices());
    nest.operands.resize(op->getNumOperands());
    return nest;
  }
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    if (!pad.getConstantPaddingValue())
      return std::nullopt;
    Loops all = llvm::to_vector(llvm::seq(pad.getResultType().getRank()));
    Nest nest{{all}, {all}, {}};
    nest.operands.resize(op->getNumOperands());
    for (unsigned d : pad.getPaddedDims().set_bits())
      nest.mixed.push_back(d);
    return nest;
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  // A plan that is not carried out yet will transform the rows once more.
  if (!linalgOp || !linalgOp.hasPureTensorSemantics() ||
      op->hasAttr(StampDialect::kPlanAttrName))
    return std::nullopt;
  return ofLinalg(linalgOp);
}

/// Ours read no element of an init.
Nest Nest::ofStamp(Operation *op) {
  LoopNest loops = getLoopNest(op);
  Nest nest{std::move(loops.operands), {}, std::move(loops.mixed)};
  for (OpResult result : op->getResults()) {
    OpOperand *init =
        cast<DestinationStyleOpInterface>(op).getTiedOpOperand(result);
    nest.results.push_back(std::move(nest.operands[init->getOperandNumber()]));
    nest.operands[init->getOperandNumber()].clear();
  }
  return nest;
}

Nest Nest::ofLinalg(linalg::LinalgOp op) {
  Nest nest;
  for (auto [loop, type] : llvm::enumerate(op.getIteratorTypesArray()))
    if (type != utils::IteratorType::parallel)
      nest.mixed.push_back(loop);
  op.getBlock()->walk([&](linalg::IndexOp index) {
    nest.mixed.push_back(static_cast<int64_t>(index.getDim()));
  });
  auto loopsOf = [&](OpOperand &operand) {
    Loops loops;
    for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      loops.push_back(dim ? static_cast<int64_t>(dim.getPosition()) : kNone);
      for (int64_t loop : llvm::seq<int64_t>(op.getNumLoops()))
        if (!dim && expr.isFunctionOfDim(loop))
          nest.mixed.push_back(loop);
    }
    return loops;
  };
  for (OpOperand &operand : op->getOpOperands()) {
    Loops loops = loopsOf(operand);
    if (op.isDpsInit(&operand))
      nest.results.push_back(loops);
    bool isRead = op.payloadUsesValueFromOperand(&operand);
    nest.operands.push_back(isRead ? loops : Loops());
  }
  return nest;
}

/// Dimensions of size one may come and go beside one of another size.
Nest Nest::ofReshape(RankedTensorType wide, bool collapses,
                     ArrayRef<ReassociationIndices> groups) {
  Loops narrow;
  for (const ReassociationIndices &group : groups) {
    auto others = llvm::make_filter_range(
        group, [&](int64_t d) { return wide.getDimSize(d) != 1; });
    narrow.push_back(llvm::hasSingleElement(others) ? *others.begin() : kNone);
  }
  Loops all = llvm::to_vector(llvm::seq(wide.getRank()));
  if (collapses)
    return {{all}, {narrow}, {}};
  return {{narrow}, {all}, {}};
}

//===----------------------------------------------------------------------===//
// Families
//===----------------------------------------------------------------------===//

namespace {
/// A constant operand that is reordered for its reader alone.
struct ConstantRows {
  OpOperand *operand;
  int64_t dimension;
  DenseElementsAttr values;
};

/// What is known of the tensors of all families. Without it each border of a
/// long stream that cannot move would find that out by itself.
struct Findings {
  /// Tensors, with rows along a dimension, whose families stay, and why.
  DenseMap<std::pair<Value, int64_t>, std::string> refused;
  DenseMap<std::pair<Value, int64_t>, bool> equalRows;
};

/// The tensors whose rows are the coefficients of one transform.
class Family {
public:
  Family(BasisAttrInterface basis, Findings &findings)
      : basis(basis), findings(findings) {}

  /// Takes in a tensor with rows along `dimension`, and all that must move with
  /// it. False, and `why` as a phrase, if something cannot.
  bool grow(Value tensor, int64_t dimension);

  void moveToBlockOrder(RewriterBase &rewriter);

  ArrayRef<Operation *> getBorders() const { return borders.getArrayRef(); }

  std::string why;

private:
  bool refuse(const Twine &reason) {
    why = reason.str();
    return false;
  }
  bool join(Value tensor, int64_t dimension);
  bool followAll();
  bool followDefinition(Value tensor, int64_t dimension);
  bool followUse(OpOperand &use, int64_t dimension);
  bool follow(Operation *op, const Nest &nest, int64_t loop);
  template <typename OpTy> bool addBorder(OpTy op);
  bool addQuantizer(QuantizeOp op);
  bool meetsLengths(Value other);
  bool hasEqualRows(Value tensor, int64_t dimension);

  BasisAttrInterface basis;
  Findings &findings;
  std::optional<Value> lengths;  ///< Null if all sequences are whole.
  DenseMap<Value, int64_t> rows; ///< The dimension of each tensor's rows.
  SmallVector<Value> waiting;
  DenseSet<std::pair<Operation *, int64_t>> followed;

  SetVector<Operation *> borders; ///< Transforms and inverse transforms.
  SetVector<QuantizeOp> quantizers;
  SmallVector<ConstantRows> constants;
};
} // namespace

static std::string quote(Operation *op) {
  return ("'" + op->getName().getStringRef() + "'").str();
}

bool Family::grow(Value tensor, int64_t dimension) {
  // What is too short has one order only.
  if (!MinTokensAttr::split(basis).first.getBasis()->fixedBlock())
    return refuse("its basis has no blocks of one size; Haar and WHT have");
  if (join(tensor, dimension) && followAll()) {
    if (constants.empty() || !*lengths)
      return true;
    refuse("its rows meet those of a constant, which would be in an order of "
           "its own for each sequence's length");
  }
  for (std::pair<Value, int64_t> member : rows)
    findings.refused.try_emplace(member, why);
  return false;
}

bool Family::followAll() {
  while (!waiting.empty()) {
    Value next = waiting.pop_back_val();
    int64_t along = rows.lookup(next);
    if (!followDefinition(next, along) ||
        !llvm::all_of(next.getUses(),
                      [&](OpOperand &use) { return followUse(use, along); }))
      return false;
  }
  return true;
}

bool Family::join(Value tensor, int64_t dimension) {
  if (auto known = findings.refused.find({tensor, dimension});
      known != findings.refused.end())
    return refuse(known->second);
  auto [entry, isNew] = rows.try_emplace(tensor, dimension);
  if (isNew)
    waiting.push_back(tensor);
  else if (entry->second != dimension)
    return refuse("a tensor has its rows along two dimensions; transform along "
                  "one of them");
  return true;
}

template <typename OpTy> bool Family::addBorder(OpTy op) {
  if (op.getBasis() != basis || op.getOrder() != RowOrder::CoarseFirst)
    return refuse("its rows meet coefficients of another basis or order; give "
                  "both the same");
  if (!meetsLengths(op.getLengths()))
    return false;
  borders.insert(op);
  return true;
}

bool Family::addQuantizer(QuantizeOp op) {
  if (op.getBlockBasisAttr() || op.getRowOffset())
    return refuse(
        "its rows meet a " + quote(op) +
        " that places them in its own way; run this pass before it is tiled");
  if (!meetsLengths(op.getLengths()))
    return false;
  quantizers.insert(op);
  return true;
}

/// Where sequences have lengths, each has an order of its own.
bool Family::meetsLengths(Value other) {
  if (!lengths)
    lengths = other;
  return *lengths == other ||
         refuse("its rows meet those of sequences of other lengths; give both "
                "the same");
}

bool Family::followDefinition(Value tensor, int64_t dimension) {
  auto result = dyn_cast<OpResult>(tensor);
  if (!result)
    return refuse(
        "its rows meet those of an argument; transform them in this function");
  Operation *op = result.getOwner();
  if (auto transform = dyn_cast<TransformOp>(op))
    if (static_cast<int64_t>(transform.getDimension()) == dimension)
      return addBorder(transform);
  std::optional<Nest> nest = Nest::of(op);
  if (!nest)
    return refuse("its rows meet those of " + quote(op) +
                  ", which cannot follow; fold first, so that it stands "
                  "outside of the pair");
  return follow(op, *nest, nest->results[result.getResultNumber()][dimension]);
}

bool Family::followUse(OpOperand &use, int64_t dimension) {
  Operation *op = use.getOwner();
  // The number of rows stays.
  if (isa<tensor::DimOp>(op))
    return true;
  if (auto inverse = dyn_cast<InverseTransformOp>(op))
    if (&use == &inverse.getInputMutable() &&
        static_cast<int64_t>(inverse.getDimension()) == dimension)
      return addBorder(inverse);
  std::optional<Nest> nest = Nest::of(op);
  if (!nest)
    return refuse("its rows go into " + quote(op) +
                  ", which cannot follow; fold first, so that it stands "
                  "outside of the pair");
  const Nest::Loops &loops = nest->operands[use.getOperandNumber()];
  return loops.empty() || follow(op, *nest, loops[dimension]);
}

/// All tensors along whose rows the same loop walks belong together.
bool Family::follow(Operation *op, const Nest &nest, int64_t loop) {
  if (!followed.insert({op, loop}).second)
    return true;
  if (loop == Nest::kNone || llvm::is_contained(nest.mixed, loop))
    return refuse("its rows meet " + quote(op) +
                  ", which mixes them; fold first, so that it stands outside "
                  "of the pair");
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    if (static_cast<int64_t>(quantize.getDimension()) == loop &&
        !addQuantizer(quantize))
      return false;

  for (OpOperand &operand : op->getOpOperands())
    for (auto [dimension, other] :
         llvm::enumerate(nest.operands[operand.getOperandNumber()])) {
      if (other != loop || hasEqualRows(operand.get(), dimension))
        continue;
      DenseElementsAttr constant;
      if (matchPattern(operand.get(), m_Constant(&constant)) &&
          constant.getElementType().getIntOrFloatBitWidth() % 8 == 0)
        constants.push_back(
            {&operand, static_cast<int64_t>(dimension), constant});
      else if (!join(operand.get(), dimension))
        return false;
    }
  for (OpResult result : op->getResults())
    for (auto [dimension, other] :
         llvm::enumerate(nest.results[result.getResultNumber()]))
      if (other == loop && !join(result, dimension))
        return false;
  return true;
}

/// Whether no order of its rows makes a difference: they are all alike, or
/// nobody knows them.
bool Family::hasEqualRows(Value tensor, int64_t dimension) {
  auto known = findings.equalRows.find({tensor, dimension});
  if (known != findings.equalRows.end())
    return known->second;
  auto decide = [&] {
    if (tensor.getDefiningOp<tensor::EmptyOp>())
      return true;
    DenseElementsAttr constant;
    if (matchPattern(tensor, m_Constant(&constant)))
      return constant.empty() || constant.isSplat();
    auto op = tensor.getDefiningOp<linalg::LinalgOp>();
    std::optional<Nest> nest = op ? Nest::of(op) : std::nullopt;
    if (!nest)
      return false;
    unsigned number = cast<OpResult>(tensor).getResultNumber();
    int64_t loop = nest->results[number][dimension];
    if (loop == Nest::kNone || llvm::is_contained(nest->mixed, loop))
      return false;
    return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
      return llvm::all_of(
          llvm::enumerate(nest->operands[operand.getOperandNumber()]),
          [&](auto entry) {
            return entry.value() != loop ||
                   hasEqualRows(operand.get(), entry.index());
          });
    });
  };
  return findings.equalRows[{tensor, dimension}] = decide();
}

//===----------------------------------------------------------------------===//
// The rewrite
//===----------------------------------------------------------------------===//

/// Row i of the result is row positions[i] of the constant.
static DenseElementsAttr permuteRows(DenseElementsAttr constant,
                                     int64_t dimension,
                                     ArrayRef<int64_t> positions) {
  ArrayRef<int64_t> shape = constant.getType().getShape();
  ArrayRef<char> raw = constant.getRawData();
  size_t count = positions.size();
  size_t outer = llvm::product_of(shape.take_front(dimension));
  size_t rowBytes = raw.size() / (outer * count);
  std::vector<char> permuted;
  permuted.reserve(raw.size());
  for (size_t block = 0; block < outer; ++block)
    for (int64_t position : positions) {
      ArrayRef<char> row =
          raw.slice((block * count + position) * rowBytes, rowBytes);
      permuted.insert(permuted.end(), row.begin(), row.end());
    }
  return DenseElementsAttr::getFromRawBuffer(constant.getType(), permuted);
}

void Family::moveToBlockOrder(RewriterBase &rewriter) {
  for (const ConstantRows &rows : constants) {
    Operation *reader = rows.operand->getOwner();
    rewriter.setInsertionPoint(reader);
    Value permuted = arith::ConstantOp::create(
        rewriter, rows.operand->get().getLoc(),
        permuteRows(rows.values, rows.dimension,
                    basis.getBasis()->coarsePositions(
                        rows.values.getType().getDimSize(rows.dimension))));
    rewriter.modifyOpInPlace(reader, [&] { rows.operand->set(permuted); });
  }
  for (QuantizeOp quantize : quantizers)
    rewriter.modifyOpInPlace(quantize,
                             [&] { quantize.setBlockBasisAttr(basis); });
  for (Operation *border : borders)
    rewriter.modifyOpInPlace(border, [&] {
      if (auto transform = dyn_cast<TransformOp>(border))
        transform.setBlockOrder(true);
      else
        cast<InverseTransformOp>(border).setBlockOrder(true);
    });
}

namespace {
struct StampBlockOrder final
    : public stamp::impl::StampBlockOrderBase<StampBlockOrder> {
  void runOnOperation() override {
    SmallVector<Operation *> found;
    getOperation()->walk([&](Operation *op) {
      if (auto transform = dyn_cast<TransformOp>(op)) {
        if (!transform.getBlockOrder())
          found.push_back(op);
      } else if (auto inverse = dyn_cast<InverseTransformOp>(op)) {
        if (!inverse.getBlockOrder())
          found.push_back(op);
      }
    });

    IRRewriter rewriter(&getContext());
    DenseSet<Operation *> moved;
    Findings findings;
    for (Operation *op : found)
      if (!moved.contains(op))
        tryToMove(op, moved, findings, rewriter);
    remark::analysis(getOperation()->getLoc(), kRemark)
        << remark::metric("moved", moved.size())
        << remark::metric("left", found.size() - moved.size());
  }

private:
  static void refuse(Operation *op, StringRef why) {
    remark::missed(op->getLoc(), kRemark) << remark::reason(
        "{0} stays coarse first: {1}", op->getName().getStringRef(), why);
  }

  static void tryToMove(Operation *op, DenseSet<Operation *> &moved,
                        Findings &findings, RewriterBase &rewriter) {
    auto transform = dyn_cast<TransformOp>(op);
    auto inverse = dyn_cast<InverseTransformOp>(op);
    Family family(transform ? transform.getBasis() : inverse.getBasis(),
                  findings);
    if (op->getNumResults() == 0)
      return refuse(op,
                    "it works on buffers; run this pass before bufferization");
    bool grown =
        transform ? family.grow(transform.getResult(), transform.getDimension())
                  : family.grow(inverse.getInput(), inverse.getDimension());
    if (!grown)
      return refuse(op, family.why);
    family.moveToBlockOrder(rewriter);
    for (Operation *border : family.getBorders()) {
      remark::passed(border->getLoc(), kRemark) << "moved to block order";
      moved.insert(border);
    }
  }
};
} // namespace
