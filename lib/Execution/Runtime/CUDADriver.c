//===- CUDADriver.c - load the CUDA driver --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CUDADriver.h"

#include "Failure.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int stampLoadCUDADriver(struct CUDADriver *driver) {
  const char *chosen = getenv("STAMP_CUDA_DRIVER");
  const char *path = chosen && *chosen ? chosen : "libcuda.so.1";
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    stampSetError("there is no CUDA driver: %s", dlerror());
    return 1;
  }
  // The object and function pointers of POSIX have one representation.
#define STAMP_CUDA_LOOK_UP(name, symbol, parameters)                           \
  {                                                                            \
    void *address = dlsym(library, #symbol);                                   \
    if (!address) {                                                            \
      stampSetError("the CUDA driver '%s' is too old: it has no %s", path,     \
                    #symbol);                                                  \
      dlclose(library);                                                        \
      return 1;                                                                \
    }                                                                          \
    memcpy(&driver->name, &address, sizeof address);                           \
  }
  STAMP_CUDA_FUNCTIONS(STAMP_CUDA_LOOK_UP)
#undef STAMP_CUDA_LOOK_UP
#define STAMP_CUDA_TRY(name, symbol, parameters)                               \
  {                                                                            \
    void *address = dlsym(library, #symbol);                                   \
    memcpy(&driver->name, &address, sizeof address);                           \
  }
  STAMP_CUDA_OPTIONAL_FUNCTIONS(STAMP_CUDA_TRY)
#undef STAMP_CUDA_TRY
  return 0;
}

void stampSetCUDAError(const struct CUDADriver *driver, CUresult error,
                       const char *what) {
  const char *name = NULL, *text = NULL;
  if (driver->getErrorName(error, &name) != CUDA_SUCCESS || !name)
    name = "an error that the driver does not know";
  if (driver->getErrorString(error, &text) != CUDA_SUCCESS || !text)
    text = "no description";
  stampSetError("%s: %s (%d): %s", what, name, error, text);
}
