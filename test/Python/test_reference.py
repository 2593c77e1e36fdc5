# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The oracle against SciPy, PyWavelets, arithmetic by hand and the theorems.

Everything else is compared with `stamp.reference`, so this file and
test_reference_quantizers.py keep the oracle honest: each expected value comes from
a library or is worked out here in a way of its own, never from the function under
test.
"""

import ml_dtypes
import numpy as np
import pytest
import pywt
import scipy.fft
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from stamp.reference import (
    DCT,
    WHT,
    Haar,
    Haar2D,
    Identity,
    Matrix,
    MinTokens,
    Schedule,
    dequantize,
    quantize,
    quantize_weight,
    sqnr_db,
    theorem1_bound,
)
from stamp.testdata import ar1

from oracle_inputs import (
    F32,
    MIXED,
    bases,
    close,
    features,
    inputs,
    levels,
    orthogonal,
    seeds,
    tokens,
)


# ----------------------------------------------------------------- all bases --


@given(inputs())
def test_inverse_undoes_forward(case):
    basis, x = case
    close(basis.inverse(basis.forward(x)), x)
    close(basis.forward(basis.inverse(x)), x)


@given(inputs())
def test_parseval(case):
    basis, x = case
    energy = np.square(x.astype(float)).sum()
    assert np.square(basis.forward(x).astype(float)).sum() == pytest.approx(
        energy, rel=1e-6
    )


@given(st.data(), tokens)
def test_matrix_is_orthonormal_and_is_the_transform(data, size):
    basis = data.draw(bases(size))
    dense = basis.matrix(size)
    close(dense @ dense.T, np.eye(size))
    x = ar1(size, 5).astype(float)
    close(basis.forward(x), dense @ x, 1e-12)
    close(basis.inverse(x), dense.T @ x, 1e-6)


@given(inputs())
def test_skipped_tokens_stay_and_the_others_are_a_sequence_of_their_own(case):
    basis, x = case
    skip = basis.skip
    assert np.array_equal(basis.forward(x)[:skip], x[:skip])
    padded = np.concatenate([ar1(2, x.shape[1], seed=9), x])
    more = {**vars(basis), "skip": skip + 2}
    if isinstance(basis, Matrix):
        shifted = Matrix(more["m"], skip=skip + 2)
    else:
        shifted = type(basis)(**more)
    assert np.array_equal(shifted.forward(padded)[2:], basis.forward(x))


@given(inputs())
def test_transformed_ones(case):
    basis, x = case
    size = len(x)
    ones = basis.transformed_ones(size)
    assert ones.shape == (size,) and ones.dtype == F32
    # L·1 is the sum over each row of L.
    assert np.abs(ones - basis.matrix(size).sum(axis=1)).max() <= 1e-5


@given(inputs())
def test_block_order_moves_rows_only(case):
    basis, x = case
    size = len(x)
    positions = basis.coarse_positions(size)
    assert np.array_equal(np.sort(positions), np.arange(size))
    assert np.array_equal(positions[basis.places(size)], np.arange(size))
    coarse, block = basis.forward(x), basis.forward(x, block_order=True)
    assert np.array_equal(block, coarse[positions])
    assert np.array_equal(basis.inverse(block, block_order=True), basis.inverse(coarse))
    ones = basis.transformed_ones(size, block_order=True)
    assert np.array_equal(ones, basis.transformed_ones(size)[positions])
    bits = MIXED.bits_per_row(size, block_order_of=basis)
    assert np.array_equal(bits, MIXED.bits_per_row(size)[positions])
    codes = quantize(block, MIXED, block_order_of=basis).codes
    assert np.array_equal(codes, quantize(coarse, MIXED).codes[positions])


@given(st.sampled_from([*map(Haar, range(1, 7)), *(WHT(2**m) for m in range(6))]))
def test_in_block_order_runs_of_whole_blocks_stand_alone(basis):
    block = basis.block if isinstance(basis, WHT) else 2**basis.levels
    x = ar1(3 * block + 5, 3, seed=block)
    whole = basis.forward(x, block_order=True)
    for begin, end in [(0, block), (block, 3 * block), (2 * block, len(x))]:
        run = basis.forward(x[begin:end], block_order=True)
        assert np.array_equal(run, whole[begin:end])


def test_haar_positions_are_the_closed_form_of_semantics():
    for levels in range(1, 8):
        for size in range(1, 100):
            expected = []
            for i in range(size):
                t = (i & -i).bit_length() - 1 if i else levels
                if t >= levels:
                    expected.append(i >> levels)
                else:
                    expected.append(-(-size >> (t + 1)) + (i >> (t + 1)))
            assert Haar(levels).coarse_positions(size).tolist() == expected


@given(inputs(), st.integers(0, 2))
def test_any_axis(case, axis):
    basis, x = case
    stack = np.stack([x, 2 * x, -x])  # tokens on axis 1
    moved = np.moveaxis(stack, 1, axis)
    expected = np.stack([basis.forward(part) for part in stack])
    actual = np.moveaxis(basis.forward(moved, axis=axis), axis, 1)
    if isinstance(basis, (DCT, Matrix)):
        close(actual, expected)
    else:
        assert np.array_equal(actual, expected)
    assert np.array_equal(
        basis.forward(moved, axis=axis - 3), basis.forward(moved, axis=axis)
    )


@pytest.mark.parametrize(
    "basis",
    [Identity(), Haar(3), Haar2D(2, (4, 5)), DCT(), WHT(), WHT(4), Matrix([[1]])],
)
def test_no_and_one_token(basis):
    assert basis.forward(np.zeros((0, 3), F32)).shape == (0, 3)
    assert basis.inverse(np.zeros((0, 3), F32)).shape == (0, 3)
    x = ar1(1, 3)
    close(basis.forward(x), x)
    close(basis.inverse(x), x)


@pytest.mark.parametrize("narrow", [np.float16, ml_dtypes.bfloat16])
def test_narrow_floats_are_widened_first(narrow):
    x = ar1(13, 4).astype(narrow)
    y = Haar(2).forward(x)
    assert y.dtype == F32
    assert np.array_equal(y, Haar(2).forward(x.astype(F32)))


def test_integers_are_no_activations():
    with pytest.raises(TypeError, match="floating-point"):
        Haar(1).forward(np.arange(6).reshape(3, 2))


# ---------------------------------------------------------------------- Haar --


@given(st.integers(1, 5), st.integers(1, 6), features, seeds)
def test_haar_is_pywavelets_where_every_level_is_even(levels, coarse, width, seed):
    x = ar1(coarse << levels, width, seed=seed).astype(float)
    expected = pywt.wavedec(x, "haar", mode="periodization", level=levels, axis=0)
    close(Haar(levels).forward(x), np.concatenate(expected), 1e-12)


@given(levels, tokens, seeds)
def test_haar_float32_order_of_operations(levels, size, seed):
    """Element by element in float32, an odd last token passing to the coarse."""
    x = ar1(size, 1, seed=seed)
    c = F32(0.70710678118654752440)
    coarse, details = list(x[:, 0]), []
    for _ in range(levels):
        pairs = list(zip(coarse[::2], coarse[1::2]))
        odd = coarse[2 * len(pairs) :]
        details = [(a - b) * c for a, b in pairs] + details
        coarse = [(a + b) * c for a, b in pairs] + odd
    assert np.array_equal(Haar(levels).forward(x)[:, 0], np.array(coarse + details))


def test_haar_by_hand():
    """Five tokens, two levels: the fifth passes both."""
    half, root = 0.5, np.sqrt(0.5)
    expected = [
        [half, half, half, half, 0],
        [0, 0, 0, 0, 1],
        [half, half, -half, -half, 0],
        [root, -root, 0, 0, 0],
        [0, 0, root, -root, 0],
    ]
    close(Haar(2).matrix(5), expected, 1e-15)
    # A third level meets the rows a₂ and the fifth token.
    assert Haar(3).matrix(5)[1] == pytest.approx([0.5**1.5] * 4 + [-root])
    # Levels beyond the last pair change nothing.
    assert np.array_equal(Haar(3).matrix(5), Haar(30).matrix(5))


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), features, seeds)
def test_haar2d_is_pywavelets_where_every_level_is_even(levels, h, w, width, seed):
    height, breadth = h << levels, w << levels
    x = ar1(height * breadth, width, seed=seed).astype(float)
    raster = x.reshape(height, breadth, width)
    coarse, *details = pywt.wavedec2(
        raster, "haar", mode="periodization", level=levels, axes=(0, 1)
    )
    # cH is high along axis 0 and low along axis 1, which is our LH; cV our HL.
    bands = [coarse] + [band for c_h, c_v, c_d in details for band in (c_h, c_v, c_d)]
    expected = np.concatenate([band.reshape(-1, width) for band in bands])
    basis = Haar2D(levels, (height, breadth))
    close(basis.forward(x), expected, 1e-12)


def haar_rows(n):
    """The two halves of one level on n rows, as matrices."""
    pairs = n // 2
    step = np.zeros((n, n))
    for i in range(pairs):
        step[i, [2 * i, 2 * i + 1]] = np.sqrt(0.5), np.sqrt(0.5)
        step[n - pairs + i, [2 * i, 2 * i + 1]] = np.sqrt(0.5), -np.sqrt(0.5)
    if n % 2:
        step[pairs, n - 1] = 1
    return step[: n - pairs], step[n - pairs :]


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_haar2d_with_odd_sides_is_separable(levels, height, width):
    x = ar1(height * width, 1)
    coarse, bands = x.astype(float).reshape(height, width), []
    for _ in range(levels):
        (low_h, high_h), (low_w, high_w) = map(haar_rows, coarse.shape)
        bands = [
            high_h @ coarse @ low_w.T,
            low_h @ coarse @ high_w.T,
            high_h @ coarse @ high_w.T,
        ] + bands
        coarse = low_h @ coarse @ low_w.T
    expected = np.concatenate([band.ravel() for band in [coarse, *bands]])
    close(Haar2D(levels, (height, width)).forward(x)[:, 0], expected)


def test_haar2d_float32_transforms_along_w_first():
    x = ar1(4, 50)
    c = F32(0.70710678118654752440)
    low = [(x[i] + x[i + 1]) * c for i in (0, 2)]
    high = [(x[i] - x[i + 1]) * c for i in (0, 2)]
    expected = [
        (low[0] + low[1]) * c,
        (low[0] - low[1]) * c,
        (high[0] + high[1]) * c,
        (high[0] - high[1]) * c,
    ]
    assert np.array_equal(Haar2D(1, (2, 2)).forward(x), np.array(expected))


def test_what_does_not_fit_is_left_alone():
    x = ar1(12, 3)
    assert np.array_equal(Haar2D(1, (3, 5)).forward(x), x)
    assert np.array_equal(Matrix(orthogonal(13)).inverse(x), x)
    # What has to fit is the number of the tokens that are not skipped.
    assert not np.array_equal(Matrix(orthogonal(11), skip=1).forward(x), x)
    assert not np.array_equal(Haar2D(1, (1, 11), skip=1).forward(x), x)


@pytest.mark.parametrize("inner", [Haar(2, skip=1), Haar(3), WHT(4), DCT(skip=2)], ids=str)
def test_fewer_than_min_tokens_are_left_alone(inner):
    basis = MinTokens(8, inner)
    for size in [0, 1, 2, 7, 8, 13]:
        expected = inner if size >= 8 else Identity()
        x = ar1(size, 3, seed=size)
        for order in False, True:
            t = basis.forward(x, block_order=order)
            assert np.array_equal(t, expected.forward(x, block_order=order))
            assert np.array_equal(
                basis.inverse(t, block_order=order),
                expected.inverse(t, block_order=order),
            )
        assert np.array_equal(basis.places(size), expected.places(size))
        assert np.array_equal(
            basis.transformed_ones(size), expected.transformed_ones(size)
        )
    # Each sequence of a batch by itself.
    x = np.stack([ar1(13, 3), ar1(13, 3, seed=1)])
    long, short = basis.forward(x, lengths=[13, 7])
    assert np.array_equal(long, inner.forward(x[0])) and np.array_equal(short, x[1])


# -------------------------------------------------------- DCT, WHT and matrix --


@given(tokens, features, seeds)
def test_dct_is_scipys(size, width, seed):
    x = ar1(size, width, seed=seed)
    expected = scipy.fft.dct(x.astype(float), axis=0, norm="ortho")
    close(DCT().forward(x.astype(float)), expected, 1e-12)
    close(DCT().forward(x), expected)
    close(DCT().inverse(expected.astype(F32)), x)


def sign_changes(row):
    return int(np.sum(row[1:] * row[:-1] < 0))


@given(st.sampled_from([0, 1, 2, 4, 8, 16, 64]), tokens)
def test_wht_is_scipys_by_sequency_then_block(block, size):
    rows, start = [], 0
    while start < size:
        left = size - start
        length = block if 0 < block <= left else 2 ** int(np.log2(left))
        natural = scipy.linalg.hadamard(length) / np.sqrt(length)
        for row in natural:
            whole = np.zeros(size)
            whole[start : start + length] = row
            rows.append(((sign_changes(row), start), whole))
        start += length
    expected = [whole for _, whole in sorted(rows, key=lambda keyed: keyed[0])]
    close(WHT(block).matrix(size), expected, 1e-12)


def test_wht_splits_a_ragged_tail_into_descending_powers():
    assert WHT().blocks(13) == [8, 4, 1]
    assert WHT(4).blocks(13) == [4, 4, 4, 1]
    assert WHT(16).blocks(13) == [8, 4, 1]
    assert WHT(2).blocks(7) == [2, 2, 2, 1]
    assert WHT(8).blocks(0) == []


@given(st.integers(0, 6), seeds)
def test_wht_float32_order_of_operations(m, seed):
    """The butterflies one at a time, at strides 1, 2, 4, …, then one product."""
    size = 2**m
    x = ar1(size, 1, seed=seed)
    v, stride = list(x[:, 0]), 1
    while stride < size:
        for i in range(size):
            if not i & stride:
                v[i], v[i + stride] = v[i] + v[i + stride], v[i] - v[i + stride]
        stride *= 2
    natural = np.array(v) * F32(2 ** (-m / 2))
    changes = [sign_changes(row) for row in scipy.linalg.hadamard(size)]
    assert np.array_equal(WHT().forward(x)[:, 0], natural[np.argsort(changes)])


def test_matrix_with_an_inverse():
    m = orthogonal(6) @ np.diag([3, 1, 2, 0.5, 1, 4])
    basis = Matrix(m, inverse=np.linalg.inv(m))
    x = ar1(6, 4)
    close(basis.forward(x), m @ x)
    close(basis.inverse(basis.forward(x)), x)


# ----------------------------------------------------------------- theorem 1 --

# Each basis sees every one of these 10,240 inputs.
THEOREM1_INPUTS = 10_240


def random_inputs(size, width, seed):
    """Normal, heavy-tailed, correlated and one-signed tokens of any magnitude."""
    random = np.random.default_rng(seed)
    shape = (THEOREM1_INPUTS // 4, size, width)
    normal = random.standard_normal(shape)
    heavy = random.standard_cauchy(shape)
    correlated = np.cumsum(random.standard_normal(shape), axis=1)
    positive = random.exponential(size=shape)
    x = np.concatenate([normal, heavy, correlated, positive])
    return (x * 2.0 ** random.integers(-60, 60, (len(x), 1, 1))).astype(F32)


@pytest.mark.parametrize(
    "basis",
    [
        Identity(),
        Haar(3),
        Haar(2, skip=1),
        Haar2D(2, (3, 4)),
        DCT(),
        WHT(),
        WHT(4, skip=1),
        Matrix(orthogonal(12)),
    ],
    ids=lambda basis: str(basis)[:30],
)
@pytest.mark.parametrize("width", [1, 2, 7])
def test_theorem1_holds_for_every_input(basis, width):
    x = random_inputs(12, width, seed=width)
    schedule = Schedule([(2, 8), (0.25, 5)], 3)
    back = basis.inverse(dequantize(quantize(basis.forward(x), schedule)))
    error = np.square(x.astype(float) - back).sum(axis=(1, 2))
    bound = theorem1_bound(x, basis, schedule)
    assert bound.shape == (THEOREM1_INPUTS,)
    assert (error <= bound * (1 + 1e-4)).all()


@pytest.mark.parametrize("bits", range(2, 9))
def test_theorem1_is_reached(bits):
    x = np.array([[1, -1]], F32)
    schedule = Schedule([], bits)
    error = np.square(x - dequantize(quantize(x, schedule)).astype(float)).sum()
    assert error == pytest.approx(theorem1_bound(x, Identity(), schedule), rel=1e-4)


# ------------------------------------------------- what the transform is for --


def covariance(size, rho):
    return rho ** np.abs(np.subtract.outer(np.arange(size), np.arange(size)))


def klt(autocorrelation):
    _, vectors = np.linalg.eigh(autocorrelation)
    return Matrix(vectors[:, ::-1].T)


def coding_gain(basis, autocorrelation):
    """Arithmetic over geometric mean of the coefficient variances, in decibels."""
    dense = basis.matrix(len(autocorrelation))
    variances = np.diag(dense @ autocorrelation @ dense.T)
    return 10 * np.log10(variances.mean()) - 10 * np.log10(variances).mean()


@given(st.sampled_from([4, 13, 40, 64]), st.floats(0.3, 0.98))
def test_coding_gain_klt_dct_identity(size, rho):
    r = covariance(size, rho)
    gains = [coding_gain(b, r) for b in (klt(r), DCT(), Identity())]
    assert gains[0] + 1e-6 >= gains[1] >= gains[2] == pytest.approx(0, abs=1e-9)
    # Nothing beats the KLT, and everything beats leaving the tokens as they are.
    for basis in (Haar(6), WHT(), WHT(8)):
        assert gains[0] + 1e-6 >= coding_gain(basis, r) > 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "basis", [Haar(4), Haar(6, skip=1), DCT(), WHT(), klt(covariance(512, 0.95))]
)
def test_mixed_beats_uniform_at_the_same_average_bits(basis, seed):
    x = ar1(512, 96, seed=seed)

    def quality(basis, **how):
        return sqnr_db(x, basis.inverse(dequantize(quantize(basis.forward(x), **how))))

    mixed = Schedule([(1 / 16, 8), (1 / 8, 6), (1 / 4, 5)], 4)
    uniform = quality(Identity(), levels=round(2 ** mixed.average_bits(512)))
    assert quality(basis, schedule=mixed) > uniform + 3
    # The bits have to go where the energy is.
    backwards = Schedule([(9 / 16, 4), (1 / 4, 5), (1 / 8, 6)], 8)
    assert backwards.average_bits(512) == mixed.average_bits(512)
    assert quality(basis, schedule=mixed) > quality(basis, schedule=backwards) + 6
    # Without a transform there is no such place.
    assert quality(Identity(), schedule=mixed) < uniform


def test_sqnr():
    x = ar1(8, 4)
    assert sqnr_db(x, x * 0.9) == pytest.approx(20, abs=1e-5)
    assert sqnr_db(x, x) == np.inf


def test_ar1_is_what_it_says():
    x = ar1(4000, 8, rho=0.9, outliers=2, loudness=30).astype(float)
    deviation = x.std(axis=0)
    loud = deviation > 10
    assert loud.sum() == 2
    assert deviation[loud] == pytest.approx(30, rel=0.15)
    assert deviation[~loud] == pytest.approx(1, rel=0.15)
    lag1 = [np.corrcoef(c[1:], c[:-1])[0, 1] for c in x.T]
    assert lag1 == pytest.approx([0.9] * 8, abs=0.03)
    assert np.array_equal(ar1(9, 3, seed=4), ar1(9, 3, seed=4))
    assert not np.array_equal(ar1(9, 3, seed=4), ar1(9, 3, seed=5))


# ------------------------------------------------------- spelling and errors --


@pytest.mark.parametrize(
    "value, spelling",
    [
        (Identity(), "#stamp.identity"),
        (Haar(4), "#stamp.haar<levels = 4>"),
        (Haar(4, skip=1), "#stamp.haar<levels = 4, skip = 1>"),
        (Haar2D(3, (8, 16)), "#stamp.haar2d<levels = 3, grid = 8x16>"),
        (Haar2D(1, (2, 3), skip=2), "#stamp.haar2d<levels = 1, grid = 2x3, skip = 2>"),
        (DCT(), "#stamp.dct"),
        (DCT(skip=1), "#stamp.dct<skip = 1>"),
        (WHT(), "#stamp.wht"),
        (WHT(16), "#stamp.wht<block = 16>"),
        (WHT(skip=3), "#stamp.wht<skip = 3>"),
        (
            Matrix([[0, 1], [-1, 0]]),
            '#stamp.matrix<dense<"0x000000000000803F000080BF00000000">'
            " : tensor<2x2xf32>>",
        ),
        (
            Matrix([[2]], inverse=[[0.5]], skip=1),
            '#stamp.matrix<dense<"0x00000040"> : tensor<1x1xf32>, '
            'inverse = dense<"0x0000003F"> : tensor<1x1xf32>, skip = 1>',
        ),
        (Schedule([(64, 8)], 4), "#stamp.schedule<[64 : 8], 4>"),
        (Schedule([(0.0625, 8)], 4), "#stamp.schedule<[0.0625 : 8], 4>"),
        (Schedule([(1, 8), (0.5, 6)], 4), "#stamp.schedule<[1 : 8, 0.5 : 6], 4>"),
        (
            Schedule([(1e-5, 8), (1.0, 2)], 3),
            "#stamp.schedule<[1.0e-05 : 8, 1.0 : 2], 3>",
        ),
        (
            Schedule([(np.int64(2), 8), (np.float32(0.5), 3)], 2),
            "#stamp.schedule<[2 : 8, 0.5 : 3], 2>",
        ),
        (Schedule([], 4), "#stamp.schedule<[], 4>"),
        (
            Schedule([(0.5, 8)], 4, min_tokens=32),
            "#stamp.schedule<[0.5 : 8], 4, min_tokens = 32>",
        ),
        (
            MinTokens(32, Haar(4, skip=1)),
            "#stamp.min_tokens<32, #stamp.haar<levels = 4, skip = 1>>",
        ),
    ],
)
def test_mlir_spelling(value, spelling):
    assert str(value) == spelling


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Haar(0), "levels = 0"),
        (lambda: Haar(31), "levels = 31"),
        (lambda: Haar2D(31, (2, 2)), "levels = 31"),
        (lambda: Haar2D(1, (0, 2)), "grid"),
        (lambda: DCT(skip=-1), "skip = -1"),
        (lambda: WHT(12), "block = 12"),
        (lambda: WHT(-4), "block = -4"),
        (lambda: MinTokens(0, DCT()), "min_tokens = 0"),
        (lambda: Schedule([], 4, -1), "min_tokens = -1"),
        (lambda: Matrix([[1, 2], [3, 4]]), "not orthonormal"),
        (lambda: Matrix([[2]], inverse=[[2]]), "not undone by inverse"),
        (lambda: Matrix([[1, 0, 0], [0, 1, 0]]), "not n x n"),
        (lambda: Matrix([1.0]), "not n x n"),
        (lambda: Matrix([[1]], inverse=np.eye(2)), "not n x n"),
        (lambda: Matrix([[np.nan]]), "not finite"),
        (lambda: Schedule([(64, 9)], 4), "bits = 9"),
        (lambda: Schedule([], 1), "bits = 1"),
        (lambda: Schedule([(-1, 8)], 4), "count -1"),
        (lambda: Schedule([(1.5, 8)], 4), "fraction 1.5"),
        (lambda: Schedule([(0.0, 8)], 4), "fraction 0.0"),
        (lambda: quantize(ar1(3, 2)), "either a schedule"),
        (lambda: quantize(ar1(3, 2), MIXED, levels=19), "either a schedule"),
        (lambda: quantize(ar1(3, 2), levels=257), "levels = 257"),
        (lambda: quantize(ar1(3, 2), MIXED, axis=1), "last dimension"),
        (lambda: quantize(ar1(3, 2), MIXED, axis=2), "out of bounds"),
        (lambda: quantize_weight(ar1(3, 2), 5), "4 or 8 bits"),
        (lambda: ar1(3, 2, rho=1), "rho"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_quantizers_reject_float64():
    for quantizer in (lambda x: quantize(x, MIXED), quantize_weight):
        with pytest.raises(TypeError, match="float32"):
            quantizer(np.eye(2))
