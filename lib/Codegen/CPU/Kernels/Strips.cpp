//===- Strips.cpp - A weight as kernels read it -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Strips.h"

#include "Panels.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

Value stamp::createStrips(KernelBuilder &b, const WeightCodes &codes,
                          int64_t bits) {
  int64_t width = b.stripWidth(), perByte = bits == 4 ? 2 : 1;
  int64_t padded = padFeatures(b, codes.features);
  int64_t numStrips = llvm::divideCeil(codes.channels, width);
  int64_t stepBytes = 4 * width, steps = padded / 4 / perByte;
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
  return arith::ConstantOp::create(
      b, DenseResourceElementsAttr::get(
             type, resources.insert("stamp_strips", std::move(blob))));
}
