//===- FormTransforms.cpp - Transforms to kernels ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What quantized linears have left of their transforms becomes a kernel of its
// own: on a batch of sequences, in memory, with all dimensions behind the
// tokens as columns. The linear's result is transformed where it stands.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"

#include "Kernels/Transform.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_FORMTRANSFORMSPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("FormTransforms")
        .category("stamp-form-transforms");

static RankedTensorType getType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

namespace {
/// How the dimensions of a tensor become batch × tokens × columns.
struct BatchShape {
  int64_t dimension; ///< of the tokens
  int64_t rank;

  bool hasBatch() const { return dimension > 0; }

  /// From the tensor to batch × tokens × columns, or without the batch if there
  /// is none.
  SmallVector<ReassociationIndices> groups() const {
    SmallVector<ReassociationIndices> result;
    if (hasBatch())
      result.push_back(llvm::to_vector(llvm::seq(dimension)));
    result.push_back({dimension});
    result.push_back(llvm::to_vector(llvm::seq(dimension + 1, rank)));
    return result;
  }
  /// Whether no more than one size of a group has to be computed.
  bool isExpandable(RankedTensorType type) const {
    return llvm::all_of(groups(), [&](ArrayRef<int64_t> group) {
      return llvm::count_if(
                 group, [&](int64_t d) { return type.isDynamicDim(d); }) <= 1;
    });
  }
  bool isCollapsed() const { return rank == (hasBatch() ? 3 : 2); }
};
} // namespace

static const SmallVector<ReassociationIndices> kWithoutBatch = {{0, 1}, {2}};

static Value toBatch(ImplicitLocOpBuilder &b, Value x, BatchShape shape) {
  if (!shape.isCollapsed())
    x = tensor::CollapseShapeOp::create(b, x, shape.groups());
  if (shape.hasBatch())
    return x;
  RankedTensorType type = getType(x);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  sizes.insert(sizes.begin(), b.getIndexAttr(1));
  return b.createOrFold<tensor::ExpandShapeOp>(
      RankedTensorType::get({1, type.getDimSize(0), type.getDimSize(1)},
                            type.getElementType()),
      x, kWithoutBatch, sizes);
}

static Value fromBatch(ImplicitLocOpBuilder &b, Value y, Value like,
                       BatchShape shape) {
  if (!shape.hasBatch())
    y = tensor::CollapseShapeOp::create(b, y, kWithoutBatch);
  if (shape.isCollapsed())
    return y;
  return tensor::ExpandShapeOp::create(
      b,
      RankedTensorType::get(getType(like).getShape(),
                            getType(y).getElementType()),
      y, shape.groups(), tensor::getMixedSizes(b, b.getLoc(), like));
}

/// What a kernel has just written, of which nobody else looks at the tensor
/// that it has become.
static bufferization::ToTensorOp findOwnMemory(Value input, BatchShape shape) {
  Value source = input;
  if (auto collapse = input.getDefiningOp<tensor::CollapseShapeOp>())
    if (!shape.hasBatch() &&
        collapse.getReassociationIndices() == ArrayRef(kWithoutBatch))
      source = collapse.getSrc();
  auto toTensor = source.getDefiningOp<bufferization::ToTensorOp>();
  if (!toTensor || !input.hasOneUse() || !source.hasOneUse() ||
      getType(source).getRank() != 3 || !toTensor.getRestrict() ||
      !toTensor.getWritable() ||
      !toTensor.getBuffer().getDefiningOp<memref::AllocOp>())
    return nullptr;
  return toTensor;
}

template <typename TransformLikeOp>
static void rewriteTransform(RewriterBase &rewriter, const CPUTarget &target,
                             TransformLikeOp op, Direction direction) {
  auto fail = [&](StringRef why) {
    remark::missed(op.getLoc(), kRemark)
        << remark::reason("no kernel transforms these tokens: {0}", why);
  };
  Value input = op.getInput();
  if (!isa<RankedTensorType>(input.getType()))
    return fail("they are on buffers");
  BatchShape shape = {static_cast<int64_t>(op.getDimension()),
                      getType(input).getRank()};
  if (shape.dimension == shape.rank - 1)
    return fail("they are the last dimension");
  if (op.getLengths())
    return fail("each sequence has a length of its own");
  // Upstream's lowering of the way back has no sizes for them.
  if (!shape.isExpandable(getType(input)))
    return fail("two sizes that are not static would be one");
  auto [basis, minTokens] = MinTokensAttr::split(op.getBasis());
  StringRef why;
  std::optional<TransformKernel> kernel = getTransformKernel(
      basis, op.getOrder(), getType(input).getDimSize(shape.dimension), why);
  if (!kernel)
    return fail(why);

  rewriter.setInsertionPoint(op);
  KernelBuilder b(rewriter, op.getLoc(), target);
  Type element = getType(op.getResult()).getElementType();
  Value x, y;
  bufferization::ToTensorOp own;
  if (kernel->worksInPlace && getType(input).getElementType() == element)
    own = findOwnMemory(input, shape);
  if (own) {
    x = y = own.getBuffer();
  } else {
    Value batch = toBatch(b, input, shape);
    RankedTensorType type = getType(batch);
    x = bufferization::ToBufferOp::create(
        b, MemRefType::get(type.getShape(), type.getElementType()), batch,
        /*read_only=*/true);
    Values sizes;
    for (int64_t d = 0; d < 3; ++d)
      if (type.isDynamicDim(d))
        sizes.push_back(b.size(x, d));
    y = b.alloc(type.getShape(), element, sizes);
  }
  kernel->emit(b, {basis, minTokens, direction, op.getOrder(), x, y});
  Value result = bufferization::ToTensorOp::create(
      b,
      RankedTensorType::get(cast<MemRefType>(y.getType()).getShape(), element),
      y, /*restrict=*/true, /*writable=*/true);
  result = fromBatch(b, result, op.getInit(), shape);
  if (result.getType() != op.getResult().getType())
    result = tensor::CastOp::create(b, op.getResult().getType(), result);
  rewriter.replaceOp(op, result);
  // One tensor for one buffer.
  if (own) {
    if (input != own.getResult())
      rewriter.eraseOp(input.getDefiningOp());
    rewriter.eraseOp(own);
  }
}

namespace {
struct FormTransforms final
    : public stamp::impl::FormTransformsPassBase<FormTransforms> {
  using FormTransformsPassBase::FormTransformsPassBase;

  void runOnOperation() override {
    FailureOr<CPUTarget> target = CPUTarget::get(cpu, getOperation()->getLoc());
    if (failed(target))
      return signalPassFailure();
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<TransformOp, InverseTransformOp>(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops)
      if (auto forward = dyn_cast<TransformOp>(op))
        rewriteTransform(rewriter, *target, forward, Direction::Forward);
      else
        rewriteTransform(rewriter, *target, cast<InverseTransformOp>(op),
                         Direction::Inverse);
  }
};
} // namespace
