//===- Register.h - All that an embedder calls -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_REGISTER_H
#define STAMP_REGISTER_H

#include "stamp/Codegen/CPU/Passes.h"
#include "stamp/Codegen/GPU/Passes.h"
#include "stamp/Conversion/Passes.h"
#include "stamp/IR/Stamp.h"
#include "stamp/Pipelines/Pipelines.h"
#include "stamp/TransformOps/StampTransformOps.h"
#include "stamp/Transforms/Passes.h"

namespace stamp {

/// Makes the `stamp` dialect known to contexts made from `registry`.
inline void registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<StampDialect>();
}

/// Makes the `transform.stamp` ops known, and what our pipelines need beyond
/// upstream's registerAllDialects and registerAllExtensions. Who runs single
/// passes does without, and without linking StampTransformOps and
/// StampPipelines.
inline void registerExtensions(mlir::DialectRegistry &registry) {
  registerTransformDialectExtension(registry);
  registerGPUPipelineExtensions(registry);
}

/// Makes the `stamp-` passes and pipelines known by their flags.
inline void registerPasses() {
  registerStampTransformsPasses();
  registerStampConversionPasses();
  registerStampCodegenCPUPasses();
  registerStampCodegenGPUPasses();
  registerPipelines();
}

} // namespace stamp

#endif // STAMP_REGISTER_H
