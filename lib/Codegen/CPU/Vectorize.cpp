//===- Vectorize.cpp - linalg on buffers to loops over vectors --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One dimension of the iteration space becomes the vector dimension v: the one
// along which every operand is either contiguous or constant. If v is parallel,
// lanes are independent results; if it is a reduction, each lane has a partial
// result, and the lanes are combined when all is done.
//
//   matmul: v = n, rows of m               row sum: v = j, rows of i
//
//   for m by 4:                            for i by 4:
//     for n by 32:                           acc[4] = splat(0)
//       acc[4] = load C[m.., n]              for j by 16:
//       for k:                                 acc[r] += load A[i+r, j]
//         b = load B[k, n]                   y[i+r] += sum of lanes of acc[r]
//         acc[r] += splat(A[m+r, k]) * b
//       store acc[4] -> C[m.., n]
//
// The rows keep a loaded vector in use and the floating-point units busy while
// an addition is under way. Each loop is followed by one for what is left: row
// by row, and under a mask. That is all that dynamic and ragged sizes need.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"
#include "stamp/Codegen/CPU/Transforms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_VECTORIZEPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("Vectorize").category("stamp-vectorize");

namespace {

/// Lanes are fixed, not the target's: the order of a float sum must not depend
/// on the machine. 16 floats fill one register of AVX-512 and two of AVX2.
constexpr int64_t narrowLanes = 16;
constexpr int64_t wideLanes = 32;
constexpr int64_t blockedRows = 4;

struct Plan {
  unsigned vectorDim;
  int64_t lanes;
  /// The parallel dimension of which several rows are done at a time.
  std::optional<unsigned> rowDim;
  /// All dimensions from the outermost to the innermost loop, the parallel ones
  /// first.
  SmallVector<unsigned> order;
};

bool isReduction(linalg::LinalgOp op, unsigned dim) {
  return op.getIteratorTypesArray()[dim] == utils::IteratorType::reduction;
}

bool involves(linalg::LinalgOp op, OpOperand &operand, unsigned dim) {
  return op.getMatchingIndexingMap(&operand).isFunctionOfDim(dim);
}

/// A vector of i1 in memory is packed where a buffer of i1 is not.
bool isVectorElement(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.isSignless() && integer.getWidth() % 8 == 0;
  return isa<FloatType, IndexType>(type);
}

/// Lanes behind the end are computed as well, on zeros, so nothing in the body
/// may fail on zeros, as an integer division would.
bool hasVectorizableBody(linalg::LinalgOp op) {
  return llvm::all_of(
      op.getBlock()->without_terminator(), [](Operation &inner) {
        return (OpTrait::hasElementwiseMappableTraits(&inner) &&
                isSpeculatable(&inner)) ||
               (inner.hasTrait<OpTrait::ConstantLike>() &&
                VectorType::isValidElementType(inner.getResult(0).getType()));
      });
}

/// The operation that folds a new value into accumulator `number`, if the body
/// uses that accumulator for nothing else and there is a neutral element.
Operation *getCombiner(linalg::LinalgOp op, unsigned number) {
  BlockArgument accumulator = op.getRegionOutputArgs()[number];
  if (!accumulator.hasOneUse())
    return nullptr;
  Operation *combiner = *accumulator.user_begin();
  bool isYielded = combiner->getNumResults() == 1 &&
                   combiner->getNumOperands() == 2 &&
                   combiner->getResult(0).hasOneUse() &&
                   op.getBlock()->getTerminator()->getOperand(number) ==
                       combiner->getResult(0);
  return isYielded && arith::getNeutralElement(combiner) ? combiner : nullptr;
}

/// Whether moving along `dim` stays in place or goes to the next element.
bool isContiguousAlong(linalg::LinalgOp op, OpOperand &operand, unsigned dim) {
  if (!involves(op, operand, dim))
    return true;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
  return last && last.getPosition() == dim &&
         !map.dropResult(map.getNumResults() - 1).isFunctionOfDim(dim) &&
         cast<MemRefType>(operand.get().getType()).isLastDimUnitStride();
}

bool canBeVectorDim(linalg::LinalgOp op, unsigned dim) {
  if (!llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
        return isContiguousAlong(op, operand, dim);
      }))
    return false;
  if (!isReduction(op, dim))
    return llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
      return involves(op, init, dim);
    });
  return llvm::all_of(
             llvm::seq<unsigned>(op.getNumDpsInits()),
             [&](unsigned i) { return getCombiner(op, i) != nullptr; }) &&
         llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
           return involves(op, *input, dim);
         });
}

