//===- TilingInterfaceImpl.cpp - Tiling and fusing our ops -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that is said per op is its nest of loops (getLoopNest); one
// implementation of the interface reads it. Tiles are slices of tensors, or
// views of buffers.
//
// A mixed loop makes each result depend on all of the op's input along it: a
// tile has to hold the loop in whole. In block order a transform mixes only
// within its blocks, and a tile has to hold whole ones. A tile that cannot be
// proven to do so is refused, since computing on a part of what is mixed would
// give other numbers.
//
// The models are attached to our own ops when the dialect is loaded, so an
// embedder has nothing to register.
//
//===----------------------------------------------------------------------===//

#include "WholeBlocks.h"
#include "stamp/IR/LoopNest.h"
#include "stamp/IR/Stamp.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// What each op says
//===----------------------------------------------------------------------===//

static OpFoldResult getSize(OpBuilder &builder, Value operand, int64_t dim) {
  Location loc = operand.getLoc();
  if (isa<MemRefType>(operand.getType()))
    return memref::getMixedSize(builder, loc, operand, dim);
  return tensor::getMixedSize(builder, loc, operand, dim);
}

namespace {
/// A part of the iteration domain, or of an operand.
struct Tile {
  explicit Tile(int64_t rank) : offsets(rank), sizes(rank) {}
  Tile(ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes)
      : offsets(offsets), sizes(sizes) {}

  /// The part that a tensor with these loops has in a tile of the domain.
  Tile along(OpBuilder &builder, Value operand, const Loops &loops) const {
    Tile part(loops.size());
    for (auto [dim, loop] : llvm::enumerate(loops)) {
      part.offsets[dim] =
          loop == kWhole ? builder.getIndexAttr(0) : offsets[loop];
      part.sizes[dim] =
          loop == kWhole ? getSize(builder, operand, dim) : sizes[loop];
    }
    return part;
  }

  SmallVector<OpFoldResult> offsets, sizes;
};
} // namespace

/// The loops of valid lengths: the leading dimensions.
static Loops getLengthLoops(const LoopNest &nest, Value lengths) {
  return nest.first(cast<ShapedType>(lengths.getType()).getRank());
}

template <typename OpTy> static LoopNest getTransformNest(OpTy op) {
  LoopNest nest(op.getInput(), op.getDimension());
  // A skip moves the blocks, and belongs to the sequence's first tile alone. A
  // tile of a sequence with a length of its own would need another one.
  if (op.getBlockOrder() && op.getBasis().getSkip() == 0 && !op.getLengths())
    nest.block = op.getBasis().getBasis()->fixedBlock();
  nest.operands = {nest.all(), nest.all()};
  if (op.getLengths())
    nest.operands.push_back(getLengthLoops(nest, op.getLengths()));
  return nest;
}

static LoopNest getLoopNest(TransformOp op) { return getTransformNest(op); }

static LoopNest getLoopNest(InverseTransformOp op) {
  return getTransformNest(op);
}

// A scale does not mix its features, but a tile of them would need a part of
// the factors.
template <typename OpTy> static LoopNest getFeatureTransformNest(OpTy op) {
  LoopNest nest(op.getInput(), op.getDimension());
  nest.operands = {nest.all(), nest.all()};
  return nest;
}

static LoopNest getLoopNest(FeatureTransformOp op) {
  return getFeatureTransformNest(op);
}

static LoopNest getLoopNest(InverseFeatureTransformOp op) {
  return getFeatureTransformNest(op);
}

static LoopNest getLoopNest(QuantizeOp op) {
  LoopNest nest(op.getInput(), op.getFeatureDimension());
  Loops tokens = nest.all();
  Loops rows =
      nest.perGroup(op.getFeatureDimension(), op.getGroupSize().has_value());
  nest.operands = {tokens, tokens, rows, rows};
  nest.operands.resize(op->getNumOperands());
  if (op.getLengths())
    nest.operands.back() = getLengthLoops(nest, op.getLengths());
  return nest;
}

