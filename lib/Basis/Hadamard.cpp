//===- Hadamard.cpp - Hadamard matrices and rotations --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===---------------------------------------------------------------------===//
//
// A Hadamard matrix has entries ±1 and H·Hᵀ = m·I. docs/Semantics.md says which
// one is meant for each order; here are the constructions, in its order:
//
//   Sylvester   [[H, H], [H, −H]]                               m = 2^j
//   Paley I     I + S over GF(q), S the bordered Jacobsthal     m = q + 1
//   Paley II    S ⊗ [[1, 1], [1, −1]] + I ⊗ [[1, −1], [−1, −1]] m = 2(q + 1)
//   Williamson  four tabulated circulants of order n            m = 4n
//   doubling    Sylvester's step on any other one
//
//===---------------------------------------------------------------------===//

#include "Butterflies.h"
#include "DenseProduct.h"
#include "stamp/Basis/FeatureTransform.h"

#include <cassert>
#include <cmath>

using namespace stamp;

/// A square ±1 matrix, row-major.
using Signs = std::vector<int8_t>;

static bool isPowerOfTwo(int64_t n) { return n > 0 && (n & (n - 1)) == 0; }

//===---------------------------------------------------------------------===//
// Paley
//===---------------------------------------------------------------------===//

static bool isPrime(int64_t n) {
  for (int64_t d = 2; d * d <= n; ++d)
    if (n % d == 0)
      return false;
  return n >= 2;
}

namespace {
/// The quadratic character χ of GF(q), q an odd prime p or its square: 1 at
/// squares, −1 at others, 0 at 0. Element a + b·√n, where n is the least number
/// that is no square modulo p, has index a + p·b.
class QuadraticCharacter {
public:
  static std::optional<QuadraticCharacter> ofField(int64_t q) {
    int64_t root = std::lround(std::sqrt(static_cast<double>(q)));
    if (q % 2 == 0)
      return std::nullopt;
    if (isPrime(q))
      return QuadraticCharacter(q, /*isSquare=*/false);
    if (root * root == q && isPrime(root))
      return QuadraticCharacter(root, /*isSquare=*/true);
    return std::nullopt;
  }

  /// χ of the difference of two elements, given by their indices.
  int8_t ofDifference(int64_t i, int64_t j) const {
    int64_t a = (i % p - j % p + p) % p;
    int64_t b = (i / p - j / p + p) % p;
    // x ∈ GF(p²) is a square just if its norm x^(p+1) = a² − n·b² is one in
    // GF(p).
    int64_t norm = ((a * a - nonSquare * b * b) % p + p) % p;
    return modulo[isSquare ? norm : a];
  }

private:
  QuadraticCharacter(int64_t p, bool isSquare)
      : p(p), isSquare(isSquare), modulo(p, -1) {
    for (int64_t x = 1; x < p; ++x)
      modulo[x * x % p] = 1;
    modulo[0] = 0;
    nonSquare = 1;
    while (modulo[nonSquare] == 1)
      ++nonSquare;
  }

  int64_t p, nonSquare;
  bool isSquare;
  std::vector<int8_t> modulo; ///< χ of GF(p).
};
} // namespace

/// S = [[0, 1ᵀ], [±1, Q]], Q[i, j] = χ(i − j), of order q + 1: skew if q ≡ 3
/// modulo 4, symmetric if q ≡ 1, and S·Sᵀ = q·I.
static Signs borderedJacobsthal(const QuadraticCharacter &character,
                                int64_t q) {
  int64_t order = q + 1;
  Signs s(order * order);
  for (int64_t i = 1; i < order; ++i) {
    s[i] = 1;
    s[i * order] = q % 4 == 1 ? 1 : -1;
    for (int64_t j = 1; j < order; ++j)
      s[i * order + j] = character.ofDifference(i - 1, j - 1);
  }
  return s;
}

static Signs paleyOne(int64_t order) {
  int64_t q = order - 1;
  if (q % 4 != 3)
    return {};
  std::optional<QuadraticCharacter> character = QuadraticCharacter::ofField(q);
  if (!character)
    return {};
  Signs h = borderedJacobsthal(*character, q);
  for (int64_t i = 0; i < order; ++i)
    h[i * order + i] += 1;
  return h;
}

static Signs paleyTwo(int64_t order) {
  int64_t q = order / 2 - 1;
  if (order % 2 != 0 || q % 4 != 1)
    return {};
  std::optional<QuadraticCharacter> character = QuadraticCharacter::ofField(q);
  if (!character)
    return {};
  Signs s = borderedJacobsthal(*character, q), h(order * order);
  const int8_t off[2][2] = {{1, 1}, {1, -1}};
  const int8_t diagonal[2][2] = {{1, -1}, {-1, -1}};
  for (int64_t i = 0; i < order; ++i)
    for (int64_t j = 0; j < order; ++j)
      h[i * order + j] = i / 2 == j / 2
                             ? diagonal[i % 2][j % 2]
                             : s[i / 2 * (q + 1) + j / 2] * off[i % 2][j % 2];
  return h;
}

//===---------------------------------------------------------------------===//
// Williamson
//===---------------------------------------------------------------------===//

namespace {
/// Four symmetric sequences of odd length n, entries 0 to (n − 1)/2, whose
/// circulants have A² + B² + C² + D² = 4n·I. Found by matching power spectra.
struct WilliamsonSequences {
  int64_t n;
  const char *halves[4];
};
} // namespace

