//===- FormContractions.cpp - Float contractions to kernels -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//     c[…, m, …, n] += Σ_k a[…, m, …, k] · b[…, k, n]
//
// with any other dimensions, in any order, and any strides of a and b. It is
// what attention does between its linears, and what a linear does that stays
// float.
//
//     strips = b, as many neighbouring columns together as a tile has
//     for all blocks of rows:
//       for k by a slice that stays near:
//         for strips:
//           for rows by those of a tile:
//             sums[rows][vectors] = load c
//             for k of the slice:
//               sums += splat(a[row, k]) · strip[k]
//             store sums -> c
//
// A strip's slice comes from the second-level cache, and serves a block of
// rows. The elements of a are read where they stand: each of them once for a
// strip.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/Passes.h"

#include "Kernels/KernelBuilder.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_FORMCONTRACTIONSPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("FormContractions")
        .category("stamp-form-contractions");

namespace {

/// Fewer rows do not pay for the copy of b.
constexpr int64_t fewestRows = 8;

struct Contraction {
  linalg::LinalgOp op;
  OpOperand *left, *right, *result; ///< a, b and c
  unsigned rows, columns, sums;     ///< dimensions of the loops: m, n and k
  SmallVector<unsigned> outer;      ///< all others, which are parallel
};

bool involves(linalg::LinalgOp op, OpOperand *operand, unsigned dim) {
  return op.getMatchingIndexingMap(operand).isFunctionOfDim(dim);
}

/// out + ext(a)·ext(b) in f32, each factor extended or not.
bool isFloatProduct(linalg::LinalgOp op) {
  int64_t products = 0, sums = 0;
  for (Operation &inner : op.getBlock()->without_terminator()) {
    if (!inner.getResult(0).getType().isF32())
      return false;
    if (isa<arith::MulFOp>(inner))
      ++products;
    else if (isa<arith::AddFOp>(inner))
      ++sums;
    else if (!isa<arith::ExtFOp>(inner))
      return false;
  }
  return products == 1 && sums == 1;
}

FailureOr<Contraction> matchContraction(linalg::LinalgOp op, StringRef &why) {
  why = "it is no contraction on buffers";
  if (!op.hasPureBufferSemantics() || op.getNumDpsInputs() != 2 ||
      !linalg::isaContractionOpInterface(op))
    return failure();
  why = "its products are not sums of f32";
  if (!isFloatProduct(op))
    return failure();
  Contraction found = {op,
                       op.getDpsInputOperand(0),
                       op.getDpsInputOperand(1),
                       op.getDpsInitOperand(0),
                       0,
                       0,
                       0,
                       {}};
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  why = "it is reduced over several dimensions";
  if (failed(dims) || dims->k.size() != 1)
    return failure();
  found.sums = dims->k.front();
  why = "the columns of its result are not neighbours";
  AffineMap resultMap = op.getMatchingIndexingMap(found.result);
  auto type = cast<MemRefType>(found.result->get().getType());
  if (resultMap.getNumResults() == 0 || !type.isLastDimUnitStride())
    return failure();
  found.columns =
      cast<AffineDimExpr>(resultMap.getResults().back()).getPosition();
  if (involves(op, found.left, found.columns))
    std::swap(found.left, found.right);
  why = "both factors have its columns";
  if (involves(op, found.left, found.columns))
    return failure();

  // The innermost of the dimensions that the other factor does not have.
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  std::optional<unsigned> rows;
  for (AffineExpr expr : resultMap.getResults()) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    if (dim != found.columns && !involves(op, found.right, dim) &&
        (ShapedType::isDynamic(sizes[dim]) || sizes[dim] >= fewestRows))
      rows = dim;
  }
  why = "it has few rows";
  if (!rows)
    return failure();
  found.rows = *rows;
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim)
    if (dim != found.rows && dim != found.columns && dim != found.sums)
      found.outer.push_back(dim);
  return found;
}

/// Rows and vectors of columns whose sums leave registers for a strip's
/// vectors, an element and a product. Of all such tiles the one that computes
/// the fewest columns in vain, and then the one with the most products a load.
RegisterTile chooseTile(const CPUTarget &target, int64_t columns) {
  RegisterTile best = {1, 1};
  std::pair<double, double> bestWorth = {0, 0};
  for (int64_t vectors = 1; vectors <= 4; ++vectors) {
    int64_t rows =
        std::min<int64_t>(8, (target.registers - vectors - 2) / vectors);
    double used = 1;
    if (!ShapedType::isDynamic(columns))
      used = double(columns) /
             double(llvm::alignTo(columns, vectors * target.lanes));
    double reuse = double(rows * vectors) / double(rows + vectors);
    if (std::pair worth = {used, reuse}; worth > bestWorth) {
      bestWorth = worth;
      best = {rows, vectors};
    }
  }
  return best;
}

