# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The NumPy oracle: docs/Semantics.md, written down once more in Python.

Every compiled path is compared with this file, so it shares nothing with them:
it is written from docs/Semantics.md alone, section by section and in its order,
and prefers the shortest code that performs exactly those float operations.

Shapes: X is (..., S, D), S tokens (rows) of D features, any leading dimensions.
`axis` names the token dimension and is −2 unless said otherwise.

Element types: float16, bfloat16 and float32 are computed in float32, one rounding
per operation; nothing here narrows back.  float64 is computed in float64
and is meant for analysis: the same algebra, free of rounding to look at.

`str()` of a basis or a schedule is its MLIR attribute, for tests that write IR.

Source: arXiv 2510.26771 for the method, docs/Semantics.md for the numbers.
"""

from dataclasses import dataclass
from operator import index
from typing import NamedTuple

import numpy as np

# Below this range a row or a channel counts as zero: 2⁻¹¹⁸ / 255 is still a
# normal number, so neither the scale nor its reciprocal can go subnormal.
TINY = np.float32(2.0**-118)


def _widen(x):
    """X in the element type to compute in: float64 stays, the rest is float32."""
    x = np.asarray(x)
    if x.dtype == np.float64:
        return x
    if x.dtype.name in ("float16", "bfloat16", "float32"):
        return x.astype(np.float32)
    raise TypeError(f"expected floating-point elements, got {x.dtype}")


def _widen_to_float32(x):
    """As `_widen`, for what is defined in float32 only."""
    x = _widen(x)
    if x.dtype == np.float64:
        raise TypeError("quantization is defined on float32; round to it first")
    return x


# --------------------------------------------------------------------------- #
# Bases
# --------------------------------------------------------------------------- #


@dataclass(frozen=True, kw_only=True)
class Basis:
    """A linear map L along the tokens, defined for every number of tokens.

    `skip = k` leaves the first min(k, S) tokens in front and untouched.  A basis
    says what it does to the others: `_forward` and `_inverse` get them as axis 0
    of a float32 or float64 array of any rank.
    """

    skip: int = 0

    def __post_init__(self):
        if self.skip < 0:
            raise ValueError(f"skip = {self.skip} is negative")

    def forward(self, x, axis=-2, lengths=None, block_order=False):
        """L X, coarse coefficients first or in block order; the shape of X, float32
        or float64.

        lengths: integers over the first dimensions of X, in front of `axis`; only
        so many tokens of each sequence are transformed.
        """

        def step(rows):
            coefficients = self._forward(rows)
            if not block_order:
                return coefficients
            return coefficients[np.argsort(self._places(len(rows)))]

        return self._over_valid(step, x, axis, lengths)

    def inverse(self, coefficients, axis=-2, lengths=None, block_order=False):
        """L⁻¹ applied to coefficients; the inverse of `forward`."""

        def step(rows):
            return self._inverse(rows[self._places(len(rows))] if block_order else rows)

        return self._over_valid(step, coefficients, axis, lengths)

    def places(self, tokens):
        """Block order: the token where coefficient p, coarse first, stands."""
        skipped = np.arange(min(self.skip, tokens))
        others = self._places(tokens - len(skipped))
        return np.concatenate([skipped, len(skipped) + others])

    def coarse_positions(self, tokens):
        """Block order: which coefficient, coarse first, stands at token i."""
        return np.argsort(self.places(tokens))

    def _places(self, tokens):
        """`places` without a skip: block order is coarse first, unless..."""
        return np.arange(tokens)

    def matrix(self, tokens, dtype=np.float64):
        """L itself, shape (tokens, tokens): the transform of the unit vectors."""
        return self.forward(np.eye(tokens, dtype=dtype), axis=0)

    def transformed_ones(
        self, tokens, dtype=np.float32, lengths=None, block_order=False
    ):
        """l = L·1, shape (tokens,): how a bias spreads over the coefficients.

        With lengths one for each of them, (*lengths.shape, tokens).
        """
        shape = np.shape(lengths) if lengths is not None else ()
        return self.forward(np.ones((*shape, tokens), dtype), -1, lengths, block_order)

    def _over_valid(self, step, x, axis, lengths):
        if lengths is None:
            return self._along(step, x, axis)
        result = _widen(x).copy()
        axis = np.lib.array_utils.normalize_axis_index(axis, result.ndim)
        counts = valid_lengths(lengths, result.shape, axis)
        for sequence in np.ndindex(counts.shape):
            # A view, with its tokens in front.
            tokens = np.moveaxis(result[sequence], axis - counts.ndim, 0)
            valid = tokens[: counts[sequence]]
            valid[...] = self._along(step, valid, 0)
        return result

    def _along(self, step, x, axis):
        rows = np.moveaxis(_widen(x), axis, 0)
        # Infinities and NaNs pass through by IEEE's rules; nothing to warn of.
        with np.errstate(invalid="ignore", over="ignore", under="ignore"):
            others = step(rows[self.skip :])
        return np.moveaxis(np.concatenate([rows[: self.skip], others]), 0, axis)

    def _attribute(self, mnemonic, *parameters):
        if self.skip:
            parameters += (f"skip = {self.skip}",)
        spelled = f"<{', '.join(parameters)}>" if parameters else ""
        return f"#stamp.{mnemonic}{spelled}"


@dataclass(frozen=True)
class Identity(Basis):
    """L = I."""

    def _forward(self, x):
        return x

    _inverse = _forward

    def __str__(self):
        # To leave out a token that nothing happens to is no parameter.
        return "#stamp.identity"


def _haar_step(x):
    """One Haar level along axis 0: n rows to ⌈n/2⌉ coarse and ⌊n/2⌋ detail ones.

    a = (x₀ + x₁)·c, d = (x₀ − x₁)·c; an odd last row passes into the coarse half.
    """
    c = x.dtype.type(np.sqrt(0.5))
    even, odd = x[: len(x) // 2 * 2 : 2], x[1::2]
    return np.concatenate([(even + odd) * c, x[2 * len(odd) :]]), (even - odd) * c


def _haar_unstep(coarse, detail):
    """x₀ = (a + d)·c, x₁ = (a − d)·c; what `_haar_step` undoes."""
    c = coarse.dtype.type(np.sqrt(0.5))
    pairs = len(detail)
    x = np.empty((len(coarse) + pairs, *coarse.shape[1:]), coarse.dtype)
    x[: 2 * pairs : 2] = (coarse[:pairs] + detail) * c
    x[1 : 2 * pairs : 2] = (coarse[:pairs] - detail) * c
    x[2 * pairs :] = coarse[pairs:]
    return x


def _check_levels(levels):
    if not 1 <= levels <= 30:
        raise ValueError(f"levels = {levels} is outside 1...30")


@dataclass(frozen=True)
class Haar(Basis):
    """The Haar wavelet with J = `levels` levels; order [a_J, d_J, …, d₁]."""

    levels: int

    def __post_init__(self):
        super().__post_init__()
        _check_levels(self.levels)

    def _forward(self, x):
        details = []
        for _ in range(self.levels):
            x, detail = _haar_step(x)
            details.insert(0, detail)
        return np.concatenate([x, *details])

    def _inverse(self, coefficients):
        lengths = [len(coefficients)]
        for _ in range(self.levels):
            lengths.append((lengths[-1] + 1) // 2)
        x, rest = np.split(coefficients, [lengths[-1]])
        for length in reversed(lengths[:-1]):
            detail, rest = np.split(rest, [length // 2])
            x = _haar_unstep(x, detail)
        return x

    def _places(self, tokens):
        # In place, the sum of a pair takes its first token, the difference its second.
        coarse, details = np.arange(tokens), []
        for _ in range(self.levels):
            details.insert(0, coarse[1::2])
            coarse = coarse[::2]
        return np.concatenate([coarse, *details])

    def __str__(self):
        return self._attribute("haar", f"levels = {self.levels}")


@dataclass(frozen=True)
class Haar2D(Basis):
    """The Haar wavelet of a row-major raster of `grid` = (H, W) tokens.

    Each level transforms the coarse raster along W, then along H.  Order LL_J,
    then for level J, …, 1 the bands LH (low along W, high along H), HL, HH, each
    a raster.  If S ≠ H·W, L = I.
    """

    levels: int
    grid: tuple[int, int]

    def __post_init__(self):
        super().__post_init__()
        _check_levels(self.levels)
        if min(self.grid) < 1:
            raise ValueError(f"grid = {self.grid} is not positive")

    def _forward(self, x):
        if len(x) != self.grid[0] * self.grid[1]:
            return x
        features = x.shape[1:]
        coarse, bands = x.reshape(*self.grid, *features), []
        for _ in range(self.levels):
            low, high = map(_swap, _haar_step(_swap(coarse)))
            coarse, lh = _haar_step(low)
            bands[:0] = [lh, *_haar_step(high)]
        return np.concatenate([b.reshape(-1, *features) for b in [coarse, *bands]])

    def _inverse(self, coefficients):
        if len(coefficients) != self.grid[0] * self.grid[1]:
            return coefficients
        features, rest = coefficients.shape[1:], coefficients

        def take(height, width):
            nonlocal rest
            band, rest = np.split(rest, [height * width])
            return band.reshape(height, width, *features)

        grids = [self.grid]
        for _ in range(self.levels):
            grids.append(tuple((side + 1) // 2 for side in grids[-1]))
        coarse = take(*grids[-1])
        for (height, width), (ceil_h, ceil_w) in zip(grids[-2::-1], grids[:0:-1]):
            lh = take(height // 2, ceil_w)
            hl, hh = take(ceil_h, width // 2), take(height // 2, width // 2)
            low, high = _haar_unstep(coarse, lh), _haar_unstep(hl, hh)
            coarse = _swap(_haar_unstep(_swap(low), _swap(high)))
        return coarse.reshape(coefficients.shape)

    def __str__(self):
        height, width = self.grid
        return self._attribute(
            "haar2d", f"levels = {self.levels}", f"grid = {height}x{width}"
        )


def _swap(raster):
    return np.swapaxes(raster, 0, 1)


def _product(matrix, x):
    """M·X along axis 0, rounded to the element type of X once, at the end.

    The order of summation is free, so the oracle takes the middle of all orders:
    float32 operands, their products summed in float64.
    """
    product = np.tensordot(matrix.astype(np.float64), x.astype(np.float64), 1)
    return product.astype(x.dtype)


@dataclass(frozen=True)
class DCT(Basis):
    """The orthonormal DCT-II: L[k, n] = √(2/S)·cos(π(2n+1)k/(2S)), row 0 / √2.

    The matrix is computed in float64 and, unless X is float64, rounded to float32.
    """

    def _forward(self, x):
        return _product(self._dense(x), x)

    def _inverse(self, coefficients):
        return _product(self._dense(coefficients).T, coefficients)

    @staticmethod
    def _dense(x):
        tokens = len(x)
        if tokens == 0:
            return np.empty((0, 0), x.dtype)
        k, n = np.ogrid[:tokens, :tokens]
        # cos has period 2π, so the integer angle may be reduced exactly first.
        angle = (2 * n + 1) * k % (4 * tokens)
        dense = np.sqrt(2 / tokens) * np.cos(np.pi * angle / (2 * tokens))
        dense[0] /= np.sqrt(2)
        return dense.astype(x.dtype)

    def __str__(self):
        return self._attribute("dct")


def _bit_reverse(numbers, bits):
    mirrored = np.zeros_like(numbers)
    for bit in range(bits):
        mirrored |= (numbers >> bit & 1) << (bits - 1 - bit)
    return mirrored


@dataclass(frozen=True)
class WHT(Basis):
    """The Walsh-Hadamard transform of blocks, ordered by sequency, then by block.

    ⌊S/B⌋ blocks of `block` = B tokens; the ragged tail splits into descending
    powers of two.  B = 0 takes the largest power of two ≤ S as block.
    """

    block: int = 0

    def __post_init__(self):
        super().__post_init__()
        if self.block < 0 or self.block & (self.block - 1):
            raise ValueError(f"block = {self.block} is not a power of two or 0")

    def blocks(self, tokens):
        """The block sizes, first block first; they sum to `tokens`."""
        sizes = [self.block] * (tokens // self.block) if self.block else []
        tail = tokens - sum(sizes)
        while tail:
            sizes.append(1 << (tail.bit_length() - 1))
            tail -= sizes[-1]
        return sizes

    def _places(self, tokens):
        """Where coefficient i stands among the natural rows of all blocks."""
        rows, keys, start = [], [], 0
        for number, size in enumerate(self.blocks(tokens)):
            sequency = np.arange(size)
            natural = _bit_reverse(sequency ^ sequency >> 1, size.bit_length() - 1)
            rows.append(start + natural)
            keys.append(np.stack([np.full(size, number), sequency]))
            start += size
        if not rows:
            return np.empty(0, int)
        return np.concatenate(rows)[np.lexsort(np.concatenate(keys, axis=1))]

    def _butterflies(self, x):
        """The natural (Sylvester) transform of every block; its own inverse."""
        result, start = np.empty_like(x), 0
        for size in self.blocks(len(x)):
            block = x[start : start + size]
            stride = 1
            while stride < size:
                pairs = block.reshape(-1, 2, stride, *x.shape[1:])
                low, high = pairs[:, 0], pairs[:, 1]
                block = np.stack([low + high, low - high], axis=1)
                stride *= 2
            scale = x.dtype.type(2.0 ** (-(size.bit_length() - 1) / 2))
            result[start : start + size] = block.reshape(size, *x.shape[1:]) * scale
            start += size
        return result

    def _forward(self, x):
        return self._butterflies(x)[self._places(len(x))]

    def _inverse(self, coefficients):
        natural = np.empty_like(coefficients)
        natural[self._places(len(coefficients))] = coefficients
        return self._butterflies(natural)

    def __str__(self):
        return self._attribute("wht", *[f"block = {self.block}"] * bool(self.block))


@dataclass(frozen=True, eq=False, init=False)
class Matrix(Basis):
    """An explicit n×n matrix, a KLT for example: L = M when S = n, else L = I.

    M and, when M is not orthonormal, its `inverse` are kept in float32.  Raises
    ValueError for a matrix that is not square and finite, and for one that
    M·M⁻¹ = I does not hold for within 10⁻³ (M⁻¹ = Mᵀ when no inverse is given).
    """

    m: np.ndarray
    given_inverse: np.ndarray | None = None

    def __init__(self, m, inverse=None, *, skip=0):
        def keep(matrix):
            return None if matrix is None else np.asarray(matrix, np.float32)

        # A frozen dataclass sets its fields so; the parameter is called `inverse`
        # as in the attribute, the field not, since that is the method's name.
        object.__setattr__(self, "m", keep(m))
        object.__setattr__(self, "given_inverse", keep(inverse))
        object.__setattr__(self, "skip", skip)
        self.__post_init__()

    def __post_init__(self):
        super().__post_init__()
        for matrix in (self.m, self._undo):
            if matrix.shape != self.m.shape[:1] * 2 or not np.isfinite(matrix).all():
                raise ValueError(f"shape {matrix.shape} is not n x n, or not finite")
        product = self.m.astype(np.float64) @ self._undo.astype(np.float64)
        error = np.abs(product - np.eye(len(self.m))).max(initial=0)
        if error > 1e-4:
            what = "orthonormal" if self.given_inverse is None else "undone by inverse"
            raise ValueError(f"the matrix is not {what}: off by {error:.2g}")

    @property
    def _undo(self):
        return self.m.T if self.given_inverse is None else self.given_inverse

    def _forward(self, x):
        return _product(self.m, x) if len(x) == len(self.m) else x

    def _inverse(self, coefficients):
        if len(coefficients) != len(self.m):
            return coefficients
        return _product(self._undo, coefficients)

    def __str__(self):
        parameters = [_dense_attribute(self.m)]
        if self.given_inverse is not None:
            parameters.append(f"inverse = {_dense_attribute(self.given_inverse)}")
        return self._attribute("matrix", *parameters)


def _dense_attribute(matrix):
    rows, columns = matrix.shape
    digits = matrix.astype("<f4").tobytes().hex().upper()
    return f'dense<"0x{digits}"> : tensor<{rows}x{columns}xf32>'


# --------------------------------------------------------------------------- #
# Feature transforms
# --------------------------------------------------------------------------- #


class FeatureTransform:
    """A matrix R along the features, defined for every number of them.

    A transform says what R, R⁻¹ and their transposes do to columns: `_times` gets
    the features as axis 0 of a float32 or float64 array of any rank.
    """

    def forward(self, x, axis=-1):
        """X·R along `axis`; the shape of X, float32 or float64."""
        return self._along(x, axis, inverse=False, transposed=True)

    def inverse(self, x, axis=-1):
        """X·R⁻¹ along `axis`; the inverse of `forward`."""
        return self._along(x, axis, inverse=True, transposed=True)

    def forward_weight(self, w, axis=-2):
        """R·W along `axis`."""
        return self._along(w, axis, inverse=False, transposed=False)

    def inverse_weight(self, w, axis=-2):
        """R⁻¹·W along `axis`; the inverse of `forward_weight`."""
        return self._along(w, axis, inverse=True, transposed=False)

    def matrix(self, features, dtype=np.float64):
        """R itself, shape (features, features)."""
        return self.forward(np.eye(features, dtype=dtype))

    def _along(self, x, axis, **which):
        columns = np.moveaxis(_widen(x), axis, 0)
        with np.errstate(all="ignore"):
            result = self._times(columns, **which)
        return np.moveaxis(result, 0, axis)


def _is_prime(n):
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


def _bordered_jacobsthal(p, quadratic):
    """S = [[0, 1ᵀ], [±1, Q]] over GF(p), or GF(p²); Q[i, j] = χ(i − j)."""
    non_square = min(set(range(1, p)) - {x * x % p for x in range(p)})
    field = [(a, b) for b in range(p if quadratic else 1) for a in range(p)]

    def square(a, b):
        return (a * a + non_square * b * b) % p, 2 * a * b % p

    squares = {square(*element) for element in field} - {(0, 0)}

    def character(a, b):
        return 0 if (a, b) == (0, 0) else 1 if (a, b) in squares else -1

    table = np.array([[character(a, b) for b in range(p)] for a in range(p)])
    a, b = np.array(field).T
    q = len(field)
    s = np.zeros((q + 1, q + 1), int)
    s[0, 1:], s[1:, 0] = 1, 1 if q % 4 == 1 else -1
    s[1:, 1:] = table[(a[:, None] - a) % p, (b[:, None] - b) % p]
    return s


_WILLIAMSON = {
    23: "+--++-+-+--- +-+--+++++-- +-+++--++-+- +++++-++---+",
    29: "+++--++-+-+---- +++---+++-+-+-- +--+-+++++--++- +++-++-+--+++-+",
    43: "+++++-++----+-++--++-+ +++---++--+-+-+-++---- "
    "++-+-++++-+--+--+++--+ +-++-----++++-+-+++-++",
}


def _williamson(n):
    lag = np.subtract.outer(np.arange(n), np.arange(n)) % n
    lag = np.minimum(lag, n - lag)
    a, b, c, d = (
        np.array([1 if sign == "+" else -1 for sign in half])[lag]
        for half in _WILLIAMSON[n].split()
    )
    return np.block([[a, b, c, d], [-b, a, -d, c], [-c, d, a, -b], [-d, -c, b, a]])


def hadamard_signs(m):
    """The ±1 Hadamard matrix of order m, (m, m) integers; None if there is none."""
    if m == 1:
        return np.ones((1, 1), int)
    if m & (m - 1):
        if m % 4 == 0 and _is_prime(m - 1):
            return np.eye(m, dtype=int) + _bordered_jacobsthal(m - 1, False)
        q, root = m // 2 - 1, round(max(m // 2 - 1, 0) ** 0.5)
        quadratic = root * root == q and _is_prime(root)
        if m % 2 == 0 and q % 4 == 1 and (quadratic or _is_prime(q)):
            s = _bordered_jacobsthal(root if quadratic else q, quadratic)
            return np.kron(s, [[1, 1], [1, -1]]) + np.kron(
                np.eye(q + 1, dtype=int), [[1, -1], [-1, -1]]
            )
        if m % 4 == 0 and m // 4 in _WILLIAMSON:
            return _williamson(m // 4)
    if m % 2 or (m > 2 and m % 4):
        return None
    half = hadamard_signs(m // 2)
    return None if half is None else np.kron([[1, 1], [1, -1]], half)


@dataclass(frozen=True)
class Hadamard(FeatureTransform):
    """R = 2^(−k/2)·H ⊗ M for D = m·2^k features, m = `order`; else R = I."""

    order: int = 1

    def __post_init__(self):
        if not 1 <= self.order <= 4096:
            raise ValueError(f"order = {self.order} is outside 1...4096")

    def _times(self, x, inverse, transposed):
        blocks, rest = divmod(len(x), self.order)
        if rest or blocks == 0 or blocks & (blocks - 1):
            return x
        x, columns = x.reshape(blocks, self.order, -1), x.shape[1:]
        stride = 1
        while stride < blocks:
            pairs = x.reshape(-1, 2, stride, *x.shape[1:])
            u, v = pairs[:, 0], pairs[:, 1]
            x = np.stack([u + v, u - v], axis=1).reshape(x.shape)
            stride *= 2
        norm = 2.0 ** (-(blocks.bit_length() - 1) / 2)
        if self.order == 1:
            return (x * x.dtype.type(norm)).reshape(blocks, *columns)
        signs = hadamard_signs(self.order)
        if signs is None:
            dense = DCT()._dense(np.empty(self.order))
        else:
            dense = signs * (1 / np.sqrt(self.order))
        dense = (dense * norm).astype(x.dtype)
        if transposed != inverse:  # R⁻¹ = Rᵀ
            dense = dense.T
        x = np.moveaxis(_product(dense, np.moveaxis(x, 1, 0)), 0, 1)
        return x.reshape(-1, *columns)

    def __str__(self):
        return f"#stamp.hadamard<order = {self.order}>"


@dataclass(frozen=True, eq=False)
class Scale(FeatureTransform):
    """R = diag(s) for as many features as `factors`; else R = I."""

    factors: np.ndarray

    def __post_init__(self):
        factors = np.asarray(self.factors, np.float32)
        object.__setattr__(self, "factors", factors)
        if not np.isfinite(factors).all() or not factors.all():
            raise ValueError("a factor is not finite, or is zero")

    def _times(self, x, inverse, transposed):
        if len(x) != len(self.factors):
            return x
        s = self.factors.reshape(-1, *[1] * (x.ndim - 1)).astype(x.dtype)
        return x / s if inverse else x * s

    def __str__(self):
        digits = self.factors.astype("<f4").tobytes().hex().upper()
        count = len(self.factors)
        return f'#stamp.scale<dense<"0x{digits}"> : tensor<{count}xf32>>'


@dataclass(frozen=True, eq=False)
class FeatureMatrix(FeatureTransform):
    """R = M, and R⁻¹ = its inverse or Mᵀ, as kept and checked by a `Matrix`."""

    basis: Matrix

    def _times(self, x, inverse, transposed):
        skip, r = self.basis.skip, self.basis.m
        if len(x) - skip != len(r):
            return x
        r = self.basis._undo if inverse else r
        product = _product(r.T if transposed else r, x[skip:])
        return np.concatenate([x[:skip], product])

    def __str__(self):
        return str(self.basis)


# --------------------------------------------------------------------------- #
# Precision schedule
# --------------------------------------------------------------------------- #


@dataclass(frozen=True, init=False)
class Schedule:
    """How many bits each coefficient row gets: `segments`, then `rest`.

    `segments` holds pairs (count, bits).  An int count is a number of rows, a
    float count a fraction of S in (0, 1].  Rows are counted over the whole
    sequence, skipped tokens included.  Bits are 2…8.
    """

    segments: tuple[tuple[int | float, int], ...]
    rest: int

    def __init__(self, segments, rest):
        segments = tuple((_count(count), index(bits)) for count, bits in segments)
        object.__setattr__(self, "segments", segments)
        object.__setattr__(self, "rest", index(rest))
        for count, _ in self.segments:
            if isinstance(count, float) and not 0 < count <= 1:
                raise ValueError(f"the fraction {count} is outside (0, 1]")
            if not isinstance(count, float) and count < 0:
                raise ValueError(f"the count {count} is negative")
        for bits in [*(bits for _, bits in self.segments), rest]:
            if not 2 <= bits <= 8:
                raise ValueError(f"bits = {bits} is outside 2...8")

    def ends(self, tokens):
        """The row each segment ends at (exclusive): min(S, Cᵢ + ⌊Fᵢ·S⌋)."""
        ends, rows, fraction = [], 0, 0.0
        for count, _ in self.segments:
            if isinstance(count, float):
                fraction += count
            else:
                rows += count
            ends.append(min(tokens, rows + int(fraction * tokens)))
        return ends

    def bits_per_row(self, tokens, block_order_of=None):
        """int32, shape (tokens,); where the rows are a basis's coefficients in block
        order, each has the width of its place coarse first."""
        if block_order_of is not None:
            return self.bits_per_row(tokens)[block_order_of.coarse_positions(tokens)]
        bits, start = np.full(tokens, self.rest, np.int32), 0
        for end, (_, width) in zip(self.ends(tokens), self.segments):
            bits[start:end] = width
            start = end
        return bits

    def average_bits(self, tokens):
        """The mean width of a code; scales and zero points are not counted."""
        return float(self.bits_per_row(tokens).mean())

    def __str__(self):
        spelled = ", ".join(f"{_number(c)} : {bits}" for c, bits in self.segments)
        return f"#stamp.schedule<[{spelled}], {self.rest}>"


def _count(count):
    return float(count) if isinstance(count, (float, np.floating)) else index(count)


def _number(count):
    """MLIR reads a float only with a point, which Python leaves out in 1e-05."""
    text = repr(count)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


# --------------------------------------------------------------------------- #
# Valid lengths
# --------------------------------------------------------------------------- #


def valid_lengths(lengths, shape, axis):
    """n_b = min(max(ℓ_b, 0), S); raises ValueError if these are not the lengths
    of sequences along `axis` of such a shape."""
    lengths = np.asarray(lengths)
    if lengths.ndim > axis or lengths.shape != tuple(shape[: lengths.ndim]):
        raise ValueError(f"shape {lengths.shape} is not in front of axis {axis}")
    return np.clip(lengths.astype(np.int64), 0, shape[axis])


# --------------------------------------------------------------------------- #
# Groups
# --------------------------------------------------------------------------- #


def _groups(x, group, axis):
    """x cut along `axis` after every `group` entries; the last may be shorter."""
    if group < 1:
        raise ValueError(f"group = {group} is not positive")
    return np.split(x, range(group, x.shape[axis], group), axis=axis)


# --------------------------------------------------------------------------- #
# Activation quantizer
# --------------------------------------------------------------------------- #


class Quantized(NamedTuple):
    """Activations as stored: x ≈ (codes − zeros)·scales, row by row.

    With groups, scales and zeros are (..., S, G).
    """

    codes: np.ndarray  # int8, (..., S, D): q − 2^(b−1)
    scales: np.ndarray  # float32, (..., S); NaN marks a row that was not finite
    zeros: np.ndarray  # int32, (..., S): z − 2^(b−1)


def quantize(
    x,
    schedule=None,
    axis=-2,
    levels=None,
    group=None,
    lengths=None,
    block_order_of=None,
):
    """Quantizes each token with a scale and zero point of its own.

    x: (..., S, D) with the features last; not float64.  How finely comes
    from `schedule` or, for a baseline between two widths, from `levels`: as many
    codes for every row, which is log₂(levels) bits (19 levels: 4.25 bits).
    With `lengths` (see `Basis.forward`) the schedule is each sequence's own.
    `block_order_of` names the basis whose coefficients x holds in block order.

    A row whose range is below 2⁻¹¹⁸ gets scale 1 and codes that mean 0; a row
    with a NaN, an infinity or an overflowing range gets scale NaN.

    With a `group`, every so many features of a token are a row of their own.
    """
    if group is not None:
        parts = [
            quantize(part, schedule, axis, levels, None, lengths, block_order_of)
            for part in _groups(x, group, -1)
        ]
        codes, scales, zeros = zip(*parts)
        return Quantized(
            np.concatenate(codes, axis=-1), np.stack(scales, -1), np.stack(zeros, -1)
        )
    x = _widen_to_float32(x)
    axis = np.lib.array_utils.normalize_axis_index(axis, x.ndim)
    if axis == x.ndim - 1:
        raise ValueError("the last dimension is the features', not the tokens'")
    if (schedule is None) == (levels is None):
        raise ValueError("expected either a schedule or a number of levels")
    tokens = x.shape[axis]
    counts = np.int64(tokens)
    if levels is None:
        if lengths is not None:
            counts = valid_lengths(lengths, x.shape, axis)
        steps = np.empty((*counts.shape, tokens), np.int32)
        for sequence in np.ndindex(counts.shape):
            count = int(counts[sequence])
            bits = np.full(tokens, schedule.rest, np.int32)
            bits[:count] = schedule.bits_per_row(count, block_order_of)
            steps[sequence] = (1 << bits) - 1
    else:
        if not 2 <= levels <= 256:
            raise ValueError(f"levels = {levels} is outside 2...256")
        steps = np.full(tokens, levels - 1, np.int32)

    # One number per row, placed on the token dimension of (..., S, 1), behind
    # the dimensions of the lengths.
    leading = steps.ndim - 1
    per_row = [
        size if dim < leading or dim == axis else 1 for dim, size in enumerate(x.shape)
    ]
    # Half the levels, 2^(b−1) where they are 2^b, makes the codes signed.
    offset = ((steps + 1) // 2).reshape(per_row)
    steps = steps.reshape(per_row).astype(np.float32)

    with np.errstate(all="ignore"):
        lo = x.min(axis=-1, keepdims=True, initial=0)
        hi = x.max(axis=-1, keepdims=True, initial=0)
        span = hi - lo
        finite = np.isfinite(span)
        scale = np.where(span < TINY, np.float32(1), span / steps)
        zero = np.rint(-lo / scale)
        inverse = np.float32(1) / scale
        code = np.clip(np.rint(x * inverse) + zero, 0, steps)
    codes = np.where(finite, code, 0).astype(np.int32) - offset
    zeros = np.where(finite, zero, 0).astype(np.int32) - offset
    scales = np.where(finite, scale, np.float32(np.nan))
    return Quantized(codes.astype(np.int8), scales[..., 0], zeros[..., 0])


def dequantize(quantized, group=None):
    """(q − z)·s, the difference in integers; float32, the shape of the codes."""
    if group is not None:
        codes, scales, zeros = quantized
        parts = enumerate(_groups(codes, group, -1))
        rows = [Quantized(c, scales[..., g], zeros[..., g]) for g, c in parts]
        return np.concatenate([dequantize(row) for row in rows], axis=-1)
    codes, scales, zeros = quantized
    difference = codes.astype(np.int32) - zeros[..., None]
    return difference.astype(np.float32) * scales[..., None]


# --------------------------------------------------------------------------- #
# Packed codes
# --------------------------------------------------------------------------- #


def field_bits(bits):
    """The width that codes of so many bits are stored in."""
    return 2 if bits == 2 else 4 if bits <= 4 else 8


def pack(codes, schedule, axis, packed_axis):
    """The bytes, int8, of each segment's rows and of the rest's."""
    ends = schedule.ends(codes.shape[axis])
    widths = [*(bits for _, bits in schedule.segments), schedule.rest]
    parts = []
    for rows, bits in zip(np.split(codes, ends, axis), widths, strict=True):
        f = field_bits(bits)
        fields = np.moveaxis(rows, packed_axis, -1).astype(np.int64) % 2**f
        left = -fields.shape[-1] % (8 // f)
        fields = np.pad(fields, [(0, 0)] * (fields.ndim - 1) + [(0, left)])
        count = fields.shape[-1] * f // 8
        fields = fields.reshape(*fields.shape[:-1], count, 8 // f)
        joined = (fields << f * np.arange(8 // f)).sum(axis=-1).astype(np.uint8)
        parts.append(np.moveaxis(joined.view(np.int8), -1, packed_axis))
    return parts


def unpack(parts, count, schedule, axis, packed_axis):
    """`count` codes along `packed_axis`, int8: what `pack` made the parts of."""
    widths = [*(bits for _, bits in schedule.segments), schedule.rest]
    rows = []
    for part, bits in zip(parts, widths, strict=True):
        f = field_bits(bits)
        joined = np.moveaxis(part, packed_axis, -1).astype(np.int64)[..., None]
        fields = (joined >> f * np.arange(8 // f)) % 2**f
        fields -= (fields >= 2 ** (f - 1)) * 2**f
        held = fields.shape[-2] * fields.shape[-1]
        codes = fields.reshape(*fields.shape[:-2], held)[..., :count]
        rows.append(np.moveaxis(codes.astype(np.int8), -1, packed_axis))
    return np.concatenate(rows, axis)


# --------------------------------------------------------------------------- #
# Weight quantizer and integer linear
# --------------------------------------------------------------------------- #


class QuantizedWeight(NamedTuple):
    """A weight as stored: w ≈ codes·scales, output channel by output channel.

    With groups, sums are (..., G, N), and so are scales that are one per group.
    """

    codes: np.ndarray  # int8, (..., K, N)
    scales: np.ndarray  # float32, (..., N); NaN marks a channel that was not finite
    sums: np.ndarray  # int32, (..., N): the sum of the codes over K


def quantize_weight(w, bits=4, group=None):
    """Symmetric quantization of w, (..., K, N), per output channel (column).

    With a `group`, every so many inputs of a channel are a column of their own.
    """
    if group is not None:
        parts = [quantize_weight(part, bits) for part in _groups(w, group, -2)]
        codes, scales, sums = zip(*parts)
        return QuantizedWeight(
            np.concatenate(codes, axis=-2), np.stack(scales, -2), np.stack(sums, -2)
        )
    if bits not in (4, 8):
        raise ValueError(f"weights have 4 or 8 bits, not {bits}")
    w = _widen_to_float32(w)
    top = np.float32(2 ** (bits - 1) - 1)
    with np.errstate(all="ignore"):
        peak = np.abs(w).max(axis=-2, keepdims=True, initial=0)
        scale = np.where(peak < TINY, np.float32(1), peak / top)
        code = np.clip(np.rint(w / scale), -top, top)
    finite = np.isfinite(peak)
    codes = np.where(finite, code, 0).astype(np.int8)
    scales = np.where(finite, scale, np.float32(np.nan))[..., 0, :]
    return QuantizedWeight(codes, scales, codes.sum(axis=-2, dtype=np.int32))


def _wrap(integers):
    """The low 32 bits, as int32: what wrapping arithmetic leaves."""
    return integers.astype(np.int64).astype(np.int32)


def group_sums(codes, group):
    """The sum of a weight's codes, (..., K, N), over each group: (..., G, N)."""
    parts = _groups(codes, group, -2)
    return np.stack([part.sum(axis=-2, dtype=np.int32) for part in parts], axis=-2)


