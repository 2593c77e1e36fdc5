//===- CEntries.cpp - the C functions of a compiled module ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// func.func @f(tensor<?x8xf32>) -> tensor<?x4xf32> becomes
//
//   int stamp_f(const float *in0, const int64_t in0_sizes[2],
//               float **out0, int64_t out0_sizes[2]);
//
// The function itself only gathers its parameters, in the order in which they
// are, and hands them to stampCallEntry with a description of the tensors: what
// there is to do and to check is written once, in C (lib/Execution/Runtime).
//
//===----------------------------------------------------------------------===//

#include "CEntries.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using llvm::StringLiteral;
using llvm::Twine;

namespace stamp {
namespace {

Error fail(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

struct CType {
  StringLiteral name;
  int64_t bytes;
  StringLiteral note;
};

std::optional<CType> getCType(Type element) {
  if (element.isF32())
    return CType{"float", 4, ""};
  if (element.isF64())
    return CType{"double", 8, ""};
  if (element.isF16())
    return CType{"uint16_t", 2, ", the bits of an IEEE half"};
  if (element.isBF16())
    return CType{"uint16_t", 2, ", the upper half of a float's bits"};
  if (element.isIndex())
    return CType{"int64_t", 8, ""};
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return CType{"uint8_t", 1, ", 0 or 1"};
  case 8:
    return isUnsigned ? CType{"uint8_t", 1, ""} : CType{"int8_t", 1, ""};
  case 16:
    return isUnsigned ? CType{"uint16_t", 2, ""} : CType{"int16_t", 2, ""};
  case 32:
    return isUnsigned ? CType{"uint32_t", 4, ""} : CType{"int32_t", 4, ""};
  case 64:
    return isUnsigned ? CType{"uint64_t", 8, ""} : CType{"int64_t", 8, ""};
  default:
    return std::nullopt;
  }
}

std::string toText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

Error checkTensor(StringRef function, StringRef role, unsigned number,
                  Type type) {
  std::string what = (role + " " + Twine(number) + " of '" + function +
                      "' has type '" + toText(type) + "'")
                         .str();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return fail(what + ": only ranked tensors can be passed");
  if (!getCType(tensor.getElementType()))
    return fail(what + ": C has no such element type");
  return Error::success();
}

Expected<CEntry> makeEntry(func::FuncOp function) {
  StringRef name = function.getName();
  if (function.isExternal())
    return fail("function '" + name + "' has no body");
  if (!function.isPublic())
    return fail("function '" + name + "' is private");
  if (!llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
    return fail("function '" + name + "' has a name that C does not take");
  FunctionType type = function.getFunctionType();
  for (auto [i, input] : llvm::enumerate(type.getInputs()))
    if (Error error = checkTensor(name, "argument", i, input))
      return std::move(error);
  for (auto [i, result] : llvm::enumerate(type.getResults()))
    if (Error error = checkTensor(name, "result", i, result))
      return std::move(error);
  return CEntry{name.str(), type};
}

SmallVector<int64_t> describe(FunctionType type) {
  SmallVector<int64_t> words = {type.getNumInputs(), type.getNumResults()};
  auto add = [&](Type each) {
    auto tensor = cast<RankedTensorType>(each);
    words.push_back(getCType(tensor.getElementType())->bytes);
    words.push_back(tensor.getRank());
    for (int64_t size : tensor.getShape())
      words.push_back(ShapedType::isDynamic(size) ? -1 : size);
  };
  llvm::for_each(type.getInputs(), add);
  llvm::for_each(type.getResults(), add);
  return words;
}

class EntryBuilder {
public:
  EntryBuilder(ModuleOp module, StringRef prefix)
      : module(module), loc(module.getLoc()), prefix(prefix),
        builder(OpBuilder::atBlockEnd(module.getBody())) {
    MLIRContext *context = module.getContext();
    pointer = LLVM::LLVMPointerType::get(context);
    none = LLVM::LLVMVoidType::get(context);
    i32 = builder.getI32Type();
    i64 = builder.getI64Type();
    callEntry =
        declare("stampCallEntry", i32, {pointer, pointer, pointer, pointer});
  }

  void addEntry(const CEntry &entry) {
    auto packed = addPacked(entry);
    auto name = addConstant("stamp_name_" + entry.name, entry.name);
    auto signature =
        addConstant("stamp_signature_" + entry.name, describe(entry.type));
    size_t count = 2 * (entry.type.getNumInputs() + entry.type.getNumResults());
    auto function = declare((prefix + "_" + entry.name).str(), i32,
                            SmallVector<Type>(count, pointer));
    OpBuilder inside = enter(function);
    Value parameters = LLVM::AllocaOp::create(
        inside, loc, pointer,
        LLVM::LLVMArrayType::get(pointer, std::max<size_t>(count, 1)),
        constant(inside, 1));
    for (size_t i = 0; i < count; ++i)
      LLVM::StoreOp::create(inside, loc, function.getArgument(i),
                            place(inside, parameters, i));
    Value result =
        LLVM::CallOp::create(
            inside, loc, callEntry,
            ValueRange{LLVM::AddressOfOp::create(inside, loc, name),
                       LLVM::AddressOfOp::create(inside, loc, signature),
                       LLVM::AddressOfOp::create(inside, loc, packed),
                       parameters})
            .getResult();
    LLVM::ReturnOp::create(inside, loc, result);
  }

  void addErrorFunction() {
    auto get = declare("stampGetError", pointer, {});
    auto function = declare((prefix + "_error").str(), pointer, {});
    OpBuilder inside = enter(function);
    Value text =
        LLVM::CallOp::create(inside, loc, get, ValueRange()).getResult();
    LLVM::ReturnOp::create(inside, loc, text);
  }

private:
  LLVM::LLVMFuncOp declare(const Twine &name, Type result,
                           ArrayRef<Type> arguments) {
    return LLVM::LLVMFuncOp::create(
        builder, loc, name.str(),
        LLVM::LLVMFunctionType::get(result, arguments));
  }

  OpBuilder enter(LLVM::LLVMFuncOp function) {
    OpBuilder inside(module.getContext());
    inside.setInsertionPointToEnd(function.addEntryBlock(inside));
    return inside;
  }

  Value constant(OpBuilder &at, int64_t value) {
    return LLVM::ConstantOp::create(at, loc, i64, at.getI64IntegerAttr(value));
  }

  Value place(OpBuilder &at, Value array, size_t index) {
    return LLVM::GEPOp::create(
        at, loc, pointer, pointer, array,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)});
  }

