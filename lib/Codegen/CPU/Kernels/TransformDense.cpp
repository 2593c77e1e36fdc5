//===- TransformDense.cpp - Products with a matrix --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// y = M·x for a constant M, a register tile at a time: a few rows of M, whose
// numbers for one token stand together, times a few vectors of columns.
//
//     table[tile][token][row of the tile]
//
//===----------------------------------------------------------------------===//

#include "TokenRows.h"

using namespace mlir;
using namespace stamp;

/// L or L⁻¹ where the length is the returned one, row-major.
static std::pair<int64_t, std::vector<float>>
getMatrix(const SequenceTransform &transform) {
  auto transpose = [](int64_t n, const std::vector<float> &matrix) {
    std::vector<float> result(matrix.size());
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j)
        result[j * n + i] = matrix[i * n + j];
    return result;
  };
  std::unique_ptr<Basis> basis = transform.basis.getBasis();
  auto &explicitBasis = static_cast<MatrixBasis &>(*basis);
  int64_t n = explicitBasis.getSize();
  if (transform.isForward())
    return {n, explicitBasis.getMatrix()};
  if (explicitBasis.getInverse())
    return {n, *explicitBasis.getInverse()};
  return {n, transpose(n, explicitBasis.getMatrix())};
}

static Value createTiles(KernelBuilder &b, int64_t n,
                         const std::vector<float> &matrix) {
  SmallVector<float> values;
  values.reserve(matrix.size());
  for (int64_t first = 0; first < n; first += b.tile.rows)
    for (int64_t token = 0; token < n; ++token)
      for (int64_t row = first; row < std::min(first + b.tile.rows, n); ++row)
        values.push_back(matrix[row * n + token]);
  return createTable(b, values);
}

void stamp::emitDense(KernelBuilder &b, const SequenceTransform &transform) {
  auto product = getMatrix(transform);
  int64_t n = product.first;
  SequenceLength sequence(b, transform);
  Value skipped = sequence.skipped;
  Value fits = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                             sequence.length, b.index(n));
  // Every other length is left as it is.
  copyRows(b, transform, b.index(0),
           b.select(fits, skipped, b.size(transform.x, 1)));
  if (std::optional<int64_t> known = transform.staticLength();
      known && *known != n)
    return;
  Value table = createTiles(b, n, product.second);

  int64_t vectors = b.tile.vectors;
  auto emitTile = [&](const TokenRows &from, const TokenRows &to,
                      const Columns &columns, Value first, int64_t numRows) {
    Value start = b.mul(first, n);
    Values zeros(numRows * vectors, b.zeros(b.getF32Type()));
    auto columnOf = [&](int64_t v) { return b.index(v * b.lanes()); };
    Values sums = b.loop(
        b.index(0), b.index(n), 1, zeros, [&](Value token, ValueRange carried) {
          Value place = from.find(b, token);
          Values x, next;
          for (int64_t v = 0; v < vectors; ++v)
            x.push_back(from.load(b, place, columnOf(v), columns.masks[v]));
          Value entry = b.add(start, b.mul(token, numRows));
          for (int64_t r = 0; r < numRows; ++r) {
            Value factor = b.splat(
                memref::LoadOp::create(b, table, ValueRange{b.add(entry, r)}));
            for (int64_t v = 0; v < vectors; ++v)
              next.push_back(
                  b.addF(carried[r * vectors + v], b.mulF(factor, x[v])));
          }
          return next;
        });
    for (int64_t r = 0; r < numRows; ++r) {
      Value place = to.find(b, b.add(first, r));
      for (int64_t v = 0; v < vectors; ++v)
        to.store(b, sums[r * vectors + v], place, columnOf(v),
                 columns.masks[v]);
    }
  };
  auto emitStrip = [&](const Columns &columns) {
    TokenRows from(transform.x, columns.sequence, skipped, columns.first);
    TokenRows to(transform.y, columns.sequence, skipped, columns.first);
    int64_t rest = n % b.tile.rows, whole = n - rest;
    b.loop(b.index(0), b.index(whole), b.tile.rows, [&](Value first) {
      emitTile(from, to, columns, first, b.tile.rows);
    });
    if (rest > 0)
      emitTile(from, to, columns, b.index(whole), rest);
  };
  b.branch(fits, [&] {
    forEachStrip(b, transform, vectors, b.index(vectors * b.lanes()),
                 emitStrip);
  });
}
