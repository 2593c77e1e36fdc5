//===- TransformWHT.cpp - The Walsh–Hadamard transform ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Half of the registers hold the rows i, i + h, i + 2h, … that the butterflies
// of the strides h, 2h, 4h, … mix, so a strip goes through near memory once for
// three or four strides. Butterflies in registers are the same as in memory:
// the order of docs/Semantics.md is kept to the bit.
//
// Blocks of a length that is known at compile time read X and write Y in their
// first and last turn; the others work in scratch alone, between a copy and
// another.
//
//===----------------------------------------------------------------------===//

#include "TokenRows.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace stamp;

namespace {
/// Everything in one strip of columns.
class WHTStrip {
public:
  WHTStrip(KernelBuilder &b, const Columns &columns, const TokenRows &from,
           const TokenRows &to, const TokenRows &scratch, Value norms)
      : b(b), columns(columns), from(from), to(to), scratch(scratch),
        norms(norms) {}

  /// The strides that are done in one turn.
  int64_t stridesAtOnce() const {
    return llvm::Log2_64(b.target.registers / 2);
  }

  /// The block of 2^`exponent` rows from `start` on.
  void emitBlock(Value start, int64_t exponent) {
    int64_t turns =
        std::max<int64_t>(llvm::divideCeil(exponent, stridesAtOnce()), 1);
    Value norm = b.splat(b.constant(getNorm(exponent)));
    Value size = b.index(int64_t{1} << exponent);
    int64_t done = 0;
    for (int64_t turn = 0; turn < turns; ++turn) {
      int64_t now = (exponent - done) / (turns - turn);
      bool isFirst = turn == 0, isLast = turn + 1 == turns;
      emitTurn(start, size, b.index(int64_t{1} << done), now,
               isFirst ? from : scratch, isLast ? to : scratch,
               isLast ? norm : Value());
      done += now;
    }
  }

  /// The same if the exponent is a value.
  void emitBlock(Value start, Value exponent) {
    Value one = b.index(1), size = shift(one, exponent);
    emitTurn(start, size, one, 0, from, scratch);
    int64_t most = stridesAtOnce();
    Value turns = b.createOrFold<arith::DivUIOp>(exponent, b.index(most));
    b.loop(b.index(0), turns, 1, [&](Value turn) {
      emitTurn(start, size, shift(one, b.mul(turn, most)), most, scratch,
               scratch);
    });
    Value done = b.mul(turns, most);
    for (int64_t rest = 1; rest < most; ++rest)
      b.branch(equal(b.sub(exponent, done), b.index(rest)), [&] {
        emitTurn(start, size, shift(one, done), rest, scratch, scratch);
      });
    Value norm = memref::LoadOp::create(b, norms, ValueRange{exponent});
    emitTurn(start, size, one, 0, scratch, to, b.splat(norm));
  }

  /// 2^(−m/2).
  static float getNorm(int64_t exponent) {
    return static_cast<float>(std::exp2(-static_cast<double>(exponent) / 2));
  }

  Value equal(Value left, Value right) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, left, right);
  }

private:
  Value shift(Value value, Value by) {
    return b.createOrFold<arith::ShLIOp>(value, by);
  }

  /// The butterflies of the strides `stride`, 2·`stride`, …, so many of them.
  void emitTurn(Value start, Value size, Value stride, int64_t strides,
                const TokenRows &source, const TokenRows &target,
                Value norm = {}) {
    int64_t numRows = int64_t{1} << strides;
    Value span = b.mul(stride, numRows);
    Value groups = b.createOrFold<arith::DivUIOp>(size, span);
    b.loop(b.index(0), groups, 1, [&](Value group) {
      Value first = b.add(start, b.createOrFold<arith::MulIOp>(group, span));
      b.loop(b.index(0), stride, 1, [&](Value i) {
        Values sources, targets;
        for (int64_t r = 0; r < numRows; ++r) {
          Value row = b.add(b.add(first, i), b.mul(stride, r));
          sources.push_back(source.find(b, row));
          targets.push_back(target.find(b, row));
        }
        Value mask = columns.masks.front();
        b.loop(b.index(0), columns.count, b.lanes(), [&](Value column) {
          Values rows;
          for (Value place : sources)
            rows.push_back(source.load(b, place, column, mask));
          butterflies(rows);
          for (auto [row, place] : llvm::zip_equal(rows, targets))
            target.store(b, norm ? b.mulF(row, norm) : row, place, column,
                         mask);
        });
      });
    });
  }

  void butterflies(MutableArrayRef<Value> rows) {
    for (size_t stride = 1; stride < rows.size(); stride *= 2)
      for (size_t i = 0; i < rows.size(); ++i)
        if ((i & stride) == 0) {
          Value first = rows[i], second = rows[i + stride];
          rows[i] = b.addF(first, second);
          rows[i + stride] = b.subF(first, second);
        }
  }

  KernelBuilder &b;
  const Columns &columns;
  const TokenRows &from, &to, &scratch;
  Value norms;
};
} // namespace

