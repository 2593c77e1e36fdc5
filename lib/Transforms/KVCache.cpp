//===- KVCache.cpp - Functions of a cache of keys or values ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A decoder gets one token at a time, and a transform mixes the tokens of a
// block. So the most recent tokens wait in a window, as they are, until the
// oldest of them make a whole block of B tokens:
//
//   block 0   block 1   …   block m−1  │ window, of up to W − 1 tokens
//   codes, scales, zero points         │ floats
//
// With n tokens in all, m = ⌊max(0, n − (W − B))/B⌋: nothing but n tells where
// the cache is. A block is a sequence of its own, whose codes do not change any
// more; hence it does not matter in how many steps it was filled.
//
// All of it is written in ops that there are, so that whoever folds, tiles,
// bufferizes or lowers those knows nothing of caches. Reading goes block by
// block, which keeps sizes static, for the cost model of stamp-fold among
// others, and no more than one block dequantized.
//
//===----------------------------------------------------------------------===//

#include "stamp/Basis/Packing.h"
#include "stamp/IR/Stamp.h"
#include "stamp/Transforms/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"

namespace stamp {
#define GEN_PASS_DEF_STAMPKVCACHE
#include "stamp/Transforms/Passes.h.inc"
} // namespace stamp

using namespace mlir;
using namespace stamp;

static constexpr remark::RemarkOpts kRemark =
    remark::RemarkOpts::name("KVCache").category("stamp-kv-cache");

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

namespace {
enum class Role { Append, Scores, Mix };

/// The values that a cache consists of, but for its length.
struct State {
  SmallVector<Value> parts; ///< Packed codes for each part of the schedule.
  Value scales, zeroPoints, window;

  SmallVector<Value> flatten() const {
    SmallVector<Value> values = parts;
    values.append({scales, zeroPoints, window});
    return values;
  }

  static State unflatten(ValueRange values) {
    size_t numParts = values.size() - 3;
    return {llvm::to_vector(values.take_front(numParts)), values[numParts],
            values[numParts + 1], values[numParts + 2]};
  }
};

/// A declared function, and the sizes that its types give to the cache.
struct Declaration {
  func::FuncOp function;
  Role role;
  KVCacheAttr cache;

  ArrayRef<int64_t> leading; ///< Sequences and heads.
  int64_t blocks, blockSize, windowSize, features;

  int64_t getNumParts() const { return cache.getSchedule().getWidths().size(); }
  std::optional<int64_t> getGroup() const {
    return cache.getGroup() ? std::optional(cache.getGroup()) : std::nullopt;
  }
  /// The dimension of the tokens, or the rows of queries, behind the leading
  /// ones.
  int64_t getTokenDimension() const { return leading.size(); }

  /// Reads the sizes from the types, and checks that these are what the sizes
  /// make of them.
  static FailureOr<Declaration> read(func::FuncOp function, Role role,
                                     KVCacheAttr cache);

private:
  FunctionType getExpectedType(FunctionType actual) const;
  RankedTensorType withLeading(ArrayRef<int64_t> shape, Type element) const;
};
} // namespace

RankedTensorType Declaration::withLeading(ArrayRef<int64_t> shape,
                                          Type element) const {
  SmallVector<int64_t> all(leading);
  llvm::append_range(all, shape);
  return RankedTensorType::get(all, element);
}

