# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bases: L along the sequence, for every length, and valid lengths."""

from dataclasses import dataclass

import numpy as np

from .elements import widen

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
        result = widen(x).copy()
        axis = np.lib.array_utils.normalize_axis_index(axis, result.ndim)
        counts = valid_lengths(lengths, result.shape, axis)
        for sequence in np.ndindex(counts.shape):
            # A view, with its tokens in front.
            tokens = np.moveaxis(result[sequence], axis - counts.ndim, 0)
            valid = tokens[: counts[sequence]]
            valid[...] = self._along(step, valid, 0)
        return result

    def _along(self, step, x, axis):
        rows = np.moveaxis(widen(x), axis, 0)
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


@dataclass(frozen=True, init=False)
class MinTokens(Basis):
    """`inner` for sequences of `tokens` tokens or more, skipped ones included;
    L = I for shorter ones."""

    tokens: int
    inner: Basis

    def __init__(self, tokens, inner):
        if tokens < 1:
            raise ValueError(f"min_tokens = {tokens} is not positive")
        object.__setattr__(self, "tokens", tokens)
        object.__setattr__(self, "inner", inner)
        object.__setattr__(self, "skip", inner.skip)

    def _forward(self, x):
        return self.inner._forward(x) if self._suffices(len(x)) else x

    def _inverse(self, coefficients):
        if not self._suffices(len(coefficients)):
            return coefficients
        return self.inner._inverse(coefficients)

    def _places(self, tokens):
        return self.inner._places(tokens) if self._suffices(tokens) else np.arange(tokens)

    def _suffices(self, others):
        """Whether there are enough tokens, with so many that are not skipped."""
        return self.skip + others >= self.tokens

    def __str__(self):
        return f"#stamp.min_tokens<{self.tokens}, {self.inner}>"


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


def multiply(matrix, x):
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
        return multiply(self._dense(x), x)

    def _inverse(self, coefficients):
        return multiply(self._dense(coefficients).T, coefficients)

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
                pairs = block.reshape(size // (2 * stride), 2, stride, *x.shape[1:])
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
        return multiply(self.m, x) if len(x) == len(self.m) else x

    def _inverse(self, coefficients):
        if len(coefficients) != len(self.m):
            return coefficients
        return multiply(self._undo, coefficients)

    def __str__(self):
        parameters = [_dense_attribute(self.m)]
        if self.given_inverse is not None:
            parameters.append(f"inverse = {_dense_attribute(self.given_inverse)}")
        return self._attribute("matrix", *parameters)


def _dense_attribute(matrix):
    rows, columns = matrix.shape
    digits = matrix.astype("<f4").tobytes().hex().upper()
    return f'dense<"0x{digits}"> : tensor<{rows}x{columns}xf32>'
