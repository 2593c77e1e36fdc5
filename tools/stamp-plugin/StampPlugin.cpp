//===- StampPlugin.cpp - The door into mlir-opt ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What mlir-opt asks of --load-dialect-plugin and of --load-pass-plugin. One
// file serves both flags.
//
//===----------------------------------------------------------------------===//

#include "stamp/Register.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

static void registerStampDialects(mlir::DialectRegistry *registry) {
  stamp::registerDialects(*registry);
  stamp::registerExtensions(*registry);
}

mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "stamp", STAMP_VERSION,
          registerStampDialects};
}

mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "stamp", STAMP_VERSION,
          stamp::registerPasses};
}
