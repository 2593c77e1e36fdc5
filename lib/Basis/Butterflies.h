//===- Butterflies.h - Sylvester's matrix in place -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#ifndef STAMP_LIB_BASIS_BUTTERFLIES_H
#define STAMP_LIB_BASIS_BUTTERFLIES_H

#include "stamp/Basis/Basis.h"

#include <cmath>

namespace stamp {

/// X ← H·X, where H is the natural Sylvester matrix, ±1, of the order x.count,
/// a power of two: (x₀ + x₁, x₀ − x₁) at strides 1, 2, 4, ….
template <typename T> void multiplyBySylvester(Rows<T> x) {
  for (int64_t stride = 1; stride < x.count; stride *= 2)
    for (int64_t pair = 0; pair < x.count; pair += 2 * stride)
      for (int64_t i = pair; i < pair + stride; ++i) {
        T *u = x[i], *v = x[i + stride];
        for (int64_t j = 0; j < x.features; ++j) {
          T first = u[j], second = v[j];
          u[j] = first + second;
          v[j] = first - second;
        }
      }
}

/// 2^(−m/2), by which H of order 2^m becomes orthonormal.
inline double sylvesterNorm(int64_t m) {
  return std::ldexp(m % 2 ? 0.70710678118654752440 : 1.0,
                    -static_cast<int>(m / 2));
}

} // namespace stamp

#endif // STAMP_LIB_BASIS_BUTTERFLIES_H
