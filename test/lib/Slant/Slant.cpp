//===- Slant.cpp - A basis from outside ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Slant.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

#include "SlantDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "SlantAttrs.cpp.inc"

void slant::SlantDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "SlantAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// The mathematics
//===----------------------------------------------------------------------===//

using Matrix = std::vector<std::vector<double>>;

static int64_t countSignChanges(const std::vector<double> &row) {
  int64_t changes = 0;
  for (size_t i = 1; i < row.size(); ++i)
    changes += row[i - 1] * row[i] < 0;
  return changes;
}

/// From the rows u of half the size come (u, u) and (u, −u). But (u₁, u₁), two
/// lines, has a step in the middle; a rotation with (u₀, −u₀), which is a step,
/// mends it, and that is the line of this size: row 1, as in every size.
static Matrix makeNaturalSlant(int64_t size) {
  if (size == 1)
    return {{1}};
  Matrix even, odd;
  for (const std::vector<double> &u : makeNaturalSlant(size / 2)) {
    even.emplace_back();
    odd.emplace_back();
    for (double sign : {1.0, -1.0})
      for (double value : u) {
        even.back().push_back(value / std::sqrt(2.0));
        odd.back().push_back(sign * value / std::sqrt(2.0));
      }
  }
  if (size > 2) {
    double n = static_cast<double>(size);
    double a = std::sqrt(3 * n * n / (4 * (n * n - 1)));
    double b = std::sqrt((n * n - 4) / (4 * (n * n - 1)));
    for (int64_t j = 0; j < size; ++j) {
      double step = odd[0][j], lines = even[1][j];
      even[1][j] = a * step + b * lines;
      odd[0][j] = a * lines - b * step;
    }
  }
  even.insert(even.end(), odd.begin(), odd.end());
  return even;
}

/// Rows by sequency: no two have as many sign changes.
static Matrix makeSlant(int64_t size) {
  Matrix rows(size);
  for (std::vector<double> &row : makeNaturalSlant(size)) {
    int64_t sequency = countSignChanges(row);
    rows[sequency] = std::move(row);
  }
  return rows;
}

namespace {
class SlantBasis final : public stamp::Basis {
public:
  SlantBasis(int64_t block, int64_t skip)
      : Basis(skip), block(block), slant(makeSlant(block)) {}

  int64_t mixingBlock(int64_t seqLen) const override {
    return transformedLength(seqLen) >= block ? block : 1;
  }
  double flops(int64_t seqLen) const override {
    int64_t blocks = transformedLength(seqLen) / block;
    return 2.0 * static_cast<double>(blocks * block * block);
  }

private:
  template <typename T>
  void transformRows(stamp::Direction direction, stamp::Rows<T> x) const {
    bool forward = direction == stamp::Direction::Forward;
    std::vector<T> input(x.data, x.data + x.count * x.features);
    stamp::Rows<T> from{input.data(), x.count, x.features};
    int64_t count = x.count / block;
    for (int64_t b = 0; b < count; ++b)
      for (int64_t k = 0; k < block; ++k)
        for (int64_t f = 0; f < x.features; ++f) {
          T sum = 0;
          for (int64_t i = 0; i < block; ++i)
            sum += forward ? T(slant[k][i]) * from[b * block + i][f]
                           : T(slant[i][k]) * from[i * count + b][f];
          x[forward ? k * count + b : b * block + k][f] = sum;
        }
  }
  void transform(stamp::Direction direction,
                 stamp::Rows<float> x) const override {
    transformRows(direction, x);
  }
  void transform(stamp::Direction direction,
                 stamp::Rows<double> x) const override {
    transformRows(direction, x);
  }
  std::optional<std::string> misfitOfLength(int64_t length) const override {
    if (length >= block)
      return std::nullopt;
    return "block = " + std::to_string(block) + " is longer than " +
           describeLength(length) + " tokens";
  }
  std::vector<int64_t> coarsePositionsOfLength(int64_t length) const override {
    std::vector<int64_t> positions(length);
    int64_t count = length / block;
    for (int64_t i = 0; i < length; ++i)
      positions[i] = i < count * block ? i % block * count + i / block : i;
    return positions;
  }
  std::optional<int64_t> blockOfEveryLength() const override { return block; }

  int64_t block;
  Matrix slant;
};
} // namespace

//===----------------------------------------------------------------------===//
// The attribute
//===----------------------------------------------------------------------===//