static constexpr WilliamsonSequences kWilliamson[] = {
    {23, {"+--++-+-+---", "+-+--+++++--", "+-+++--++-+-", "+++++-++---+"}},
    {29,
     {"+++--++-+-+----", "+++---+++-+-+--", "+--+-+++++--++-",
      "+++-++-+--+++-+"}},
    {43,
     {"+++++-++----+-++--++-+", "+++---++--+-+-+-++----",
      "++-+-++++-+--+--+++--+", "+-++-----++++-+-+++-++"}}};

static Signs williamson(int64_t order) {
  // Row i, column j: which circulant, and with which sign.
  const int which[4][4] = {
      {0, 1, 2, 3}, {1, 0, 3, 2}, {2, 3, 0, 1}, {3, 2, 1, 0}};
  const int8_t sign[4][4] = {
      {1, 1, 1, 1}, {-1, 1, -1, 1}, {-1, 1, 1, -1}, {-1, -1, 1, 1}};
  for (const WilliamsonSequences &found : kWilliamson) {
    if (4 * found.n != order)
      continue;
    int64_t n = found.n;
    Signs h(order * order);
    for (int64_t i = 0; i < order; ++i)
      for (int64_t j = 0; j < order; ++j) {
        int64_t lag = (j % n - i % n + n) % n;
        const char *half = found.halves[which[i / n][j / n]];
        int8_t entry = half[lag <= n / 2 ? lag : n - lag] == '+' ? 1 : -1;
        h[i * order + j] = sign[i / n][j / n] * entry;
      }
    return h;
  }
  return {};
}

//===---------------------------------------------------------------------===//
// All orders
//===---------------------------------------------------------------------===//

/// [[H, H], [H, −H]]; empty if H is.
static Signs doubled(const Signs &h, int64_t order) {
  if (h.empty())
    return {};
  int64_t half = order / 2;
  Signs result(order * order);
  for (int64_t i = 0; i < order; ++i)
    for (int64_t j = 0; j < order; ++j) {
      int8_t entry = h[i % half * half + j % half];
      result[i * order + j] = i >= half && j >= half ? -entry : entry;
    }
  return result;
}

std::vector<int8_t> Hadamard::signs(int64_t order) {
  if (order == 1)
    return {1};
  if (order != 2 && order % 4 != 0)
    return {};
  if (!isPowerOfTwo(order))
    for (auto construct : {paleyOne, paleyTwo, williamson})
      if (Signs h = construct(order); !h.empty())
        return h;
  return doubled(signs(order / 2), order);
}

std::optional<int64_t> Hadamard::orderFor(int64_t features) {
  // Beyond, the dense product costs more than its flat entries gain.
  constexpr int64_t kMaxDense = 256;
  if (features < 1)
    return std::nullopt;
  int64_t odd = features;
  while (odd % 2 == 0)
    odd /= 2;
  for (int64_t m = odd; m <= kMaxDense && m <= features; m *= 2)
    if (!signs(m).empty())
      return m;
  return odd <= kMaxOrder ? std::optional(odd) : std::nullopt;
}

//===---------------------------------------------------------------------===//
// The rotation
//===---------------------------------------------------------------------===//

Hadamard::Hadamard(int64_t order) : order(order) {
  assert(order >= kMinOrder && order <= kMaxOrder);
}

std::optional<int64_t> Hadamard::exponentFor(int64_t features) const {
  if (features % order != 0 || !isPowerOfTwo(features / order))
    return std::nullopt;
  int64_t exponent = 0;
  while (order << exponent < features)
    ++exponent;
  return exponent;
}

std::vector<double> Hadamard::denseMatrix() const {
  std::vector<int8_t> h = signs(order);
  if (h.empty())
    return DCTBasis::preciseCoefficients(order);
  double scale = 1.0 / std::sqrt(static_cast<double>(order));
  std::vector<double> matrix(h.begin(), h.end());
  for (double &entry : matrix)
    entry *= scale;
  return matrix;
}

double Hadamard::norm(int64_t exponent) { return sylvesterNorm(exponent); }

template <typename T>
static void rotateRows(const Hadamard &hadamard, bool transposed, Rows<T> x) {
  int64_t order = hadamard.getOrder();
  int64_t blocks = x.count / order;
  multiplyBySylvester(Rows<T>{x.data, blocks, order * x.features});

  double norm = Hadamard::norm(*hadamard.exponentFor(x.count));
  if (order == 1) {
    for (int64_t i = 0; i < x.count * x.features; ++i)
      x.data[i] *= static_cast<T>(norm);
    return;
  }
  std::vector<T> matrix;
  for (double entry : hadamard.denseMatrix())
    matrix.push_back(static_cast<T>(entry * norm));
  for (int64_t block = 0; block < blocks; ++block)
    multiplyInPlace(matrix, transposed,
                    Rows<T>{x[block * order], order, x.features});
}

void Hadamard::transform(Side side, Direction direction, Rows<float> x) const {
  rotateRows(*this, isTransposed(side, direction), x);
}

void Hadamard::transform(Side side, Direction direction, Rows<double> x) const {
  rotateRows(*this, isTransposed(side, direction), x);
}

double Hadamard::flops(int64_t features) const {
  std::optional<int64_t> exponent = exponentFor(features);
  if (!exponent)
    return 0;
  int64_t dense = order == 1 ? 1 : 2 * order;
  return static_cast<double>(features) * static_cast<double>(*exponent + dense);
}

std::optional<std::string> Hadamard::misfit(int64_t features) const {
  if (exponentFor(features))
    return std::nullopt;
  std::string times = order == 1 ? "" : std::to_string(order) + " times ";
  return "hadamard order = " + std::to_string(order) + " needs " + times +
         "a power of two of features, there are " + std::to_string(features);
}
