//===- LowerDot.cpp - Products of codes to instructions ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//     acc[n] += Σₖ four[k]·codes[n, k]         k = 0, …, 3
//
// `four` are signed bytes of the activations, the same for all lanes; `codes`
// are bytes of the weight, unsigned where the target's instruction wants them
// so. A new instruction is one more function here and a line in CPUTarget.
//
//===----------------------------------------------------------------------===//

#include "stamp/Codegen/CPU/CPUTarget.h"
#include "stamp/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace stamp {
#define GEN_PASS_DEF_LOWERDOTPASS
#include "stamp/Codegen/CPU/Passes.h.inc"
} // namespace stamp

using namespace stamp;

namespace {
/// The contraction's operands, before they were widened.
struct Dot {
  Value four;  ///< vector<4xi8>, signed
  Value codes; ///< vector<4·lanes x i8>
  Value sum;   ///< vector<lanes x i32>
  bool isUnsigned;
  int64_t lanes;
};
} // namespace

static VectorType vectorOf(OpBuilder &b, int64_t count, unsigned bits) {
  return VectorType::get(count, b.getIntegerType(bits));
}

/// The four bytes in every lane.
static Value repeatFour(ImplicitLocOpBuilder &b, const Dot &dot) {
  Value word = vector::BitCastOp::create(b, vectorOf(b, 1, 32), dot.four);
  Value scalar = vector::ExtractOp::create(b, word, ArrayRef<int64_t>{0});
  return vector::BroadcastOp::create(b, vectorOf(b, dot.lanes, 32), scalar);
}

static Value callIntrinsic(ImplicitLocOpBuilder &b, StringRef name, Type result,
                           ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

static Value emitVpdpbusd(ImplicitLocOpBuilder &b, const Dot &dot) {
  StringRef name = dot.lanes == 16 ? "llvm.x86.avx512.vpdpbusd.512"
                                   : "llvm.x86.avx512.vpdpbusd.256";
  Value four =
      vector::BitCastOp::create(b, dot.codes.getType(), repeatFour(b, dot));
  return callIntrinsic(b, name, dot.sum.getType(), {dot.sum, dot.codes, four});
}

/// Bytes in pairs become words that vpmaddwd multiplies and adds without
/// overflow, whatever the bytes are: the even ones and the odd ones, each with
/// its sign, or without.
static Value emitVpmaddwd(ImplicitLocOpBuilder &b, const Dot &dot) {
  Type words = vectorOf(b, 2 * dot.lanes, 16);
  auto splat = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(cast<ShapedType>(words),
                                  b.getI16IntegerAttr(value)));
  };
  auto odd = [&](Value pairs, bool isUnsigned) -> Value {
    if (isUnsigned)
      return arith::ShRUIOp::create(b, pairs, splat(8));
    return arith::ShRSIOp::create(b, pairs, splat(8));
  };
  auto even = [&](Value pairs, bool isUnsigned) -> Value {
    if (isUnsigned)
      return arith::AndIOp::create(b, pairs, splat(255));
    return odd(arith::ShLIOp::create(b, pairs, splat(8)), false);
  };
  Value four = vector::BitCastOp::create(b, words, repeatFour(b, dot));
  Value codes = vector::BitCastOp::create(b, words, dot.codes);
  Value sum = dot.sum;
  auto addProducts = [&](Value x, Value w) {
    Value products =
        callIntrinsic(b, "llvm.x86.avx2.pmadd.wd", dot.sum.getType(), {w, x});
    sum = arith::AddIOp::create(b, sum, products);
  };
  addProducts(even(four, false), even(codes, dot.isUnsigned));
  addProducts(odd(four, false), odd(codes, dot.isUnsigned));
  return sum;
}

static Value emitSdot(ImplicitLocOpBuilder &b, const Dot &dot) {
  Value four =
      vector::BitCastOp::create(b, dot.codes.getType(), repeatFour(b, dot));
  return callIntrinsic(b, "llvm.aarch64.neon.sdot.v4i32.v16i8",
                       dot.sum.getType(), {dot.sum, dot.codes, four});
}

