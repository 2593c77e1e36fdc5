//===- Transform.cpp - Transforms as kernels of their own -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Transform.h"

#include "../../BatchShape.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("FormGPUKernels")
        .category("stamp-form-gpu-kernels");

std::optional<int64_t> GPUTransform::staticLength() const {
  int64_t seqLen = type().getDimSize(1);
  if (ShapedType::isDynamic(seqLen))
    return std::nullopt;
  if (seqLen < minTokens)
    return 0;
  return std::max<int64_t>(seqLen - basis.getSkip(), 0);
}

TransformSizes::TransformSizes(GPUKernelBuilder &b,
                               const GPUTransform &transform)
    : seqLen(b.createOrFold<memref::DimOp>(transform.x, 1)),
      columns(b.createOrFold<memref::DimOp>(transform.x, 2)) {
  findLength(b, transform);
}

TransformSizes::TransformSizes(GPUKernelBuilder &b,
                               const GPUTransform &transform,
                               ValueRange arguments) {
  auto sizeOf = [&](int64_t dimension, Value argument) -> Value {
    int64_t known = transform.type().getDimSize(dimension);
    if (ShapedType::isStatic(known))
      return b.index(known);
    return arith::IndexCastOp::create(b, b.getIndexType(), argument);
  };
  seqLen = sizeOf(1, arguments[0]);
  columns = sizeOf(2, arguments[1]);
  findLength(b, transform);
}

void TransformSizes::findLength(GPUKernelBuilder &b,
                                const GPUTransform &transform) {
  left = b.min(b.index(transform.basis.getSkip()), seqLen);
  if (transform.minTokens > 1)
    left = b.select(b.less(seqLen, b.index(transform.minTokens)), seqLen, left);
  length = b.sub(seqLen, left);
}

