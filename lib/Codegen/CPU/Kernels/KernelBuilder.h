//===- KernelBuilder.h - Loops and vectors in few words ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_CPU_KERNELS_KERNELBUILDER_H
#define STAMP_CODEGEN_CPU_KERNELS_KERNELBUILDER_H

#include "stamp/Codegen/CPU/CPUTarget.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace stamp {

using Values = llvm::SmallVector<mlir::Value>;

/// Kernels are loops over vectors, with all that is accumulated in SSA values:
/// an array of accumulators in memory would stay there.
class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  KernelBuilder(mlir::OpBuilder &builder, mlir::Location loc,
                const CPUTarget &target)
      : ImplicitLocOpBuilder(loc, builder), target(target),
        tile(target.getRegisterTile()) {}

  const CPUTarget target;
  const RegisterTile tile;

  int64_t lanes() const { return target.lanes; }
  /// The columns of a tile: a strip of the weight.
  int64_t stripWidth() const { return tile.vectors * target.lanes; }

  //===--- Indices ------------------------------------------------------===//

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(*this, value);
  }
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::AddIOp>(a, b);
  }
  mlir::Value add(mlir::Value a, int64_t b) {
    return b == 0 ? a : add(a, index(b));
  }
  mlir::Value sub(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::SubIOp>(a, b);
  }
  mlir::Value sub(mlir::Value a, int64_t b) {
    return b == 0 ? a : sub(a, index(b));
  }
  mlir::Value mul(mlir::Value a, int64_t b) {
    return b == 1 ? a : createOrFold<mlir::arith::MulIOp>(a, index(b));
  }
  mlir::Value min(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::MinSIOp>(a, b);
  }
  mlir::Value max(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::MaxSIOp>(a, b);
  }
  mlir::Value clamp(mlir::Value a, mlir::Value low, mlir::Value high) {
    return min(max(a, low), high);
  }
  /// ⌈a/b⌉ of what is not negative.
  mlir::Value ceilDiv(mlir::Value a, int64_t b) {
    return createOrFold<mlir::arith::CeilDivUIOp>(a, index(b));
  }
  mlir::Value less(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::slt, a,
                                             b);
  }
  mlir::Value atMost(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::sle, a,
                                             b);
  }
  mlir::Value both(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::AndIOp>(a, b);
  }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::SelectOp>(condition, a, b);
  }

  //===--- Vectors ------------------------------------------------------===//

  mlir::VectorType vectorOf(mlir::Type type, int64_t count) {
    return mlir::VectorType::get(count, type);
  }
  mlir::Value splat(mlir::Value scalar, int64_t count) {
    return mlir::vector::BroadcastOp::create(
        *this, vectorOf(scalar.getType(), count), scalar);
  }
  mlir::Value splat(mlir::Value scalar) { return splat(scalar, lanes()); }
  mlir::Value zeros(mlir::Type type) {
    return mlir::arith::ConstantOp::create(
        *this, getZeroAttr(vectorOf(type, lanes())));
  }
  mlir::Value constant(float value) {
    return mlir::arith::ConstantOp::create(*this, getF32FloatAttr(value));
  }
  mlir::Value constantI32(int64_t value) {
    return mlir::arith::ConstantOp::create(*this, getI32IntegerAttr(value));
  }
  mlir::Value addF(mlir::Value a, mlir::Value b) {
    return mlir::arith::AddFOp::create(*this, a, b);
  }
  mlir::Value subF(mlir::Value a, mlir::Value b) {
    return mlir::arith::SubFOp::create(*this, a, b);
  }
  mlir::Value mulF(mlir::Value a, mlir::Value b) {
    return mlir::arith::MulFOp::create(*this, a, b);
  }
  mlir::Value divF(mlir::Value a, mlir::Value b) {
    return mlir::arith::DivFOp::create(*this, a, b);
  }
  mlir::Value lessF(mlir::Value a, mlir::Value b) {
    return mlir::arith::CmpFOp::create(*this, mlir::arith::CmpFPredicate::OLT,
                                       a, b);
  }
  /// What is left of f32 lanes in a value of that type.
  mlir::Value roundTo(mlir::Value lane, mlir::Type type) {
    if (type.isF32())
      return lane;
    mlir::Value narrow =
        mlir::arith::TruncFOp::create(*this, vectorOf(type, lanes()), lane);
    return mlir::arith::ExtFOp::create(*this, lane.getType(), narrow);
  }
  /// The first `count` lanes.
  mlir::Value mask(mlir::Value count) {
    return mlir::vector::CreateMaskOp::create(
        *this, vectorOf(getI1Type(), lanes()), count);
  }

  /// f32 lanes from memory at `indices`; the lanes outside of a mask are 0.
  mlir::Value load(mlir::Value memory, mlir::ValueRange indices,
                   mlir::Value mask = {}) {
    mlir::Type type =
        mlir::cast<mlir::MemRefType>(memory.getType()).getElementType();
    mlir::VectorType vector = vectorOf(type, lanes());
    mlir::Value loaded;
    if (mask)
      loaded = mlir::vector::MaskedLoadOp::create(*this, vector, memory,
                                                  indices, mask, zeros(type));
    else
      loaded = mlir::vector::LoadOp::create(*this, vector, memory, indices);
    if (!mlir::isa<mlir::FloatType>(type) || type.isF32())
      return loaded;
    return mlir::arith::ExtFOp::create(*this, vectorOf(getF32Type(), lanes()),
                                       loaded);
  }
  /// The reverse.
  void store(mlir::Value lane, mlir::Value memory, mlir::ValueRange indices,
             mlir::Value mask = {}) {
    mlir::Type type =
        mlir::cast<mlir::MemRefType>(memory.getType()).getElementType();
    if (mlir::getElementTypeOrSelf(lane) != type)
      lane =
          mlir::arith::TruncFOp::create(*this, vectorOf(type, lanes()), lane);
    if (mask)
      mlir::vector::MaskedStoreOp::create(*this, memory, indices, mask, lane);
    else
      mlir::vector::StoreOp::create(*this, lane, memory, indices);
  }
  /// The same past the caches, if `memory` is larger than they are: its lines
  /// then need not be read before they are written. All of a line has to be
  /// written at about the same time.
  void storeOnce(mlir::Value lane, mlir::Value memory, mlir::ValueRange indices,
                 mlir::Value mask = {}) {
    if (mask || !isWrittenPastCaches(memory))
      return store(lane, memory, indices, mask);
    mlir::vector::StoreOp::create(*this, lane, memory, indices,
                                  /*nontemporal=*/true, llvm::MaybeAlign(64));
  }

  mlir::Value alloc(llvm::ArrayRef<int64_t> shape, mlir::Type type,
                    mlir::ValueRange dynamicSizes = {}) {
    return mlir::memref::AllocOp::create(*this,
                                         mlir::MemRefType::get(shape, type),
                                         dynamicSizes, getI64IntegerAttr(64));
  }
  mlir::Value size(mlir::Value memory, int64_t dimension) {
    return createOrFold<mlir::memref::DimOp>(memory, dimension);
  }

  //===--- Control ------------------------------------------------------===//

  /// The values that `body` returns are carried to the next turn.
  Values loop(mlir::Value from, mlir::Value to, int64_t step,
              mlir::ValueRange carried,
              llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body) {
    auto op = mlir::scf::ForOp::create(*this, from, to, index(step), carried);
    mlir::OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(op.getBody());
    Values results = body(op.getInductionVar(), op.getRegionIterArgs());
    // Without carried values the loop has its terminator already.
    if (!carried.empty())
      mlir::scf::YieldOp::create(*this, results);
    return Values(op.getResults());
  }
  void loop(mlir::Value from, mlir::Value to, int64_t step,
            llvm::function_ref<void(mlir::Value)> body) {
    loop(from, to, step, {}, [&](mlir::Value i, mlir::ValueRange) -> Values {
      body(i);
      return {};
    });
  }
  /// Turns that may run at the same time.
  void parallel(mlir::ValueRange counts,
                llvm::function_ref<void(mlir::ValueRange)> body) {
    llvm::SmallVector<mlir::OpFoldResult> bounds;
    for (mlir::Value count : counts)
      bounds.push_back(mlir::getAsOpFoldResult(count));
    auto op = mlir::scf::ForallOp::create(*this, bounds, mlir::ValueRange(),
                                          /*mapping=*/std::nullopt);
    mlir::OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(op.getBody());
    body(op.getInductionVars());
  }
  void branch(mlir::Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise = nullptr) {
    auto op = mlir::scf::IfOp::create(*this, condition,
                                      /*withElseRegion=*/bool(otherwise));
    mlir::OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(op.thenBlock());
    then();
    if (!otherwise)
      return;
    setInsertionPointToStart(op.elseBlock());
    otherwise();
  }

private:
  /// Whether whole vectors of lanes are whole lines of a memory that no cache
  /// holds.
  bool isWrittenPastCaches(mlir::Value memory) const {
    auto type = mlir::cast<mlir::MemRefType>(memory.getType());
    auto alloc = memory.getDefiningOp<mlir::memref::AllocOp>();
    constexpr int64_t line = 64;
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    return alloc && alloc.getAlignment().value_or(0) >= line &&
           type.hasStaticShape() && type.getElementType().isF32() &&
           lanes() * bytes % line == 0 &&
           type.getShape().back() % lanes() == 0 &&
           type.getNumElements() * bytes > 8 * target.l2Bytes;
  }
};

} // namespace stamp

#endif // STAMP_CODEGEN_CPU_KERNELS_KERNELBUILDER_H
