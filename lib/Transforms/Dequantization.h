//===- Dequantization.h - (codes ± zero points)·scales ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dequantization is told by what it computes, not by the ops it is written
// in. From the weight backwards, every op is either one that only says which
// element is read, and becomes part of a map, or arithmetic on elements, and
// brings the value into the form
//
//   ((q ± z) ± …)·s·…
//
// with constants q of integers, z of integral numbers and s of any, each read
// by a map from the weight's indices.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_DEQUANTIZATION_H
#define STAMP_TRANSFORMS_DEQUANTIZATION_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "mlir/IR/Value.h"

#include <optional>
#include <string>

namespace stamp {

/// An integer of so many bits is taken for a signed or an unsigned one.
struct Reading {
  unsigned width;
  bool isSigned;

  int64_t operator()(int64_t value) const {
    uint64_t bits = static_cast<uint64_t>(value) << (64 - width);
    return isSigned ? static_cast<int64_t>(bits) >> (64 - width)
                    : static_cast<int64_t>(bits >> (64 - width));
  }
};

/// A constant and the map by which the weight's indices become its own.
struct Leaf {
  mlir::TypedAttr constant;
  mlir::AffineMap map;
  llvm::SmallVector<Reading, 2> readings;

  int64_t size() const {
    return llvm::cast<mlir::ShapedType>(constant.getType()).getNumElements();
  }
};

/// What happens to a code: a leaf is added or subtracted, or, if the sign is 0,
/// it is read in another way.
struct Step {
  int sign;
  Leaf leaf;
  Reading reading;
};

/// ((q ± z) ± …)·s·…, or, without codes, s·….
struct Form {
  std::optional<Leaf> codes;
  llvm::SmallVector<Step, 2> steps;
  llvm::SmallVector<Leaf, 2> scales;

  /// This as one leaf, if it is none but for readings.
  std::optional<Leaf> asLeaf() const {
    if (!codes)
      return scales.size() == 1 ? std::optional(scales.front()) : std::nullopt;
    if (!scales.empty())
      return std::nullopt;
    Leaf leaf = *codes;
    for (const Step &step : steps) {
      if (step.sign)
        return std::nullopt;
      leaf.readings.push_back(step.reading);
    }
    return leaf;
  }
};

/// What `tensor` computes, of which `map` reads elements; nullopt, and `why` as
/// a clause, if it is not of this form.
std::optional<Form> readForm(mlir::Value tensor, mlir::AffineMap map,
                             std::string &why);

} // namespace stamp

#endif // STAMP_TRANSFORMS_DEQUANTIZATION_H
