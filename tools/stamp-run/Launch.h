//===- Launch.h - kernels called by hand ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_TOOLS_STAMP_RUN_LAUNCH_H
#define STAMP_TOOLS_STAMP_RUN_LAUNCH_H

#include "stamp/Execution/Jit.h"

namespace stamp {

/// A launch as the user wrote it:
///
///   module::kernel<<<grid, block, shared>>>(x.npy, i32[4x8], 7) -> y.npy
///
/// Grid and block are 3 or 3x2x1; shared, in bytes, may be left out. Arguments
/// are a file, a buffer that nobody has written to, or an integer. The paths
/// after the arrow take the buffers that are no files, in order; missing ones
/// are dropped.
struct LaunchCommand {
  KernelLaunch launch;
  /// The arguments that are buffers but no files.
  llvm::SmallVector<size_t> outputs;
  llvm::SmallVector<std::string> outputPaths;
};

/// Reads the files, too, and looks for the kernel in the module.
llvm::Expected<LaunchCommand> parseLaunch(llvm::StringRef text,
                                          mlir::ModuleOp module);

llvm::Error run(LaunchCommand &command, const Program &program);

} // namespace stamp

#endif // STAMP_TOOLS_STAMP_RUN_LAUNCH_H
