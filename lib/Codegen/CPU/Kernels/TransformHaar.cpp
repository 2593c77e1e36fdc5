//===- TransformHaar.cpp - Haar wavelets of many levels ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A patch is the rows that a few levels turn into one coarse row and details:
// 16 neighbouring tokens, or 4 × 4 of a grid. It is transformed in registers.
// Its details are coefficients already; the coarse rows are few, wait in
// scratch and are the tokens of the next turn:
//
//     turn 1: tokens → details, coarse rows     turn 2: coarse rows → …
//
// and the other way around for the inverse.
//
//===----------------------------------------------------------------------===//

#include "TokenRows.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

namespace {
/// What the patches of one turn read and write.
struct Turn {
  Value tokens;       ///< of the whole transform, or scratch
  Value coefficients; ///< details; and the coarse row of the last turn
  Value coarse;       ///< scratch for coarse rows; null in the last turn
  Value tokensStart, places, coefficientsStart;
  Direction direction;
};

/// The rows of a patch: where each one is on both sides.
struct Patch {
  Value sequence;
  Values tokens;       ///< the row of each in the turn's tokens
  Values coefficients; ///< the row of each in block order
  Value coarse;        ///< the row of the first among the coarse rows
  Value count;         ///< how many rows there are; null for all
};
} // namespace

/// Rows that are not there are loaded from the first one and not stored.
static void emitPatch(KernelBuilder &b, const Turn &turn, const Patch &patch,
                      function_ref<void(MutableArrayRef<Value>)> mix) {
  Value zero = b.index(0);
  TokenRows tokens(turn.tokens, patch.sequence, turn.tokensStart, zero);
  TokenRows details(turn.coefficients, patch.sequence, turn.coefficientsStart,
                    zero, turn.places);
  TokenRows coarse(turn.coarse ? turn.coarse : turn.coefficients,
                   patch.sequence, zero, zero);
  size_t numRows = patch.tokens.size();
  auto exists = [&](size_t row) {
    return b.less(b.index(static_cast<int64_t>(row)), patch.count);
  };
  Values tokenPlaces, coefficientPlaces;
  for (size_t r = 0; r < numRows; ++r) {
    Value token = patch.tokens[r], coefficient = patch.coefficients[r];
    if (patch.count && r > 0) {
      token = b.select(exists(r), token, patch.tokens[0]);
      coefficient = b.select(exists(r), coefficient, patch.coefficients[0]);
    }
    tokenPlaces.push_back(tokens.find(b, token));
    coefficientPlaces.push_back(r == 0 && turn.coarse
                                    ? coarse.find(b, patch.coarse)
                                    : details.find(b, coefficient));
  }
  bool isForward = turn.direction == Direction::Forward;
  forAllColumns(b, turn.coefficients, [&](Value column, Value mask) {
    auto coefficientSide = [&](size_t r) -> const TokenRows & {
      return r == 0 && turn.coarse ? coarse : details;
    };
    Values rows;
    for (size_t r = 0; r < numRows; ++r)
      rows.push_back(isForward ? tokens.load(b, tokenPlaces[r], column, mask)
                               : coefficientSide(r).load(
                                     b, coefficientPlaces[r], column, mask));
    mix(rows);
    for (size_t r = 0; r < numRows; ++r) {
      auto store = [&, r = r] {
        if (isForward)
          coefficientSide(r).store(b, rows[r], coefficientPlaces[r], column,
                                   mask);
        else
          tokens.store(b, rows[r], tokenPlaces[r], column, mask);
      };
      if (patch.count && r > 0)
        b.branch(exists(r), store);
      else
        store();
    }
  });
}

