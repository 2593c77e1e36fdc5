//===- stamp-opt.cpp - The optimizer driver --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-opt with everything of upstream and everything of ours.
//
//===----------------------------------------------------------------------===//

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
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "STaMP optimizer driver\n", registry));
}