  LLVM::GlobalOp addConstant(const Twine &name, StringRef text) {
    std::string bytes = text.str();
    bytes.push_back('\0');
    return LLVM::GlobalOp::create(
        builder, loc,
        LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size()),
        /*isConstant=*/true, LLVM::Linkage::Internal, name.str(),
        builder.getStringAttr(bytes));
  }

  LLVM::GlobalOp addConstant(const Twine &name, ArrayRef<int64_t> words) {
    return LLVM::GlobalOp::create(builder, loc,
                                  LLVM::LLVMArrayType::get(i64, words.size()),
                                  /*isConstant=*/true, LLVM::Linkage::Internal,
                                  name.str(), builder.getI64TensorAttr(words));
  }

  /// void(void **): the pointers that the C interface of MLIR wants, in a row.
  LLVM::LLVMFuncOp addPacked(const CEntry &entry) {
    auto target =
        module.lookupSymbol<LLVM::LLVMFuncOp>("_mlir_ciface_" + entry.name);
    assert(target && "the lowering made no C interface");
    auto function =
        declare("stamp_packed_" + entry.name, none, {Type(pointer)});
    function.setLinkage(LLVM::Linkage::Internal);
    OpBuilder inside = enter(function);
    SmallVector<Value> arguments;
    for (size_t i = 0, n = target.getNumArguments(); i < n; ++i)
      arguments.push_back(LLVM::LoadOp::create(
          inside, loc, pointer, place(inside, function.getArgument(0), i)));
    LLVM::CallOp::create(inside, loc, target, arguments);
    LLVM::ReturnOp::create(inside, loc, ValueRange());
    return function;
  }

  ModuleOp module;
  Location loc;
  StringRef prefix;
  OpBuilder builder;
  Type pointer, none, i32, i64;
  LLVM::LLVMFuncOp callEntry;
};

} // namespace

Expected<std::vector<CEntry>> findCEntries(ModuleOp module,
                                           ArrayRef<std::string> names) {
  std::vector<CEntry> entries;
  auto add = [&](func::FuncOp function) -> Error {
    auto entry = makeEntry(function);
    if (!entry)
      return entry.takeError();
    entries.push_back(std::move(*entry));
    return Error::success();
  };
  for (const std::string &name : names) {
    auto function = module.lookupSymbol<func::FuncOp>(name);
    if (!function)
      return fail("there is no function '" + name + "'");
    if (Error error = add(function))
      return std::move(error);
  }
  if (names.empty())
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal())
        if (Error error = add(function))
          return std::move(error);
  if (entries.empty())
    return fail("the module has no public function with a body");
  return entries;
}

void addCEntries(ModuleOp module, ArrayRef<CEntry> entries, StringRef prefix) {
  EntryBuilder builder(module, prefix);
  for (const CEntry &entry : entries)
    builder.addEntry(entry);
  builder.addErrorFunction();
}

std::string writeCHeader(ArrayRef<CEntry> entries, StringRef prefix) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::string guard = prefix.upper() + "_MODEL_H";
  os << "/* Written by stamp-compile. */\n#ifndef " << guard << "\n#define "
     << guard << "\n\n#include <stdint.h>\n\n#ifdef __cplusplus\n"
     << "extern \"C\" {\n#endif\n\n"
     << "/* A function returns 0, or 1 and " << prefix
     << "_error() says why. Arrays are row-major\n * and contiguous. Results "
        "are the caller's, who frees each with free(). */\n"
     << "const char *" << prefix << "_error(void);\n";
  for (const CEntry &entry : entries) {
    os << "\n/* " << entry.name << ": " << entry.type << '\n';
    SmallVector<std::string> parameters;
    auto add = [&](Type type, StringRef role, size_t number, bool isResult) {
      auto tensor = cast<RankedTensorType>(type);
      CType c = *getCType(tensor.getElementType());
      if (!c.note.empty())
        os << " * " << role << number << ": " << tensor.getElementType()
           << c.note << '\n';
      std::string name = (role + Twine(number)).str();
      std::string rank = std::to_string(std::max<int64_t>(tensor.getRank(), 1));
      parameters.push_back(isResult ? (c.name + " **" + name).str()
                                    : ("const " + c.name + " *" + name).str());
      parameters.push_back((isResult ? "int64_t " : "const int64_t ") + name +
                           "_sizes[" + rank + "]");
    };
    for (auto [i, type] : llvm::enumerate(entry.type.getInputs()))
      add(type, "in", i, false);
    for (auto [i, type] : llvm::enumerate(entry.type.getResults()))
      add(type, "out", i, true);
    os << " */\nint " << prefix << '_' << entry.name << '(';
    if (parameters.empty())
      os << "void";
    std::string indent(prefix.size() + entry.name.size() + 6, ' ');
    llvm::interleave(parameters, os, ",\n" + indent);
    os << ");\n";
  }
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
  return text;
}

} // namespace stamp
