//===- Tool.h - what our tools that run modules have in common --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_TOOLS_TOOL_H
#define STAMP_TOOLS_TOOL_H

#include "stamp/Register.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

#include <cstdlib>
#include <memory>

namespace stamp::tool {

inline llvm::Error fail(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Everything of upstream and everything of ours.
inline mlir::DialectRegistry makeRegistry() {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  stamp::registerDialects(registry);
  stamp::registerExtensions(registry);
  return registry;
}

using Sources = std::shared_ptr<llvm::SourceMgr>;

inline llvm::Expected<Sources> openModule(llvm::StringRef path) {
  std::string message;
  // Bytecode wants its resources aligned.
  auto file = mlir::openInputFile(path, llvm::Align(64), &message);
  if (!file)
    return fail(message);
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  return sources;
}

/// `path` is for the message.
inline llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
parseModule(const Sources &sources, llvm::StringRef path,
            mlir::MLIRContext &context) {
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
  if (!module)
    return fail("'" + path + "' is not a valid module");
  return module;
}

/// What main returns.
inline int finish(llvm::StringRef tool, llvm::Error error) {
  if (!error)
    return EXIT_SUCCESS;
  llvm::WithColor::error(llvm::errs(), tool)
      << llvm::toString(std::move(error)) << '\n';
  return EXIT_FAILURE;
}

} // namespace stamp::tool

#endif // STAMP_TOOLS_TOOL_H
