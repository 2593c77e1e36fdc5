//===- Dense.cpp - Bases that are a product with a matrix -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// y = M·x in f32, M an explicit matrix or the cosine transform's, or what
// inverts them. A CTA has 128 × 64 results, a thread 8 × 4 of them. Steps of 16
// tokens of both operands meet in shared memory:
//
//     factors[16][128]  of M, so that a thread finds its 8 rows side by side
//     tokens[16][64]    of x
//
// The cosine transform of S tokens has no more than 4S different entries. It is
// looked up in a table of them instead of a matrix of S².
//
// Products and sums are rounded one by one, tokens in ascending order.
//
//===----------------------------------------------------------------------===//

#include "Transform.h"

#include "../../QuantizedLinear.h"

#include "stamp/IR/TokenBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace stamp;

static constexpr int64_t kThreads = 256;
static constexpr int64_t kRows = 128, kColumns = 64, kDepth = 16;
static constexpr int64_t kThreadRows = 8, kThreadColumns = 4;
/// Rows of factors start in other banks.
static constexpr int64_t kPaddedRows = kRows + 4;
static constexpr int64_t kFactorsBytes = kDepth * kPaddedRows * 4;
static constexpr int64_t kSharedBytes = kFactorsBytes + kDepth * kColumns * 4;

static_assert(kRows / kThreadRows * (kColumns / kThreadColumns) == kThreads &&
              kDepth * kColumns == kThreads * kThreadColumns);

static std::optional<int64_t> getMatrixSize(const GPUTransform &transform) {
  auto matrix = dyn_cast<MatrixAttr>(transform.basis);
  if (!matrix)
    return std::nullopt;
  return cast<ShapedType>(matrix.getMatrix().getType()).getDimSize(0);
}

/// CTAs of a sequence. One is there even if no token is mixed.
static Value countTiles(GPUKernelBuilder &b, const TransformSizes &sizes) {
  return b.max(b.createOrFold<arith::CeilDivUIOp>(sizes.length, b.index(kRows)),
               b.index(1));
}

namespace {
class DenseEmitter : TransformThread {
public:
  DenseEmitter(GPUKernelBuilder &b, const GPUTransform &transform,
               ValueRange arguments, Value shared)
      : TransformThread(b, transform, arguments, kColumns, countTiles),
        entries(b.global(arguments[2])), factors(shared),
        tokens(b.at(shared, kFactorsBytes)), firstRow(b.mul(tile, kRows)),
        ownRow(b.mul(b.div(thread, kColumns / kThreadColumns), kThreadRows)),
        ownColumn(
            b.mul(b.rem(thread, kColumns / kThreadColumns), kThreadColumns)) {}

  void emit() {
    std::optional<int64_t> size = getMatrixSize(transform);
    if (!size) {
      copyRows(sizes.left, kThreads);
      return multiply();
    }
    // Sequences of another length stay as they are.
    Value fits = b.equal(sizes.length, b.index(*size));
    copyRows(b.select(fits, sizes.left, sizes.seqLen), kThreads);
    b.branch(fits, [&] { multiply(); });
  }

private:
  void multiply() {
    Type four = b.vectorOf(b.getF32Type(), kThreadColumns);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(four));
    Values sums = b.loop(b.index(0), sizes.length, b.index(kDepth),
                         Values(kThreadRows, zero),
                         [&](Value first, ValueRange carried) -> Values {
                           loadFactors(first);
                           loadTokens(first);
                           b.barrier();
                           Values sums(carried);
                           for (int64_t k = 0; k < kDepth; ++k)
                             addProducts(sums, k);
                           b.barrier();
                           return sums;
                         });
    for (auto [r, sum] : llvm::enumerate(sums))
      storeSums(sum, b.add(b.add(firstRow, ownRow), static_cast<int64_t>(r)));
  }