FunctionType Declaration::getExpectedType(FunctionType actual) const {
  Builder builder(cache.getContext());
  ScheduleAttr schedule = cache.getSchedule();
  SmallVector<Type> state;
  int64_t begin = 0;
  std::vector<int64_t> ends = schedule.getSchedule().ends(blockSize);
  ends.push_back(blockSize);
  for (auto [end, bits] : llvm::zip_equal(ends, schedule.getWidths())) {
    int64_t bytes = packedSize(features, bits);
    state.push_back(
        withLeading({blocks, end - begin, bytes}, builder.getI8Type()));
    begin = end;
  }
  SmallVector<int64_t> rows = {blocks, blockSize};
  if (std::optional<int64_t> group = getGroup())
    rows.push_back(llvm::divideCeil(features, *group));
  Type element = getElementTypeOrSelf(actual.getInput(getNumParts() + 3));
  state.push_back(withLeading(rows, builder.getF32Type()));
  state.push_back(withLeading(rows, builder.getI8Type()));
  state.push_back(withLeading({windowSize, features}, element));
  state.push_back(builder.getIndexType());

  // How many tokens or queries there are, and of what type, is free.
  auto x = cast<RankedTensorType>(actual.getInput(0));
  int64_t count = x.getRank() > getTokenDimension()
                      ? x.getDimSize(getTokenDimension())
                      : ShapedType::kDynamic;
  int64_t length = ShapedType::kDynamic;
  auto ofQueries = [&](int64_t size, Type type) {
    Type own = getElementTypeOrSelf(type);
    return withLeading({count, size},
                       isa<FloatType>(own) ? own : builder.getF32Type());
  };
  SmallVector<Type> inputs, results;
  switch (role) {
  case Role::Append:
    inputs = {withLeading({count, features}, element)};
    results = state;
    break;
  case Role::Scores:
    inputs = {ofQueries(features, x)};
    results = {ofQueries(length, actual.getResult(0))};
    break;
  case Role::Mix:
    inputs = {ofQueries(length, x)};
    results = {ofQueries(features, actual.getResult(0))};
    break;
  }
  llvm::append_range(inputs, state);
  return FunctionType::get(cache.getContext(), inputs, results);
}

