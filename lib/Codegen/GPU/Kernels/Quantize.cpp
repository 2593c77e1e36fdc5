//===- Quantize.cpp - Tokens to rows of codes -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A CTA has a few neighbouring tokens, whole blocks of the basis, and all of
// their features. A thread loads a vector of features of each token and
// transforms them in registers; so it finds the rows' ranges first, the CTA
// brings these together, and then it loads and transforms once more and writes
// codes. The second time X comes from a cache; nothing but codes, scales and
// zero points is written.
//
//     thread   0        1        …  255       0        …
//     token 0  x₀…x₃    x₄…x₇                 x₁₀₂₄…
//     token 1  …
//
// The order of float operations is that of docs/Semantics.md.
//
//===----------------------------------------------------------------------===//

#include "CodedRows.h"

#include "stamp/Basis/Quantizer.h"
#include "stamp/IR/TokenBuilder.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <algorithm>
#include <limits>

using namespace mlir;
using namespace stamp;

TokenBlocks::TokenBlocks(BasisAttrInterface basis) {
  if (!basis || basis.isIdentity())
    return;
  std::tie(basis, minTokens) = MinTokensAttr::split(basis);
  size = *basis.getBasis()->fixedBlock();
  skip = basis.getSkip();
  shift = (size - skip % size) % size;
}

int64_t stamp::getRowsOfCTA(const TokenBlocks &blocks) {
  // Enough to be worth a CTA.
  return std::max<int64_t>(blocks.size, 8);
}

static constexpr int64_t kWarp = 32;

int64_t stamp::getQuantizeSharedBytes(const GPUTarget &target,
                                      const TokenBlocks &blocks) {
  int64_t rows = getRowsOfCTA(blocks);
  int64_t ranges = target.quantizeThreads / kWarp * rows * 8;
  return ranges + rows * 16;
}

namespace {
class QuantizeEmitter {
public:
  QuantizeEmitter(GPUKernelBuilder &b, const GPUTarget &target,
                  const QuantizeKernel &kernel, ValueRange arguments,
                  Value shared)
      : b(b), kernel(kernel), threads(target.quantizeThreads),
        warps(threads / kWarp), rows(getRowsOfCTA(kernel.blocks)),
        width(getWidth(target)), ranges(shared),
        quantizers(b.at(shared, warps * rows * 8)), arguments(arguments) {
    auto toIndex = [&](Value value) -> Value {
      return arith::IndexCastOp::create(b, b.getIndexType(), value);
    };
    thread = b.thread();
    seqLen = toIndex(arguments[4]);
    Value ctas = toIndex(arguments[5]);
    block = b.block(gpu::Dimension::x);
    Value sequence = b.div(block, ctas);
    firstToken = b.sub(b.mul(b.rem(block, ctas), rows), kernel.blocks.shift);
    firstRow = b.mul(block, rows);
    x = b.at(b.global(arguments[0]),
             b.mul(b.mul(sequence, seqLen), kernel.features * elementBytes()));
    codes =
        b.at(b.global(arguments[1]), b.mul(firstRow, kernel.paddedFeatures));
    isWhole = kernel.blocks.isWhole(b, firstToken, seqLen, rows);
  }

  void emit() {
    if (arguments.size() > 6)
      clearCounters();
    // Registers hold the tokens of a long block, but not all of their ranges.
    constexpr int64_t mostRows = 32;
    for (int64_t row = 0; row < rows; row += mostRows)
      shareRanges(findRanges(row, std::min(rows - row, mostRows)), row);
    b.barrier();
    b.branch(b.less(thread, b.index(rows)), [&] { emitQuantizer(); });
    b.barrier();
    emitCodes();
    fillFeatures();
  }

private:
  /// Of the products that are launched next.
  void clearCounters() {
    b.branch(b.equal(block, b.index(0)), [&] {
      Value count =
          arith::IndexCastOp::create(b, b.getIndexType(), arguments[6]);
      b.loop(thread, count, b.index(threads), [&](Value i) {
        b.store(b.constantI32(0), b.at(b.global(arguments[7]), b.mul(i, 4)));
      });
    });
  }

  /// The features of a thread's vector: 16 bytes where rows start at multiples
  /// of them and the tokens of a block leave the registers for that.
  int64_t getWidth(const GPUTarget &target) const {
    int64_t most = std::clamp<int64_t>(target.quantizeValues / rows, 1, 4);
    while (kernel.features % most != 0)
      most /= 2;
    return most;
  }

  int64_t elementBytes() const { return b.bytesOf(kernel.input); }

  /// Calls `body` for each of this thread's vectors.
  Values forEachVector(ValueRange carried,
                       llvm::function_ref<Values(Value, ValueRange)> body) {
    return b.loop(b.mul(thread, width), b.index(kernel.features),
                  b.index(threads * width), carried, body);
  }