/// Independent lanes need no combining, so they are preferred; among equals the
/// innermost dimension.
std::optional<unsigned> chooseVectorDim(linalg::LinalgOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  std::optional<unsigned> choice;
  auto rank = [&](unsigned dim) {
    return std::make_pair(sizes[dim] != 1, !isReduction(op, dim));
  };
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim)
    if (canBeVectorDim(op, dim) && (!choice || rank(dim) >= rank(*choice)))
      choice = dim;
  return choice;
}

/// Rows pay when they share a loaded vector, or when each of them would wait
/// for its own chain of additions.
std::optional<unsigned> chooseRowDim(linalg::LinalgOp op, unsigned vectorDim) {
  if (op.getNumReductionLoops() == 0)
    return std::nullopt;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  for (unsigned dim = op.getNumLoops(); dim-- > 0;) {
    if (dim == vectorDim || isReduction(op, dim) || sizes[dim] == 1)
      continue;
    bool sharesVector =
        llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
          return involves(op, *input, vectorDim) && !involves(op, *input, dim);
        });
    if (sharesVector || isReduction(op, vectorDim))
      return dim;
  }
  return std::nullopt;
}

/// The plan for `op`; nullopt, and `why` as a phrase, if it stays scalar.
std::optional<Plan> makePlan(linalg::LinalgOp op, StringRef &why) {
  auto refuse = [&](StringRef reason) {
    why = reason;
    return std::nullopt;
  };
  if (!op.hasPureBufferSemantics())
    return refuse("it does not work on buffers alone");
  if (op.hasIndexSemantics())
    return refuse("its body looks at indices");
  if (!hasVectorizableBody(op))
    return refuse("its body is not elementwise");
  for (Value operand : op->getOperands())
    if (!isVectorElement(getElementTypeOrSelf(operand)))
      return refuse("its elements are not whole bytes");
  std::optional<unsigned> vectorDim = chooseVectorDim(op);
  if (!vectorDim)
    return refuse("there is no dimension along which all its accesses are "
                  "contiguous");

  Plan plan;
  plan.vectorDim = *vectorDim;
  plan.rowDim = chooseRowDim(op, *vectorDim);
  int64_t size = op.getStaticLoopRanges()[*vectorDim];
  bool fillsWideVectors = ShapedType::isDynamic(size) || size > narrowLanes;
  bool keepsAccumulators =
      op.getNumReductionLoops() > 0 && !isReduction(op, *vectorDim);
  plan.lanes = keepsAccumulators && fillsWideVectors ? wideLanes : narrowLanes;

  auto addDims = [&](bool reductions) {
    for (unsigned dim = 0; dim < op.getNumLoops(); ++dim)
      if (isReduction(op, dim) == reductions && dim != *vectorDim &&
          dim != plan.rowDim)
        plan.order.push_back(dim);
    if (!reductions && plan.rowDim)
      plan.order.push_back(*plan.rowDim);
    if (isReduction(op, *vectorDim) == reductions)
      plan.order.push_back(*vectorDim);
  };
  addDims(/*reductions=*/false);
  addDims(/*reductions=*/true);
  return plan;
}

/// Writes the loops of one operation. While they are being written, the members
/// describe the place where the builder stands.
class Emitter {
public:
  Emitter(OpBuilder &builder, linalg::LinalgOp op, const Plan &plan)
      : builder(builder), loc(op.getLoc()), op(op), plan(plan),
        indices(op.getNumLoops()), loaded(op.getNumDpsInputs()) {
    for (Range range : op.createLoopRanges(builder, loc))
      sizes.push_back(range.size);
  }

