//===- HaarAttr.cpp - The Haar wavelet as IR -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One level splits n tokens into ⌈n/2⌉ coarse and ⌊n/2⌋ detail ones:
//
//     x   x₀ x₁ | x₂ x₃ | x₄         a   (x₀+x₁)c  (x₂+x₃)c  x₄
//                             →      d   (x₀−x₁)c  (x₂−x₃)c
//
// An odd last token passes unchanged. In IR: slices of stride two, one
// elementwise op, and inserts. The 2-D wavelet is the same step along the two
// sides of the grid.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

using namespace mlir;
using namespace stamp;

/// 1/√2, rounded to f32.
static constexpr float kHalfSqrt = 0.70710678118654752440f;

static bool isStatically(OpFoldResult value, int64_t expected) {
  return getConstantIntValue(value) == expected;
}

namespace {
/// The lengths of one level, of n tokens.
struct Level {
  OpFoldResult pairs;  ///< ⌊n/2⌋
  OpFoldResult coarse; ///< ⌈n/2⌉
  OpFoldResult tail;   ///< n mod 2

  Level(TokenBuilder &tokens, OpFoldResult n) {
    AffineExpr length = tokens.getAffineSymbolExpr(0);
    pairs = tokens.apply(length.floorDiv(2), {n});
    coarse = tokens.apply(length.ceilDiv(2), {n});
    tail = tokens.apply(length % 2, {n});
  }

  OpFoldResult tailOffset(TokenBuilder &tokens) const {
    return tokens.apply(tokens.getAffineSymbolExpr(0) * 2, {pairs});
  }
};

struct Halves {
  Value coarse;
  Value detail; ///< Null if there is surely none.
};
} // namespace

/// (a + b)·c and (a − b)·c: the step of both directions.
static SmallVector<Value> sumAndDifference(TokenBuilder &tokens, Value a,
                                           Value b) {
  Type f32 = tokens.getF32Type();
  Value scale = tokens.constantF32(kHalfSqrt);
  return tokens.map(
      {a, b}, {f32, f32},
      [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
        return {arith::MulFOp::create(b, arith::AddFOp::create(b, x[0], x[1]),
                                      scale),
                arith::MulFOp::create(b, arith::SubFOp::create(b, x[0], x[1]),
                                      scale)};
      });
}

static Halves split(TokenBuilder &tokens, Value x) {
  Level level(tokens, tokens.length(x));
  if (isStatically(level.pairs, 0))
    return {x, nullptr};
  Attribute zero = tokens.getIndexAttr(0), one = tokens.getIndexAttr(1),
            two = tokens.getIndexAttr(2);
  SmallVector<Value> halves =
      sumAndDifference(tokens, tokens.slice(x, zero, level.pairs, two),
                       tokens.slice(x, one, level.pairs, two));
  if (isStatically(level.tail, 0))
    return {halves[0], halves[1]};
  Value tail = tokens.slice(x, level.tailOffset(tokens), level.tail);
  Value coarse = tokens.empty(x, level.coarse);
  coarse = tokens.insert(halves[0], coarse, zero);
  coarse = tokens.insert(tail, coarse, level.pairs);
  return {coarse, halves[1]};
}

static Value merge(TokenBuilder &tokens, Halves halves) {
  if (!halves.detail)
    return halves.coarse;
  OpFoldResult n = tokens.apply(
      tokens.getAffineSymbolExpr(0) + tokens.getAffineSymbolExpr(1),
      {tokens.length(halves.coarse), tokens.length(halves.detail)});
  Level level(tokens, n);
  Attribute zero = tokens.getIndexAttr(0), one = tokens.getIndexAttr(1),
            two = tokens.getIndexAttr(2);
  SmallVector<Value> pair = sumAndDifference(
      tokens, tokens.slice(halves.coarse, zero, level.pairs), halves.detail);
  Value x = tokens.empty(halves.coarse, n);
  x = tokens.insert(pair[0], x, zero, two);
  x = tokens.insert(pair[1], x, one, two);
  if (isStatically(level.tail, 0))
    return x;
  Value tail = tokens.slice(halves.coarse, level.pairs, level.tail);
  return tokens.insert(tail, x, level.tailOffset(tokens));
}

//===----------------------------------------------------------------------===//
// Haar
//===----------------------------------------------------------------------===//

LogicalResult HaarAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t levels, int64_t skip) {
  if (levels < HaarBasis::kMinLevels || levels > HaarBasis::kMaxLevels)
    return emitError() << "levels must be between " << HaarBasis::kMinLevels
                       << " and " << HaarBasis::kMaxLevels << ", got "
                       << levels;
  if (skip < 0)
    return emitError() << "skip must not be negative, got " << skip;
  return success();
}

