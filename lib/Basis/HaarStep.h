//===- HaarStep.h - One Haar step and its lengths ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// The 1-D and the 2-D transform are made of the same step.
//
//===---------------------------------------------------------------------===//

#ifndef STAMP_LIB_BASIS_HAARSTEP_H
#define STAMP_LIB_BASIS_HAARSTEP_H

#include <cstdint>

namespace stamp {

/// n rows become coarseHalf(n) coarse and detailHalf(n) detail rows; the odd
/// one, if there is one, is coarse.
inline int64_t coarseHalf(int64_t n) { return n - n / 2; }
inline int64_t detailHalf(int64_t n) { return n / 2; }

/// The fewest rows that have a pair left at level `levels`: 2^(levels−1) + 1.
inline int64_t fewestRowsFor(int64_t levels) {
  return (int64_t(1) << (levels - 1)) + 1;
}

/// sum = (u + v)·c and difference = (u − v)·c with c = 1/√2, a row each: the
/// step is its own inverse. The outputs may be the inputs.
template <typename T>
void haarStep(const T *u, const T *v, T *sum, T *difference, int64_t features) {
  constexpr T c = static_cast<T>(0.70710678118654752440);
  for (int64_t j = 0; j < features; ++j) {
    T first = u[j], second = v[j];
    sum[j] = (first + second) * c;
    difference[j] = (first - second) * c;
  }
}

/// Additions and multiplications of a step, per feature.
constexpr double kHaarStepFlops = 4;

} // namespace stamp

#endif // STAMP_LIB_BASIS_HAARSTEP_H
