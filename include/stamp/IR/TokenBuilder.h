//===- TokenBuilder.h - Build IR along the sequence ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fast form of a basis is IR over whole tokens: slices, merges, sums and
// differences of runs of tokens, of any rank, static or dynamic, along any
// dimension. A TokenBuilder says that in terms of tokens, so that a basis reads
// like its definition.
//
//===----------------------------------------------------------------------===//

#ifndef STAMP_IR_TOKENBUILDER_H
#define STAMP_IR_TOKENBUILDER_H

#include "stamp/Basis/FeatureTransform.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"

namespace stamp {

class BasisAttrInterface;
class FeatureTransformAttrInterface;

/// The tensor that gives `x` its sizes: the init of the op that computed it, or
/// that init's own, and so on. To measure it is no use of `x`.
mlir::Value getSizeSource(mlir::Value x);

/// A float constant, or a vector or tensor with it in every place.
mlir::Value createSplat(mlir::ImplicitLocOpBuilder &builder, mlir::Type type,
                        float value);

/// A `tensor.empty` with the shape of `x`; its element type unless given.
mlir::Value createEmptyLike(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value x, mlir::Type elementType = {});

/// A `tensor.empty` with the shape of `x` less one dimension.
mlir::Value createEmptyWithout(mlir::OpBuilder &builder, mlir::Location loc,
                               mlir::Value x, int64_t dimension,
                               mlir::Type elementType);

class TokenBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

  TokenBuilder(mlir::OpBuilder &builder, mlir::Location loc, int64_t dimension)
      : ImplicitLocOpBuilder(loc, builder), dimension(dimension) {}

  /// The same along another dimension.
  TokenBuilder along(int64_t other) { return {*this, getLoc(), other}; }

  int64_t getDimension() const { return dimension; }

  /// The number of tokens of `x`.
  mlir::OpFoldResult length(mlir::Value x);

  /// `count` tokens of `x` from `offset` on, every `stride`-th; each unless
  /// given.
  mlir::Value slice(mlir::Value x, mlir::OpFoldResult offset,
                    mlir::OpFoldResult count, mlir::OpFoldResult stride = {});

  /// `into` with the tokens of `x` in place of every `stride`-th from `offset`.
  mlir::Value insert(mlir::Value x, mlir::Value into, mlir::OpFoldResult offset,
                     mlir::OpFoldResult stride = {});

  /// Uninitialized tokens: `count` of them, otherwise like those of `x`.
  mlir::Value empty(mlir::Value x, mlir::OpFoldResult count);

  /// Element by element over tensors of one shape; as many results, of the
  /// given element types, as `body` yields.
  llvm::SmallVector<mlir::Value> map(mlir::ValueRange inputs,
                                     mlir::TypeRange elementTypes, Body body);

  /// The same into given inits, whose shapes may be known in less detail.
  llvm::SmallVector<mlir::Value> mapInto(mlir::ValueRange inputs,
                                         mlir::ValueRange inits, Body body);

  /// A new tensor like `x` whose elements `body` computes from their indices.
  mlir::Value generate(mlir::Value like, Body body);

  /// Σⱼ M[i, j]·x[j], or with the transpose of M, over the tokens of `x`.
  mlir::Value multiply(mlir::Value matrix, mlir::Value x, Direction direction);

  /// `x` with `then` of its tokens after the first `skip` in their place; `x`
  /// itself if there surely are none.
  mlir::Value
  afterSkip(int64_t skip, mlir::Value x,
            llvm::function_ref<mlir::Value(TokenBuilder &, mlir::Value)> then);

  /// `then(x)` if `x` has exactly `count` tokens, else `x` itself: decided now
  /// where the length is static, otherwise at run time.
  mlir::Value
  ifLengthIs(int64_t count, mlir::Value x,
             llvm::function_ref<mlir::Value(TokenBuilder &, mlir::Value)> then);

  /// `then(x)` if `x` has `count` tokens or more, else `x` itself; likewise.
  mlir::Value ifLengthIsAtLeast(
      int64_t count, mlir::Value x,
      llvm::function_ref<mlir::Value(TokenBuilder &, mlir::Value)> then);

  /// Applies `body` so many times, to `x` and then to its own result; it is
  /// also given the turn, from 0 on. A run-time loop.
  mlir::Value
  repeat(mlir::Value count, mlir::Value x,
         llvm::function_ref<mlir::Value(TokenBuilder &, mlir::Value turn,
                                        mlir::Value x)>
             body);

  /// Folded index arithmetic.
  mlir::OpFoldResult apply(mlir::AffineExpr expr,
                           llvm::ArrayRef<mlir::OpFoldResult> symbols);
  mlir::OpFoldResult subtract(mlir::OpFoldResult a, mlir::OpFoldResult b);

  /// An index value for a length that may be static.
  mlir::Value materialize(mlir::OpFoldResult length);

  mlir::Value constantF32(float value);

private:
  int64_t dimension;
};

/// L·x or L⁻¹·x as upstream IR: widens the elements to f32, leaves the skipped
/// tokens out, and narrows the result to `elementType` at the end.
mlir::Value emitTransform(mlir::OpBuilder &builder, mlir::Location loc,
                          BasisAttrInterface basis, mlir::Value x,
                          int64_t dimension, Direction direction,
                          RowOrder order, mlir::Type elementType);

/// Which coefficient, coarse first, block order keeps at `row` of a sequence of
/// `seqLen` tokens, the skipped ones counted.
mlir::Value emitCoarsePosition(mlir::ImplicitLocOpBuilder &builder,
                               BasisAttrInterface basis, mlir::Value row,
                               mlir::OpFoldResult seqLen);

/// x·R, R·x or with R⁻¹ as upstream IR, along the features; likewise in f32 and
/// narrowed to `elementType` at the end.
mlir::Value emitFeatureTransform(mlir::OpBuilder &builder, mlir::Location loc,
                                 FeatureTransformAttrInterface transform,
                                 mlir::Value x, int64_t dimension, Side side,
                                 Direction direction, mlir::Type elementType);

/// The same for each sequence of a padded batch over its first tokens alone, as
/// many as `lengths` tells; the padding is cast and left as it is.
mlir::Value emitTransformOfValidTokens(mlir::OpBuilder &builder,
                                       mlir::Location loc,
                                       BasisAttrInterface basis, mlir::Value x,
                                       mlir::Value lengths, int64_t dimension,
                                       Direction direction, RowOrder order,
                                       mlir::Type elementType);

/// Valid lengths in the range that they have a meaning in, 0 to the size of
/// the sequence dimension: a tensor<…xi64> with the first dimensions of `x`.
mlir::Value emitClampedLengths(mlir::OpBuilder &builder, mlir::Location loc,
                               mlir::Value lengths, mlir::Value x,
                               mlir::OpFoldResult seqLen);

} // namespace stamp

#endif // STAMP_IR_TOKENBUILDER_H
