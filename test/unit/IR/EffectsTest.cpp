//===- EffectsTest.cpp - What ops on buffers read and write ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// No upstream pass that stamp-opt has tells a read from a write of the same op,
// so the effects are asked for here. The rest is in test/IR/effects.mlir.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace stamp;

namespace {
constexpr const char *kProgram = R"mlir(
func.func @f(%x: memref<12x8xf32>, %q: memref<12x8xi8>, %s: memref<12xf32>,
             %z: memref<12xi32>, %row: index, %rows: index) {
  stamp.quantize #stamp.schedule<[], 4> along 0 over 1 rows at %row of %rows
      ins(%x : memref<12x8xf32>)
      outs(%q, %s, %z : memref<12x8xi8>, memref<12xf32>, memref<12xi32>)
  return
}
)mlir";

TEST(EffectsTest, InputsAreReadAndInitsAreWritten) {
  MLIRContext context;
  context.loadDialect<StampDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(kProgram, &context);
  ASSERT_TRUE(module);
  QuantizeOp quantize;
  module->walk([&](QuantizeOp op) { quantize = op; });

  SmallVector<MemoryEffects::EffectInstance> effects;
  quantize.getEffects(effects);
  ASSERT_EQ(effects.size(), 4u);
  for (const MemoryEffects::EffectInstance &effect : effects) {
    bool isInput = effect.getValue() == quantize.getInput();
    EXPECT_EQ(isa<MemoryEffects::Read>(effect.getEffect()), isInput);
    EXPECT_EQ(isa<MemoryEffects::Write>(effect.getEffect()), !isInput);
  }
  EXPECT_EQ(quantize.getSpeculatability(), Speculation::NotSpeculatable);
}

/// The golden file holds every op, on tensors.
TEST(EffectsTest, EveryOpOnTensorsIsPure) {
  MLIRContext context;
  context.loadDialect<StampDialect, func::FuncDialect>();
  OwningOpRef<Operation *> module =
      parseSourceFile(STAMP_GOLDEN_BYTECODE, &context);
  ASSERT_TRUE(module);
  int64_t numOps = 0;
  (*module)->walk([&](Operation *op) {
    if (!isa_and_nonnull<StampDialect>(op->getDialect()))
      return;
    ++numOps;
    EXPECT_TRUE(isPure(op)) << op->getName().getStringRef().str();
  });
  EXPECT_GE(numOps, 10);
}
} // namespace