/// The turns in the order that the direction takes them. `emitTurn` gets the
/// turn's number and what it reads and writes; `coarseRows` says how many
/// coarse rows a turn leaves.
static void emitTurns(KernelBuilder &b, const SequenceTransform &transform,
                      int64_t numTurns, Value skipped, Value places,
                      function_ref<Value(int64_t)> coarseRows,
                      function_ref<void(int64_t, const Turn &)> emitTurn) {
  constexpr int64_t dynamic = ShapedType::kDynamic;
  auto type = cast<MemRefType>(transform.x.getType());
  Values scratch;
  for (int64_t turn = 0; turn + 1 < numTurns; ++turn) {
    Values sizes = {b.size(transform.x, 0), coarseRows(turn)};
    if (type.isDynamicDim(2))
      sizes.push_back(b.size(transform.x, 2));
    scratch.push_back(
        b.alloc({dynamic, dynamic, type.getDimSize(2)}, b.getF32Type(), sizes));
  }
  for (int64_t i = 0; i < numTurns; ++i) {
    int64_t turn = transform.isForward() ? i : numTurns - 1 - i;
    bool isFirst = turn == 0, isLast = turn + 1 == numTurns;
    emitTurn(turn, {isFirst ? transform.tokens() : scratch[turn - 1],
                    transform.coefficients(), isLast ? Value() : scratch[turn],
                    isFirst ? skipped : b.index(0), places, skipped,
                    transform.direction});
  }
}

/// How many levels of a line of tokens one turn takes.
static int64_t getLevelsAtOnce(const KernelBuilder &b) {
  return llvm::Log2_64(b.target.registers / 2);
}

//===----------------------------------------------------------------------===//
// A line of tokens
//===----------------------------------------------------------------------===//

void stamp::emitHaar(KernelBuilder &b, const SequenceTransform &transform) {
  SequenceLength sequence(b, transform);
  Value skipped = sequence.skipped, length = sequence.length;
  copyRows(b, transform, b.index(0), skipped);
  Value places = createPlaces(b, transform, length);
  int64_t levels = cast<HaarAttr>(transform.basis).getLevels();
  // Levels without a pair do nothing.
  if (std::optional<int64_t> known = transform.staticLength())
    levels = std::min<int64_t>(
        levels, llvm::Log2_64_Ceil(std::max<int64_t>(*known, 2)));
  int64_t atOnce = getLevelsAtOnce(b);
  int64_t numTurns = llvm::divideCeil(levels, atOnce);
  auto coarseRows = [&](int64_t turn) {
    return b.ceilDiv(length, int64_t{1} << (atOnce * (turn + 1)));
  };

  emitTurns(
      b, transform, numTurns, skipped, places, coarseRows,
      [&](int64_t number, const Turn &turn) {
        int64_t stride = int64_t{1} << (atOnce * number);
        int64_t now = std::min(atOnce, levels - atOnce * number);
        int64_t numRows = int64_t{1} << now;
        auto basis = HaarAttr::get(b.getContext(), now, /*skip=*/0);
        Value rows = b.ceilDiv(length, stride);
        b.parallel(
            {b.size(transform.x, 0), b.ceilDiv(rows, numRows)},
            [&](ValueRange at) {
              Value first = b.mul(at[1], numRows);
              Value count = b.min(b.index(numRows), b.sub(rows, first));
              Patch patch = {at[0], {}, {}, at[1], Value()};
              for (int64_t r = 0; r < numRows; ++r) {
                patch.tokens.push_back(b.add(first, r));
                patch.coefficients.push_back(
                    b.mul(patch.tokens.back(), stride));
              }
              auto emit = [&] {
                emitPatch(b, turn, patch, [&](MutableArrayRef<Value> values) {
                  basis.emitBlock(b, values, patch.count, turn.direction);
                });
              };
              b.branch(
                  b.less(count, b.index(numRows)),
                  [&] {
                    patch.count = count;
                    emit();
                  },
                  [&] {
                    patch.count = Value();
                    emit();
                  });
            });
      });
}

//===----------------------------------------------------------------------===//
// A grid of tokens
//===----------------------------------------------------------------------===//

namespace {
struct Grid {
  int64_t height, width;

  /// What is left after so many levels.
  Grid after(int64_t levels) const {
    int64_t span = int64_t{1} << levels;
    return {static_cast<int64_t>(llvm::divideCeil(height, span)),
            static_cast<int64_t>(llvm::divideCeil(width, span))};
  }
};
} // namespace

