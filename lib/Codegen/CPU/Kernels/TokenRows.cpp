//===- TokenRows.cpp - Rows of tokens in memory -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TokenRows.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

using namespace mlir;
using namespace stamp;

SequenceLength::SequenceLength(KernelBuilder &b,
                               const SequenceTransform &transform) {
  Value seqLen = b.size(transform.x, 1);
  skipped = b.min(b.index(transform.basis.getSkip()), seqLen);
  if (transform.minTokens > 1)
    skipped =
        b.select(b.less(seqLen, b.index(transform.minTokens)), seqLen, skipped);
  length = b.sub(seqLen, skipped);
}

Value TokenRows::find(KernelBuilder &b, Value row) const {
  if (places)
    row = arith::IndexCastUIOp::create(
        b, b.getIndexType(),
        memref::LoadOp::create(b, places, ValueRange{row}));
  return b.add(row, firstRow);
}

void TokenRows::store(KernelBuilder &b, Value lane, Value place, Value column,
                      Value mask) const {
  Value indices[] = {sequence, place, b.add(firstColumn, column)};
  if (isPadded)
    mask = {};
  b.storeOnce(lane, memory, indices, mask);
}

void TokenRows::prefetch(KernelBuilder &b, Value place, Value column) const {
  constexpr unsigned toSecondLevel = 2;
  memref::PrefetchOp::create(
      b, memory, ValueRange{sequence, place, b.add(firstColumn, column)},
      /*isWrite=*/false, toSecondLevel, /*isDataCache=*/true);
}

static Value createTable(KernelBuilder &b, DenseElementsAttr values) {
  auto type = cast<RankedTensorType>(values.getType());
  return bufferization::ToBufferOp::create(
      b, MemRefType::get(type.getShape(), type.getElementType()),
      arith::ConstantOp::create(b, values), /*read_only=*/true);
}

Value stamp::createTable(KernelBuilder &b, ArrayRef<int32_t> values) {
  return ::createTable(
      b, DenseElementsAttr::get(
             RankedTensorType::get(static_cast<int64_t>(values.size()),
                                   b.getI32Type()),
             values));
}

Value stamp::createTable(KernelBuilder &b, ArrayRef<float> values) {
  return ::createTable(
      b, DenseElementsAttr::get(
             RankedTensorType::get(static_cast<int64_t>(values.size()),
                                   b.getF32Type()),
             values));
}

Value stamp::createPlaces(KernelBuilder &b, const SequenceTransform &transform,
                          Value length) {
  if (transform.order == RowOrder::Block)
    return {};
  BasisAttrInterface basis = transform.basis;
  int64_t skip = basis.getSkip();
  if (std::optional<int64_t> known = transform.staticLength();
      known && *known <= kLargestTable) {
    std::vector<int64_t> positions =
        basis.getBasis()->coarsePositions(*known + skip);
    SmallVector<int32_t> places;
    for (int64_t place : ArrayRef(positions).drop_front(skip))
      places.push_back(static_cast<int32_t>(place - skip));
    return createTable(b, places);
  }
  Value places = b.alloc({ShapedType::kDynamic}, b.getI32Type(), {length});
  b.loop(b.index(0), length, 1, [&](Value row) {
    Value place = basis.emitCoarsePosition(b, row, length);
    memref::StoreOp::create(
        b, arith::IndexCastUIOp::create(b, b.getI32Type(), place), places,
        ValueRange{row});
  });
  return places;
}

void stamp::forAllColumns(KernelBuilder &b, Value memory,
                          function_ref<void(Value, Value)> emit) {
  int64_t lanes = b.lanes();
  Value count = b.size(memory, 2);
  std::optional<int64_t> known = getConstantIntValue(count);
  Value rest = known ? b.index(*known % lanes)
                     : b.createOrFold<arith::RemUIOp>(count, b.index(lanes));
  Value full = b.sub(count, rest);
  b.loop(b.index(0), full, lanes, [&](Value column) { emit(column, Value()); });
  if (!known)
    b.branch(b.less(full, count), [&] { emit(full, b.mask(rest)); });
  else if (*known % lanes != 0)
    emit(full, b.mask(rest));
}

void stamp::copyRows(KernelBuilder &b, const SequenceTransform &transform,
                     Value begin, Value end) {
  if (getConstantIntValue(begin) == 0 && getConstantIntValue(end) == 0)
    return;
  b.parallel({b.size(transform.x, 0), b.sub(end, begin)}, [&](ValueRange at) {
    Value row = b.add(at[1], begin);
    forAllColumns(b, transform.x, [&](Value column, Value mask) {
      Value lane = b.load(transform.x, {at[0], row, column}, mask);
      b.store(lane, transform.y, {at[0], row, column}, mask);
    });
  });
}

Value stamp::getStripColumns(KernelBuilder &b, int64_t together, Value rows) {
  // More would not be nearer, and leave less to share among threads.
  constexpr int64_t most = 8;
  int64_t unit = together * b.lanes();
  int64_t room = b.target.l2Bytes / static_cast<int64_t>(sizeof(float));
  Value units = b.createOrFold<arith::DivUIOp>(b.index(room / unit),
                                               b.max(rows, b.index(1)));
  return b.mul(b.clamp(units, b.index(1), b.index(most / together)), unit);
}

void stamp::forEachStrip(KernelBuilder &b, const SequenceTransform &transform,
                         int64_t together, Value perStrip,
                         function_ref<void(const Columns &)> emit) {
  int64_t unit = together * b.lanes();
  Value batch = b.size(transform.x, 0), columns = b.size(transform.x, 2);
  Value rest = b.createOrFold<arith::RemUIOp>(columns, b.index(unit));
  Value full = b.sub(columns, rest);
  Value strips = b.createOrFold<arith::CeilDivUIOp>(full, perStrip);
  if (getConstantIntValue(strips) != 0)
    b.parallel({batch, strips}, [&](ValueRange at) {
      Value first = b.createOrFold<arith::MulIOp>(at[1], perStrip);
      emit({at[0], first, b.min(perStrip, b.sub(full, first)),
            SmallVector<Value>(together)});
    });
  if (getConstantIntValue(rest) == 0)
    return;
  Value isThere = b.select(b.less(b.index(0), rest), b.index(1), b.index(0));
  b.parallel({batch, isThere}, [&](ValueRange at) {
    SmallVector<Value> masks;
    for (int64_t i = 0; i < together; ++i)
      masks.push_back(b.mask(
          b.clamp(b.sub(rest, i * b.lanes()), b.index(0), b.index(b.lanes()))));
    emit({at[0], full, b.index(unit), masks});
  });
}
