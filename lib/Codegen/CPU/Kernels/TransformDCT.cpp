//===- TransformDCT.cpp - The DCT-II in O(S log S) --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// With v = (x₀, x₂, x₄, …, x₅, x₃, x₁) and V its Fourier transform, the DCT-II
// of S tokens is
//
//     C[k] = Re(e^(−iθ)·V[k])    C[S − k] = −Im(e^(−iθ)·V[k])    θ = πk/2S
//
// times √(2/S), or √(1/S) for k = 0. Two vectors of columns are the real and
// the imaginary part of one complex transform Z, from which
//
//     V₁[k] = (Z[k] + Z*[S − k])/2    V₂[k] = (Z[k] − Z*[S − k])/2i
//
// so a length need not be even. The Fourier transform works in place with the
// radices that S is made of, and leaves frequencies where their digits are
// reversed. The inverse is each step undone, from the last to the first. All
// steps are orthogonal but for a factor: no error grows by more than log S.
//
//===----------------------------------------------------------------------===//

#include "TokenRows.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <tuple>

using namespace mlir;
using namespace stamp;

namespace {
struct Complex {
  Value re, im;
};

/// One pass of the Fourier transform: each run of `size` rows becomes `radix`
/// runs.
struct Stage {
  int64_t size, radix;
  /// exp(∓2πi·j·p/size) for all j < size/radix and 0 < p < radix; null if all
  /// are 1.
  Value twiddles;

  int64_t run() const { return size / radix; }
};
} // namespace

static constexpr double kPi = 3.14159265358979323846;

/// The largest prime whose transform is written out as a dense product.
static constexpr int64_t kLargestPrime = 13;

/// Radices of a length, first to last; none if it has a large prime factor.
static SmallVector<int64_t> getRadices(int64_t length, int64_t largestPower) {
  SmallVector<int64_t> radices;
  for (int64_t prime = kLargestPrime; prime > 2; prime -= 2)
    while (length % prime == 0) {
      radices.push_back(prime);
      length /= prime;
    }
  if (!llvm::isPowerOf2_64(length))
    return {};
  int64_t most = llvm::Log2_64(largestPower), left = llvm::Log2_64(length);
  for (int64_t turns = llvm::divideCeil(left, most); turns > 0; --turns) {
    int64_t now = llvm::divideCeil(left, turns);
    radices.push_back(int64_t{1} << now);
    left -= now;
  }
  return radices;
}

bool stamp::hasFastDCT(int64_t length) {
  return length <= kLargestTable &&
         (length <= 1 || !getRadices(length, /*largestPower=*/2).empty());
}

namespace {
class FourierBuilder {
public:
  FourierBuilder(KernelBuilder &b, Direction direction)
      : b(b), sign(direction == Direction::Forward ? -1 : 1) {}

  /// x[p] ← Σ_q x[q]·exp(±2πi·p·q/n).
  void transform(SmallVectorImpl<Complex> &x) {
    if (x.size() % 2)
      return transformOdd(x);
    size_t half = x.size() / 2;
    SmallVector<Complex> even, odd;
    for (size_t i = 0; i < half; ++i) {
      even.push_back(x[2 * i]);
      odd.push_back(x[2 * i + 1]);
    }
    if (half > 1) {
      transform(even);
      transform(odd);
    }
    for (size_t k = 0; k < half; ++k) {
      Complex turned = rotate(odd[k], k, x.size());
      x[k] = {b.addF(even[k].re, turned.re), b.addF(even[k].im, turned.im)};
      x[k + half] = {b.subF(even[k].re, turned.re),
                     b.subF(even[k].im, turned.im)};
    }
  }

  Complex multiply(Complex z, Complex w) {
    return {b.subF(b.mulF(z.re, w.re), b.mulF(z.im, w.im)),
            b.addF(b.mulF(z.re, w.im), b.mulF(z.im, w.re))};
  }

private:
  Value negate(Value lane) { return arith::NegFOp::create(b, lane); }
  Value constant(double value) {
    return b.splat(b.constant(static_cast<float>(value)));
  }