  void emit() { emitParallel(0); }

  /// The same, with an `scf.forall` of all parallel dimensions but that of the
  /// vectors.
  void emitForall() {
    unsigned depth = llvm::count_if(plan.order, [&](unsigned dim) {
      return dim != plan.vectorDim && !isReduction(op, dim);
    });
    if (depth == 0)
      return emitParallel(0);
    ArrayRef<unsigned> dims = ArrayRef(plan.order).take_front(depth);
    SmallVector<OpFoldResult> begins(depth, builder.getIndexAttr(0)), ends,
        steps(depth, builder.getIndexAttr(1));
    for (unsigned dim : dims)
      ends.push_back(sizes[dim]);
    // Rows stand behind the others.
    for (const Segment &segment : getSegments(dims.back())) {
      begins.back() = segment.begin;
      ends.back() = segment.end;
      steps.back() = builder.getIndexAttr(segment.step);
      auto forall =
          scf::ForallOp::create(builder, loc, begins, ends, steps, ValueRange(),
                                /*mapping=*/std::nullopt);
      llvm::SaveAndRestore saveRows(numRows, segment.rows);
      llvm::SaveAndRestore saveLoaded(loaded);
      llvm::SaveAndRestore saveIndices(indices);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(forall.getBody());
      for (auto [dim, index] : llvm::zip(dims, forall.getInductionVars()))
        indices[dim] = index;
      emitParallel(depth);
    }
  }

private:
  /// A piece of a loop's range, each turn of which does the same.
  struct Segment {
    OpFoldResult begin, end;
    int64_t step;
    int64_t rows;
    bool isMasked;
  };

  Value toValue(OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(builder, loc, value);
  }

  /// The full steps, then the rest: one masked step, or row after row.
  SmallVector<Segment, 2> getSegments(unsigned dim) {
    OpFoldResult zero = builder.getIndexAttr(0);
    OpFoldResult size = sizes[dim];
    bool isVector = dim == plan.vectorDim;
    bool isRow = dim == plan.rowDim;
    if (!isVector && !isRow)
      return {{zero, size, 1, numRows, false}};
    int64_t step = isVector ? plan.lanes : blockedRows;
    OpFoldResult fullEnd = affine::makeComposedFoldedAffineApply(
        builder, loc, builder.getAffineDimExpr(0).floorDiv(step) * step,
        {size});
    SmallVector<Segment, 2> segments;
    if (getConstantIntValue(fullEnd) != 0)
      segments.push_back(
          {zero, fullEnd, step, isRow ? blockedRows : numRows, false});
    std::optional<int64_t> staticSize = getConstantIntValue(size);
    if (!staticSize || *staticSize % step != 0)
      segments.push_back(
          {fullEnd, size, isVector ? step : 1, isRow ? 1 : numRows, isVector});
    return segments;
  }

  /// Writes one loop over `segment`, whose body `emitBody` takes accumulators
  /// to accumulators.
  SmallVector<Value>
  emitLoop(unsigned dim, const Segment &segment, ValueRange accumulators,
           llvm::function_ref<SmallVector<Value>(ValueRange)> emitBody) {
    Value step = arith::ConstantIndexOp::create(builder, loc, segment.step);
    auto loop = scf::ForOp::create(builder, loc, toValue(segment.begin),
                                   toValue(segment.end), step, accumulators);
    // What is known inside the loop is unknown after it.
    llvm::SaveAndRestore saveRows(numRows, segment.rows);
    llvm::SaveAndRestore saveMask(mask);
    llvm::SaveAndRestore saveOneLane(hasOneLane);
    llvm::SaveAndRestore saveLoaded(loaded);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    indices[dim] = loop.getInductionVar();
    if (segment.isMasked) {
      OpFoldResult left = affine::makeComposedFoldedAffineApply(
          builder, loc,
          builder.getAffineDimExpr(0) - builder.getAffineDimExpr(1),
          {segment.end, indices[dim]});
      mask = vector::CreateMaskOp::create(
          builder, loc, VectorType::get(plan.lanes, builder.getI1Type()),
          toValue(left));
      std::optional<int64_t> begin = getConstantIntValue(segment.begin);
      std::optional<int64_t> end = getConstantIntValue(segment.end);
      hasOneLane = begin && end && *end - *begin == 1;
    }
    SmallVector<Value> next = emitBody(loop.getRegionIterArgs());
    indices[dim] = nullptr;
    if (!accumulators.empty())
      scf::YieldOp::create(builder, loc, next);
    return SmallVector<Value>(loop.getResults());
  }