def integer_matmul(codes, weight_codes, group=None):
    """acc = Σ_k q_x·q_w, int32, wrapping; (..., S, K) and (..., K, N).

    With a `group`, one sum for each: (..., S, G, N).

    float64 holds every integer below 2⁵³, so its fast product is exact for any
    K that fits a memory.
    """
    if group is not None:
        pairs = zip(_groups(codes, group, -1), _groups(weight_codes, group, -2))
        return np.stack([integer_matmul(*pair) for pair in pairs], axis=-2)
    return _wrap(codes.astype(np.float64) @ weight_codes.astype(np.float64))


def rescale(acc, scales, zeros, weight_scales, sums, bias=None, ones=None):
    """(s_x·s_w)·float(acc − z_x·c) [ + l·b ]; float32, the shape of `acc`.

    bias: (N,) float32.  ones: l = L·1, (S,) float32 or one per sequence (..., S),
    where an inverse transform is still to come; without it l = 1.
    """
    correction = zeros.astype(np.int64)[..., None] * sums[..., None, :]
    difference = _wrap(acc - correction)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        scale = scales[..., None] * weight_scales[..., None, :]
        y = scale * difference.astype(np.float32)
        if bias is None:
            return y
        bias = np.asarray(bias, np.float32)
        return y + (bias if ones is None else ones[..., None] * bias)