LogicalResult
slant::SlantAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         int64_t block, int64_t skip) {
  if (block < 2 || block > 64 || (block & (block - 1)) != 0)
    return emitError() << "block must be a power of two from 2 to 64, got "
                       << block;
  if (skip < 0)
    return emitError() << "skip must not be negative, got " << skip;
  return success();
}

std::unique_ptr<stamp::Basis> slant::SlantAttr::getBasis() const {
  return std::make_unique<SlantBasis>(getBlock(), getSkip());
}

static Value emitSlant(stamp::TokenBuilder &tokens, int64_t block) {
  SmallVector<float> values;
  for (const std::vector<double> &row : makeSlant(block))
    for (double value : row)
      values.push_back(static_cast<float>(value));
  auto type = RankedTensorType::get({block, block}, tokens.getF32Type());
  return arith::ConstantOp::create(
      tokens, DenseElementsAttr::get(type, ArrayRef<float>(values)));
}

/// Swaps the token dimension and the next one.
static Value swapDimensions(stamp::TokenBuilder &tokens, Value x) {
  int64_t d = tokens.getDimension();
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(tokens, tokens.getLoc(), x);
  SmallVector<int64_t> permutation =
      llvm::to_vector(llvm::seq<int64_t>(0, sizes.size()));
  std::swap(permutation[d], permutation[d + 1]);
  std::swap(sizes[d], sizes[d + 1]);
  Value init = tensor::EmptyOp::create(tokens, sizes, getElementTypeOrSelf(x));
  return linalg::TransposeOp::create(tokens, x, init, permutation)
      ->getResult(0);
}

/// The whole blocks as a dimension of their own, in front of the tokens of a
/// block, or behind the coefficients of one: a dense product along the other.
Value slant::SlantAttr::emitTokens(stamp::TokenBuilder &tokens, Value x,
                                   stamp::Direction direction,
                                   stamp::RowOrder order) const {
  OpFoldResult zero = tokens.getIndexAttr(0);
  OpFoldResult size = tokens.getIndexAttr(getBlock());
  AffineExpr length = tokens.getAffineSymbolExpr(0);
  OpFoldResult count =
      tokens.apply(length.floorDiv(getBlock()), {tokens.length(x)});
  if (getConstantIntValue(count) == 0)
    return x;
  OpFoldResult whole = tokens.apply(length * getBlock(), {count});

  Value front = tokens.slice(x, zero, whole);
  int64_t d = tokens.getDimension();
  auto type = cast<RankedTensorType>(front.getType());
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0, next = 0; dim < type.getRank(); ++dim) {
    groups.push_back({next++});
    if (dim == d)
      groups.back().push_back(next++);
  }
  bool coarseFirst = order == stamp::RowOrder::CoarseFirst;
  bool forward = direction == stamp::Direction::Forward;
  bool coefficientsInFront = coarseFirst && !forward;
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(tokens, tokens.getLoc(), front);
  sizes[d] = coefficientsInFront ? size : count;
  sizes.insert(sizes.begin() + d + 1, coefficientsInFront ? count : size);
  SmallVector<int64_t> shape = decomposeMixedValues(sizes).first;
  Value blocks = tensor::ExpandShapeOp::create(
      tokens, RankedTensorType::get(shape, type.getElementType()), front,
      groups, sizes);

  if (coarseFirst && forward)
    blocks = swapDimensions(tokens, blocks);
  blocks = tokens.along(coarseFirst ? d : d + 1)
               .multiply(emitSlant(tokens, getBlock()), blocks, direction);
  if (coefficientsInFront)
    blocks = swapDimensions(tokens, blocks);
  return tokens.insert(tensor::CollapseShapeOp::create(tokens, blocks, groups),
                       x, zero);
}

Value slant::SlantAttr::emitCoarsePosition(ImplicitLocOpBuilder &b, Value row,
                                           OpFoldResult length) const {
  Value size = arith::ConstantIndexOp::create(b, getBlock());
  Value count = arith::DivUIOp::create(
      b, getValueOrCreateConstantIndexOp(b, b.getLoc(), length), size);
  Value position = arith::AddIOp::create(
      b, arith::MulIOp::create(b, arith::RemUIOp::create(b, row, size), count),
      arith::DivUIOp::create(b, row, size));
  Value inBlock = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row,
                                        arith::MulIOp::create(b, count, size));
  return arith::SelectOp::create(b, inBlock, position, row);
}
