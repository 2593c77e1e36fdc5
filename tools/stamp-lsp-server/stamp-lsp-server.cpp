//===- stamp-lsp-server.cpp - The language server --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-lsp-server with everything of upstream and our dialect; the upstream one
// loads no plugins.
//
//===----------------------------------------------------------------------===//

#include "stamp/Register.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  stamp::registerDialects(registry);
  stamp::registerExtensions(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
