//===- Constants.h - Constants made at compile time ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model is mostly weights, so what is made of them is written once, where it
// stays. A DenseElementsAttr would be hashed and copied into the context;
// large constants live in a resource.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_CONSTANTS_H
#define STAMP_IR_CONSTANTS_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include <cstring>
#include <optional>
#include <vector>

namespace stamp {

/// Constants of no more bytes than this are no resource.
constexpr size_t kInlineBytes = 4096;

/// The raw bytes of a dense constant, as they lie in memory; empty if it is of
/// another kind. Iterating over attributes element by element is too slow for
/// weights.
llvm::ArrayRef<char> getRawBytes(mlir::Attribute constant);

/// The values of a constant f32, f16 or bf16 tensor, splats spread out; nullopt
/// if it cannot be read. `storage` owns what has to be widened or spread,
/// everything else stays where it is: a weight is not copied to be read.
std::optional<llvm::ArrayRef<float>> readFloats(mlir::Attribute constant,
                                                mlir::ShapedType type,
                                                std::vector<float> &storage);

/// Whether a map says 0, the index of a dimension of size 1, or a loop for each
/// dimension, each loop once at most.
bool isPermutationWithUnits(mlir::AffineMap map);

/// The tensors that `op` only copies elements of, maybe in part, repeated or
/// widened; none for any other op, or one whose places run time decides. What
/// it fills the rest with is a constant.
llvm::SmallVector<mlir::Value> getCopiedTensors(mlir::Operation *op);

/// The same for what may be done to a weight before it is quantized, which
/// feature transforms are, too.
llvm::SmallVector<mlir::Value> getWeightSources(mlir::Operation *op);

/// The values of a constant tensor, or of what getWeightSources leads from to
/// constants: nobody needs them but a quantizer, so that they never become a
/// constant. `storage` as above.
std::optional<llvm::ArrayRef<float>>
readKnownValues(mlir::Value tensor, std::vector<float> &storage);

/// The constant of these bytes, as a resource named after `name` and them. One
/// of equal bytes that was made before is shared.
mlir::TypedAttr makeConstant(mlir::RankedTensorType type, llvm::StringRef name,
                             mlir::AsmResourceBlob elements);

/// The elements of a constant while they are written.
template <typename T> class ConstantBuffer {
public:
  explicit ConstantBuffer(mlir::RankedTensorType type)
      : type(type), elements(mlir::HeapAsmResourceBlob::allocate(
                        type.getNumElements() * sizeof(T), alignof(T))) {}

  T *data() { return reinterpret_cast<T *>(elements.getMutableData().data()); }

  mlir::TypedAttr finish(llvm::StringRef name) && {
    return makeConstant(type, name, std::move(elements));
  }

private:
  mlir::RankedTensorType type;
  mlir::AsmResourceBlob elements;
};

/// A copy of the values of a constant f32 tensor, splats spread out, of which
/// another constant is to be made; nullopt if it cannot be read.
std::optional<ConstantBuffer<float>> copyFloats(mlir::Attribute constant,
                                                mlir::RankedTensorType type);

/// A constant of elements that are already written elsewhere.
template <typename T>
mlir::TypedAttr makeConstant(mlir::RankedTensorType type,
                             llvm::ArrayRef<T> values, llvm::StringRef name) {
  ConstantBuffer<T> buffer(type);
  std::memcpy(buffer.data(), values.data(), values.size() * sizeof(T));
  return std::move(buffer).finish(name);
}

} // namespace stamp

#endif // STAMP_IR_CONSTANTS_H