std::unique_ptr<Basis> HaarAttr::getBasis() const {
  return std::make_unique<HaarBasis>(getLevels(), getSkip());
}

/// Coefficients stand as [a_J, d_J, …, d₁]: a level's detail starts where its
/// coarse half ends, so each level works in place on the front of the tokens.
static Value transformFront(TokenBuilder &tokens, Value x, OpFoldResult n,
                            Direction direction) {
  Attribute zero = tokens.getIndexAttr(0);
  Level level(tokens, n);
  if (direction == Direction::Forward) {
    Halves halves = split(tokens, tokens.slice(x, zero, n));
    if (!halves.detail)
      return x;
    x = tokens.insert(halves.detail, x, level.coarse);
    return tokens.insert(halves.coarse, x, zero);
  }
  if (isStatically(level.pairs, 0))
    return x;
  Value front = merge(tokens, {tokens.slice(x, zero, level.coarse),
                               tokens.slice(x, level.coarse, level.pairs)});
  return tokens.insert(front, x, zero);
}

/// In block order a level works where its tokens stand: `distance` apart, each
/// pair's sum in front. Both directions are the same step.
static Value transformInPlace(TokenBuilder &tokens, Value x, OpFoldResult pairs,
                              OpFoldResult distance) {
  Attribute zero = tokens.getIndexAttr(0);
  OpFoldResult stride =
      tokens.apply(tokens.getAffineSymbolExpr(0) * 2, {distance});
  SmallVector<Value> pair =
      sumAndDifference(tokens, tokens.slice(x, zero, pairs, stride),
                       tokens.slice(x, distance, pairs, stride));
  x = tokens.insert(pair[0], x, zero, stride);
  return tokens.insert(pair[1], x, distance, stride);
}

/// The levels in the order that the direction takes them. Only those count that
/// still have a pair: a static length unrolls, a dynamic one loops.
static Value emitInBlockOrder(TokenBuilder &tokens, Value x, int64_t levels,
                              Direction direction) {
  bool forward = direction == Direction::Forward;
  OpFoldResult length = tokens.length(x);
  if (std::optional<int64_t> known = getConstantIntValue(length)) {
    SmallVector<int64_t> distances;
    for (int64_t distance = 1; distance < *known && distance >> levels == 0;
         distance *= 2)
      distances.push_back(distance);
    if (!forward)
      std::reverse(distances.begin(), distances.end());
    for (int64_t distance : distances) {
      int64_t pairs = llvm::divideCeil(*known, distance) / 2;
      x = transformInPlace(tokens, x, tokens.getIndexAttr(pairs),
                           tokens.getIndexAttr(distance));
    }
    return x;
  }

  // A level needs a pair of tokens that far apart: there are ⌈log₂ S⌉ of them.
  Type i64 = tokens.getI64Type();
  auto constant = [&](int64_t value) {
    return arith::ConstantOp::create(tokens, tokens.getI64IntegerAttr(value));
  };
  Value seqLen = tokens.materialize(length);
  Value last = arith::SubIOp::create(
      tokens,
      arith::MaxUIOp::create(
          tokens, arith::IndexCastOp::create(tokens, i64, seqLen), constant(1)),
      constant(1));
  Value useful = arith::SubIOp::create(
      tokens, constant(64), math::CountLeadingZerosOp::create(tokens, last));
  Value count = arith::IndexCastOp::create(
      tokens, tokens.getIndexType(),
      arith::MinUIOp::create(tokens, useful, constant(levels)));
  Value one = arith::ConstantIndexOp::create(tokens, 1);
  Value two = arith::ConstantIndexOp::create(tokens, 2);
  return tokens.repeat(
      count, x, [&](TokenBuilder &tokens, Value turn, Value x) -> Value {
        Value level = turn;
        if (!forward)
          level = arith::SubIOp::create(
              tokens, arith::SubIOp::create(tokens, count, one), turn);
        Value distance = arith::ShLIOp::create(tokens, one, level);
        Value rows = arith::CeilDivUIOp::create(tokens, seqLen, distance);
        Value pairs = arith::DivUIOp::create(tokens, rows, two);
        return transformInPlace(tokens, x, pairs, distance);
      });
}