FailureOr<Declaration> Declaration::read(func::FuncOp function, Role role,
                                         KVCacheAttr cache) {
  Declaration declaration{function, role, cache, {}, 0, 0, 0, 0};
  if (!function.isExternal())
    return function.emitOpError()
           << "is to get the body of a cache's function, "
              "but has one";
  int64_t numParts = declaration.getNumParts();
  ArrayRef<Type> inputs = function.getArgumentTypes();
  auto tensorAt = [&](size_t number) {
    return number < inputs.size() ? dyn_cast<RankedTensorType>(inputs[number])
                                  : RankedTensorType();
  };
  RankedTensorType scales = tensorAt(numParts + 1);
  RankedTensorType window = tensorAt(numParts + 3);
  if (!tensorAt(0) || !scales || !window || window.getRank() < 2 ||
      scales.getRank() < window.getRank() || function.getNumResults() == 0)
    return function.emitOpError()
           << "expects tokens, queries or probabilities, " << numParts
           << " tensor(s) of codes, scales, zero points, a window and the "
              "number of tokens";
  declaration.leading = window.getShape().drop_back(2);
  declaration.windowSize = window.getShape().drop_back().back();
  declaration.features = window.getShape().back();
  declaration.blocks = scales.getDimSize(declaration.getTokenDimension());
  declaration.blockSize =
      scales.getDimSize(declaration.getTokenDimension() + 1);
  for (int64_t size :
       {declaration.windowSize, declaration.features, declaration.blockSize})
    if (ShapedType::isDynamic(size))
      return function.emitOpError()
             << "expects static sizes of blocks, window and features";
  if (declaration.blockSize < 1 ||
      declaration.windowSize < declaration.blockSize)
    return function.emitOpError()
           << "expects a window of at least one block: it has "
           << declaration.windowSize << " tokens, a block "
           << declaration.blockSize;
  std::optional<std::string> misfit =
      cache.getBasis().getBasis()->misfit(declaration.blockSize);
  if (!misfit)
    misfit = cache.getSchedule().getSchedule().misfit(declaration.blockSize);
  if (misfit)
    return function.emitOpError() << "has blocks that do not fit: " << *misfit;
  FunctionType expected =
      declaration.getExpectedType(function.getFunctionType());
  if (function.getFunctionType() != expected)
    return function.emitOpError() << "expects the type " << expected;
  if (!isa<Float16Type, BFloat16Type, Float32Type>(window.getElementType()))
    return function.emitOpError() << "expects a window of f32, f16 or bf16";
  return declaration;
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

namespace {
/// Writes the body of a declared function.
class BodyWriter {
public:
  explicit BodyWriter(Declaration declaration)
      : declaration(declaration), cache(declaration.cache),
        tokenDim(declaration.getTokenDimension()),
        b(declaration.function.getLoc(), declaration.function.getContext()) {
    Block *entry = declaration.function.addEntryBlock();
    b.setInsertionPointToStart(entry);
    x = entry->getArgument(0);
    state = State::unflatten(entry->getArguments().drop_front().drop_back());
    length = entry->getArguments().back();
  }

  void write() {
    checkSizes();
    SmallVector<Value> results;
    switch (declaration.role) {
    case Role::Append:
      results = writeAppend();
      break;
    case Role::Scores:
      results = {narrow(writeScores())};
      break;
    case Role::Mix:
      results = {narrow(writeMix())};
      break;
    }
    func::ReturnOp::create(b, results);
  }

private:
  SmallVector<Value> writeAppend();
  State storeBlock(State state, Value place);
  Value writeScores();
  Value writeMix();

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  TokenBuilder tokens() { return {b, b.getLoc(), tokenDim}; }

  /// How many blocks of the first `count` tokens are stored as codes.
  Value countBlocks(Value count) {
    Value beyond = arith::SubIOp::create(
        b, count, index(declaration.windowSize - declaration.blockSize));
    return arith::DivUIOp::create(b,
                                  arith::MaxSIOp::create(b, beyond, index(0)),
                                  index(declaration.blockSize));
  }
  Value countTokens(Value blocks) {
    return arith::MulIOp::create(b, blocks, index(declaration.blockSize));
  }

  /// Stops, and says so, unless `left` compares to `right` so.
  void check(arith::CmpIPredicate predicate, Value left, Value right,
             StringRef message) {
    Value holds = arith::CmpIOp::create(b, predicate, left, right);
    cf::AssertOp::create(
        b, holds, (declaration.function.getName() + ": " + message).str());
  }

  /// Stops where sizes that are not known before differ among the tensors, and
  /// at lengths that are none.
  void checkSizes() {
    check(arith::CmpIPredicate::sge, length, index(0),
          "the number of tokens is negative");
    auto checkAgainst = [&](Value reference, Value tensor, int64_t dimension) {
      if (cast<RankedTensorType>(reference.getType()).isDynamicDim(dimension))
        check(arith::CmpIPredicate::eq,
              tensor::DimOp::create(b, tensor, dimension),
              tensor::DimOp::create(b, reference, dimension),
              "the sizes of its tensors do not agree");
    };
    SmallVector<Value> blocked = state.parts;
    blocked.push_back(state.zeroPoints);
    for (Value tensor : blocked)
      checkAgainst(state.scales, tensor, tokenDim);
    llvm::append_values(blocked, state.scales, x);
    for (Value tensor : blocked)
      for (int64_t d : llvm::seq(tokenDim))
        checkAgainst(state.window, tensor, d);
  }

  /// Stops where fewer blocks exist than are needed.
  void checkCapacity(Value needed, const State &state) {
    check(arith::CmpIPredicate::ule, needed,
          tensor::DimOp::create(b, state.scales, tokenDim),
          "the cache has too few blocks");
  }

  /// The sizes of a tensor per sequence and head.
  SmallVector<OpFoldResult> withLeading(ArrayRef<OpFoldResult> sizes) {
    SmallVector<OpFoldResult> all =
        tensor::getMixedSizes(b, b.getLoc(), state.window);
    all.truncate(tokenDim);
    llvm::append_range(all, sizes);
    return all;
  }
  Value createEmpty(ArrayRef<OpFoldResult> sizes, Type element) {
    return tensor::EmptyOp::create(b, withLeading(sizes), element);
  }
  Value createZeros(ArrayRef<OpFoldResult> sizes) {
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
    return linalg::FillOp::create(b, zero, createEmpty(sizes, b.getF32Type()))
        .getResult(0);
  }
  OpFoldResult sizeAlong(Value tensor, int64_t dimension) {
    return tensor::getMixedSize(b, b.getLoc(), tensor, dimension);
  }

  /// Offsets and sizes of one block of a tensor that has them.
  std::pair<SmallVector<OpFoldResult>, SmallVector<OpFoldResult>>
  locate(Value blocks, Value place) {
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(b, b.getLoc(), blocks);
    SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
    offsets[tokenDim] = place;
    sizes[tokenDim] = b.getIndexAttr(1);
    return {offsets, sizes};
  }
  Value takeBlock(Value blocks, Value place) {
    auto [offsets, sizes] = locate(blocks, place);
    SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
    auto type = cast<RankedTensorType>(blocks.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + tokenDim);
    return tensor::ExtractSliceOp::create(
        b, RankedTensorType::get(shape, type.getElementType()), blocks, offsets,
        sizes, strides);
  }
  Value putBlock(Value block, Value blocks, Value place) {
    auto [offsets, sizes] = locate(blocks, place);
    SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
    return tensor::InsertSliceOp::create(b, block, blocks, offsets, sizes,
                                         strides);
  }

  /// What a block's codes stand for, as f32.
  Value restoreBlock(Value place);

  /// init + Σ over the loop that only both factors have; the dimensions of each
  /// are leading ones and then two of the loops 0, 1, 2.
  Value contract(Value left, std::array<unsigned, 2> leftLoops, Value right,
                 std::array<unsigned, 2> rightLoops, Value init,
                 std::array<unsigned, 2> resultLoops);
  Value multiplyKeys(Value keys, OpFoldResult count) {
    Value init = createZeros({sizeAlong(x, tokenDim), count});
    return contract(x, {0, 2}, keys, {1, 2}, init, {0, 1});
  }
  Value addValues(Value probabilities, Value values, Value init) {
    return contract(probabilities, {0, 2}, values, {2, 1}, init, {0, 1});
  }

  /// Folds over the stored blocks: `body` of the block's number and what has
  /// been made so far.
  Value forEachBlock(Value blocks, Value init,
                     llvm::function_ref<Value(Value, Value)> body) {
    auto loop = scf::ForOp::create(
        b, index(0), blocks, index(1), init,
        [&](OpBuilder &, Location, Value place, ValueRange soFar) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToEnd(place.getParentBlock());
          scf::YieldOp::create(b, body(place, soFar.front()));
        });
    return loop.getResult(0);
  }

  static Type withElement(Value tensor, Type element) {
    return cast<RankedTensorType>(tensor.getType()).clone(element);
  }

  /// The f32 result in the type that the function declares.
  Value narrow(Value result) {
    Type declared = declaration.function.getResultTypes().front();
    if (result.getType() == declared)
      return result;
    return arith::TruncFOp::create(b, declared, result);
  }

  Declaration declaration;
  KVCacheAttr cache;
  int64_t tokenDim;
  ImplicitLocOpBuilder b;
  Value x; ///< Tokens, queries or probabilities.
  State state;
  Value length;
};
} // namespace

