//===- StampFolds.cpp - Folders --------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Folders keep every bit: L·L⁻¹ is not the f32 identity, so a pair is cancelled
// by stamp-fold, where it is asked for, and not here.
//
//===----------------------------------------------------------------------===//

#include "stamp/Basis/Quantizer.h"
#include "stamp/IR/Stamp.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

/// A transform that leaves every token alone: L = I, or nothing after the skip.
template <typename OpTy> static OpFoldResult foldIdentity(OpTy op) {
  if (op.getInput().getType() != op.getType())
    return {};
  int64_t seqLen = op.getType().getDimSize(op.getDimension());
  bool allSkipped =
      !ShapedType::isDynamic(seqLen) && seqLen <= op.getBasis().getSkip();
  if (op.getBasis().isIdentity() || allSkipped)
    return op.getInput();
  return {};
}

OpFoldResult TransformOp::fold(FoldAdaptor) { return foldIdentity(*this); }

OpFoldResult InverseTransformOp::fold(FoldAdaptor) {
  return foldIdentity(*this);
}

//===----------------------------------------------------------------------===//
// Constant weights
//===----------------------------------------------------------------------===//

/// The raw bytes of a dense constant, as they lie in memory; empty if it is of
/// another kind. Iterating over attributes element by element is too slow for
/// weights.
static ArrayRef<char> getRawBytes(Attribute constant) {
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

/// The values of a constant f32, f16 or bf16 tensor, splats spread out;
/// nullopt if it cannot be read.
static std::optional<std::vector<float>> readFloats(Attribute constant,
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

/// Large constants live in a resource: a DenseElementsAttr is hashed and copied
/// into the context.
template <typename T>
static Attribute makeConstant(RankedTensorType type, ArrayRef<T> values,
                              StringRef name) {
  constexpr size_t kInlineBytes = 4096;
  if (values.size() * sizeof(T) <= kInlineBytes)
    return DenseElementsAttr::get(type, values);
  return DenseResourceElementsAttr::get(
      type, name, HeapAsmResourceBlob::allocateAndCopyInferAlign(values));
}

LogicalResult QuantizeWeightOp::fold(FoldAdaptor adaptor,
                                     SmallVectorImpl<OpFoldResult> &results) {
  auto type = cast<RankedTensorType>(getWeight().getType());
  if (!adaptor.getWeight() || !type.hasStaticShape() ||
      !getCodes().getType().hasStaticShape() ||
      !getScales().getType().hasStaticShape() ||
      !getSums().getType().hasStaticShape())
    return failure();
  std::optional<std::vector<float>> weight =
      readFloats(adaptor.getWeight(), type);
  if (!weight)
    return failure();

  ArrayRef<int64_t> sizes = type.getShape();
  int64_t reduced = getReducedDimension();
  WeightShape shape = {llvm::product_of(sizes.take_front(reduced)),
                       sizes[reduced],
                       llvm::product_of(sizes.drop_front(reduced + 1))};
  std::vector<int8_t> codes(shape.elements());
  std::vector<float> scales(shape.channels());
  std::vector<int32_t> sums(shape.channels());
  quantizeWeight(weight->data(), shape, static_cast<int>(getBits()),
                 codes.data(), scales.data());
  columnSums(codes.data(), shape, sums.data());
  results.push_back(
      makeConstant<int8_t>(getCodes().getType(), codes, "stamp_codes"));
  results.push_back(
      makeConstant<float>(getScales().getType(), scales, "stamp_scales"));
  results.push_back(
      makeConstant<int32_t>(getSums().getType(), sums, "stamp_sums"));
  return success();
}
