//===- Entry.h - compiled functions as C functions --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_EXECUTION_RUNTIME_ENTRY_H
#define STAMP_EXECUTION_RUNTIME_ENTRY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Behind each C function that stamp-compile writes. Calls `packed`, which
/// takes the pointers that _mlir_ciface_function wants, in a row.
///
/// `signature` is the number of arguments and of results, and for each of them
/// the bytes of an element, the rank, and the sizes, −1 for any.
/// `parameters` are the C function's: the data and the sizes of each argument,
/// and where to put data and sizes of each result.
///
/// 0, or 1 and stampGetError() says why.
int stampCallEntry(const char *function, const int64_t *signature,
                   void (*packed)(void **), void **parameters);

#ifdef __cplusplus
}
#endif

#endif // STAMP_EXECUTION_RUNTIME_ENTRY_H
