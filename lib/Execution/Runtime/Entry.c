//===- Entry.c - compiled functions as C functions ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A tensor travels as MLIR's memref descriptor, a row of 64-bit words:
//
//   allocated | aligned | offset | sizes[rank] | strides[rank]
//
// `_mlir_ciface_f` takes a pointer to one descriptor per argument, and before
// them, if there are results, a pointer to all result descriptors in a row.
//
//===----------------------------------------------------------------------===//

#include "Entry.h"

#include "Failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Tensor {
  int64_t elementBytes, rank;
  const int64_t *sizes; ///< that its type has; −1 for any
  int64_t *words;       ///< its descriptor
};

struct Call {
  const char *function;
  void (*packed)(void **);
  void **parameters;
  int64_t numArguments, numResults;
  struct Tensor *tensors; ///< the arguments, then the results
  void **pointers;        ///< what `packed` takes
};

static void takeArgument(const struct Call *call, int64_t number) {
  struct Tensor tensor = call->tensors[number];
  const void *data = call->parameters[2 * number];
  const int64_t *sizes = call->parameters[2 * number + 1];
  if (tensor.rank > 0 && !sizes) {
    stampSetError("argument %" PRId64 " of '%s' has a null pointer for sizes",
                  number, call->function);
    stampFail();
  }
  int64_t stride = 1;
  for (int64_t d = tensor.rank - 1; d >= 0; --d) {
    if (sizes[d] < 0 || (tensor.sizes[d] >= 0 && sizes[d] != tensor.sizes[d])) {
      char expected[32] = "0 or more";
      if (tensor.sizes[d] >= 0)
        snprintf(expected, sizeof expected, "%" PRId64, tensor.sizes[d]);
      stampSetError("argument %" PRId64 " of '%s' has %" PRId64
                    " elements along dimension %" PRId64 ", and %s expected",
                    number, call->function, sizes[d], d, expected);
      stampFail();
    }
    tensor.words[3 + d] = sizes[d];
    tensor.words[3 + tensor.rank + d] = stride;
    stride *= sizes[d];
  }
  if (stride > 0 && !data) {
    stampSetError("argument %" PRId64 " of '%s' is a null pointer", number,
                  call->function);
    stampFail();
  }
  tensor.words[0] = tensor.words[1] = (int64_t)(intptr_t)data;
  tensor.words[2] = 0;
}

static void run(void *argument) {
  struct Call *call = argument;
  for (int64_t i = 0; i < call->numArguments; ++i)
    takeArgument(call, i);
  call->packed(call->pointers);
}

static size_t countBytes(struct Tensor tensor) {
  size_t bytes = (size_t)tensor.elementBytes;
  for (int64_t d = 0; d < tensor.rank; ++d)
    bytes *= (size_t)tensor.words[3 + d];
  return bytes;
}

/// The caller frees each result by itself. Where one is not just what malloc
/// gave, or is another one's buffer too, it gets a copy; a null pointer tells
/// that there is no memory for it.
static void *takeResult(const struct Tensor *results, int64_t number) {
  struct Tensor tensor = results[number];
  int isOwn = tensor.words[0] == tensor.words[1] && tensor.words[2] == 0;
  for (int64_t i = 0; i < number; ++i)
    isOwn &= results[i].words[0] != tensor.words[0];
  if (isOwn)
    return (void *)(intptr_t)tensor.words[0];
  size_t bytes = countBytes(tensor);
  void *copy = malloc(bytes ? bytes : 1);
  if (copy && bytes)
    memcpy(copy,
           (const char *)(intptr_t)tensor.words[1] +
               tensor.words[2] * tensor.elementBytes,
           bytes);
  return copy;
}

static int handOver(const struct Call *call) {
  const struct Tensor *results = call->tensors + call->numArguments;
  void **parameters = call->parameters + 2 * call->numArguments;
  int failed = 0;
  for (int64_t i = 0; i < call->numResults; ++i) {
    void *data = takeResult(results, i);
    failed |= !data && countBytes(results[i]) > 0;
    *(void **)parameters[2 * i] = data;
    int64_t *sizes = parameters[2 * i + 1];
    if (sizes)
      memcpy(sizes, results[i].words + 3, 8 * (size_t)results[i].rank);
  }
  // What has been copied is needed no more.
  for (int64_t i = 0; i < call->numResults; ++i) {
    void *allocated = (void *)(intptr_t)results[i].words[0];
    int isNeeded = 0;
    for (int64_t k = 0; k < call->numResults; ++k)
      isNeeded |= *(void **)parameters[2 * k] == allocated;
    for (int64_t k = 0; k < i; ++k)
      isNeeded |= results[k].words[0] == results[i].words[0];
    if (!isNeeded)
      free(allocated);
  }
  if (failed)
    stampSetError("out of memory for a result of '%s'", call->function);
  return failed;
}

int stampCallEntry(const char *function, const int64_t *signature,
                   void (*packed)(void **), void **parameters) {
  struct Call call = {function,     packed,        parameters,    signature[0],
                      signature[1], /*tensors=*/0, /*pointers=*/0};
  int64_t numTensors = call.numArguments + call.numResults;
  const int64_t *next = signature + 2;
  int64_t numWords = 0;
  for (int64_t i = 0; i < numTensors; ++i) {
    numWords += 3 + 2 * next[1];
    next += 2 + next[1];
  }
  call.tensors = calloc((size_t)numTensors + 1, sizeof *call.tensors);
  call.pointers = calloc((size_t)numTensors + 1, sizeof *call.pointers);
  int64_t *words = calloc((size_t)numWords + 1, sizeof *words);
  int failed = !call.tensors || !call.pointers || !words;
  if (failed) {
    stampSetError("out of memory for a call of '%s'", function);
  } else {
    next = signature + 2;
    int64_t *place = words;
    for (int64_t i = 0; i < numTensors; ++i) {
      call.tensors[i] = (struct Tensor){next[0], next[1], next + 2, place};
      place += 3 + 2 * next[1];
      next += 2 + next[1];
    }
    void **pointer = call.pointers;
    if (call.numResults > 0)
      *pointer++ = call.tensors[call.numArguments].words;
    for (int64_t i = 0; i < call.numArguments; ++i)
      *pointer++ = call.tensors[i].words;
    failed = stampGuard(run, &call) || handOver(&call);
  }
  free(words);
  free(call.pointers);
  free(call.tensors);
  return failed;
}