/// The rest of a sequence behind its whole blocks: the bits of its length.
static void emitRest(KernelBuilder &b, WHTStrip &strip, Value start,
                     Value rest) {
  if (std::optional<int64_t> known = getConstantIntValue(rest)) {
    for (int64_t left = *known; left > 0;) {
      int64_t exponent = llvm::Log2_64(left);
      strip.emitBlock(start, exponent);
      start = b.add(start, int64_t{1} << exponent);
      left -= int64_t{1} << exponent;
    }
    return;
  }
  // From the highest bit down.
  constexpr int64_t bits = 31;
  b.loop(b.index(0), b.index(bits), 1, {start},
         [&](Value turn, ValueRange carried) -> Values {
           Value exponent = b.sub(b.index(bits - 1), turn);
           Value size = b.createOrFold<arith::ShLIOp>(b.index(1), exponent);
           Value here = arith::AndIOp::create(b, rest, size);
           b.branch(b.less(b.index(0), here),
                    [&] { strip.emitBlock(carried[0], exponent); });
           return {b.add(carried[0], here)};
         });
}

void stamp::emitWHT(KernelBuilder &b, const SequenceTransform &transform) {
  SequenceLength tokens(b, transform);
  Value skipped = tokens.skipped, length = tokens.length;
  copyRows(b, transform, b.index(0), skipped);
  Value places = createPlaces(b, transform, length);
  Value norms;
  if (!transform.staticLength()) {
    SmallVector<float> values;
    for (int64_t exponent = 0; exponent < 32; ++exponent)
      values.push_back(WHTStrip::getNorm(exponent));
    norms = createTable(b, values);
  }
  // A block that is longer than the sequence is no whole one.
  int64_t block = cast<WHTAttr>(transform.basis).getBlock();
  Value blocks = b.index(0), rest = length;
  if (block > 0) {
    blocks = b.createOrFold<arith::DivUIOp>(length, b.index(block));
    rest = b.createOrFold<arith::RemUIOp>(length, b.index(block));
  }

  Value perStrip = getStripColumns(b, /*together=*/1, length);
  forEachStrip(
      b, transform, /*together=*/1, perStrip, [&](const Columns &columns) {
        constexpr int64_t dynamic = ShapedType::kDynamic;
        Value memory =
            b.alloc({1, dynamic, dynamic}, b.getF32Type(), {length, perStrip});
        Value zero = b.index(0);
        TokenRows scratch(memory, zero, zero, zero);
        bool isForward = transform.isForward();
        TokenRows from(transform.x, columns.sequence, skipped, columns.first,
                       isForward ? Value() : places);
        TokenRows to(transform.y, columns.sequence, skipped, columns.first,
                     isForward ? places : Value());
        WHTStrip strip(b, columns, from, to, scratch, norms);
        if (block > 0)
          b.loop(zero, blocks, 1, [&](Value i) {
            strip.emitBlock(b.mul(i, block), int64_t(llvm::Log2_64(block)));
          });
        emitRest(b, strip, b.mul(blocks, std::max<int64_t>(block, 1)), rest);
      });
}
