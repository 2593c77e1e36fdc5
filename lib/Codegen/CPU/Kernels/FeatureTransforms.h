//===- FeatureTransforms.h - Transforms along the features ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A transform of the features mixes a row with itself alone, so it is done
// where a row is in near memory anyway: between the transform along the
// sequence and the quantizer.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_KERNELS_FEATURETRANSFORMS_H
#define STAMP_CODEGEN_CPU_KERNELS_FEATURETRANSFORMS_H

#include "KernelBuilder.h"

#include "stamp/IR/Stamp.h"

namespace stamp {

/// X·R or X·R⁻¹, rounded to `type`.
struct FeatureStep {
  FeatureTransformAttrInterface transform;
  Direction direction;
  mlir::Type type;
};

/// Whether there is a kernel for that transform of any number of features, or
/// `why` there is none.
bool hasFeatureKernel(FeatureTransformAttrInterface transform,
                      llvm::StringRef &why);

/// Some transforms, one after the other. Constants are where this is made, so
/// that should be outside of all loops.
class FeatureTransforms {
public:
  FeatureTransforms(KernelBuilder &b, llvm::ArrayRef<FeatureStep> steps,
                    int64_t features);

  /// What comes in front of the first rotation: it concerns a feature by
  /// itself. Done on f32 lanes before rows are in memory.
  mlir::Value emitScales(mlir::Value lanes, mlir::Value feature) const {
    return emitScales(scales, lanes, feature);
  }

  bool rotates() const { return !rotations.empty(); }

  /// The rest, in the first `numRows` rows of `block`: f32, rows × padded
  /// features. What is beyond the features stays as it is.
  void emitRotations(mlir::Value block, int64_t numRows) const;

private:
  /// Factors or divisors of all features, and what the result is rounded to.
  struct Scale {
    mlir::Value factors; ///< null if there are none
    Direction direction;
    mlir::Type type;
  };

  /// H ⊗ M and what follows.
  struct Rotation {
    int64_t order;    ///< of M
    int64_t exponent; ///< H is of order 2^exponent
    mlir::Value norm; ///< f32 lanes if M = [1]; else null
    /// M with the norm, or its transpose: input features × padded features.
    mlir::Value matrix;
    llvm::SmallVector<Scale> scales;
  };

  /// A row of a memory.
  struct Row {
    mlir::Value memory, row;

    mlir::Value load(KernelBuilder &b, mlir::Value feature,
                     mlir::Value mask = {}) const {
      return b.load(memory, {row, feature}, mask);
    }
    void store(KernelBuilder &b, mlir::Value lanes, mlir::Value feature,
               mlir::Value mask = {}) const {
      b.store(lanes, memory, {row, feature}, mask);
    }
  };

  Rotation makeRotation(const FeatureStep &step, int64_t exponent) const;
  mlir::Value emitScales(llvm::ArrayRef<Scale> scales, mlir::Value lanes,
                         mlir::Value feature) const;
  mlir::Value finish(const Rotation &rotation, mlir::Value lanes,
                     mlir::Value feature) const;

  /// The strides that are done in one turn.
  int64_t stridesAtOnce() const;
  void emitRotation(const Rotation &rotation, const Row &row,
                    const Row &scratch) const;
  void emitFirstTurn(const Rotation &rotation, const Row &row, int64_t strides,
                     bool isLast) const;
  void emitTurn(const Row &from, const Row &to, int64_t run, int64_t strides,
                const Rotation *finished) const;
  void emitProduct(const Rotation &rotation, const Row &from,
                   const Row &to) const;
  void mixLanes(llvm::MutableArrayRef<mlir::Value> pair, int64_t strides) const;

  KernelBuilder &b;
  int64_t features;
  llvm::SmallVector<Scale> scales; ///< in front of the first rotation
  llvm::SmallVector<Rotation> rotations;
};

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_KERNELS_FEATURETRANSFORMS_H
