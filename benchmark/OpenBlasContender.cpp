//===- OpenBlasContender.cpp - the f32 layer by OpenBLAS --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Loaded into this process, so that it is timed in the same rounds as everybody
// else.
//
//===----------------------------------------------------------------------===//

#include "Contender.h"

#include "llvm/ADT/STLExtras.h"

#include <chrono>
#include <cstdlib>
#include <dlfcn.h>

using namespace stamp::bench;
using llvm::Error;
using llvm::Expected;

namespace {

/// cblas_sgemm with 64-bit integers.
using Sgemm = void (*)(int order, int transposeA, int transposeB, int64_t m,
                       int64_t n, int64_t k, float alpha, const float *a,
                       int64_t lda, const float *b, int64_t ldb, float beta,
                       float *c, int64_t ldc);
constexpr int kRowMajor = 101;
constexpr int kNoTranspose = 111;

class OpenBlasLayer final : public PreparedLayer {
public:
  OpenBlasLayer(Sgemm sgemm, const LinearLayer &layer)
      : sgemm(sgemm), layer(layer), y(layer.expected.size()) {}

  Expected<std::vector<float>> compute() override {
    run();
    return y;
  }

  Expected<double> measure(unsigned numRuns) override {
    using Clock = std::chrono::steady_clock;
    run();
    std::vector<double> seconds;
    for (unsigned i = 0; i < numRuns; ++i) {
      auto start = Clock::now();
      run();
      std::chrono::duration<double> elapsed = Clock::now() - start;
      seconds.push_back(elapsed.count());
    }
    llvm::sort(seconds);
    return seconds[numRuns / 2];
  }

private:
  /// Y = 1bᵀ, then Y += X·W.
  void run() {
    auto [tokens, features, channels] = layer.shape;
    for (int64_t t = 0; t < tokens; ++t)
      llvm::copy(layer.bias, y.begin() + t * channels);
    sgemm(kRowMajor, kNoTranspose, kNoTranspose, tokens, channels, features,
          /*alpha=*/1, layer.x.data(), features, layer.weight.data(), channels,
          /*beta=*/1, y.data(), channels);
  }

  Sgemm sgemm;
  const LinearLayer &layer;
  std::vector<float> y;
};

} // namespace

Expected<Contender>
stamp::bench::makeOpenBlasContender(const std::string &libraryPath) {
  auto fail = [] {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), dlerror());
  };
  // It reads them when it is loaded: one thread, and its own choice of kernels.
  setenv("OPENBLAS_NUM_THREADS", "1", /*overwrite=*/1);
  unsetenv("OPENBLAS_CORETYPE");
  unsetenv("OPENBLAS_L2_SIZE");
  void *library = dlopen(libraryPath.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail();
  auto sgemm = reinterpret_cast<Sgemm>(dlsym(library, "scipy_cblas_sgemm64_"));
  if (!sgemm)
    return fail();
  Contender contender;
  contender.name = kOpenBlas.str();
  contender.prepare = [sgemm](const LinearLayer &layer)
      -> Expected<std::unique_ptr<PreparedLayer>> {
    return std::make_unique<OpenBlasLayer>(sgemm, layer);
  };
  return contender;
}
