//===- Launch.cpp - kernels called by hand ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace stamp;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

static Error fail(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// "3" or "3x2x1"
static bool parseDim(StringRef text, uint64_t (&dim)[3]) {
  SmallVector<StringRef> pieces;
  text.trim().split(pieces, 'x');
  if (pieces.size() > 3)
    return false;
  for (auto [i, piece] : llvm::enumerate(pieces))
    if (piece.getAsInteger(10, dim[i]))
      return false;
  return true;
}

static bool parseConfiguration(StringRef text, KernelLaunch &launch) {
  SmallVector<StringRef> pieces;
  text.split(pieces, ',');
  if (pieces.size() < 2 || pieces.size() > 3 ||
      !parseDim(pieces[0], launch.grid) || !parseDim(pieces[1], launch.block))
    return false;
  return pieces.size() == 2 ||
         !pieces[2].trim().getAsInteger(10, launch.sharedBytes);
}

static std::optional<ElementKind> parseKind(StringRef name) {
  return llvm::StringSwitch<std::optional<ElementKind>>(name)
      .Case("i8", ElementKind::Int8)
      .Case("i16", ElementKind::Int16)
      .Case("i32", ElementKind::Int32)
      .Case("i64", ElementKind::Int64)
      .Case("f16", ElementKind::Float16)
      .Case("f32", ElementKind::Float32)
      .Case("f64", ElementKind::Float64)
      .Default(std::nullopt);
}

/// "i32[4x8]": bytes that a kernel should not rely on.
static std::optional<NpyArray> parseBuffer(StringRef text) {
  constexpr char kPoison = '\xcd';
  auto [name, shape] = text.split('[');
  std::optional<ElementKind> kind = parseKind(name);
  if (!kind || !shape.consume_back("]"))
    return std::nullopt;
  NpyArray array;
  array.kind = *kind;
  SmallVector<StringRef> sizes;
  shape.split(sizes, 'x');
  uint64_t numBytes = getByteSize(*kind);
  for (StringRef size : sizes) {
    int64_t &extent = array.shape.emplace_back();
    if (size.getAsInteger(10, extent) || extent < 0)
      return std::nullopt;
    numBytes *= extent;
  }
  array.bytes.assign(numBytes, kPoison);
  return array;
}

static Error checkKernel(const KernelLaunch &launch, ModuleOp module) {
  auto container = module.lookupSymbol<gpu::GPUModuleOp>(launch.module);
  if (!container)
    return fail("there is no gpu.module '" + launch.module + "'");
  auto kernel = container.lookupSymbol<LLVM::LLVMFuncOp>(launch.kernel);
  if (!kernel)
    return fail("gpu.module '" + launch.module + "' has no kernel '" +
                launch.kernel + "' in the NVVM dialect");
  if (kernel.getNumArguments() != launch.arguments.size())
    return fail("kernel '" + launch.kernel + "' takes " +
                Twine(kernel.getNumArguments()) + " arguments, " +
                Twine(launch.arguments.size()) + " given");
  for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    bool isBuffer = std::holds_alternative<NpyArray>(launch.arguments[i]);
    bool isRight =
        isBuffer ? isa<LLVM::LLVMPointerType>(type)
                 : isa<IntegerType>(type) && type.getIntOrFloatBitWidth() <= 64;
    if (!isRight)
      return fail("argument " + Twine(i) + " of kernel '" + launch.kernel +
                  "' is no " + (isBuffer ? "pointer" : "integer"));
  }
  return Error::success();
}

Expected<LaunchCommand> stamp::parseLaunch(StringRef text, ModuleOp module) {
  auto malformed = [&] {
    return fail("malformed --launch '" + text +
                "': expected 'module::kernel<<<grid, block[, shared]>>>"
                "(x.npy | i32[4x8] | 7, ...) -> y.npy, ...'");
  };
  LaunchCommand command;
  KernelLaunch &launch = command.launch;
  auto [name, afterName] = text.split("<<<");
  auto [configuration, afterConfiguration] = afterName.split(">>>");
  auto [container, kernel] = name.split("::");
  StringRef arguments = afterConfiguration.trim();
  if (container.trim().empty() || kernel.trim().empty() ||
      !parseConfiguration(configuration, launch) ||
      !arguments.consume_front("(") || !arguments.contains(')'))
    return malformed();
  launch.module = container.trim().str();
  launch.kernel = kernel.trim().str();

  auto [list, outputs] = arguments.split(')');
  SmallVector<StringRef> pieces;
  if (!list.trim().empty())
    list.split(pieces, ',');
  for (StringRef piece : pieces) {
    piece = piece.trim();
    int64_t number;
    if (!piece.getAsInteger(10, number)) {
      launch.arguments.emplace_back(static_cast<uint64_t>(number));
    } else if (std::optional<NpyArray> buffer = parseBuffer(piece)) {
      command.outputs.push_back(launch.arguments.size());
      launch.arguments.emplace_back(std::move(*buffer));
    } else {
      Expected<NpyArray> array = readNpy(piece);
      if (!array)
        return array.takeError();
      launch.arguments.emplace_back(std::move(*array));
    }
  }
  outputs = outputs.trim();
  if (!outputs.empty()) {
    if (!outputs.consume_front("->"))
      return malformed();
    pieces.clear();
    outputs.split(pieces, ',');
    for (StringRef piece : pieces)
      command.outputPaths.push_back(piece.trim().str());
  }
  if (command.outputPaths.size() > command.outputs.size())
    return fail("--launch '" + text + "' has " + Twine(command.outputs.size()) +
                " buffers, " + Twine(command.outputPaths.size()) +
                " outputs given");
  if (Error error = checkKernel(launch, module))
    return std::move(error);
  return command;
}

Error stamp::run(LaunchCommand &command, const Program &program) {
  if (Error error = program.launch(command.launch))
    return error;
  auto path = command.outputPaths.begin();
  for (size_t argument : command.outputs) {
    if (path == command.outputPaths.end())
      break;
    const auto &array = std::get<NpyArray>(command.launch.arguments[argument]);
    if (Error error = writeNpy(*path++, array))
      return error;
  }
  return Error::success();
}
