//===- Features.cpp - Rule 7: feature transforms go to weights -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A linear may ask for its features rotated: X·R, in a plan that is not carried
// out yet or by an op. What is linear in X and treats all features alike
// computes the rotated just as well, from rotated operands:
//
//   %h = linalg.matmul ins(%x, %w1)                                X·W₁
//   %s = linalg.add ins(%h, %r)                                    X·W₁ + Z
//   %y = linalg.matmul {plan: features = R} ins(%s, %w2)
// becomes
//   %v1 = stamp.feature_transform R over 1 ins(%w1)                W₁·R
//   %h = linalg.matmul ins(%x, %v1)                                X·W₁·R
//   %s = linalg.add ins(%h, <%r, rotated>)
//   %v2 = stamp.inverse_feature_transform R left over 0 ins(%w2)   R⁻¹·W₂
//   %y = linalg.matmul {plan} ins(%s, %v2)
//
// The tensors that are rotated together are a family; no op between them
// changes. Its ends decide whether that pays: at weights and biases R costs
// nothing, since they are constants that are quantized later, at linears that
// ask for R it saves an op of run time, and wherever else the family is made or
// read an op has to stand. A family is moved as a whole or not at all, and only
// if fewer elements are transformed than before, so that this ends.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "stamp/IR/Constants.h"
#include "stamp/Transforms/Linear.h"
#include "stamp/Transforms/WeightCodes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static PlanAttr getPlan(Operation *op) {
  return op->getAttrOfType<PlanAttr>(StampDialect::kPlanAttrName);
}

static bool isFloat32(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  return type && type.getElementType().isF32();
}

/// The elements of a tensor; a size that run time decides counts as one, since
/// it is that of the tokens, which all of a family have.
static int64_t countElements(Value tensor) {
  int64_t product = 1;
  for (int64_t size : cast<RankedTensorType>(tensor.getType()).getShape())
    product *= ShapedType::isDynamic(size) ? 1 : size;
  return product;
}

/// Whether `use` is where an op writes to, and no more.
static bool isUnreadInit(OpOperand &use) {
  auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
  if (!op || !op.isDpsInit(&use))
    return false;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op.getOperation());
  return linalgOp ? !linalgOp.payloadUsesValueFromOperand(&use)
                  : op->getDialect()->getNamespace() ==
                        StampDialect::getDialectNamespace();
}

bool stamp::isFoldableWeight(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (matchPattern(op, m_Constant()))
      return true;
    // Behind a transpose or a broadcast rows pass, so that what may be read in
    // front of it is.
    SmallVector<Value> sources = getWeightSources(op);
    if (sources.size() != 1 || isa<linalg::LinalgOp>(op))
      return false;
    tensor = sources.front();
  }
  auto argument = cast<BlockArgument>(tensor);
  auto function =
      dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
  return function && argument.getOwner()->isEntryBlock() &&
         function.getArgAttr(argument.getArgNumber(),
                             StampDialect::kWeightAttrName);
}

/// R or R⁻¹ of a constant, as a constant.
static Value evaluate(OpBuilder &builder, Value constant,
                      FeatureTransformAttrInterface transform, Side side,
                      Direction direction, int64_t dimension) {
  auto type = cast<RankedTensorType>(constant.getType());
  Attribute elements;
  if (!type.hasStaticShape() || !matchPattern(constant, m_Constant(&elements)))
    return {};
  std::optional<ConstantBuffer<float>> copy = copyFloats(elements, type);
  if (!copy)
    return {};
  ArrayRef<int64_t> sizes = type.getShape();
  transform.getFeatureTransform()->apply(
      copy->data(),
      {llvm::product_of(sizes.take_front(dimension)), sizes[dimension],
       llvm::product_of(sizes.drop_front(dimension + 1))},
      side, direction);
  return arith::ConstantOp::create(builder, constant.getLoc(),
                                   std::move(*copy).finish("stamp_folded"));
}

