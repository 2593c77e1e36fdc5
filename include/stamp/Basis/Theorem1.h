//===- Theorem1.h - The bound on the quantization error --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// Theorem 1 of arXiv 2510.26771: what a plan costs in accuracy, before any
// data is quantized.
//
//===---------------------------------------------------------------------===//

#ifndef STAMP_BASIS_THEOREM1_H
#define STAMP_BASIS_THEOREM1_H

#include <cstdint>
#include <vector>

namespace stamp {

/// For an orthonormal L and the activation quantizer,
///
///   ‖X − L⁻¹Q(LX)‖² ≤ (D/2)·Σᵢ eᵢ/(2^{bᵢ} − 1)²
///
/// with eᵢ = ‖(LX)ᵢ‖² the energy of coefficient row i, bᵢ its bits and D the
/// number of features: the error of an element is at most s/2, and the squared
/// range of a row, widened to hold 0, at most 2eᵢ. The row (a, −a) reaches
/// equality. Precondition: as many bits as energies.
double theorem1Bound(const std::vector<double> &energies,
                     const std::vector<int> &bits, int64_t features);

} // namespace stamp

#endif // STAMP_BASIS_THEOREM1_H
