//===- Moves.cpp - Transforms move and cancel ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inverse transforms go down and transforms up, one op at a time and never
// back, so that moving comes to an end. They go where the tensor that is
// transformed gets no larger: its elements are what a transform costs. An
// inverse is let into wider tokens, too, if a bounded look ahead finds what
// pays for that.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace stamp;

/// How many ops an inverse looks ahead. Bounded, so that the time for a chain
/// of linears is linear in its length.
static constexpr int kSight = 8;
/// An inverse with more readers than this stays for all of them, for the same
/// reason.
static constexpr unsigned kMaxReaders = 16;

static constexpr const char *kSeveralUses = "it has several uses";
static constexpr const char *kSeveralUsesHelp =
    "it has several uses; it would move if each were a linear under the same "
    "basis";

//===----------------------------------------------------------------------===//
// Rule 2: L·L⁻¹ = id
//===----------------------------------------------------------------------===//

namespace {
/// L·L⁻¹(A) = A and L⁻¹·L(A) = A.
///
///   %i = stamp.inverse_transform #b along d ins(%a)
///   %t = stamp.transform #b along d ins(%i)
/// becomes
///   %a
template <typename OuterOp, typename InnerOp>
struct CancelPair final : FoldPattern<OuterOp> {
  using FoldPattern<OuterOp>::FoldPattern;

