//===- ProductParts.cpp - What all products share ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The order of float operations is that of docs/Semantics.md.
//
//===----------------------------------------------------------------------===//

#include "ProductParts.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

/// Rows whose scales and zero points registers hold at once.
static constexpr int64_t kRowsAtOnce = 8;

TilePlace::TilePlace(GPUKernelBuilder &b, const ProductTile &tile,
                     ValueRange arguments) {
  auto toIndex = [&](Value value) -> Value {
    return arith::IndexCastOp::create(b, b.getIndexType(), value);
  };
  seqLen = toIndex(arguments[7]);
  Value tiles = toIndex(arguments[8]);
  Value block = b.block(gpu::Dimension::x);
  Value sequence = b.div(block, tiles);
  firstRow = b.mul(b.rem(block, tiles), tile.rows);
  firstOfAll = b.mul(block, tile.rows);
  rowOfResult = b.mul(sequence, seqLen);
  firstChannel = b.mul(b.block(gpu::Dimension::y), tile.columns);
}

void stamp::copyChunk(GPUKernelBuilder &b, Value to, Value from) {
  NVVM::CpAsyncOp::create(b, to, from, kChunk, NVVM::LoadCacheModifierKind::CG,
                          Value());
}

std::pair<Value, Value> stamp::unpackCodes(GPUKernelBuilder &b, Value word) {
  // A 4-bit code in the high half of a byte is 16 times the code.
  Value high = b.constantI32(static_cast<int32_t>(0xf0f0f0f0));
  Value raised = arith::ShLIOp::create(b, word, b.constantI32(4));
  return {b.both(raised, high), b.both(word, high)};
}

void stamp::finishSums(GPUKernelBuilder &b, int64_t weightBits,
                       MutableArrayRef<Value> sums) {
  if (weightBits == 4)
    for (Value &sum : sums)
      sum = arith::ShRSIOp::create(b, sum, b.constantI32(4));
}

ResultEmitter::ResultEmitter(GPUKernelBuilder &b, const ProductTile &tile,
                             const ProductKernel &kernel, ValueRange arguments,
                             const TilePlace &place, const ThreadRows &rows)
    : b(b), tile(tile), kernel(kernel), arguments(arguments), place(place),
      rows(rows), firstToken(b.sub(b.add(place.firstRow, rows.first),
                                   kernel.blocks.shift)) {
  assert(rows.count % kRowsAtOnce == 0);
  if (rows.count == kRowsAtOnce)
    loadRows(0);
}

void ResultEmitter::forEachKind(llvm::function_ref<void(bool)> body) {
  Value first = b.sub(place.firstRow, kernel.blocks.shift);
  b.branch(
      kernel.blocks.isWhole(b, first, place.seqLen, tile.rows),
      [&] { body(/*isWhole=*/true); }, [&] { body(/*isWhole=*/false); });
}

/// l of a token; of a row that is none, any.
static Value loadSpread(GPUKernelBuilder &b, ValueRange arguments,
                        const TilePlace &place, Value token) {
  Value near = b.clamp(token, b.index(0), b.sub(place.seqLen, 1));
  return b.load(b.getF32Type(),
                b.at(b.global(arguments.back()), b.mul(near, 4)));
}

int64_t stamp::getSharedRowsBytes(const ProductTile &tile) {
  return 3 * 4 * tile.rows;
}

void stamp::shareRows(GPUKernelBuilder &b, const ProductTile &tile,
                      const ProductKernel &kernel, ValueRange arguments,
                      const TilePlace &place, Value shared) {
  Value row = b.thread();
  b.branch(b.less(row, b.index(tile.rows)), [&] {
    Value bytes = b.mul(b.add(place.firstOfAll, row), 4);
    Value own = b.at(shared, b.mul(row, 4));
    Type i32 = b.getI32Type();
    b.store(b.load(i32, b.at(b.global(arguments[1]), bytes)), own);
    b.store(b.load(i32, b.at(b.global(arguments[2]), bytes)),
            b.at(own, 4 * tile.rows));
    if (kernel.hasSpread) {
      Value token = b.sub(b.add(place.firstRow, row), kernel.blocks.shift);
      b.store(loadSpread(b, arguments, place, token), b.at(own, 8 * tile.rows));
    }
  });
}

