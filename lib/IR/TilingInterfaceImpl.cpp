//===- TilingInterfaceImpl.cpp - Tiling and fusing our ops -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each op is a perfect nest with a loop per dimension of its largest tensor,
// and each of its tensors has some of these dimensions, in order. That is all
// that is said per op (getLoopNest); one implementation of the interface reads
// it.
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
#include "stamp/IR/OperandLoops.h"
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

namespace {
/// The loop that walks along each dimension of a tensor.
using Loops = SmallVector<int64_t>;

struct LoopNest {
  LoopNest(Value domain, std::optional<int64_t> mixed = std::nullopt)
      : numLoops(cast<RankedTensorType>(domain.getType()).getRank()),
        mixed(mixed) {}

  Loops all() const { return llvm::to_vector(llvm::seq(numLoops)); }
  Loops allBut(int64_t loop) const {
    Loops loops = all();
    loops.erase(loops.begin() + loop);
    return loops;
  }

  int64_t numLoops;
  std::optional<int64_t> mixed;
  /// If the mixed loop is one in runs of so many turns only.
  std::optional<int64_t> block;
  /// Per operand; empty for what is not a tensor and belongs to every tile.
  SmallVector<Loops> operands;
};

/// A part of the iteration domain, or of a tensor.
struct Tile {
  explicit Tile(int64_t rank) : offsets(rank), sizes(rank) {}
  Tile(ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes)
      : offsets(offsets), sizes(sizes) {}

  /// The part that a tensor with these loops has in a tile of the domain.
  Tile along(const Loops &loops) const {
    Tile part(loops.size());
    for (auto [dim, loop] : llvm::enumerate(loops)) {
      part.offsets[dim] = offsets[loop];
      part.sizes[dim] = sizes[loop];
    }
    return part;
  }

  SmallVector<OpFoldResult> offsets, sizes;
};
} // namespace

template <typename OpTy> static LoopNest getTransformNest(OpTy op) {
  LoopNest nest(op.getInput(), op.getDimension());
  // A skip moves the blocks, and belongs to the sequence's first tile alone.
  if (op.getBlockOrder() && op.getBasis().getSkip() == 0)
    nest.block = op.getBasis().getBasis()->fixedBlock();
  nest.operands = {nest.all(), nest.all()};
  return nest;
}

static LoopNest getLoopNest(TransformOp op) { return getTransformNest(op); }

static LoopNest getLoopNest(InverseTransformOp op) {
  return getTransformNest(op);
}

static LoopNest getLoopNest(QuantizeOp op) {
  LoopNest nest(op.getInput(), op.getFeatureDimension());
  Loops rows = nest.allBut(op.getFeatureDimension());
  nest.operands = {nest.all(), nest.all(), rows, rows};
  nest.operands.resize(op->getNumOperands());
  return nest;
}

static LoopNest getLoopNest(DequantizeOp op) {
  LoopNest nest(op.getCodes());
  Loops rows = nest.allBut(op.getFeatureDimension());
  nest.operands = {nest.all(), rows, rows, nest.all()};
  return nest;
}

static LoopNest getLoopNest(QuantizeWeightOp op) {
  LoopNest nest(op.getWeight(), op.getReducedDimension());
  Loops channels = nest.allBut(op.getReducedDimension());
  nest.operands = {nest.all(), nest.all(), channels, channels};
  return nest;
}

static LoopNest getLoopNest(RescaleOp op) {
  LoopNest nest(op.getAccumulators());
  int64_t tokens = op.getDimension(), channels = op.getChannelDimension();
  auto ofColumns = [&](Value columns) {
    bool isVector = cast<RankedTensorType>(columns.getType()).getRank() == 1;
    return isVector ? Loops{channels} : nest.allBut(tokens);
  };
  nest.operands = {nest.all(),
                   nest.allBut(channels),
                   nest.allBut(channels),
                   ofColumns(op.getColumnScales()),
                   ofColumns(op.getColumnSums()),
                   nest.all()};
  if (op.getBias())
    nest.operands.push_back(ofColumns(op.getBias()));
  if (op.getSpread())
    nest.operands.push_back({tokens});
  return nest;
}

//===----------------------------------------------------------------------===//
// What the interface makes of it
//===----------------------------------------------------------------------===//

/// The dimensions of the op's tensors that a loop walks along. The op means
/// nothing unless their sizes agree, so any of them gives the loop's.
static SmallVector<std::pair<Value, int64_t>>
getDimensionsAlong(Operation *op, const LoopNest &nest, int64_t loop) {
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
    auto type = cast<RankedTensorType>(dimension.first.getType());
    return !type.isDynamicDim(dimension.second);
  });
  auto [tensor, dim] = known != dimensions.end() ? *known : dimensions.front();
  return tensor::getMixedSize(builder, op->getLoc(), tensor, dim);
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

