//===- Levels.cpp - Haar and WHT in shared memory ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Both algorithms work in place, level after level: level t takes pairs of rows
// 2^t apart. A launch does up to eight levels, from level a on: it mixes groups
// of rows 2^a apart, and nothing between groups. A CTA has whole groups, 256
// rows of 32 columns. Threads take them through up to three levels at a time in
// registers, and meet in shared memory in between:
//
//     x → registers → shared memory → registers → … → registers → y
//
// A row of Haar that a level has made a detail is done, and goes to y at once.
//
// Coefficients that are coarse first stand in y where they belong from the
// first launch on. Between launches rows are f32: in y, or where that is
// narrower in scratch of the same shape.
//
// The order of float operations is that of docs/Semantics.md.
//
//===----------------------------------------------------------------------===//

#include "Transform.h"

#include "stamp/IR/TokenBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace stamp;

static constexpr int64_t kThreads = 256;
static constexpr int64_t kRows = 256, kColumns = 32; ///< of a CTA
static constexpr int64_t kLevelsOfLaunch = 8;        ///< kRows = 2^kLevels…
static constexpr int64_t kLevelsOfStep = 3;

namespace {
/// One launch.
struct Levels {
  int64_t first, count;
  bool hasHigher; ///< whether there may be a launch of higher levels

  int64_t end() const { return first + count; }
  int64_t groupRows() const { return int64_t{1} << count; }
  int64_t groupsOfCTA() const { return kRows / groupRows(); }
};
} // namespace

static bool isHaar(const GPUTransform &transform) {
  return isa<HaarAttr>(transform.basis);
}

/// How many levels there may be at most.
static int64_t getMostLevels(const GPUTransform &transform) {
  std::optional<int64_t> length = transform.staticLength();
  auto haar = dyn_cast<HaarAttr>(transform.basis);
  int64_t most = 30;
  if (haar)
    most = haar.getLevels();
  else if (int64_t block = cast<WHTAttr>(transform.basis).getBlock())
    most = llvm::Log2_64(block);
  if (!length)
    return most;
  if (*length <= 1)
    return 0;
  auto known = static_cast<uint64_t>(*length);
  return std::min<int64_t>(most, haar ? llvm::Log2_64_Ceil(known)
                                      : llvm::Log2_64(known));
}

/// The launches, lowest levels first.
static SmallVector<Levels> cutLevels(const GPUTransform &transform) {
  int64_t levels = getMostLevels(transform);
  int64_t launches =
      std::max<int64_t>(llvm::divideCeil(levels, kLevelsOfLaunch), 1);
  SmallVector<Levels> cut;
  for (int64_t done = 0; launches > 0; --launches) {
    // A length of run time may need the first launch alone.
    int64_t count = transform.staticLength()
                        ? llvm::divideCeil(levels - done, launches)
                        : std::min(levels - done, kLevelsOfLaunch);
    cut.push_back({done, count, launches > 1});
    done += count;
  }
  return cut;
}

/// CTAs of a sequence. Tokens that stay want one even if they are all.
static Value countTiles(GPUKernelBuilder &b, const GPUTransform &transform,
                        const Levels &levels, const TransformSizes &sizes) {
  Value groups = b.createOrFold<arith::CeilDivUIOp>(
      sizes.length, b.index(int64_t{1} << levels.end()));
  if (!isHaar(transform))
    groups = b.mul(groups, int64_t{1} << levels.first);
  return b.max(
      b.createOrFold<arith::CeilDivUIOp>(groups, b.index(levels.groupsOfCTA())),
      b.index(1));
}

namespace {
class LevelsEmitter : TransformThread {
public:
  LevelsEmitter(GPUKernelBuilder &b, const GPUTransform &transform,
                const Levels &levels, ValueRange arguments, Value shared)
      : TransformThread(b, transform, arguments, kColumns,
                        [&](GPUKernelBuilder &b, const TransformSizes &sizes) {
                          return countTiles(b, transform, levels, sizes);
                        }),
        levels(levels), shared(shared), haar(isHaar(transform)),
        between(sequenceAt(arguments[2], b.getF32Type())),
        isTop(levels.hasHigher
                  ? b.atMost(sizes.length, b.index(int64_t{1} << levels.end()))
                  : arith::ConstantOp::create(b, b.getBoolAttr(true))) {}

  void emit() {
    if (transform.leavesTokens() && levels.first == 0)
      copyRows(sizes.left, kThreads);
    SmallVector<std::pair<int64_t, int64_t>> steps;
    int64_t numSteps =
        std::max<int64_t>(llvm::divideCeil(levels.count, kLevelsOfStep), 1);
    for (int64_t done = 0; numSteps > 0; --numSteps) {
      int64_t count = llvm::divideCeil(levels.count - done, numSteps);
      steps.push_back({done, count});
      done += count;
    }
    // WHT is its own inverse but for the order of rows.
    if (haar && !forward())
      std::reverse(steps.begin(), steps.end());
    for (auto [i, step] : llvm::enumerate(steps)) {
      if (i > 0)
        b.barrier();
      emitStep(step.first, step.second, i == 0, i + 1 == steps.size());
    }
  }

private:
  //===--- Rows in memory -----------------------------------------------===//

