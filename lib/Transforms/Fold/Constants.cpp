//===- Constants.cpp - Rule 8: what is known at compile time ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "stamp/IR/Constants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// A constant of f32 in a shape that is known; null if it is none.
static Attribute getConstant(Value tensor) {
  Attribute constant;
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || !type.hasStaticShape() || !type.getElementType().isF32() ||
      !matchPattern(tensor, m_Constant(&constant)) ||
      getRawBytes(constant).empty())
    return {};
  return constant;
}

static Value createConstant(OpBuilder &builder, Location loc,
                            ConstantBuffer<float> values) {
  return arith::ConstantOp::create(builder, loc,
                                   std::move(values).finish("stamp_folded"));
}

bool stamp::transformsAtCompileTime(Value tensor, const RowTransform &rows) {
  return !rows.lengths && tensor.hasOneUse() && getConstant(tensor);
}

/// f(rows, count, features) for the rows along `dimension`, as a block of
/// count × features, for each index in front of that dimension.
template <typename Function>
static void forEachBlock(float *values, ArrayRef<int64_t> sizes,
                         int64_t dimension, Function function) {
  int64_t count = sizes[dimension];
  int64_t features = llvm::product_of(sizes.drop_front(dimension + 1));
  int64_t block = count * features;
  float *end = values + llvm::product_of(sizes);
  for (float *rows = values; rows != end; rows += block)
    function(rows, count, features);
}

//===----------------------------------------------------------------------===//
// Transformed constants
//===----------------------------------------------------------------------===//

namespace {
/// L·X of a constant X is a constant.
///
///   %x = arith.constant dense<…>
///   %t = stamp.transform #b along 0 ins(%x)
/// becomes
///   %t = arith.constant dense<…>
///
/// X must have no other reader, so that it is not held twice.
template <typename OpTy> struct TransformConstant final : FoldPattern<OpTy> {
  using FoldPattern<OpTy>::FoldPattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!keepsType(op) ||
        !transformsAtCompileTime(op.getInput(), RowTransform::of(op)))
      return failure();
    auto type = cast<RankedTensorType>(op.getInput().getType());
    std::optional<ConstantBuffer<float>> values =
        copyFloats(getConstant(op.getInput()), type);
    if (!values)
      return failure();
    std::unique_ptr<Basis> basis = op.getBasis().getBasis();
    forEachBlock(values->data(), type.getShape(), op.getDimension(),
                 [&](float *x, int64_t count, int64_t features) {
                   if constexpr (std::is_same_v<OpTy, TransformOp>)
                     basis->forward(x, count, features, op.getOrder());
                   else
                     basis->inverse(x, count, features, op.getOrder());
                 });
    rewriter.replaceOp(
        op, createConstant(rewriter, op.getLoc(), std::move(*values)));
    ++this->counts.constants;
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Constants that contract the sequence
//===----------------------------------------------------------------------===//

/// x ← L⁻ᵀ·x of count × features: L·x for an orthonormal L.
static void applyTransposedInverse(const Basis &basis, RowOrder order, float *x,
                                   int64_t count, int64_t features) {
  if (basis.isOrthonormal())
    return basis.forward(x, count, features, order);
  std::vector<double> inverse(count * count);
  for (int64_t i = 0; i < count; ++i)
    inverse[i * count + i] = 1;
  basis.inverse(inverse.data(), count, count, order);
  std::vector<double> product(count * features);
  for (int64_t k = 0; k < count; ++k)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < features; ++j)
        product[i * features + j] +=
            inverse[k * count + i] * x[k * features + j];
  llvm::copy(product, x);
}

namespace {
/// T·L⁻¹(A) = (T·L⁻¹)·A for a constant T over the tokens, such as a pooling.
///
///   %i = stamp.inverse_transform #b along 0 ins(%a)
///   %y = linalg.matmul ins(%t, %i) outs(%zero)
/// becomes
///   %l = arith.constant dense<…>                                   T·L⁻¹
///   %y = linalg.matmul ins(%l, %a) outs(%zero)
struct ContractConstant final : FoldPattern<InverseTransformOp> {
  using FoldPattern::FoldPattern;