  //===--- Tokens -------------------------------------------------------===//

  /// The transformed tokens at some features, a vector each.
  Values load(Value feature) {
    Type type = b.vectorOf(b.getF32Type(), width);
    int64_t rowBytes = kernel.features * elementBytes();
    Value first = b.at(b.at(x, b.mul(firstToken, rowBytes)),
                       b.mul(feature, elementBytes()));
    auto loadRow = [&](int64_t r) {
      return b.widen(
          b.load(b.vectorOf(kernel.input, width), b.at(first, r * rowBytes)));
    };
    auto all = [&]() -> Values {
      Values values;
      for (int64_t r = 0; r < rows; ++r)
        values.push_back(loadRow(r));
      transform(values, /*whole=*/true);
      return values;
    };
    auto some = [&]() -> Values {
      Values values;
      for (int64_t r = 0; r < rows; ++r) {
        Value token = b.add(firstToken, r);
        Value isToken =
            b.both(b.atMost(b.index(0), token), b.less(token, seqLen));
        llvm::append_range(
            values,
            b.choose(
                isToken, type, [&]() -> Values { return {loadRow(r)}; },
                [&]() -> Values {
                  return {arith::ConstantOp::create(b, b.getZeroAttr(type))};
                }));
      }
      transform(values, /*whole=*/false);
      return values;
    };
    return b.choose(isWhole, SmallVector<Type>(rows, type), all, some);
  }

  void transform(Values &values, bool whole) {
    if (!kernel.transform)
      return;
    int64_t size = kernel.blocks.size;
    for (int64_t part = 0; part < rows; part += size) {
      Value count;
      if (!whole)
        count = kernel.blocks.mixed(b, b.add(firstToken, part), seqLen, size);
      kernel.transform.emitBlock(b, MutableArrayRef(values).slice(part, size),
                                 count, Direction::Forward);
    }
    for (Value &row : values)
      row = b.widen(b.narrow(row, kernel.transformed));
  }

  //===--- Ranges -------------------------------------------------------===//

  /// The lowest and the highest value of each of some rows, among a thread's; a
  /// NaN if there is one.
  Values findRanges(int64_t first, int64_t count) {
    return forEachVector(
        Values(2 * count, b.constant(0)),
        [&](Value feature, ValueRange carried) -> Values {
          Values next(carried), values = load(feature);
          for (int64_t r = 0; r < count; ++r)
            for (Value value : b.elementsOf(values[first + r])) {
              next[2 * r] = arith::MinimumFOp::create(b, next[2 * r], value);
              next[2 * r + 1] =
                  arith::MaximumFOp::create(b, next[2 * r + 1], value);
            }
          return next;
        });
  }

  /// ranges[warp][row] = {low, high}
  void shareRanges(Values found, int64_t first) {
    for (int64_t mask = kWarp / 2; mask > 0; mask /= 2)
      for (size_t i = 0; i < found.size(); i += 2) {
        Value &low = found[i], &high = found[i + 1];
        low = arith::MinimumFOp::create(b, low, b.exchange(low, mask));
        high = arith::MaximumFOp::create(b, high, b.exchange(high, mask));
      }
    Value isFirst = b.equal(b.rem(thread, kWarp), b.index(0));
    b.branch(isFirst, [&] {
      Value own = b.at(ranges, b.mul(b.div(thread, kWarp), rows * 8));
      for (size_t i = 0; i < found.size(); i += 2)
        b.store(b.combine({found[i], found[i + 1]}),
                b.at(own, (first + static_cast<int64_t>(i) / 2) * 8));
    });
  }

  //===--- Quantizers ---------------------------------------------------===//

  /// Thread r: what row r is quantized with.
  ///
  ///   quantizers[row] = {1/s, z, lowest code, highest code}, as stored
  void emitQuantizer() {
    Value low, high;
    Type pair = b.vectorOf(b.getF32Type(), 2);
    Value own = b.at(ranges, b.mul(thread, 8));
    for (int64_t w = 0; w < warps; ++w) {
      Value range = b.load(pair, b.at(own, w * rows * 8));
      Value l = b.element(range, 0), h = b.element(range, 1);
      low = low ? Value(arith::MinimumFOp::create(b, low, l)) : l;
      high = high ? Value(arith::MaximumFOp::create(b, high, h)) : h;
    }
    auto [steps, half] = emitWidth(b.add(firstToken, thread));
    Value range = b.subF(high, low);
    Value finite =
        b.lessF(range, b.constant(std::numeric_limits<float>::infinity()));
    Value negligible = b.lessF(range, b.constant(kNegligible));
    Value scale = b.select(negligible, b.constant(1), b.divF(range, steps));
    Value offset = math::RoundEvenOp::create(
        b, b.divF(arith::NegFOp::create(b, low), scale));
    Value zero = b.subF(b.select(finite, offset, b.constant(0)), half);
    Value marked = b.select(
        finite, scale, b.constant(std::numeric_limits<float>::quiet_NaN()));
    Value inverse = b.divF(b.constant(1), marked);
    Value lowest = arith::NegFOp::create(b, half);
    Value highest = b.subF(steps, half);
    b.store(b.combine({inverse, zero, lowest, highest}),
            b.at(quantizers, b.mul(thread, 16)));
    Value row = b.mul(b.add(firstRow, thread), 4);
    b.store(marked, b.at(b.global(arguments[2]), row));
    b.store(arith::FPToSIOp::create(b, b.getI32Type(), zero),
            b.at(b.global(arguments[3]), row));
  }

