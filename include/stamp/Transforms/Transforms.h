//===- Transforms.h - The passes' work, piece by piece ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the passes and the transform dialect's ops do, for those who choose
// themselves what it is done to.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_TRANSFORMS_TRANSFORMS_H
#define STAMP_TRANSFORMS_TRANSFORMS_H

#include "stamp/IR/Stamp.h"
#include "stamp/Transforms/Linear.h"
#include "stamp/Transforms/WeightCodes.h"

namespace stamp {

/// What is wrong with a plan for this contraction, as a phrase about the plan;
/// nullopt if it can be carried out and asks for no more than there is.
std::optional<std::string> whyMisfit(mlir::linalg::LinalgOp op, PlanAttr plan);

/// The same for what is known to be a linear: why the plan asks for more.
std::optional<std::string> whyMisfit(const Linear &linear, PlanAttr plan);

/// What a linear has become. Under the identity basis there are no transforms.
struct QuantizedLinear {
  TransformOp transform;
  QuantizeOp quantize;
  mlir::linalg::LinalgOp contraction;
  RescaleOp rescale;
  InverseTransformOp inverse;
};

/// Why the codes that a linear's weight comes with cannot be kept under a plan,
/// as a phrase about the plan; nullopt if they can, or if it has none.
std::optional<std::string> whyNotKept(const Linear &linear, PlanAttr plan);

/// Carries out a plan: replaces the linear by transform, quantize, integer
/// contraction, rescale and inverse transform. A constant weight is quantized
/// at once, and one that comes as codes keeps them, which must be possible;
/// those of `known` are used again. `lengths`, if any, are those of its
/// sequences (see Padding.h).
QuantizedLinear quantizeLinear(mlir::RewriterBase &rewriter, Linear linear,
                               PlanAttr plan, KnownWeights &known,
                               mlir::Value lengths = {});

/// Moves, cancels and shares the transforms within `root`, which is isolated
/// from above, as stamp-fold does; fails if that comes to no end.
mlir::LogicalResult
foldTransforms(mlir::Operation *root,
               mlir::RewriterBase::Listener *listener = nullptr);

} // namespace stamp

#endif // STAMP_TRANSFORMS_TRANSFORMS_H