  void addProducts(Values &sums, int64_t k) {
    Type four = b.vectorOf(b.getF32Type(), 4);
    Value row =
        b.load(four, b.at(b.at(tokens, b.mul(ownColumn, 4)), k * kColumns * 4));
    Value own = b.at(b.at(factors, b.mul(ownRow, 4)), k * kPaddedRows * 4);
    for (int64_t r = 0; r < kThreadRows; r += 4)
      for (auto [i, factor] :
           llvm::enumerate(b.elementsOf(b.load(four, b.at(own, r * 4))))) {
        Value &sum = sums[static_cast<size_t>(r) + i];
        sum = b.addF(sum,
                     b.mulF(vector::BroadcastOp::create(b, four, factor), row));
      }
  }

  //===--- Operands -----------------------------------------------------===//

  /// Whether entries of a row of M are neighbours in memory.
  bool isRowMajor() const {
    auto matrix = dyn_cast<MatrixAttr>(transform.basis);
    return forward() || (matrix && matrix.getInverse());
  }

  /// factors[k][i] = M[firstRow + i, first + k]
  void loadFactors(Value first) {
    for (int64_t e = 0; e < kDepth * kRows; e += kThreads) {
      // Neighbouring threads read neighbours.
      Value k = isRowMajor() ? b.rem(thread, kDepth)
                             : b.add(b.div(thread, kRows), e / kRows);
      Value i = isRowMajor() ? b.add(b.div(thread, kDepth), e / kDepth)
                             : b.rem(thread, kRows);
      Value row = b.add(firstRow, i), token = b.add(first, k);
      Value isEntry =
          b.both(b.less(row, sizes.length), b.less(token, sizes.length));
      Value entry =
          b.choose(
               isEntry, b.getF32Type(),
               [&]() -> Values { return {loadEntry(findEntry(row, token))}; },
               [&]() -> Values { return {b.constant(0)}; })
              .front();
      b.store(entry, b.at(factors, b.mul(b.add(b.mul(k, kPaddedRows), i), 4)));
    }
  }

  Value loadEntry(Value index) {
    return b.load(b.getF32Type(), b.at(entries, b.mul(index, 4)));
  }

  Value findEntry(Value row, Value token) {
    Value frequency = row, place = token;
    if (!isRowMajor())
      std::swap(frequency, place);
    if (isa<MatrixAttr>(transform.basis))
      return b.add(b.mul(frequency, sizes.length), place);
    // cos(π(2n + 1)k/(2S)); what row 0 has stands behind the period.
    Value period = b.mul(sizes.length, 4);
    Value angle = b.rem(b.mul(b.add(b.mul(place, 2), 1), frequency), period);
    return b.select(b.equal(frequency, b.index(0)), period, angle);
  }

  /// tokens[k][column] = x[first + k][column]
  void loadTokens(Value first) {
    Value k = b.div(thread, kColumns / kThreadColumns);
    Value token = b.add(first, k);
    Type type = b.vectorOf(b.getF32Type(), width);
    forEachPart([&](int64_t part, Value column) {
      Value isToken =
          b.both(b.less(token, sizes.length), b.less(column, sizes.columns));
      Value value =
          b.choose(
               isToken, type,
               [&]() -> Values {
                 return {load(x, transform.input(),
                              b.add(token, transform.basis.getSkip()), column)};
               },
               [&]() -> Values {
                 return {arith::ConstantOp::create(b, b.getZeroAttr(type))};
               })
              .front();
      Value place = b.add(b.add(b.mul(k, kColumns), ownColumn), part);
      b.store(value, b.at(tokens, b.mul(place, 4)));
    });
  }

  /// Vectors of this thread's four columns.
  void forEachPart(function_ref<void(int64_t, Value)> body) {
    for (int64_t part = 0; part < kThreadColumns; part += width)
      body(part, b.add(b.add(firstColumn, ownColumn), part));
  }

