//===- GoldenBytecodeTest.cpp - The golden file is complete ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// That it reads as what it was made from is tested in test/IR/Bytecode. Here,
// that no op and no attribute was forgotten.
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringSet.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace mlir;
using namespace stamp;

namespace {
/// What is in the golden file of this version.
class GoldenBytecode : public testing::Test {
protected:
  GoldenBytecode() {
    context.loadDialect<func::FuncDialect, StampDialect>();
    module = parseSourceFile<ModuleOp>(STAMP_GOLDEN_BYTECODE, &context);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(GoldenBytecode, HoldsEveryOp) {
  ASSERT_TRUE(module);
  llvm::StringSet<> held;
  module->walk(
      [&](Operation *op) { held.insert(op->getName().getStringRef()); });
  for (RegisteredOperationName name : context.getRegisteredOperationsByDialect(
           StampDialect::getDialectNamespace()))
    EXPECT_TRUE(held.contains(name.getStringRef()))
        << name.getStringRef().str();
}

template <typename... Attrs>
std::vector<std::string> missing(const DenseSet<TypeID> &held) {
  std::vector<std::string> names;
  auto note = [&](TypeID type, StringRef name) {
    if (!held.contains(type))
      names.push_back(name.str());
  };
  (note(TypeID::get<Attrs>(), Attrs::name), ...);
  return names;
}

TEST_F(GoldenBytecode, HoldsEveryAttribute) {
  ASSERT_TRUE(module);
  DenseSet<TypeID> held;
  AttrTypeWalker walker;
  walker.addWalk(
      [&](Attribute attribute) { held.insert(attribute.getTypeID()); });
  module->walk([&](Operation *op) { walker.walk(op->getAttrDictionary()); });
  std::vector<std::string> forgotten = missing<
#define GET_ATTRDEF_LIST
#include "stamp/IR/StampAttrs.cpp.inc"
      >(held);
  EXPECT_EQ(forgotten, std::vector<std::string>());
}
} // namespace
