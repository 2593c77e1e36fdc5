//===- Failure.h - how an error leaves compiled code ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Compiled code has no way to return an error: a check prints a message and
// aborts, a launch returns nothing. So whoever calls compiled code opens a
// guard, and a failure jumps back to it. The jump passes over compiled code
// alone, which has no destructors; what it had allocated on the device is
// released by a hook, its buffers on the host are lost.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_EXECUTION_RUNTIME_FAILURE_H
#define STAMP_EXECUTION_RUNTIME_FAILURE_H

#ifdef __cplusplus
#define STAMP_NORETURN [[noreturn]]
extern "C" {
#else
#define STAMP_NORETURN _Noreturn
#endif

/// Calls body(argument). 0 if it returns; 1 if it fails, and then
/// stampGetError() says why. Guards nest.
int stampGuard(void (*body)(void *), void *argument);

/// What the last failure in this thread was; valid until the next one.
const char *stampGetError(void);

/// Formats the message that stampGetError() returns.
__attribute__((format(printf, 1, 2))) void stampSetError(const char *format,
                                                         ...);

/// Goes back to the innermost guard of this thread. Without one the handler
/// gets the message; without a handler, or if it returns, the process prints
/// the message and aborts.
STAMP_NORETURN void stampFail(void);

/// For callers with a guard of their own, such as a JIT.
void stampSetFailureHandler(void (*handler)(const char *message));

/// What a guard calls before it reports a failure.
extern void (*stampReleaseHook)(int depth);

/// How many guards this thread is in.
int stampGetGuardDepth(void);

/// puts and abort for the checks of compiled code.
int stampCheckMessage(const char *message);
STAMP_NORETURN void stampCheckFailed(void);

#ifdef __cplusplus
}
#endif

#endif // STAMP_EXECUTION_RUNTIME_FAILURE_H
