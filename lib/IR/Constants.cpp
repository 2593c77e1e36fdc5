//===- Constants.cpp - The elements of constant tensors --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Constants.h"

#include "llvm/ADT/APFloat.h"

#include <cstring>

using namespace mlir;
using namespace stamp;
using llvm::APFloat;
using llvm::APInt;

ArrayRef<char> stamp::getRawBytes(Attribute constant) {
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(constant))
    return dense.getRawData();
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(constant))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

static float widen(const char *bytes, Type type) {
  if (type.isF32()) {
    float value;
    std::memcpy(&value, bytes, sizeof(value));
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return APFloat(cast<FloatType>(type).getFloatSemantics(), APInt(16, bits))
      .convertToFloat();
}

std::optional<std::vector<float>> stamp::readFloats(Attribute constant,
                                                    ShapedType type) {
  ArrayRef<char> bytes = getRawBytes(constant);
  Type elementType = type.getElementType();
  size_t size = elementType.getIntOrFloatBitWidth() / 8;
  size_t count = type.getNumElements();
  bool isSplat = bytes.size() == size && count != 1;
  if (!isSplat && bytes.size() != size * count)
    return std::nullopt;
  std::vector<float> values(count);
  if (!isSplat && elementType.isF32())
    std::memcpy(values.data(), bytes.data(), bytes.size());
  else if (isSplat)
    std::fill(values.begin(), values.end(), widen(bytes.data(), elementType));
  else
    for (size_t i = 0; i < count; ++i)
      values[i] = widen(bytes.data() + i * size, elementType);
  return values;
}
