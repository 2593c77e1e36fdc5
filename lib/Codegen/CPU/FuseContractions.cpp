//===- FuseContractions.cpp - Chains of contractions by rows ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//     scores = q·kᵀ                     forall heads, blocks of rows:
//     p = softmax(scores · c)     →       scores = q[rows]·kᵀ
//     y = p·v                             p = softmax(scores · c)
//                                         y[rows] = p·v
//
// What lies between two contractions, with as many columns as there are tokens,
// would go through memory once for each op. A row of it depends on one row of
// the first and decides on one row of the last, so that a block of rows can go
// through all of them while it stays in the second-level cache. Only what each
// block needs a part of its own of is computed there: nothing is computed
// twice.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"

#include "stamp/Codegen/CPU/CPUTarget.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_FUSECONTRACTIONSPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

using namespace stamp;

namespace {

bool isFloatContraction(linalg::LinalgOp op) {
  return op.hasPureTensorSemantics() && op->getNumResults() == 1 &&
         op.getNumDpsInputs() == 2 && linalg::isaContractionOpInterface(op) &&
         isa<FloatType>(getElementTypeOrSelf(op->getResult(0)));
}

/// Whether a tile of `op`'s results says which loops make it. Upstream has an
/// error, not a failure, for a sum that keeps its dimension with size 1, as
/// `(d0, d1, d2) -> (d0, d1, 0)`.
bool isTiledByResults(linalg::LinalgOp op) {
  return llvm::all_of(op->getResults(), [&](OpResult result) {
    return op.getIndexingMapMatchingResult(result).isProjectedPermutation();
  });
}

/// Whether `value` comes from a contraction through ops that have each element
/// of its rows, and nobody outside of the chain wants to see what is between.
bool comesFromContraction(Value value) {
  llvm::SetVector<Operation *> chain;
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !value.hasOneUse())
    return false;
  chain.insert(op);
  bool found = false;
  for (size_t i = 0; i < chain.size(); ++i) {
    auto link = cast<linalg::LinalgOp>(chain[i]);
    // What is not fused would need the contraction in whole, once more.
    if (!link.hasPureTensorSemantics() || !isTiledByResults(link))
      return false;
    if (isFloatContraction(link)) {
      found = true;
      continue;
    }
    for (OpOperand *input : link.getDpsInputOperands())
      if (auto producer = input->get().getDefiningOp<linalg::LinalgOp>())
        chain.insert(producer);
  }
  for (Operation *link : ArrayRef(chain.getArrayRef()).drop_front())
    for (Operation *user : link->getUsers())
      if (!chain.contains(user))
        return false;
  return found;
}

struct Root {
  linalg::LinalgOp op;
  OpOperand *between; ///< what is to be fused
  unsigned rows;      ///< the dimension of which a block takes several
};

/// `op`, if one of its factors comes from another contraction.
std::optional<Root> matchRoot(linalg::LinalgOp op) {
  if (!isFloatContraction(op) || op->getParentOfType<scf::ForallOp>())
    return std::nullopt;
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  // Without a batch the other factors are weights, which each block of rows
  // would read anew.
  if (failed(dims) || dims->k.size() != 1 || dims->batch.empty())
    return std::nullopt;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!comesFromContraction(input->get()))
      continue;
    bool isLeft = input == op.getDpsInputOperand(0);
    ArrayRef<unsigned> rows = isLeft ? dims->m : dims->n;
    if (!rows.empty())
      return Root{op, input, rows.back()};
  }
  return std::nullopt;
}

struct FuseContractions final
    : public stamp::impl::FuseContractionsPassBase<FuseContractions> {
  using FuseContractionsPassBase::FuseContractionsPassBase;

  void runOnOperation() override {
    FailureOr<CPUTarget> target = CPUTarget::get(cpu, getOperation()->getLoc());
    if (failed(target))
      return signalPassFailure();
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    // The last one of a chain of several takes the others along.
    for (linalg::LinalgOp op : llvm::reverse(ops))
      if (std::optional<Root> root = matchRoot(op))
        fuse(rewriter, *target, *root);
    // A part of nothing is nothing of that size, not memory for the whole.
    RewritePatternSet patterns(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }

private:
  /// Rows that fit half of the second-level cache.
  static int64_t countRows(const CPUTarget &target, const Root &root) {
    auto type = cast<RankedTensorType>(root.between->get().getType());
    int64_t columns = type.getShape().back();
    constexpr int64_t least = 16, most = 128;
    if (ShapedType::isDynamic(columns))
      return 64;
    int64_t bytes = columns * type.getElementTypeBitWidth() / 8;
    auto rows =
        static_cast<uint64_t>(target.l2Bytes / 2 / std::max<int64_t>(bytes, 1));
    return std::clamp<int64_t>(llvm::bit_floor(rows), least, most);
  }

  static void fuse(RewriterBase &rewriter, const CPUTarget &target,
                   const Root &root) {
    linalg::LinalgOp op = root.op;
    // One by one whatever else the fused rows depend on.
    SmallVector<OpFoldResult> tiles(op.getNumLoops(), rewriter.getIndexAttr(0));
    AffineMap map = op.getMatchingIndexingMap(root.between);
    unsigned numTiled = 0;
    for (unsigned dim = 0; dim < op.getNumLoops(); ++dim)
      if (map.isFunctionOfDim(dim) &&
          op.getIteratorTypesArray()[dim] == utils::IteratorType::parallel) {
        tiles[dim] = rewriter.getIndexAttr(
            dim == root.rows ? countRows(target, root) : 1);
        ++numTiled;
      }
    scf::SCFTilingOptions tiling;
    tiling.setTileSizes(tiles);
    tiling.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
    scf::SCFTileAndFuseOptions options;
    options.setTilingOptions(tiling);
    options.setFusionControlFn(
        [&](tensor::ExtractSliceOp slice, OpResult producer, bool)
            -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
          auto forall = slice->getParentOfType<scf::ForallOp>();
          auto op = dyn_cast<linalg::LinalgOp>(producer.getOwner());
          if (!op || !isTiledByResults(op) || !forall ||
              !dependsOnAll(slice, forall))
            return std::nullopt;
          return scf::SCFTileAndFuseOptions::ControlFnResult{};
        });
    rewriter.setInsertionPoint(op);
    FailureOr<scf::SCFTileAndFuseResult> fused =
        scf::tileConsumerAndFuseProducersUsingSCF(
            rewriter, cast<TilingInterface>(op.getOperation()), options);
    if (failed(fused))
      return;
    for (auto [before, after] : fused->replacements)
      rewriter.replaceAllUsesWith(before, after);
    rewriter.eraseOp(op);
  }

  /// Whether each turn of the loop takes a slice of its own.
  static bool dependsOnAll(tensor::ExtractSliceOp slice, scf::ForallOp forall) {
    llvm::SetVector<Value> seen;
    for (Value offset : slice.getOffsets())
      seen.insert(offset);
    for (size_t i = 0; i < seen.size(); ++i)
      if (auto apply = seen[i].getDefiningOp<affine::AffineApplyOp>())
        for (Value operand : apply.getOperands())
          seen.insert(operand);
    return llvm::all_of(forall.getInductionVars(),
                        [&](Value index) { return seen.contains(index); });
  }
};

} // namespace
