//===- QuantizedLinear.h - What kernels are made of -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// On tensors a quantized linear is
//
//     %t = stamp.transform … block_order (%x)
//     %q, %s, %z = stamp.quantize … (%t)
//     %a = linalg.matmul (%q, weight)
//     %r = stamp.rescale (%a, %s, %z, …)
//     %y = stamp.inverse_transform … (%r)
//
// without the transforms where there are none, and with codes that are reshaped
// in front of the product where features have groups. Kernels for every machine
// find it here.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_CODEGEN_QUANTIZEDLINEAR_H
#define STAMP_CODEGEN_QUANTIZEDLINEAR_H

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <optional>

namespace stamp {

/// A weight's codes, features × channels, or channels × features if
/// `isTransposed`.
struct WeightCodes {
  llvm::ArrayRef<char> data; ///< of a constant
  int64_t features, channels;
  bool isTransposed;
  mlir::Value tensor; ///< what only run time knows; null for a constant

  char at(int64_t feature, int64_t channel) const {
    return data[isTransposed ? channel * features + feature
                             : feature * channels + channel];
  }
};

/// 4 if that many bits surely hold every code, else 8.
int64_t getWeightBits(const WeightCodes &codes);

/// A contraction of codes with a weight.
struct CodeProduct {
  WeightCodes weight;
  std::optional<int64_t> group; ///< of features that are summed up together
  bool groupsAreLast;           ///< behind the channels, in the accumulators
};

/// One linear behind a quantizer.
struct QuantizedLinear {
  mlir::linalg::LinalgOp contraction;
  RescaleOp rescale;
  InverseTransformOp inverse; ///< null if none is to be fused
  CodeProduct product;

  mlir::Value result() {
    return inverse ? inverse.getResult() : rescale.getResult();
  }
};

/// The bytes of a constant; a splat is written out into `storage`.
std::optional<llvm::ArrayRef<char>>
readBytes(mlir::Value tensor, llvm::SmallVectorImpl<char> &storage);

bool isVector(mlir::Value tensor);

/// The rows of `quantize` in the form that kernels take; fails with `why`.
llvm::LogicalResult matchQuantize(QuantizeOp op, llvm::StringRef &why);

/// The transform that makes `input`, which `quantize` starts from, if it is
/// made in blocks.
TransformOp matchTransform(mlir::Value input, QuantizeOp quantize,
                           BasisAttrInterface blocks);

/// The contractions of codes, as they are or in groups.
void findContractions(
    mlir::Value codes,
    llvm::SmallVectorImpl<mlir::linalg::LinalgOp> &contractions);

/// The linear around a contraction of `quantize`'s codes, with the inverse
/// transform behind it if that is of the basis `blocks`; fails with `why`. A
/// weight that is a splat is written out into `storage`.
llvm::FailureOr<QuantizedLinear>
matchLinear(mlir::linalg::LinalgOp op, QuantizeOp quantize,
            BasisAttrInterface blocks, llvm::SmallVectorImpl<char> &storage,
            llvm::StringRef &why);

/// A tensor in memory, to be read.
mlir::Value toBuffer(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor);

/// A tensor in memory, with all but its last `inner` dimensions as one: X as
/// batch × tokens × features.
mlir::Value toBatch(mlir::ImplicitLocOpBuilder &b, mlir::Value x,
                    int64_t inner = 2);

/// The reverse, for a result with the sizes of `like`.
mlir::Value fromBatch(mlir::ImplicitLocOpBuilder &b, mlir::Value memory,
                      mlir::Value like);

} // namespace stamp

#endif // STAMP_CODEGEN_QUANTIZEDLINEAR_H