Value stamp::transformWeight(RewriterBase &rewriter, Value tensor,
                             FeatureTransformAttrInterface transform, Side side,
                             Direction direction, int64_t dimension,
                             bool isQuantized) {
  OpBuilder::InsertionGuard guard(rewriter);
  std::string why;
  if (auto result = dyn_cast<OpResult>(tensor);
      result && !isFoldableWeight(tensor)) {
    RowTransform rows = RowTransform::ofFeatures(dimension);
    std::optional<Passage> passage = Passage::up(result, rows, why);
    assert(passage && passage->carriers.size() == 1 && "no copy of a weight");
    const Carrier &carrier = passage->carriers.front();
    Value inner =
        transformWeight(rewriter, carrier.operand->get(), transform, side,
                        direction, carrier.dimension, isQuantized);
    rewriter.setInsertionPoint(passage->op);
    return passage->rebuild(rewriter, {inner}, rows);
  }
  rewriter.setInsertionPointAfterValue(tensor);
  if (!isQuantized)
    if (Value values =
            evaluate(rewriter, tensor, transform, side, direction, dimension))
      return values;
  if (direction == Direction::Forward)
    return FeatureTransformOp::create(rewriter, tensor.getLoc(), tensor,
                                      transform, side, dimension)
        .getResult();
  return InverseFeatureTransformOp::create(rewriter, tensor.getLoc(), tensor,
                                           transform, side, dimension)
      .getResult();
}

bool stamp::isCopiedWeight(Value tensor, int64_t dimension) {
  while (!isFoldableWeight(tensor)) {
    auto result = dyn_cast<OpResult>(tensor);
    std::string why;
    std::optional<Passage> passage =
        result ? Passage::up(result, RowTransform::ofFeatures(dimension), why)
               : std::nullopt;
    if (!passage || passage->carriers.size() != 1 ||
        !passage->addends.empty() ||
        (passage->kind != Passage::Kind::Elementwise &&
         passage->kind != Passage::Kind::Shape))
      return false;
    tensor = passage->carriers.front().operand->get();
    dimension = passage->carriers.front().dimension;
  }
  return isFloat32(tensor);
}

std::optional<FeatureReader> FeatureReader::match(OpOperand &use,
                                                  int64_t dimension) {
  auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
  if (!op || !op.hasPureTensorSemantics() || !op.isDpsInput(&use) ||
      !linalg::isaContractionOpInterface(op) || op.getNumReductionLoops() != 1)
    return std::nullopt;
  AffineMap map = op.getMatchingIndexingMap(&use);
  auto loop = dyn_cast<AffineDimExpr>(map.getResult(dimension));
  if (!loop || !linalg::isReductionIterator(
                   op.getIteratorTypesArray()[loop.getPosition()]))
    return std::nullopt;
  OpOperand *weight = op.getDpsInputOperand(1 - use.getOperandNumber());
  std::optional<unsigned> reduced =
      op.getMatchingIndexingMap(weight).getResultPosition(loop);
  if (!reduced || weight->get() == use.get())
    return std::nullopt;
  // Which operand is the weight, its match says.
  std::string why;
  if (getPlan(op)) {
    std::optional<Linear> linear = Linear::match(op, why);
    if (!linear || linear->weightIsFirst != (weight->getOperandNumber() == 0))
      return std::nullopt;
  }
  return FeatureReader{op, &use, weight, *reduced};
}

//===----------------------------------------------------------------------===//
// What a rotation does not change
//===----------------------------------------------------------------------===//

/// Whether a body's result is the square of each element that it reads.
static bool isSquareOf(Value result, ArrayRef<Value> elements) {
  auto isElement = [&](Value value) {
    return llvm::is_contained(elements, value);
  };
  if (auto product = result.getDefiningOp<arith::MulFOp>())
    return isElement(product.getLhs()) && isElement(product.getRhs());
  FloatAttr exponent;
  if (auto power = result.getDefiningOp<math::PowFOp>())
    return isElement(power.getLhs()) &&
           matchPattern(power.getRhs(), m_Constant(&exponent)) &&
           exponent.getValue().isExactlyValue(2.0);
  IntegerAttr whole;
  if (auto power = result.getDefiningOp<math::FPowIOp>())
    return isElement(power.getLhs()) &&
           matchPattern(power.getRhs(), m_Constant(&whole)) &&
           whole.getInt() == 2;
  return false;
}

/// Whether an op sums up, over the loop that `use` has in `dimension`, what it
/// reads or, if `squares`, the squares of that.
static bool sumsOver(OpOperand &use, int64_t dimension, bool squares) {
  auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
  if (!op || !op.hasPureTensorSemantics() || op->getNumResults() != 1 ||
      op.getNumDpsInputs() != 1 || !op.isDpsInput(&use))
    return false;
  auto loop = dyn_cast<AffineDimExpr>(
      op.getMatchingIndexingMap(&use).getResult(dimension));
  if (!loop || !linalg::isReductionIterator(
                   op.getIteratorTypesArray()[loop.getPosition()]))
    return false;
  Block &body = *op.getBlock();
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  Value input = body.getArgument(0), init = body.getArgument(1);
  Value term = sum.getLhs() == init   ? sum.getRhs()
               : sum.getRhs() == init ? sum.getLhs()
                                      : Value();
  if (!term)
    return false;
  return squares ? isSquareOf(term, input) : term == input;
}