/// Byte k of every lane by shifts, then a multiplication.
static Value emitGeneric(ImplicitLocOpBuilder &b, const Dot &dot) {
  Type type = dot.sum.getType();
  auto splat = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(cast<ShapedType>(type),
                                  b.getI32IntegerAttr(value)));
  };
  auto byte = [&](Value words, int64_t k, bool isUnsigned) -> Value {
    Value top = arith::ShLIOp::create(b, words, splat(24 - 8 * k));
    return isUnsigned ? Value(arith::ShRUIOp::create(b, top, splat(24)))
                      : Value(arith::ShRSIOp::create(b, top, splat(24)));
  };
  Value four = repeatFour(b, dot);
  Value codes = vector::BitCastOp::create(b, type, dot.codes);
  Value sum = dot.sum;
  for (int64_t k = 0; k < 4; ++k)
    sum = arith::AddIOp::create(
        b, sum,
        arith::MulIOp::create(b, byte(four, k, false),
                              byte(codes, k, dot.isUnsigned)));
  return sum;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

static std::optional<Dot> matchDot(vector::ContractionOp op) {
  AffineExpr n = getAffineDimExpr(0, op.getContext());
  AffineExpr k = getAffineDimExpr(1, op.getContext());
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto sumType = dyn_cast<VectorType>(op.getAccType());
  auto left = op.getLhs().getDefiningOp<arith::ExtSIOp>();
  Operation *right = op.getRhs().getDefiningOp();
  if (!left || !sumType || sumType.getRank() != 1 ||
      !isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(right) ||
      maps[0].getResults() != ArrayRef(k) ||
      maps[1].getResults() != ArrayRef({n, k}) ||
      maps[2].getResults() != ArrayRef(n) ||
      op.getKind() != vector::CombiningKind::ADD)
    return std::nullopt;
  auto four = cast<VectorType>(left.getIn().getType());
  auto codes = cast<VectorType>(right->getOperand(0).getType());
  if (four.getNumElements() != 4 || !four.getElementType().isInteger(8) ||
      !codes.getElementType().isInteger(8))
    return std::nullopt;
  return Dot{left.getIn(), right->getOperand(0), op.getAcc(),
             isa<arith::ExtUIOp>(right), sumType.getNumElements()};
}

static Value emitDot(ImplicitLocOpBuilder &b, Dot dot,
                     const CPUTarget &target) {
  dot.codes =
      vector::ShapeCastOp::create(b, vectorOf(b, 4 * dot.lanes, 8), dot.codes);
  if (dot.lanes != target.lanes)
    return emitGeneric(b, dot);
  switch (target.dot) {
  case DotInstruction::AVX512VNNI:
  case DotInstruction::AVXVNNI:
    return dot.isUnsigned ? emitVpdpbusd(b, dot) : emitGeneric(b, dot);
  case DotInstruction::AVX2:
    return emitVpmaddwd(b, dot);
  case DotInstruction::NeonDotProd:
    return dot.isUnsigned ? emitGeneric(b, dot) : emitSdot(b, dot);
  case DotInstruction::Generic:
    return emitGeneric(b, dot);
  }
}

namespace {
struct LowerDot final : public stamp::impl::LowerDotPassBase<LowerDot> {
  using LowerDotPassBase::LowerDotPassBase;

  void runOnOperation() override {
    std::optional<CPUTarget> target = CPUTarget::get(cpu);
    if (!target) {
      emitError(getOperation()->getLoc())
          << "unknown cpu '" << cpu << "'; known are " << CPUTarget::names();
      return signalPassFailure();
    }
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](vector::ContractionOp op) {
      std::optional<Dot> dot = matchDot(op);
      if (!dot)
        return;
      rewriter.setInsertionPoint(op);
      ImplicitLocOpBuilder b(op.getLoc(), rewriter);
      rewriter.replaceOp(op, emitDot(b, *dot, *target));
    });
  }
};
} // namespace
