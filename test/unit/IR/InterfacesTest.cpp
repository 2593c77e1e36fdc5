//===- InterfacesTest.cpp - What every op of ours implements ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Interfaces.md says which test proves what an interface does. This one
// sees to it that no op comes without one.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace {
template <typename Interface>
void expectEverywhere(MLIRContext &context, StringRef interface) {
  int64_t numOps = 0;
  for (RegisteredOperationName op : context.getRegisteredOperations()) {
    if (op.getDialectNamespace() != "stamp")
      continue;
    ++numOps;
    EXPECT_TRUE(op.hasInterface<Interface>())
        << op.getStringRef().str() << " lacks " << interface.str();
  }
  EXPECT_GE(numOps, 6);
}

TEST(Interfaces, EveryOpHasThemAll) {
  MLIRContext context;
  context.loadDialect<stamp::StampDialect>();
  expectEverywhere<BytecodeOpInterface>(context, "bytecode");
  expectEverywhere<ConditionallySpeculatable>(context, "speculation");
  expectEverywhere<DestinationStyleOpInterface>(context, "destination style");
  expectEverywhere<InferTypeOpInterface>(context, "result types");
  expectEverywhere<MemoryEffectOpInterface>(context, "memory effects");
  expectEverywhere<ReifyRankedShapedTypeOpInterface>(context, "shapes");
  expectEverywhere<TilingInterface>(context, "tiling");
  expectEverywhere<ValueBoundsOpInterface>(context, "value bounds");
  expectEverywhere<bufferization::BufferizableOpInterface>(context,
                                                           "bufferization");
}
} // namespace