/// ‖x·R‖² = ‖x‖² for an orthonormal R: all that an RMS norm without gain asks
/// of its features before it scales all of them alike.
static bool isSumOfSquares(OpOperand &use, int64_t dimension) {
  if (sumsOver(use, dimension, /*squares=*/true))
    return true;
  auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
  if (!op || !op.hasPureTensorSemantics() || op->getNumResults() != 1 ||
      op.getNumReductionLoops() != 0 || !op.isDpsInput(&use))
    return false;
  AffineMap map = op.getMatchingIndexingMap(&use);
  SmallVector<Value> elements;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (input->get() != use.get() || op.getMatchingIndexingMap(input) != map)
      return false;
    elements.push_back(op.getMatchingBlockArgument(input));
  }
  AffineMap resultMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  std::optional<unsigned> behind =
      resultMap.getResultPosition(map.getResult(dimension));
  return behind &&
         isSquareOf(op.getBlock()->getTerminator()->getOperand(0), elements) &&
         llvm::all_of(op->getUses(), [&](OpOperand &next) {
           return isUnreadInit(next) || isa<tensor::DimOp>(next.getOwner()) ||
                  sumsOver(next, *behind, /*squares=*/false);
         });
}

//===----------------------------------------------------------------------===//
// Families
//===----------------------------------------------------------------------===//

namespace {
/// A tensor that is to be rotated.
struct Member {
  int64_t dimension; ///< Of the features.
  /// Whether it is a copy of a weight that only a quantizer will read.
  bool isQuantized;
  enum {
    Made,     ///< By an op that only has to read what is rotated.
    Zero,     ///< Whatever is done to it.
    Constant, ///< Known, or prepacked, before the program runs.
    Inverse,  ///< R⁻¹ of a tensor, which is the rotated one.
    Other     ///< It has to be rotated.
  } kind = Other;
};

class Family {
public:
  Family(FeatureTransformAttrInterface transform, Block *block)
      : transform(transform), block(block) {}

  /// Finds all that has to be rotated with a tensor.
  void explore(Value tensor, int64_t dimension) {
    add(tensor, dimension, /*isQuantized=*/false);
    for (size_t i = 0; i < members.size(); ++i)
      visit(members.begin()[i].first);
    for (auto &[value, member] : members)
      if (member.kind == Member::Constant)
        settleConstant(value, member);
  }

  /// Whether fewer elements are transformed if it is rotated.
  bool pays() const { return isPossible && cost < gain; }

  StringRef why() const {
    return reason.empty() ? "its weight is not a constant that is quantized "
                            "later, so that nothing would be saved"
                          : StringRef(reason);
  }

  template <typename Function> void forEachMember(Function function) const {
    for (const auto &[tensor, member] : members)
      function(tensor, member.dimension);
  }

  /// Rotates it. Nobody reads these ops any more then.
  ArrayRef<FeatureTransformOp> rotate(RewriterBase &rewriter) const;

private:
  void add(Value tensor, int64_t dimension, bool isQuantized);
  void join(const Passage &passage, bool isQuantized);
  void visit(Value tensor);
  bool findMaker(Value tensor, Member &member);
  void findReader(OpOperand &use, const Member &member);
  bool readAsFactor(OpOperand &use, const Member &member);
  void settleConstant(Value tensor, Member &member);
  std::optional<Passage> filter(std::optional<Passage> passage) const;

  void refuse(StringRef why) {
    isPossible = false;
    reason = why.str();
  }

  void pay(Value tensor, const Twine &why) {
    cost += countElements(tensor);
    if (reason.empty())
      reason = why.str();
  }

  FeatureTransformAttrInterface transform;
  Block *block;
  llvm::MapVector<Value, Member> members;
  /// Uses of members by ops that expect them to be rotated.
  llvm::SetVector<OpOperand *> uses;
  /// Uses for which they have to be turned back.
  SmallVector<OpOperand *> others;
  SmallVector<FeatureTransformOp> cancelled;
  SmallVector<FeatureReader> readers;
  int64_t gain = 0, cost = 0;
  bool isPossible = true; ///< Whatever it costs.
  std::string reason;
};
} // namespace