  /// Where a row that is mixed stands among a sequence's tokens, or among its
  /// coefficients.
  Value placeOf(Value row, bool amongCoefficients) {
    Value token = b.add(row, transform.basis.getSkip());
    // Without a token to mix there is none at `token`.
    if (transform.leavesTokens())
      token = b.min(token, b.sub(sizes.seqLen, 1));
    if (!amongCoefficients || transform.order == RowOrder::Block)
      return token;
    Value place = emitCoarsePosition(b, transform.basis, token,
                                     getAsOpFoldResult(sizes.seqLen));
    return transform.leavesTokens() ? b.min(place, b.sub(sizes.seqLen, 1))
                                    : place;
  }

  //===--- Steps --------------------------------------------------------===//

  /// Some levels in registers; `first` counts from the launch's first level.
  void emitStep(int64_t first, int64_t count, bool isFirst, bool isLast) {
    // Haar mixes nothing but multiples of 2^first any more.
    int64_t units = kRows >> (haar ? first + count : count);
    b.loop(thread, b.index(units * vectors()), b.index(kThreads),
           [&](Value item) {
             Value column = b.mul(b.rem(item, vectors()), width);
             Value unit = b.div(item, vectors());
             b.branch(b.less(b.add(firstColumn, column), sizes.columns), [&] {
               emitUnit(first, count, unit, column, isFirst, isLast);
             });
           });
  }

  /// The rows that one thread mixes.
  void emitUnit(int64_t first, int64_t count, Value unit, Value ownColumn,
                bool isFirst, bool isLast) {
    int64_t stride = int64_t{1} << first, numRows = int64_t{1} << count;
    Value inTile = haar ? b.mul(unit, stride * numRows)
                        : b.add(b.mul(b.div(unit, stride), stride * numRows),
                                b.rem(unit, stride));
    // Among the sequence's rows.
    int64_t distance = int64_t{1} << (levels.first + first);
    Value group = b.add(b.mul(tile, levels.groupsOfCTA()),
                        b.div(inTile, levels.groupRows()));
    Value inGroup =
        b.mul(b.rem(inTile, levels.groupRows()), int64_t{1} << levels.first);
    Value row;
    if (haar) {
      row = b.add(b.mul(group, int64_t{1} << levels.end()), inGroup);
    } else {
      int64_t apart = int64_t{1} << levels.first;
      row = b.add(b.add(b.mul(b.div(group, apart), int64_t{1} << levels.end()),
                        inGroup),
                  b.rem(group, apart));
    }
    Value column = b.add(firstColumn, ownColumn);
    Values rows, values;
    for (int64_t j = 0; j < numRows; ++j)
      rows.push_back(b.add(row, j * distance));
    auto sharedAt = [&](int64_t j) {
      return b.at(
          shared,
          b.mul(b.add(b.mul(b.add(inTile, j * stride), kColumns), ownColumn),
                4));
    };

    for (int64_t j = 0; j < numRows; ++j) {
      bool isShared = !isFirst && (forward() || !haar || j == 0);
      values.push_back(
          isShared ? b.load(b.vectorOf(b.getF32Type(), width), sharedAt(j))
                   : loadRow(rows[j], column, /*isCoarse=*/j == 0));
    }
    mix(values, rows.front(), distance, count);
    for (int64_t j = 0; j < numRows; ++j) {
      bool isShared = !isLast && (!forward() || !haar || j == 0);
      if (isShared)
        b.store(values[j], sharedAt(j));
      else
        storeRow(values[j], rows[j], column, /*isCoarse=*/j == 0);
    }
  }

  /// A row of the launch's input. One that is no token's is some other.
  Value loadRow(Value row, Value column, bool isCoarse) {
    Value near = b.max(b.min(row, b.sub(sizes.length, 1)), b.index(0));
    auto fromInput = [&]() -> Values {
      return {load(x, transform.input(), placeOf(near, !forward()), column)};
    };
    auto fromBetween = [&]() -> Values {
      return {load(between, b.getF32Type(), placeOf(near, forward()), column)};
    };
    if (haar && !forward()) {
      if (!isCoarse || !levels.hasHigher)
        return fromInput().front();
      return b
          .choose(isTop, b.vectorOf(b.getF32Type(), width), fromInput,
                  fromBetween)
          .front();
    }
    return (levels.first == 0 ? fromInput() : fromBetween()).front();
  }

  void storeRow(Value value, Value row, Value column, bool isCoarse) {
    b.branch(b.less(row, sizes.length), [&] {
      Value place = placeOf(row, forward());
      auto toResult = [&](Value value) {
        store(value, y, transform.result(), place, column);
      };
      auto toBetween = [&](Value value) {
        store(value, between, b.getF32Type(), place, column);
      };
      if (haar && !forward())
        return levels.first == 0 ? toResult(value) : toBetween(value);
      if (haar && !isCoarse)
        return toResult(value);
      Value final = haar ? value : b.mulF(value, normOf(row));
      if (!levels.hasHigher)
        return toResult(final);
      b.branch(isTop, [&] { toResult(final); }, [&] { toBetween(value); });
    });
  }

