//===- Linear.cpp - What a linear layer is ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "stamp/Transforms/Linear.h"

#include "stamp/IR/Constants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

//===----------------------------------------------------------------------===//
// Lengths
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> getSizes(const Arrangement &arrangement,
                                     Type type) {
  return arrangement.apply(cast<RankedTensorType>(type).getShape());
}

int64_t Linear::getSequenceLength() const {
  if (!strides.empty())
    return getSizes(resultArrangement, init.getType())[resultSequence];
  return getSizes(xArrangement, x.getType())[sequence];
}

/// X or W may know K: either is enough.
int64_t Linear::getReductionLength() const {
  int64_t length = getSizes(xArrangement, x.getType())[features];
  return ShapedType::isDynamic(length)
             ? getSizes(weightArrangement, weight.type)[weightReduced]
             : length;
}

int64_t Linear::getChannelCount() const {
  unsigned loop =
      cast<AffineDimExpr>(resultMap.getResult(channels)).getPosition();
  AffineExpr index = getAffineDimExpr(loop, op->getContext());
  return getSizes(weightArrangement,
                  weight.type)[*weightMap.getResultPosition(index)];
}

int64_t Linear::getMultiplyAdds() const {
  int64_t product = getChannelCount();
  SmallVector<int64_t> sizes = getSizes(xArrangement, x.getType());
  sizes[sequence] = getSequenceLength();
  for (int64_t size : sizes) {
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(product))
      return ShapedType::kDynamic;
    product = llvm::SaturatingMultiply<uint64_t>(product, size);
  }
  return product;
}

//===----------------------------------------------------------------------===//
// Convolutions of one pixel
//===----------------------------------------------------------------------===//

namespace {
/// Where the dimensions of a convolution's operands are.
struct ConvolutionLayout {
  int64_t numSides;      ///< Dimensions of an image: its width, and its height.
  int64_t image;         ///< The first of them among N, H, W and C.
  int64_t filter;        ///< The first one of the filter.
  int64_t inputChannels; ///< C among the filter's dimensions.
  int64_t channels;      ///< F among them.
};
} // namespace

static std::optional<ConvolutionLayout> getLayout(linalg::LinalgOp op) {
  using Layout = ConvolutionLayout;
  return llvm::TypeSwitch<Operation *, std::optional<Layout>>(op)
      .Case<linalg::Conv2DNhwcHwcfOp>(
          [](auto) { return Layout{2, 1, 0, 2, 3}; })
      .Case<linalg::Conv2DNhwcFhwcOp>(
          [](auto) { return Layout{2, 1, 1, 3, 0}; })
      .Case<linalg::Conv2DNchwFchwOp>(
          [](auto) { return Layout{2, 2, 2, 1, 0}; })
      .Case<linalg::Conv1DNwcWcfOp>([](auto) { return Layout{1, 1, 0, 1, 2}; })
      .Case<linalg::Conv1DNcwFcwOp>([](auto) { return Layout{1, 2, 2, 1, 0}; })
      .Default([](auto) { return std::nullopt; });
}

/// How the dimensions of images become images, pixels and channels.
static Arrangement joinPixels(const ConvolutionLayout &layout) {
  ReassociationIndices pixels =
      llvm::to_vector(llvm::seq(layout.image, layout.image + layout.numSides));
  if (layout.image == 2)
    return {{{0}, {1}, pixels}};
  return {{{0}, pixels, {layout.numSides + 1}}};
}

/// Whether images, their channels last, are rows of a matrix of which a reshape
/// made images of one pixel each, as exporters do that have no op for matmuls.
static bool holdsRowsOfMatrix(Value images) {
  auto expand = images.getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand || expand.getSrcType().getRank() != 2)
    return false;
  int64_t channels = expand.getType().getRank() - 1;
  return expand.getReassociationIndices().back().size() == 1 &&
         llvm::all_of(expand.getType().getShape().slice(1, channels - 1),
                      [](int64_t size) { return size == 1; });
}