/// One token after the other goes behind the others of the window.
SmallVector<Value> BodyWriter::writeAppend() {
  SmallVector<Value> carried = state.flatten();
  carried.push_back(length);
  Value count = tensor::DimOp::create(b, x, tokenDim);
  auto loop = scf::ForOp::create(
      b, index(0), count, index(1), carried,
      [&](OpBuilder &, Location, Value turn, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(turn.getParentBlock());
        State current = State::unflatten(carried.drop_back());
        Value blocks = countBlocks(carried.back());
        Value place =
            arith::SubIOp::create(b, carried.back(), countTokens(blocks));
        Value token = tokens().slice(x, turn, b.getIndexAttr(1));
        current.window = tokens().insert(token, current.window, place);
        Value isFull = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, place,
                                             index(declaration.windowSize - 1));
        auto stored = scf::IfOp::create(
            b, isFull,
            [&](OpBuilder &then, Location) {
              OpBuilder::InsertionGuard guard(b);
              b.setInsertionPointToEnd(then.getInsertionBlock());
              scf::YieldOp::create(b, storeBlock(current, blocks).flatten());
            },
            [&](OpBuilder &otherwise, Location loc) {
              scf::YieldOp::create(otherwise, loc, current.flatten());
            });
        SmallVector<Value> next =
            llvm::to_vector_of<Value>(stored.getResults());
        next.push_back(arith::AddIOp::create(b, carried.back(), index(1)));
        scf::YieldOp::create(b, next);
      });
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// Stores the oldest block of a full window, and moves up what is behind it.
State BodyWriter::storeBlock(State state, Value place) {
  checkCapacity(arith::AddIOp::create(b, place, index(1)), state);
  OpFoldResult blockSize = b.getIndexAttr(declaration.blockSize);
  Value block = tokens().slice(state.window, b.getIndexAttr(0), blockSize);
  int64_t featureDim = tokenDim + 1;
  Value coefficients =
      TransformOp::create(b, block, cache.getBasis(), tokenDim, b.getF32Type())
          .getResult();
  auto quantized =
      QuantizeOp::create(b, coefficients, cache.getSchedule(), tokenDim,
                         featureDim, declaration.getGroup());
  auto packed = PackOp::create(b, quantized.getCodes(), cache.getSchedule(),
                               tokenDim, featureDim);
  // A zero point is one of the codes.
  Value zeroPoints = arith::TruncIOp::create(
      b, withElement(quantized.getZeroPoints(), b.getI8Type()),
      quantized.getZeroPoints());
  for (auto [part, codes] : llvm::zip_equal(state.parts, packed.getResults()))
    part = putBlock(codes, part, place);
  state.scales = putBlock(quantized.getScales(), state.scales, place);
  state.zeroPoints = putBlock(zeroPoints, state.zeroPoints, place);
  int64_t kept = declaration.windowSize - declaration.blockSize;
  if (kept > 0) {
    Value recent =
        tokens().slice(state.window, blockSize, b.getIndexAttr(kept));
    state.window = tokens().insert(recent, state.window, b.getIndexAttr(0));
  }
  return state;
}

