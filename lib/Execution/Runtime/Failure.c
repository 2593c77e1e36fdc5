//===- Failure.c - how an error leaves compiled code ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct Guard {
  jmp_buf target;
  struct Guard *outer;
  int depth;
};

static _Thread_local struct Guard *innermost;
static _Thread_local char text[1024];
static void (*failureHandler)(const char *);

void (*stampReleaseHook)(int depth);

int stampGuard(void (*body)(void *), void *argument) {
  struct Guard guard;
  guard.outer = innermost;
  guard.depth = stampGetGuardDepth() + 1;
  innermost = &guard;
  int failed = setjmp(guard.target);
  if (!failed)
    body(argument);
  else if (stampReleaseHook)
    stampReleaseHook(guard.depth);
  innermost = guard.outer;
  return failed;
}

int stampGetGuardDepth(void) { return innermost ? innermost->depth : 0; }

const char *stampGetError(void) { return text; }

void stampSetError(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
}

void stampFail(void) {
  if (innermost)
    longjmp(innermost->target, 1);
  if (failureHandler)
    failureHandler(text);
  fprintf(stderr, "error: %s\n", text);
  abort();
}

void stampSetFailureHandler(void (*handler)(const char *message)) {
  failureHandler = handler;
}

int stampCheckMessage(const char *message) {
  stampSetError("%s", message);
  return 0;
}

void stampCheckFailed(void) { stampFail(); }