def rescale_groups(acc, scales, zeros, weight_scales, sums, bias=None, ones=None):
    """Σ_g (s_x·s_w)·float(acc_g − z_x·c_g) [ + l·b ], g ascending.

    acc: (..., S, G, N), to (..., S, N).  Scales and zeros are (..., S, G), or
    (..., S) for all groups.  Sums are (..., G, N), with or without leading
    dimensions; weight scales are like the sums, or lack G.
    """

    def of_rows(rows, g):
        return rows[..., g] if rows.ndim == acc.ndim - 1 else rows

    y = None
    for g in range(acc.shape[-2]):
        columns = weight_scales
        if weight_scales.ndim == sums.ndim:
            columns = weight_scales[..., g, :]
        product = rescale(
            acc[..., g, :],
            of_rows(scales, g),
            of_rows(zeros, g),
            columns,
            sums[..., g, :],
        )
        y = product if y is None else y + product
    if bias is None:
        return y
    bias = np.asarray(bias, np.float32)
    return y + (bias if ones is None else ones[..., None] * bias)


def integer_linear(activation, weight, bias=None, ones=None, group=None):
    """`Quantized` times `QuantizedWeight`: the integer matmul and its rescale."""
    acc = integer_matmul(activation.codes, weight.codes, group)
    return (rescale if group is None else rescale_groups)(
        acc, activation.scales, activation.zeros, weight.scales, weight.sums, bias, ones
    )


