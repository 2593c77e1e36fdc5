//===- Npy.h - NumPy's file format for arrays -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Files come from users, so every way in which one can be wrong is an
// llvm::Error that says what was expected and what was found.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_EXECUTION_NPY_H
#define STAMP_EXECUTION_NPY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stamp {

/// The element types that a .npy file and an MLIR tensor have in common.
/// NumPy has no bfloat16.
enum class ElementKind {
  Bool,
  Int8,
  Int16,
  Int32,
  Int64,
  UInt8,
  UInt16,
  UInt32,
  UInt64,
  Float16,
  Float32,
  Float64,
};

/// NumPy's name of the type: "float32".
llvm::StringRef getName(ElementKind kind);
size_t getByteSize(ElementKind kind);

/// A dense array in row-major order, little-endian like every host we target.
struct NpyArray {
  ElementKind kind = ElementKind::Float32;
  llvm::SmallVector<int64_t> shape;
  std::vector<char> bytes;

  int64_t getNumElements() const;
  /// The multi-index of the element at a position in row-major order.
  llvm::SmallVector<int64_t> getIndex(int64_t position) const;
};

/// "float32[2, 3]".
std::string describe(const NpyArray &array);

/// The multi-index of the first NaN or infinity, if there is one.
std::optional<llvm::SmallVector<int64_t>> findNonFinite(const NpyArray &array);

llvm::Expected<NpyArray> parseNpy(llvm::StringRef contents);
llvm::Expected<NpyArray> readNpy(llvm::StringRef path);
llvm::Error writeNpy(llvm::StringRef path, const NpyArray &array);

} // namespace stamp

#endif // STAMP_EXECUTION_NPY_H