/// A static length unrolls into its levels, of which there are at most log₂ S.
/// A dynamic one loops: levels may be 30, and most of them the identity.
Value HaarAttr::emitTokens(TokenBuilder &tokens, Value x, Direction direction,
                           RowOrder order) const {
  if (order == RowOrder::Block)
    return emitInBlockOrder(tokens, x, getLevels(), direction);
  bool forward = direction == Direction::Forward;
  OpFoldResult length = tokens.length(x);
  if (std::optional<int64_t> known = getConstantIntValue(length)) {
    SmallVector<int64_t> lengths;
    for (int64_t n = *known;
         n > 1 && static_cast<int64_t>(lengths.size()) < getLevels();
         n = llvm::divideCeil(n, 2))
      lengths.push_back(n);
    if (!forward)
      std::reverse(lengths.begin(), lengths.end());
    for (int64_t n : lengths)
      x = transformFront(tokens, x, tokens.getIndexAttr(n), direction);
    return x;
  }

  Value levels = arith::ConstantIndexOp::create(tokens, getLevels());
  Value last = arith::ConstantIndexOp::create(tokens, getLevels() - 1);
  Value one = arith::ConstantIndexOp::create(tokens, 1);
  Value seqLen = tokens.materialize(length);
  return tokens.repeat(
      levels, x, [&](TokenBuilder &tokens, Value turn, Value x) -> Value {
        Value level =
            forward ? turn : arith::SubIOp::create(tokens, last, turn);
        // ⌈S/2^level⌉
        Value size = arith::ShLIOp::create(tokens, one, level);
        Value n = arith::CeilDivUIOp::create(tokens, seqLen, size);
        return transformFront(tokens, x, n, direction);
      });
}

bool HaarAttr::emitsBlocks() const { return true; }

/// As `transformInPlace`: rows `distance` apart are a pair, if there are both.
void HaarAttr::emitBlock(ImplicitLocOpBuilder &b, MutableArrayRef<Value> rows,
                         Value count, Direction direction) const {
  Value scale = createSplat(b, rows.front().getType(), kHalfSqrt);
  auto step = [&](size_t distance) {
    for (size_t i = 0; i + distance < rows.size(); i += 2 * distance) {
      Value &first = rows[i], &second = rows[i + distance];
      Value sum = arith::MulFOp::create(
          b, arith::AddFOp::create(b, first, second), scale);
      Value difference = arith::MulFOp::create(
          b, arith::SubFOp::create(b, first, second), scale);
      if (count) {
        Value last = arith::ConstantIndexOp::create(b, i + distance);
        Value isPair =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, last, count);
        sum = arith::SelectOp::create(b, isPair, sum, first);
        difference = arith::SelectOp::create(b, isPair, difference, second);
      }
      first = sum;
      second = difference;
    }
  };
  if (direction == Direction::Forward)
    for (size_t distance = 1; distance < rows.size(); distance *= 2)
      step(distance);
  else
    for (size_t distance = rows.size() / 2; distance > 0; distance /= 2)
      step(distance);
}

/// Basis::coarsePositions in closed form: row i is coarse if its t trailing
/// zeros are J or more, else a detail of level t + 1.
Value HaarAttr::emitCoarsePosition(ImplicitLocOpBuilder &b, Value row,
                                   OpFoldResult length) const {
  Type i64 = b.getI64Type();
  auto constant = [&](int64_t value) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  Value i = arith::IndexCastOp::create(b, i64, row);
  Value s = arith::IndexCastOp::create(
      b, i64, getValueOrCreateConstantIndexOp(b, b.getLoc(), length));
  Value levels = constant(getLevels()), one = constant(1);
  // Bit J ends the search, at row 0 too.
  Value marked =
      arith::OrIOp::create(b, i, constant(int64_t{1} << getLevels()));
  Value t = math::CountTrailingZerosOp::create(b, marked);
  Value isCoarse =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, t, levels);
  Value next = arith::AddIOp::create(b, t, one);
  // ⌈S/2^(t+1)⌉
  Value most =
      arith::SubIOp::create(b, arith::ShLIOp::create(b, one, next), one);
  Value coarse =
      arith::ShRUIOp::create(b, arith::AddIOp::create(b, s, most), next);
  Value detail =
      arith::AddIOp::create(b, coarse, arith::ShRUIOp::create(b, i, next));
  Value position = arith::SelectOp::create(
      b, isCoarse, arith::ShRUIOp::create(b, i, levels), detail);
  return arith::IndexCastOp::create(b, b.getIndexType(), position);
}

//===----------------------------------------------------------------------===//
// Haar 2-D
//===----------------------------------------------------------------------===//

LogicalResult Haar2DAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t levels, int64_t height, int64_t width,
                                 int64_t skip) {
  if (failed(HaarAttr::verify(emitError, levels, skip)))
    return failure();
  if (height < 1 || width < 1)
    return emitError() << "the grid must not be empty, got " << height << 'x'
                       << width;
  return success();
}

std::unique_ptr<Basis> Haar2DAttr::getBasis() const {
  return std::make_unique<Haar2DBasis>(getLevels(), getHeight(), getWidth(),
                                       getSkip());
}

