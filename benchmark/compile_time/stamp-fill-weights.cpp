//===- stamp-fill-weights.cpp - Random weights for a model -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads a model whose `dense_resource` constants have no data, gives each
// random f32 weights, and writes it as bytecode. As text, weights of gigabytes
// would have to be printed and parsed as hexadecimal digits.
//
//===----------------------------------------------------------------------===//

#include "stamp/Register.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
namespace cl = llvm::cl;

static cl::opt<std::string> inputPath(cl::Positional, cl::Required,
                                      cl::desc("<model>"));
static cl::opt<std::string> outputPath("o", cl::Required,
                                       cl::value_desc("file"));
static cl::opt<bool> inlined("dense",
                             cl::desc("Make them dense attributes instead of "
                                      "resources"));

/// Floats in (−1/32, 1/32), all different but for chance.
static AsmResourceBlob makeWeights(int64_t count, uint32_t seed) {
  AsmResourceBlob blob =
      HeapAsmResourceBlob::allocate(count * sizeof(float), /*align=*/64);
  auto *weights = reinterpret_cast<float *>(blob.getMutableData().data());
  uint32_t state = seed;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    weights[i] = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-36f;
  }
  return blob;
}

/// The number of bytes of all weights.
static size_t fillWeights(ModuleOp module) {
  size_t bytes = 0;
  uint32_t seed = 0;
  module->walk([&](arith::ConstantOp constant) {
    auto weight = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
    if (!weight || weight.getRawHandle().getBlob())
      return;
    AsmResourceBlob blob =
        makeWeights(weight.getType().getNumElements(), ++seed);
    bytes += blob.getData().size();
    if (inlined)
      constant.setValueAttr(DenseElementsAttr::getFromRawBuffer(
          weight.getType(), blob.getData()));
    else
      weight.getRawHandle().getResource()->setBlob(std::move(blob));
  });
  return bytes;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv,
                              "fills a model with random weights and prints "
                              "the number of their bytes\n");
  DialectRegistry registry;
  registerAllDialects(registry);
  stamp::registerDialects(registry);
  MLIRContext context(registry);
  auto module = parseSourceFile<ModuleOp>(inputPath, &context);
  if (!module)
    return EXIT_FAILURE;
  llvm::outs() << fillWeights(*module) << '\n';

  std::error_code error;
  llvm::ToolOutputFile output(outputPath, error, llvm::sys::fs::OF_None);
  if (error) {
    llvm::WithColor::error(llvm::errs(), "stamp-fill-weights")
        << outputPath << ": " << error.message() << '\n';
    return EXIT_FAILURE;
  }
  if (failed(writeBytecodeToFile(*module, output.os())))
    return EXIT_FAILURE;
  output.keep();
  return EXIT_SUCCESS;
}
