//===- MatrixAttr.cpp - An explicit matrix as IR ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/IR/Stamp.h"

#include <cmath>

using namespace mlir;
using namespace stamp;

/// How far M·Mᵀ, or M·inverse, may be from the identity: an f32 matrix of some
/// thousand rows that was orthonormal in f64 stays well below.
static constexpr double kIdentityTolerance = 1e-4;

static std::vector<float> toFloats(ElementsAttr matrix) {
  auto values = matrix.getValues<float>();
  return std::vector<float>(values.begin(), values.end());
}

/// max |M·N − I|, in double; NaN as soon as an entry is not finite.
static double distanceFromInverse(int64_t n, const std::vector<float> &m,
                                  const std::vector<float> &inverse) {
  double distance = 0;
  std::vector<double> row(n);
  for (int64_t i = 0; i < n; ++i) {
    std::fill(row.begin(), row.end(), 0.0);
    row[i] = -1;
    for (int64_t k = 0; k < n; ++k)
      for (int64_t j = 0; j < n; ++j)
        row[j] += static_cast<double>(m[i * n + k]) * inverse[k * n + j];
    for (double error : row) {
      if (std::isnan(error))
        return error;
      distance = std::max(distance, std::abs(error));
    }
  }
  return distance;
}

/// Checks that all n×n numbers are there, so that reading them costs no more
/// than the attribute already holds. A sparse or a splat attribute can claim
/// any size, and the reader of bytecode takes dense data of any length.
static LogicalResult verifyValues(function_ref<InFlightDiagnostic()> emitError,
                                  StringRef name, ElementsAttr matrix,
                                  int64_t n) {
  auto dense = dyn_cast<DenseElementsAttr>(matrix);
  if (!dense)
    return emitError() << "the " << name << " has no dense values to read";
  if (dense.isSplat()) {
    if (n > 1)
      return emitError() << "the entries of the " << name
                         << " are all equal: it cannot be inverted";
    return success();
  }
  // n·n could overflow; quotients cannot.
  int64_t bytes = dense.getRawData().size(), rows = bytes / sizeof(float) / n;
  if (rows != n || bytes != n * n * static_cast<int64_t>(sizeof(float)))
    return emitError() << "the " << name << " of type " << matrix.getType()
                       << " has " << bytes << " bytes of values";
  return success();
}

LogicalResult MatrixAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ElementsAttr matrix, ElementsAttr inverse,
                                 int64_t skip) {
  if (skip < 0)
    return emitError() << "skip must not be negative, got " << skip;
  auto type = dyn_cast<RankedTensorType>(matrix.getType());
  if (!type || type.getRank() != 2 || type.getDimSize(0) < 1 ||
      type.getDimSize(0) != type.getDimSize(1) ||
      !type.getElementType().isF32())
    return emitError() << "expected a square matrix of f32, got "
                       << matrix.getType();
  int64_t n = type.getDimSize(0);
  if (failed(verifyValues(emitError, "matrix", matrix, n)))
    return failure();
  if (!inverse) {
    double error = MatrixBasis::orthonormalityError(n, toFloats(matrix).data());
    if (!(error <= kIdentityTolerance))
      return emitError() << "a matrix without an inverse must be orthonormal, "
                            "but an entry of M*transpose(M) - I is "
                         << error;
    return success();
  }
  if (inverse.getType() != type)
    return emitError() << "the inverse must have the matrix's type " << type
                       << ", got " << inverse.getType();
  if (failed(verifyValues(emitError, "inverse", inverse, n)))
    return failure();
  double error = distanceFromInverse(n, toFloats(matrix), toFloats(inverse));
  if (!(error <= kIdentityTolerance))
    return emitError() << "the inverse does not invert the matrix: an entry of "
                          "M*inverse - I is "
                       << error;
  return success();
}

std::unique_ptr<Basis> MatrixAttr::getBasis() const {
  std::optional<std::vector<float>> inverse;
  if (getInverse())
    inverse = toFloats(getInverse());
  return std::make_unique<MatrixBasis>(
      cast<RankedTensorType>(getMatrix().getType()).getDimSize(0),
      toFloats(getMatrix()), std::move(inverse), getSkip());
}

/// M·x, or M⁻¹·x, or with the transpose, where the length is that of M.
static Value emitProduct(MatrixAttr attr, TokenBuilder &tokens, Value x,
                         Direction direction, bool transposed) {
  int64_t n = cast<RankedTensorType>(attr.getMatrix().getType()).getDimSize(0);
  bool isInverse = direction == Direction::Inverse;
  ElementsAttr values = attr.getMatrix();
  if (isInverse && attr.getInverse())
    values = attr.getInverse();
  else if (isInverse) // M⁻¹ = Mᵀ
    transposed = !transposed;
  return tokens.ifLengthIs(n, x, [&](TokenBuilder &tokens, Value x) {
    Value matrix = arith::ConstantOp::create(tokens, cast<TypedAttr>(values));
    return tokens.multiply(
        matrix, x, transposed ? Direction::Inverse : Direction::Forward);
  });
}

Value MatrixAttr::emitTokens(TokenBuilder &tokens, Value x, Direction direction,
                             RowOrder) const {
  return emitProduct(*this, tokens, x, direction, /*transposed=*/false);
}

std::unique_ptr<FeatureTransform> MatrixAttr::getFeatureTransform() const {
  std::optional<std::vector<float>> inverse;
  if (getInverse())
    inverse = toFloats(getInverse());
  return std::make_unique<FeatureMatrix>(
      cast<RankedTensorType>(getMatrix().getType()).getDimSize(0),
      toFloats(getMatrix()), std::move(inverse), getSkip());
}

Value MatrixAttr::emitFeatures(TokenBuilder &features, Value x, Side side,
                               Direction direction) const {
  // Along the features X·R is Rᵀ times a column.
  return features.afterSkip(
      getSkip(), x, [&](TokenBuilder &features, Value rest) {
        return emitProduct(*this, features, rest, direction,
                           /*transposed=*/side == Side::Right);
      });
}
