//===- WHTAttr.cpp - The Walsh–Hadamard transform as IR --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A sequence of S tokens is cut into ⌊S/B⌋ blocks of B and a tail that splits
// into descending powers of two. Every block starts at a multiple of its own
// size, so token i's partner in the butterfly of stride h is token i xor h, and
// one elementwise op per stride serves blocks of all sizes at once:
//
//     y[i] = h ≥ size(i) ? x[i] : i & h ? x[i ^ h] − x[i] : x[i] + x[i ^ h]
//
// Then the rows move to sequency order. All indices are closed forms in i, so
// a dynamic S costs no search.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include <cmath>

using namespace mlir;
using namespace stamp;

LogicalResult WHTAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                              int64_t block, int64_t skip) {
  if (block < 0 || (block & (block - 1)) != 0 || block > (int64_t{1} << 30))
    return emitError() << "block must be 0 or a power of two up to 2^30, got "
                       << block;
  if (skip < 0)
    return emitError() << "skip must not be negative, got " << skip;
  return success();
}

std::unique_ptr<Basis> WHTAttr::getBasis() const {
  return std::make_unique<WHTBasis>(getBlock(), getSkip());
}

namespace {
/// i32 arithmetic on token indices.
struct IndexMath {
  ImplicitLocOpBuilder &b;

  Value constant(int64_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  }
  Value fromIndex(Value index) {
    return arith::IndexCastUIOp::create(b, b.getI32Type(), index);
  }
  Value toIndex(Value value) {
    return arith::IndexCastUIOp::create(b, b.getIndexType(), value);
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value differ(Value x, Value y) { return arith::XOrIOp::create(b, x, y); }
  Value complement(Value x) { return differ(x, constant(-1)); }
  Value shiftLeft(Value x, Value y) { return arith::ShLIOp::create(b, x, y); }
  Value shiftRight(Value x, Value y) { return arith::ShRUIOp::create(b, x, y); }
  Value bitCount(Value x) { return math::CtPopOp::create(b, x); }
  Value less(Value x, Value y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, y);
  }
  Value isZero(Value x) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, constant(0));
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  /// ⌊log₂ x⌋ of x > 0.
  Value log2(Value x) {
    return sub(constant(31), math::CountLeadingZerosOp::create(b, x));
  }
  /// The lowest `bits` bits of x in reverse, for 0 ≤ x < 2^bits.
  Value reverse(Value x, Value bits) {
    const std::pair<int64_t, uint32_t> steps[] = {{1, 0x55555555u},
                                                  {2, 0x33333333u},
                                                  {4, 0x0f0f0f0fu},
                                                  {8, 0x00ff00ffu},
                                                  {16, 0x0000ffffu}};
    for (auto [shift, pattern] : steps) {
      Value mask = constant(static_cast<int32_t>(pattern));
      Value by = constant(shift);
      x = either(both(shiftRight(x, by), mask), shiftLeft(both(x, mask), by));
    }
    // Two shifts: a single one by 32 would be poison for bits = 0.
    return shiftRight(shiftRight(x, constant(1)), sub(constant(31), bits));
  }
  /// The k with k ⊕ ⌊k/2⌋ = x.
  Value fromGrayCode(Value x) {
    for (int64_t shift : {1, 2, 4, 8, 16})
      x = differ(x, shiftRight(x, constant(shift)));
    return x;
  }
};

/// Where the blocks of one sequence lie.
struct Blocks {
  Value block; ///< B, i32.
  Value count; ///< ⌊S/B⌋, i32.
  Value tail;  ///< S mod B, i32: its set bits are the tail's blocks.
  bool ragged; ///< Whether there may be a tail.

  /// The size of the block that holds token i. In the tail it is the highest
  /// bit in which the tail's length and the token's place differ.
  Value sizeAt(IndexMath &m, Value i) const {
    if (!ragged)
      return block;
    Value full = m.mul(count, block);
    Value bit = m.log2(m.differ(m.sub(i, full), tail));
    return m.select(m.less(i, full), block, m.shiftLeft(m.constant(1), bit));
  }

  /// The place of row i of the butterflies' layout among the coefficients:
  /// behind all rows of smaller sequency, and of equal sequency in the blocks
  /// before its own.
  Value positionOf(IndexMath &m, Value i) const {
    Value size = sizeAt(m, i);
    Value bits = m.log2(size);
    Value natural = m.both(i, m.sub(size, m.constant(1)));
    Value sequency = m.fromGrayCode(m.reverse(natural, bits));
    Value before = m.shiftRight(i, m.log2(block));
    Value position = m.add(m.mul(count, sequency), before);
    if (!ragged)
      return position;
    // A tail block of 2^p rows has min(2^p, sequency) rows in front.
    Value allOnes = m.constant(-1);
    Value whole = m.select(
        m.isZero(sequency), m.constant(0),
        m.shiftRight(
            allOnes,
            m.sub(m.constant(31), m.log2(m.either(sequency, m.constant(1))))));
    Value small = m.both(tail, whole);
    Value large = m.bitCount(m.both(tail, m.complement(whole)));
    // The tail's larger blocks stand before this one; all of them have a row of
    // this sequency. For a row outside the tail there are none.
    Value inTail = m.less(m.mul(count, block), m.add(i, m.constant(1)));
    Value larger =
        m.bitCount(m.shiftRight(m.shiftRight(tail, m.constant(1)), bits));
    Value tailBefore = m.select(inTail, m.add(count, larger), before);
    return m.add(m.add(m.mul(count, sequency), tailBefore),
                 m.add(small, m.mul(sequency, large)));
  }
};
} // namespace