  /// z·exp(±2πi·k/n).
  Complex rotate(Complex z, size_t k, size_t n) {
    if (k == 0)
      return z;
    if (4 * k == n)
      return sign < 0 ? Complex{z.im, negate(z.re)}
                      : Complex{negate(z.im), z.re};
    double angle = sign * 2 * kPi * static_cast<double>(k) / double(n);
    if (8 * k % n != 0)
      return multiply(z,
                      {constant(std::cos(angle)), constant(std::sin(angle))});
    // An odd eighth of a turn: both products with 1/√2 are one.
    Value scale = constant(std::sqrt(0.5));
    Value sum = b.mulF(b.addF(z.re, z.im), scale);
    Value difference = b.mulF(b.subF(z.im, z.re), scale);
    bool isBack = std::cos(angle) < 0;
    if (sign < 0)
      return isBack ? Complex{difference, negate(sum)}
                    : Complex{sum, difference};
    return isBack ? Complex{negate(sum), negate(difference)}
                  : Complex{negate(difference), sum};
  }

  /// Sums of x[q] and x[n − q] meet cosines, differences meet sines.
  void transformOdd(SmallVectorImpl<Complex> &x) {
    size_t n = x.size(), half = n / 2;
    SmallVector<Complex> sums, differences, result(x.begin(), x.end());
    for (size_t q = 1; q <= half; ++q) {
      sums.push_back(
          {b.addF(x[q].re, x[n - q].re), b.addF(x[q].im, x[n - q].im)});
      differences.push_back(
          {b.subF(x[q].re, x[n - q].re), b.subF(x[q].im, x[n - q].im)});
      result[0] = {b.addF(result[0].re, sums.back().re),
                   b.addF(result[0].im, sums.back().im)};
    }
    for (size_t p = 1; p <= half; ++p) {
      Complex even = x[0], odd;
      for (size_t q = 1; q <= half; ++q) {
        double angle = sign * 2 * kPi * double(p * q % n) / double(n);
        Value c = constant(std::cos(angle)), s = constant(std::sin(angle));
        even = {b.addF(even.re, b.mulF(sums[q - 1].re, c)),
                b.addF(even.im, b.mulF(sums[q - 1].im, c))};
        Complex part = {b.mulF(differences[q - 1].re, s),
                        b.mulF(differences[q - 1].im, s)};
        odd = q == 1
                  ? part
                  : Complex{b.addF(odd.re, part.re), b.addF(odd.im, part.im)};
      }
      // even ± i·odd
      result[p] = {b.subF(even.re, odd.im), b.addF(even.im, odd.re)};
      result[n - p] = {b.addF(even.re, odd.im), b.subF(even.im, odd.re)};
    }
    x.assign(result);
  }

  KernelBuilder &b;
  double sign;
};

/// All that one length needs, and the kernel of one strip.
class DCT {
public:
  DCT(KernelBuilder &b, const SequenceTransform &transform, int64_t length)
      : b(b), transform(transform), length(length),
        fourier(b, transform.direction) {
    // Half of the registers hold numbers, each of them complex.
    int64_t size = length;
    for (int64_t radix : getRadices(length, b.target.registers / 4)) {
      stages.push_back({size, radix, createTwiddles(size, radix)});
      size /= radix;
    }
    tokenPlaces = createTokenPlaces();
    groupPlaces = createGroupPlaces();
    rotations = createRotations();
  }

  void emitStrip(const Columns &strip, Value skipped, Value scratchMemory) {
    Value zero = b.index(0);
    // Whole vectors: the other half of a masked lane may be of use.
    TokenRows scratch(scratchMemory, zero, zero, zero, /*places=*/{},
                      /*isPadded=*/true);
    TokenRows tokens(transform.tokens(), strip.sequence, skipped, strip.first,
                     tokenPlaces);
    TokenRows coefficients(transform.coefficients(), strip.sequence, skipped,
                           strip.first);
    columns = &strip;
    // The last stage knows the coefficients.
    auto others = ArrayRef(stages).drop_back();
    auto source = [&](const Stage &stage) -> const TokenRows & {
      return &stage == &stages.front() ? tokens : scratch;
    };
    if (transform.isForward())
      for (const Stage &stage : others)
        emitStage(stage, source(stage), scratch);
    emitLastStage(source(stages.back()), coefficients);
    if (!transform.isForward())
      for (const Stage &stage : llvm::reverse(others))
        emitStage(stage, scratch, source(stage));
  }

private:
  //===--- Tables -------------------------------------------------------===//