/// Writes the loops of one contraction.
class Emitter {
public:
  Emitter(OpBuilder &builder, const CPUTarget &target, Contraction contraction)
      : c(std::move(contraction)), b(builder, c.op.getLoc(), target),
        tile(chooseTile(target, c.op.getStaticLoopRanges()[c.columns])),
        width(tile.vectors * target.lanes),
        isNested(c.op->getParentOfType<scf::ForallOp>()),
        point(c.op.getNumLoops()) {
    for (Range range : c.op.createLoopRanges(b, b.getLoc()))
      sizes.push_back(
          getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size));
    // An eighth of the cache for a strip, a quarter for the rows that use it.
    int64_t floats = target.l2Bytes / 4;
    slice = llvm::bit_floor(static_cast<uint64_t>(floats / 8 / width));
    int64_t sums = c.op.getStaticLoopRanges()[c.sums];
    if (!ShapedType::isDynamic(sums))
      slice = std::min(slice, std::max<int64_t>(sums, 1));
    blockRows = std::clamp<int64_t>(floats / 4 / slice, 32, 128) / tile.rows *
                tile.rows;
  }

  void emit() {
    strips = b.ceilDiv(sizes[c.columns], width);
    for (unsigned dim : c.outer)
      if (involves(c.op, c.right, dim))
        packedOuter.push_back(dim);
    Values packedSizes;
    for (unsigned dim : packedOuter)
      packedSizes.push_back(sizes[dim]);
    packedSizes.push_back(strips);
    packedSizes.push_back(sizes[c.sums]);
    SmallVector<int64_t> shape;
    Values dynamicSizes;
    for (Value size : packedSizes) {
      std::optional<int64_t> number = getConstantIntValue(size);
      shape.push_back(number.value_or(ShapedType::kDynamic));
      if (!number)
        dynamicSizes.push_back(size);
    }
    shape.push_back(width);
    packed = b.alloc(shape, b.getF32Type(), dynamicSizes);
    emitPacking();
    emitProduct();
    memref::DeallocOp::create(b, packed);
  }

