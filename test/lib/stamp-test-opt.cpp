//===- stamp-test-opt.cpp - stamp-opt with a stranger's basis --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Slant.h"
#include "stamp/Register.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  stamp::registerDialects(registry);
  stamp::registerExtensions(registry);
  stamp::registerPasses();
  registry.insert<slant::SlantDialect>();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "STaMP optimizer test driver\n", registry));
}
