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
#include "llvm/Support/CommandLine.h"

namespace cl = llvm::cl;

/// Sets one of mlir-opt's options, unless the user does.
static void setDefault(llvm::StringRef option, llvm::StringRef value) {
  cl::Option *known = cl::getRegisteredOptions().lookup(option);
  if (known->getNumOccurrences() == 0)
    known->addOccurrence(/*pos=*/0, option, value, /*MultiArg=*/true);
}

static cl::opt<bool> showRemarks(
    "stamp-remarks",
    cl::desc("Show what the stamp passes did, and what they left and why; "
             "short for --remarks-filter=\"stamp.*\" "
             "--remark-format=emitRemark"),
    cl::callback([](const bool &show) {
      if (!show)
        return;
      setDefault("remarks-filter", "stamp.*");
      setDefault("remark-format", "emitRemark");
    }));

static cl::opt<bool> showStatistics(
    "stamp-statistics",
    cl::desc("Show what the stamp passes have counted; short for "
             "--remarks-filter-analyse=\"stamp.*\" "
             "--remark-format=emitRemark"),
    cl::callback([](const bool &show) {
      if (!show)
        return;
      setDefault("remarks-filter-analyse", "stamp.*");
      setDefault("remark-format", "emitRemark");
    }));

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
