//===- StampCanonicalizations.cpp - Simpler forms of our ops ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Patterns keep every bit, as the folders of StampFolds.cpp do. Casts of
// tensors to less static types are absorbed by upstream's canonicalization of
// destination style ops, and are not repeated here.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/LoopNest.h"
#include "stamp/IR/Stamp.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// All ops
//===----------------------------------------------------------------------===//

namespace {
/// A pattern for every op of the dialect.
struct AnyOpPattern : OpInterfaceRewritePattern<DestinationStyleOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(DestinationStyleOpInterface op,
                                PatternRewriter &rewriter) const final {
    if (!isa<StampDialect>(op->getDialect()))
      return failure();
    return rewrite(op, rewriter);
  }

  virtual LogicalResult rewrite(DestinationStyleOpInterface op,
                                PatternRewriter &rewriter) const = 0;
};

/// The sizes of a loop agree in all operands, so what one type knows all may.
///
///   %t = stamp.transform … ins(%x : tensor<13x8xf32>)
///                          outs(%e : tensor<?x8xf32>)
/// becomes
///   %c = tensor.cast %e : tensor<?x8xf32> to tensor<13x8xf32>
///   %s = stamp.transform … ins(%x : tensor<13x8xf32>)
///                          outs(%c : tensor<13x8xf32>)
///   %t = tensor.cast %s : tensor<13x8xf32> to tensor<?x8xf32>
struct SpreadStaticSizes final : AnyOpPattern {
  using AnyOpPattern::AnyOpPattern;

  LogicalResult rewrite(DestinationStyleOpInterface op,
                        PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return failure();
    LoopNest nest = getLoopNest(op);
    SmallVector<int64_t> sizes;
    for (int64_t loop : nest.all())
      sizes.push_back(getStaticSize(op, nest, loop));

    SmallVector<Type> types;
    for (auto [type, loops] :
         llvm::zip_equal(op->getOperandTypes(), nest.operands))
      types.push_back(refine(type, loops, sizes));
    if (types == op->getOperandTypes())
      return failure();

    Location loc = op.getLoc();
    SmallVector<Value> operands(op->getOperands());
    for (auto [operand, type] : llvm::zip_equal(operands, types))
      if (operand.getType() != type)
        operand = tensor::CastOp::create(rewriter, loc, type, operand);
    SmallVector<Type> resultTypes;
    for (OpOperand &init : op.getDpsInitsMutable())
      resultTypes.push_back(types[init.getOperandNumber()]);
    Operation *refined = clone(rewriter, op, resultTypes, operands);

    SmallVector<Value> results(refined->getResults());
    for (auto [result, type] : llvm::zip_equal(results, op->getResultTypes()))
      if (result.getType() != type)
        result = tensor::CastOp::create(rewriter, loc, type, result);
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  static int64_t getStaticSize(Operation *op, const LoopNest &nest,
                               int64_t loop) {
    int64_t known = ShapedType::kDynamic;
    for (auto [operand, dim] : getDimensionsAlong(op, nest, loop)) {
      int64_t size = cast<ShapedType>(operand.getType()).getDimSize(dim);
      if (ShapedType::isDynamic(size))
        continue;
      // The verifier compares with one operand, whose size may be dynamic.
      if (!ShapedType::isDynamic(known) && known != size)
        return ShapedType::kDynamic;
      known = size;
    }
    return known;
  }

  static Type refine(Type type, const Loops &loops, ArrayRef<int64_t> sizes) {
    if (loops.empty())
      return type;
    auto tensor = cast<RankedTensorType>(type);
    SmallVector<int64_t> shape(tensor.getShape());
    for (auto [size, loop] : llvm::zip_equal(shape, loops))
      if (ShapedType::isDynamic(size) && loop != kWhole)
        size = sizes[loop];
    return tensor.clone(shape);
  }
};

/// An init is not read. One that is computed for nobody else need not be.
///
///   %f = linalg.fill … outs(%e)
///   %t = stamp.transform … outs(%f)
/// becomes
///   %t = stamp.transform … outs(%e)
///
/// What other ops use stays an init: the op may be meant to write there.
struct ForgetInit final : AnyOpPattern {
  using AnyOpPattern::AnyOpPattern;

