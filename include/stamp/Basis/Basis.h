//===- Basis.h - Linear transforms along the sequence ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// A basis is one matrix L for every sequence length (arXiv 2510.26771). Here it
// is evaluated, written out and costed by one object, with nothing known of any
// compiler, so that attributes, lowerings, tests and the plan's cost model all
// ask the same class. docs/Semantics.md defines every basis and the order of
// its float operations; the float evaluation follows it to the bit.
//
// A new basis is one class that implements `transform`, `mixingBlock`, `flops`
// and, if some lengths do not suit it, `misfitOfLength`. One that works in
// blocks also says where block order keeps its coefficients.
//
//===---------------------------------------------------------------------===//

#ifndef STAMP_BASIS_BASIS_H
#define STAMP_BASIS_BASIS_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stamp {

enum class Direction { Forward, Inverse };

/// In which order the coefficients stand.
enum class RowOrder {
  CoarseFirst, ///< As a precision schedule counts them.
  Block        ///< At the tokens where the algorithm in place leaves them.
};

/// A row-major block of `count` rows of `features` numbers each.
template <typename T> struct Rows {
  T *data;
  int64_t count;
  int64_t features;

  T *operator[](int64_t row) const { return data + row * features; }
};

/// The interface of all bases. Sequence lengths count tokens and include the
/// skipped ones, unless a parameter is called `length`: that is what is left of
/// the sequence after the skip, and it is at least 1 wherever it is passed to a
/// private hook.
class Basis {
public:
  virtual ~Basis() = default;

  /// The number of leading tokens that stay in front, untouched.
  int64_t getSkip() const { return skip; }

  /// From now on L = I for sequences of fewer tokens than that.
  void setMinTokens(int64_t count) { minTokens = count; }

  /// The number of tokens that are transformed: S − min(skip, S), or none if
  /// the sequence is too short.
  int64_t transformedLength(int64_t seqLen) const {
    return seqLen >= minTokens && seqLen > skip ? seqLen - skip : 0;
  }

  /// X ← L·X for X of shape seqLen × features, row-major, in place. Float
  /// follows docs/Semantics.md to the bit; double is the same algorithm with
  /// constants of full precision.
  void forward(float *x, int64_t seqLen, int64_t features,
               RowOrder order = RowOrder::CoarseFirst) const;
  void forward(double *x, int64_t seqLen, int64_t features,
               RowOrder order = RowOrder::CoarseFirst) const;

  /// X ← L⁻¹·X, likewise.
  void inverse(float *x, int64_t seqLen, int64_t features,
               RowOrder order = RowOrder::CoarseFirst) const;
  void inverse(double *x, int64_t seqLen, int64_t features,
               RowOrder order = RowOrder::CoarseFirst) const;

  /// L itself, seqLen × seqLen, row-major, from the double evaluation.
  std::vector<double> matrix(int64_t seqLen) const;

  /// L·1: what becomes of a bias that every token shares. One number per row,
  /// 1 for a skipped token; in float, in the order of operations of `forward`.
  std::vector<float>
  transformedOnes(int64_t seqLen, RowOrder order = RowOrder::CoarseFirst) const;

  /// The coefficient that block order keeps at row i is coefficient
  /// positions[i] of the coarse-first order.
  std::vector<int64_t> coarsePositions(int64_t seqLen) const;

  /// L is block diagonal in tokens: counted from the first token that is not
  /// skipped, aligned runs of this many tokens are mixed among themselves only.
  /// The last run may be shorter. Between 1 and max(1, transformed length).
  virtual int64_t mixingBlock(int64_t seqLen) const = 0;

  /// The B for which, at every length, block order is local: any run of whole
  /// aligned blocks of B tokens (the sequence's last one may be shorter) holds
  /// the coefficients that it would have as a sequence of its own, bit for bit.
  /// nullopt where blocks depend on the length, as they do where sequences may
  /// be too short to be transformed.
  std::optional<int64_t> fixedBlock() const {
    return minTokens > 1 ? std::nullopt : blockOfEveryLength();
  }

  /// Float additions and multiplications per feature column of `forward`.
  virtual double flops(int64_t seqLen) const = 0;