/// What is known of eight of this thread's rows.
void ResultEmitter::loadRows(int64_t first) {
  auto eight = [&](Value from, Type type) {
    Values values;
    for (int64_t i = first; i < first + kRowsAtOnce; i += 4)
      llvm::append_range(
          values, b.elementsOf(b.load(b.vectorOf(type, 4), b.at(from, i * 4))));
    return values;
  };
  Type f32 = b.getF32Type(), i32 = b.getI32Type();
  if (rows.shared) {
    Value own = b.at(rows.shared, b.mul(rows.first, 4));
    scales = eight(own, f32);
    zeroPoints = eight(b.at(own, 4 * tile.rows), i32);
    if (kernel.hasSpread)
      spread = eight(b.at(own, 8 * tile.rows), f32);
    return;
  }
  Value bytes = b.mul(b.add(place.firstOfAll, rows.first), 4);
  scales = eight(b.at(b.global(arguments[1]), bytes), f32);
  zeroPoints = eight(b.at(b.global(arguments[2]), bytes), i32);
  spread.clear();
  if (kernel.hasSpread)
    for (int64_t i = first; i < first + kRowsAtOnce; ++i)
      spread.push_back(loadSpread(b, arguments, place, b.add(firstToken, i)));
}

/// Four numbers, of neighbouring channels; beyond the last channel any.
Values ResultEmitter::loadColumns(Value address, Type type, Value channel) {
  Value memory = b.global(address);
  int64_t bytes = b.bytesOf(type);
  if (storesVectors()) {
    Value near = b.min(channel, b.index(kernel.channels - 4));
    return b.elementsOf(
        b.load(b.vectorOf(type, 4), b.at(memory, b.mul(near, bytes))));
  }
  Values values;
  for (int64_t u = 0; u < 4; ++u) {
    Value near = b.min(b.add(channel, u), b.index(kernel.channels - 1));
    values.push_back(b.load(type, b.at(memory, b.mul(near, bytes))));
  }
  return values;
}

void ResultEmitter::finish(Value channel, Sum sum, bool isWhole) {
  SmallVector<Values> columns = rescale(sum, channel);
  for (Values &column : columns)
    undo(column, isWhole);
  int64_t bytes = b.bytesOf(kernel.result);
  Value row = b.add(place.rowOfResult, firstToken);
  Value y = b.at(b.global(arguments[6]),
                 b.mul(b.add(b.mul(row, kernel.channels), channel), bytes));
  for (int64_t i = 0; i < rows.count; ++i) {
    Values values;
    for (Values &column : columns)
      values.push_back(column[i]);
    storeRow(values, b.at(y, i * kernel.channels * bytes), b.add(firstToken, i),
             channel, isWhole);
  }
}

/// (s_x·s_w)·float(acc − z·c) [+ l·b]
SmallVector<Values> ResultEmitter::rescale(Sum sum, Value channel) {
  Values columnScales = loadColumns(arguments[4], b.getF32Type(), channel);
  Values columnSums = loadColumns(arguments[5], b.getI32Type(), channel);
  Values bias;
  if (kernel.hasBias)
    for (Value value : loadColumns(arguments[9], kernel.bias, channel))
      bias.push_back(b.widen(value));
  SmallVector<Values> columns(4);
  for (int64_t first = 0; first < rows.count; first += kRowsAtOnce) {
    if (rows.count > kRowsAtOnce)
      loadRows(first);
    for (int64_t u = 0; u < 4; ++u)
      for (int64_t i = 0; i < kRowsAtOnce; ++i) {
        Value exact =
            b.sub(sum(u, first + i), b.mul(zeroPoints[i], columnSums[u]));
        Value value = b.mulF(b.mulF(scales[i], columnScales[u]),
                             arith::SIToFPOp::create(b, b.getF32Type(), exact));
        if (kernel.hasBias)
          value = b.addF(value, kernel.hasSpread ? b.mulF(spread[i], bias[u])
                                                 : bias[u]);
        columns[u].push_back(value);
      }
  }
  return columns;
}