void Family::add(Value tensor, int64_t dimension, bool isQuantized) {
  auto [found, isNew] = members.insert({tensor, {dimension, isQuantized}});
  Member &member = found->second;
  member.isQuantized &= isQuantized;
  if (isNew || member.dimension == dimension)
    return;
  refuse("its features are those of two dimensions of one tensor");
}

void Family::join(const Passage &passage, bool isQuantized) {
  if (auto op = dyn_cast<linalg::LinalgOp>(passage.op);
      op && passage.kind == Passage::Kind::Contraction)
    isQuantized = getPlan(op) != nullptr;
  else
    isQuantized &= passage.carriers.size() == 1;
  for (const Carrier &carrier : passage.carriers) {
    uses.insert(carrier.operand);
    auto dps = dyn_cast<DestinationStyleOpInterface>(passage.op);
    bool isInit = dps && dps.isDpsInit(carrier.operand);
    add(carrier.operand->get(), carrier.dimension, isQuantized && !isInit);
  }
}

/// A passage through which features go without a change of the op.
std::optional<Passage> Family::filter(std::optional<Passage> passage) const {
  if (!passage || !passage->addends.empty() || !isFloat32(passage->getResult()))
    return std::nullopt;
  if (!getPlan(passage->op) || passage->kind != Passage::Kind::Contraction)
    return passage;
  // Of a linear under a plan, the channels are features, and tokens are not.
  std::string why;
  std::optional<Linear> linear =
      Linear::match(cast<linalg::LinalgOp>(passage->op), why);
  if (!linear || passage->carriers.front().operand->getOperandNumber() !=
                     (linear->weightIsFirst ? 0u : 1u))
    return std::nullopt;
  return passage;
}

void Family::visit(Value tensor) {
  Member member = members.lookup(tensor);
  bool isMade = findMaker(tensor, member);
  members[tensor].kind = member.kind;
  if (!isMade)
    return;
  size_t before = others.size();
  SmallVector<OpOperand *> readers;
  for (OpOperand &use : tensor.getUses())
    readers.push_back(&use);
  for (OpOperand *use : readers)
    findReader(*use, member);
  if (member.kind == Member::Inverse && others.size() == before)
    gain += countElements(tensor);
  if (member.kind != Member::Made)
    others.truncate(before);
  else if (others.size() > before)
    pay(tensor,
        llvm::formatv("{0} reads, too, what would be transformed for it, and "
                      "needs each feature by itself; it would go if only "
                      "linears with constant weights read that",
                      others.back()->getOwner()->getName())
            .str());
}

/// Finds out how a member is made; returns whether its readers matter, who do
/// not where it stands for itself beside what is rotated.
bool Family::findMaker(Value tensor, Member &member) {
  if (isZeroTensor(tensor)) {
    member.kind = Member::Zero;
    return false;
  }
  if (!isFloat32(tensor)) {
    refuse("what makes its input is not f32 throughout; widen it in front");
    return false;
  }
  if (isFoldableWeight(tensor)) {
    member.kind = Member::Constant;
    return false;
  }
  auto result = dyn_cast<OpResult>(tensor);
  if (!result) {
    pay(tensor, "its input comes from an argument that no linear has made");
    return true;
  }
  Operation *op = result.getOwner();
  if (auto inverse = dyn_cast<InverseFeatureTransformOp>(op);
      inverse && inverse.getTransform() == transform && !inverse.getLeft() &&
      static_cast<int64_t>(inverse.getDimension()) == member.dimension &&
      keepsType(inverse)) {
    member.kind = Member::Inverse;
    return true;
  }
  std::string why;
  if (op->getBlock() == block)
    if (std::optional<Passage> passage = filter(Passage::up(
            result, RowTransform::ofFeatures(member.dimension), why))) {
      member.kind = Member::Made;
      join(*passage, member.isQuantized);
      return true;
    }
  // Integers that a weight is made of would be no codes of it any more.
  if (comesAsCodes(tensor))
    refuse("the weight in front of it comes as codes, which are kept; leave "
           "the feature transform out of its plan");
  else if (isa<RescaleOp>(op))
    pay(tensor, "the weight in front of it has been quantized already; run "
                "stamp-fold in front of stamp-quantize, too");
  else
    pay(tensor, llvm::formatv("its input comes from {0}, which is not linear "
                              "or does not treat all features alike; it would "
                              "go into the constant weight of a linear",
                              op->getName())
                    .str());
  return true;
}