  LogicalResult matchAndRewrite(OuterOp outer,
                                PatternRewriter &rewriter) const override {
    auto inner = outer.getInput().template getDefiningOp<InnerOp>();
    if (!inner || !(RowTransform::of(inner) == RowTransform::of(outer)) ||
        inner.getInput().getType() != outer.getResult().getType())
      return failure();
    rewriter.replaceOp(outer, inner.getInput());
    ++this->counts.cancelled;
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Carriers
//===----------------------------------------------------------------------===//

/// The inverse transform that made what a carrier brings into `passage`, if it
/// can be taken away from it.
static InverseTransformOp getInverse(const Passage &passage,
                                     const Carrier &carrier,
                                     const RowTransform &rows) {
  auto inverse = carrier.operand->get().getDefiningOp<InverseTransformOp>();
  if (!inverse || inverse->getBlock() != passage.op->getBlock() ||
      !keepsType(inverse) ||
      !(RowTransform::of(inverse) == rows.along(carrier.dimension)))
    return nullptr;
  return inverse;
}

/// The rows' coefficients that a carrier stands for, if there are any: an
/// inverse's input, or what a transform has made of these tokens already.
static Value getCoefficients(const Passage &passage, const Carrier &carrier,
                             const RowTransform &rows) {
  if (InverseTransformOp inverse = getInverse(passage, carrier, rows))
    return inverse.getInput();
  Value tokens = carrier.operand->get();
  if (tokens.hasNUsesOrMore(kMaxReaders + 1))
    return {};
  for (OpOperand &use : tokens.getUses()) {
    auto transform = dyn_cast<TransformOp>(use.getOwner());
    if (transform && &use == &transform.getInputMutable() &&
        keepsType(transform) &&
        RowTransform::of(transform) == rows.along(carrier.dimension) &&
        transform->getBlock() == passage.op->getBlock() &&
        transform->isBeforeInBlock(passage.op))
      return transform.getResult();
  }
  return {};
}

/// Whether nobody but `op` reads the value.
static bool isReadOnlyBy(Value value, Operation *op) {
  return llvm::all_of(value.getUsers(),
                      [&](Operation *user) { return user == op; });
}

namespace {
/// What is needed for the rows of all carriers to be transformed, as L⁻¹(A) +
/// L⁻¹(B) = L⁻¹(A + B) needs it of both.
struct CarrierCosts {
  int64_t known = 0;  ///< Carriers whose coefficients there are.
  int64_t freed = 0;  ///< Inverses among them that nobody else reads.
  int64_t tokens = 0; ///< Carriers that would have to be transformed.
  /// Σ of the widths of freed inverses; kDynamic if unknown.
  int64_t freedWidth = 0;

  CarrierCosts(const Passage &passage, const RowTransform &rows) {
    SmallVector<Value> seen;
    for (const Carrier &carrier : passage.carriers) {
      Value value = carrier.operand->get();
      if (llvm::is_contained(seen, value))
        continue;
      seen.push_back(value);
      if (getCoefficients(passage, carrier, rows)) {
        ++known;
        if (!getInverse(passage, carrier, rows) ||
            !isReadOnlyBy(value, passage.op))
          continue;
        ++freed;
        int64_t width = getTokenWidth(value, carrier.dimension);
        if (ShapedType::isDynamic(width) || ShapedType::isDynamic(freedWidth))
          freedWidth = ShapedType::kDynamic;
        else
          freedWidth += width;
      } else if (!transformsAtCompileTime(value,
                                          rows.along(carrier.dimension))) {
        ++tokens;
      }
    }
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Down
//===----------------------------------------------------------------------===//

/// What transforms of a tensor behind an op cost, where those in front of it
/// cost 1; nullopt if that cannot be known.
static std::optional<double> getGrowth(const Passage &passage, int64_t inFront,
                                       int64_t count) {
  if (passage.keepsWidth)
    return 1.0 / static_cast<double>(count);
  int64_t behind = getTokenWidth(passage.getResult(), passage.result);
  if (auto op = dyn_cast<linalg::LinalgOp>(passage.op);
      op && passage.carriers.size() == 1) {
    OpOperand *carrier = passage.carriers.front().operand;
    OpOperand *init = op.getDpsInitOperand(0);
    inFront = getOwnWidth(op, carrier, init);
    behind = getOwnWidth(op, init, carrier);
  }
  if (ShapedType::isDynamic(inFront) || ShapedType::isDynamic(behind) ||
      inFront == 0)
    return std::nullopt;
  return static_cast<double>(behind) / static_cast<double>(inFront);
}

/// Whether the reader would cancel an inverse that makes what it reads.
static bool cancels(OpOperand &use, const RowTransform &rows) {
  auto transform = dyn_cast<TransformOp>(use.getOwner());
  return transform && &use == &transform.getInputMutable() &&
         RowTransform::of(transform) == rows && keepsType(transform);
}

static bool isCancelledByAny(Value tensor, const RowTransform &rows) {
  return !tensor.hasNUsesOrMore(kMaxReaders + 1) &&
         llvm::any_of(tensor.getUses(),
                      [&](OpOperand &use) { return cancels(use, rows); });
}

static bool isCancelledByAll(Value tensor, const RowTransform &rows) {
  return !tensor.use_empty() &&
         llvm::all_of(tensor.getUses(),
                      [&](OpOperand &use) { return cancels(use, rows); });
}

/// Whether an inverse that made `tensor`, and cost `cost` there, would find a
/// place where it costs less than 1: where transforms cancel it, or, unless
/// that is asked for, where it meets another inverse or narrower tokens, or
/// goes over to the other factor of a contraction.
static bool paysAhead(Value tensor, RowTransform rows,
                      std::optional<double> cost, bool toCancelOnly) {
  for (int step = 0; step < kSight; ++step) {
    if (isCancelledByAll(tensor, rows))
      return true;
    if (!tensor.hasOneUse())
      return false;
    OpOperand &use = *tensor.use_begin();
    std::string why;
    std::optional<Passage> passage = Passage::down(use, rows, why);
    if (!passage) {
      std::optional<double> exchange = getExchangeGrowth(use, rows);
      return !toCancelOnly && cost && exchange && *cost * *exchange < 1;
    }
    if (passage->op->getBlock() != tensor.getDefiningOp()->getBlock())
      return false;
    rows = rows.along(passage->result);
    CarrierCosts others(*passage, rows);
    // This carrier, now a tensor of tokens, is to become an inverse.
    if (others.tokens != 1)
      return false;
    if (others.known > 0) {
      // Beside each other, unlike in a sum, both are as much as before.
      if (!toCancelOnly && others.freed == others.known &&
          passage->kind == Passage::Kind::Elementwise)
        return true;
      cost = std::nullopt;
    } else if (cost) {
      int64_t carrierDim = passage->carriers.front().dimension;
      for (const Carrier &carrier : passage->carriers)
        if (carrier.operand == &use)
          carrierDim = carrier.dimension;
      std::optional<double> growth =
          getGrowth(*passage, getTokenWidth(tensor, carrierDim), 1);
      cost = growth ? std::optional(*cost * *growth) : std::nullopt;
      if (!toCancelOnly && cost && *cost < 1)
        return true;
    }
    tensor = passage->getResult();
  }
  return false;
}

/// The passage by which an inverse transform should sink into the user behind
/// `use`; nullopt, and `why` as a phrase, if it should not.
static std::optional<Passage> planSink(InverseTransformOp inverse,
                                       OpOperand &use, std::string &why) {
  auto refuse = [&](std::string reason) {
    why = std::move(reason);
    return std::nullopt;
  };
  Operation *user = use.getOwner();
  std::string name = user->getName().getStringRef().str();
  if (user->getBlock() != inverse->getBlock())
    return refuse("its user stands in another block, which may run more often; "
                  "move it into this block");
  std::string reason;
  RowTransform rows = RowTransform::of(inverse);
  std::optional<Passage> passage = Passage::down(use, rows, reason);
  if (!passage)
    return refuse("its user " + name + " " + reason);
  RowTransform behind = rows.along(passage->result);
  CarrierCosts costs(*passage, behind);
  if (costs.tokens > 0)
    return refuse("its user " + name +
                  " takes other tokens, too, which are not transformed; make "
                  "those by a linear under the same basis");
  std::optional<double> growth;
  if (costs.freed > 0)
    growth = getGrowth(*passage, costs.freedWidth, costs.freed);
  // A sum with coefficients that stay as tokens, too, saves nothing by itself.
  bool isFree =
      growth &&
      (*growth < 1 ||
       (*growth == 1 &&
        (costs.known == 1 || isCancelledByAny(passage->getResult(), behind))));
  if (isFree ||
      paysAhead(passage->getResult(), behind, growth, costs.freed == 0))
    return passage;
  if (costs.freed == 0)
    return refuse(kSeveralUsesHelp);
  if (costs.known > 1)
    return refuse("other tokens that its user " + name +
                  " takes are read elsewhere, too; it would move if only this "
                  "user read them");
  return refuse(std::string("the op behind it ") +
                (growth ? "makes" : "may make") +
                " its tokens wider, and no transform waits there to cancel it; "
                "a linear under the same basis behind it would let it move");
}

namespace {
/// L⁻¹(A)·W = L⁻¹(A·W): W does not carry the sequence dimension, so an inverse
/// transform may wait until after the contraction, where another may cancel it.
///
///   %a = stamp.inverse_transform #b along 0 ins(%t)
///   %y = linalg.matmul ins(%a, %w) outs(%zero)
/// becomes
///   %m = linalg.matmul ins(%t, %w) outs(%zero)
///   %y = stamp.inverse_transform #b along 0 ins(%m)
///
/// It is the same past feature transforms, L⁻¹(A)·R = L⁻¹(A·R), past what
/// scales all tokens alike, L⁻¹(A)·diag(s) = L⁻¹(A·diag(s)), and past what only
/// changes shapes. Sums save a transform, L⁻¹(A) + L⁻¹(B) = L⁻¹(A + B):
///
///   %i = stamp.inverse_transform #b along 0 ins(%a)
///   %j = stamp.inverse_transform #b along 0 ins(%b)
///   %y = linalg.add ins(%i, %j)
/// becomes
///   %s = linalg.add ins(%a, %b)
///   %y = stamp.inverse_transform #b along 0 ins(%s)
///
/// and biases go under the inverse, L⁻¹(A) + 1bᵀ = L⁻¹(A + (L·1)bᵀ), spread
/// over the few coefficients that L·1 is not zero in:
///
///   %i = stamp.inverse_transform #b along 0 ins(%a)
///   %y = linalg.generic ins(%i, %bias) { addf }
/// becomes
///   %s = stamp.rescale … bias(%bias) spread(%l)       where %a was a rescale,
///   %s = linalg.generic ins(%a, %bias, %l) { a + l·b }          elsewhere
///   %y = stamp.inverse_transform #b along 0 ins(%s)
struct SinkInverse final : FoldPattern<InverseTransformOp> {
  using FoldPattern::FoldPattern;

  LogicalResult matchAndRewrite(InverseTransformOp inverse,
                                PatternRewriter &rewriter) const override {
    if (!keepsType(inverse) ||
        inverse.getResult().hasNUsesOrMore(kMaxReaders + 1))
      return failure();
    for (OpOperand &use : inverse->getUses()) {
      std::string why;
      std::optional<Passage> passage = planSink(inverse, use, why);
      if (!passage)
        continue;
      sink(*passage, RowTransform::of(inverse).along(passage->result),
           rewriter);
      return success();
    }
    return failure();
  }

private:
  void sink(const Passage &passage, const RowTransform &rows,
            PatternRewriter &rewriter) const {
    rewriter.setInsertionPoint(passage.op);
    Location loc = passage.op->getLoc();
    SmallVector<Value> carried;
    int64_t count = 0;
    for (const Carrier &carrier : passage.carriers) {
      if (Value known = getCoefficients(passage, carrier, rows)) {
        carried.push_back(known);
        ++count;
      } else {
        carried.push_back(
            rows.along(carrier.dimension)
                .create<TransformOp>(rewriter, loc, carrier.operand->get()));
      }
    }
    Value result = passage.rebuild(rewriter, carried, rows);
    rewriter.replaceOp(passage.op,
                       rows.create<InverseTransformOp>(rewriter, loc, result));
    if (!passage.addends.empty())
      ++counts.biases;
    if (count > 1)
      counts.merged += count - 1;
    else if (passage.kind == Passage::Kind::Elementwise &&
             passage.addends.empty())
      ++counts.scaled;
    else if (passage.addends.empty())
      ++counts.sunk;
  }
};
} // namespace

/// Why no transform like this one moves, whatever is around it; null if it may.
template <typename OpTy> static const char *whyFixed(OpTy op) {
  if (!op.hasPureTensorSemantics())
    return "it works on buffers; fold before bufferization";
  if (!keepsType(op))
    return "it changes its tensor's type; change it in an op of its own";
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Up
//===----------------------------------------------------------------------===//

/// The passage by which a transform should rise through the op that makes its
/// input; nullopt, and `why` as a phrase, if it should not.
static std::optional<Passage> planRise(TransformOp transform,
                                       std::string &why) {
  auto refuse = [&](std::string reason) {
    why = std::move(reason);
    return std::nullopt;
  };
  if (const char *reason = whyFixed(transform))
    return refuse(reason);
  Value input = transform.getInput();
  auto result = dyn_cast<OpResult>(input);
  if (!result)
    return refuse(
        "its input is an argument; inline the function into what makes it");
  if (!input.hasOneUse())
    return refuse("its input has other uses; linears under the same basis "
                  "would share the transform");
  Operation *producer = result.getOwner();
  if (producer->getBlock() != transform->getBlock())
    return refuse("its input is made in another block; move this one there");
  std::string reason;
  RowTransform rows = RowTransform::of(transform);
  std::optional<Passage> passage = Passage::up(result, rows, reason);
  if (!passage)
    return refuse("its input's " + producer->getName().getStringRef().str() +
                  " " + reason);
  CarrierCosts costs(*passage, rows);
  bool saves = costs.tokens == 0 || (costs.tokens == 1 && costs.freed > 0);
  if (saves || passage->kind == Passage::Kind::Features)
    return passage;
  if (costs.tokens > 1)
    return refuse(
        "its input is made of several tensors of tokens; an inverse transform "
        "of the same basis in front of one would pay for it");
  const Carrier &carrier = passage->carriers.front();
  int64_t in = getTokenWidth(carrier.operand->get(), carrier.dimension);
  int64_t out = getTokenWidth(input, passage->result);
  bool known = !ShapedType::isDynamic(in) && !ShapedType::isDynamic(out);
  if (!known || in >= out)
    return refuse(
        "tokens may be no narrower in front of the op that makes its input; an "
        "inverse transform of the same basis there would cancel it");
  return passage;
}

namespace {
/// L(X·W) = L(X)·W, where the tokens of X are narrower than those of X·W.
///
///   %m = linalg.matmul ins(%x, %w) outs(%zero)
///   %t = stamp.transform #b along 0 ins(%m)
/// becomes
///   %a = stamp.transform #b along 0 ins(%x)
///   %t = linalg.matmul ins(%a, %w) outs(%zero)
///
/// Likewise L(X·R) = L(X)·R, and L(X + L⁻¹(A)) = L(X) + A, which saves the
/// inverse:
///
///   %i = stamp.inverse_transform #b along 0 ins(%a)
///   %s = linalg.add ins(%x, %i)
///   %t = stamp.transform #b along 0 ins(%s)
/// becomes
///   %u = stamp.transform #b along 0 ins(%x)
///   %t = linalg.add ins(%u, %a)
struct RaiseTransform final : FoldPattern<TransformOp> {
  using FoldPattern::FoldPattern;

  LogicalResult matchAndRewrite(TransformOp transform,
                                PatternRewriter &rewriter) const override {
    std::string why;
    std::optional<Passage> passage = planRise(transform, why);
    if (!passage)
      return failure();
    RowTransform rows = RowTransform::of(transform);
    SmallVector<Value> carried;
    for (const Carrier &carrier : passage->carriers) {
      if (Value known = getCoefficients(*passage, carrier, rows)) {
        carried.push_back(known);
        ++counts.cancelled;
      } else {
        carried.push_back(rows.along(carrier.dimension)
                              .create<TransformOp>(rewriter, transform.getLoc(),
                                                   carrier.operand->get()));
      }
    }
    Value result = passage->rebuild(rewriter, carried, rows);
    rewriter.replaceOp(transform, result);
    ++counts.risen;
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

void stamp::populateMoves(RewritePatternSet &patterns, FoldCounts &counts) {
  patterns.add<CancelPair<TransformOp, InverseTransformOp>,
               CancelPair<InverseTransformOp, TransformOp>, SinkInverse,
               RaiseTransform>(patterns.getContext(), counts);
}

std::string stamp::explainStay(InverseTransformOp inverse) {
  if (const char *reason = whyFixed(inverse))
    return reason;
  if (inverse->use_empty())
    return "nobody reads it; canonicalize";
  if (inverse.getResult().hasNUsesOrMore(kMaxReaders + 1))
    return "it has too many uses; give it at most 16";
  std::string why = explainNoExchange(inverse);
  if (!why.empty())
    return why;
  if (isReadOnlyBy(inverse.getResult(), *inverse->user_begin())) {
    planSink(inverse, *inverse->use_begin(), why);
    return why;
  }
  for (OpOperand &use : inverse->getUses())
    if (!Passage::down(use, RowTransform::of(inverse), why))
      return llvm::formatv("{0}, and its user {1} {2}", kSeveralUses,
                           use.getOwner()->getName(), why);
  return kSeveralUsesHelp;
}

std::string stamp::explainStay(TransformOp transform) {
  std::string why;
  planRise(transform, why);
  return why;
}
