//===- StampFolds.cpp - Folders --------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Folders keep every bit: L·L⁻¹ is not the f32 identity, so a pair is cancelled
// by stamp-fold, where it is asked for, and not here.
//
//===----------------------------------------------------------------------===//

#include "stamp/Basis/Packing.h"
#include "stamp/Basis/Quantizer.h"
#include "stamp/IR/Constants.h"
#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

/// Whether a transform leaves every token alone: L = I, or nothing after the
/// skip.
template <typename OpTy> static bool isIdentity(OpTy op) {
  int64_t seqLen = op.getInput().getType().getDimSize(op.getDimension());
  bool allSkipped =
      !ShapedType::isDynamic(seqLen) && seqLen <= op.getBasis().getSkip();
  return op.getBasis().isIdentity() || allSkipped;
}

/// A static length may decide what a basis does, unless sequences have lengths
/// of their own. Returns whether it did.
template <typename OpTy> static bool decideBasis(OpTy op) {
  int64_t seqLen = op.getInput().getType().getDimSize(op.getDimension());
  if (ShapedType::isDynamic(seqLen) || op.getLengths())
    return false;
  BasisAttrInterface basis = op.getBasis().atLength(seqLen);
  if (basis == op.getBasis())
    return false;
  op.setBasisAttr(basis);
  return true;
}

template <typename OpTy>
static LogicalResult foldIdentity(OpTy op,
                                  SmallVectorImpl<OpFoldResult> &results) {
  bool decided = decideBasis(op);
  if (!op.getResult() || op.getInput().getType() != op.getResult().getType() ||
      !isIdentity(op))
    return success(decided);
  results.push_back(op.getInput());
  return success();
}

LogicalResult TransformOp::fold(FoldAdaptor,
                                SmallVectorImpl<OpFoldResult> &results) {
  return foldIdentity(*this, results);
}

LogicalResult InverseTransformOp::fold(FoldAdaptor,
                                       SmallVectorImpl<OpFoldResult> &results) {
  return foldIdentity(*this, results);
}

/// R = I where a static number of features does not suit the transform.
template <typename OpTy>
static LogicalResult foldFeatureMisfit(OpTy op,
                                       SmallVectorImpl<OpFoldResult> &results) {
  int64_t features = op.getInput().getType().getDimSize(op.getDimension());
  if (!op.getResult() || op.getInput().getType() != op.getResult().getType() ||
      ShapedType::isDynamic(features) ||
      !op.getTransform().getFeatureTransform()->misfit(features))
    return failure();
  results.push_back(op.getInput());
  return success();
}

LogicalResult FeatureTransformOp::fold(FoldAdaptor,
                                       SmallVectorImpl<OpFoldResult> &results) {
  return foldFeatureMisfit(*this, results);
}

LogicalResult
InverseFeatureTransformOp::fold(FoldAdaptor,
                                SmallVectorImpl<OpFoldResult> &results) {
  return foldFeatureMisfit(*this, results);
}

//===----------------------------------------------------------------------===//
// Constant weights
//===----------------------------------------------------------------------===//

LogicalResult QuantizeWeightOp::fold(FoldAdaptor adaptor,
                                     SmallVectorImpl<OpFoldResult> &results) {
  ShapedType type = getWeight().getType();
  if (!getCodes() || !type.hasStaticShape() ||
      !getCodes().getType().hasStaticShape() ||
      !getScales().getType().hasStaticShape() ||
      !getSums().getType().hasStaticShape())
    return failure();
  std::vector<float> storage;
  std::optional<ArrayRef<float>> weight =
      adaptor.getWeight() ? readFloats(adaptor.getWeight(), type, storage)
                          : readKnownValues(getWeight(), storage);
  if (!weight)
    return failure();

  ArrayRef<int64_t> sizes = type.getShape();
  int64_t reduced = getReducedDimension();
  WeightShape shape = {llvm::product_of(sizes.take_front(reduced)),
                       sizes[reduced],
                       llvm::product_of(sizes.drop_front(reduced + 1)),
                       getScaleGroup().value_or(0)};
  WeightShape summed = shape;
  summed.group = getGroupSize().value_or(0);
  ConstantBuffer<int8_t> codes(getCodes().getType());
  ConstantBuffer<float> scales(getScales().getType());
  ConstantBuffer<int32_t> sums(getSums().getType());
  quantizeWeight(weight->data(), shape, static_cast<int>(getBits()),
                 codes.data(), scales.data());
  columnSums(codes.data(), summed, sums.data());
  results.push_back(std::move(codes).finish("stamp_codes"));
  results.push_back(std::move(scales).finish("stamp_scales"));
  results.push_back(std::move(sums).finish("stamp_sums"));
  return success();
}