/// L⁻¹ of a column's tokens.
void ResultEmitter::undo(Values &column, bool isWhole) {
  if (!kernel.inverse)
    return;
  for (Value &value : column)
    value = b.widen(b.narrow(value, kernel.rescaled));
  int64_t size = kernel.blocks.size;
  BasisAttrInterface within = kernel.inverse;
  if (size > rows.count) {
    for (int64_t distance = size / 2; distance >= rows.count; distance /= 2)
      undoCoarse(column.front(), distance, isWhole);
    within =
        HaarAttr::get(b.getContext(), llvm::Log2_64(rows.count), /*skip=*/0);
    size = rows.count;
  }
  for (int64_t part = 0; part < rows.count; part += size) {
    Value count;
    if (!isWhole)
      count =
          kernel.blocks.mixed(b, b.add(firstToken, part), place.seqLen, size);
    within.emitBlock(b, MutableArrayRef(column).slice(part, size), count,
                     Direction::Inverse);
  }
}

/// A level of the Haar transform between lanes: tokens `distance` apart, of
/// which each is the first of its lane's.
void ResultEmitter::undoCoarse(Value &value, int64_t distance, bool isWhole) {
  int64_t groups = distance / rows.count;
  auto isZero = [&](int64_t mask) {
    return b.equal(b.both(rows.group, b.index(mask)), b.index(0));
  };
  Value isUpper = b.equal(b.both(rows.group, b.index(groups)), b.index(groups));
  Value isPart = isZero(groups - 1);
  if (!isWhole) {
    // There is a pair if the upper one of it is a token.
    Value upper = b.select(isUpper, firstToken, b.add(firstToken, distance));
    isPart = b.both(isPart, b.less(upper, place.seqLen));
    if (kernel.blocks.skip > 0)
      isPart =
          b.both(isPart, b.atMost(b.index(kernel.blocks.skip), firstToken));
  }
  Value other = b.exchange(value, rows.lanes * groups);
  Value pair[] = {b.select(isUpper, other, value),
                  b.select(isUpper, value, other)};
  HaarAttr::get(b.getContext(), /*levels=*/1, /*skip=*/0)
      .emitBlock(b, pair, /*count=*/Value(), Direction::Inverse);
  value = b.select(isPart, b.select(isUpper, pair[1], pair[0]), value);
}

void ResultEmitter::storeRow(ValueRange values, Value to, Value token,
                             Value channel, bool isWhole) {
  Value isToken;
  if (!isWhole)
    isToken = b.both(b.atMost(b.index(0), token), b.less(token, place.seqLen));
  auto storeIf = [&](Value condition, Value value, Value to) {
    if (isToken)
      condition = condition ? b.both(condition, isToken) : isToken;
    if (!condition)
      return b.store(value, to);
    b.branch(condition, [&] { b.store(value, to); });
  };
  bool hasEdge = kernel.channels % tile.columns != 0;
  auto isChannel = [&](int64_t u) {
    return hasEdge ? b.less(b.add(channel, u), b.index(kernel.channels))
                   : Value();
  };
  if (storesVectors())
    return storeIf(isChannel(0), b.narrow(b.combine(values), kernel.result),
                   to);
  for (int64_t u = 0; u < 4; ++u)
    storeIf(isChannel(u), b.narrow(values[u], kernel.result),
            b.at(to, u * b.bytesOf(kernel.result)));
}