static LoopNest getLoopNest(DequantizeOp op) {
  LoopNest nest(op.getCodes());
  Loops tokens = nest.all();
  Loops rows =
      nest.perGroup(op.getFeatureDimension(), op.getGroupSize().has_value());
  nest.operands = {tokens, rows, rows, tokens};
  return nest;
}

static LoopNest getLoopNest(QuantizeWeightOp op) {
  LoopNest nest(op.getWeight(), op.getReducedDimension());
  Loops weights = nest.all();
  Loops channels = nest.allBut(op.getReducedDimension());
  Loops groups =
      nest.perGroup(op.getReducedDimension(), op.getGroupSize().has_value());
  nest.operands = {weights, weights, op.getScaleGroup() ? groups : channels,
                   groups};
  return nest;
}

static LoopNest getLoopNest(RescaleOp op) {
  LoopNest nest(op.getAccumulators());
  if (std::optional<int64_t> groups = op.getGroupDimension())
    nest.mixed = {*groups};
  nest.operands = {nest.all(),
                   op.getRowDimensions(op.getRowScales()),
                   op.getRowDimensions(op.getZeroPoints()),
                   op.getColumnDimensions(op.getColumnScales()),
                   op.getColumnDimensions(op.getColumnSums()),
                   op.getResultDimensions()};
  if (op.getBias())
    nest.operands.push_back(op.getBiasDimensions());
  if (Value spread = op.getSpread()) {
    Loops loops = nest.first(cast<ShapedType>(spread.getType()).getRank() - 1);
    loops.push_back(static_cast<int64_t>(op.getDimension()));
    nest.operands.push_back(loops);
  }
  return nest;
}

/// Packed codes have other sizes than the codes along two dimensions, and are
/// whole along them as the codes are. Those are the first operand of both ops.
template <typename OpTy> static LoopNest getPackingNest(OpTy op) {
  int64_t tokens = op.getDimension(), packed = op.getPackedDimension();
  LoopNest nest(op->getOperand(0), {tokens, packed});
  Loops parts = nest.all();
  parts[tokens] = parts[packed] = kWhole;
  nest.operands.assign(op->getNumOperands(), parts);
  nest.operands.front() = nest.all();
  return nest;
}

static LoopNest getLoopNest(PackOp op) { return getPackingNest(op); }

static LoopNest getLoopNest(UnpackOp op) { return getPackingNest(op); }

// Every sum is over all of the input, and pairs every token with every other.
static LoopNest getLoopNest(ObserveOp op) {
  LoopNest nest(op.getInput());
  nest.mixed = nest.all();
  int64_t tokens = op.getDimension();
  nest.operands = {nest.all(), {tokens, tokens}, {tokens, tokens}};
  return nest;
}

LoopNest stamp::getLoopNest(Operation *op) {
  return TypeSwitch<Operation *, LoopNest>(op)
      .Case<
#define GET_OP_LIST
#include "stamp/IR/StampOps.cpp.inc"
          >([](auto op) { return ::getLoopNest(op); });
}

//===----------------------------------------------------------------------===//
// What the interface makes of it
//===----------------------------------------------------------------------===//

SmallVector<std::pair<Value, int64_t>>
stamp::getDimensionsAlong(Operation *op, const LoopNest &nest, int64_t loop) {
  SmallVector<std::pair<Value, int64_t>> dimensions;
  for (auto [operand, loops] :
       llvm::zip_equal(op->getOperands(), nest.operands))
    for (auto [dim, other] : llvm::enumerate(loops))
      if (other == loop)
        dimensions.push_back({operand, static_cast<int64_t>(dim)});
  return dimensions;
}

/// The number of turns of a loop, static if any type tells it.
static OpFoldResult getLoopSize(OpBuilder &builder, Operation *op,
                                const LoopNest &nest, int64_t loop) {
  SmallVector<std::pair<Value, int64_t>> dimensions =
      getDimensionsAlong(op, nest, loop);
  auto *known = llvm::find_if(dimensions, [](auto dimension) {
    auto type = cast<ShapedType>(dimension.first.getType());
    return !type.isDynamicDim(dimension.second);
  });
  auto [operand, dim] = known != dimensions.end() ? *known : dimensions.front();
  return getSize(builder, operand, dim);
}

