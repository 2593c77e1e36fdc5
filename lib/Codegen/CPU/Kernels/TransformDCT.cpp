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
// A length that is known at compile time has its stages written out, if it is
// made of small primes. Every other length is factored by the program, which
// has each radix written out once and a loop for large primes.
//
//===----------------------------------------------------------------------===//

#include "TokenRows.h"

#include "mlir/Dialect/Math/IR/Math.h"
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
  int64_t radix;
  Value size;
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

namespace {
class FourierBuilder {
public:
  FourierBuilder(KernelBuilder &b, Direction direction)
      : b(b), sign(direction == Direction::Forward ? -1 : 1) {}

  /// −1 if the exponents are negative.
  double getSign() const { return sign; }

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

/// What the passes of a strip have in common, whoever knows the length.
class DCT {
protected:
  DCT(KernelBuilder &b, const SequenceTransform &transform, Value length)
      : b(b), transform(transform), length(length),
        fourier(b, transform.direction),
        // Half of the registers hold numbers, each of them complex.
        largestPower(b.target.registers / 4) {}

  Value times(Value left, Value right) {
    return b.createOrFold<arith::MulIOp>(left, right);
  }
  Value over(Value left, Value right) {
    return b.createOrFold<arith::DivUIOp>(left, right);
  }
  Value over(Value left, int64_t right) { return over(left, b.index(right)); }

  Value splatOf(Value table, Value index) {
    return b.splat(memref::LoadOp::create(b, table, ValueRange{index}));
  }

  /// exp(∓2πi·k/S).
  Complex rootAt(Value k) {
    Value at = b.mul(k, 2);
    return {splatOf(roots, at), splatOf(roots, b.add(at, 1))};
  }

  //===--- Passes -------------------------------------------------------===//

  /// What a strip reads and writes.
  struct Strip {
    TokenRows tokens, coefficients, scratch;
  };

  /// Whole vectors of scratch: the other half of a masked lane may be of use.
  static TokenRows makeScratch(KernelBuilder &b, Value memory) {
    Value zero = b.index(0);
    return TokenRows(memory, zero, zero, zero, /*places=*/{},
                     /*isPadded=*/true);
  }

  Strip makeStrip(const Columns &strip, Value skipped, Value memory) {
    columns = &strip;
    return {TokenRows(transform.tokens(), strip.sequence, skipped, strip.first,
                      tokenPlaces),
            TokenRows(transform.coefficients(), strip.sequence, skipped,
                      strip.first),
            makeScratch(b, memory)};
  }

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