static Blocks emitBlocks(ImplicitLocOpBuilder &b, const WHTBasis &basis,
                         OpFoldResult length) {
  IndexMath m{b};
  if (std::optional<int64_t> known = getConstantIntValue(length)) {
    int64_t block = basis.blockSizeAt(*known, 0);
    return {m.constant(block), m.constant(*known / block),
            m.constant(*known % block), *known % block != 0};
  }
  Value seqLen =
      m.fromIndex(getValueOrCreateConstantIndexOp(b, b.getLoc(), length));
  // An empty sequence counts as one token here: nothing is computed for it.
  Value positive = m.select(m.isZero(seqLen), m.constant(1), seqLen);
  Value largest = m.shiftLeft(m.constant(1), m.log2(positive));
  Value block = largest;
  if (basis.getBlock() != 0) {
    // A longer block than the sequence leaves no full block, only the tail:
    // which the largest power of two that fits describes just as well.
    Value wanted = m.constant(basis.getBlock());
    block = m.select(m.less(largest, wanted), largest, wanted);
  }
  return {block, arith::DivUIOp::create(b, seqLen, block),
          arith::RemUIOp::create(b, seqLen, block), true};
}

/// The element of `x` at `indices`, with another token index.
static Value extractToken(ImplicitLocOpBuilder &b, Value x, ValueRange indices,
                          int64_t dimension, Value token) {
  SmallVector<Value> at(indices);
  at[dimension] = token;
  return tensor::ExtractOp::create(b, x, at);
}

static Value emitButterfly(TokenBuilder &tokens, Value x, const Blocks &blocks,
                           Value stride) {
  int64_t d = tokens.getDimension();
  return tokens.generate(
      x, [&](ImplicitLocOpBuilder &b, ValueRange i) -> SmallVector<Value> {
        IndexMath m{b};
        Value token = m.fromIndex(i[d]);
        Value own = tensor::ExtractOp::create(b, x, i);
        Value partner = m.differ(token, stride);
        Value joined;
        if (blocks.ragged) {
          joined = m.less(stride, blocks.sizeAt(m, token));
          partner = m.select(joined, partner, token);
        }
        Value other = extractToken(b, x, i, d, m.toIndex(partner));
        Value result = m.select(m.isZero(m.both(token, stride)),
                                arith::AddFOp::create(b, own, other),
                                arith::SubFOp::create(b, other, own));
        return {joined ? m.select(joined, result, own) : result};
      });
}

/// The butterflies of all strides below the block's size.
static Value emitButterflies(TokenBuilder &tokens, Value x,
                             const Blocks &blocks) {
  IndexMath m{tokens};
  return tokens.repeat(m.toIndex(m.log2(blocks.block)), x,
                       [&](TokenBuilder &tokens, Value stage, Value x) {
                         IndexMath m{tokens};
                         Value stride =
                             m.shiftLeft(m.constant(1), m.fromIndex(stage));
                         return emitButterfly(tokens, x, blocks, stride);
                       });
}

/// order[p] = the row of the butterflies' layout at coefficient position p.
static Value emitCoefficientOrder(TokenBuilder &tokens, const WHTBasis &basis,
                                  const Blocks &blocks, OpFoldResult length) {
  if (std::optional<int64_t> known = getConstantIntValue(length)) {
    SmallVector<int32_t> order;
    for (int64_t row : basis.coefficientOrder(*known))
      order.push_back(static_cast<int32_t>(row));
    auto type = RankedTensorType::get(*known, tokens.getI32Type());
    return arith::ConstantOp::create(
        tokens, DenseElementsAttr::get(type, ArrayRef<int32_t>(order)));
  }
  // positionOf has no simple inverse, but scattering it once has.
  Value empty =
      tensor::EmptyOp::create(tokens, ArrayRef{length}, tokens.getI32Type());
  return tokens.repeat(tokens.materialize(length), empty,
                       [&](TokenBuilder &b, Value row, Value order) -> Value {
                         IndexMath m{b};
                         Value token = m.fromIndex(row);
                         Value place = m.toIndex(blocks.positionOf(m, token));
                         return tensor::InsertOp::create(b, token, order,
                                                         place);
                       });
}

