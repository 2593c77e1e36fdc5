//===- TilingTest.cpp - Fusing into tiled producers ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// No upstream transform op fuses a consumer into its tiled producer, so the
// methods for that are called here. The rest is in test/IR/tiling.mlir.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace stamp;

namespace {
constexpr const char *kProgram = R"mlir(
func.func @f(%q: tensor<12x8xi8>, %s: tensor<12xf32>, %z: tensor<12xi32>,
             %e: tensor<12x8xf32>) -> tensor<12x8xf32> {
  %d = stamp.dequantize over 1
      ins(%q, %s, %z : tensor<12x8xi8>, tensor<12xf32>, tensor<12xi32>)
      outs(%e : tensor<12x8xf32>)
  %t = stamp.transform #stamp.haar<levels = 2> along 0
      ins(%d : tensor<12x8xf32>) outs(%e : tensor<12x8xf32>)
  return %t : tensor<12x8xf32>
}
)mlir";

class TilingTest : public testing::Test {
protected:
  TilingTest() : builder(&context) {
    context.loadDialect<StampDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(kProgram, &context);
    module->walk([&](DequantizeOp op) { dequantize = op; });
    module->walk([&](TransformOp op) { transform = op; });
    builder.setInsertionPointAfter(transform);
  }

  SmallVector<OpFoldResult> indices(ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(&context, values);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  OpBuilder builder;
  DequantizeOp dequantize;
  TransformOp transform;
};

TEST_F(TilingTest, WholeAlongLoopsThatTheOperandLacks) {
  auto op = cast<TilingInterface>(dequantize.getOperation());
  SmallVector<OpFoldResult> offsets, sizes;
  ASSERT_TRUE(succeeded(op.getIterationDomainTileFromOperandTiles(
      builder, {1}, {indices({4})}, {indices({3})}, offsets, sizes)));
  EXPECT_EQ(getConstantIntValues(offsets), (SmallVector<int64_t>{4, 0}));
  EXPECT_EQ(getConstantIntValues(sizes), (SmallVector<int64_t>{3, 8}));
}

TEST_F(TilingTest, OperandsHaveToAgree) {
  auto op = cast<TilingInterface>(dequantize.getOperation());
  FailureOr<TilingResult> agreeing = op.getTiledImplementationFromOperandTiles(
      builder, {0, 2}, {indices({4, 0}), indices({4})},
      {indices({3, 8}), indices({3})});
  ASSERT_TRUE(succeeded(agreeing));
  EXPECT_EQ(cast<DequantizeOp>(agreeing->tiledOps.front())
                .getResult()
                .getType()
                .getShape(),
            (ArrayRef<int64_t>{3, 8}));
  EXPECT_TRUE(failed(op.getTiledImplementationFromOperandTiles(
      builder, {0, 2}, {indices({4, 0}), indices({6})},
      {indices({3, 8}), indices({3})})));
}

TEST_F(TilingTest, APartOfAMixedDimensionIsNoTile) {
  auto op = cast<TilingInterface>(transform.getOperation());
  FailureOr<TilingResult> columns = op.getTiledImplementationFromOperandTiles(
      builder, {0}, {indices({0, 4})}, {indices({12, 4})});
  ASSERT_TRUE(succeeded(columns));
  EXPECT_EQ(cast<TransformOp>(columns->tiledOps.front())
                .getResult()
                .getType()
                .getShape(),
            (ArrayRef<int64_t>{12, 4}));
  EXPECT_TRUE(failed(op.getTiledImplementationFromOperandTiles(
      builder, {0}, {indices({0, 0})}, {indices({4, 8})})));
}
} // namespace
