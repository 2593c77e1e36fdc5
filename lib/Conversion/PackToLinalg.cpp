//===- PackToLinalg.cpp - Packed codes in upstream ops ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A byte of 4-bit codes joins two codes that are neighbours along the packed
// dimension, so the two nibbles are slices of stride two:
//
//     codes  q₀ q₁ | q₂ q₃ | q₄        low   q₀ q₂ q₄
//                              →       high  q₁ q₃ 0       byte = low | high <<
//                              4
//
// and one elementwise op does the rest. Four codes of 2 bits are four slices.
//
//===----------------------------------------------------------------------===//

#include "stamp/Conversion/Passes.h"

#include "stamp/Basis/Packing.h"
#include "stamp/IR/Stamp.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace stamp;

namespace {
/// The rows of one width.
struct Part {
  OpFoldResult begin, rows;
  int64_t bits;

  int perByte() const { return codesPerByte(bits); }
  int fieldBits() const { return 8 / perByte(); }
};

/// How many codes take a certain place in their bytes, and how many bytes there
/// are for so many codes (the first place is always taken).
struct Places {
  TokenBuilder &along;
  OpFoldResult count;
  int perByte;

  OpFoldResult codesAt(int place) const {
    AffineExpr codes = along.getAffineSymbolExpr(0);
    return along.apply((codes - place).ceilDiv(perByte), {count});
  }
  OpFoldResult bytes() const { return codesAt(0); }
};
} // namespace

/// Whether a part is known to hold no code. Static types have no room for an
/// empty slice at their end, so such parts are not looked at.
static bool isEmpty(const Part &part, Value codes) {
  return getConstantIntValue(part.rows) == 0 ||
         llvm::is_contained(cast<RankedTensorType>(codes.getType()).getShape(),
                            0);
}

static SmallVector<Part> getParts(TokenBuilder &tokens, ScheduleAttr schedule,
                                  OpFoldResult seqLen) {
  SmallVector<OpFoldResult> ends =
      schedule.getEnds(tokens, tokens.getLoc(), seqLen);
  ends.push_back(seqLen);
  SmallVector<Part> parts;
  OpFoldResult begin = tokens.getIndexAttr(0);
  for (auto [end, bits] : llvm::zip_equal(ends, schedule.getWidths())) {
    parts.push_back({begin, tokens.subtract(end, begin), bits});
    begin = end;
  }
  return parts;
}

/// The codes that have `place` in their bytes, 0 where a byte has none.
static Value takePlace(const Places &places, Value codes, int place) {
  TokenBuilder &along = places.along;
  OpFoldResult count = places.codesAt(place), bytes = places.bytes();
  // No room for an empty slice behind a single code either.
  OpFoldResult offset =
      along.getIndexAttr(getConstantIntValue(count) == 0 ? 0 : place);
  Value taken =
      along.slice(codes, offset, count, along.getIndexAttr(places.perByte));
  if (isEqualConstantIntOrValue(count, bytes))
    return taken;
  Value zero = arith::ConstantOp::create(along, along.getI8IntegerAttr(0));
  Value zeros = linalg::FillOp::create(along, zero, along.empty(codes, bytes))
                    .getResult(0);
  return along.insert(taken, zeros, along.getIndexAttr(0));
}

static Value constantI8(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantOp::create(
      b, b.getI8IntegerAttr(static_cast<int8_t>(value)));
}

