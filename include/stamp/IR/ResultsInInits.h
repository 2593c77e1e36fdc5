//===- ResultsInInits.h - What all of our ops share ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op of the dialect takes tensors or buffers, and has inits that say
// where its results go: a tensor init is the start of a result of the same
// type, a buffer is written. What follows from this alone is written here once.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_RESULTSININITS_H
#define STAMP_IR_RESULTSININITS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <optional>

namespace stamp {

using MemoryEffectInstances = llvm::SmallVectorImpl<
    mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>>;

/// Tensors and buffers do not mix in one op.
llvm::LogicalResult verifyTensorsOrBuffers(mlir::Operation *op);

/// None on tensors. On buffers inputs are read and inits are written, without
/// being read.
void getEffectsOnBuffers(mlir::Operation *op, mlir::MutableOperandRange inits,
                         MemoryEffectInstances &effects);

/// The sizes of the results, which are those of their inits.
void reifySizesOfInits(mlir::Operation *op, mlir::MutableOperandRange inits,
                       mlir::OpBuilder &builder,
                       mlir::ReifiedRankedShapedTypeDims &reified);

/// The trait of an op whose operands `first` … `first + count − 1` are inits,
/// or for count = −1 all from `first` on.
template <unsigned first, int count> struct ResultsInInits {
  static unsigned getNumInits(unsigned numOperands) {
    return count < 0 ? numOperands - first : count;
  }

  template <typename ConcreteOp>
  class Impl : public mlir::OpTrait::TraitBase<ConcreteOp, Impl> {
  public:
    static llvm::LogicalResult verifyTrait(mlir::Operation *op) {
      return verifyTensorsOrBuffers(op);
    }

    mlir::MutableOperandRange getDpsInitsMutable() {
      mlir::Operation *op = this->getOperation();
      return mlir::MutableOperandRange(op, first,
                                       getNumInits(op->getNumOperands()));
    }

    static llvm::LogicalResult
    inferReturnTypes(mlir::MLIRContext *, std::optional<mlir::Location> loc,
                     mlir::ValueRange operands, mlir::DictionaryAttr,
                     mlir::OpaqueProperties, mlir::RegionRange,
                     llvm::SmallVectorImpl<mlir::Type> &types) {
      constexpr unsigned kLeast = first + (count < 0 ? 0 : count);
      if (operands.size() < kLeast)
        return mlir::emitOptionalError(loc, "expects ", kLeast,
                                       " operands or more");
      unsigned numInits = getNumInits(operands.size());
      for (mlir::Type type : operands.slice(first, numInits).getTypes())
        if (llvm::isa<mlir::RankedTensorType>(type))
          types.push_back(type);
      return llvm::success();
    }

    void getEffects(MemoryEffectInstances &effects) {
      getEffectsOnBuffers(this->getOperation(), getDpsInitsMutable(), effects);
    }

    /// Nothing traps: what an op on tensors computes may be computed in vain.
    mlir::Speculation::Speculatability getSpeculatability() {
      mlir::Operation *op = this->getOperation();
      return op->getNumResults() == getNumInits(op->getNumOperands())
                 ? mlir::Speculation::Speculatable
                 : mlir::Speculation::NotSpeculatable;
    }
  };
};

} // namespace stamp

#endif // STAMP_IR_RESULTSININITS_H
