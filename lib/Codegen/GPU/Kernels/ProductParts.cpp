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

void stamp::copyChunk(GPUKernelBuilder &b, Value to, Value from, Value bytes) {
  NVVM::CpAsyncOp::create(b, to, from, kChunk, NVVM::LoadCacheModifierKind::CG,
                          bytes);
}

Values Ring::sumUp(GPUKernelBuilder &b, Value first, Value end, int64_t stride,
                   Values sums, function_ref<void(Value, Value)> startCopies,
                   function_ref<void()> sync,
                   function_ref<void(Values &, Value)> multiply) const {
  auto nextStage = [&](Value stage) {
    Value next = b.add(stage, stageBytes);
    return b.select(b.equal(next, b.index(stages * stageBytes)), b.index(0),
                    next);
  };
  for (int64_t stage = 0; stage < stages - 1; ++stage)
    startCopies(b.add(first, stage * stride), b.index(stage * stageBytes));
  sums.push_back(b.index(0));
  sums.push_back(b.index((stages - 1) * stageBytes));
  Values results = b.loop(
      first, end, b.index(stride), sums,
      [&](Value step, ValueRange carried) -> Values {
        Values sums(carried.drop_back(2));
        Value from = carried[carried.size() - 2], to = carried.back();
        // This thread's copies for this step have landed; then everybody's, and
        // everybody has left the stage that is filled next.
        NVVM::CpAsyncWaitGroupOp::create(b, static_cast<uint32_t>(stages - 2));
        sync();
        startCopies(b.add(step, (stages - 1) * stride), to);
        multiply(sums, from);
        sums.push_back(nextStage(from));
        sums.push_back(nextStage(to));
        return sums;
      });
  NVVM::CpAsyncWaitGroupOp::create(b, 0);
  results.pop_back_n(2);
  return results;
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

static Type getFourWords(GPUKernelBuilder &b) {
  return LLVM::LLVMStructType::getLiteral(b.getContext(),
                                          SmallVector<Type>(4, b.getI32Type()));
}

static Values fieldsOf(GPUKernelBuilder &b, Value fields) {
  Values values;
  for (int64_t i = 0; i < 4; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, fields, i));
  return values;
}

Values stamp::loadMatrices(GPUKernelBuilder &b, Value row) {
  return fieldsOf(b, NVVM::LdMatrixOp::create(
                         b, getFourWords(b), row, 4, NVVM::MMALayout::row,
                         NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
                         NVVM::LdStMatrixEltType::B16));
}

Values stamp::multiplyAdd(GPUKernelBuilder &b, ValueRange a,
                          ValueRange fragment, ValueRange c) {
  return fieldsOf(
      b, NVVM::MmaOp::create(
             b, getFourWords(b), a, fragment, c, ArrayRef<int64_t>{16, 8, 32},
             std::nullopt, NVVM::MMAIntOverflow::wrapped,
             std::array{NVVM::MMATypes::s8, NVVM::MMATypes::s8},
             std::array{NVVM::MMALayout::row, NVVM::MMALayout::col}));
}

Values stamp::unpackFragment(GPUKernelBuilder &b, ArrayRef<Value> words,
                             int64_t j, int64_t weightBits) {
  if (weightBits == 8)
    return {words[2 * j], words[2 * j + 1]};
  auto [first, second] = unpackCodes(b, words[j]);
  return {first, second};
}

Value stamp::rescaleSum(GPUKernelBuilder &b, Value sum, const RowQuantizer &row,
                        const ColumnQuantizer &column) {
  Value exact = b.sub(sum, b.mul(row.zeroPoint, column.sum));
  Value value = b.mulF(b.mulF(row.scale, column.scale),
                       arith::SIToFPOp::create(b, b.getF32Type(), exact));
  if (!column.bias)
    return value;
  Value bias = b.widen(column.bias);
  return b.addF(value, row.spread ? b.mulF(row.spread, bias) : bias);
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
  Value own = rows.shared ? b.at(rows.shared, b.mul(rows.first, 4)) : Value();
  Value bytes = b.mul(b.add(place.firstOfAll, rows.first), 4);
  auto placeOf = [&](int64_t argument, int64_t inShared) {
    return own ? b.at(own, inShared * 4 * tile.rows)
               : b.at(b.global(arguments[argument]), bytes);
  };
  Values scales = eight(placeOf(1, 0), f32);
  Values zeroPoints = eight(placeOf(2, 1), i32);
  Values spread(kRowsAtOnce);
  if (kernel.hasSpread && own)
    spread = eight(placeOf(-1, 2), f32);
  else if (kernel.hasSpread)
    for (int64_t i = 0; i < kRowsAtOnce; ++i)
      spread[i] = loadSpread(b, arguments, place, b.add(firstToken, first + i));
  eightRows.clear();
  for (int64_t i = 0; i < kRowsAtOnce; ++i)
    eightRows.push_back({scales[i], zeroPoints[i], spread[i]});
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

SmallVector<Values> ResultEmitter::rescale(Sum sum, Value channel) {
  Values columnScales = loadColumns(arguments[4], b.getF32Type(), channel);
  Values columnSums = loadColumns(arguments[5], b.getI32Type(), channel);
  Values bias(4);
  if (kernel.hasBias)
    bias = loadColumns(arguments[9], kernel.bias, channel);
  SmallVector<Values> columns(4);
  for (int64_t first = 0; first < rows.count; first += kRowsAtOnce) {
    if (rows.count > kRowsAtOnce)
      loadRows(first);
    for (int64_t u = 0; u < 4; ++u)
      for (int64_t i = 0; i < kRowsAtOnce; ++i)
        columns[u].push_back(
            rescaleSum(b, sum(u, first + i), eightRows[i],
                       {columnScales[u], columnSums[u], bias[u]}));
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
    if (kernel.blocks.minTokens > 1)
      isPart = b.both(isPart, kernel.blocks.isLong(b, place.seqLen));
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