  void emitParallel(unsigned depth) {
    loadWhatIsKnown();
    if (depth == op.getNumParallelLoops()) {
      storeResults(emitReduction(depth, loadAccumulators()));
      return;
    }
    unsigned dim = plan.order[depth];
    for (const Segment &segment : getSegments(dim))
      emitLoop(dim, segment, {}, [&](ValueRange) {
        emitParallel(depth + 1);
        return SmallVector<Value>();
      });
  }

  SmallVector<Value> emitReduction(unsigned depth,
                                   SmallVector<Value> accumulators) {
    loadWhatIsKnown();
    if (depth == plan.order.size())
      return emitBody(accumulators);
    unsigned dim = plan.order[depth];
    for (const Segment &segment : getSegments(dim))
      accumulators =
          emitLoop(dim, segment, accumulators, [&](ValueRange inner) {
            return emitReduction(depth + 1, SmallVector<Value>(inner));
          });
    return accumulators;
  }

  VectorType getVectorType(Type element) {
    return VectorType::get(plan.lanes, element);
  }

  Value splat(Value scalar) {
    return vector::BroadcastOp::create(builder, loc,
                                       getVectorType(scalar.getType()), scalar);
  }

  SmallVector<Value> getSubscripts(OpOperand &operand, int64_t row) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<OpFoldResult> point(indices.size(), builder.getIndexAttr(0));
    for (auto [dim, index] : llvm::enumerate(indices))
      if (index)
        point[dim] = index;
    if (plan.rowDim && row != 0)
      point[*plan.rowDim] = affine::makeComposedFoldedAffineApply(
          builder, loc, builder.getAffineDimExpr(0) + row,
          {point[*plan.rowDim]});
    SmallVector<Value> subscripts;
    for (AffineExpr expr : map.getResults())
      subscripts.push_back(toValue(affine::makeComposedFoldedAffineApply(
          builder, loc, AffineMap::get(map.getNumDims(), 0, expr), point)));
    return subscripts;
  }

  /// A vector along the vector dimension if the operand varies along it, a
  /// scalar if not.
  Value load(OpOperand &operand, int64_t row) {
    Value source = operand.get();
    auto type = dyn_cast<MemRefType>(source.getType());
    if (!type)
      return source;
    SmallVector<Value> subscripts = getSubscripts(operand, row);
    if (!involves(op, operand, plan.vectorDim))
      return memref::LoadOp::create(builder, loc, source, subscripts);
    VectorType vectorType = getVectorType(type.getElementType());
    if (!mask)
      return vector::LoadOp::create(builder, loc, vectorType, source,
                                    subscripts);
    Value padding = arith::ConstantOp::create(builder, loc,
                                              builder.getZeroAttr(vectorType));
    return vector::MaskedLoadOp::create(builder, loc, vectorType, source,
                                        subscripts, mask, padding);
  }

  /// Loads each input as soon as all its indices are there, so that nothing is
  /// loaded again in a loop that it does not depend on.
  void loadWhatIsKnown() {
    for (auto [i, input] : llvm::enumerate(op.getDpsInputOperands())) {
      bool isKnown =
          llvm::all_of(llvm::seq<unsigned>(op.getNumLoops()),
                       [&, input = input](unsigned dim) {
                         return indices[dim] || !involves(op, *input, dim);
                       });
      if (!isKnown || !loaded[i].empty())
        continue;
      bool differsByRow = plan.rowDim && involves(op, *input, *plan.rowDim);
      for (int64_t row = 0; row < (differsByRow ? numRows : 1); ++row)
        loaded[i].push_back(load(*input, row));
    }
  }

  /// Accumulators come output by output, row by row.
  SmallVector<Value> loadAccumulators() {
    SmallVector<Value> accumulators;
    for (auto [i, init] : llvm::enumerate(op.getDpsInitsMutable())) {
      Type element = getElementTypeOrSelf(init.get());
      for (int64_t row = 0; row < numRows; ++row) {
        Value accumulator;
        if (isReduction(op, plan.vectorDim))
          accumulator = splat(arith::ConstantOp::create(
              builder, loc, *arith::getNeutralElement(getCombiner(op, i))));
        else if (op.payloadUsesValueFromOperand(&init))
          accumulator = load(init, row);
        else
          accumulator = arith::ConstantOp::create(
              builder, loc, builder.getZeroAttr(getVectorType(element)));
        accumulators.push_back(accumulator);
      }
    }
    return accumulators;
  }

  /// The body, once for each row, on vectors.
  SmallVector<Value> emitBody(ValueRange accumulators) {
    unsigned numOutputs = op.getNumDpsInits();
    SmallVector<Value> next(accumulators.size());
    for (int64_t row = 0; row < numRows; ++row) {
      IRMapping mapping;
      for (auto [i, argument] : llvm::enumerate(op.getRegionInputArgs())) {
        Value value = loaded[i].size() == 1 ? loaded[i][0] : loaded[i][row];
        mapping.map(argument,
                    isa<VectorType>(value.getType()) ? value : splat(value));
      }
      for (auto [i, argument] : llvm::enumerate(op.getRegionOutputArgs()))
        mapping.map(argument, accumulators[i * numRows + row]);
      for (Operation &inner : op.getBlock()->without_terminator())
        emitOnVectors(inner, mapping);
      Operation *yield = op.getBlock()->getTerminator();
      for (unsigned i = 0; i < numOutputs; ++i) {
        Value result = getOnVectors(yield->getOperand(i), mapping);
        Value previous = accumulators[i * numRows + row];
        if (mask && isReduction(op, plan.vectorDim))
          result =
              arith::SelectOp::create(builder, loc, mask, result, previous);
        next[i * numRows + row] = result;
      }
    }
    return next;
  }

  /// The vector of a scalar of the body; what comes from outside is the same in
  /// all lanes.
  Value getOnVectors(Value scalar, IRMapping &mapping) {
    if (!mapping.contains(scalar))
      mapping.map(scalar, splat(scalar));
    return mapping.lookup(scalar);
  }

  void emitOnVectors(Operation &inner, IRMapping &mapping) {
    if (inner.hasTrait<OpTrait::ConstantLike>()) {
      mapping.map(inner.getResult(0),
                  splat(builder.clone(inner)->getResult(0)));
      return;
    }
    for (Value operand : inner.getOperands())
      getOnVectors(operand, mapping);
    for (Value result : builder.clone(inner, mapping)->getResults())
      result.setType(getVectorType(result.getType()));
  }

  Value combine(Operation *combiner, Value lhs, Value rhs) {
    IRMapping mapping;
    mapping.map(combiner->getOperand(0), lhs);
    mapping.map(combiner->getOperand(1), rhs);
    Value result = builder.clone(*combiner, mapping)->getResult(0);
    result.setType(lhs.getType());
    return result;
  }

  /// Halves the vector until one lane is left.
  Value combineLanes(Operation *combiner, Value vector) {
    for (int64_t lanes = plan.lanes / 2; lanes > 0; lanes /= 2) {
      auto getHalf = [&](int64_t begin) {
        return vector::ExtractStridedSliceOp::create(
            builder, loc, vector, ArrayRef<int64_t>(begin),
            ArrayRef<int64_t>(lanes), ArrayRef<int64_t>(1));
      };
      Value low = getHalf(0), high = getHalf(lanes);
      vector = combine(combiner, low, high);
    }
    return vector::ExtractOp::create(builder, loc, vector, 0);
  }

  void storeResults(ValueRange accumulators) {
    for (auto [i, init] : llvm::enumerate(op.getDpsInitsMutable())) {
      for (int64_t row = 0; row < numRows; ++row) {
        Value result = accumulators[i * numRows + row];
        SmallVector<Value> subscripts = getSubscripts(init, row);
        if (isReduction(op, plan.vectorDim)) {
          Operation *combiner = getCombiner(op, i);
          Value before =
              memref::LoadOp::create(builder, loc, init.get(), subscripts);
          result = combine(combiner, before, combineLanes(combiner, result));
          memref::StoreOp::create(builder, loc, result, init.get(), subscripts);
        } else if (hasOneLane) {
          // LLVM 22 stores four bytes for the one i8 of a masked store whose
          // vector was truncated from i32, on targets with AVX-512.
          Value lane = vector::ExtractOp::create(builder, loc, result, 0);
          memref::StoreOp::create(builder, loc, lane, init.get(), subscripts);
        } else if (mask) {
          vector::MaskedStoreOp::create(builder, loc, init.get(), subscripts,
                                        mask, result);
        } else {
          vector::StoreOp::create(builder, loc, result, init.get(), subscripts);
        }
      }
    }
  }

  OpBuilder &builder;
  Location loc;
  linalg::LinalgOp op;
  const Plan &plan;
  SmallVector<OpFoldResult> sizes;

  /// The loops around the builder, null where there is none yet.
  SmallVector<Value> indices;
  int64_t numRows = 1;
  /// Set in the masked step of the vector dimension.
  Value mask;
  /// Whether that mask is known to let through nothing but the first lane.
  bool hasOneLane = false;
  /// For each input the values loaded so far, one for each row that differs.
  SmallVector<SmallVector<Value>> loaded;
};