  /// Whether L⁻¹ = Lᵀ, which Theorem 1 needs.
  virtual bool isOrthonormal() const { return true; }

  /// Why a plan with this basis asks for more than a sequence of that static
  /// length has, as a phrase for a diagnostic ("levels = 10 needs at least 513
  /// tokens, there are 40"); nullopt if it fits. Evaluation is defined for
  /// misfits too: this is advice for the author of a plan.
  virtual std::optional<std::string> misfit(int64_t seqLen) const;

protected:
  /// Precondition: skip >= 0.
  explicit Basis(int64_t skip);

  /// How many tokens there are, for a misfit's message: "40", or "39 after
  /// skip = 1".
  std::string describeLength(int64_t length) const;

private:
  template <typename T>
  void evaluate(Direction direction, T *x, int64_t seqLen, int64_t features,
                RowOrder order) const;

  /// L or L⁻¹ of the tokens that are not skipped, in place. Implement both by
  /// one template.
  virtual void transform(Direction direction, Rows<float> x) const = 0;
  virtual void transform(Direction direction, Rows<double> x) const = 0;

  virtual std::optional<std::string> misfitOfLength(int64_t length) const {
    return std::nullopt;
  }

  /// `fixedBlock` of what is not too short.
  virtual std::optional<int64_t> blockOfEveryLength() const {
    return std::nullopt;
  }

  /// `transformedOnes`, coarse first: from the evaluation, unless a basis knows
  /// better.
  virtual std::vector<float> coarseFirstOnes(int64_t seqLen) const;

  /// `coarsePositions` without the skipped tokens. Both orders are the same,
  /// unless a basis works in blocks.
  virtual std::vector<int64_t> coarsePositionsOfLength(int64_t length) const;

  int64_t skip;
  int64_t minTokens = 0;
};

/// L = I. Fits every length.
class IdentityBasis final : public Basis {
public:
  explicit IdentityBasis(int64_t skip = 0) : Basis(skip) {}

  int64_t mixingBlock(int64_t seqLen) const override { return 1; }
  double flops(int64_t seqLen) const override { return 0; }
  std::optional<std::string> misfit(int64_t seqLen) const override {
    return std::nullopt;
  }

private:
  void transform(Direction, Rows<float>) const override {}
  void transform(Direction, Rows<double>) const override {}
  std::optional<int64_t> blockOfEveryLength() const override { return 1; }
};

/// The Haar wavelet transform over neighbouring tokens, `levels` deep. Any
/// length: an odd last row passes unchanged into the coarse half.
class HaarBasis final : public Basis {
public:
  static constexpr int64_t kMinLevels = 1;
  static constexpr int64_t kMaxLevels = 30;

  /// Precondition: kMinLevels <= levels <= kMaxLevels.
  explicit HaarBasis(int64_t levels, int64_t skip = 0);

  int64_t getLevels() const { return levels; }

  int64_t mixingBlock(int64_t seqLen) const override;
  double flops(int64_t seqLen) const override;

private:
  void transform(Direction direction, Rows<float> x) const override;
  void transform(Direction direction, Rows<double> x) const override;
  std::optional<std::string> misfitOfLength(int64_t length) const override;
  std::vector<int64_t> coarsePositionsOfLength(int64_t length) const override;
  std::optional<int64_t> blockOfEveryLength() const override {
    return int64_t(1) << levels;
  }

  int64_t levels;
};

/// The separable Haar transform of a row-major height × width raster of tokens
/// (image patches). L = I at every other length.
class Haar2DBasis final : public Basis {
public:
  static constexpr int64_t kMinLevels = HaarBasis::kMinLevels;
  static constexpr int64_t kMaxLevels = HaarBasis::kMaxLevels;

  /// Preconditions: kMinLevels <= levels <= kMaxLevels, height and width >= 1.
  Haar2DBasis(int64_t levels, int64_t height, int64_t width, int64_t skip = 0);

  int64_t getLevels() const { return levels; }
  int64_t getHeight() const { return height; }
  int64_t getWidth() const { return width; }

