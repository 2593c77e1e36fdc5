//===- MapLoops.cpp - one GPU thread per output element -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The simplest right mapping: the parallel dimensions of a linalg op number its
// output elements, each element gets one thread, and the thread runs the
// reduction loops in their order. Nothing is shared, so nothing can race, and
// the order of float operations is the sequential one.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/GPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/ParallelLoopMapper.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"

namespace stamp {
#define GEN_PASS_DEF_GPUMAPLOOPS
#include "stamp/Codegen/GPU/Passes.h.inc"
} // namespace stamp

using namespace mlir;

/// Enough warps to hide latency, few enough that registers never limit a
/// launch (65,536 / 256 is the most that a thread may have).
static constexpr int64_t kThreadsPerBlock = 256;

/// Moves an op's parallel dimensions in front of its reductions: a reduction
/// outside a parallel loop would be a host loop around launches.
///
///   ["reduction", "parallel"]: for k { parallel j }   becomes
///   ["parallel", "reduction"]: parallel j { for k }
///
/// Reductions keep their order, and so does every float operation.
static FailureOr<linalg::LinalgOp> moveReductionsInside(RewriterBase &rewriter,
                                                        linalg::LinalgOp op) {
  SmallVector<unsigned> order;
  op.getParallelDims(order);
  op.getReductionDims(order);
  if (llvm::is_sorted(order))
    return op;

  rewriter.setInsertionPoint(op);
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  if (!generic) {
    FailureOr<linalg::GenericOp> generalized =
        linalg::generalizeNamedOp(rewriter, op);
    if (failed(generalized))
      return failure();
    generic = *generalized;
  }
  FailureOr<linalg::GenericOp> interchanged =
      linalg::interchangeGenericOp(rewriter, generic, order);
  if (failed(interchanged))
    return failure();
  return cast<linalg::LinalgOp>(interchanged->getOperation());
}

