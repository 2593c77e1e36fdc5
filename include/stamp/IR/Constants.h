//===- Constants.h - The elements of constant tensors ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights are read and written as the bytes that they are: iterating over an
// attribute element by element is too slow for them.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_CONSTANTS_H
#define STAMP_IR_CONSTANTS_H

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <optional>
#include <vector>

namespace stamp {

/// The bytes of a dense constant, as they lie in memory; empty if it is of
/// another kind. A splat is one element.
llvm::ArrayRef<char> getRawBytes(mlir::Attribute constant);

/// The values of a constant f32, f16 or bf16 tensor, splats spread out;
/// nullopt if it cannot be read.
std::optional<std::vector<float>> readFloats(mlir::Attribute constant,
                                             mlir::ShapedType type);

/// Large constants live in a resource: a DenseElementsAttr is hashed and copied
/// into the context.
template <typename T>
mlir::TypedAttr makeConstant(mlir::RankedTensorType type,
                             llvm::ArrayRef<T> values, llvm::StringRef name) {
  constexpr size_t kInlineBytes = 4096;
  if (values.size() * sizeof(T) <= kInlineBytes)
    return mlir::DenseElementsAttr::get(type, values);
  return mlir::DenseResourceElementsAttr::get(
      type, name, mlir::HeapAsmResourceBlob::allocateAndCopyInferAlign(values));
}

} // namespace stamp

#endif // STAMP_IR_CONSTANTS_H
