//===- Contender.h - a way to compute the linear layer ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A new peer is one more Contender: a file of its own that makes it, and a line
// in stamp-benchmark.cpp that enters it.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_BENCHMARK_CONTENDER_H
#define STAMP_BENCHMARK_CONTENDER_H

#include "LinearLayer.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <limits>
#include <memory>

namespace stamp::bench {

/// The layer with its weight compiled in, packed or whatever else a contender
/// does to it before the first input comes.
class PreparedLayer {
public:
  virtual ~PreparedLayer() = default;

  virtual llvm::Expected<std::vector<float>> compute() = 0;

  /// The median of `numRuns` runs on one thread, in seconds, after at least one
  /// that does not count. A run starts from X and ends with Y, both f32 in
  /// memory.
  virtual llvm::Expected<double> measure(unsigned numRuns) = 0;
};

struct Contender {
  std::string name;
  /// The layer outlives what is prepared from it.
  std::function<llvm::Expected<std::unique_ptr<PreparedLayer>>(
      const LinearLayer &)>
      prepare;
  /// Longer sequences would take this contender too long.
  int64_t maxTokens = std::numeric_limits<int64_t>::max();
};

/// The names of the contenders that others are compared with.
constexpr llvm::StringLiteral kFloat = "f32";
constexpr llvm::StringLiteral kOpenBlas = "openblas";
constexpr llvm::StringLiteral kStampOff = "off";

/// The f32 layer, the quantized layer without a transform, and with one: all
/// compiled by the CPU pipeline.
std::vector<Contender> makeStampContenders(mlir::MLIRContext &context);

/// cblas_sgemm out of the OpenBLAS library that a NumPy wheel carries.
llvm::Expected<Contender> makeOpenBlasContender(const std::string &libraryPath);

} // namespace stamp::bench

#endif // STAMP_BENCHMARK_CONTENDER_H