Values GPUTransform::dynamicSizes(GPUKernelBuilder &b) const {
  Values sizes;
  for (int64_t d = 0; d < 3; ++d)
    if (type().isDynamicDim(d))
      sizes.push_back(b.createOrFold<memref::DimOp>(x, d));
  return sizes;
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

static int64_t getVectorWidth(const GPUTransform &transform) {
  int64_t columns = transform.type().getDimSize(2);
  for (int64_t width : {4, 2})
    if (ShapedType::isStatic(columns) && columns % width == 0)
      return width;
  return 1;
}

static Value countStrips(GPUKernelBuilder &b, const TransformSizes &sizes,
                         int64_t columns) {
  return b.createOrFold<arith::CeilDivUIOp>(sizes.columns, b.index(columns));
}

TransformThread::TransformThread(GPUKernelBuilder &b,
                                 const GPUTransform &transform,
                                 ValueRange arguments, int64_t columns,
                                 CountTiles tiles)
    : b(b), transform(transform), sizes(b, transform, arguments.take_back(2)),
      columns(columns), width(getVectorWidth(transform)), thread(b.thread()) {
  Value strips = countStrips(b, sizes, columns);
  Value ofSequence = tiles(b, sizes);
  Value block = b.block(gpu::Dimension::x);
  firstColumn = b.mul(b.rem(block, strips), columns);
  Value tileOfAll = b.div(block, strips);
  tile = b.rem(tileOfAll, ofSequence);
  elements =
      b.mul(b.mul(b.div(tileOfAll, ofSequence), sizes.seqLen), sizes.columns);
  x = sequenceAt(arguments[0], transform.input());
  y = sequenceAt(arguments[1], transform.result());
}

Value TransformThread::sequenceAt(Value address, Type type) {
  return b.at(b.global(address), b.mul(elements, b.bytesOf(type)));
}

static Value elementAt(GPUKernelBuilder &b, const TransformSizes &sizes,
                       Value memory, Type type, Value row, Value column) {
  return b.at(memory,
              b.mul(b.add(b.mul(row, sizes.columns), column), b.bytesOf(type)));
}

Value TransformThread::load(Value memory, Type type, Value row, Value column) {
  return b.widen(b.load(b.vectorOf(type, width),
                        elementAt(b, sizes, memory, type, row, column)));
}

void TransformThread::store(Value value, Value memory, Type type, Value row,
                            Value column) {
  b.store(b.narrow(value, type),
          elementAt(b, sizes, memory, type, row, column));
}

void TransformThread::copyRows(Value count, int64_t threads) {
  Value items =
      b.select(b.equal(tile, b.index(0)), b.mul(count, vectors()), b.index(0));
  b.loop(thread, items, b.index(threads), [&](Value item) {
    Value column = b.add(firstColumn, b.mul(b.rem(item, vectors()), width));
    Value row = b.div(item, vectors());
    b.branch(b.less(column, sizes.columns), [&] {
      store(load(x, transform.input(), row, column), y, transform.result(), row,
            column);
    });
  });
}

void stamp::launchTransform(
    GPUKernelBuilder &b, StringRef name, const GPUTransform &transform,
    ValueRange others, Value isNeeded, int64_t columns, CountTiles tiles,
    int64_t threads, int64_t sharedBytes, LaunchKernel launch,
    function_ref<void(GPUKernelBuilder &, ValueRange, Value)> body) {
  TransformSizes sizes(b, transform);
  Value batch = b.createOrFold<memref::DimOp>(transform.x, 0);
  Value grid =
      b.mul(b.mul(batch, tiles(b, sizes)), countStrips(b, sizes, columns));
  Values buffers = {transform.x, transform.y};
  llvm::append_range(buffers, others);
  launch(b, name, buffers, {sizes.seqLen, sizes.columns},
         b.select(isNeeded, grid, b.index(0)), threads, sharedBytes, body);
}

//===----------------------------------------------------------------------===//
// The rewrite
//===----------------------------------------------------------------------===//

template <typename TransformLikeOp>
static void formTransform(RewriterBase &rewriter, TransformLikeOp op,
                          Direction direction, LaunchKernel launch) {
  auto fail = [&](StringRef why) {
    remark::missed(op.getLoc(), kRemark)
        << remark::reason("no kernel transforms these tokens: {0}", why);
  };
  if (!isa<RankedTensorType>(op.getInput().getType()))
    return fail("they are on buffers");
  auto type = cast<RankedTensorType>(op.getInput().getType());
  BatchShape shape = {static_cast<int64_t>(op.getDimension()), type.getRank()};
  if (StringRef why = shape.check(type); !why.empty())
    return fail(why);
  if (op.getLengths())
    return fail("each sequence has a length of its own");
  auto [basis, minTokens] = MinTokensAttr::split(op.getBasis());
  if (!isa<HaarAttr, WHTAttr, DCTAttr, MatrixAttr>(basis))
    return fail("no kernel is known for its basis");

  rewriter.setInsertionPoint(op);
  GPUKernelBuilder b(rewriter, op.getLoc());
  Value batch = shape.collapse(b, op.getInput());
  auto batched = cast<RankedTensorType>(batch.getType());
  Value x = bufferization::ToBufferOp::create(
      b, MemRefType::get(batched.getShape(), batched.getElementType()), batch,
      /*read_only=*/true);
  Type element = op.getResult().getType().getElementType();
  GPUTransform transform = {basis, minTokens, direction, op.getOrder(), x, {}};
  transform.y = memref::AllocOp::create(
      b, MemRefType::get(batched.getShape(), element),
      transform.dynamicSizes(b), b.getI64IntegerAttr(64));

  auto function = op->template getParentOfType<func::FuncOp>();
  std::string name = function ? function.getName().str() : "stamp";
  name += direction == Direction::Forward ? "_transform" : "_inverse";
  if (isa<HaarAttr, WHTAttr>(basis))
    launchLevels(b, name, transform, launch);
  else
    launchDense(b, name, transform, launch);
  Value result = bufferization::ToTensorOp::create(
      b, RankedTensorType::get(batched.getShape(), element), transform.y,
      /*restrict=*/true, /*writable=*/true);
  result = shape.expand(b, result, op.getInit());
  if (result.getType() != op.getResult().getType())
    result = tensor::CastOp::create(b, op.getResult().getType(), result);
  rewriter.replaceOp(op, result);
}

void stamp::formTransforms(RewriterBase &rewriter, ModuleOp module,
                           LaunchKernel launch) {
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<TransformOp, InverseTransformOp>(op))
      ops.push_back(op);
  });
  for (Operation *op : ops)
    if (auto forward = dyn_cast<TransformOp>(op))
      formTransform(rewriter, forward, Direction::Forward, launch);
    else
      formTransform(rewriter, cast<InverseTransformOp>(op), Direction::Inverse,
                    launch);
}