/// 2^(−m/2) for every m, rounded to f32 once.
static Value emitNorms(TokenBuilder &tokens) {
  SmallVector<float> norms;
  for (int m = 0; m <= 31; ++m)
    norms.push_back(static_cast<float>(std::exp2(-m / 2.0)));
  auto type = RankedTensorType::get(static_cast<int64_t>(norms.size()),
                                    tokens.getF32Type());
  return arith::ConstantOp::create(
      tokens, DenseElementsAttr::get(type, ArrayRef<float>(norms)));
}

Value WHTAttr::emitTokens(TokenBuilder &tokens, Value x, Direction direction,
                          RowOrder order) const {
  WHTBasis basis(getBlock());
  OpFoldResult length = tokens.length(x);
  std::optional<int64_t> known = getConstantIntValue(length);
  if (known && *known <= 1)
    return x;
  Blocks blocks = emitBlocks(tokens, basis, length);
  int64_t d = tokens.getDimension();
  Value norms = emitNorms(tokens);
  auto normAt = [&](IndexMath &m, Value row) -> Value {
    Value bits = m.toIndex(m.log2(blocks.sizeAt(m, row)));
    return tensor::ExtractOp::create(m.b, norms, bits);
  };

  // The butterflies leave block order, and are their own inverse up to the
  // norm.
  bool moves = order == RowOrder::CoarseFirst;
  if (moves && direction == Direction::Forward) {
    x = emitButterflies(tokens, x, blocks);
    Value order = emitCoefficientOrder(tokens, basis, blocks, length);
    return tokens.generate(
        x, [&](ImplicitLocOpBuilder &b, ValueRange i) -> SmallVector<Value> {
          IndexMath m{b};
          Value row = tensor::ExtractOp::create(b, order, i[d]);
          Value value = extractToken(b, x, i, d, m.toIndex(row));
          return {arith::MulFOp::create(b, value, normAt(m, row))};
        });
  }

  if (moves)
    x = tokens.generate(
        x, [&](ImplicitLocOpBuilder &b, ValueRange i) -> SmallVector<Value> {
          IndexMath m{b};
          Value place = m.toIndex(blocks.positionOf(m, m.fromIndex(i[d])));
          return {extractToken(b, x, i, d, place)};
        });
  x = emitButterflies(tokens, x, blocks);
  return tokens
      .map(x, tokens.getF32Type(),
           [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
             IndexMath m{b};
             Value row = m.fromIndex(linalg::IndexOp::create(b, d));
             return {arith::MulFOp::create(b, v[0], normAt(m, row))};
           })
      .front();
}

bool WHTAttr::emitsBlocks() const { return getBlock() != 0; }

/// As `emitTokens` in block order. The tail's blocks are where the bits of
/// `count` are, as in `Blocks::sizeAt`.
void WHTAttr::emitBlock(ImplicitLocOpBuilder &b, MutableArrayRef<Value> rows,
                        Value count, Direction) const {
  IndexMath m{b};
  auto numRows = static_cast<int64_t>(rows.size());
  Type type = rows.front().getType();
  auto getNorm = [&](int64_t size) {
    return createSplat(
        b, type, static_cast<float>(std::exp2(-std::log2(double(size)) / 2)));
  };
  SmallVector<Value> sizes;
  if (count)
    for (int64_t i = 0; i < numRows; ++i) {
      Value tail = m.fromIndex(count), row = m.constant(i);
      // Behind the tokens nothing is mixed.
      Value bit = m.log2(m.either(m.differ(row, tail), m.constant(1)));
      sizes.push_back(m.select(m.less(row, tail),
                               m.shiftLeft(m.constant(1), bit), m.constant(1)));
      Value isWhole = m.isZero(m.differ(tail, m.constant(numRows)));
      sizes.back() = m.select(isWhole, m.constant(numRows), sizes.back());
    }
  for (int64_t stride = 1; stride < numRows; stride *= 2)
    for (int64_t i = 0; i < numRows; ++i) {
      if (i & stride)
        continue;
      Value &first = rows[i], &second = rows[i | stride];
      Value sum = arith::AddFOp::create(b, first, second);
      Value difference = arith::SubFOp::create(b, first, second);
      if (count) {
        Value joined = m.less(m.constant(stride), sizes[i]);
        sum = m.select(joined, sum, first);
        difference = m.select(joined, difference, second);
      }
      first = sum;
      second = difference;
    }
  for (int64_t i = 0; i < numRows; ++i) {
    Value norm = getNorm(numRows);
    if (count)
      for (int64_t size = numRows / 2; size > 0; size /= 2)
        norm = m.select(m.isZero(m.differ(sizes[i], m.constant(size))),
                        getNorm(size), norm);
    rows[i] = arith::MulFOp::create(b, rows[i], norm);
  }
}

Value WHTAttr::emitCoarsePosition(ImplicitLocOpBuilder &b, Value row,
                                  OpFoldResult length) const {
  IndexMath m{b};
  Blocks blocks = emitBlocks(b, WHTBasis(getBlock()), length);
  return m.toIndex(blocks.positionOf(m, m.fromIndex(row)));
}