  Value createTwiddles(int64_t size, int64_t radix) {
    if (size == radix)
      return {};
    double sign = transform.isForward() ? -1 : 1;
    SmallVector<float> values;
    for (int64_t j = 0; j < size / radix; ++j)
      for (int64_t p = 1; p < radix; ++p) {
        double angle = sign * 2 * kPi * double(j * p) / double(size);
        values.push_back(static_cast<float>(std::cos(angle)));
        values.push_back(static_cast<float>(std::sin(angle)));
      }
    return createTable(b, values);
  }

  /// The even tokens, then the odd ones from the last on.
  Value createTokenPlaces() {
    SmallVector<int32_t> places;
    for (int64_t i = 0; i < length; ++i)
      places.push_back(
          static_cast<int32_t>(2 * i < length ? 2 * i : 2 * (length - i) - 1));
    return createTable(b, places);
  }

  /// Frequency p₁ + r₁·(p₂ + r₂·…) is in row p₁·run₁ + p₂·run₂ + …: those that
  /// the last stage makes of neighbouring rows, f + S/r·p, from here on.
  Value createGroupPlaces() {
    SmallVector<int32_t> places;
    for (int64_t f = 0; f < numGroups(); ++f) {
      int64_t place = 0, left = f;
      for (const Stage &stage : ArrayRef(stages).drop_back()) {
        place += left % stage.radix * stage.run();
        left /= stage.radix;
      }
      places.push_back(static_cast<int32_t>(place));
    }
    return createTable(b, places);
  }

  /// cos θ and sin θ over √(2S), for 0 ≤ k ≤ S/2.
  Value createRotations() {
    SmallVector<float> values;
    double scale = 1 / std::sqrt(2.0 * double(length));
    for (int64_t k = 0; k <= length / 2; ++k) {
      double angle = kPi * double(k) / (2.0 * double(length));
      values.push_back(static_cast<float>(scale * std::cos(angle)));
      values.push_back(static_cast<float>(scale * std::sin(angle)));
    }
    return createTable(b, values);
  }

  Value splatOf(Value table, Value index) {
    return b.splat(memref::LoadOp::create(b, table, ValueRange{index}));
  }

  //===--- Passes -------------------------------------------------------===//

  Complex load(const TokenRows &rows, Value place, Value column) {
    return {rows.load(b, place, column, columns->masks[0]),
            rows.load(b, place, b.add(column, b.lanes()), columns->masks[1])};
  }
  void store(Complex z, const TokenRows &rows, Value place, Value column) {
    rows.store(b, z.re, place, column, columns->masks[0]);
    rows.store(b, z.im, place, b.add(column, b.lanes()), columns->masks[1]);
  }
  void prefetchPair(const TokenRows &rows, ValueRange places, Value column) {
    for (Value place : places)
      for (int64_t i = 0; i < 2; ++i)
        rows.prefetch(b, place, b.add(column, i * b.lanes()));
  }
  void forEachPair(function_ref<void(Value)> body) {
    b.loop(b.index(0), columns->count, 2 * b.lanes(), body);
  }

