//===- SplitGroups.cpp - Groups become rows --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A quantizer of groups is a quantizer of rows on a tensor whose features are
// two dimensions, ⌈D/g⌉ × g:
//
//   %q, %s, %z = stamp.quantize … over 1 groups of 64 ins(%x : 8x256)
//
// becomes
//
//   %xg = tensor.expand_shape %x [[0], [1, 2]]                 8x256 to 8x4x64
//   %qg, %s, %z = stamp.quantize … over 2 ins(%xg)
//   %q = tensor.collapse_shape %qg [[0], [1, 2]]
//
// and the scales, one per row, already have the shape of one per group.
//
//===----------------------------------------------------------------------===//

#include "stamp/Conversion/Passes.h"

#include "stamp/IR/Groups.h"
#include "stamp/IR/Stamp.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace stamp;

namespace {
/// Splits and joins the tensors of one op along its grouped dimension.
struct Splitter {
  Value split(Value x) const {
    return splitGroups(builder, loc, x, dimension, group);
  }

  /// An init for what is computed on `like`, a split tensor; it is a view of
  /// `init` if that has room for all of it.
  Value splitInit(Value init, Value like) const {
    auto type = cast<RankedTensorType>(init.getType());
    return hasWholeGroups(type, dimension, group)
               ? split(init)
               : createEmptyLike(builder, loc, like, type.getElementType());
  }

  Value join(Value grouped, Value init) const {
    return joinGroups(builder, loc, grouped, dimension, group, init);
  }

  OpBuilder &builder;
  Location loc;
  int64_t dimension, group;
};

struct SplitQuantize final : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getGroupSize() || !op.hasPureTensorSemantics())
      return failure();
    int64_t sequence = op.getDimension(), features = op.getFeatureDimension();
    Splitter splitter{rewriter, op.getLoc(), features,
                      static_cast<int64_t>(*op.getGroupSize())};
    Value input = splitter.split(op.getInput());
    Value init = splitter.splitInit(op.getCodesInit(), input);
    auto split = cast<QuantizeOp>(rewriter.clone(*op));
    split.removeGroupSizeAttr();
    split.setFeatureDimension(features + 1);
    split.setDimension(sequence + (sequence > features));
    split.getInputMutable().assign(input);
    split.getCodesInitMutable().assign(init);
    split.getCodes().setType(cast<RankedTensorType>(init.getType()));
    rewriter.replaceOp(op, {splitter.join(split.getCodes(), op.getCodesInit()),
                            split.getScales(), split.getZeroPoints()});
    return success();
  }
};

struct SplitDequantize final : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getGroupSize() || !op.hasPureTensorSemantics())
      return failure();
    int64_t features = op.getFeatureDimension();
    Splitter splitter{rewriter, op.getLoc(), features,
                      static_cast<int64_t>(*op.getGroupSize())};
    Value codes = splitter.split(op.getCodes());
    Value init = splitter.splitInit(op.getInit(), codes);
    auto split = cast<DequantizeOp>(rewriter.clone(*op));
    split.removeGroupSizeAttr();
    split.setFeatureDimension(features + 1);
    split.getCodesMutable().assign(codes);
    split.getInitMutable().assign(init);
    split.getResult().setType(cast<RankedTensorType>(init.getType()));
    rewriter.replaceOp(op, splitter.join(split.getResult(), op.getInit()));
    return success();
  }
};

struct SplitQuantizeWeight final : OpRewritePattern<QuantizeWeightOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeWeightOp op,
                                PatternRewriter &rewriter) const override {
    // Groups for sums leave the quantizer itself as it is.
    std::optional<int64_t> group = op.getScaleGroup();
    if (!group || !op.hasPureTensorSemantics())
      return failure();
    int64_t reduced = op.getReducedDimension();
    Splitter splitter{rewriter, op.getLoc(), reduced, *group};
    Value weight = splitter.split(op.getWeight());
    Value init = splitter.splitInit(op.getCodesInit(), weight);
    auto split = cast<QuantizeWeightOp>(rewriter.clone(*op));
    split.removeGroupSizeAttr();
    split.setReducedDimension(reduced + 1);
    split.getWeightMutable().assign(weight);
    split.getCodesInitMutable().assign(init);
    split.getCodes().setType(cast<RankedTensorType>(init.getType()));
    rewriter.replaceOp(op, {splitter.join(split.getCodes(), op.getCodesInit()),
                            split.getScales(), split.getSums()});
    return success();
  }
};
} // namespace

void stamp::populateSplitGroupsPatterns(RewritePatternSet &patterns) {
  patterns.add<SplitQuantize, SplitDequantize, SplitQuantizeWeight>(
      patterns.getContext());
}
