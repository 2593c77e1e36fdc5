// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls a function of one f32 array and one f32 result in a library that
// stamp-compile has written, through dlopen:
//
//     call_library <library> <function> <x> <y> <size>...
//
// Files hold the elements alone. Repeats the call CALLS times, if that is set.

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_RANK = 4 };

typedef int Function(const float *x, const int64_t *xSizes, float **y,
                     int64_t *ySizes);

static void check(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "%s\n", what);
  exit(2);
}

int main(int argc, char **argv) {
  check(argc >= 5 && argc - 5 <= MAX_RANK, "usage");
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  check(library != NULL, library ? "" : dlerror());
  char name[256];
  snprintf(name, sizeof name, "stamp_%s", argv[2]);
  Function *function = (Function *)dlsym(library, name);
  const char *(*getError)(void) =
      (const char *(*)(void))dlsym(library, "stamp_error");
  check(function && getError, "no such function");

  int rank = argc - 5;
  int64_t sizes[MAX_RANK], resultSizes[MAX_RANK];
  size_t count = 1;
  for (int d = 0; d < rank; ++d) {
    sizes[d] = atoll(argv[5 + d]);
    count *= (size_t)sizes[d];
  }
  float *x = malloc(4 * count + 4);
  FILE *file = fopen(argv[3], "rb");
  check(file && fread(x, 4, count, file) == count, argv[3]);
  fclose(file);

  const char *calls = getenv("CALLS");
  int status = 0;
  for (int i = 0, n = calls ? atoi(calls) : 1; i < n; ++i) {
    float *y = NULL;
    if (function(x, sizes, &y, resultSizes)) {
      fprintf(stderr, "error: %s\n", getError());
      status = 1;
      continue;
    }
    status = 0;
    size_t resultCount = 1;
    for (int d = 0; d < rank; ++d)
      resultCount *= (size_t)resultSizes[d];
    file = fopen(argv[4], "wb");
    check(file && fwrite(y, 4, resultCount, file) == resultCount, argv[4]);
    fclose(file);
    free(y);
  }
  free(x);
  dlclose(library);
  return status;
}