/// Whether a tile is known to hold a loop in whole. Tiles lie inside the
/// domain, so the size alone tells; an offset may be a loop's variable that is
/// always 0.
static bool spans(Operation *op, const LoopNest &nest, const Tile &tile,
                  int64_t loop) {
  return llvm::any_of(getDimensionsAlong(op, nest, loop), [&](auto dimension) {
    FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual(
        tile.sizes[loop], {dimension.first, dimension.second});
    return succeeded(equal) && *equal;
  });
}

/// A loop that the op mixes and that the tile is not known to hold in whole, or
/// in whole blocks.
/// A tile in the making may leave loops open, and will hold those.
static std::optional<int64_t> findSplitLoop(Operation *op, const LoopNest &nest,
                                            const Tile &tile) {
  for (int64_t loop : nest.mixed)
    if (tile.sizes[loop] && !spans(op, nest, tile, loop) &&
        !(nest.block &&
          holdsWholeBlocks(tile.offsets[loop], tile.sizes[loop], *nest.block,
                           getDimensionsAlong(op, nest, loop))))
      return loop;
  return std::nullopt;
}

/// Whether a tile of a tensor is known to have all of its kWhole dimensions.
static bool hasWholeDimensions(Value tensor, const Loops &loops,
                               const Tile &tile) {
  return llvm::all_of(llvm::enumerate(loops), [&](auto dimension) {
    auto [dim, loop] = dimension;
    if (loop != kWhole)
      return true;
    FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual(
        tile.sizes[dim], {tensor, static_cast<int64_t>(dim)});
    return succeeded(equal) && *equal;
  });
}

/// The operand that stands for a result: its init.
static unsigned getInitNumber(Operation *op, unsigned resultNumber) {
  return cast<DestinationStyleOpInterface>(op)
      .getTiedOpOperand(op->getResult(resultNumber))
      ->getOperandNumber();
}

const Loops &stamp::getResultLoops(Operation *op, const LoopNest &nest,
                                   unsigned resultNumber) {
  return nest.operands[getInitNumber(op, resultNumber)];
}

/// Tells a tile of a quantizer which rows of the sequence it holds.
static void placeRows(OpBuilder &builder, QuantizeOp whole, QuantizeOp part,
                      const LoopNest &nest, const Tile &tile) {
  int64_t sequence = whole.getDimension();
  if (spans(whole, nest, tile, sequence))
    return;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(part);
  Location loc = whole.getLoc();
  Value offset =
      getValueOrCreateConstantIndexOp(builder, loc, tile.offsets[sequence]);
  Value total = whole.getRowTotal();
  if (total)
    offset = arith::AddIOp::create(builder, loc, whole.getRowOffset(), offset);
  else
    total = getValueOrCreateConstantIndexOp(
        builder, loc, getLoopSize(builder, whole, nest, sequence));
  part.getRowOffsetMutable().assign(offset);
  part.getRowTotalMutable().assign(total);
}

static Operation *createSlice(OpBuilder &builder, Location loc, Value whole,
                              const Tile &part) {
  SmallVector<OpFoldResult> strides(part.sizes.size(), builder.getIndexAttr(1));
  if (isa<MemRefType>(whole.getType()))
    return memref::SubViewOp::create(builder, loc, whole, part.offsets,
                                     part.sizes, strides);
  return tensor::ExtractSliceOp::create(builder, loc, whole, part.offsets,
                                        part.sizes, strides);
}

