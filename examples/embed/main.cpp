//===- main.cpp - STaMP in somebody else's compiler ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiler that builds a linear layer, has STaMP quantize it and prints what
// is left: upstream dialects only.
//
//===----------------------------------------------------------------------===//

#include "stamp/Register.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

/// func @linear(%x: tensor<512x120xf32>) -> tensor<512x360xf32>: x·W, W
/// constant.
static OwningOpRef<ModuleOp> buildLinear(MLIRContext &context) {
  OpBuilder b(&context);
  Location loc = b.getUnknownLoc();
  auto inputType = RankedTensorType::get({512, 120}, b.getF32Type());
  auto weightType = RankedTensorType::get({120, 360}, b.getF32Type());
  auto resultType = RankedTensorType::get({512, 360}, b.getF32Type());

  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  b.setInsertionPointToStart(module->getBody());
  auto function = func::FuncOp::create(
      b, loc, "linear", b.getFunctionType({inputType}, {resultType}));
  b.setInsertionPointToStart(function.addEntryBlock());

  SmallVector<float> weight;
  for (int64_t i = 0; i < weightType.getNumElements(); ++i)
    weight.push_back(float(i % 7 - 3) / 8);
  Value w = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(weightType, ArrayRef(weight)));
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  Value empty =
      tensor::EmptyOp::create(b, loc, resultType.getShape(), b.getF32Type());
  Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  auto product = linalg::MatmulOp::create(
      b, loc, ValueRange{function.getArgument(0), w}, ValueRange{init});
  func::ReturnOp::create(b, loc, product.getResults());
  return module;
}

int main() {
  DialectRegistry registry;
  registry.insert<func::FuncDialect>();
  stamp::registerDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();

  OwningOpRef<ModuleOp> module = buildLinear(context);
  if (failed(verify(*module)))
    return 1;

  stamp::StampSelectOptions layers;
  layers.basis = "#stamp.dct";
  PassManager passes(&context);
  passes.addPass(stamp::createStampSelect(layers));
  passes.addPass(stamp::createStampQuantize());
  passes.addPass(stamp::createStampFold());
  passes.addPass(stamp::createStampToLinalg());
  if (failed(passes.run(*module)))
    return 1;

  module->print(
      llvm::outs(),
      OpPrintingFlags().elideLargeElementsAttrs().elideLargeResourceString());
}
