//===- FeatureTransforms.cpp - Transforms along the features ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The butterflies of a rotation (H ⊗ M of m·2^k features) are between runs of
// m·stride features. As in the Walsh–Hadamard transform along the sequence,
// half of the registers hold vectors that several strides mix, so that a row
// goes through the nearest cache once for three or four of them.
//
// Where m = 1, the first strides are inside a vector. To take the even lanes of
// two vectors, and the odd ones, turns the bits of an element's place: the
// lowest bit of the lane becomes the one that tells the vectors apart, which a
// butterfly then mixes, and that one the highest of the lane:
//
//     vector | lane          v | l₃ l₂ l₁ l₀
//                           l₀ | v  l₃ l₂ l₁
//                           l₁ | l₀ v  l₃ l₂  …
//
// Once more than there are bits of a lane, and all are where they were. No
// lanes are ever put back, and with the further strides across the vectors at
// hand 2⁸ features need no memory in between (16 vectors of 16 lanes).
//
// Butterflies in registers are those of docs/Semantics.md; what M multiplies is
// added up feature by feature, as in the portable lowering. All bits are
// therefore the same.
//
//===----------------------------------------------------------------------===//

#include "FeatureTransforms.h"

#include "TokenRows.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace stamp;

bool stamp::hasFeatureKernel(FeatureTransformAttrInterface transform,
                             StringRef &why) {
  if (auto hadamard = dyn_cast<HadamardAttr>(transform)) {
    why = "the dense part of the rotation is too large";
    int64_t order = hadamard.getOrder();
    return order <= kLargestTable / order;
  }
  why = "nothing fast is known of its transform";
  return isa<ScaleAttr>(transform);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// What is loaded in whole vectors from any feature on.
static int64_t padTable(const KernelBuilder &b, int64_t features) {
  return llvm::alignTo(features, std::max<int64_t>(b.lanes(), 8)) + b.lanes();
}

FeatureTransforms::FeatureTransforms(KernelBuilder &b,
                                     ArrayRef<FeatureStep> steps,
                                     int64_t features)
    : b(b), features(features) {
  SmallVector<Scale> *behind = &scales;
  for (const FeatureStep &step : steps) {
    // R = I where the number of features does not suit.
    Scale scale = {Value(), step.direction, step.type};
    bool fits = !step.transform.getFeatureTransform()->misfit(features);
    if (auto hadamard = dyn_cast<HadamardAttr>(step.transform);
        hadamard && fits) {
      rotations.push_back(makeRotation(
          step, *Hadamard(hadamard.getOrder()).exponentFor(features)));
      behind = &rotations.back().scales;
    } else if (auto factors = dyn_cast<ScaleAttr>(step.transform);
               factors && fits) {
      // No division by 0 behind the features.
      SmallVector<float> table(factors.getFactors().getValues<float>());
      table.resize(padTable(b, features), 1.0F);
      scale.factors = createTable(b, table);
    }
    behind->push_back(scale);
  }
}

FeatureTransforms::Rotation
FeatureTransforms::makeRotation(const FeatureStep &step,
                                int64_t exponent) const {
  int64_t order = cast<HadamardAttr>(step.transform).getOrder();
  Rotation rotation = {order, exponent, Value(), Value(), {}};
  double norm = Hadamard::norm(exponent);
  if (order == 1) {
    rotation.norm = b.splat(b.constant(static_cast<float>(norm)));
    return rotation;
  }
  std::vector<double> dense = Hadamard(order).denseMatrix();
  bool isTransposed = Hadamard::isTransposed(Side::Right, step.direction);
  int64_t width = llvm::alignTo(order, b.lanes());
  SmallVector<float> table(order * width);
  for (int64_t from = 0; from < order; ++from)
    for (int64_t to = 0; to < order; ++to)
      table[from * width + to] =
          static_cast<float>(norm * (isTransposed ? dense[from * order + to]
                                                  : dense[to * order + from]));
  rotation.matrix = createTable(b, table);
  return rotation;
}

Value FeatureTransforms::emitScales(ArrayRef<Scale> scales, Value lanes,
                                    Value feature) const {
  for (const Scale &scale : scales) {
    if (scale.factors) {
      Value factors = b.load(scale.factors, feature);
      lanes = scale.direction == Direction::Forward ? b.mulF(lanes, factors)
                                                    : b.divF(lanes, factors);
    }
    lanes = b.roundTo(lanes, scale.type);
  }
  return lanes;
}

Value FeatureTransforms::finish(const Rotation &rotation, Value lanes,
                                Value feature) const {
  if (rotation.norm)
    lanes = b.mulF(lanes, rotation.norm);
  return emitScales(rotation.scales, lanes, feature);
}

//===----------------------------------------------------------------------===//
// Butterflies
//===----------------------------------------------------------------------===//

int64_t FeatureTransforms::stridesAtOnce() const {
  return llvm::Log2_64(b.target.registers / 2);
}

/// (u, v) → (u + v, u − v) at the strides 1, 2, 4, ….
static void butterflies(KernelBuilder &b, MutableArrayRef<Value> values) {
  for (size_t stride = 1; stride < values.size(); stride *= 2)
    for (size_t i = 0; i < values.size(); ++i)
      if ((i & stride) == 0) {
        Value first = values[i], second = values[i + stride];
        values[i] = b.addF(first, second);
        values[i + stride] = b.subF(first, second);
      }
}

/// Every other lane of two vectors.
static Value takeLanes(KernelBuilder &b, ArrayRef<Value> pair, int64_t first) {
  SmallVector<int64_t> taken;
  for (int64_t i = 0; i < b.lanes(); ++i)
    taken.push_back(2 * i + first);
  return vector::ShuffleOp::create(b, pair[0], pair[1], taken);
}

void FeatureTransforms::mixLanes(MutableArrayRef<Value> pair,
                                 int64_t strides) const {
  int64_t bits = llvm::Log2_64(b.lanes());
  for (int64_t bit = 0; bit <= bits; ++bit) {
    Value turned[] = {takeLanes(b, pair, 0), takeLanes(b, pair, 1)};
    if (bit < std::min(strides, bits))
      butterflies(b, turned);
    llvm::copy(turned, pair.begin());
  }
}

void FeatureTransforms::emitFirstTurn(const Rotation &rotation, const Row &row,
                                      int64_t strides, bool isLast) const {
  int64_t bits = llvm::Log2_64(b.lanes());
  int64_t count = int64_t{1} << std::max<int64_t>(strides - bits, 0);
  b.loop(b.index(0), b.index(std::max(features, b.lanes())), count * b.lanes(),
         [&](Value first) {
           Values values, places;
           for (int64_t i = 0; i < count; ++i) {
             places.push_back(b.add(first, i * b.lanes()));
             values.push_back(row.load(b, places.back()));
           }
           // One vector alone has zeros for company.
           values.resize(std::max<int64_t>(count, 2), b.zeros(b.getF32Type()));
           for (size_t i = 0; i < values.size(); i += 2)
             mixLanes(MutableArrayRef(values).slice(i, 2), strides);
           values.resize(count);
           butterflies(b, values);
           for (auto [value, place] : llvm::zip_equal(values, places))
             row.store(b, isLast ? finish(rotation, value, place) : value,
                       place);
         });
}

/// Calls `emit` for the vectors of `count` features, the last one under a mask.
static void forEachVector(KernelBuilder &b, int64_t count,
                          function_ref<void(Value, Value)> emit) {
  int64_t full = count / b.lanes() * b.lanes();
  if (full > 0)
    b.loop(b.index(0), b.index(full), b.lanes(),
           [&](Value i) { emit(i, Value()); });
  if (full < count)
    emit(b.index(full), b.mask(b.index(count - full)));
}

void FeatureTransforms::emitTurn(const Row &from, const Row &to, int64_t run,
                                 int64_t strides,
                                 const Rotation *finished) const {
  int64_t count = int64_t{1} << strides;
  b.loop(b.index(0), b.index(features), count * run, [&](Value group) {
    forEachVector(b, run, [&](Value i, Value mask) {
      Values values, places;
      for (int64_t r = 0; r < count; ++r) {
        places.push_back(b.add(b.add(group, i), r * run));
        values.push_back(from.load(b, places.back(), mask));
      }
      butterflies(b, values);
      for (auto [value, place] : llvm::zip_equal(values, places))
        to.store(b, finished ? finish(*finished, value, place) : value, place,
                 mask);
    });
  });
}

//===----------------------------------------------------------------------===//
// Rotations
//===----------------------------------------------------------------------===//

/// Each run of m features times the matrix: some runs and some vectors of
/// features are added up in registers.
void FeatureTransforms::emitProduct(const Rotation &rotation, const Row &from,
                                    const Row &to) const {
  int64_t order = rotation.order, lanes = b.lanes();
  int64_t vectors = llvm::divideCeil(order, lanes);
  auto emitTile = [&](Value first, int64_t runs, int64_t vector,
                      int64_t count) {
    Values zeros(runs * count, b.zeros(b.getF32Type()));
    int64_t width = llvm::alignTo(order, lanes);
    Values sums = b.loop(
        b.index(0), b.index(order), 1, zeros,
        [&](Value feature, ValueRange carried) {
          Values factors, next;
          Value entry = b.add(b.mul(feature, width), vector * lanes);
          for (int64_t v = 0; v < count; ++v)
            factors.push_back(b.load(rotation.matrix, b.add(entry, v * lanes)));
          for (int64_t r = 0; r < runs; ++r) {
            Value place = b.add(b.add(first, feature), r * order);
            Value x = b.splat(memref::LoadOp::create(
                b, from.memory, ValueRange{from.row, place}));
            for (int64_t v = 0; v < count; ++v)
              next.push_back(
                  b.addF(carried[r * count + v], b.mulF(factors[v], x)));
          }
          return next;
        });
    for (int64_t r = 0; r < runs; ++r)
      for (int64_t v = 0; v < count; ++v) {
        int64_t column = (vector + v) * lanes;
        Value place = b.add(first, r * order + column), mask;
        if (column + lanes > order)
          mask = b.mask(b.index(order - column));
        to.store(b, finish(rotation, sums[r * count + v], place), place, mask);
      }
  };
  int64_t most = std::min<int64_t>(vectors, 4);
  // The matrix's vectors and a feature need registers, too.
  auto runs = static_cast<int64_t>(llvm::bit_floor(
      static_cast<uint64_t>((b.target.registers - 2 - most) / most)));
  runs = std::min({runs, int64_t{8}, int64_t{1} << rotation.exponent});
  b.loop(b.index(0), b.index(features), runs * order, [&](Value first) {
    for (int64_t vector = 0; vector < vectors; vector += most)
      emitTile(first, runs, vector, std::min(most, vectors - vector));
  });
}

void FeatureTransforms::emitRotation(const Rotation &rotation, const Row &row,
                                     const Row &scratch) const {
  bool isDense = rotation.order > 1;
  // Strides that no vector has inside.
  int64_t inside =
      isDense ? 0
              : std::min<int64_t>(rotation.exponent, llvm::Log2_64(b.lanes()));
  int64_t across = rotation.exponent - inside;
  int64_t turns =
      std::max<int64_t>(llvm::divideCeil(across, stridesAtOnce()), 1);
  int64_t done = 0;
  for (int64_t turn = 0; turn < turns; ++turn) {
    int64_t now = (across - done) / (turns - turn);
    bool isLast = turn + 1 == turns;
    if (isDense)
      emitTurn(row, isLast ? scratch : row, rotation.order << done, now,
               /*finished=*/nullptr);
    else if (turn == 0)
      emitFirstTurn(rotation, row, inside + now, isLast);
    else
      emitTurn(row, row, int64_t{1} << (inside + done), now,
               isLast ? &rotation : nullptr);
    done += now;
  }
  if (isDense)
    emitProduct(rotation, scratch, row);
}

void FeatureTransforms::emitRotations(Value block, int64_t numRows) const {
  if (rotations.empty())
    return;
  Row scratch = {Value(), b.index(0)};
  if (llvm::any_of(rotations, [](const Rotation &r) { return r.order > 1; }))
    scratch.memory = b.alloc({1, padTable(b, features)}, b.getF32Type());
  b.loop(b.index(0), b.index(numRows), 1, [&](Value row) {
    for (const Rotation &rotation : rotations)
      emitRotation(rotation, {block, row}, scratch);
  });
}
