//===- LinearLayer.h - what is timed ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_BENCHMARK_LINEARLAYER_H
#define STAMP_BENCHMARK_LINEARLAYER_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace stamp::bench {

/// M×K times K×N.
struct Shape {
  int64_t tokens;
  int64_t features;
  int64_t channels;

  /// "512x120x360".
  std::string str() const;
  /// A multiplication and an addition for each product. Transforms and
  /// quantization are a contender's own expense and do not count.
  double getOps() const { return 2.0 * tokens * features * channels; }
};

/// Y = X·W + 1bᵀ in f32, row-major, and Y as double precision has it.
struct LinearLayer {
  Shape shape;
  std::vector<float> x;
  std::vector<float> weight;
  std::vector<float> bias;
  std::vector<double> expected;
};

/// X is correlated along the sequence and has loud channels, as activations
/// have; the same shape always gives the same layer.
LinearLayer makeLinearLayer(Shape shape);

/// The signal-to-noise ratio of `y` against the layer's exact output, in dB.
double getSqnr(const LinearLayer &layer, llvm::ArrayRef<float> y);

} // namespace stamp::bench

#endif // STAMP_BENCHMARK_LINEARLAYER_H
