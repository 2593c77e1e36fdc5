//===- Strips.cpp - A weight as kernels read it -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Strips.h"

#include "Panels.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

namespace {
/// Writes the strips of a weight that run time knows. What a byte means whose
/// feature or column the weight does not have, nobody asks: codes are 0 there,
/// and sums are not stored.
class StripWriter {
public:
  StripWriter(KernelBuilder &b, const WeightCodes &codes, Value strips)
      : b(b), codes(codes), strips(strips) {
    Value tensor = codes.tensor;
    // In memory groups are not to be seen.
    if (cast<RankedTensorType>(tensor.getType()).getRank() == 3) {
      SmallVector<ReassociationIndices> features = {{0, 1}, {2}};
      if (codes.isTransposed)
        features = {{0}, {1, 2}};
      tensor = tensor::CollapseShapeOp::create(b, tensor, features);
    }
    weight = toBuffer(b, tensor);
  }

  void emit() {
    b.parallel(b.size(strips, 0), [&](ValueRange at) {
      b.loop(b.index(0), b.size(strips, 1), 1, [&](Value step) {
        if (codes.isTransposed)
          return writeRows(at[0], step);
        for (int64_t v = 0; v < b.tile.vectors; ++v)
          writeColumns(at[0], step, v);
      });
    });
  }

private:
  Value load(Value row, Value column, int64_t count, Value mask) {
    VectorType type = b.vectorOf(b.getI8Type(), count);
    if (!mask)
      return vector::LoadOp::create(b, type, weight, ValueRange{row, column});
    return vector::MaskedLoadOp::create(
        b, type, weight, ValueRange{row, column}, mask,
        arith::ConstantOp::create(b, b.getZeroAttr(type)));
  }

  void store(Value bytes, Value strip, Value step, Value place) {
    auto type = cast<VectorType>(bytes.getType());
    auto offset = static_cast<int8_t>(b.target.getWeightOffset(/*bits=*/8));
    if (offset != 0)
      bytes = arith::AddIOp::create(
          b, bytes,
          arith::ConstantOp::create(
              b, DenseElementsAttr::get(type, b.getI8IntegerAttr(offset))));
    vector::StoreOp::create(b, bytes, strips, ValueRange{strip, step, place});
  }

  /// How many of `count` are left of `size` from `first` on, as a mask; null
  /// if that is never less, as turns go through a multiple of `whole`.
  Value maskOf(Value first, int64_t count, int64_t size, int64_t whole) {
    if (size % whole == 0)
      return {};
    Value left =
        b.clamp(b.sub(b.index(size), first), b.index(0), b.index(count));
    return vector::CreateMaskOp::create(b, b.vectorOf(b.getI1Type(), count),
                                        left);
  }

  /// Four rows of features × channels, a vector of columns.
  void writeColumns(Value strip, Value step, int64_t vector) {
    Value place = b.index(vector * b.lanes());
    Value channel = b.add(b.mul(strip, b.stripWidth()), place);
    Value mask = maskOf(channel, b.lanes(), codes.channels, b.stripWidth());
    Values rows;
    for (int64_t k = 0; k < 4; ++k) {
      Value feature =
          b.min(b.add(b.mul(step, 4), k), b.index(codes.features - 1));
      rows.push_back(load(feature, channel, b.lanes(), mask));
    }
    Value even = vector::InterleaveOp::create(b, rows[0], rows[2]);
    Value odd = vector::InterleaveOp::create(b, rows[1], rows[3]);
    store(vector::InterleaveOp::create(b, even, odd), strip, step,
          b.mul(place, 4));
  }

  /// Four neighbours of each row of channels × features.
  void writeRows(Value strip, Value step) {
    Value feature = b.mul(step, 4);
    Value mask = maskOf(feature, 4, codes.features, padFeatures(b, 1));
    b.loop(b.index(0), b.index(b.stripWidth()), 1, [&](Value n) {
      Value channel = b.min(b.add(b.mul(strip, b.stripWidth()), n),
                            b.index(codes.channels - 1));
      store(load(channel, feature, 4, mask), strip, step, b.mul(n, 4));
    });
  }

  KernelBuilder &b;
  const WeightCodes &codes;
  Value strips, weight;
};
} // namespace

Value stamp::createStrips(KernelBuilder &b, const WeightCodes &codes,
                          int64_t bits) {
  int64_t width = b.stripWidth(), perByte = bits == 4 ? 2 : 1;
  int64_t padded = padFeatures(b, codes.features);
  int64_t numStrips = llvm::divideCeil(codes.channels, width);
  int64_t stepBytes = 4 * width, steps = padded / 4 / perByte;
  if (codes.tensor) {
    Value strips = b.alloc({numStrips, steps, stepBytes}, b.getI8Type());
    StripWriter(b, codes, strips).emit();
    return strips;
  }
  auto type =
      RankedTensorType::get({numStrips, steps, stepBytes}, b.getI8Type());
  int64_t offset = b.target.getWeightOffset(bits);

  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      type.getNumElements(), /*align=*/64, /*dataIsMutable=*/true);
  MutableArrayRef<char> bytes = blob.getMutableData();
  std::fill(bytes.begin(), bytes.end(), 0);
  int64_t featureStride = codes.isTransposed ? 1 : codes.channels;
  int64_t channelStride = codes.isTransposed ? codes.features : 1;
  for (int64_t k = 0; k < codes.features; ++k) {
    int64_t step = k / (4 * perByte), part = k / 4 % perByte;
    for (int64_t n = 0; n < codes.channels; ++n) {
      int64_t code = codes.data[k * featureStride + n * channelStride] + offset;
      char &byte =
          bytes[(n / width * steps + step) * stepBytes + n % width * 4 + k % 4];
      byte = static_cast<char>(byte | (code << (4 * part)));
    }
  }
  auto &resources =
      DenseResourceElementsHandle::getManagerInterface(b.getContext());
  return toBuffer(
      b, arith::ConstantOp::create(
             b, DenseResourceElementsAttr::get(
                    type, resources.insert("stamp_strips", std::move(blob)))));
}
