//===- DenseProduct.h - A matrix along the sequence ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// For bases that have no fast algorithm, or none yet.
//
//===---------------------------------------------------------------------===//

#ifndef STAMP_LIB_BASIS_DENSEPRODUCT_H
#define STAMP_LIB_BASIS_DENSEPRODUCT_H

#include "stamp/Basis/Basis.h"

#include <algorithm>
#include <vector>

namespace stamp {

/// X ← M·X, or Mᵀ·X if `transposed`, for a square M of x.count rows.
///
/// Works on a few columns at a time, so that they stay in the cache for every
/// row of M. Sums run over short stretches of tokens first: the rounding error
/// of one long sum would grow with the sequence and past 10⁻⁶.
template <typename T, typename Coefficient>
void multiplyInPlace(const std::vector<Coefficient> &matrix, bool transposed,
                     Rows<T> x) {
  constexpr int64_t kColumns = 128, kStretch = 16;
  int64_t n = x.count;
  std::vector<T> columns(n * kColumns);
  for (int64_t first = 0; first < x.features; first += kColumns) {
    int64_t width = std::min(kColumns, x.features - first);
    for (int64_t i = 0; i < n; ++i)
      std::copy_n(x[i] + first, width, &columns[i * kColumns]);
    for (int64_t k = 0; k < n; ++k) {
      T sum[kColumns] = {};
      for (int64_t begin = 0; begin < n; begin += kStretch) {
        T partial[kColumns] = {};
        int64_t end = std::min(begin + kStretch, n);
        for (int64_t i = begin; i < end; ++i) {
          T m = static_cast<T>(transposed ? matrix[i * n + k]
                                          : matrix[k * n + i]);
          const T *row = &columns[i * kColumns];
          for (int64_t j = 0; j < width; ++j)
            partial[j] += m * row[j];
        }
        for (int64_t j = 0; j < width; ++j)
          sum[j] += partial[j];
      }
      std::copy_n(sum, width, x[k] + first);
    }
  }
}

/// Additions and multiplications of the product, per feature.
inline double denseFlops(int64_t n) {
  return 2.0 * static_cast<double>(n) * static_cast<double>(n);
}

} // namespace stamp

#endif // STAMP_LIB_BASIS_DENSEPRODUCT_H
