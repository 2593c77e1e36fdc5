//===- StampContenders.cpp - what STaMP compiles ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Contender.h"

#include "stamp/Execution/Jit.h"
#include "stamp/Transforms/Passes.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cstring>

using namespace mlir;
using namespace stamp::bench;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using stamp::NpyArray;

namespace {

constexpr StringRef kEntry = "linear";

/// The elements as MLIR's hexadecimal literal.
std::string toHex(llvm::ArrayRef<float> values) {
  StringRef bytes(reinterpret_cast<const char *>(values.data()),
                  values.size() * sizeof(float));
  return "\"0x" + llvm::toHex(bytes) + "\"";
}

std::string writeModule(const LinearLayer &layer) {
  auto [tokens, features, channels] = layer.shape;
  std::string x = llvm::formatv("tensor<{0}x{1}xf32>", tokens, features);
  std::string w = llvm::formatv("tensor<{0}x{1}xf32>", features, channels);
  std::string y = llvm::formatv("tensor<{0}x{1}xf32>", tokens, channels);
  std::string b = llvm::formatv("tensor<{0}xf32>", channels);
  return llvm::formatv(R"mlir(
func.func @{0}(%x: {1}) -> {3} {{
  %weight = arith.constant dense<{5}> : {2}
  %bias = arith.constant dense<{6}> : {4}
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : {3}
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : {3}) -> {3}
  %product = linalg.matmul ins(%x, %weight : {1}, {2}) outs(%zeros : {3}) -> {3}
  %y = linalg.generic {{
      indexing_maps = [affine_map<(t, n) -> (t, n)>, affine_map<(t, n) -> (n)>,
                       affine_map<(t, n) -> (t, n)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%product, %bias : {3}, {4}) outs(%empty : {3}) {{
  ^bb0(%p: f32, %b: f32, %out: f32):
    %sum = arith.addf %p, %b : f32
    linalg.yield %sum : f32
  } -> {3}
  return %y : {3}
}
)mlir",
                       kEntry, x, w, y, b, toHex(layer.weight),
                       toHex(layer.bias));
}

class CompiledLayer final : public PreparedLayer {
public:
  CompiledLayer(stamp::Program program, const LinearLayer &layer)
      : program(std::move(program)) {
    input.shape = {layer.shape.tokens, layer.shape.features};
    auto *bytes = reinterpret_cast<const char *>(layer.x.data());
    input.bytes.assign(bytes, bytes + layer.x.size() * sizeof(float));
  }

  Expected<std::vector<float>> compute() override {
    auto results = program.call(kEntry, input);
    if (!results)
      return results.takeError();
    const NpyArray &result = results->front();
    std::vector<float> y(result.getNumElements());
    std::memcpy(y.data(), result.bytes.data(), result.bytes.size());
    return y;
  }

  Expected<double> measure(unsigned numRuns) override {
    auto time = program.measure(kEntry, input, numRuns);
    if (!time)
      return time.takeError();
    return time->medianSeconds;
  }

private:
  stamp::Program program;
  NpyArray input;
};

/// `basis` is empty for the f32 layer.
Expected<std::unique_ptr<PreparedLayer>>
compile(MLIRContext &context, StringRef basis, const LinearLayer &layer) {
  auto fail = [](const char *message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  };
  auto module = parseSourceString<ModuleOp>(writeModule(layer), &context);
  if (!module)
    return fail("the benchmark's own module does not parse");
  if (!basis.empty()) {
    // The widths of activations and weights are the pass's defaults.
    stamp::StampSelectOptions select;
    select.basis = basis.str();
    PassManager pm(&context);
    pm.addPass(stamp::createStampSelect(select));
    pm.addPass(stamp::createStampQuantize());
    pm.addPass(stamp::createStampFold());
    if (failed(pm.run(*module)))
      return fail("quantizing the layer failed");
  }
  auto program = stamp::Program::compile(*module);
  if (!program)
    return program.takeError();
  return std::make_unique<CompiledLayer>(std::move(*program), layer);
}

} // namespace

std::vector<Contender> stamp::bench::makeStampContenders(MLIRContext &context) {
  auto contender = [&](StringRef name, StringRef basis) {
    Contender contender;
    contender.name = name.str();
    contender.prepare = [&context, basis](const LinearLayer &layer) {
      return compile(context, basis, layer);
    };
    return contender;
  };
  Contender dct = contender("dct", "#stamp.dct");
  // It multiplies by a dense tokens × tokens matrix: seconds at 2048 tokens.
  dct.maxTokens = 512;
  return {contender(kFloat, ""),
          contender(kStampOff, "#stamp.identity"),
          contender("haar3", "#stamp.haar<levels = 3>"),
          contender("haar5", "#stamp.haar<levels = 5>"),
          std::move(dct),
          contender("wht", "#stamp.wht")};
}