/// The number of iterations of each dimension, never negative.
static SmallVector<Value> getTripCounts(OpBuilder &builder,
                                        scf::ParallelOp loop) {
  Location loc = loop.getLoc();
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  SmallVector<Value> counts;
  for (auto [lower, upper, step] : llvm::zip_equal(
           loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
    Value span = builder.createOrFold<arith::SubIOp>(loc, upper, lower);
    Value count = builder.createOrFold<arith::CeilDivSIOp>(loc, span, step);
    counts.push_back(builder.createOrFold<arith::MaxSIOp>(loc, count, zero));
  }
  return counts;
}

/// The induction variables at one point of the flattened iteration space, the
/// last dimension fastest: neighbouring threads touch neighbouring elements.
static SmallVector<Value> getPointIndices(OpBuilder &builder,
                                          scf::ParallelOp loop,
                                          ArrayRef<Value> counts, Value point) {
  Location loc = loop.getLoc();
  SmallVector<Value> indices(counts.size());
  for (unsigned dim = counts.size(); dim-- > 0;) {
    Value index = point;
    if (dim > 0) {
      index = builder.createOrFold<arith::RemUIOp>(loc, point, counts[dim]);
      point = builder.createOrFold<arith::DivUIOp>(loc, point, counts[dim]);
    }
    Value offset =
        builder.createOrFold<arith::MulIOp>(loc, index, loop.getStep()[dim]);
    indices[dim] = builder.createOrFold<arith::AddIOp>(
        loc, offset, loop.getLowerBound()[dim]);
  }
  return indices;
}

static LogicalResult mapTo(scf::ParallelOp loop, gpu::Processor processor) {
  MLIRContext *context = loop.getContext();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(1, context);
  return gpu::setMappingAttr(loop, gpu::ParallelLoopDimMappingAttr::get(
                                       context, processor, identity, identity));
}

/// Flattens a loop and cuts it into blocks of threads. The last block runs only
/// the threads that have a point; an empty loop still gets one, idle, block,
/// because a launch of no blocks is an error at run time.
static LogicalResult mapToThreads(RewriterBase &rewriter,
                                  scf::ParallelOp loop) {
  Location loc = loop.getLoc();
  rewriter.setInsertionPoint(loop);
  SmallVector<Value> counts = getTripCounts(rewriter, loop);
  Value points = counts.front();
  for (Value count : llvm::drop_begin(counts))
    points = rewriter.createOrFold<arith::MulIOp>(loc, points, count);

  Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
  Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
  Value blockSize =
      arith::ConstantIndexOp::create(rewriter, loc, kThreadsPerBlock);
  Value nonempty = rewriter.createOrFold<arith::MaxSIOp>(loc, points, one);
  auto blocks =
      scf::ParallelOp::create(rewriter, loc, zero, nonempty, blockSize);
  Value firstPoint = blocks.getInductionVars().front();

  rewriter.setInsertionPointToStart(blocks.getBody());
  AffineExpr first = rewriter.getAffineDimExpr(0);
  AffineExpr all = rewriter.getAffineSymbolExpr(0);
  auto threadsInBlock = AffineMap::get(
      1, 1, {rewriter.getAffineConstantExpr(kThreadsPerBlock), all - first},
      rewriter.getContext());
  Value active = affine::AffineMinOp::create(rewriter, loc, threadsInBlock,
                                             ValueRange{firstPoint, points});
  auto threads = scf::ParallelOp::create(rewriter, loc, zero, active, one);

  rewriter.setInsertionPointToStart(threads.getBody());
  Value point = arith::AddIOp::create(rewriter, loc, firstPoint,
                                      threads.getInductionVars().front());
  SmallVector<Value> indices = getPointIndices(rewriter, loop, counts, point);
  rewriter.eraseOp(loop.getBody()->getTerminator());
  rewriter.inlineBlockBefore(loop.getBody(), threads.getBody()->getTerminator(),
                             indices);
  rewriter.eraseOp(loop);

  if (failed(mapTo(blocks, gpu::Processor::BlockX)))
    return failure();
  return mapTo(threads, gpu::Processor::ThreadX);
}

namespace {
struct GPUMapLoops final : stamp::impl::GPUMapLoopsBase<GPUMapLoops> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    turnCopiesIntoLinalg(rewriter);
    if (failed(turnLinalgIntoLoops(rewriter)) || failed(mapLoops(rewriter)))
      signalPassFailure();
  }

private:
  /// A strided copy is a loop like any other; on the host it would pull its
  /// pages off the device.
  void turnCopiesIntoLinalg(RewriterBase &rewriter) {
    getOperation().walk([&](memref::CopyOp copy) {
      rewriter.setInsertionPoint(copy);
      linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(),
                               copy.getTarget());
      rewriter.eraseOp(copy);
    });
  }

  LogicalResult turnLinalgIntoLoops(RewriterBase &rewriter) {
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops) {
      FailureOr<linalg::LinalgOp> inside = moveReductionsInside(rewriter, op);
      if (failed(inside))
        return op.emitOpError("has no form with its reductions innermost");
      rewriter.setInsertionPoint(*inside);
      if (failed(linalg::linalgOpToParallelLoops(rewriter, *inside)))
        return inside->emitOpError("cannot be written as loops");
      rewriter.eraseOp(*inside);
    }
    WalkResult result = getOperation().walk([](Operation *op) -> WalkResult {
      if (isa_and_present<linalg::LinalgDialect>(op->getDialect()) &&
          !op->hasTrait<OpTrait::IsTerminator>())
        return op->emitOpError("has no form as loops; decompose it first");
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// Outermost loops become kernels; a loop inside one runs in its thread. A
  /// loop that returns a reduction stays on the host, where it is sequential.
  LogicalResult mapLoops(RewriterBase &rewriter) {
    SmallVector<scf::ParallelOp> outermost, nested;
    getOperation().walk([&](scf::ParallelOp loop) {
      if (loop->getParentOfType<scf::ParallelOp>())
        nested.push_back(loop);
      else if (loop.getNumReductions() == 0)
        outermost.push_back(loop);
    });
    for (scf::ParallelOp loop : nested)
      if (failed(scf::parallelForToNestedFors(rewriter, loop)))
        return loop.emitOpError("inside a kernel cannot be run sequentially");
    for (scf::ParallelOp loop : outermost)
      if (failed(mapToThreads(rewriter, loop)))
        return loop.emitOpError("cannot be mapped to threads");
    return success();
  }
};
} // namespace