/// The op on a tile that holds the mixed loops in whole.
static TilingResult createTile(OpBuilder &builder, Operation *op,
                               const LoopNest &nest, const Tile &tile) {
  TilingResult result;
  SmallVector<Value> operands(op->getOperands());
  for (auto [i, loops] : llvm::enumerate(nest.operands)) {
    if (loops.empty())
      continue;
    // The tile of an input that is also an init is still both.
    Value whole = operands[i];
    size_t first = llvm::find(op->getOperands(), whole).getIndex();
    if (first < i && nest.operands[first] == loops) {
      operands[i] = operands[first];
      continue;
    }
    Operation *slice = createSlice(builder, op->getLoc(), whole,
                                   tile.along(builder, whole, loops));
    result.generatedSlices.push_back(slice);
    operands[i] = slice->getResult(0);
  }

  SmallVector<Type> types;
  for (OpResult value : op->getResults())
    types.push_back(operands[cast<DestinationStyleOpInterface>(op)
                                 .getTiedOpOperand(value)
                                 ->getOperandNumber()]
                        .getType());
  Operation *tiled = clone(builder, op, types, operands);
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    placeRows(builder, quantize, cast<QuantizeOp>(tiled), nest, tile);
  result.tiledOps.push_back(tiled);
  llvm::append_range(result.tiledValues, tiled->getResults());
  return result;
}

/// The tile of the domain that meets the given tiles of operands, whole along
/// the loops that none of them has. Fails if they do not agree, or if the op
/// cannot be computed on such a tile.
static FailureOr<Tile>
getDomainTile(OpBuilder &builder, Operation *op, const LoopNest &nest,
              ArrayRef<std::pair<unsigned, Tile>> operands) {
  Tile domain(nest.numLoops);
  for (const auto &[number, tile] : operands) {
    const Loops &loops = nest.operands[number];
    if (!hasWholeDimensions(op->getOperand(number), loops, tile))
      return failure();
    for (auto [dim, loop] : llvm::enumerate(loops)) {
      if (loop == kWhole)
        continue;
      OpFoldResult &offset = domain.offsets[loop], &size = domain.sizes[loop];
      if (!offset) {
        offset = tile.offsets[dim];
        size = tile.sizes[dim];
        continue;
      }
      if (!isEqualConstantIntOrValue(offset, tile.offsets[dim]) ||
          !isEqualConstantIntOrValue(size, tile.sizes[dim]))
        return failure();
    }
  }
  if (findSplitLoop(op, nest, domain))
    return failure();
  for (int64_t loop : llvm::seq(nest.numLoops)) {
    if (domain.offsets[loop])
      continue;
    domain.offsets[loop] = builder.getIndexAttr(0);
    domain.sizes[loop] = getLoopSize(builder, op, nest, loop);
  }
  return domain;
}

static FailureOr<Tile> getDomainTileOfResult(OpBuilder &builder, Operation *op,
                                             const LoopNest &nest,
                                             unsigned resultNumber,
                                             const Tile &result) {
  return getDomainTile(builder, op, nest,
                       {{getInitNumber(op, resultNumber), result}});
}

static FailureOr<Tile>
getDomainTileOfOperands(OpBuilder &builder, Operation *op, const LoopNest &nest,
                        ArrayRef<unsigned> operandNumbers,
                        ArrayRef<SmallVector<OpFoldResult>> offsets,
                        ArrayRef<SmallVector<OpFoldResult>> sizes) {
  SmallVector<std::pair<unsigned, Tile>> operands;
  for (auto [number, offset, size] :
       llvm::zip_equal(operandNumbers, offsets, sizes))
    operands.push_back({number, Tile(offset, size)});
  return getDomainTile(builder, op, nest, operands);
}

namespace {
template <typename OpTy>
struct Tiling final : TilingInterface::ExternalModel<Tiling<OpTy>, OpTy> {
  static LoopNest getNest(Operation *op) { return getLoopNest(cast<OpTy>(op)); }

  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *op) const {
    LoopNest nest = getNest(op);
    SmallVector<utils::IteratorType> types(nest.numLoops,
                                           utils::IteratorType::parallel);
    for (int64_t loop : nest.mixed)
      if (!nest.block)
        types[loop] = utils::IteratorType::reduction;
    return types;
  }