/// A filter of one pixel makes a convolution a linear whose tokens are pixels.
static std::optional<Linear> matchConvolution(linalg::LinalgOp op,
                                              ConvolutionLayout layout,
                                              std::string &why) {
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  Value filter = op.getDpsInputOperand(1)->get();
  auto filterType = cast<RankedTensorType>(filter.getType());
  if (!llvm::all_of(filterType.getShape().slice(layout.filter, layout.numSides),
                    [](int64_t size) { return size == 1; }))
    return refuse("its filter covers more than one pixel; as a 1x1 convolution "
                  "of gathered pixels (im2col) it would be a linear");

  MLIRContext *context = op->getContext();
  bool pixelsLast = layout.image == 2;
  bool rows = !pixelsLast && holdsRowsOfMatrix(op.getDpsInputOperand(0)->get());
  // Images, pixels, output channels, input channels.
  unsigned pixels = rows ? 0 : 1, outputs = pixels + 1, inputs = pixels + 2;
  unsigned numLoops = pixels + 3;
  auto mapTo = [&](unsigned channels) {
    SmallVector<unsigned> loops =
        rows         ? SmallVector<unsigned>{pixels, channels}
        : pixelsLast ? SmallVector<unsigned>{0, channels, pixels}
                     : SmallVector<unsigned>{0, pixels, channels};
    return AffineMap::getMultiDimIdentityMap(numLoops, context)
        .getSubMap(loops);
  };
  SmallVector<AffineExpr> ofFilter(filterType.getRank(),
                                   getAffineConstantExpr(0, context));
  ofFilter[layout.channels] = getAffineDimExpr(outputs, context);
  ofFilter[layout.inputChannels] = getAffineDimExpr(inputs, context);

  Linear linear;
  linear.op = op;
  linear.x = op.getDpsInputOperand(0)->get();
  linear.weight = Weight::seeThrough(
      filter, AffineMap::get(numLoops, 0, ofFilter, context));
  linear.init = op.getDpsInitOperand(0)->get();
  linear.weightIsFirst = false;
  auto strides = op->getAttrOfType<DenseIntElementsAttr>("strides");
  if (strides && !llvm::all_of(strides.getValues<int64_t>(),
                               [](int64_t stride) { return stride == 1; })) {
    linear.strides.assign(layout.numSides + 2, 1);
    llvm::copy(strides.getValues<int64_t>(),
               linear.strides.begin() + layout.image);
  }
  linear.xMap = mapTo(inputs);
  linear.weightMap = linear.weight.map;
  linear.resultMap = mapTo(outputs);
  linear.weightArrangement =
      Arrangement::identity(linear.weightMap.getNumResults());
  linear.xArrangement = joinPixels(layout);
  if (rows) {
    // Each image is a token.
    SmallVector<ReassociationIndices> &groups = linear.xArrangement.groups;
    groups[1].insert(groups[1].begin(), groups[0].front());
    groups.erase(groups.begin());
  }
  linear.resultArrangement = linear.xArrangement;
  auto position = [&](AffineMap map, unsigned loop) -> int64_t {
    return *map.getResultPosition(getAffineDimExpr(loop, context));
  };
  linear.sequence = position(linear.xMap, pixels);
  linear.features = position(linear.xMap, inputs);
  linear.weightReduced = position(linear.weightMap, inputs);
  linear.resultSequence = position(linear.resultMap, pixels);
  linear.channels = position(linear.resultMap, outputs);
  if (!rows && layout.numSides == 2)
    linear.grid = layout.image;
  return linear;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// Whether the body only multiplies its two inputs and adds them up. The body
/// of a contraction may also apply any function of one argument on the way.
static bool hasPlainBody(linalg::LinalgOp op) {
  auto isPair = [](Operation *product, Operation *sum) {
    return isa<arith::MulFOp>(product) && isa<arith::AddFOp>(sum);
  };
  return linalg::detail::isContractionBody(*op.getBlock(), isPair) &&
         llvm::all_of(*op.getBlock(), [](Operation &inner) {
           return isa<arith::MulFOp, arith::AddFOp, arith::ExtFOp,
                      arith::TruncFOp, linalg::YieldOp>(inner);
         });
}

/// The maps of a contraction, with 0 for loops of one step that one operand
/// alone has, dimensions of size 1 that the others do without, or that are
/// added to other loops, as those of a filter of one pixel are.
static SmallVector<AffineMap> getPlainMaps(linalg::LinalgOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineExpr zero = getAffineConstantExpr(0, op.getContext());
  for (auto [d, steps] : llvm::enumerate(op.getStaticLoopRanges())) {
    AffineExpr loop = getAffineDimExpr(d, op.getContext());
    auto has = [d = d](AffineMap map) { return map.isFunctionOfDim(d); };
    auto adds = [&](AffineMap map) {
      return has(map) && !map.getResultPosition(loop);
    };
    if (steps == 1 &&
        (llvm::count_if(maps, has) == 1 || llvm::any_of(maps, adds)))
      for (AffineMap &map : maps)
        map = map.replace(loop, zero, map.getNumDims(), /*numResultSyms=*/0);
  }
  return maps;
}

/// Whether an operand has size 1 wherever its map says 0.
static bool readsWhole(Value operand, AffineMap map) {
  return llvm::all_of(
      llvm::zip_equal(cast<RankedTensorType>(operand.getType()).getShape(),
                      map.getResults()),
      [](auto dimension) {
        auto [size, index] = dimension;
        return size == 1 || !isa<AffineConstantExpr>(index);
      });
}

/// The loops that walk along each dimension of a tensor, outer ones first:
/// several if it is to be packed into blocks, none along a size of 1.
using DimensionLoops = SmallVector<SmallVector<unsigned>>;

static DimensionLoops getLoops(AffineMap map) {
  return llvm::map_to_vector(map.getResults(), [](AffineExpr index) {
    auto dimension = dyn_cast<AffineDimExpr>(index);
    return dimension ? SmallVector<unsigned>{dimension.getPosition()}
                     : SmallVector<unsigned>();
  });
}

/// The loops of the tensor that `pack` makes one with `loops` from, or that
/// `unpack` makes from one.
template <typename OpTy>
static DimensionLoops joinBlocks(OpTy op, const DimensionLoops &loops) {
  size_t rank = loops.size() - op.getInnerDimsPos().size();
  ArrayRef<int64_t> outer = op.getOuterDimsPerm();
  DimensionLoops joined(rank);
  for (size_t d = 0; d < rank; ++d)
    joined[outer.empty() ? d : outer[d]] = loops[d];
  for (auto [i, d] : llvm::enumerate(op.getInnerDimsPos()))
    llvm::append_range(joined[d], loops[rank + i]);
  return joined;
}

namespace {
/// An operand and how the loops of the contraction walk along it.
struct Operand {
  Weight read;
  DimensionLoops loops;
  bool isUnpacked = false;

  /// As the contraction reads it.
  Operand(OpOperand *operand, AffineMap map)
      : read{operand->get(), cast<RankedTensorType>(operand->get().getType()),
             map},
        loops(getLoops(map)) {}

  /// In front of what only copies its elements.
  void seeThroughCopies() {
    read = Weight::seeThrough(read.tensor, read.map);
    loops = getLoops(read.map);
  }

  /// The same, packing being a copy, too, and one of the copies.
  void seeThroughCopiesAndPack() {
    seeThroughCopies();
    if (!seeThroughPack())
      return;
    AffineMap identity =
        AffineMap::getMultiDimIdentityMap(loops.size(), read.type.getContext());
    read = Weight::seeThrough(read.tensor, identity);
    DimensionLoops packed = std::move(loops);
    loops.clear();
    for (AffineExpr index : read.map.getResults())
      loops.push_back(packed[cast<AffineDimExpr>(index).getPosition()]);
  }

  /// What fills up the last blocks must be nothing in a sum.
  bool seeThroughPack() {
    auto pack = read.tensor.getDefiningOp<linalg::PackOp>();
    if (!pack || !pack.hasPureTensorSemantics() ||
        read.type != read.tensor.getType() ||
        (pack.getPaddingValue() &&
         !matchPattern(pack.getPaddingValue(), m_AnyZeroFloat())))
      return false;
    isUnpacked = true;
    loops = joinBlocks(pack, loops);
    read.tensor = pack.getSource();
    read.type = cast<RankedTensorType>(read.tensor.getType());
    return true;
  }
};

/// The loops of a contraction by their roles; the others are those of sequences
/// and of weights of their own.
struct Roles {
  SmallVector<unsigned> sequence, features, channels;
};
} // namespace

/// Adds each dimension that has no loop, and so size 1, to the group of the
/// next one that has, or of the last.
static void addUnits(const DimensionLoops &dimensions,
                     Arrangement &arrangement) {
  int64_t next = -1, rank = dimensions.size();
  auto add = [&](int64_t unit, int64_t neighbor) {
    for (ReassociationIndices &group : arrangement.groups)
      if (auto *place = llvm::find(group, neighbor); place != group.end()) {
        group.insert(place + (unit > neighbor), unit);
        return;
      }
  };
  for (int64_t d = rank - 1; d >= 0; --d) {
    if (dimensions[d].empty() && next >= 0)
      add(d, next);
    if (!dimensions[d].empty() || next >= 0)
      next = d;
  }
  for (int64_t d = 1; d < rank; ++d)
    if (llvm::all_of(ArrayRef(dimensions).drop_front(d),
                     [](const auto &loops) { return loops.empty(); }))
      add(d, d - 1);
}

/// The operand arranged so that each of the `roles` that it has is one
/// dimension; nullopt if a dimension of it belongs to two. `order` is that of
/// the roles.
static std::optional<Arrangement> arrange(const DimensionLoops &dimensions,
                                          ArrayRef<SmallVector<unsigned>> roles,
                                          SmallVectorImpl<unsigned> &order) {
  SmallVector<std::pair<int64_t, unsigned>> places; // Last dimension and role.
  SmallVector<ReassociationIndices> groups;
  for (auto [number, role] : llvm::enumerate(roles)) {
    ReassociationIndices group;
    ArrayRef<unsigned> rest = role;
    while (!rest.empty()) {
      const auto *next =
          llvm::find_if(dimensions, [&](const SmallVector<unsigned> &loops) {
            return !loops.empty() && loops.front() == rest.front();
          });
      if (next == dimensions.end() ||
          rest.take_front(next->size()) != ArrayRef(*next))
        break;
      group.push_back(next - dimensions.begin());
      rest = rest.drop_front(next->size());
    }
    if (group.empty())
      continue;
    if (!rest.empty())
      return std::nullopt;
    places.push_back({*llvm::max_element(group), number});
    groups.push_back(group);
  }
  SmallVector<unsigned> sorted =
      llvm::to_vector(llvm::seq<unsigned>(places.size()));
  llvm::sort(sorted,
             [&](unsigned a, unsigned b) { return places[a] < places[b]; });
  Arrangement result;
  size_t arranged = 0;
  for (unsigned i : sorted) {
    result.groups.push_back(groups[i]);
    order.push_back(places[i].second);
    arranged += groups[i].size();
  }
  if (arranged !=
      static_cast<size_t>(llvm::count_if(
          dimensions, [](const auto &loops) { return !loops.empty(); })))
    return std::nullopt;
  addUnits(dimensions, result);
  return result;
}

/// The loops of the last tokens in X and, if they are blocked, of the blocks.
/// A pack or an unpack knows that they are, and so does a linalg.mmt4d;
/// elsewhere blocks look like heads, and their outer loop like a batch.
static SmallVector<unsigned>
findSequence(linalg::LinalgOp op, const Operand &x,
             llvm::function_ref<bool(unsigned)> isToken) {
  SmallVector<unsigned> sequence;
  for (const SmallVector<unsigned> &loops : x.loops)
    if (!loops.empty() && llvm::all_of(loops, isToken))
      sequence = loops;
  if (sequence.size() != 1)
    return sequence;
  if (isa<linalg::Mmt4DOp, linalg::BatchMmt4DOp>(op.getOperation())) {
    SmallVector<unsigned> blocks;
    for (const SmallVector<unsigned> &loops : x.loops)
      llvm::copy_if(loops, std::back_inserter(blocks), isToken);
    return blocks;
  }
  for (Operation *user : op->getUsers())
    if (auto unpack = dyn_cast<linalg::UnPackOp>(user)) {
      AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
      for (const SmallVector<unsigned> &loops :
           joinBlocks(unpack, getLoops(map)))
        if (!loops.empty() && loops.back() == sequence.back() &&
            llvm::all_of(loops, isToken))
          return loops;
    }
  return sequence;
}

/// A contraction whose loops are told apart by which operands have them.
/// Operands are read in front of their packs if `unpacked`.
static std::optional<Linear> matchContraction(linalg::LinalgOp op,
                                              bool unpacked, std::string &why) {
  auto refuse = [&](std::string reason) {
    why = std::move(reason);
    return std::nullopt;
  };
  SmallVector<AffineMap> maps = getPlainMaps(op);
  for (auto [operand, map] : llvm::zip_equal(op->getOperands(), maps)) {
    if (!isPermutationWithUnits(map))
      return refuse(
          "an operand is not read at one loop per dimension, as a convolution "
          "of several pixels or of groups reads it; as a 1x1 convolution, or a "
          "matmul, of gathered pixels (im2col) it would be a linear");
    if (!readsWhole(operand, map))
      return refuse("it reads index 0 of a dimension that is not of size 1; "
                    "take a slice of that operand before");
  }
  if (!hasPlainBody(op))
    return refuse("its body does more than multiply and add; move what else it "
                  "computes into an op of its own");

  OpOperand *init = op.getDpsInitOperand(0);
  auto read = [&](unsigned number, bool asWeight) {
    OpOperand *input = op.getDpsInputOperand(number);
    Operand operand(input, maps[number]);
    if (asWeight)
      unpacked ? operand.seeThroughCopiesAndPack() : operand.seeThroughCopies();
    else if (unpacked)
      operand.seeThroughPack();
    return operand;
  };
  Operand w = read(1, /*asWeight=*/true);
  Linear linear;
  linear.op = op;
  linear.init = init->get();
  if (w.read.whyUnknown()) {
    Operand left = read(0, /*asWeight=*/true);
    linear.weightIsFirst = !left.read.whyUnknown();
    if (linear.weightIsFirst)
      w = left;
  }
  Operand x = read(linear.weightIsFirst ? 1 : 0, /*asWeight=*/false);
  linear.x = x.read.tensor;
  linear.weight = w.read;
  linear.isUnpacked = x.isUnpacked || w.isUnpacked;
  DimensionLoops y = getLoops(maps.back());

  auto isIn = [](const DimensionLoops &dimensions, unsigned loop) {
    return llvm::any_of(dimensions, [&](const SmallVector<unsigned> &loops) {
      return llvm::is_contained(loops, loop);
    });
  };
  Roles roles;
  auto isToken = [&](unsigned loop) { return !isIn(w.loops, loop); };
  for (unsigned loop : llvm::seq(op.getNumLoops()))
    if (isIn(x.loops, loop) + isIn(w.loops, loop) + isIn(y, loop) == 1)
      return refuse("one of its loops runs over one operand alone, which is "
                    "summed up or repeated; do that in an op of its own");
  for (const SmallVector<unsigned> &loops : x.loops)
    for (unsigned loop : loops)
      if (!isIn(y, loop))
        roles.features.push_back(loop);
  for (const SmallVector<unsigned> &loops : y)
    for (unsigned loop : loops)
      if (!isIn(x.loops, loop))
        roles.channels.push_back(loop);
  roles.sequence = findSequence(op, x, isToken);
  if (roles.sequence.empty())
    return refuse("no dimension of its activations is a sequence, which the "
                  "result has and the weight has not; it is a product of a "
                  "vector, or of two tensors with the same batch");
  if (roles.channels.empty())
    return refuse(
        "its weight is a vector; expand it to a matrix of one column");
  if (roles.features.empty())
    return refuse("it sums over nothing; it is an outer product");

  // The roles take the places of their first loops among all.
  DimensionLoops loops = {roles.sequence, roles.features, roles.channels};
  for (unsigned loop : llvm::seq(op.getNumLoops()))
    if (!isIn(loops, loop) && isIn(y, loop))
      loops.push_back({loop});
  llvm::sort(loops, [](const auto &a, const auto &b) {
    return a.front() < b.front();
  });
  bool isArranged = true;
  auto arrangeOperand = [&](const DimensionLoops &dimensions,
                            Arrangement &arrangement, AffineMap &map) {
    SmallVector<unsigned> order;
    std::optional<Arrangement> found = arrange(dimensions, loops, order);
    isArranged &= found.has_value();
    arrangement = found.value_or(Arrangement());
    map = AffineMap::getMultiDimIdentityMap(loops.size(), op->getContext())
              .getSubMap(order);
  };
  arrangeOperand(x.loops, linear.xArrangement, linear.xMap);
  arrangeOperand(w.loops, linear.weightArrangement, linear.weightMap);
  arrangeOperand(y, linear.resultArrangement, linear.resultMap);
  if (!isArranged)
    return refuse("its operands are in blocks that are not those of each "
                  "other; quantize it before it is packed");

  auto position = [&](AffineMap map, ArrayRef<unsigned> role) -> int64_t {
    unsigned loop = llvm::find(loops, role) - loops.begin();
    return *map.getResultPosition(getAffineDimExpr(loop, op->getContext()));
  };
  linear.sequence = position(linear.xMap, roles.sequence);
  linear.features = position(linear.xMap, roles.features);
  linear.weightReduced = position(linear.weightMap, roles.features);
  linear.resultSequence = position(linear.resultMap, roles.sequence);
  linear.channels = position(linear.resultMap, roles.channels);
  return linear;
}

bool Linear::isUnpackedBy(linalg::UnPackOp unpack) const {
  DimensionLoops dimensions;
  for (unsigned d : llvm::seq<unsigned>(unpack.getSourceRank()))
    dimensions.push_back({d});
  DimensionLoops joined = joinBlocks(unpack, dimensions);
  return llvm::equal(joined, resultArrangement.groups,
                     [](const auto &loops, const auto &group) {
                       return llvm::equal(loops, group);
                     });
}

/// Whether X and W have equally many features where one of them has been read
/// in front of a pack.
static bool agreeOnFeatures(const Linear &linear) {
  int64_t length = linear.getReductionLength();
  int64_t ofWeight = linear.weightArrangement.apply(
      linear.weight.type.getShape())[linear.weightReduced];
  return !ShapedType::isDynamic(length) && length == ofWeight;
}

/// In front of packs, if both operands agree there, so that neither ragged
/// blocks nor a layout for some kernel are in the way.
static std::optional<Linear> matchContraction(linalg::LinalgOp op,
                                              std::string &why) {
  std::optional<Linear> linear = matchContraction(op, /*unpacked=*/true, why);
  if (linear && (!linear->isUnpacked ||
                 (agreeOnFeatures(*linear) && isZeroTensor(linear->init))))
    return linear;
  return matchContraction(op, /*unpacked=*/false, why);
}

/// The operands of a linalg op whose elements a value in its body depends on,
/// if they change from one term of its sums to the next.
static void findTerms(linalg::LinalgOp op, Value value, ArrayRef<unsigned> sums,
                      llvm::SmallSetVector<OpOperand *, 4> &terms) {
  SmallVector<Value> open = {value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (auto argument = dyn_cast<BlockArgument>(next)) {
      if (argument.getOwner() != op.getBlock())
        continue;
      OpOperand *operand = op.getMatchingOpOperand(argument);
      AffineMap map = op.getMatchingIndexingMap(operand);
      if (llvm::any_of(
              sums, [&](unsigned loop) { return map.isFunctionOfDim(loop); }))
        terms.insert(operand);
    } else if (Operation *inner = next.getDefiningOp();
               inner->getBlock() == op.getBlock() &&
               seen.insert(inner).second) {
      llvm::append_range(open, inner->getOperands());
    }
  }
}

/// Whether something is added to the init.
static bool addsUp(linalg::LinalgOp op) {
  auto skipCasts = [](Value value) {
    for (Operation *cast = value.getDefiningOp();
         cast && cast->getNumOperands() == 1; cast = value.getDefiningOp())
      value = cast->getOperand(0);
    return value;
  };
  Value last = skipCasts(op.getBlock()->getTerminator()->getOperand(0));
  Operation *sum = last.getDefiningOp();
  return isa_and_nonnull<arith::AddFOp, arith::AddIOp, math::FmaOp>(sum) &&
         llvm::any_of(sum->getOperands(), [&](Value term) {
           auto argument = dyn_cast<BlockArgument>(skipCasts(term));
           return argument && argument.getOwner() == op.getBlock() &&
                  op.isDpsInit(op.getMatchingOpOperand(argument));
         });
}

/// Whatever its name, its types and what else it computes: if it is not written
/// so that it can be a linear, Linear::match says why.
bool stamp::isLinearCandidate(linalg::LinalgOp op) {
  if (linalg::isaContractionOpInterface(op))
    return true;
  SmallVector<unsigned> sums;
  op.getReductionDims(sums);
  if (sums.empty() || !addsUp(op))
    return false;
  return llvm::any_of(*op.getBlock(), [&](Operation &inner) {
    if (!isa<arith::MulFOp, arith::MulIOp, math::FmaOp>(inner) ||
        inner.getOperand(0) == inner.getOperand(1))
      return false;
    llvm::SmallSetVector<OpOperand *, 4> left, right;
    findTerms(op, inner.getOperand(0), sums, left);
    findTerms(op, inner.getOperand(1), sums, right);
    return !left.empty() && !right.empty() &&
           (left.size() > 1 || right.size() > 1 || left[0] != right[0]);
  });
}

std::optional<Linear> Linear::match(linalg::LinalgOp op, std::string &why) {
  auto refuse = [&](const char *reason) {
    why = reason;
    return std::nullopt;
  };
  if (!isLinearCandidate(op))
    return refuse("it is neither a contraction nor a convolution; write it as "
                  "a linalg.contract");
  if (!op.hasPureTensorSemantics())
    return refuse(
        "it works on buffers, not on tensors; select before bufferization");
  auto isInteger = [](Value operand) {
    return isa<IntegerType>(getElementTypeOrSelf(operand));
  };
  if (llvm::all_of(op.getDpsInputs(), isInteger))
    return refuse("its operands are integers: it is quantized already; nothing "
                  "is left to do");
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return refuse("it has other operands than two factors and a sum; compute "
                  "what they add, such as a scale, in an op of its own, on the "
                  "weight or on the result");
  auto isFloat = [](Type type) {
    Type element = getElementTypeOrSelf(type);
    return element.isF32() || element.isF16() || element.isBF16();
  };
  constexpr const char *kElementTypes =
      "its element types are not f32, f16 or bf16; convert them first";
  if (!llvm::all_of(op->getOperandTypes(), isFloat))
    return refuse(kElementTypes);

  std::optional<ConvolutionLayout> layout = getLayout(op);
  std::optional<Linear> linear =
      layout ? matchConvolution(op, *layout, why) : matchContraction(op, why);
  if (!linear)
    return std::nullopt;
  // What a weight has been widened from.
  if (!isFloat(linear->weight.type))
    return refuse(kElementTypes);
  return linear;
}

bool stamp::isZeroTensor(Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) ||
           matchPattern(fill.getInputs()[0], m_Zero());
  DenseElementsAttr constant;
  if (!matchPattern(tensor, m_Constant(&constant)) || !constant.isSplat())
    return false;
  if (isa<FloatType>(constant.getElementType()))
    return constant.getSplatValue<APFloat>().isZero();
  return constant.getSplatValue<APInt>().isZero();
}
