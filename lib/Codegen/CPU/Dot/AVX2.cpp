//===- AVX2.cpp - vpmaddubsw and vpmaddwd -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// vpmaddubsw adds two products of bytes to a word and saturates. Two products
// with codes up to 15 are within ±3840, two with bytes up to 255 are not within
// a word: such bytes become words first, and vpmaddwd multiplies those.
//
//===----------------------------------------------------------------------===//

#include "InstructionSet.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace stamp;

/// sum + the products of words, added in pairs.
static Value addProducts(ImplicitLocOpBuilder &b, Value sum, Value left,
                         Value right) {
  Value products =
      callIntrinsic(b, "llvm.x86.avx2.pmadd.wd", sum.getType(), {left, right});
  return arith::AddIOp::create(b, sum, products);
}

static Value emitNarrow(ImplicitLocOpBuilder &b, const Dot &dot) {
  VectorType words = vectorOf(b, 2 * dot.lanes, 16);
  Value four = repeatFour(b, dot, dot.codes.getType());
  Value pairs =
      callIntrinsic(b, "llvm.x86.avx2.pmadd.ub.sw", words, {dot.codes, four});
  return addProducts(b, dot.sum, pairs, splatConstant(b, words, 1));
}

/// The even bytes and the odd ones, with and without a sign.
static Value emitWide(ImplicitLocOpBuilder &b, const Dot &dot) {
  VectorType words = vectorOf(b, 2 * dot.lanes, 16);
  Value eight = splatConstant(b, words, 8), low = splatConstant(b, words, 255);
  Value four = repeatFour(b, dot, words);
  Value evenFour =
      arith::ShRSIOp::create(b, arith::ShLIOp::create(b, four, eight), eight);
  Value oddFour = arith::ShRSIOp::create(b, four, eight);
  Value codes = vector::BitCastOp::create(b, words, dot.codes);
  Value evenCodes = arith::AndIOp::create(b, codes, low);
  Value oddCodes = arith::ShRUIOp::create(b, codes, eight);
  Value sum = addProducts(b, dot.sum, evenCodes, evenFour);
  return addProducts(b, sum, oddCodes, oddFour);
}

static Value emitAVX2(ImplicitLocOpBuilder &b, const Dot &dot) {
  return dot.isFourBits ? emitNarrow(b, dot) : emitWide(b, dot);
}

static constexpr llvm::StringLiteral avx2Features[] = {"avx2"};
const InstructionSet stamp::avx2 = {"avx2",
                                    avx2Features,
                                    /*lanes=*/8,
                                    /*registers=*/16,
                                    /*hasUnsignedCodes=*/true,
                                    /*takesWholeBytes=*/false,
                                    emitAVX2};