/// X·W = (X·R)·(R⁻¹·W), where W is a constant that is not quantized yet.
bool Family::readAsFactor(OpOperand &use, const Member &member) {
  std::optional<FeatureReader> reader =
      FeatureReader::match(use, member.dimension);
  if (!reader || !isCopiedWeight(reader->weight->get(), reader->reduced))
    return false;
  if (PlanAttr plan = getPlan(reader->op)) {
    // Others have been planned for features that are not rotated so.
    if (plan.getFeatures().empty() || plan.getFeatures().front() != transform)
      return false;
    gain += countElements(use.get());
  } else if (!reader->weight->get().hasOneUse() ||
             !matchPattern(reader->weight->get(), m_Constant())) {
    return false;
  }
  uses.insert(&use);
  readers.push_back(*reader);
  return true;
}

void Family::findReader(OpOperand &use, const Member &member) {
  Operation *op = use.getOwner();
  if (uses.contains(&use) || isa<tensor::DimOp>(op) || isUnreadInit(use))
    return;
  if (op->getBlock() == block) {
    if (auto forward = dyn_cast<FeatureTransformOp>(op);
        forward && forward.getTransform() == transform && !forward.getLeft() &&
        static_cast<int64_t>(forward.getDimension()) == member.dimension &&
        keepsType(forward)) {
      gain += countElements(use.get());
      uses.insert(&use);
      cancelled.push_back(forward);
      return;
    }
    if (readAsFactor(use, member) ||
        (transform.getFeatureTransform()->isOrthonormal() &&
         isSumOfSquares(use, member.dimension)))
      return;
    std::string why;
    if (std::optional<Passage> passage = filter(Passage::down(
            use, RowTransform::ofFeatures(member.dimension), why))) {
      join(*passage, /*isQuantized=*/false);
      add(passage->getResult(), passage->result, /*isQuantized=*/false);
      return;
    }
  }
  others.push_back(&use);
}

/// A weight that is quantized later, a bias, or another constant that nobody
/// else reads, is transformed without a second float copy that lives on.
void Family::settleConstant(Value tensor, Member &member) {
  if (member.isQuantized)
    return;
  auto isOurs = [&](OpOperand &use) { return uses.contains(&use); };
  int64_t bytes = countElements(tensor) * sizeof(float);
  bool isSmall = bytes <= static_cast<int64_t>(kInlineBytes);
  if (isFloat32(tensor) && matchPattern(tensor, m_Constant()) &&
      (isSmall || llvm::all_of(tensor.getUses(), isOurs)))
    return;
  refuse("the constant in front of it is read elsewhere, too, and would be "
         "held twice; give its linear a plan, under which only codes are held");
}