def stamp_linear(
    x,
    w,
    basis,
    schedule,
    bias=None,
    weight_bits=4,
    features=(),
    activation_group=None,
    weight_group=None,
):
    """Y = L⁻¹( Q_a((L X) R)·Q_w(R⁻¹ W) ) + 1bᵀ, (..., S, D) and (D, N) to
    (..., S, N); R is the product of the `features`."""
    groups = {activation_group, weight_group} - {None}
    if len(groups) > 1:
        raise ValueError(f"groups of {activation_group} and of {weight_group} differ")
    x = basis.forward(x)
    for transform in features:
        x, w = transform.forward(x), transform.inverse_weight(w)
    activation = quantize(x, schedule, group=activation_group)
    weight = quantize_weight(w, weight_bits, weight_group)
    group = min(groups, default=None)
    if group is not None and weight_group is None:
        weight = weight._replace(sums=group_sums(weight.codes, group))
    y = basis.inverse(integer_linear(activation, weight, group=group))
    return y if bias is None else y + np.asarray(bias, np.float32)


# --------------------------------------------------------------------------- #
# Analysis
# --------------------------------------------------------------------------- #


def theorem1_bound(x, basis, schedule):
    """(D/2)·Σᵢ eᵢ/(2^{bᵢ} − 1)², eᵢ = ‖(LX)ᵢ‖²: a bound on ‖X − L⁻¹Q(LX)‖².

    x: (..., S, D); returns float64, shape (...).  For orthonormal L it holds for
    every input in exact arithmetic; in float32 allow a factor 1 + 10⁻⁴ on rows
    whose range is at least 2⁻¹⁰⁰.
    """
    coefficients = basis.forward(np.asarray(x, np.float64))
    energies = np.square(coefficients).sum(axis=-1)
    tokens, features = coefficients.shape[-2:]
    steps = 2.0 ** schedule.bits_per_row(tokens) - 1
    return features / 2 * (energies / steps**2).sum(axis=-1)


def sqnr_db(exact, approximate):
    """Signal to quantization noise, 10·log₁₀(‖x‖²/‖x − x̂‖²), in decibels."""
    exact = np.asarray(exact, np.float64)
    noise = np.square(exact - np.asarray(approximate, np.float64)).sum()
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(np.square(exact).sum() / noise))