Value BodyWriter::restoreBlock(Value place) {
  SmallVector<Value> packed = llvm::map_to_vector(
      state.parts, [&](Value part) { return takeBlock(part, place); });
  OpFoldResult shape[] = {b.getIndexAttr(declaration.blockSize),
                          b.getIndexAttr(declaration.features)};
  IntegerAttr along = b.getI64IntegerAttr(tokenDim);
  IntegerAttr over = b.getI64IntegerAttr(tokenDim + 1);
  Value codesInit = createEmpty(shape, b.getI8Type());
  Value codes = UnpackOp::create(b, TypeRange(codesInit), codesInit, packed,
                                 cache.getSchedule(), along, over)
                    .getResult();
  Value narrow = takeBlock(state.zeroPoints, place);
  Value zeroPoints =
      arith::ExtSIOp::create(b, withElement(narrow, b.getI32Type()), narrow);
  Value init = createEmpty(shape, b.getF32Type());
  Value coefficients =
      DequantizeOp::create(
          b, init.getType(), codes, takeBlock(state.scales, place), zeroPoints,
          init, over,
          cache.getGroup() ? b.getI64IntegerAttr(cache.getGroup())
                           : IntegerAttr())
          .getResult();
  return InverseTransformOp::create(b, coefficients, cache.getBasis(), tokenDim)
      .getResult();
}

Value BodyWriter::contract(Value left, std::array<unsigned, 2> leftLoops,
                           Value right, std::array<unsigned, 2> rightLoops,
                           Value init, std::array<unsigned, 2> resultLoops) {
  auto mapTo = [&](ArrayRef<unsigned> loops) {
    SmallVector<AffineExpr> indices;
    for (int64_t d : llvm::seq(tokenDim))
      indices.push_back(b.getAffineDimExpr(d));
    for (unsigned loop : loops)
      indices.push_back(b.getAffineDimExpr(tokenDim + loop));
    return AffineMap::get(tokenDim + 3, 0, indices, b.getContext());
  };
  AffineMap maps[] = {mapTo(leftLoops), mapTo(rightLoops), mapTo(resultLoops)};
  return linalg::ContractOp::create(b, TypeRange(init), ValueRange{left, right},
                                    init, b.getAffineMapArrayAttr(maps))
      .getResult(0);
}