ArrayRef<FeatureTransformOp> Family::rotate(RewriterBase &rewriter) const {
  auto create = [&](Value tensor, int64_t dimension, bool inverse) -> Value {
    rewriter.setInsertionPointAfterValue(tensor);
    Location loc = tensor.getLoc();
    if (inverse)
      return InverseFeatureTransformOp::create(rewriter, loc, tensor, transform,
                                               Side::Right, dimension)
          .getResult();
    return FeatureTransformOp::create(rewriter, loc, tensor, transform,
                                      Side::Right, dimension)
        .getResult();
  };
  auto set = [&](OpOperand *use, Value value) {
    rewriter.modifyOpInPlace(use->getOwner(), [&] { use->set(value); });
  };

  llvm::MapVector<Value, SmallVector<OpOperand *>> ends;
  for (OpOperand *use : uses)
    ends[use->get()].push_back(use);
  llvm::MapVector<Value, SmallVector<OpOperand *>> back;
  for (OpOperand *use : others)
    back[use->get()].push_back(use);

  for (auto &[tensor, ours] : ends) {
    const Member &member = members.find(tensor)->second;
    Value rotated;
    if (member.kind == Member::Constant)
      rotated = transformWeight(rewriter, tensor, transform, Side::Right,
                                Direction::Forward, member.dimension,
                                member.isQuantized);
    else if (member.kind == Member::Inverse)
      rotated = tensor.getDefiningOp()->getOperand(0);
    else if (member.kind == Member::Other)
      rotated = create(tensor, member.dimension, /*inverse=*/false);
    else
      continue;
    for (OpOperand *use : ours)
      set(use, rotated);
  }
  for (auto &[tensor, theirs] : back) {
    Value original = create(tensor, members.find(tensor)->second.dimension,
                            /*inverse=*/true);
    for (OpOperand *use : theirs)
      set(use, original);
  }
  for (const FeatureReader &reader : readers) {
    PlanAttr plan = getPlan(reader.op);
    set(reader.weight,
        transformWeight(rewriter, reader.weight->get(), transform, Side::Left,
                        Direction::Inverse, reader.reduced,
                        /*isQuantized=*/plan != nullptr));
    if (plan)
      rewriter.modifyOpInPlace(reader.op, [&] {
        reader.op->setAttr(
            StampDialect::kPlanAttrName,
            PlanAttr::get(rewriter.getContext(), plan.getBasis(),
                          plan.getFeatures().drop_front(),
                          plan.getActivations(), plan.getActivationGroup(),
                          plan.getWeightBits(), plan.getWeightGroup()));
      });
  }
  for (FeatureTransformOp op : cancelled)
    rewriter.replaceAllUsesWith(op.getResult(), op.getInput());
  return cancelled;
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

namespace {
/// A tensor whose features are asked for as R makes them.
struct Request {
  Operation *op;
  Value tensor;
  int64_t dimension;
  FeatureTransformAttrInterface transform;
};
} // namespace

static std::optional<Request> getRequest(Operation *op) {
  if (auto forward = dyn_cast<FeatureTransformOp>(op)) {
    if (forward.getLeft() || !forward.hasPureTensorSemantics() ||
        isFoldableWeight(forward.getInput()))
      return std::nullopt;
    return Request{op, forward.getInput(),
                   static_cast<int64_t>(forward.getDimension()),
                   forward.getTransform()};
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  PlanAttr plan = linalgOp ? getPlan(op) : PlanAttr();
  if (!plan || plan.getFeatures().empty())
    return std::nullopt;
  std::string why;
  std::optional<Linear> linear = Linear::match(linalgOp, why);
  if (!linear)
    return std::nullopt;
  Request request = {op, linear->x, kNone, plan.getFeatures().front()};
  for (OpOperand *input : linalgOp.getDpsInputOperands())
    if (input->get() == linear->x)
      for (int64_t d : llvm::seq(linalgOp.getRank(input)))
        if (FeatureReader::match(*input, d))
          request.dimension = d;
  return request;
}

bool stamp::foldFeatureTransforms(Operation *root,
                                  RewriterBase::Listener *listener,
                                  FoldCounts &counts,
                                  SmallVectorImpl<FeatureRefusal> &refusals) {
  SmallVector<Request> requests;
  root->walk([&](Operation *op) {
    if (std::optional<Request> request = getRequest(op))
      requests.push_back(*request);
  });
  IRRewriter rewriter(root->getContext(), listener);
  refusals.clear();
  // Why what has been looked at does not move. Families that others change are
  // looked at again in the next round, and values live until then.
  using Key = std::tuple<Value, int64_t, Attribute>;
  llvm::DenseMap<Key, std::string> known;
  llvm::SetVector<Operation *> unused;
  bool changed = false;
  for (const Request &before : requests) {
    if (unused.contains(before.op))
      continue;
    std::optional<Request> request = getRequest(before.op);
    if (!request)
      continue;
    auto [op, tensor, dimension, transform] = *request;
    if (dimension == kNone) {
      refusals.push_back({op,
                          "its features are spread over several dimensions, "
                          "or it is a convolution; write it as a "
                          "contraction over one"});
      continue;
    }
    if (auto found = known.find({tensor, dimension, transform});
        found != known.end()) {
      refusals.push_back({op, found->second});
      continue;
    }
    Family family(transform, op->getBlock());
    family.explore(tensor, dimension);
    if (family.pays()) {
      for (FeatureTransformOp cancelled : family.rotate(rewriter))
        unused.insert(cancelled);
      ++counts.rotated;
      changed = true;
      continue;
    }
    refusals.push_back({op, family.why().str()});
    family.forEachMember([&, attribute = transform](Value member, int64_t d) {
      known.insert({Key(member, d, attribute), family.why().str()});
    });
  }
  for (Operation *op : unused)
    rewriter.eraseOp(op);
  return changed;
}
