//===- CompiledLayer.cpp - what STaMP compiles, for ctypes ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The driver times a function pointer, the same way for us as for everybody
// else; so this compiles a module and says where its function is. Weights are
// resources of the module by name alone: their bytes are lent, not printed and
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

extern "C" {
/// The elements of a constant `dense_resource<name>` of f32.
struct StampWeight {
  const char *name;
  const float *data;
  size_t size;
};
}

/// A module compiled for this machine, with all that has to outlive its code.
struct StampLayer {
  StampLayer() { registerEverything(registry); }

  Error compile(StringRef text, StringRef pipeline, StringRef function,
                ArrayRef<StampWeight> weights, unsigned threads);

  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
  std::optional<stamp::Program> program;
  void *entry = nullptr;
};

Error StampLayer::compile(StringRef text, StringRef pipeline,
                          StringRef function, ArrayRef<StampWeight> weights,
                          unsigned threads) {
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
  // The module has mentioned the resources, so there are entries to fill.
  auto &resources =
      DenseResourceElementsHandle::getManagerInterface(context.get());
  for (const StampWeight &weight : weights)
    resources.update(weight.name, UnmanagedAsmResourceBlob::allocateInferAlign(
                                      ArrayRef(weight.data, weight.size)));

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
  Expected<void *> address = program->lookup(function);
  if (!address)
    return fail(llvm::toString(address.takeError()));
  entry = *address;
  return Error::success();
}

extern "C" {

/// Compiles `text` by `pipeline`, such as "stamp-select,stamp-quantize", to run
/// on so many threads. On failure null; `message` then receives why.
StampLayer *stampCompileLayer(const char *text, const char *pipeline,
                              const char *function, const StampWeight *weights,
                              size_t numWeights, unsigned threads,
                              char *message, size_t messageSize) {
  auto layer = std::make_unique<StampLayer>();
  if (Error error = layer->compile(text, pipeline, function,
                                   {weights, numWeights}, threads)) {
    std::string words = llvm::toString(std::move(error));
    std::strncpy(message, words.c_str(), messageSize - 1);
    message[messageSize - 1] = '\0';
    return nullptr;
  }
  return layer.release();
}

/// `_mlir_ciface_…`: takes the address of the results' memref descriptors, one
/// behind the other, and of each argument's. The caller frees what the results'
/// descriptors own.
void *stampGetEntry(StampLayer *layer) { return layer->entry; }
}
