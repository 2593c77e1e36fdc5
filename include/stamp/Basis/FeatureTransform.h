//===- FeatureTransform.h - Linear transforms of the features --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// A feature transform is one invertible matrix R for every number of features
// D, where a Basis is one for every number of tokens: X·R·R⁻¹·W = X·W, and X·R
// quantizes better than X. docs/Semantics.md defines R and the order of float
// operations. Where a number of features does not suit a transform, R = I.
//
// A new one is a class that implements `transform`, `flops` and `misfit`.
//
//===---------------------------------------------------------------------===//

#ifndef STAMP_BASIS_FEATURETRANSFORM_H
#define STAMP_BASIS_FEATURETRANSFORM_H

#include "stamp/Basis/Basis.h"

namespace stamp {

/// On which side of its operand R stands: activations take it on the right,
/// X·R, and weights on the left, R·W.
enum class Side { Right, Left };

/// A dense row-major tensor of outer × features × inner elements: S×D
/// activations are S×D×1, a D×N weight is 1×D×N.
struct FeatureShape {
  int64_t outer;
  int64_t features;
  int64_t inner;
};

class FeatureTransform {
public:
  virtual ~FeatureTransform() = default;

  /// X ← X·R (Right, Forward), X·R⁻¹ (Right, Inverse), R·X (Left, Forward) or
  /// R⁻¹·X (Left, Inverse) along the features, in place. Float follows
  /// docs/Semantics.md; double is the same with constants of full precision.
  void apply(float *x, FeatureShape shape, Side side,
             Direction direction) const;
  void apply(double *x, FeatureShape shape, Side side,
             Direction direction) const;

  /// R itself, features × features, row-major, from the double evaluation.
  std::vector<double> matrix(int64_t features) const;

  /// Whether R·Rᵀ = I for every number of features.
  virtual bool isOrthonormal() const { return false; }

  /// Float additions and multiplications to transform one token.
  virtual double flops(int64_t features) const = 0;

  /// Why the transform is not for that many features, as a phrase for a
  /// diagnostic; nullopt if it is. R = I for misfits.
  virtual std::optional<std::string> misfit(int64_t features) const = 0;

private:
  /// A·x, in place, where row i of `x` holds feature i, of as many tokens or
  /// channels as there are columns. A is Rᵀ or R⁻ᵀ on the right side and R or
  /// R⁻¹ on the left. Called for fitting sizes only. Implement both by one
  /// template.
  virtual void transform(Side side, Direction direction,
                         Rows<float> x) const = 0;
  virtual void transform(Side side, Direction direction,
                         Rows<double> x) const = 0;
};

/// R = H ⊗ M for D = m·2^k: H is the Sylvester matrix of order 2^k, M one of
/// order m, a Hadamard matrix if one is constructed here and a DCT-II if not;
/// both orthonormal.
class Hadamard final : public FeatureTransform {
public:
  static constexpr int64_t kMinOrder = 1;
  static constexpr int64_t kMaxOrder = 4096;

  /// Precondition: kMinOrder <= order <= kMaxOrder.
  explicit Hadamard(int64_t order);

  /// The order that suits so many features: the least m = D/2^k that has a
  /// Hadamard matrix here, if there is one of no more than 256, else the odd
  /// part of D; nullopt if that is above kMaxOrder.
  static std::optional<int64_t> orderFor(int64_t features);

  /// A Hadamard matrix, ±1, order × order, row-major; empty if none of that
  /// order is constructed here. Of all multiples of 4 up to 256 these are
  /// missing: 156, 188 and 236.
  static std::vector<int8_t> signs(int64_t order);

  int64_t getOrder() const { return order; }

  /// k, so that features = order·2^k; nullopt if there is none.
  std::optional<int64_t> exponentFor(int64_t features) const;

  /// M, order × order, row-major.
  std::vector<double> denseMatrix() const;

  /// 2^(−k/2).
  static double norm(int64_t exponent);

  /// Whether Mᵀ, and not M, is what multiplies the columns.
  static bool isTransposed(Side side, Direction direction) {
    return (side == Side::Right) == (direction == Direction::Forward);
  }

  bool isOrthonormal() const override { return true; }
  double flops(int64_t features) const override;
  std::optional<std::string> misfit(int64_t features) const override;

private:
  void transform(Side, Direction, Rows<float>) const override;
  void transform(Side, Direction, Rows<double>) const override;

  int64_t order;
};

/// R = diag(s). The inverse divides.
class FeatureScale final : public FeatureTransform {
public:
  /// Precondition: no factor is 0.
  explicit FeatureScale(std::vector<float> factors);

  double flops(int64_t features) const override;
  std::optional<std::string> misfit(int64_t features) const override;

private:
  void transform(Side, Direction, Rows<float>) const override;
  void transform(Side, Direction, Rows<double>) const override;

  std::vector<float> factors;
};

/// R is an explicit n × n matrix, for the features after the first `skip`.
class FeatureMatrix final : public FeatureTransform {
public:
  /// As MatrixBasis: without an inverse the transpose inverts the matrix.
  FeatureMatrix(int64_t n, std::vector<float> matrix,
                std::optional<std::vector<float>> inverse = std::nullopt,
                int64_t skip = 0);

  bool isOrthonormal() const override { return !inverseMatrix; }
  double flops(int64_t features) const override;
  std::optional<std::string> misfit(int64_t features) const override;

private:
  void transform(Side, Direction, Rows<float>) const override;
  void transform(Side, Direction, Rows<double>) const override;

  int64_t n, skip;
  std::vector<float> forwardMatrix;
  std::optional<std::vector<float>> inverseMatrix;
};

} // namespace stamp

#endif // STAMP_BASIS_FEATURETRANSFORM_H
