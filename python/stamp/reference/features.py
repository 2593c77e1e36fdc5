# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Feature transforms: R along the features."""

from dataclasses import dataclass

import numpy as np

from .bases import DCT, Matrix, product
from .elements import widen

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
        columns = np.moveaxis(widen(x), axis, 0)
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
        x = np.moveaxis(product(dense, np.moveaxis(x, 1, 0)), 0, 1)
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
        product = product(r.T if transposed else r, x[skip:])
        return np.concatenate([x[:skip], product])

    def __str__(self):
        return str(self.basis)
