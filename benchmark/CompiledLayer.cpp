//===- CompiledLayer.cpp - what STaMP compiles, for ctypes ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The driver times a function pointer, the same way for us as for everybody
// else; so this compiles a module and says where its function is. The weight is
// a resource of the module by name alone: its bytes are lent, not printed and
// parsed.
//
//===----------------------------------------------------------------------===//

#include "stamp/Execution/Jit.h"
#include "stamp/Register.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassRegistry.h"

#include <cstring>

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace {

void registerEverything(DialectRegistry &registry) {
  // Once in a process: the pass registry is global.
  [[maybe_unused]] static bool registered = [] {
    registerAllPasses();
    stamp::registerPasses();
    stamp::registerPipelines();
    return true;
  }();
  registerAllDialects(registry);
  registerAllExtensions(registry);
  stamp::registerDialects(registry);
  stamp::registerExtensions(registry);
}

} // namespace

/// A module compiled for this machine, with all that has to outlive its code.
struct StampLayer {
  StampLayer() { registerEverything(registry); }

  Error compile(StringRef text, StringRef pipeline, ArrayRef<float> weight,
                unsigned threads);

  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
  std::optional<stamp::Program> program;
  void *entry = nullptr;
};

Error StampLayer::compile(StringRef text, StringRef pipeline,
                          ArrayRef<float> weight, unsigned threads) {
  std::string diagnostics;
  context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      llvm::raw_string_ostream(diagnostics) << diagnostic << '\n';
    return success();
  });
  auto fail = [&](const llvm::Twine &message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   message + "\n" + diagnostics);
  };

  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(text, context.get());
  if (!module)
    return fail("the module does not parse");
  // The module has mentioned the resource, so there is an entry to fill.
  DenseResourceElementsHandle::getManagerInterface(context.get())
      .update("weight", UnmanagedAsmResourceBlob::allocateInferAlign(weight));

  stamp::CompileOptions options;
  options.threads = threads;
  bool parsed = true;
  options.buildPipeline = [&](OpPassManager &pm) {
    llvm::raw_string_ostream os(diagnostics);
    parsed = succeeded(parsePassPipeline(pipeline, pm, os));
  };
  Expected<stamp::Program> compiled = stamp::Program::compile(*module, options);
  if (!compiled)
    return fail(llvm::toString(compiled.takeError()));
  if (!parsed)
    return fail("the pipeline does not parse");
  program = std::move(*compiled);
  Expected<void *> address = program->lookup("linear");
  if (!address)
    return fail(llvm::toString(address.takeError()));
  entry = *address;
  return Error::success();
}

extern "C" {

/// Compiles `text`, whose constant `dense_resource<weight>` has the
/// `numElements` floats at `weight`, by `pipeline`, such as
/// "stamp-select,stamp-quantize", to run on so many threads. On failure null;
/// `message` then receives why.
StampLayer *stampCompileLayer(const char *text, const char *pipeline,
                              const float *weight, size_t numElements,
                              unsigned threads, char *message,
                              size_t messageSize) {
  auto layer = std::make_unique<StampLayer>();
  if (Error error =
          layer->compile(text, pipeline, {weight, numElements}, threads)) {
    std::string words = llvm::toString(std::move(error));
    std::strncpy(message, words.c_str(), messageSize - 1);
    message[messageSize - 1] = '\0';
    return nullptr;
  }
  return layer.release();
}

/// `_mlir_ciface_linear`: takes the addresses of two memref descriptors, the
/// result's first. The caller frees what the result's descriptor owns.
void *stampGetEntry(StampLayer *layer) { return layer->entry; }
}