  void emitStage(const Stage &stage, const TokenRows &from,
                 const TokenRows &to) {
    b.loop(b.index(0), b.index(stage.run()), 1, [&](Value j) {
      SmallVector<Complex> twiddles;
      if (stage.twiddles) {
        Value first = b.mul(j, 2 * (stage.radix - 1));
        for (int64_t p = 1; p < stage.radix; ++p)
          twiddles.push_back(
              {splatOf(stage.twiddles, b.add(first, 2 * p - 2)),
               splatOf(stage.twiddles, b.add(first, 2 * p - 1))});
      }
      b.loop(b.index(0), b.index(length), stage.size, [&](Value start) {
        Values sources, targets, later;
        for (int64_t q = 0; q < stage.radix; ++q) {
          Value row = b.add(b.add(start, j), q * stage.run());
          sources.push_back(from.find(b, row));
          targets.push_back(to.find(b, row));
          if (transform.isForward() && &stage == &stages.front())
            later.push_back(
                from.find(b, b.min(b.add(row, 1), b.index(length - 1))));
        }
        forEachPair([&](Value column) {
          prefetchPair(from, later, column);
          SmallVector<Complex> x;
          for (Value place : sources)
            x.push_back(load(from, place, column));
          auto twiddle = [&] {
            for (auto [i, w] : llvm::enumerate(twiddles))
              x[i + 1] = fourier.multiply(x[i + 1], w);
          };
          if (!transform.isForward())
            twiddle();
          fourier.transform(x);
          if (transform.isForward())
            twiddle();
          for (auto [z, place] : llvm::zip_equal(x, targets))
            store(z, to, place, column);
        });
      });
    });
  }

  /// What the last stage makes of a group of rows.
  int64_t numGroups() const { return length / stages.back().radix; }

  /// Two frequencies, k and S − k, that become two coefficients, by their
  /// places in registers; or one, 0 or S/2, that is its own other.
  struct Mirrored {
    int64_t low, high;
    Value frequency; ///< the lower
  };

  /// The last stage, and from frequencies to coefficients; or back. Where k is
  /// in group f, S − k is in group S/r − f, in reverse order.
  void emitLastStage(const TokenRows &rows, const TokenRows &coefficients) {
    int64_t radix = stages.back().radix, groups = numGroups();
    // Group 0 is its own, and its first row has no other.
    SmallVector<Mirrored> pairs;
    for (int64_t p = 0; 2 * p <= radix; ++p)
      pairs.push_back({p, (radix - p) % radix, b.index(p * groups)});
    emitGroups(b.index(0), pairs, rows, coefficients);
    if (groups % 2 == 0) {
      pairs.clear();
      for (int64_t p = 0; 2 * p < radix; ++p)
        pairs.push_back({p, radix - 1 - p, b.index(groups / 2 + p * groups)});
      emitGroups(b.index(groups / 2), pairs, rows, coefficients);
    }
    b.loop(b.index(1), b.index((groups + 1) / 2), 1, [&](Value f) {
      Value other = b.sub(b.index(groups), f);
      SmallVector<Mirrored> pairs;
      for (int64_t p = 0; p < radix; ++p) {
        int64_t mirrored = radix - 1 - p;
        if (p <= mirrored)
          pairs.push_back({p, radix + mirrored, b.add(f, p * groups)});
        else
          pairs.push_back(
              {radix + mirrored, p, b.add(other, mirrored * groups)});
      }
      emitGroups({f, other}, pairs, rows, coefficients);
    });
  }

