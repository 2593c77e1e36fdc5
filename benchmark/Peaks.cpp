//===- Peaks.cpp - what the machine can do at best --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Loops that do nothing but one thing: multiply and add in registers, or read
// memory. Each is compiled for the instructions it is about and called only
// where the CPU has them. Independent accumulators cover the latency.
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sched.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace {

constexpr int kNumAccumulators = 16;

/// A loop, and the operations of one turn: a multiplication and an addition for
/// each lane (or byte) of each accumulator.
struct Kernel {
  void (*run)(int64_t numTurns) = nullptr;
  int64_t opsPerTurn = 0;
};

#if defined(__x86_64__)

// NOLINTBEGIN(bugprone-macro-parentheses): VECTOR is a type.
// The loops are macros, for a function without AVX-512 can neither pass on a
// __m512i nor be inlined into one with it. The assembly says that the operands
// may be anything, and that the sums are read.
#define DEFINE_LOOP(NAME, TARGET, VECTOR, ZERO, STEP)                          \
  __attribute__((target(TARGET))) void NAME(int64_t numTurns) {                \
    VECTOR a = ZERO, b = ZERO, accumulators[kNumAccumulators];                 \
    asm volatile("" : "+v"(a), "+v"(b));                                       \
    _Pragma("unroll") for (VECTOR &c : accumulators) c = ZERO;                 \
    for (int64_t i = 0; i < numTurns; ++i) {                                   \
      _Pragma("unroll") for (VECTOR &c : accumulators) c = STEP(c, a, b);      \
    }                                                                          \
    _Pragma("unroll") for (VECTOR &c : accumulators) asm volatile("" :         \
                                                                  "+v"(c));    \
  }
#define FMA_512(c, a, b) _mm512_fmadd_ps(a, b, c)
#define FMA_256(c, a, b) _mm256_fmadd_ps(a, b, c)
DEFINE_LOOP(dotZmm, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(),
            _mm512_dpbusd_epi32)
DEFINE_LOOP(dotYmm, "avx2,avxvnni", __m256i, _mm256_setzero_si256(),
            _mm256_dpbusd_avx_epi32)
DEFINE_LOOP(fmaZmm, "avx512f", __m512, _mm512_setzero_ps(), FMA_512)
DEFINE_LOOP(fmaYmm, "avx2,fma", __m256, _mm256_setzero_ps(), FMA_256)
#undef FMA_256
#undef FMA_512
#undef DEFINE_LOOP
// NOLINTEND(bugprone-macro-parentheses)

Kernel chooseDot() {
  if (__builtin_cpu_supports("avx512vnni"))
    return {dotZmm, 2L * 64 * kNumAccumulators};
  if (__builtin_cpu_supports("avxvnni"))
    return {dotYmm, 2L * 32 * kNumAccumulators};
  return {};
}

Kernel chooseFma() {
  if (__builtin_cpu_supports("avx512f"))
    return {fmaZmm, 2L * 16 * kNumAccumulators};
  if (__builtin_cpu_supports("fma"))
    return {fmaYmm, 2L * 8 * kNumAccumulators};
  return {};
}

#elif defined(__aarch64__)

/// Tells the compiler that `value` is read, and that it may be anything.
template <typename T> void keep(T &value) { asm volatile("" : "+w"(value)); }

__attribute__((target("dotprod"))) void dotNeon(int64_t numTurns) {
  int8x16_t a = vdupq_n_s8(0), b = a;
  int32x4_t accumulators[kNumAccumulators] = {};
  keep(a);
  keep(b);
  for (int64_t i = 0; i < numTurns; ++i) {
#pragma unroll
    for (int32x4_t &c : accumulators)
      c = vdotq_s32(c, a, b);
  }
#pragma unroll
  for (int32x4_t &c : accumulators)
    keep(c);
}

void fmaNeon(int64_t numTurns) {
  float32x4_t a = vdupq_n_f32(0), b = a;
  float32x4_t accumulators[kNumAccumulators] = {};
  keep(a);
  keep(b);
  for (int64_t i = 0; i < numTurns; ++i) {
#pragma unroll
    for (float32x4_t &c : accumulators)
      c = vfmaq_f32(c, a, b);
  }
#pragma unroll
  for (float32x4_t &c : accumulators)
    keep(c);
}

Kernel chooseDot() {
  if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP)
    return {dotNeon, 2L * 16 * kNumAccumulators};
  return {};
}

Kernel chooseFma() { return {fmaNeon, 2L * 4 * kNumAccumulators}; }

#else

Kernel chooseDot() { return {}; }
Kernel chooseFma() { return {}; }

#endif

/// Reads `numBytes`, a multiple of 512, in the widest vectors there are.
#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
void readAll(const char *data, int64_t numBytes) {
  using Vector = uint64_t __attribute__((vector_size(64)));
  Vector sums[8] = {};
  for (int64_t i = 0; i < numBytes; i += sizeof(sums))
#pragma unroll
    for (int j = 0; j < 8; ++j)
      sums[j] ^= *reinterpret_cast<const Vector *>(data + i + j * 64);
  Vector sum = {};
#pragma unroll
  for (Vector &s : sums)
    sum ^= s;
  uint64_t folded = 0;
  for (int lane = 0; lane < 8; ++lane)
    folded ^= sum[lane];
  asm volatile("" : : "r"(folded));
}

/// Calls `work(i)` on a thread of its own on each of the CPUs; they start
/// together.
template <typename Work>
void runOnCpus(const int *cpus, int numThreads, Work work) {
  std::atomic<int> numReady = 0;
  std::vector<std::thread> threads;
  threads.reserve(numThreads);
  for (int i = 0; i < numThreads; ++i)
    threads.emplace_back([&, i] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpus[i], &one);
      pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
      ++numReady;
      while (numReady < numThreads)
        sched_yield();
      work(i);
    });
  for (std::thread &thread : threads)
    thread.join();
}

int64_t runKernel(Kernel kernel, const int *cpus, int numThreads,
                  int64_t numTurns) {
  if (!kernel.run)
    return 0;
  runOnCpus(cpus, numThreads, [=](int) { kernel.run(numTurns); });
  return kernel.opsPerTurn * numTurns * numThreads;
}

} // namespace

extern "C" {

/// These two return the number of operations done: 0 where the CPU lacks the
/// instruction.
int64_t stampPeakDot(const int *cpus, int numThreads, int64_t numTurns) {
  return runKernel(chooseDot(), cpus, numThreads, numTurns);
}

int64_t stampPeakFma(const int *cpus, int numThreads, int64_t numTurns) {
  return runKernel(chooseFma(), cpus, numThreads, numTurns);
}

/// Reads the buffer `numPasses` times, each thread its own part; returns the
/// number of bytes read. `data` has to be aligned to 64 bytes.
int64_t stampPeakRead(const int *cpus, int numThreads, const char *data,
                      int64_t numBytes, int64_t numPasses) {
  constexpr int64_t kGranule = 512;
  int64_t bytesPerThread = numBytes / numThreads / kGranule * kGranule;
  runOnCpus(cpus, numThreads, [=](int i) {
    for (int64_t pass = 0; pass < numPasses; ++pass)
      readAll(data + i * bytesPerThread, bytesPerThread);
  });
  return bytesPerThread * numThreads * numPasses;
}
}
