//===- Pixels.cpp - Pixels stay joined to tokens ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A 1x1 convolution is a linear over its pixels joined to one dimension, and a
// transform moves along that. What stands between two convolutions is written
// over the grid, and would keep them apart.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

using namespace mlir;
using namespace stamp;

namespace {
/// What treats all pixels of a grid alike may as well treat tokens alike.
///
///   %i = stamp.inverse_transform #b along 1 ins(%a)            N×HW×C
///   %g = tensor.expand_shape %i [[0], [1, 2], [3]]             N×H×W×C
///   %y = linalg.generic ins(%g, %x) { addf }
/// becomes
///   %t = tensor.collapse_shape %x [[0], [1, 2], [3]]
///   %s = linalg.generic ins(%i, %t) { addf }                   N×HW×C
///   %y = tensor.expand_shape %s
///
/// No element moves, and the grid comes back further down each time.
struct JoinPixels final : OpRewritePattern<InverseTransformOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(InverseTransformOp inverse,
                                PatternRewriter &rewriter) const override {
    if (!keepsType(inverse))
      return failure();
    for (Operation *user : inverse->getUsers()) {
      auto expand = dyn_cast<tensor::ExpandShapeOp>(user);
      if (!expand)
        continue;
      ReassociationIndices grid =
          expand.getReassociationIndices()[inverse.getDimension()];
      if (grid.size() < 2)
        continue;
      for (OpOperand &use : expand->getUses())
        if (succeeded(join(use, grid, RowTransform::of(inverse), rewriter)))
          return success();
    }
    return failure();
  }

private:
  static LogicalResult join(OpOperand &use, ArrayRef<int64_t> grid,
                            const RowTransform &rows,
                            PatternRewriter &rewriter) {
    auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!op)
      return failure();
    ReassociationIndices loops;
    std::string why;
    for (int64_t d : grid) {
      std::optional<Passage> passage = Passage::down(use, rows.along(d), why);
      if (!passage || passage->kind != Passage::Kind::Elementwise)
        return failure();
      loops.push_back(op.getMatchingIndexingMap(&use).getDimPosition(d));
    }
    SmallVector<AffineMap> maps;
    for (OpOperand &operand : op->getOpOperands()) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      SmallVector<AffineExpr> indices;
      for (auto [index, size] :
           llvm::zip_equal(map.getResults(), op.getShape(&operand)))
        if (isa<AffineDimExpr>(index))
          indices.push_back(index);
        else if (size != 1)
          return failure();
      maps.push_back(
          AffineMap::get(map.getNumDims(), 0, indices, rewriter.getContext()));
    }
    if (!linalg::areDimSequencesPreserved(maps, {loops}))
      return failure();

    // What has 0 for an index has no part in the grid.
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands()) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      operands.push_back(dropUnits(rewriter, op.getLoc(), operand.get(), map));
    }
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperands(operands);
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    FailureOr<linalg::CollapseResult> collapsed =
        linalg::collapseOpIterationDims(op, {loops}, rewriter);
    if (failed(collapsed))
      return failure();
    rewriter.replaceOp(op, collapsed->results);
    return success();
  }
};
} // namespace

void stamp::populatePixelRules(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<JoinPixels>(context);
  // Where one op's grid is joined for the next.
  tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
}