/// Q·Kᵀ of each block, and of the window, beside each other.
Value BodyWriter::writeScores() {
  Value blocks = countBlocks(length);
  checkCapacity(blocks, state);
  Value stored = countTokens(blocks);
  OpFoldResult rows = sizeAlong(x, tokenDim);
  Value init = createEmpty({rows, length}, b.getF32Type());
  Value scores = forEachBlock(blocks, init, [&](Value place, Value soFar) {
    Value block = multiplyKeys(restoreBlock(place),
                               b.getIndexAttr(declaration.blockSize));
    return tokens()
        .along(tokenDim + 1)
        .insert(block, soFar, countTokens(place));
  });
  Value recent = arith::SubIOp::create(b, length, stored);
  Value window = tokens().slice(state.window, b.getIndexAttr(0), recent);
  return tokens()
      .along(tokenDim + 1)
      .insert(multiplyKeys(window, recent), scores, stored);
}

/// P·V of each block, and of the window, added up.
Value BodyWriter::writeMix() {
  Value blocks = countBlocks(length);
  checkCapacity(blocks, state);
  Value given = tensor::DimOp::create(b, x, tokenDim + 1);
  check(arith::CmpIPredicate::eq, given, length,
        "there are not as many probabilities as tokens");
  auto probabilities = [&](Value from, OpFoldResult count) {
    return tokens().along(tokenDim + 1).slice(x, from, count);
  };
  Value init = createZeros(
      {sizeAlong(x, tokenDim), b.getIndexAttr(declaration.features)});
  Value sum = forEachBlock(blocks, init, [&](Value place, Value soFar) {
    return addValues(probabilities(countTokens(place),
                                   b.getIndexAttr(declaration.blockSize)),
                     restoreBlock(place), soFar);
  });
  Value stored = countTokens(blocks);
  Value recent = arith::SubIOp::create(b, length, stored);
  Value window = tokens().slice(state.window, b.getIndexAttr(0), recent);
  return addValues(probabilities(stored, recent), window, sum);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct StampKVCache final : public stamp::impl::StampKVCacheBase<StampKVCache> {
  void runOnOperation() override {
    SmallVector<Declaration> declarations;
    WalkResult result = getOperation()->walk(
        [&](func::FuncOp function) { return collect(function, declarations); });
    if (result.wasInterrupted())
      return signalPassFailure();
    for (Declaration &declaration : declarations) {
      BodyWriter(declaration).write();
      for (auto [name, role] : kRoles)
        declaration.function->removeAttr(name);
    }
    remark::analysis(getOperation()->getLoc(), kRemark)
        << remark::metric("functions", declarations.size());
  }

private:
  static constexpr std::pair<StringLiteral, Role> kRoles[] = {
      {StampDialect::kAppendAttrName, Role::Append},
      {StampDialect::kScoresAttrName, Role::Scores},
      {StampDialect::kMixAttrName, Role::Mix}};

  static WalkResult collect(func::FuncOp function,
                            SmallVectorImpl<Declaration> &declarations) {
    int64_t numRoles = 0;
    for (auto [name, role] : kRoles) {
      auto cache = function->getAttrOfType<KVCacheAttr>(name);
      if (!cache)
        continue;
      if (++numRoles > 1) {
        function.emitOpError() << "has more than one role in a cache";
        return WalkResult::interrupt();
      }
      FailureOr<Declaration> declaration =
          Declaration::read(function, role, cache);
      if (failed(declaration))
        return WalkResult::interrupt();
      declarations.push_back(*declaration);
    }
    return WalkResult::advance();
  }
};
} // namespace