  /// 2^b − 1 and 2^(b−1).
  std::pair<Value, Value> emitWidth(Value token) {
    auto constants = [&](int64_t bits) {
      return std::pair(b.constant(static_cast<float>((1 << bits) - 1)),
                       b.constant(static_cast<float>(1 << (bits - 1))));
    };
    // Rows that are no token have some width too.
    Value near = b.clamp(token, b.index(0), b.sub(seqLen, 1));
    Value position = kernel.order
                         ? emitCoarsePosition(b, kernel.order, near,
                                              getAsOpFoldResult(seqLen))
                         : near;
    auto [steps, half] = constants(kernel.schedule.getRestBits());
    SmallVector<OpFoldResult> ends =
        kernel.schedule.getEnds(b, b.getLoc(), getAsOpFoldResult(seqLen));
    for (auto [end, segment] :
         llvm::reverse(llvm::zip_equal(ends, kernel.schedule.getSegments()))) {
      auto [ownSteps, ownHalf] = constants(segment.bits);
      Value inside =
          b.less(position, getValueOrCreateConstantIndexOp(b, b.getLoc(), end));
      steps = b.select(inside, ownSteps, steps);
      half = b.select(inside, ownHalf, half);
    }
    return {steps, half};
  }

  //===--- Codes --------------------------------------------------------===//

  void emitCodes() {
    forEachVector({}, [&](Value feature, ValueRange) -> Values {
      Value own = b.at(codes, feature);
      for (auto [r, row] : llvm::enumerate(load(feature))) {
        // Those of many rows would fill the registers: they stay in memory.
        Value quantizer = b.load(b.vectorOf(b.getF32Type(), 4),
                                 b.at(quantizers, static_cast<int64_t>(r) * 16),
                                 /*isVolatile=*/rows > 16);
        Values q = b.elementsOf(quantizer);
        Value word;
        for (auto [e, value] : llvm::enumerate(b.elementsOf(row))) {
          Value code = quantize(value, q);
          if (width > 1)
            code = b.both(code, b.constantI32(255));
          if (e > 0)
            code = arith::ShLIOp::create(
                b, code, b.constantI32(static_cast<int64_t>(8 * e)));
          word = word ? Value(arith::OrIOp::create(b, word, code)) : code;
        }
        if (width < 4)
          word = arith::TruncIOp::create(
              b, b.getIntegerType(static_cast<unsigned>(8 * width)), word);
        b.store(word,
                b.at(own, static_cast<int64_t>(r) * kernel.paddedFeatures));
      }
      return {};
    });
  }

  /// clamp(round(x/s) + z); a NaN becomes the lowest code.
  Value quantize(Value x, ArrayRef<Value> q) {
    Value shifted = b.addF(math::RoundEvenOp::create(b, b.mulF(x, q[0])), q[1]);
    Value raised = b.select(b.lessF(q[2], shifted), shifted, q[2]);
    Value clamped = b.select(b.lessF(raised, q[3]), raised, q[3]);
    return arith::FPToSIOp::create(b, b.getI32Type(), clamped);
  }

  /// What is beyond the features is 0.
  void fillFeatures() {
    int64_t fill = kernel.paddedFeatures - kernel.features;
    if (fill == 0)
      return;
    Value zero = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
    b.loop(thread, b.index(rows * fill), b.index(threads), [&](Value i) {
      Value at = b.add(b.mul(b.div(i, fill), kernel.paddedFeatures),
                       b.add(b.rem(i, fill), kernel.features));
      b.store(zero, b.at(codes, at));
    });
  }

  GPUKernelBuilder &b;
  const QuantizeKernel &kernel;
  int64_t threads, warps;
  int64_t rows;             ///< of the CTA
  int64_t width;            ///< of a thread's vectors
  Value ranges, quantizers; ///< shared memory
  ValueRange arguments;
  Value thread, block, seqLen, firstToken, firstRow, x, codes, isWhole;
};
} // namespace

void stamp::emitQuantizeKernel(GPUKernelBuilder &b, const GPUTarget &target,
                               const QuantizeKernel &kernel,
                               ValueRange arguments, Value shared) {
  QuantizeEmitter(b, target, kernel, arguments, shared).emit();
}