namespace {
struct LowerPack final : OpRewritePattern<PackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PackOp op,
                                PatternRewriter &rewriter) const override {
    TokenBuilder tokens(rewriter, op.getLoc(), op.getDimension());
    TokenBuilder along = tokens.along(op.getPackedDimension());
    SmallVector<Part> parts =
        getParts(tokens, op.getSchedule(), tokens.length(op.getCodes()));
    SmallVector<Value> results;
    for (auto [part, init] : llvm::zip_equal(parts, op.getInits()))
      results.push_back(isEmpty(part, op.getCodes())
                            ? init
                            : pack(tokens, along, part, op.getCodes(), init));
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  static Value pack(TokenBuilder &tokens, TokenBuilder &along, const Part &part,
                    Value codes, Value init) {
    Places places = {along, along.length(codes), part.perByte()};
    Value rows = tokens.slice(codes, part.begin, part.rows);
    SmallVector<Value> fields;
    for (int place = 0; place < part.perByte(); ++place)
      fields.push_back(takePlace(places, rows, place));
    return along
        .mapInto(fields, init,
                 [&](ImplicitLocOpBuilder &b,
                     ValueRange fields) -> SmallVector<Value> {
                   return {emitByte(b, fields, part.fieldBits())};
                 })
        .front();
  }

  static Value emitByte(ImplicitLocOpBuilder &b, ValueRange codes, int bits) {
    if (codes.size() == 1)
      return codes.front();
    Value byte;
    for (auto [place, code] : llvm::enumerate(codes)) {
      Value field =
          arith::AndIOp::create(b, code, constantI8(b, (1 << bits) - 1));
      if (place > 0)
        field = arith::ShLIOp::create(
            b, field, constantI8(b, static_cast<int64_t>(place) * bits));
      byte = byte ? arith::OrIOp::create(b, byte, field).getResult() : field;
    }
    return byte;
  }
};

struct LowerUnpack final : OpRewritePattern<UnpackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(UnpackOp op,
                                PatternRewriter &rewriter) const override {
    TokenBuilder tokens(rewriter, op.getLoc(), op.getDimension());
    TokenBuilder along = tokens.along(op.getPackedDimension());
    SmallVector<Part> parts =
        getParts(tokens, op.getSchedule(), tokens.length(op.getInit()));
    Value result = op.getInit();
    for (auto [part, packed] : llvm::zip_equal(parts, op.getPacked()))
      if (!isEmpty(part, op.getInit()))
        result =
            tokens.insert(unpack(tokens, along, part, packed, op.getInit()),
                          result, part.begin);
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// The rows of a part, with sizes that the codes' tensor tells: what is
  /// packed must have the same.
  static Value unpack(TokenBuilder &tokens, TokenBuilder &along,
                      const Part &part, Value packed, Value codes) {
    Places places = {along, along.length(codes), part.perByte()};
    Value rows = tokens.empty(codes, part.rows);
    SmallVector<Value> inits(part.perByte(), along.empty(rows, places.bytes()));
    SmallVector<Value> fields = along.mapInto(
        packed, inits, [&](ImplicitLocOpBuilder &b, ValueRange bytes) {
          return emitCodes(b, bytes.front(), part);
        });
    for (int place = 0; place < part.perByte(); ++place) {
      OpFoldResult present = places.codesAt(place);
      if (getConstantIntValue(present) == 0)
        continue;
      Value own = along.slice(fields[place], along.getIndexAttr(0), present);
      rows = along.insert(own, rows, along.getIndexAttr(place),
                          along.getIndexAttr(part.perByte()));
    }
    return rows;
  }

  /// Each code is moved to the top of the byte, and back down with its sign.
  static SmallVector<Value> emitCodes(ImplicitLocOpBuilder &b, Value byte,
                                      const Part &part) {
    if (part.perByte() == 1)
      return {byte};
    SmallVector<Value> codes;
    for (int place = 0; place < part.perByte(); ++place) {
      Value top = byte;
      if (int above = part.perByte() - 1 - place)
        top = arith::ShLIOp::create(b, byte,
                                    constantI8(b, above * part.fieldBits()));
      codes.push_back(
          arith::ShRSIOp::create(b, top, constantI8(b, 8 - part.fieldBits())));
    }
    return codes;
  }
};
} // namespace

void stamp::populatePackToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPack, LowerUnpack>(patterns.getContext());
}