  LogicalResult rewrite(DestinationStyleOpInterface op,
                        PatternRewriter &rewriter) const override {
    bool changed = false;
    for (OpOperand &init : op.getDpsInitsMutable()) {
      Value source = getSource(init, rewriter);
      if (!source)
        continue;
      rewriter.modifyOpInPlace(op, [&] { init.set(source); });
      changed = true;
    }
    return success(changed);
  }

private:
  static Value getSource(OpOperand &init, PatternRewriter &rewriter) {
    Operation *producer = init.get().getDefiningOp();
    if (!producer || !isa<RankedTensorType>(init.get().getType()))
      return {};
    // A constant is read-only memory, which would have to be copied.
    if (matchPattern(producer, m_Constant()))
      return tensor::EmptyOp::create(rewriter, producer->getLoc(),
                                     init.get().getType(), ValueRange());
    auto computed = dyn_cast<DestinationStyleOpInterface>(producer);
    if (!computed || !producer->hasOneUse())
      return {};
    return computed.getTiedOpOperand(cast<OpResult>(init.get()))->get();
  }
};

/// A cast of a buffer to a less static type only hides what is known, and that
/// an input is the init.
///
///   %c = memref.cast %m : memref<13x8xf32> to memref<?x8xf32>
///   stamp.transform … ins(%c : memref<?x8xf32>) outs(%m : memref<13x8xf32>)
/// becomes
///   stamp.transform … ins(%m : memref<13x8xf32>) outs(%m : memref<13x8xf32>)
struct AbsorbBufferCast final : AnyOpPattern {
  using AnyOpPattern::AnyOpPattern;

  LogicalResult rewrite(DestinationStyleOpInterface op,
                        PatternRewriter &rewriter) const override {
    bool changed = false;
    for (OpOperand &operand : op->getOpOperands()) {
      auto cast = operand.get().getDefiningOp<memref::CastOp>();
      if (!cast || !memref::CastOp::canFoldIntoConsumerOp(cast))
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(cast.getSource()); });
      changed = true;
    }
    return success(changed);
  }
};
} // namespace

void StampDialect::getCanonicalizationPatterns(
    RewritePatternSet &patterns) const {
  patterns.add<SpreadStaticSizes, ForgetInit, AbsorbBufferCast>(getContext());
}

//===----------------------------------------------------------------------===//
// Single ops
//===----------------------------------------------------------------------===//

namespace {
/// A tile that is the whole sequence needs no place in it.
///
///   %n = tensor.dim %x, %c0
///   stamp.quantize … along 0 … rows at %c0 of %n ins(%x)
/// becomes
///   stamp.quantize … along 0 … ins(%x)
struct ForgetPlaceOfAllRows final : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getRowOffset() || !isConstantIntValue(op.getRowOffset(), 0))
      return failure();
    FailureOr<bool> all = ValueBoundsConstraintSet::areEqual(
        getAsOpFoldResult(op.getRowTotal()),
        {op.getInput(), static_cast<int64_t>(op.getDimension())});
    if (failed(all) || !*all)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getRowOffsetMutable().clear();
      op.getRowTotalMutable().clear();
    });
    return success();
  }
};

/// A known length decides whether a sequence is long enough for the segments of
/// a schedule, unless sequences have lengths of their own.
///
///   stamp.quantize #stamp.schedule<[64 : 8], 4, min_tokens = 32> along 0 …
///       ins(%x : tensor<512x8xf32>)
/// becomes
///   stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 …
struct DecideSchedule final : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    int64_t size = op.getInput().getType().getDimSize(op.getDimension());
    std::optional<int64_t> seqLen;
    if (op.getRowTotal())
      seqLen = getConstantIntValue(op.getRowTotal());
    else if (!ShapedType::isDynamic(size))
      seqLen = size;
    if (!seqLen || op.getLengths())
      return failure();
    ScheduleAttr schedule = op.getSchedule().atLength(*seqLen);
    BasisAttrInterface basis = op.getBlockBasisAttr();
    if (basis)
      basis = basis.atLength(*seqLen);
    if (schedule == op.getSchedule() && basis == op.getBlockBasisAttr())
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setScheduleAttr(schedule);
      op.setBlockBasisAttr(basis);
    });
    return success();
  }
};

/// 1·b = b.
///
///   %l = arith.constant dense<1.0> : tensor<13xf32>
///   stamp.rescale … bias(%b) spread(%l)
/// becomes
///   stamp.rescale … bias(%b)
struct ForgetSpreadOfOnes final : OpRewritePattern<RescaleOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RescaleOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getSpread() || !matchPattern(op.getSpread(), m_OneFloat()))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getSpreadMutable().clear(); });
    return success();
  }
};
} // namespace

void QuantizeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<ForgetPlaceOfAllRows, DecideSchedule>(context);
}

void RescaleOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<ForgetSpreadOfOnes>(context);
}
