//===- WholeBlocks.cpp - Does a tile hold whole blocks? --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiling along n turns in steps of t makes tiles such as
//
//   scf.for %i = 0 to n step t
//     %size = affine.min(t, n − %i)
//
// They hold whole blocks of B if B divides t: %i is a multiple of B, and the
// size is one too unless the tile reaches the end. That is what is proven here,
// from constants, from affine ops and from the bounds and steps of loops. What
// cannot be proven counts as untrue.
//
//===----------------------------------------------------------------------===//

#include "WholeBlocks.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

#include <numeric>

using namespace mlir;

//===----------------------------------------------------------------------===//
// Divisors
//===----------------------------------------------------------------------===//

static int64_t commonDivisor(OpFoldResult value, int64_t block);

/// A divisor of `block` that surely divides the expression, too.
static int64_t commonDivisor(AffineExpr expr, unsigned numDims,
                             ValueRange operands, int64_t block) {
  auto divisorOf = [&](AffineExpr part) {
    return commonDivisor(part, numDims, operands, block);
  };
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return std::gcd(constant.getValue(), block);
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return commonDivisor(operands[dim.getPosition()], block);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return commonDivisor(operands[numDims + symbol.getPosition()], block);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  if (expr.getKind() == AffineExprKind::Add)
    return std::gcd(divisorOf(binary.getLHS()), divisorOf(binary.getRHS()));
  if (expr.getKind() == AffineExprKind::Mul)
    return std::gcd(divisorOf(binary.getLHS()) * divisorOf(binary.getRHS()),
                    block);
  return 1;
}

/// What divides every result of the map.
static int64_t commonDivisor(AffineMap map, ValueRange operands,
                             int64_t block) {
  int64_t divisor = block;
  for (AffineExpr result : map.getResults())
    divisor = std::gcd(
        divisor, commonDivisor(result, map.getNumDims(), operands, block));
  return divisor;
}

/// A loop's variable is its lower bound and a number of steps.
static int64_t commonDivisorOfVariable(BlockArgument variable, int64_t block) {
  auto loop = dyn_cast<LoopLikeOpInterface>(variable.getOwner()->getParentOp());
  if (!loop)
    return 1;
  std::optional<SmallVector<Value>> variables = loop.getLoopInductionVars();
  std::optional<SmallVector<OpFoldResult>> bounds = loop.getLoopLowerBounds();
  std::optional<SmallVector<OpFoldResult>> steps = loop.getLoopSteps();
  if (!variables || !bounds || !steps)
    return 1;
  for (auto [other, bound, step] : llvm::zip(*variables, *bounds, *steps))
    if (other == variable)
      return std::gcd(commonDivisor(bound, block), commonDivisor(step, block));
  return 1;
}

static int64_t commonDivisor(OpFoldResult value, int64_t block) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return std::gcd(*constant, block);
  auto variable = cast<Value>(value);
  if (auto argument = dyn_cast<BlockArgument>(variable))
    return commonDivisorOfVariable(argument, block);
  Operation *op = variable.getDefiningOp();
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op))
    return commonDivisor(apply.getAffineMap(), apply.getMapOperands(), block);
  if (auto min = dyn_cast<affine::AffineMinOp>(op))
    return commonDivisor(min.getMap(), min.getMapOperands(), block);
  if (auto max = dyn_cast<affine::AffineMaxOp>(op))
    return commonDivisor(max.getMap(), max.getMapOperands(), block);
  return 1;
}

//===----------------------------------------------------------------------===//
// Ends
//===----------------------------------------------------------------------===//

namespace {
/// The sizes that a tile from `offset` on may have.
struct TileEnd {
  OpFoldResult offset;
  int64_t block;
  ArrayRef<std::pair<Value, int64_t>> lengths;

  bool isWhole(OpFoldResult size) const {
    if (commonDivisor(size, block) == block)
      return true;
    auto value = dyn_cast<Value>(size);
    if (!value)
      return isWhole(AffineMap::getConstantMap(*getConstantIntValue(size),
                                               offset.getContext()),
                     {});
    // It is one of the results.
    if (auto min = value.getDefiningOp<affine::AffineMinOp>())
      return isWhole(min.getMap(), min.getMapOperands());
    if (auto max = value.getDefiningOp<affine::AffineMaxOp>())
      return isWhole(max.getMap(), max.getMapOperands());
    if (auto apply = value.getDefiningOp<affine::AffineApplyOp>())
      return isWhole(apply.getMap(), apply.getMapOperands());
    return reachesEnd(AffineMap::getMultiDimIdentityMap(1, value.getContext()),
                      value);
  }

private:
  bool isWhole(AffineMap sizes, ValueRange operands) const {
    return llvm::all_of(llvm::seq(sizes.getNumResults()), [&](unsigned i) {
      AffineMap size = sizes.getSubMap({i});
      if (commonDivisor(size, operands, block) == block)
        return true;
      AffineExpr expr = size.getResult(0);
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        return isWhole(operands[dim.getPosition()]);
      if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
        return isWhole(operands[sizes.getNumDims() + symbol.getPosition()]);
      return reachesEnd(size, operands);
    });
  }

  bool reachesEnd(AffineMap size, ValueRange operands) const {
    SmallVector<Value> values(operands);
    AffineExpr start;
    if (auto variable = dyn_cast<Value>(offset)) {
      start = getAffineSymbolExpr(size.getNumSymbols(), size.getContext());
      values.push_back(variable);
    } else {
      start = getAffineConstantExpr(*getConstantIntValue(offset),
                                    size.getContext());
    }
    auto end = AffineMap::get(size.getNumDims(),
                              size.getNumSymbols() + isa<Value>(offset),
                              size.getResult(0) + start);
    affine::fullyComposeAffineMapAndOperands(&end, &values);
    return llvm::any_of(lengths, [&](auto length) {
      FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual(
          {end, ValueRange(values)}, {length.first, length.second});
      return succeeded(equal) && *equal;
    });
  }
};
} // namespace

bool stamp::holdsWholeBlocks(OpFoldResult offset, OpFoldResult size,
                             int64_t block,
                             ArrayRef<std::pair<Value, int64_t>> lengths) {
  return commonDivisor(offset, block) == block &&
         TileEnd{offset, block, lengths}.isWhole(size);
}
