//===- JitTest.cpp - compiling and calling ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "stamp/Execution/Jit.h"

#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace stamp;

namespace {

NpyArray makeArray(ArrayRef<float> values) {
  NpyArray array;
  array.shape = {static_cast<int64_t>(values.size())};
  auto *bytes = reinterpret_cast<const char *>(values.data());
  array.bytes.assign(bytes, bytes + values.size() * sizeof(float));
  return array;
}

class Jit : public testing::Test {
protected:
  Jit() {
    mlir::DialectRegistry registry;
    mlir::registerAllDialects(registry);
    context.appendDialectRegistry(registry);
  }

  Program compile(StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    return cantFail(Program::compile(*module));
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(Jit, LeavesInputsAsTheyWere) {
  Program program = compile(R"(
    func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
      %c1 = arith.constant 1 : index
      %v = tensor.extract %x[%c1] : tensor<?xf32>
      %w = arith.addf %v, %v : f32
      %y = tensor.insert %w into %x[%c1] : tensor<?xf32>
      return %y : tensor<?xf32>
    })");
  NpyArray input = makeArray({1, 2, 3});
  for (int i = 0; i < 3; ++i) {
    std::vector<NpyArray> results = cantFail(program.call("main", input));
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].bytes, makeArray({1, 4, 3}).bytes);
    EXPECT_EQ(input.bytes, makeArray({1, 2, 3}).bytes);
  }
  EXPECT_TRUE(bool(program.measure("main", input, 3)));
  EXPECT_EQ(input.bytes, makeArray({1, 2, 3}).bytes);
}

TEST_F(Jit, RefusesWhatCannotBeCalled) {
  Program program = compile(R"(
    func.func @main(%x: tensor<3xf32>) { return }
    func.func @scalar(%x: f32) { return })");
  EXPECT_EQ(toString(program.call("scalar", {}).takeError()),
            "there is no callable function 'scalar'");
  EXPECT_EQ(toString(program.call("main", {}).takeError()),
            "'main' takes 1 inputs, 0 given");
  EXPECT_EQ(toString(program.call("main", makeArray({1, 2})).takeError()),
            "input 0 of 'main' is float32[2] where 'tensor<3xf32>' is "
            "expected: the sizes differ");
  EXPECT_TRUE(cantFail(program.call("main", makeArray({1, 2, 3}))).empty());
}

} // namespace