  /// The raster run of whole patches: min(2^levels, height) rows of the grid.
  int64_t mixingBlock(int64_t seqLen) const override;
  double flops(int64_t seqLen) const override;

private:
  void transform(Direction direction, Rows<float> x) const override;
  void transform(Direction direction, Rows<double> x) const override;
  std::optional<std::string> misfitOfLength(int64_t length) const override;
  bool covers(int64_t length) const;

  int64_t levels, height, width;
};

/// The orthonormal DCT-II, evaluated as a dense product.
class DCTBasis final : public Basis {
public:
  explicit DCTBasis(int64_t skip = 0) : Basis(skip) {}

  /// cos(πj/(2·length)) for 0 <= j < 4·length, one whole period, with the
  /// cosine's symmetries exact: L[k, n] takes entry (2n + 1)k mod 4·length.
  static std::vector<double> cosines(int64_t length);

  /// L, length × length, row-major, computed in double and rounded once.
  static std::vector<float> coefficients(int64_t length);

  /// The same, not rounded.
  static std::vector<double> preciseCoefficients(int64_t length);

  int64_t mixingBlock(int64_t seqLen) const override;
  double flops(int64_t seqLen) const override;

private:
  void transform(Direction direction, Rows<float> x) const override;
  void transform(Direction direction, Rows<double> x) const override;
  /// Analytically: √length in the first coefficient and zeros.
  std::vector<float> coarseFirstOnes(int64_t seqLen) const override;
};

/// The Walsh–Hadamard transform in blocks, sequency first across blocks. The
/// ragged tail splits into descending powers of two.
class WHTBasis final : public Basis {
public:
  /// Precondition: block is a power of two, or 0 for the largest power of two
  /// that the sequence holds.
  explicit WHTBasis(int64_t block = 0, int64_t skip = 0);

  int64_t getBlock() const { return block; }

  /// order[p] is the row, in the layout that the in-place butterflies leave
  /// (block after block, each in natural Sylvester order), that stands at
  /// coefficient position p.
  std::vector<int64_t> coefficientOrder(int64_t length) const;

  /// The size of the block that `row` of the butterflies' layout belongs to.
  /// Precondition: 0 <= row < length.
  int64_t blockSizeAt(int64_t length, int64_t row) const;

  int64_t mixingBlock(int64_t seqLen) const override;
  double flops(int64_t seqLen) const override;

private:
  void transform(Direction direction, Rows<float> x) const override;
  void transform(Direction direction, Rows<double> x) const override;
  std::optional<std::string> misfitOfLength(int64_t length) const override;
  std::vector<int64_t> coarsePositionsOfLength(int64_t length) const override;
  std::optional<int64_t> blockOfEveryLength() const override {
    return block ? std::optional(block) : std::nullopt;
  }

  int64_t block;
};

/// An explicit n × n matrix, such as a KLT. L = I at every other length.
class MatrixBasis final : public Basis {
public:
  /// Preconditions: n >= 1; matrix and inverse hold n·n numbers, row-major.
  /// Without an inverse the matrix is declared orthonormal and its transpose
  /// inverts it; `orthonormalityError` tells whether that is so.
  MatrixBasis(int64_t n, std::vector<float> matrix,
              std::optional<std::vector<float>> inverse = std::nullopt,
              int64_t skip = 0);

  int64_t getSize() const { return n; }
  const std::vector<float> &getMatrix() const { return forwardMatrix; }
  const std::optional<std::vector<float>> &getInverse() const {
    return inverseMatrix;
  }

  /// max |M·Mᵀ − I| over the entries, in double; NaN if M has a NaN or an
  /// infinity.
  static double orthonormalityError(int64_t n, const float *matrix);

  int64_t mixingBlock(int64_t seqLen) const override;
  double flops(int64_t seqLen) const override;
  bool isOrthonormal() const override { return !inverseMatrix; }

private:
  void transform(Direction direction, Rows<float> x) const override;
  void transform(Direction direction, Rows<double> x) const override;
  std::optional<std::string> misfitOfLength(int64_t length) const override;

  int64_t n;
  std::vector<float> forwardMatrix;
  std::optional<std::vector<float>> inverseMatrix;
};

} // namespace stamp

#endif // STAMP_BASIS_BASIS_H