private:
  /// Turns that may run at the same time, unless they are part of one already.
  void forEach(ValueRange counts, llvm::function_ref<void(ValueRange)> body) {
    if (!isNested)
      return b.parallel(counts, body);
    Values indices;
    std::function<void()> nest = [&] {
      if (indices.size() == counts.size())
        return body(indices);
      b.loop(b.index(0), counts[indices.size()], 1, [&](Value i) {
        indices.push_back(i);
        nest();
        indices.pop_back();
      });
    };
    nest();
  }

  /// One rounding instead of two in attention, whose sums nobody else computes
  /// again. A dense transform is a contraction, too, and its bits are the same
  /// everywhere.
  Value addProduct(Value sum, Value left, Value right) {
    if (isNested)
      return vector::FMAOp::create(b, left, right, sum);
    return b.addF(sum, b.mulF(left, right));
  }

  Values subscripts(OpOperand *operand) {
    Values result;
    for (AffineExpr expr : c.op.getMatchingIndexingMap(operand).getResults())
      result.push_back(point[cast<AffineDimExpr>(expr).getPosition()]);
    return result;
  }

  /// The place of `strip`[k] for the point where the builder stands.
  Values packedSubscripts(Value strip, Value k, Value column) {
    Values result;
    for (unsigned dim : packedOuter)
      result.push_back(point[dim]);
    result.append({strip, k, column});
    return result;
  }

  Value widen(Value value) {
    Type type = b.getF32Type();
    return value.getType() == type ? value
                                   : arith::ExtFOp::create(b, type, value);
  }

  //===--- b in strips --------------------------------------------------===//

  void emitPacking() {
    Values counts;
    for (unsigned dim : packedOuter)
      counts.push_back(sizes[dim]);
    counts.push_back(strips);
    forEach(counts, [&](ValueRange indices) {
      for (auto [dim, index] : llvm::zip(packedOuter, indices))
        point[dim] = index;
      Value strip = indices.back();
      Value first = b.mul(strip, width);
      Value left = b.sub(sizes[c.columns], first);
      bool isContiguous =
          cast<MemRefType>(c.right->get().getType()).isLastDimUnitStride() &&
          c.op.getMatchingIndexingMap(c.right).getResults().back() ==
              b.getAffineDimExpr(c.columns);
      b.loop(b.index(0), sizes[c.sums], 1, [&](Value k) {
        point[c.sums] = k;
        if (isContiguous)
          packVectors(strip, first, left, k);
        else
          packElements(strip, first, left, k);
      });
    });
  }

  void packVectors(Value strip, Value first, Value left, Value k) {
    for (int64_t v = 0; v < tile.vectors; ++v) {
      int64_t column = v * b.lanes();
      point[c.columns] = b.add(first, column);
      Value mask =
          b.mask(b.clamp(b.sub(left, column), b.index(0), b.index(b.lanes())));
      Value vector = b.load(c.right->get(), subscripts(c.right), mask);
      b.store(vector, packed, packedSubscripts(strip, k, b.index(column)));
    }
  }

  void packElements(Value strip, Value first, Value left, Value k) {
    Value end = b.min(left, b.index(width));
    b.loop(b.index(0), end, 1, [&](Value column) {
      point[c.columns] = b.add(first, column);
      Value element =
          widen(memref::LoadOp::create(b, c.right->get(), subscripts(c.right)));
      memref::StoreOp::create(b, element, packed,
                              packedSubscripts(strip, k, column));
    });
    b.loop(end, b.index(width), 1, [&](Value column) {
      memref::StoreOp::create(b, b.constant(0), packed,
                              packedSubscripts(strip, k, column));
    });
  }

  //===--- The product --------------------------------------------------===//

  void emitProduct() {
    Values counts;
    for (unsigned dim : c.outer)
      counts.push_back(sizes[dim]);
    counts.push_back(b.ceilDiv(sizes[c.rows], blockRows));
    forEach(counts, [&](ValueRange indices) {
      for (auto [dim, index] : llvm::zip(c.outer, indices))
        point[dim] = index;
      Value firstRow = b.mul(indices.back(), blockRows);
      Value endRow = b.min(b.add(firstRow, blockRows), sizes[c.rows]);
      b.loop(b.index(0), sizes[c.sums], slice, [&](Value k) {
        Value endK = b.min(b.add(k, slice), sizes[c.sums]);
        b.loop(b.index(0), strips, 1, [&](Value strip) {
          Value first = b.mul(strip, width);
          Value left = b.sub(sizes[c.columns], first);
          b.branch(
              b.atMost(b.index(width), left),
              [&] { emitRows(firstRow, endRow, k, endK, strip, first, {}); },
              [&] { emitRows(firstRow, endRow, k, endK, strip, first, left); });
        });
      });
    });
  }

  /// `left` columns of a strip, or all of them if it is null.
  void emitRows(Value firstRow, Value endRow, Value k, Value endK, Value strip,
                Value first, Value left) {
    Values masks(tile.vectors);
    if (left)
      for (int64_t v = 0; v < tile.vectors; ++v)
        masks[v] = b.mask(b.clamp(b.sub(left, v * b.lanes()), b.index(0),
                                  b.index(b.lanes())));
    Value whole = b.mul(b.createOrFold<arith::DivUIOp>(b.sub(endRow, firstRow),
                                                       b.index(tile.rows)),
                        tile.rows);
    Value endWhole = b.add(firstRow, whole);
    b.loop(firstRow, endWhole, tile.rows, [&](Value row) {
      emitTile(tile.rows, row, k, endK, strip, first, masks);
    });
    b.loop(endWhole, endRow, 1,
           [&](Value row) { emitTile(1, row, k, endK, strip, first, masks); });
  }

  void emitTile(int64_t rows, Value row, Value k, Value endK, Value strip,
                Value first, ArrayRef<Value> masks) {
    auto forEachVector =
        [&](llvm::function_ref<void(Values, Value, int64_t)> body) {
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t v = 0; v < tile.vectors; ++v) {
              point[c.rows] = b.add(row, r);
              point[c.columns] = b.add(first, v * b.lanes());
              body(subscripts(c.result), masks[v], r * tile.vectors + v);
            }
        };
    Values sums;
    Value result = c.result->get();
    forEachVector([&](Values place, Value mask, int64_t) {
      sums.push_back(b.load(result, place, mask));
    });
    sums = b.loop(k, endK, 1, sums, [&](Value k, ValueRange before) {
      Values columns, after;
      for (int64_t v = 0; v < tile.vectors; ++v)
        columns.push_back(
            b.load(packed, packedSubscripts(strip, k, b.index(v * b.lanes()))));
      point[c.sums] = k;
      for (int64_t r = 0; r < rows; ++r) {
        point[c.rows] = b.add(row, r);
        Value element = b.splat(widen(
            memref::LoadOp::create(b, c.left->get(), subscripts(c.left))));
        for (int64_t v = 0; v < tile.vectors; ++v)
          after.push_back(
              addProduct(before[r * tile.vectors + v], element, columns[v]));
      }
      return after;
    });
    forEachVector([&](Values place, Value mask, int64_t i) {
      b.store(sums[i], result, place, mask);
    });
  }

  Contraction c;
  KernelBuilder b;
  const RegisterTile tile;
  const int64_t width; ///< columns of a strip
  const bool isNested; ///< in turns that run at the same time
  int64_t slice;       ///< of the sums
  int64_t blockRows;   ///< of a turn
  Values sizes;
  Value strips, packed;
  SmallVector<unsigned> packedOuter; ///< the outer dimensions that b has
  /// Where the builder stands, in the dimensions of the loops.
  Values point;
};

struct FormContractions final
    : stamp::impl::FormContractionsPassBase<FormContractions> {
  using FormContractionsPassBase::FormContractionsPassBase;

  void runOnOperation() override {
    FailureOr<CPUTarget> target = CPUTarget::get(cpu, getOperation()->getLoc());
    if (failed(target))
      return signalPassFailure();
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (linalg::isaContractionOpInterface(op))
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops) {
      StringRef why;
      FailureOr<Contraction> contraction = matchContraction(op, why);
      if (failed(contraction)) {
        remark::missed(op.getLoc(), kRemark)
            << remark::reason("no kernel multiplies these floats: {0}", why);
        continue;
      }
      OpBuilder builder(op);
      Emitter(builder, *target, *contraction).emit();
      op.erase();
    }
  }
};

} // namespace