/// Where the coefficient that the algorithm in place leaves in row `i`, column
/// `j` of the grid is, coarse first: [LL LH HL HH], each a raster.
static int64_t findInBands(Grid grid, int64_t i, int64_t j, int64_t levels) {
  while (levels-- > 0 && (grid.height > 1 || grid.width > 1)) {
    Grid low = grid.after(1);
    int64_t right = grid.width - low.width;
    bool isLow = i % 2 == 0, isLeft = j % 2 == 0;
    i /= 2;
    j /= 2;
    if (!isLow || !isLeft) {
      int64_t columns = isLeft ? low.width : right;
      int64_t start = isLeft  ? low.height * low.width
                      : isLow ? grid.height * low.width
                              : grid.height * low.width + low.height * right;
      return start + i * columns + j;
    }
    grid = low;
  }
  return i * grid.width + j;
}

Value stamp::createGridPlaces(KernelBuilder &b, Haar2DAttr basis) {
  Grid grid = {basis.getHeight(), basis.getWidth()};
  SmallVector<int32_t> places;
  for (int64_t i = 0; i < grid.height; ++i)
    for (int64_t j = 0; j < grid.width; ++j)
      places.push_back(
          static_cast<int32_t>(findInBands(grid, i, j, basis.getLevels())));
  return createTable(b, places);
}

namespace {
/// A patch of height × width rows. Each level takes quads of rows first along
/// the width, then along the height, as docs/Semantics.md has it; or the
/// reverse. What a quad leaves to the next level is one row, so going deep
/// first keeps but a few rows in registers.
class PatchMixer {
public:
  PatchMixer(KernelBuilder &b, int64_t height, int64_t width, int64_t levels,
             Direction direction, function_ref<Value(int64_t)> load,
             function_ref<void(int64_t, Value)> store)
      : b(b), height(height), width(width), levels(levels),
        isForward(direction == Direction::Forward), load(load), store(store),
        rows(height * width),
        scale(b.splat(b.constant(0.70710678118654752440f))) {}

  /// The levels up to `level`, of the part of the patch from i, j on.
  void mix(int64_t level, int64_t i, int64_t j) {
    int64_t distance = int64_t{1} << (level - 1);
    int64_t below = i + distance, right = j + distance;
    if (isForward) {
      mixParts(level, i, j);
      step(i, j, i, right);
      step(below, j, below, right);
      step(i, j, below, j);
      step(i, right, below, right);
      finish(i, right);
      finish(below, j);
      finish(below, right);
      if (level == levels)
        finish(i, j);
    } else {
      step(i, j, below, j);
      step(i, right, below, right);
      step(i, j, i, right);
      step(below, j, below, right);
      mixParts(level, i, j);
    }
  }

private:
  bool exists(int64_t i, int64_t j) const { return i < height && j < width; }

  void mixParts(int64_t level, int64_t i, int64_t j) {
    int64_t distance = int64_t{1} << (level - 1);
    for (int64_t row : {i, i + distance})
      for (int64_t column : {j, j + distance})
        if (exists(row, column)) {
          if (level > 1)
            mix(level - 1, row, column);
          else if (!isForward)
            finish(row, column);
        }
  }

  Value &row(int64_t i, int64_t j) {
    Value &value = rows[i * width + j];
    if (!value)
      value = load(i * width + j);
    return value;
  }

  void step(int64_t i, int64_t j, int64_t otherI, int64_t otherJ) {
    if (!exists(otherI, otherJ))
      return;
    Value &first = row(i, j), &second = row(otherI, otherJ);
    Value sum = b.mulF(b.addF(first, second), scale);
    second = b.mulF(b.subF(first, second), scale);
    first = sum;
  }

  void finish(int64_t i, int64_t j) {
    if (exists(i, j))
      store(i * width + j, row(i, j));
  }

  KernelBuilder &b;
  int64_t height, width, levels;
  bool isForward;
  function_ref<Value(int64_t)> load;
  function_ref<void(int64_t, Value)> store;
  Values rows;
  Value scale;
};
} // namespace

