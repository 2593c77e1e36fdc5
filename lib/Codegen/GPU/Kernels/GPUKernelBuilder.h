//===- GPUKernelBuilder.h - A thread's work in few words --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Kernels take addresses and sizes, both i64: what they read and write is laid
// out by what is written here, alignment included, and by nothing else.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_GPU_KERNELS_GPUKERNELBUILDER_H
#define STAMP_CODEGEN_GPU_KERNELS_GPUKERNELBUILDER_H

#include "stamp/Codegen/GPU/GPUTarget.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace stamp {

using Values = llvm::SmallVector<mlir::Value>;

class GPUKernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  GPUKernelBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : ImplicitLocOpBuilder(loc, builder) {}

  //===--- Integers -----------------------------------------------------===//

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(*this, value);
  }
  mlir::Value constantI32(int64_t value) {
    return mlir::arith::ConstantOp::create(
        *this, getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  mlir::Value constant(float value) {
    return mlir::arith::ConstantOp::create(*this, getF32FloatAttr(value));
  }
  mlir::Value constantLike(mlir::Value like, int64_t value) {
    return like.getType().isIndex() ? index(value) : constantI32(value);
  }
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::AddIOp>(a, b);
  }
  mlir::Value add(mlir::Value a, int64_t b) {
    return b == 0 ? a : add(a, constantLike(a, b));
  }
  mlir::Value sub(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::SubIOp>(a, b);
  }
  mlir::Value sub(mlir::Value a, int64_t b) {
    return b == 0 ? a : sub(a, constantLike(a, b));
  }
  mlir::Value mul(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::MulIOp>(a, b);
  }
  mlir::Value mul(mlir::Value a, int64_t b) {
    return b == 1 ? a : mul(a, constantLike(a, b));
  }
  /// Of what is not negative.
  mlir::Value div(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::DivUIOp>(a, b);
  }
  mlir::Value div(mlir::Value a, int64_t b) {
    return b == 1 ? a : div(a, constantLike(a, b));
  }
  mlir::Value rem(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::RemUIOp>(a, b);
  }
  mlir::Value rem(mlir::Value a, int64_t b) {
    return rem(a, constantLike(a, b));
  }
  mlir::Value exclusiveOr(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::XOrIOp>(a, b);
  }
  mlir::Value both(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::AndIOp>(a, b);
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
  mlir::Value less(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::slt, a,
                                             b);
  }
  mlir::Value atMost(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::sle, a,
                                             b);
  }
  mlir::Value equal(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::eq, a,
                                             b);
  }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::SelectOp>(condition, a, b);
  }

  //===--- Floats -------------------------------------------------------===//

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
  /// The f32 of an f16, a bf16 or an f32; or a vector of them.
  mlir::Value widen(mlir::Value value) {
    return like(value, getF32Type()) == value.getType()
               ? value
               : mlir::arith::ExtFOp::create(*this, like(value, getF32Type()),
                                             value);
  }
  /// What is left of f32 in elements of that type.
  mlir::Value narrow(mlir::Value value, mlir::Type type) {
    return type.isF32()
               ? value
               : mlir::arith::TruncFOp::create(*this, like(value, type), value);
  }

  //===--- Threads ------------------------------------------------------===//

  mlir::Value thread() {
    return mlir::gpu::ThreadIdOp::create(*this, mlir::gpu::Dimension::x);
  }
  mlir::Value block(mlir::gpu::Dimension dimension) {
    return mlir::gpu::BlockIdOp::create(*this, dimension);
  }
  void barrier() { mlir::NVVM::Barrier0Op::create(*this); }

  /// The value of the lane whose number differs in the bits of `mask`.
  mlir::Value exchange(mlir::Value value, int64_t mask) {
    return mlir::NVVM::ShflOp::create(
        *this, value.getType(), constantI32(-1), value, constantI32(mask),
        constantI32(31), mlir::NVVM::ShflKind::bfly, mlir::UnitAttr());
  }

  //===--- Memory -------------------------------------------------------===//

  static constexpr unsigned globalSpace = 1, sharedSpace = 3;

  mlir::Type pointer(unsigned space) {
    return mlir::LLVM::LLVMPointerType::get(getContext(), space);
  }
  /// Global memory at an i64 address.
  mlir::Value global(mlir::Value address) {
    return mlir::LLVM::IntToPtrOp::create(*this, pointer(globalSpace), address);
  }
  /// `bytes` further on.
  mlir::Value at(mlir::Value from, mlir::Value bytes) {
    if (bytes.getType().isIndex())
      bytes = mlir::arith::IndexCastOp::create(*this, getI64Type(), bytes);
    return mlir::LLVM::GEPOp::create(*this, from.getType(), getI8Type(), from,
                                     llvm::ArrayRef<mlir::LLVM::GEPArg>{bytes});
  }
  mlir::Value at(mlir::Value from, int64_t bytes) {
    if (bytes == 0)
      return from;
    return mlir::LLVM::GEPOp::create(
        *this, from.getType(), getI8Type(), from,
        llvm::ArrayRef<mlir::LLVM::GEPArg>{static_cast<int32_t>(bytes)});
  }
  /// One access: whatever is read or written is aligned to its size.
  mlir::Value load(mlir::Type type, mlir::Value pointer,
                   bool isVolatile = false) {
    return mlir::LLVM::LoadOp::create(*this, type, pointer, bytesOf(type),
                                      isVolatile);
  }
  void store(mlir::Value value, mlir::Value pointer) {
    mlir::LLVM::StoreOp::create(*this, value, pointer,
                                bytesOf(value.getType()));
  }
  mlir::VectorType vectorOf(mlir::Type type, int64_t count) {
    return mlir::VectorType::get(count, type);
  }
  mlir::Value element(mlir::Value vector, int64_t i) {
    return mlir::vector::ExtractOp::create(*this, vector, i);
  }
  mlir::Value combine(mlir::ValueRange elements) {
    return mlir::vector::FromElementsOp::create(
        *this,
        vectorOf(elements.front().getType(),
                 static_cast<int64_t>(elements.size())),
        elements);
  }
  Values elementsOf(mlir::Value vector) {
    Values elements;
    int64_t count =
        mlir::cast<mlir::VectorType>(vector.getType()).getNumElements();
    for (int64_t i = 0; i < count; ++i)
      elements.push_back(element(vector, i));
    return elements;
  }

  //===--- Control ------------------------------------------------------===//

  Values loop(mlir::Value from, mlir::Value to, mlir::Value step,
              mlir::ValueRange carried,
              llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body) {
    auto op = mlir::scf::ForOp::create(*this, from, to, step, carried);
    mlir::OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(op.getBody());
    Values results = body(op.getInductionVar(), op.getRegionIterArgs());
    if (!carried.empty())
      mlir::scf::YieldOp::create(*this, results);
    return Values(op.getResults());
  }
  void loop(mlir::Value from, mlir::Value to, mlir::Value step,
            llvm::function_ref<void(mlir::Value)> body) {
    loop(from, to, step, {}, [&](mlir::Value i, mlir::ValueRange) -> Values {
      body(i);
      return {};
    });
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
  /// The values of one of two ways.
  Values choose(mlir::Value condition, mlir::TypeRange types,
                llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise) {
    auto op = mlir::scf::IfOp::create(*this, types, condition,
                                      /*withElseRegion=*/true);
    mlir::OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(op.thenBlock());
    mlir::scf::YieldOp::create(*this, then());
    setInsertionPointToStart(op.elseBlock());
    mlir::scf::YieldOp::create(*this, otherwise());
    return Values(op.getResults());
  }

  static unsigned bytesOf(mlir::Type type) {
    int64_t count = 1;
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(type))
      count = vector.getNumElements();
    return static_cast<unsigned>(
        count * mlir::getElementTypeOrSelf(type).getIntOrFloatBitWidth() / 8);
  }

private:
  /// The type of `value` with other elements.
  static mlir::Type like(mlir::Value value, mlir::Type element) {
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(value.getType()))
      return vector.clone(element);
    return element;
  }
};

} // namespace stamp

#endif // STAMP_CODEGEN_GPU_KERNELS_GPUKERNELBUILDER_H