namespace {
/// A raster of tokens seen as a grid: its rows along `vertical`, and the tokens
/// of a row along `horizontal`, the next dimension.
class Grid {
public:
  Grid(TokenBuilder &raster)
      : raster(raster), vertical(raster),
        horizontal(raster.along(raster.getDimension() + 1)) {}

  Value expand(Value x, int64_t height, int64_t width) {
    auto type = cast<RankedTensorType>(x.getType());
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(raster, raster.getLoc(), x);
    int64_t d = raster.getDimension();
    shape[d] = height;
    shape.insert(shape.begin() + d + 1, width);
    sizes[d] = raster.getIndexAttr(height);
    sizes.insert(sizes.begin() + d + 1, raster.getIndexAttr(width));
    return tensor::ExpandShapeOp::create(
        raster, RankedTensorType::get(shape, type.getElementType()), x,
        reassociation(type.getRank()), sizes);
  }

  Value collapse(Value grid) {
    int64_t rank = cast<RankedTensorType>(grid.getType()).getRank();
    return tensor::CollapseShapeOp::create(raster, grid,
                                           reassociation(rank - 1));
  }

  TokenBuilder &raster;
  TokenBuilder vertical, horizontal;

private:
  SmallVector<ReassociationIndices> reassociation(int64_t rasterRank) const {
    SmallVector<ReassociationIndices> groups;
    for (int64_t d = 0, next = 0; d < rasterRank; ++d) {
      groups.push_back({next++});
      if (d == raster.getDimension())
        groups.back().push_back(next++);
    }
    return groups;
  }
};

/// The bands of one level: LL is the coarse raster, the others are its details
/// in their order in the sequence (empty ones are left out).
struct BandSizes {
  int64_t height, width;
  SmallVector<std::pair<int64_t, int64_t>, 3> details() const {
    int64_t low = (height + 1) / 2, high = height / 2;
    int64_t left = (width + 1) / 2, right = width / 2;
    return {{high, left}, {low, right}, {high, right}}; // LH, HL, HH.
  }
  BandSizes coarse() const { return {(height + 1) / 2, (width + 1) / 2}; }
};
} // namespace

Value Haar2DAttr::emitTokens(TokenBuilder &tokens, Value x, Direction direction,
                             RowOrder) const {
  SmallVector<BandSizes> sizes = {{getHeight(), getWidth()}};
  while (static_cast<int64_t>(sizes.size()) <= getLevels() &&
         (sizes.back().height > 1 || sizes.back().width > 1))
    sizes.push_back(sizes.back().coarse());

  auto forward = [&](TokenBuilder &raster, Value x) -> Value {
    Grid grid(raster);
    Value result = x;
    Value coarse = grid.expand(x, getHeight(), getWidth());
    int64_t end = getHeight() * getWidth();
    // Level 1 stands last in the sequence, and HH last in a level.
    for (size_t level = 0; level + 1 < sizes.size(); ++level) {
      Halves columns = split(grid.horizontal, coarse);
      Halves left = split(grid.vertical, columns.coarse);
      Halves right = columns.detail ? split(grid.vertical, columns.detail)
                                    : Halves{nullptr, nullptr};
      for (Value band : {right.detail, right.coarse, left.detail}) {
        if (!band)
          continue;
        Value run = grid.collapse(band);
        end -= cast<RankedTensorType>(run.getType())
                   .getDimSize(raster.getDimension());
        result = raster.insert(run, result, raster.getIndexAttr(end));
      }
      coarse = left.coarse;
    }
    return raster.insert(grid.collapse(coarse), result, raster.getIndexAttr(0));
  };

  auto inverse = [&](TokenBuilder &raster, Value x) -> Value {
    Grid grid(raster);
    int64_t offset = 0;
    auto nextBand = [&](int64_t height, int64_t width) -> Value {
      if (height * width == 0)
        return nullptr;
      Value run = raster.slice(x, raster.getIndexAttr(offset),
                               raster.getIndexAttr(height * width));
      offset += height * width;
      return grid.expand(run, height, width);
    };
    Value coarse = nextBand(sizes.back().height, sizes.back().width);
    for (size_t level = sizes.size() - 1; level > 0; --level) {
      SmallVector<Value, 3> bands;
      for (auto [height, width] : sizes[level - 1].details())
        bands.push_back(nextBand(height, width));
      Value left = merge(grid.vertical, {coarse, bands[0]});
      Value right =
          bands[1] ? merge(grid.vertical, {bands[1], bands[2]}) : nullptr;
      coarse = merge(grid.horizontal, {left, right});
    }
    return grid.collapse(coarse);
  };

  return tokens.ifLengthIs(
      getHeight() * getWidth(), x, [&](TokenBuilder &raster, Value x) {
        return direction == Direction::Forward ? forward(raster, x)
                                               : inverse(raster, x);
      });
}
