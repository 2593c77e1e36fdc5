//===- Constants.cpp - Constants made at compile time ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Constants.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace stamp;

ArrayRef<char> stamp::getRawBytes(Attribute constant) {
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(constant))
    return dense.getRawData();
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(constant))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

/// The float of f16 bits: its magnitude is a float whose exponent is too small
/// by the difference of the biases.
static float widenHalf(uint16_t half) {
  uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13;
  float value = llvm::bit_cast<float>(magnitude) * 0x1p112f;
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  // Infinities and NaNs have the largest exponent in both.
  bits |= (half & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
  bits |= static_cast<uint32_t>(half & 0x8000) << 16;
  return llvm::bit_cast<float>(bits);
}

static float widenBrain(uint16_t brain) {
  return llvm::bit_cast<float>(static_cast<uint32_t>(brain) << 16);
}

/// The floats of `count` elements of an f32, f16 or bf16 type.
static void widen(const char *bytes, Type type, size_t count, float *floats) {
  if (type.isF32()) {
    std::memcpy(floats, bytes, count * sizeof(float));
    return;
  }
  auto widenAll = [&](auto widenOne) {
    for (size_t i = 0; i < count; ++i) {
      uint16_t bits;
      std::memcpy(&bits, bytes + i * sizeof(bits), sizeof(bits));
      floats[i] = widenOne(bits);
    }
  };
  if (type.isF16())
    widenAll(widenHalf);
  else
    widenAll(widenBrain);
}

std::optional<ArrayRef<float>> stamp::readFloats(Attribute constant,
                                                 ShapedType type,
                                                 std::vector<float> &storage) {
  ArrayRef<char> bytes = getRawBytes(constant);
  Type elementType = type.getElementType();
  size_t size = elementType.getIntOrFloatBitWidth() / 8;
  size_t count = type.getNumElements();
  if (bytes.size() == size * count) {
    auto *floats = reinterpret_cast<const float *>(bytes.data());
    if (elementType.isF32() &&
        llvm::isAddrAligned(llvm::Align::Of<float>(), floats))
      return ArrayRef(floats, count);
    storage.resize(count);
    widen(bytes.data(), elementType, count, storage.data());
    return ArrayRef<float>(storage);
  }
  if (bytes.size() != size)
    return std::nullopt;
  float splat;
  widen(bytes.data(), elementType, 1, &splat);
  storage.assign(count, splat);
  return ArrayRef<float>(storage);
}

std::optional<ConstantBuffer<float>> stamp::copyFloats(Attribute constant,
                                                       RankedTensorType type) {
  std::vector<float> storage;
  std::optional<ArrayRef<float>> values = readFloats(constant, type, storage);
  if (!values)
    return std::nullopt;
  ConstantBuffer<float> copy(type);
  llvm::copy(*values, copy.data());
  return copy;
}

TypedAttr stamp::makeConstant(RankedTensorType type, StringRef name,
                              AsmResourceBlob elements) {
  ArrayRef<char> bytes = elements.getData();
  if (bytes.size() <= kInlineBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);

  // Resources of one name are numbered by trying, which takes quadratic time
  // for the weights of a model, in an order that threads would decide.
  uint64_t hash = llvm::xxh3_64bits(StringRef(bytes.data(), bytes.size()));
  std::string key = llvm::formatv("{0}_{1:x-}", name, hash);
  MLIRContext *context = type.getContext();
  auto &manager = DenseResourceElementsHandle::getManagerInterface(context)
                      .getBlobManager();
  if (DialectResourceBlobManager::BlobEntry *entry = manager.lookup(key))
    if (entry->getBlob() && entry->getBlob()->getData() == bytes)
      return DenseResourceElementsAttr::get(
          type, DenseResourceElementsHandle(
                    entry, context->getLoadedDialect<BuiltinDialect>()));
  return DenseResourceElementsAttr::get(type, key, std::move(elements));
}
