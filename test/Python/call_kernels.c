// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls f(x) -> (y, v), which stamp-cpu-pipeline has compiled, on arrays of
// f32:
//
//     call_kernels <rank> {<x> <size>... <y> <v>}...
//
// Files hold the elements alone. An x ends where its page does (but for SLACK
// bytes), starts at an address that is a multiple of 4 and often of nothing
// more, and what follows cannot be read.

#define _DEFAULT_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef SLACK
#define SLACK 0
#endif

enum { MAX_RANK = 4 };

// MLIR's memref: allocated, aligned, offset, sizes, strides.
typedef int64_t Descriptor[3 + 2 * MAX_RANK];

void _mlir_ciface_f(int64_t *results, int64_t *x);

static void check(int ok, const char *what) {
  if (ok)
    return;
  perror(what);
  exit(1);
}

static float *readAtEndOfPage(const char *path, size_t count) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 4 * count;
  size_t pages = (bytes + SLACK + page - 1) / page + 1;
  char *memory = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "mmap");
  char *end = memory + (pages - 1) * page;
  check(mprotect(end, page, PROT_NONE) == 0, "mprotect");
  end -= SLACK;
  FILE *file = fopen(path, "rb");
  check(file != NULL, path);
  check(fread(end - bytes, 1, bytes, file) == bytes, path);
  fclose(file);
  return (float *)(end - bytes);
}

static void writeResult(const char *path, const int64_t *result, int rank) {
  size_t count = 1;
  for (int d = 0; d < rank; ++d)
    count *= (size_t)result[3 + d];
  FILE *file = fopen(path, "wb");
  check(file != NULL, path);
  const float *data = (const float *)result[1] + result[2];
  check(fwrite(data, 4, count, file) == count, path);
  check(fclose(file) == 0, path);
}

int main(int argc, char **argv) {
  int rank = argc > 1 ? atoi(argv[1]) : 0;
  if (rank < 1 || rank > MAX_RANK || (argc - 2) % (rank + 3) != 0)
    return 2;
  for (char **call = argv + 2; call < argv + argc; call += rank + 3) {
    Descriptor x = {0};
    size_t count = 1;
    for (int d = rank - 1; d >= 0; --d) {
      x[3 + d] = atoll(call[1 + d]);
      x[3 + rank + d] = (int64_t)count;
      count *= (size_t)x[3 + d];
    }
    x[0] = x[1] = (int64_t)readAtEndOfPage(call[0], count);
    int64_t results[2 * (3 + 2 * MAX_RANK)];
    _mlir_ciface_f(results, x);
    writeResult(call[rank + 1], results, rank);
    writeResult(call[rank + 2], results + 3 + 2 * rank, rank);
  }
  return 0;
}

#ifdef __x86_64__
// LLVM scalarizes masked stores of bf16 by way of f32 and back. compiler-rt has
// this, and libgcc only since its version 13.
__bf16 __truncsfbf2(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  bits = value != value ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
  uint16_t high = (uint16_t)(bits >> 16);
  __bf16 result;
  memcpy(&result, &high, 2);
  return result;
}
#endif
