//===- Theorem1.cpp - The bound on the quantization error ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//

#include "stamp/Basis/Theorem1.h"

#include <cassert>
#include <cmath>

using namespace stamp;

double stamp::theorem1Bound(const std::vector<double> &energies,
                            const std::vector<int> &bits, int64_t features) {
  assert(energies.size() == bits.size());
  double sum = 0;
  for (size_t i = 0; i < energies.size(); ++i) {
    double steps = std::ldexp(1.0, bits[i]) - 1.0;
    sum += energies[i] / (steps * steps);
  }
  return 0.5 * static_cast<double>(features) * sum;
}
