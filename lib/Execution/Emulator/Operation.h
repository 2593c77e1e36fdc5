//===- Operation.h - how lanes meet for an operation ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_LIB_EXECUTION_EMULATOR_OPERATION_H
#define STAMP_LIB_EXECUTION_EMULATOR_OPERATION_H

#include "Machine.h"

namespace stamp::emulator {

enum class Operation : uint32_t {
  Shuffle,
  Vote,
  Redux,
  SyncWarp,
  Elect,
  Match,
  LoadMatrix,
  StoreMatrix,
  Multiply,
  Wgmma,
  WgmmaCommit,
  WgmmaWait,
};

/// Lanes whose keys differ do not meet.
uint64_t makeKey(Operation operation, uint32_t qualifiers);

/// Waits for the lanes of the mask; the last one acts for all.
void meetWarp(const Request &request,
              llvm::function_ref<void(llvm::ArrayRef<Thread *>)> perform);

} // namespace stamp::emulator

#endif // STAMP_LIB_EXECUTION_EMULATOR_OPERATION_H