  void storeSums(Value sum, Value row) {
    Values values = b.elementsOf(sum);
    forEachPart([&](int64_t part, Value column) {
      Value isResult =
          b.both(b.less(row, sizes.length), b.less(column, sizes.columns));
      b.branch(isResult, [&] {
        store(b.combine(ValueRange(values).slice(part, width)), y,
              transform.result(), b.add(row, transform.basis.getSkip()),
              column);
      });
    });
  }

  const Value entries;         ///< of M, or the table
  const Value factors, tokens; ///< shared memory
  const Value firstRow, ownRow, ownColumn;
};
} // namespace

/// The entries of the cosine transform, at index (2n + 1)k mod 4S, and then
/// that of row 0; rounded to f32.
static Value createCosines(GPUKernelBuilder &b, OpFoldResult length) {
  if (std::optional<int64_t> known = getConstantIntValue(length)) {
    double norm = std::sqrt(2.0 / static_cast<double>(*known));
    SmallVector<float> entries;
    for (double cosine : DCTBasis::cosines(*known))
      entries.push_back(static_cast<float>(cosine * norm));
    entries.push_back(
        static_cast<float>(std::sqrt(1.0 / static_cast<double>(*known))));
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(
               RankedTensorType::get(static_cast<int64_t>(entries.size()),
                                     b.getF32Type()),
               ArrayRef<float>(entries)));
  }
  TokenBuilder tokens(b, b.getLoc(), /*dimension=*/0);
  OpFoldResult size =
      tokens.apply(tokens.getAffineSymbolExpr(0) * 4 + 1, {length});
  auto toF64 = [](ImplicitLocOpBuilder &b, Value index) -> Value {
    return arith::SIToFPOp::create(
        b, b.getF64Type(),
        arith::IndexCastOp::create(b, b.getI64Type(), index));
  };
  auto constant = [](ImplicitLocOpBuilder &b, double value) -> Value {
    return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
  };
  Value seqLen = toF64(tokens, cast<Value>(length));
  auto norm = [&](double numerator) -> Value {
    return math::SqrtOp::create(
        tokens,
        arith::DivFOp::create(tokens, constant(tokens, numerator), seqLen));
  };
  Value firstNorm = norm(1), otherNorm = norm(2);
  Value step = arith::DivFOp::create(tokens, constant(tokens, M_PI_2), seqLen);
  Value period = tokens.materialize(
      tokens.apply(tokens.getAffineSymbolExpr(0) * 4, {length}));
  Value table = tensor::EmptyOp::create(tokens, ArrayRef{size}, b.getF32Type());
  return tokens.generate(
      table, [&](ImplicitLocOpBuilder &b, ValueRange i) -> SmallVector<Value> {
        Value cosine = math::CosOp::create(
            b, arith::MulFOp::create(b, toF64(b, i[0]), step));
        Value isFirst =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, i[0], period);
        Value entry = arith::SelectOp::create(
            b, isFirst, firstNorm, arith::MulFOp::create(b, cosine, otherNorm));
        return {arith::TruncFOp::create(b, b.getF32Type(), entry)};
      });
}

void stamp::launchDense(GPUKernelBuilder &b, StringRef name,
                        const GPUTransform &transform, LaunchKernel launch) {
  TransformSizes sizes(b, transform);
  Value entries;
  if (auto matrix = dyn_cast<MatrixAttr>(transform.basis)) {
    ElementsAttr values = matrix.getMatrix();
    if (!transform.isForward() && matrix.getInverse())
      values = matrix.getInverse();
    entries = arith::ConstantOp::create(b, cast<TypedAttr>(values));
  } else {
    std::optional<int64_t> known = transform.staticLength();
    entries = createCosines(b, known ? OpFoldResult(b.getIndexAttr(*known))
                                     : OpFoldResult(sizes.length));
  }
  launchTransform(b, name, transform, toBuffer(b, entries),
                  b.less(b.index(0), sizes.seqLen), kColumns, countTiles,
                  kThreads, kSharedBytes, launch,
                  [&](GPUKernelBuilder &b, ValueRange arguments, Value shared) {
                    DenseEmitter(b, transform, arguments, shared).emit();
                  });
}