  void emitStage(const Stage &stage, const TokenRows &from, const TokenRows &to,
                 bool readsTokens) {
    int64_t radix = stage.radix;
    Value run = over(stage.size, radix), starts = over(length, stage.size);
    b.loop(b.index(0), run, 1, [&](Value j) {
      SmallVector<Complex> twiddles;
      Value turn = times(j, starts);
      for (int64_t p = 1; p < radix; ++p)
        twiddles.push_back(rootAt(b.mul(turn, p)));
      b.loop(b.index(0), starts, 1, [&](Value i) {
        Value row = b.add(times(i, stage.size), j);
        Values sources, targets, later;
        for (int64_t q = 0; q < radix; ++q) {
          sources.push_back(from.find(b, row));
          targets.push_back(to.find(b, row));
          if (readsTokens)
            later.push_back(
                from.find(b, b.min(b.add(row, 1), b.sub(length, 1))));
          row = b.add(row, run);
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

  /// Two frequencies, k and S − k, that become two coefficients, by their
  /// places in registers; or one, 0 or S/2, that is its own other.
  struct Mirrored {
    int64_t low, high;
    Value frequency; ///< the lower
  };

  /// The last stage, and from frequencies to coefficients; or back. Where k is
  /// in group f, S − k is in group S/r − f, in reverse order.
  void emitLastStage(int64_t radix, const TokenRows &rows,
                     const TokenRows &coefficients) {
    Value groups = over(length, radix), half = over(groups, 2);
    // Group 0 is its own, and its first row has no other.
    SmallVector<Mirrored> pairs;
    for (int64_t p = 0; 2 * p <= radix; ++p)
      pairs.push_back({p, (radix - p) % radix, b.mul(groups, p)});
    emitGroups(radix, b.index(0), pairs, rows, coefficients);
    auto emitMiddle = [&] {
      SmallVector<Mirrored> pairs;
      for (int64_t p = 0; 2 * p < radix; ++p)
        pairs.push_back({p, radix - 1 - p, b.add(half, b.mul(groups, p))});
      emitGroups(radix, half, pairs, rows, coefficients);
    };
    Value isEven = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                                 b.mul(half, 2), groups);
    if (std::optional<int64_t> known = getConstantIntValue(groups);
        known && *known % 2 == 0)
      emitMiddle();
    else if (!known)
      b.branch(isEven, emitMiddle);
    b.loop(b.index(1), over(b.add(groups, 1), 2), 1, [&](Value f) {
      Value other = b.sub(groups, f);
      SmallVector<Mirrored> pairs;
      for (int64_t p = 0; p < radix; ++p) {
        int64_t mirrored = radix - 1 - p;
        if (p <= mirrored)
          pairs.push_back({p, radix + mirrored, b.add(f, b.mul(groups, p))});
        else
          pairs.push_back(
              {radix + mirrored, p, b.add(other, b.mul(groups, mirrored))});
      }
      emitGroups(radix, {f, other}, pairs, rows, coefficients);
    });
  }

  /// The same for one group, or for two that mirror each other.
  void emitGroups(int64_t radix, ValueRange groups, ArrayRef<Mirrored> pairs,
                  const TokenRows &rows, const TokenRows &coefficients) {
    Values places;
    for (Value group : groups) {
      Value first = arith::IndexCastUIOp::create(
          b, b.getIndexType(),
          memref::LoadOp::create(b, groupPlaces, ValueRange{group}));
      for (int64_t p = 0; p < radix; ++p)
        places.push_back(rows.find(b, b.add(first, p)));
    }
    Value half = b.splat(norm);
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
        turn.high = coefficients.find(b, b.sub(length, k));
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
  Value length;
  FourierBuilder fourier;
  int64_t largestPower;
  /// cos and sin of ∓2πk/S for all k < S.
  Value roots;
  /// cos θ and sin θ over √(2S), for 0 ≤ k ≤ S/2.
  Value rotations;
  Value norm; ///< 1/√S
  /// The even tokens, then the odd ones from the last on.
  Value tokenPlaces;
  /// Where the rows are that the last stage makes the frequencies f, f + S/r, …
  /// of: frequency p₁ + r₁·(p₂ + r₂·…) is in row p₁·run₁ + p₂·run₂ + …
  Value groupPlaces;
  const Columns *columns = nullptr;
};

//===----------------------------------------------------------------------===//
// A length that is known, of small primes
//===----------------------------------------------------------------------===//

class StaticDCT : DCT {
public:
  StaticDCT(KernelBuilder &b, const SequenceTransform &transform,
            int64_t length)
      : DCT(b, transform, b.index(length)) {
    int64_t size = length;
    SmallVector<int32_t> rows = {0};
    for (int64_t radix : getRadices(length, largestPower)) {
      stages.push_back({radix, b.index(size)});
      size /= radix;
      if (size == 1)
        break;
      // Each frequency so far has `radix` of which it is the first.
      size_t known = rows.size();
      for (int64_t p = 1; p < radix; ++p)
        for (size_t f = 0; f < known; ++f)
          rows.push_back(static_cast<int32_t>(rows[f] + p * size));
    }
    groupPlaces = createTable(b, rows);
    createTables(length);
  }

  void emit(const Columns &columns, Value skipped, Value memory) {
    auto [tokens, coefficients, scratch] = makeStrip(columns, skipped, memory);
    // The last stage knows the coefficients.
    auto others = ArrayRef(stages).drop_back();
    auto isFirst = [&](const Stage &stage) {
      return &stage == &stages.front();
    };
    bool isForward = transform.isForward();
    if (isForward)
      for (const Stage &stage : others)
        emitStage(stage, isFirst(stage) ? tokens : scratch, scratch,
                  isFirst(stage));
    emitLastStage(stages.back().radix,
                  isFirst(stages.back()) ? tokens : scratch, coefficients);
    if (!isForward)
      for (const Stage &stage : llvm::reverse(others))
        emitStage(stage, scratch, isFirst(stage) ? tokens : scratch,
                  /*readsTokens=*/false);
  }

private:
  void createTables(int64_t length) {
    SmallVector<float> roots, rotations;
    auto push = [](SmallVectorImpl<float> &values, double scale, double angle) {
      values.push_back(static_cast<float>(scale * std::cos(angle)));
      values.push_back(static_cast<float>(scale * std::sin(angle)));
    };
    auto size = static_cast<double>(length);
    for (int64_t k = 0; k < length; ++k)
      push(roots, 1, fourier.getSign() * 2 * kPi * double(k) / size);
    for (int64_t k = 0; k <= length / 2; ++k)
      push(rotations, 1 / std::sqrt(2 * size), kPi * double(k) / (2 * size));
    SmallVector<int32_t> places;
    for (int64_t i = 0; i < length; ++i)
      places.push_back(
          static_cast<int32_t>(2 * i < length ? 2 * i : 2 * (length - i) - 1));
    this->roots = createTable(b, roots);
    this->rotations = createTable(b, rotations);
    norm = b.constant(static_cast<float>(1 / std::sqrt(size)));
    tokenPlaces = createTable(b, places);
  }

  SmallVector<Stage> stages;
};

//===----------------------------------------------------------------------===//
// Any length
//===----------------------------------------------------------------------===//

/// For more than one token.
class AnyDCT : DCT {
public:
  AnyDCT(KernelBuilder &b, const SequenceTransform &transform, Value length)
      : DCT(b, transform, length) {
    for (int64_t power = largestPower; power > 1; power /= 2)
      radicesWritten.push_back(power);
    llvm::append_values(radicesWritten, 3, 5);
    // The last stage goes through memory by itself where it has no radix.
    Value most = b.index(largestPower);
    last = b.select(b.both(equal(remainder(length, most), b.index(0)),
                           b.less(most, length)),
                    most, b.index(1));
    factor();
    createTables();
  }

  void emit(const Columns &columns, Value skipped, Value memory) {
    auto [tokens, coefficients, scratch] = makeStrip(columns, skipped, memory);
    Value columnsOfStrip = b.size(memory, 2);
    constexpr int64_t dynamic = ShapedType::kDynamic;
    primeRows = b.alloc({1, dynamic, dynamic}, b.getF32Type(),
                        {largest, columnsOfStrip});
    Value zero = b.index(0), one = b.index(1);
    auto emitLast = [&, &coefficients = coefficients, &scratch = scratch] {
      b.branch(
          equal(last, one), [&] { emitLastStage(1, scratch, coefficients); },
          [&] { emitLastStage(largestPower, scratch, coefficients); });
    };
    if (transform.isForward()) {
      emitAnyStage(zero, tokens, scratch, /*readsTokens=*/true);
      b.loop(one, count, 1, [&, &scratch = scratch](Value stage) {
        emitAnyStage(stage, scratch, scratch, /*readsTokens=*/false);
      });
      emitLast();
    } else {
      emitLast();
      b.loop(one, count, 1, [&, &scratch = scratch](Value turn) {
        emitAnyStage(b.sub(count, turn), scratch, scratch,
                     /*readsTokens=*/false);
      });
      emitAnyStage(zero, scratch, tokens, /*readsTokens=*/false);
    }
  }

private:
  Value equal(Value left, Value right) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, left, right);
  }
  Value remainder(Value left, Value right) {
    return b.createOrFold<arith::RemUIOp>(left, right);
  }
  Value loadIndex(Value memory, Value at) {
    return memref::LoadOp::create(b, memory, ValueRange{at});
  }

  //===--- Tables of run time -------------------------------------------===//

  /// The radices in front of the last stage: as many of those that are written
  /// out as there are, then odd numbers from 7 on, of which only primes divide
  /// what is left.
  void factor() {
    constexpr int64_t most = 64;
    radices = b.alloc({most}, b.getIndexType());
    sizes = b.alloc({most}, b.getIndexType());
    Value one = b.index(1);
    // What is left, its next divisor to try, the largest one, and their number.
    Values start = {over(length, last), b.index(largestPower), one, b.index(0)};
    auto loop = scf::WhileOp::create(
        b, ValueRange(start).getTypes(), start,
        [&](OpBuilder &, Location, ValueRange now) {
          scf::ConditionOp::create(b, b.less(one, now[0]), now);
        },
        [&](OpBuilder &, Location, ValueRange now) {
          Value left = now[0], radix = now[1];
          Value next = b.add(radix, 2);
          for (auto [radix, after] :
               llvm::zip(radicesWritten, ArrayRef(radicesWritten).drop_front()))
            next =
                b.select(equal(now[1], b.index(radix)), b.index(after), next);
          // What has no smaller divisor is a prime. Powers of two come first.
          Value isOdd = equal(remainder(radix, b.index(2)), b.index(1));
          next = b.select(b.both(isOdd, b.less(left, times(radix, radix))),
                          left, next);
          Value divides = equal(remainder(left, radix), b.index(0));
          b.branch(divides, [&] {
            memref::StoreOp::create(b, radix, radices, now[3]);
            memref::StoreOp::create(b, times(left, last), sizes, now[3]);
          });
          Value found = b.select(divides, radix, one);
          scf::YieldOp::create(
              b, ValueRange{over(left, found), b.select(divides, radix, next),
                            b.max(now[2], found),
                            b.select(divides, b.add(now[3], 1), now[3])});
        });
    largest = loop.getResult(2);
    count = loop.getResult(3);
  }

  /// Two floats for each k < `count`: scale·cos and scale·sin of k·step.
  Value createAngles(Value count, Value step, Value scale) {
    Value table =
        b.alloc({ShapedType::kDynamic}, b.getF32Type(), {b.mul(count, 2)});
    b.parallel(count, [&](ValueRange at) {
      Value angle = b.mulF(toDouble(at[0]), step), place = b.mul(at[0], 2);
      auto store = [&](Value value, int64_t offset) {
        Value narrow =
            arith::TruncFOp::create(b, b.getF32Type(), b.mulF(value, scale));
        memref::StoreOp::create(b, narrow, table, b.add(place, offset));
      };
      store(math::CosOp::create(b, angle), 0);
      store(math::SinOp::create(b, angle), 1);
    });
    return table;
  }

  Value toDouble(Value index) {
    return arith::SIToFPOp::create(
        b, b.getF64Type(),
        arith::IndexCastOp::create(b, b.getI64Type(), index));
  }

  void createTables() {
    auto constant = [&](double value) -> Value {
      return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
    };
    Value size = toDouble(length), one = constant(1);
    Value turn = b.divF(constant(fourier.getSign() * 2 * kPi), size);
    roots = createAngles(length, turn, one);
    Value root = math::SqrtOp::create(b, size);
    rotations =
        createAngles(b.add(over(length, 2), 1), b.divF(constant(kPi / 2), size),
                     b.divF(constant(std::sqrt(0.5)), root));
    norm = arith::TruncFOp::create(b, b.getF32Type(), b.divF(one, root));

    constexpr int64_t dynamic = ShapedType::kDynamic;
    auto store = [&](Value place, Value table, Value at) {
      memref::StoreOp::create(
          b, arith::IndexCastOp::create(b, b.getI32Type(), place), table, at);
    };
    tokenPlaces = b.alloc({dynamic}, b.getI32Type(), {length});
    b.loop(b.index(0), length, 1, [&](Value i) {
      Value even = b.mul(i, 2), odd = b.sub(b.sub(b.mul(length, 2), even), 1);
      store(b.select(b.less(even, length), even, odd), tokenPlaces, i);
    });
    // Each frequency so far has `radix` of which it is the first.
    groupPlaces = b.alloc({dynamic}, b.getI32Type(), {over(length, last)});
    store(b.index(0), groupPlaces, b.index(0));
    b.loop(b.index(0), count, 1, {b.index(1)},
           [&](Value stage, ValueRange carried) -> Values {
             Value known = carried[0], radix = loadIndex(radices, stage);
             Value run = over(loadIndex(sizes, stage), radix);
             b.loop(b.index(1), radix, 1, [&](Value p) {
               b.loop(b.index(0), known, 1, [&](Value f) {
                 Value place = arith::IndexCastOp::create(
                     b, b.getIndexType(), loadIndex(groupPlaces, f));
                 store(b.add(place, times(p, run)), groupPlaces,
                       b.add(times(p, known), f));
               });
             });
             return {times(known, radix)};
           });
  }

  //===--- Stages -------------------------------------------------------===//

  void emitAnyStage(Value stage, const TokenRows &from, const TokenRows &to,
                    bool readsTokens) {
    Value radix = loadIndex(radices, stage), size = loadIndex(sizes, stage);
    std::function<void(size_t)> emitFrom = [&](size_t i) {
      if (i == radicesWritten.size())
        return emitPrimeStage(radix, size, from, to);
      b.branch(
          equal(radix, b.index(radicesWritten[i])),
          [&] { emitStage({radicesWritten[i], size}, from, to, readsTokens); },
          [&] { emitFrom(i + 1); });
    };
    emitFrom(0);
  }

  /// `emitStage` for a radix P of run time, as FourierBuilder does odd ones.
  /// Sums and differences of q and P − q wait in memory.
  void emitPrimeStage(Value radix, Value size, const TokenRows &from,
                      const TokenRows &to) {
    TokenRows waiting = makeScratch(b, primeRows);
    Value run = over(size, radix), starts = over(length, size);
    Value step = over(length, radix), end = b.add(over(radix, 2), 1);
    Value zero = b.index(0), one = b.index(1);
    bool isForward = transform.isForward();
    b.loop(zero, run, 1, [&](Value j) {
      Value turn = times(j, starts);
      b.loop(zero, starts, 1, [&](Value i) {
        Value start = b.add(times(i, size), j);
        auto find = [&](const TokenRows &rows, Value q) {
          return rows.find(b, b.add(start, times(q, run)));
        };
        auto twiddle = [&](Complex z, Value q) {
          return fourier.multiply(z, rootAt(times(turn, q)));
        };
        forEachPair([&](Value column) {
          auto loadToken = [&](Value q) {
            Complex z = load(from, find(from, q), column);
            return isForward ? z : twiddle(z, q);
          };
          auto storeResult = [&](Complex z, Value q) {
            store(isForward ? twiddle(z, q) : z, to, find(to, q), column);
          };
          Complex first = loadToken(zero);
          Values sum = b.loop(
              one, end, 1, {first.re, first.im},
              [&](Value q, ValueRange sum) -> Values {
                Value other = b.sub(radix, q);
                Complex x = loadToken(q), y = loadToken(other);
                Complex both = {b.addF(x.re, y.re), b.addF(x.im, y.im)};
                store(both, waiting, q, column);
                store({b.subF(x.re, y.re), b.subF(x.im, y.im)}, waiting, other,
                      column);
                return {b.addF(sum[0], both.re), b.addF(sum[1], both.im)};
              });
          storeResult({sum[0], sum[1]}, zero);
          b.loop(one, end, 1, [&](Value p) {
            Value none = b.zeros(b.getF32Type());
            Values sums =
                b.loop(one, end, 1, {first.re, first.im, none, none, zero},
                       [&](Value q, ValueRange sums) -> Values {
                         Value pq = b.add(sums[4], p);
                         pq = b.select(b.less(pq, radix), pq, b.sub(pq, radix));
                         Complex w = rootAt(times(pq, step));
                         Complex even = load(waiting, q, column);
                         Complex odd = load(waiting, b.sub(radix, q), column);
                         return {b.addF(sums[0], b.mulF(even.re, w.re)),
                                 b.addF(sums[1], b.mulF(even.im, w.re)),
                                 b.addF(sums[2], b.mulF(odd.re, w.im)),
                                 b.addF(sums[3], b.mulF(odd.im, w.im)), pq};
                       });
            // even ± i·odd
            storeResult({b.subF(sums[0], sums[3]), b.addF(sums[1], sums[2])},
                        p);
            storeResult({b.addF(sums[0], sums[3]), b.subF(sums[1], sums[2])},
                        b.sub(radix, p));
          });
        });
      });
    });
  }

  SmallVector<int64_t> radicesWritten;
  Value last;           ///< the last stage's radix
  Value radices, sizes; ///< of the stages in front of it
  Value count, largest; ///< of these radices
  Value primeRows;
};
} // namespace

void stamp::emitDCT(KernelBuilder &b, const SequenceTransform &transform) {
  SequenceLength sequence(b, transform);
  std::optional<int64_t> known = transform.staticLength();
  Value seqLen = b.size(transform.x, 1);
  if (known && *known <= 1)
    return copyRows(b, transform, b.index(0), seqLen);
  Value length = sequence.length;
  auto emitStrips = [&](auto dct) {
    constexpr int64_t together = 2;
    Value perStrip = getStripColumns(b, together, length);
    forEachStrip(b, transform, together, perStrip, [&](const Columns &columns) {
      constexpr int64_t dynamic = ShapedType::kDynamic;
      Values sizes;
      if (!known)
        sizes.push_back(length);
      sizes.push_back(perStrip);
      Value scratch =
          b.alloc({1, known.value_or(dynamic), dynamic}, b.getF32Type(), sizes);
      dct.emit(columns, sequence.skipped, scratch);
    });
  };
  if (known && *known <= kLargestTable &&
      !getRadices(*known, /*largestPower=*/2).empty()) {
    copyRows(b, transform, b.index(0), sequence.skipped);
    return emitStrips(StaticDCT(b, transform, *known));
  }
  Value hasSome = b.less(b.index(1), length);
  copyRows(b, transform, b.index(0),
           b.select(hasSome, sequence.skipped, seqLen));
  b.branch(hasSome, [&] { emitStrips(AnyDCT(b, transform, length)); });
}
