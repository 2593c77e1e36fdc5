//===- RowBlocks.cpp - Which tokens a kernel's rows are ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RowBlocks.h"

#include "Transform.h"

using namespace mlir;
using namespace stamp;

/// Blocks of more tokens would not stay in registers and the nearest cache.
static constexpr int64_t kLargestBlock = 64;

bool stamp::hasRowBlocks(const KernelBuilder &b, BasisAttrInterface basis,
                         int64_t seqLen, bool isPadded) {
  if (auto inner = MinTokensAttr::split(basis).first; inner.emitsBlocks())
    return *inner.getBasis()->fixedBlock() <= kLargestBlock;
  auto grid = dyn_cast<Haar2DAttr>(basis);
  // 2^levels must be a number first. Fewer tokens than a grid's are not mixed.
  if (!grid || isPadded || grid.getLevels() > 15 || grid.getSkip() != 0 ||
      grid.getHeight() > kLargestTable / grid.getWidth() ||
      seqLen != grid.getHeight() * grid.getWidth())
    return false;
  int64_t side = int64_t{1} << grid.getLevels();
  // A panel of several patches must not go on in the next line of them.
  int64_t patches = std::max<int64_t>(b.tile.rows / (side * side), 1);
  return side * side <= kLargestBlock && grid.getHeight() % side == 0 &&
         grid.getWidth() % (side * patches) == 0;
}

RowBlocks::RowBlocks(KernelBuilder &b, BasisAttrInterface basis)
    : size(b.tile.rows), basisSize(1), shift(0), skip(0), minTokens(0) {
  if (!basis || basis.isIdentity())
    return;
  std::tie(this->basis, minTokens) = MinTokensAttr::split(basis);
  if (auto haar = dyn_cast<Haar2DAttr>(basis)) {
    int64_t levels = haar.getLevels(), side = int64_t{1} << levels;
    basisSize = side * side;
    grid = Patches{side, levels, haar.getWidth(), createGridPlaces(b, haar)};
  } else {
    basisSize = *this->basis.getBasis()->fixedBlock();
    skip = basis.getSkip();
  }
  size = std::max(size, basisSize);
  shift = (size - skip % size) % size;
}

RowBlocks RowBlocks::withoutBasis(const KernelBuilder &b) const {
  RowBlocks rows = *this;
  rows.size = b.tile.rows;
  rows.basisSize = 1;
  rows.skip = rows.minTokens = 0;
  return rows;
}

Value RowBlocks::token(KernelBuilder &b, Value row) const {
  if (!grid)
    return b.sub(row, shift);
  auto divide = [&](Value number, int64_t by) {
    return std::pair(b.createOrFold<arith::DivUIOp>(number, b.index(by)),
                     b.createOrFold<arith::RemUIOp>(number, b.index(by)));
  };
  int64_t side = grid->side, width = grid->rasterWidth;
  auto [patch, inside] = divide(row, side * side);
  auto [patchI, patchJ] = divide(patch, width / side);
  auto [i, j] = divide(inside, side);
  return b.add(b.mul(b.add(b.mul(patchI, side), i), width),
               b.add(b.mul(patchJ, side), j));
}

int64_t RowBlocks::distance(int64_t row) const {
  if (!grid)
    return row;
  int64_t side = grid->side, area = side * side, inside = row % area;
  return inside / side * grid->rasterWidth + row / area * side + inside % side;
}

Value RowBlocks::coefficient(KernelBuilder &b, Value token) const {
  if (!grid)
    return token;
  return arith::IndexCastUIOp::create(
      b, b.getIndexType(),
      memref::LoadOp::create(b, grid->places, ValueRange{token}));
}

Value RowBlocks::blocks(KernelBuilder &b, Value seqLen) const {
  Value count = b.ceilDiv(b.add(seqLen, shift), size);
  if (shift == 0)
    return count;
  return b.select(b.less(b.index(0), seqLen), count, b.index(0));
}

Value RowBlocks::isWhole(KernelBuilder &b, Value first,
                         const TokenCount &tokens) const {
  Value end = basisSize > 1 ? tokens.valid : tokens.all;
  Value isThere =
      b.both(b.atMost(b.index(skip), first), b.atMost(b.add(first, size), end));
  return minTokens > 1 ? b.both(isThere, isLong(b, tokens)) : isThere;
}

Value RowBlocks::isLong(KernelBuilder &b, const TokenCount &tokens) const {
  return b.atMost(b.index(minTokens), tokens.valid);
}

Value RowBlocks::mixed(KernelBuilder &b, Value first,
                       const TokenCount &tokens) const {
  Value here =
      b.clamp(b.sub(tokens.valid, first), b.index(0), b.index(basisSize));
  if (skip > 0)
    here = b.select(b.less(first, b.index(skip)), b.index(0), here);
  return minTokens > 1 ? b.select(isLong(b, tokens), here, b.index(0)) : here;
}

void RowBlocks::mix(KernelBuilder &b, Value first, const TokenCount &tokens,
                    bool whole, Direction direction,
                    function_ref<Value(int64_t)> load,
                    function_ref<void(int64_t, Value)> store) const {
  for (int64_t part = 0; part < size; part += basisSize) {
    if (grid) {
      mixPatch(
          b, grid->side, grid->side, grid->levels, direction,
          [&](int64_t r) { return load(part + r); },
          [&](int64_t r, Value value) { store(part + r, value); });
      continue;
    }
    Values rows;
    for (int64_t r = 0; r < basisSize; ++r)
      rows.push_back(load(part + r));
    Value count = whole ? Value() : mixed(b, b.add(first, part), tokens);
    basis.emitBlock(b, rows, count, direction);
    for (int64_t r = 0; r < basisSize; ++r)
      store(part + r, rows[r]);
  }
}
