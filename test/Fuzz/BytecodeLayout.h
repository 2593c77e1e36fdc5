//===- BytecodeLayout.h - A dialect's bytes in a file ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TEST_FUZZ_BYTECODELAYOUT_H
#define STAMP_TEST_FUZZ_BYTECODELAYOUT_H

#include "llvm/ADT/StringRef.h"

#include <vector>

/// The places in a bytecode file that code of the dialect reads: its version,
/// its attributes, and the properties of all ops. The rest is MLIR's alone.
///
/// Precondition: `file` is valid, and no larger than 4 GiB.
std::vector<size_t> placesReadByDialect(llvm::StringRef file,
                                        llvm::StringRef dialect);

#endif // STAMP_TEST_FUZZ_BYTECODELAYOUT_H
