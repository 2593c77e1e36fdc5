//===- Linear.cpp - What a linear layer is ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Linear.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace stamp;

static int64_t getDimSize(Value tensor, int64_t dimension) {
  return cast<RankedTensorType>(tensor.getType()).getDimSize(dimension);
}

int64_t Linear::getSequenceLength() const { return getDimSize(x, sequence); }

/// X or W may know K: either is enough.
int64_t Linear::getReductionLength() const {
  int64_t length = getDimSize(x, features);
  return ShapedType::isDynamic(length) ? getDimSize(weight, weightReduced)
                                       : length;
}

/// Named matmuls may carry maps of their own, which permute or broadcast.
static bool hasOwnMaps(linalg::LinalgOp op) {
  if (auto matmul = dyn_cast<linalg::MatmulOp>(op.getOperation()))
    return matmul.hasUserDefinedMaps();
  return cast<linalg::BatchMatmulOp>(op.getOperation()).hasUserDefinedMaps();
}

std::optional<Linear> Linear::match(linalg::LinalgOp op, std::string &why) {
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  if (!isa<linalg::MatmulOp, linalg::BatchMatmulOp>(op.getOperation()))
    return refuse("only linalg.matmul and linalg.batch_matmul are taken");
  if (hasOwnMaps(op))
    return refuse("its indexing maps permute or broadcast an operand");
  if (!op.hasPureTensorSemantics())
    return refuse("it works on buffers, not on tensors");

  int64_t batch = isa<linalg::BatchMatmulOp>(op.getOperation()) ? 1 : 0;
  Linear linear = {op,
                   op.getDpsInputOperand(0)->get(),
                   op.getDpsInputOperand(1)->get(),
                   op.getDpsInitOperand(0)->get(),
                   /*sequence=*/batch,
                   /*features=*/batch + 1,
                   /*channels=*/batch + 1,
                   /*weightReduced=*/batch};
  for (Value operand : {linear.x, linear.weight, linear.init}) {
    Type type = getElementTypeOrSelf(operand);
    if (!type.isF32() && !type.isF16() && !type.isBF16())
      return refuse("its element types are not f32, f16 or bf16");
  }
  // |Σ(q − z)·q_w| ≤ 255·127·K must stay below 2³¹.
  constexpr int64_t kMaxReduction = 66311;
  if (linear.getReductionLength() > kMaxReduction)
    return refuse("its sums are longer than 66311 products, which may overflow "
                  "32-bit accumulators");
  return linear;
}

bool stamp::isZeroTensor(Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) ||
           matchPattern(fill.getInputs()[0], m_Zero());
  DenseElementsAttr constant;
  if (!matchPattern(tensor, m_Constant(&constant)) || !constant.isSplat())
    return false;
  if (isa<FloatType>(constant.getElementType()))
    return constant.getSplatValue<APFloat>().isZero();
  return constant.getSplatValue<APInt>().isZero();
}