  LogicalResult matchAndRewrite(InverseTransformOp inverse,
                                PatternRewriter &rewriter) const override {
    std::optional<SequenceContraction> sum =
        SequenceContraction::match(inverse);
    if (!sum || inverse.getLengths())
      return failure();
    Value factor = sum->other->get();
    Attribute constant = getConstant(factor);
    // What others read would be held twice.
    if (!constant ||
        (!factor.hasOneUse() && getRawBytes(constant).size() > kInlineBytes))
      return failure();
    auto type = cast<RankedTensorType>(factor.getType());
    std::optional<ConstantBuffer<float>> values = copyFloats(constant, type);
    if (!values)
      return failure();
    std::unique_ptr<Basis> basis = inverse.getBasis().getBasis();
    forEachBlock(values->data(), type.getShape(), sum->along,
                 [&](float *x, int64_t count, int64_t features) {
                   applyTransposedInverse(*basis, inverse.getOrder(), x, count,
                                          features);
                 });
    rewriter.setInsertionPoint(sum->op);
    Value folded =
        createConstant(rewriter, sum->op.getLoc(), std::move(*values));
    rewriter.modifyOpInPlace(sum->op, [&] {
      sum->other->set(folded);
      sum->inverted->set(inverse.getInput());
    });
    ++counts.pooled;
    return success();
  }
};

/// 1ᵀ·L⁻¹(A) = (L⁻ᵀ·1)ᵀ·A, where L⁻ᵀ = L: a sum over all tokens reads the few
/// coefficients that L·1 is not zero in.
///
///   %i = stamp.inverse_transform #b along 0 ins(%a)
///   %y = linalg.reduce ins(%i) outs(%init) dimensions = [0] { addf }
/// becomes
///   %y = linalg.generic ins(%a, %l) outs(%init) { init + a·l }
struct SumCoefficients final : FoldPattern<InverseTransformOp> {
  using FoldPattern::FoldPattern;

  LogicalResult matchAndRewrite(InverseTransformOp inverse,
                                PatternRewriter &rewriter) const override {
    if (!keepsType(inverse) || !inverse->hasOneUse() ||
        !inverse.getBasis().getBasis()->isOrthonormal() ||
        !getElementTypeOrSelf(inverse.getResult()).isF32())
      return failure();
    OpOperand &use = *inverse->use_begin();
    auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
    if (!op || !op.hasPureTensorSemantics() || op->getNumResults() != 1 ||
        op->getBlock() != inverse->getBlock() || op.getNumDpsInputs() != 1 ||
        !op.isDpsInput(&use) || !sumsInput(op) ||
        !op.getMatchingIndexingMap(&use).isPermutation())
      return failure();
    AffineMap map = op.getMatchingIndexingMap(&use);
    AffineMap resultMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    RowTransform rows = RowTransform::of(inverse);
    if (resultMap.getResultPosition(map.getResult(rows.dimension)))
      return failure();

    rewriter.setInsertionPoint(op);
    Location loc = op.getLoc();
    Value spread = createSpread(rewriter, loc, rows, inverse.getInit());
    SmallVector<AffineExpr> ofSpread(
        map.getResults().take_front(rows.countLeading()));
    ofSpread.push_back(map.getResult(rows.dimension));
    AffineMap maps[] = {
        map,
        AffineMap::get(map.getNumDims(), 0, ofSpread, rewriter.getContext()),
        resultMap};
    Value init = op.getDpsInits()[0];
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(
        op, init.getType(), ValueRange{inverse.getInput(), spread}, init, maps,
        op.getIteratorTypesArray(),
        [&](OpBuilder &b, Location loc, ValueRange x) {
          Value part = arith::MulFOp::create(b, loc, x[0], x[1]);
          Value sum = arith::AddFOp::create(b, loc, x[2], part);
          linalg::YieldOp::create(b, loc, sum);
        });
    ++counts.pooled;
    return success();
  }

private:
  /// Whether the body is init + input.
  static bool sumsInput(linalg::LinalgOp op) {
    Block &body = *op.getBlock();
    auto sum =
        body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
    if (!sum || !llvm::hasNItems(body, 2))
      return false;
    Value input = body.getArgument(0), init = body.getArgument(1);
    return (sum.getLhs() == input && sum.getRhs() == init) ||
           (sum.getLhs() == init && sum.getRhs() == input);
  }
};
} // namespace

void stamp::populateConstantRules(RewritePatternSet &patterns,
                                  FoldCounts &counts) {
  MLIRContext *context = patterns.getContext();
  patterns.add<TransformConstant<TransformOp>,
               TransformConstant<InverseTransformOp>, SumCoefficients>(context,
                                                                       counts);
  // What is known now is cheaper than any transform of rule 6.
  patterns.add<ContractConstant>(context, counts, /*benefit=*/2);
}