  SmallVector<Range> getIterationDomain(Operation *op,
                                        OpBuilder &builder) const {
    LoopNest nest = getNest(op);
    return llvm::map_to_vector(nest.all(), [&](int64_t loop) {
      return Range{builder.getIndexAttr(0),
                   getLoopSize(builder, op, nest, loop),
                   builder.getIndexAttr(1)};
    });
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *op, OpBuilder &builder,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    LoopNest nest = getNest(op);
    Tile tile(offsets, sizes);
    if (std::optional<int64_t> loop = findSplitLoop(op, nest, tile)) {
      InFlightDiagnostic error = op->emitOpError()
                                 << "cannot be tiled along dimension " << *loop
                                 << ", which it mixes";
      if (nest.block)
        error << ", except in whole blocks of " << *nest.block;
      return error;
    }
    return createTile(builder, op, nest, tile);
  }

  LogicalResult
  getResultTilePosition(Operation *op, OpBuilder &builder,
                        unsigned resultNumber, ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes,
                        SmallVector<OpFoldResult> &resultOffsets,
                        SmallVector<OpFoldResult> &resultSizes) const {
    LoopNest nest = getNest(op);
    unsigned init = getInitNumber(op, resultNumber);
    Tile part = Tile(offsets, sizes)
                    .along(builder, op->getOperand(init), nest.operands[init]);
    resultOffsets = part.offsets;
    resultSizes = part.sizes;
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(
      Operation *op, OpBuilder &builder, unsigned resultNumber,
      ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
      SmallVectorImpl<OpFoldResult> &domainOffsets,
      SmallVectorImpl<OpFoldResult> &domainSizes) const {
    FailureOr<Tile> tile = getDomainTileOfResult(
        builder, op, getNest(op), resultNumber, Tile(offsets, sizes));
    if (failed(tile))
      return failure();
    domainOffsets = tile->offsets;
    domainSizes = tile->sizes;
    return success();
  }

  FailureOr<TilingResult>
  generateResultTileValue(Operation *op, OpBuilder &builder,
                          unsigned resultNumber, ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) const {
    LoopNest nest = getNest(op);
    FailureOr<Tile> tile = getDomainTileOfResult(
        builder, op, nest, resultNumber, Tile(offsets, sizes));
    if (failed(tile))
      return failure();
    TilingResult result = createTile(builder, op, nest, *tile);
    result.tiledValues = {result.tiledValues[resultNumber]};
    return result;
  }

  LogicalResult getIterationDomainTileFromOperandTiles(
      Operation *op, OpBuilder &builder, ArrayRef<unsigned> operandNumbers,
      ArrayRef<SmallVector<OpFoldResult>> offsets,
      ArrayRef<SmallVector<OpFoldResult>> sizes,
      SmallVectorImpl<OpFoldResult> &domainOffsets,
      SmallVectorImpl<OpFoldResult> &domainSizes) const {
    FailureOr<Tile> tile = getDomainTileOfOperands(
        builder, op, getNest(op), operandNumbers, offsets, sizes);
    if (failed(tile))
      return failure();
    domainOffsets = tile->offsets;
    domainSizes = tile->sizes;
    return success();
  }

  FailureOr<TilingResult> getTiledImplementationFromOperandTiles(
      Operation *op, OpBuilder &builder, ArrayRef<unsigned> operandNumbers,
      ArrayRef<SmallVector<OpFoldResult>> offsets,
      ArrayRef<SmallVector<OpFoldResult>> sizes) const {
    LoopNest nest = getNest(op);
    FailureOr<Tile> tile = getDomainTileOfOperands(
        builder, op, nest, operandNumbers, offsets, sizes);
    if (failed(tile))
      return failure();
    return createTile(builder, op, nest, *tile);
  }
};
} // namespace

template <typename... OpTys> static void attachTiling(MLIRContext *context) {
  (OpTys::template attachInterface<Tiling<OpTys>>(*context), ...);
}

void StampDialect::attachTilingInterfaces() {
  attachTiling<
#define GET_OP_LIST
#include "stamp/IR/StampOps.cpp.inc"
      >(getContext());
}