static bool isAllowed(Operation *op, const LoopNest &nest, const Tile &tile) {
  if (!nest.mixed || spans(op, nest, tile, *nest.mixed))
    return true;
  int64_t loop = *nest.mixed;
  return nest.block &&
         holdsWholeBlocks(tile.offsets[loop], tile.sizes[loop], *nest.block,
                          getDimensionsAlong(op, nest, loop));
}

static const Loops &getResultLoops(Operation *op, const LoopNest &nest,
                                   unsigned resultNumber) {
  OpOperand *init = cast<DestinationStyleOpInterface>(op).getTiedOpOperand(
      op->getResult(resultNumber));
  return nest.operands[init->getOperandNumber()];
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

/// The op on a tile that holds the mixed loop in whole.
static TilingResult createTile(OpBuilder &builder, Operation *op,
                               const LoopNest &nest, const Tile &tile) {
  TilingResult result;
  SmallVector<Value> operands(op->getOperands());
  for (auto [operand, loops] : llvm::zip_equal(operands, nest.operands)) {
    if (loops.empty())
      continue;
    Tile part = tile.along(loops);
    SmallVector<OpFoldResult> strides(loops.size(), builder.getIndexAttr(1));
    auto slice = tensor::ExtractSliceOp::create(
        builder, op->getLoc(), operand, part.offsets, part.sizes, strides);
    result.generatedSlices.push_back(slice);
    operand = slice;
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

/// The tile of the domain that meets the given tiles of tensors, whole along
/// the loops that none of them has. Fails if they do not agree, or if the op
/// cannot be computed on such a tile.
static FailureOr<Tile>
getDomainTile(OpBuilder &builder, Operation *op, const LoopNest &nest,
              ArrayRef<std::pair<const Loops *, Tile>> tensors) {
  Tile domain(nest.numLoops);
  for (const auto &[loops, tile] : tensors) {
    for (auto [dim, loop] : llvm::enumerate(*loops)) {
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
  if (nest.mixed && domain.offsets[*nest.mixed] && !isAllowed(op, nest, domain))
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
  const Loops &loops = getResultLoops(op, nest, resultNumber);
  return getDomainTile(builder, op, nest, {{&loops, result}});
}

static FailureOr<Tile>
getDomainTileOfOperands(OpBuilder &builder, Operation *op, const LoopNest &nest,
                        ArrayRef<unsigned> operandNumbers,
                        ArrayRef<SmallVector<OpFoldResult>> offsets,
                        ArrayRef<SmallVector<OpFoldResult>> sizes) {
  SmallVector<std::pair<const Loops *, Tile>> tensors;
  for (auto [operand, offset, size] :
       llvm::zip_equal(operandNumbers, offsets, sizes))
    tensors.push_back({&nest.operands[operand], Tile(offset, size)});
  return getDomainTile(builder, op, nest, tensors);
}

namespace {
template <typename OpTy>
struct Tiling final : TilingInterface::ExternalModel<Tiling<OpTy>, OpTy> {
  static LoopNest getNest(Operation *op) { return getLoopNest(cast<OpTy>(op)); }

  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *op) const {
    LoopNest nest = getNest(op);
    SmallVector<utils::IteratorType> types(nest.numLoops,
                                           utils::IteratorType::parallel);
    if (nest.mixed && !nest.block)
      types[*nest.mixed] = utils::IteratorType::reduction;
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
    if (!isAllowed(op, nest, tile)) {
      InFlightDiagnostic error = op->emitOpError()
                                 << "cannot be tiled along dimension "
                                 << *nest.mixed << ", which it mixes";
      if (nest.block)
        error << ", except in whole blocks of " << *nest.block;
      return error;
    }
    return createTile(builder, op, nest, tile);
  }

  LogicalResult
  getResultTilePosition(Operation *op, OpBuilder &, unsigned resultNumber,
                        ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes,
                        SmallVector<OpFoldResult> &resultOffsets,
                        SmallVector<OpFoldResult> &resultSizes) const {
    LoopNest nest = getNest(op);
    Tile part =
        Tile(offsets, sizes).along(getResultLoops(op, nest, resultNumber));
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
  attachTiling<TransformOp, InverseTransformOp, QuantizeOp, DequantizeOp,
               QuantizeWeightOp, RescaleOp>(getContext());
}

std::optional<OperandLoops> stamp::getOperandLoops(Operation *op) {
  auto describe = [](auto op) -> std::optional<OperandLoops> {
    LoopNest nest = getLoopNest(op);
    return OperandLoops{nest.operands, nest.mixed};
  };
  return llvm::TypeSwitch<Operation *, std::optional<OperandLoops>>(op)
      .Case<TransformOp, InverseTransformOp, QuantizeOp, DequantizeOp,
            QuantizeWeightOp, RescaleOp>(describe)
      .Default(std::nullopt);
}