  //===--- Arithmetic ---------------------------------------------------===//

  /// Rows `distance` apart, from `first` on.
  void mix(Values &rows, Value first, int64_t distance, int64_t count) {
    if (count == 0)
      return;
    auto numRows = static_cast<int64_t>(rows.size());
    std::optional<int64_t> length = transform.staticLength();
    bool isWhole = length && *length % (distance * numRows) == 0;
    auto rowsFrom = [&](Value start, int64_t roundUp) {
      Value left =
          b.max(b.sub(b.add(sizes.length, roundUp), start), b.index(0));
      return b.min(b.div(left, distance), b.index(numRows));
    };
    if (haar) {
      // The rows that there are.
      Value present = isWhole ? Value() : rowsFrom(first, distance - 1);
      return HaarAttr::get(b.getContext(), count, /*skip=*/0)
          .emitBlock(b, rows, present, transform.direction);
    }
    // A block of the ragged tail, or one of all, begins at a multiple of its
    // size: two rows are of one block if all rows up to its end are there.
    Value present;
    if (!isWhole)
      present = rowsFrom(b.sub(first, b.rem(first, distance)), 0);
    for (int64_t stride = 1; stride < numRows; stride *= 2)
      for (int64_t j = 0; j < numRows; ++j) {
        if (j & stride)
          continue;
        Value sum = b.addF(rows[j], rows[j + stride]);
        Value difference = b.subF(rows[j], rows[j + stride]);
        if (present) {
          int64_t end = (j / (2 * stride) + 1) * (2 * stride);
          Value joined = b.atMost(b.index(end), present);
          sum = b.select(joined, sum, rows[j]);
          difference = b.select(joined, difference, rows[j + stride]);
        }
        rows[j] = sum;
        rows[j + stride] = difference;
      }
  }

  /// 2^(−m/2), rounded to f32, of the block of 2^m tokens that has `row`.
  Value normOf(Value row) {
    int64_t most = getMostLevels(transform);
    std::optional<int64_t> length = transform.staticLength();
    Type type = b.vectorOf(b.getF32Type(), width);
    if (length && *length % (int64_t{1} << most) == 0)
      return createSplat(
          b, type,
          static_cast<float>(std::exp2(-static_cast<double>(most) / 2)));
    // The tail's blocks are the bits of the length, and the highest one in
    // which the row differs is that of its own.
    auto toI32 = [&](Value value) -> Value {
      return arith::IndexCastOp::create(b, b.getI32Type(), value);
    };
    Value differing = b.exclusiveOr(toI32(row), toI32(sizes.length));
    Value m = b.min(b.sub(b.constantI32(31),
                          math::CountLeadingZerosOp::create(b, differing)),
                    b.constantI32(most));
    // Halving is exact: 1 and √½ make all of them.
    Value isOdd = b.equal(b.both(m, b.constantI32(1)), b.constantI32(1));
    Value bits =
        b.select(isOdd, b.constantI32(0x3f3504f3), b.constantI32(0x3f800000));
    bits =
        b.sub(bits, arith::ShLIOp::create(b, b.div(m, 2), b.constantI32(23)));
    Value norm = arith::BitcastOp::create(b, b.getF32Type(), bits);
    return vector::BroadcastOp::create(b, type, norm);
  }

  const Levels &levels;
  const Value shared;
  const bool haar;
  const Value between;
  const Value isTop; ///< whether no launch has higher levels
};
} // namespace

void stamp::launchLevels(GPUKernelBuilder &b, StringRef name,
                         const GPUTransform &transform, LaunchKernel launch) {
  SmallVector<Levels> cut = cutLevels(transform);
  Value between = transform.y;
  if (cut.size() > 1 && !transform.result().isF32())
    between = memref::AllocOp::create(
        b, MemRefType::get(transform.type().getShape(), b.getF32Type()),
        transform.dynamicSizes(b), b.getI64IntegerAttr(64));
  if (isHaar(transform) && !transform.isForward())
    std::reverse(cut.begin(), cut.end());
  TransformSizes sizes(b, transform);
  for (const Levels &levels : cut) {
    // No pair is farther apart than the tokens are many.
    Value isNeeded =
        levels.first == 0
            ? b.less(b.index(0), sizes.seqLen)
            : b.less(b.index(int64_t{1} << levels.first), sizes.length);
    launchTransform(
        b, name, transform, between, isNeeded, kColumns,
        [&](GPUKernelBuilder &b, const TransformSizes &sizes) {
          return countTiles(b, transform, levels, sizes);
        },
        kThreads, kRows * kColumns * 4, launch,
        [&](GPUKernelBuilder &b, ValueRange arguments, Value shared) {
          LevelsEmitter(b, transform, levels, arguments, shared).emit();
        });
  }
}