/// A copy between strided buffers would become a call into a runtime library;
/// contiguous ones become memcpy.
void expandStridedCopies(Operation *root) {
  root->walk([](memref::CopyOp copy) {
    auto isContiguous = [](Value buffer) {
      auto type = dyn_cast<MemRefType>(buffer.getType());
      return type && type.getLayout().isIdentity();
    };
    if (isContiguous(copy.getSource()) && isContiguous(copy.getTarget()))
      return;
    if (!isa<MemRefType>(copy.getSource().getType()) ||
        !isa<MemRefType>(copy.getTarget().getType()))
      return;
    OpBuilder builder(copy);
    linalg::CopyOp::create(builder, copy.getLoc(), copy.getSource(),
                           copy.getTarget());
    copy.erase();
  });
}

/// Whether several threads would have something to do. To wake them takes as
/// long as some thousand elements.
bool isWorthThreads(linalg::LinalgOp op) {
  if (op->getParentOfType<scf::ForallOp>())
    return false;
  constexpr int64_t least = 1 << 14;
  int64_t elements = 1;
  for (int64_t size : op.getStaticLoopRanges()) {
    if (ShapedType::isDynamic(size))
      return true;
    elements = llvm::SaturatingMultiply<uint64_t>(elements, size);
  }
  return elements >= least;
}

struct Vectorize final : stamp::impl::VectorizePassBase<Vectorize> {
  using VectorizePassBase::VectorizePassBase;

  void runOnOperation() override {
    expandStridedCopies(getOperation());
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    size_t vectorized = 0;
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      StringRef why;
      if (succeeded(stamp::vectorizeLinalgOp(rewriter, op, why, parallel)))
        ++vectorized;
      else
        remark::missed(op.getLoc(), kRemark)
            << remark::reason("{0} stays scalar: {1}", op->getName(), why);
    }
    remark::analysis(getOperation()->getLoc(), kRemark)
        << remark::metric("vectorized", vectorized)
        << remark::metric("scalar", ops.size() - vectorized);
  }
};

} // namespace

LogicalResult stamp::vectorizeLinalgOp(RewriterBase &rewriter,
                                       linalg::LinalgOp op, StringRef &why,
                                       bool parallel) {
  std::optional<Plan> plan = makePlan(op, why);
  if (!plan)
    return failure();
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Emitter emitter(rewriter, op, *plan);
  if (parallel && isWorthThreads(op))
    emitter.emitForall();
  else
    emitter.emit();
  rewriter.eraseOp(op);
  return success();
}
