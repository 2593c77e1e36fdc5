//===- Passage.h - How rows pass through an op -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// L acts on rows, so it changes places with every op that treats all rows alike
// and linearly. Whatever the op is, all that the rules of stamp-fold need to
// know about it is its passage: where the rows come in and where they go out.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_LIB_TRANSFORMS_FOLD_PASSAGE_H
#define STAMP_LIB_TRANSFORMS_FOLD_PASSAGE_H

#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <optional>
#include <string>

namespace stamp {

/// L, or its inverse, along one dimension of a tensor; or, without a basis, R
/// or its inverse: features that are mixed are what passes wherever tokens do.
struct RowTransform {
  BasisAttrInterface basis;
  RowOrder order;
  int64_t dimension;
  mlir::Value lengths;

  /// Any matrix along the features.
  static RowTransform ofFeatures(int64_t dimension) {
    return {{}, RowOrder::CoarseFirst, dimension, {}};
  }

  bool actsOnFeatures() const { return !basis; }

  /// That of a transform or an inverse transform.
  template <typename OpTy> static RowTransform of(OpTy op) {
    return {op.getBasis(), op.getOrder(),
            static_cast<int64_t>(op.getDimension()), op.getLengths()};
  }

  RowTransform along(int64_t other) const {
    return {basis, order, other, lengths};
  }

  bool operator==(const RowTransform &other) const {
    return basis == other.basis && order == other.order &&
           dimension == other.dimension && lengths == other.lengths;
  }

  /// How many of the first dimensions the lengths are for.
  int64_t countLeading() const {
    return lengths
               ? mlir::cast<mlir::RankedTensorType>(lengths.getType()).getRank()
               : 0;
  }

  template <typename OpTy>
  mlir::Value create(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value input) const {
    return OpTy::create(builder, loc, input, basis, dimension,
                        /*elementType=*/mlir::Type(), order, lengths)
        .getResult();
  }
};

/// Whether the op works on tensors and keeps the element type: what it narrows
/// to f16 behind itself would be another tensor in front of it.
template <typename OpTy> bool keepsType(OpTy op) {
  return op.hasPureTensorSemantics() &&
         op.getInput().getType() == op.getResult().getType();
}

/// A tensor that carries rows into an op.
struct Carrier {
  mlir::OpOperand *operand;
  int64_t dimension; ///< The sequence among its dimensions.
};

/// An op y = f(a, b, …) with f(L⁻¹a, L⁻¹b, …) = L⁻¹f(a, b, …): the sequence
/// runs through it as one dimension of each carrier and of the result, and no
/// other operand knows of it. Addends are the exception: for f(a) = g(a) + 1cᵀ,
/// f(L⁻¹a) = L⁻¹(g(a) + (L·1)cᵀ).
struct Passage {
  enum class Kind { Contraction, Features, Elementwise, Shape };

  Kind kind;
  mlir::Operation *op;
  mlir::SmallVector<Carrier> carriers;
  int64_t result;  ///< The sequence among the result's dimensions.
  bool keepsWidth; ///< Tokens are as wide in front of it as behind it.
  mlir::SmallVector<mlir::OpOperand *> addends; ///< Uses in the op's body.

  mlir::Value getResult() const { return op->getResult(0); }

  /// The passage of a tensor's rows into its user; nullopt, and `why` as a
  /// phrase about the op, if there is none.
  static std::optional<Passage>
  down(mlir::OpOperand &use, const RowTransform &rows, std::string &why);
  /// The passage of a result's rows up into the op that makes it.
  static std::optional<Passage> up(mlir::OpResult result,
                                   const RowTransform &rows, std::string &why);

  /// f of these tensors in the carriers' places, at the insertion point.
  /// Addends are spread by L·1 of `rows`, which runs along the result.
  mlir::Value rebuild(mlir::RewriterBase &rewriter,
                      mlir::ArrayRef<mlir::Value> carried,
                      const RowTransform &rows) const;

private:
  struct Entry;
  static std::optional<Passage> find(mlir::Operation *op, Entry entry,
                                     const RowTransform &rows,
                                     std::string &why);
  static std::optional<Passage> ofContraction(mlir::linalg::LinalgOp op,
                                              Entry entry,
                                              const RowTransform &rows,
                                              std::string &why);
  static std::optional<Passage> ofElementwise(mlir::linalg::LinalgOp op,
                                              Entry entry,
                                              const RowTransform &rows,
                                              std::string &why);
  static std::optional<Passage> ofTokens(mlir::Operation *op, Entry entry,
                                         std::string &why);
  static std::optional<Passage> ofFeatures(mlir::Operation *op, Entry entry,
                                           const RowTransform &rows,
                                           std::string &why);
  static std::optional<Passage> ofShape(mlir::Operation *op, Entry entry,
                                        const RowTransform &rows,
                                        std::string &why);
  static std::optional<Passage> ofInsertion(mlir::tensor::InsertSliceOp op,
                                            Entry entry,
                                            const RowTransform &rows,
                                            std::string &why);
  mlir::Value rebuildWithAddends(mlir::RewriterBase &rewriter,
                                 mlir::ArrayRef<mlir::Value> carried,
                                 const RowTransform &rows) const;
};

/// Where rows are seen to enter a passage: at an operand, or at the result.
struct Passage::Entry {
  mlir::OpOperand *operand; ///< Null for the result.
  int64_t dimension;
};

/// No dimension.
constexpr int64_t kNone = -1;

/// For each dimension of the operand of a tensor.cast, expand_shape,
/// collapse_shape or extract_slice, the one of the result that is the same as a
/// whole, or kNone.
mlir::SmallVector<int64_t> pairDimensions(mlir::Operation *op);

/// For each dimension of the tensor that a slice is a part of, the one of the
/// slice that is the same as a whole, or kNone.
mlir::SmallVector<int64_t>
pairWithSlice(mlir::OffsetSizeAndStrideOpInterface slice, mlir::Value whole,
              const llvm::SmallBitVector &dropped);

/// The elements of a tensor per token; kDynamic if they are unknown.
int64_t getTokenWidth(mlir::Value tensor, int64_t sequence);

/// The same of one operand of a contraction, but for the loops that `other`
/// has, too: of two tensors, those decide nothing, and may be of unknown size.
int64_t getOwnWidth(mlir::linalg::LinalgOp op, mlir::OpOperand *operand,
                    mlir::OpOperand *other);

/// l = L·1, a vector over the tokens of `like`, or one for each of the lengths;
/// never an S×N tensor.
mlir::Value createSpread(mlir::RewriterBase &rewriter, mlir::Location loc,
                         const RowTransform &rows, mlir::Value like);

/// The tensor without its dimensions of size 1 for which `map` says 0, and the
/// map without them.
mlir::Value dropUnits(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value tensor, mlir::AffineMap &map);

} // namespace stamp

#endif // STAMP_LIB_TRANSFORMS_FOLD_PASSAGE_H