  /// The same for one group, or for two that mirror each other.
  void emitGroups(ValueRange groups, ArrayRef<Mirrored> pairs,
                  const TokenRows &rows, const TokenRows &coefficients) {
    int64_t radix = stages.back().radix;
    Values places;
    for (Value group : groups) {
      Value first = arith::IndexCastUIOp::create(
          b, b.getIndexType(),
          memref::LoadOp::create(b, groupPlaces, ValueRange{group}));
      for (int64_t p = 0; p < radix; ++p)
        places.push_back(rows.find(b, b.add(first, p)));
    }
    Value half =
        b.splat(b.constant(static_cast<float>(1 / std::sqrt(double(length)))));
    struct Turn {
      Value low, high; ///< where the coefficients are
      Value cosine, sine;
    };
    SmallVector<Turn> turns;
    Values later;
    for (const Mirrored &pair : pairs) {
      Value k = pair.frequency;
      Turn turn = {coefficients.find(b, k), {}, {}, {}};
      if (pair.low != pair.high) {
        turn.high = coefficients.find(b, b.sub(b.index(length), k));
        turn.cosine = splatOf(rotations, b.mul(k, 2));
        turn.sine = splatOf(rotations, b.add(b.mul(k, 2), 1));
      }
      turns.push_back(turn);
      // The next groups' frequencies are neighbours.
      if (!transform.isForward() && groups.size() == 2) {
        later.push_back(b.add(turn.low, 1));
        if (turn.high)
          later.push_back(b.sub(turn.high, 1));
      }
    }

    forEachPair([&](Value column) {
      prefetchPair(coefficients, later, column);
      SmallVector<Complex> x(places.size());
      auto transformGroups = [&] {
        for (size_t first = 0; first < x.size(); first += radix) {
          MutableArrayRef<Complex> group =
              MutableArrayRef(x).slice(first, radix);
          SmallVector<Complex> values(group);
          fourier.transform(values);
          llvm::copy(values, group.begin());
        }
      };
      if (transform.isForward()) {
        for (auto [z, place] : llvm::zip_equal(x, places))
          z = load(rows, place, column);
        transformGroups();
      }
      for (auto [pair, turn] : llvm::zip_equal(pairs, turns)) {
        Complex &low = x[pair.low], &high = x[pair.high];
        if (!transform.isForward()) {
          low = load(coefficients, turn.low, column);
          if (turn.high)
            high = load(coefficients, turn.high, column);
        }
        if (!turn.high)
          low = {b.mulF(low.re, half), b.mulF(low.im, half)};
        else if (transform.isForward())
          std::tie(low, high) =
              toCoefficients(low, high, turn.cosine, turn.sine);
        else
          std::tie(low, high) =
              toFrequencies(low, high, turn.cosine, turn.sine);
        if (transform.isForward()) {
          store(low, coefficients, turn.low, column);
          if (turn.high)
            store(high, coefficients, turn.high, column);
        }
      }
      if (!transform.isForward()) {
        transformGroups();
        for (auto [z, place] : llvm::zip_equal(x, places))
          store(z, rows, place, column);
      }
    });
  }

  /// Z[k] and Z[S − k] to C[k] and C[S − k] of both columns.
  std::pair<Complex, Complex> toCoefficients(Complex z, Complex w, Value c,
                                             Value s) {
    auto rotate = [&](Value re, Value im) {
      return std::pair(b.addF(b.mulF(c, re), b.mulF(s, im)),
                       b.subF(b.mulF(s, re), b.mulF(c, im)));
    };
    auto [first, firstMirrored] =
        rotate(b.addF(z.re, w.re), b.subF(z.im, w.im));
    auto [second, secondMirrored] =
        rotate(b.addF(z.im, w.im), b.subF(w.re, z.re));
    return {{first, second}, {firstMirrored, secondMirrored}};
  }

  /// The reverse.
  std::pair<Complex, Complex> toFrequencies(Complex z, Complex w, Value c,
                                            Value s) {
    auto rotate = [&](Value low, Value high) {
      return Complex{b.addF(b.mulF(c, low), b.mulF(s, high)),
                     b.subF(b.mulF(s, low), b.mulF(c, high))};
    };
    Complex first = rotate(z.re, w.re), second = rotate(z.im, w.im);
    return {{b.subF(first.re, second.im), b.addF(first.im, second.re)},
            {b.addF(first.re, second.im), b.subF(second.re, first.im)}};
  }

  KernelBuilder &b;
  const SequenceTransform &transform;
  int64_t length;
  FourierBuilder fourier;
  SmallVector<Stage> stages;
  Value tokenPlaces, groupPlaces, rotations;
  const Columns *columns = nullptr;
};
} // namespace

void stamp::emitDCT(KernelBuilder &b, const SequenceTransform &transform) {
  SequenceLength sequence(b, transform);
  int64_t length = *transform.staticLength();
  if (length <= 1)
    return copyRows(b, transform, b.index(0), b.size(transform.x, 1));
  copyRows(b, transform, b.index(0), sequence.skipped);
  DCT dct(b, transform, length);
  constexpr int64_t together = 2;
  Value perStrip = getStripColumns(b, together, b.index(length));
  forEachStrip(b, transform, together, perStrip, [&](const Columns &columns) {
    constexpr int64_t dynamic = ShapedType::kDynamic;
    Value scratch = b.alloc({1, length, dynamic}, b.getF32Type(), {perStrip});
    dct.emitStrip(columns, sequence.skipped, scratch);
  });
}