//===----------------------------------------------------------------------===//
// Packed storage
//===----------------------------------------------------------------------===//

/// The codes of a constant, splats spread out; nullopt if it cannot be read.
/// `storage` owns what has to be spread, everything else stays where it is.
static std::optional<ArrayRef<int8_t>>
readCodes(Attribute constant, ShapedType type, std::vector<int8_t> &storage) {
  ArrayRef<char> bytes = getRawBytes(constant);
  size_t count = type.getNumElements();
  ArrayRef<int8_t> codes(reinterpret_cast<const int8_t *>(bytes.data()),
                         bytes.size());
  if (codes.size() == count)
    return codes;
  if (codes.size() != 1)
    return std::nullopt;
  storage.assign(count, codes.front());
  return ArrayRef<int8_t>(storage);
}

/// Rows [begin, end) along one dimension of dense codes.
static std::vector<int8_t> takeRows(ArrayRef<int8_t> codes,
                                    ArrayRef<int64_t> sizes, int64_t dimension,
                                    int64_t begin, int64_t end) {
  int64_t row = llvm::product_of(sizes.drop_front(dimension + 1));
  int64_t whole = sizes[dimension] * row;
  std::vector<int8_t> rows;
  rows.reserve(llvm::product_of(sizes.take_front(dimension)) * (end - begin) *
               row);
  for (; !codes.empty(); codes = codes.drop_front(whole))
    llvm::append_range(rows, codes.slice(begin * row, (end - begin) * row));
  return rows;
}

LogicalResult PackOp::fold(FoldAdaptor adaptor,
                           SmallVectorImpl<OpFoldResult> &results) {
  ShapedType type = getCodes().getType();
  auto isStatic = [](Type type) {
    return cast<ShapedType>(type).hasStaticShape();
  };
  if (!adaptor.getCodes() || !type.hasStaticShape() ||
      !llvm::all_of(getResultTypes(), isStatic))
    return failure();
  std::vector<int8_t> storage;
  std::optional<ArrayRef<int8_t>> codes =
      readCodes(adaptor.getCodes(), type, storage);
  if (!codes)
    return failure();

  SmallVector<int64_t> sizes(type.getShape());
  int64_t sequence = getDimension(), along = getPackedDimension();
  int64_t seqLen = sizes[sequence], begin = 0;
  std::vector<int64_t> ends = getSchedule().getSchedule().ends(seqLen);
  ends.push_back(seqLen);
  for (auto [end, bits, partType] :
       llvm::zip_equal(ends, getSchedule().getWidths(), getResultTypes())) {
    // One part in whole needs no copy of a weight.
    std::vector<int8_t> part;
    const int8_t *rows = codes->data();
    if (begin != 0 || end != seqLen) {
      part = takeRows(*codes, type.getShape(), sequence, begin, end);
      rows = part.data();
    }
    sizes[sequence] = end - begin;
    ConstantBuffer<int8_t> packed(cast<RankedTensorType>(partType));
    packCodes(rows, llvm::product_of(ArrayRef(sizes).take_front(along)),
              sizes[along],
              llvm::product_of(ArrayRef(sizes).drop_front(along + 1)),
              static_cast<int>(bits), packed.data());
    results.push_back(std::move(packed).finish("stamp_packed"));
    begin = end;
  }
  return success();
}

/// Whether packing is known to keep every bit of these codes: a byte each is
/// enough for any, and what a quantizer made fits its own widths.
static bool packsLosslessly(PackOp pack) {
  int64_t least = *llvm::min_element(pack.getSchedule().getWidths());
  if (codesPerByte(least) == 1)
    return true;
  Value codes = pack.getCodes();
  if (auto weight = codes.getDefiningOp<QuantizeWeightOp>())
    return static_cast<int64_t>(weight.getBits()) <= least;
  // A tile, and a sequence with a length of its own, has its widths elsewhere.
  auto quantize = codes.getDefiningOp<QuantizeOp>();
  return quantize && quantize.getSchedule() == pack.getSchedule() &&
         quantize.getDimension() == pack.getDimension() &&
         !quantize.getRowOffset() && !quantize.getLengths();
}

/// unpack(pack(x)) = x.
LogicalResult UnpackOp::fold(FoldAdaptor,
                             SmallVectorImpl<OpFoldResult> &results) {
  auto pack = getPacked().front().getDefiningOp<PackOp>();
  if (!getResult() || !pack || getPacked() != pack.getResults() ||
      pack.getSchedule() != getSchedule() ||
      pack.getDimension() != getDimension() ||
      pack.getPackedDimension() != getPackedDimension() ||
      pack.getCodes().getType() != getResult().getType() ||
      !packsLosslessly(pack))
    return failure();
  results.push_back(pack.getCodes());
  return success();
}