void stamp::mixPatch(KernelBuilder &b, int64_t height, int64_t width,
                     int64_t levels, Direction direction,
                     function_ref<Value(int64_t)> load,
                     function_ref<void(int64_t, Value)> store) {
  PatchMixer(b, height, width, levels, direction, load, store)
      .mix(levels, 0, 0);
}

/// One turn over a grid of tokens: patches of 2^`levels` in both directions,
/// and smaller ones at the right and lower ends.
static void emitGridTurn(KernelBuilder &b, const Turn &turn, Value batch,
                         Grid grid, int64_t levels, int64_t stride,
                         int64_t rasterWidth) {
  int64_t side = int64_t{1} << levels;
  Grid whole = {grid.height / side, grid.width / side};
  int64_t coarseWidth = grid.after(levels).width;
  // `rows` × `columns` of patches, each of height × width, from one on.
  auto emitPatches = [&](Grid first, Grid patches, Grid size) {
    if (patches.height == 0 || patches.width == 0 || size.height == 0 ||
        size.width == 0)
      return;
    b.parallel(
        {batch, b.index(patches.height), b.index(patches.width)},
        [&](ValueRange at) {
          Value i = b.add(at[1], first.height), j = b.add(at[2], first.width);
          Patch patch = {
              at[0], {}, {}, b.add(b.mul(i, coarseWidth), j), Value()};
          for (int64_t r = 0; r < size.height; ++r)
            for (int64_t c = 0; c < size.width; ++c) {
              Value row = b.add(b.mul(i, side), r),
                    column = b.add(b.mul(j, side), c);
              patch.tokens.push_back(b.add(b.mul(row, grid.width), column));
              patch.coefficients.push_back(b.add(
                  b.mul(row, stride * rasterWidth), b.mul(column, stride)));
            }
          emitPatch(b, turn, patch, [&](MutableArrayRef<Value> rows) {
            mixPatch(
                b, size.height, size.width, levels, turn.direction,
                [&](int64_t r) { return rows[r]; },
                [&](int64_t r, Value value) { rows[r] = value; });
          });
        });
  };
  Grid rest = {grid.height % side, grid.width % side};
  emitPatches({0, 0}, whole, {side, side});
  emitPatches({0, whole.width}, {whole.height, 1}, {side, rest.width});
  emitPatches({whole.height, 0}, {1, whole.width}, {rest.height, side});
  emitPatches({whole.height, whole.width}, {1, 1}, rest);
}

void stamp::emitHaar2D(KernelBuilder &b, const SequenceTransform &transform) {
  auto basis = cast<Haar2DAttr>(transform.basis);
  Grid grid = {basis.getHeight(), basis.getWidth()};
  int64_t area = grid.height * grid.width;
  SequenceLength sequence(b, transform);
  Value skipped = sequence.skipped, length = sequence.length;
  Value fits = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, length,
                                             b.index(area));
  Value seqLen = b.size(transform.x, 1);
  // Every other length is left as it is.
  copyRows(b, transform, b.index(0), b.select(fits, skipped, seqLen));
  if (std::optional<int64_t> known = transform.staticLength();
      known && *known != area)
    return;

  int64_t levels = std::min<int64_t>(
      basis.getLevels(),
      llvm::Log2_64_Ceil(std::max<int64_t>({grid.height, grid.width, 2})));
  Value table = createGridPlaces(b, basis);
  int64_t atOnce = getLevelsAtOnce(b) / 2;
  int64_t numTurns = llvm::divideCeil(levels, atOnce);
  auto coarseRows = [&](int64_t turn) {
    Grid coarse = grid.after(atOnce * (turn + 1));
    return b.index(coarse.height * coarse.width);
  };
  Value batch = b.select(fits, b.size(transform.x, 0), b.index(0));
  emitTurns(b, transform, numTurns, skipped, table, coarseRows,
            [&](int64_t number, const Turn &turn) {
              int64_t done = atOnce * number;
              emitGridTurn(b, turn, batch, grid.after(done),
                           std::min(atOnce, levels - done), int64_t{1} << done,
                           grid.width);
            });
}
