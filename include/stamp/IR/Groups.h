//===- Groups.h - A dimension as groups ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Neighbours along a dimension may form groups of g: a dimension of size D then
// is two, ⌈D/g⌉ × g. Once it is written so, a group is a row like any other.
// Zeros fill up the last group if D is no multiple of g: they widen no range,
// are quantized to code 0 as weights, and a zero code adds nothing to a sum.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_GROUPS_H
#define STAMP_IR_GROUPS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace stamp {

/// No group is larger: longer sums would not fit their accumulators, and a
/// short row is filled up to a whole group.
constexpr int64_t kMaxGroup = 65536;

/// The shape of a tensor with one number per group along a dimension; without
/// groups that dimension is gone.
llvm::SmallVector<int64_t> getGroupedShape(llvm::ArrayRef<int64_t> shape,
                                           int64_t dimension,
                                           std::optional<int64_t> group);

/// A `tensor.empty` with one number per group along a dimension of `x`.
mlir::Value createEmptyPerGroup(mlir::OpBuilder &builder, mlir::Location loc,
                                mlir::Value x, int64_t dimension,
                                std::optional<int64_t> group,
                                mlir::Type elementType);

/// Whether it is known that no group is shorter than the others.
bool hasWholeGroups(mlir::RankedTensorType type, int64_t dimension,
                    int64_t group);

/// `x` with D along `dimension` as ⌈D/g⌉ × g. That is a view if all groups are
/// surely whole, and otherwise, for a dynamic D too, a padded copy.
mlir::Value splitGroups(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value x, int64_t dimension, int64_t group);

/// The reverse of `splitGroups`, as the tensor whose shape `init` has.
mlir::Value joinGroups(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value grouped, int64_t dimension, int64_t group,
                       mlir::Value init);

} // namespace stamp

#endif // STAMP_IR_GROUPS_H
