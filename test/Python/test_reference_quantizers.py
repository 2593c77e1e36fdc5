# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The oracle's schedules, quantizers, packed codes and integer linears, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stamp.reference import (
    WHT,
    Haar,
    Hadamard,
    Schedule,
    dequantize,
    field_bits,
    integer_linear,
    integer_matmul,
    keep_codes,
    pack,
    quantize,
    quantize_weight,
    rescale,
    sqnr_db,
    stamp_linear,
    unpack,
)
from stamp.testdata import ar1

from oracle_inputs import F32, MIXED, bases, features, inputs, seeds


# ------------------------------------------------------------------ schedule --


@given(
    st.lists(
        st.tuples(st.one_of(st.integers(1, 40), st.floats(0.01, 1)), st.integers(2, 8)),
        max_size=4,
    ),
    st.integers(2, 8),
    st.integers(1, 300),
)
def test_schedule_gives_each_row_the_first_segment_it_is_in(segments, rest, size):
    schedule = Schedule(segments, rest)
    ends, bits = schedule.ends(size), schedule.bits_per_row(size)
    assert ends == sorted(ends) and all(0 <= end <= size for end in ends)
    for row in range(size):
        inside = [width for end, (_, width) in zip(ends, segments) if row < end]
        assert bits[row] == (inside or [rest])[0]
    assert schedule.average_bits(size) == pytest.approx(bits.mean())


def test_schedule_ends_by_hand():
    assert Schedule([(64, 8)], 4).ends(512) == [64]
    assert Schedule([(64, 8)], 4).ends(13) == [13]
    assert Schedule([(0.19, 8)], 4).ends(10) == [1]
    # Counts and fractions add up apart: 1 + ⌊0.25·10⌋, 1 + ⌊0.5·10⌋, 4 + 5.
    schedule = Schedule([(1, 8), (0.25, 7), (0.25, 6), (3, 5)], 4)
    assert schedule.ends(10) == [1, 3, 6, 9]
    assert list(schedule.bits_per_row(10)) == [8, 7, 7, 6, 6, 6, 5, 5, 5, 4]
    assert Schedule([(0.75, 8), (0.75, 6)], 4).ends(8) == [6, 8]
    assert MIXED.average_bits(512) == 4.25
    limited = Schedule([(1, 8), (0.5, 6)], 4, min_tokens=5)
    assert list(limited.bits_per_row(4)) == [8, 8, 8, 8]
    assert list(limited.bits_per_row(5)) == [8, 6, 6, 4, 4]
    assert list(Schedule([], 4, min_tokens=5).bits_per_row(2)) == [4, 4]


# ----------------------------------------------------------------- quantizer --

finite_rows = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 9)),
    elements=st.floats(-(2.0**126), 2.0**126, width=32),
)


@given(finite_rows, st.integers(2, 8))
def test_quantization_error_is_half_a_step_and_zero_is_exact(x, bits):
    codes, scales, zeros = quantize(x, Schedule([], bits))
    assert (codes.dtype, scales.dtype, zeros.dtype) == (np.int8, F32, np.int32)
    half = 2 ** (bits - 1)
    for stored in (codes, zeros):
        assert stored.min() >= -half and stored.max() < half
    value = (codes - zeros[:, None].astype(float)) * scales[:, None].astype(float)
    error = np.abs(value - x)
    assert (error <= scales[:, None] * 0.5001).all()
    assert (value[x == 0] == 0).all()


@given(finite_rows, st.integers(2, 8))
def test_dequantize_is_one_rounded_product(x, bits):
    quantized = quantize(x, Schedule([], bits))
    exact = (quantized.codes - quantized.zeros[:, None].astype(float)) * (
        quantized.scales[:, None].astype(float)
    )
    assert np.array_equal(dequantize(quantized), exact.astype(F32))


def quantize_number_by_number(x, bits):
    """The page's formulas on float32 numbers; Python's round is half to even."""
    n, half = F32(2**bits - 1), 2 ** (bits - 1)
    codes, scales, zeros = [], [], []
    for row in x:
        lo, hi = min(F32(0), *row), max(F32(0), *row)
        s = (hi - lo) / n
        z = round(float(-lo / s))
        inv = F32(1) / s
        q = [min(max(round(float(v * inv)) + z, 0), int(n)) for v in row]
        codes.append([code - half for code in q])
        scales.append(s)
        zeros.append(z - half)
    return codes, scales, zeros


@given(inputs(), st.integers(2, 8))
def test_quantizer_float32_order_of_operations(case, bits):
    expected = quantize_number_by_number(case[1], bits)
    for actual, by_number in zip(quantize(case[1], Schedule([], bits)), expected):
        assert np.array_equal(actual, by_number)


def test_quantizer_where_the_order_of_operations_shows():
    """Zero points and codes a rounding error away from the middle of two."""
    random = np.random.default_rng(0)
    middle = random.integers(0, 15, (2000, 1)) + 0.5
    steps = np.concatenate([-middle, 15 - middle, middle - 7], axis=1)
    x = (steps * random.random((2000, 1))).astype(F32)
    expected = quantize_number_by_number(x, 4)
    for actual, by_number in zip(quantize(x, Schedule([], 4)), expected):
        assert np.array_equal(actual, by_number)


def test_quantizer_by_hand():
    """Range 3 at two bits is a step of 1, so the numbers can be read off."""
    x = np.array([[-1, 0, 2], [0, 0.5, 3], [1.5, 2.5, 3], [-3, -2.5, -0.5]], F32)
    codes, scales, zeros = quantize(x, Schedule([], 2))
    assert list(scales) == [1, 1, 1, 1]
    assert list(zeros + 2) == [1, 0, 0, 3]
    # 0.5 → 0, 1.5 → 2, 2.5 → 2: half to even.
    assert (codes + 2).tolist() == [[0, 1, 3], [0, 0, 3], [2, 2, 3], [0, 1, 3]]


def test_each_row_has_the_width_of_its_segment():
    x = ar1(16, 6)
    mixed = quantize(x, Schedule([(5, 8), (0.25, 6)], 3))
    for bits, rows in ((8, slice(0, 5)), (6, slice(5, 9)), (3, slice(9, 16))):
        uniform = quantize(x, Schedule([], bits))
        for part, whole in zip(mixed, uniform):
            assert np.array_equal(part[rows], whole[rows])


def test_quantize_any_token_dimension():
    x = ar1(12, 30).reshape(12, 5, 6)
    whole = quantize(x, MIXED, axis=0)
    assert whole.codes.shape == (12, 5, 6) and whole.scales.shape == (12, 5)
    for i in range(5):
        part = quantize(x[:, i], MIXED)
        assert np.array_equal(whole.codes[:, i], part.codes)
        assert np.array_equal(whole.scales[:, i], part.scales)
        assert np.array_equal(whole.zeros[:, i], part.zeros)


def test_zero_and_tiny_rows():
    below, least = np.nextafter(F32(2.0**-118), F32(0)), F32(2.0**-118)
    x = np.array([[0, 0], [below, 0], [-below, 0], [1e-45, -1e-45], [least, 0]], F32)
    for bits in range(2, 9):
        codes, scales, zeros = quantize(x, Schedule([], bits))
        assert (scales[:4] == 1).all()
        assert (codes[:4] == -(2 ** (bits - 1))).all()
        assert (zeros[:4] == -(2 ** (bits - 1))).all()
        assert scales[4] == least / F32(2**bits - 1)
        assert codes[4].tolist() == [2 ** (bits - 1) - 1, -(2 ** (bits - 1))]


@pytest.mark.parametrize(
    "row",
    [[np.nan, 1], [np.inf, 1], [1, -np.inf], [np.inf, -np.inf], [3e38, -3e38]],
    ids=["nan", "inf", "-inf", "both", "overflow"],
)
def test_rows_that_are_not_finite(row):
    x = np.array([[1, 2], row, [-3, 4]], F32)
    quantized = quantize(x, Schedule([(2, 8)], 4))
    assert np.isnan(quantized.scales).tolist() == [False, True, False]
    assert quantized.codes[1].tolist() == [-128, -128] and quantized.zeros[1] == -128
    assert np.isnan(dequantize(quantized)[1]).all()
    y = integer_linear(quantized, quantize_weight(ar1(2, 3)))
    assert np.isnan(y).all(axis=1).tolist() == [False, True, False]
    # The others are as if their neighbour were not there.
    alone = quantize(np.delete(x, 1, axis=0), Schedule([(1, 8)], 4))
    assert np.array_equal(np.delete(quantized.codes, 1, axis=0), alone.codes)


def test_nineteen_levels():
    x = ar1(40, 24)
    codes, scales, zeros = quantize(x, levels=19)
    q, z = codes + 9, zeros + 9
    assert q.min() == 0 and q.max() == 18
    span = np.maximum(x.max(1), 0) - np.minimum(x.min(1), 0)
    assert np.array_equal(scales, span / F32(18))
    assert (
        np.abs((q - z[:, None]) * scales[:, None] - x) <= 0.501 * scales[:, None]
    ).all()
    for bits in range(2, 9):
        for a, b in zip(quantize(x, levels=2**bits), quantize(x, Schedule([], bits))):
            assert np.array_equal(a, b)


# ------------------------------------------------------------- valid lengths --


@given(st.data(), st.integers(1, 20), features, seeds)
def test_a_valid_sequence_is_a_sequence_of_its_own(data, size, width, seed):
    """Transformed and quantized as by itself, whatever stands behind it."""
    basis = data.draw(bases(size))
    lengths = data.draw(st.lists(st.integers(-2, size + 2), min_size=1, max_size=3))
    schedule = Schedule([(1, 8), (0.3, 5)], 3)
    x = np.stack([ar1(size, width, seed=seed ^ b) for b in range(len(lengths))])
    counts = np.clip(lengths, 0, size)
    for sequence, count in zip(x, counts):
        sequence[count:] = np.nan
    y = basis.forward(x, -2, lengths)
    back = basis.inverse(y, -2, lengths)
    quantized = quantize(y, schedule, lengths=lengths)
    ones = basis.transformed_ones(size, lengths=lengths)
    for b, count in enumerate(counts):
        assert np.array_equal(y[b, :count], basis.forward(x[b, :count]))
        assert np.isnan(y[b, count:]).all() and np.isnan(back[b, count:]).all()
        assert np.array_equal(back[b, :count], basis.inverse(y[b, :count]))
        assert np.array_equal(ones[b, :count], basis.transformed_ones(count))
        assert (ones[b, count:] == 1).all()
        for whole, alone in zip(quantized, quantize(y[b, :count], schedule)):
            assert np.array_equal(whole[b, :count], alone)
        assert (quantized.codes[b, count:] == -4).all()  # NaN, at the rest's width.


def test_lengths_stand_in_front_of_the_tokens():
    x = ar1(24, 5).reshape(2, 3, 4, 5)
    heads = Haar(1).forward(x, 2, [[4, 2, 0], [1, 3, 4]])
    assert np.array_equal(heads[0, 1, :2], Haar(1).forward(x[0, 1, :2]))
    assert np.array_equal(heads[0, 1, 2:], x[0, 1, 2:])
    assert np.array_equal(heads[0, 2], x[0, 2])
    assert np.array_equal(Haar(1).forward(x, 2, 4), Haar(1).forward(x, 2))
    for wrong in [4, 2, 0], [[4] * 2] * 3, np.ones((2, 3, 4), int):
        with pytest.raises(ValueError, match="in front of axis 2"):
            Haar(1).forward(x, 2, wrong)


# -------------------------------------------------------------- packed codes --


@given(st.data(), st.integers(0, 9), st.integers(1, 9), seeds)
def test_unpack_undoes_pack(data, size, width, seed):
    widths = st.integers(2, 8)
    segments = st.lists(st.tuples(st.integers(0, 4), widths), max_size=3)
    schedule = Schedule(data.draw(segments), data.draw(widths))
    bits = schedule.bits_per_row(size)
    half = 1 << (bits - 1)
    random = np.random.default_rng(seed)
    codes = random.integers(-half, half, (2, width, size)).astype(np.int8)
    parts = pack(codes, schedule, 2, 1)
    assert np.array_equal(unpack(parts, width, schedule, 2, 1), codes)
    assert sum(part.nbytes for part in parts) == sum(
        2 * -(-width * field_bits(b) // 8) for b in bits
    )


def test_pack_by_hand():
    codes = np.array([[1, -2, 7], [-8, 100, -1]], np.int8)
    schedule = Schedule([(1, 4)], 2)
    first, rest = pack(codes, schedule, 0, 1)
    # Low nibble first, the last byte half empty; of −8 and 100 the low bits.
    assert first.view(np.uint8).tolist() == [[0xE1, 0x07]]
    assert rest.view(np.uint8).tolist() == [[0b00_11_00_00]]
    back = unpack([first, rest], 3, schedule, 0, 1)
    assert back.tolist() == [[1, -2, 7], [0, 0, -1]]


# ------------------------------------------------------- weights and linears --


def check_quantized_weight(w, bits):
    codes, scales, sums = quantize_weight(w, bits)
    assert (codes.dtype, scales.dtype, sums.dtype) == (np.int8, F32, np.int32)
    top = 2 ** (bits - 1) - 1
    for j, channel in enumerate(w.T):
        s = np.abs(channel).max() / F32(top)
        assert scales[j] == s
        expected = [min(max(round(float(v / s)), -top), top) for v in channel]
        assert codes[:, j].tolist() == expected
        assert sums[j] == sum(expected)


@given(st.integers(1, 20), st.integers(1, 9), seeds, st.sampled_from([4, 8]))
def test_quantize_weight(inner, outer, seed, bits):
    check_quantized_weight(ar1(inner, outer, seed=seed), bits)


def test_quantize_weight_where_the_order_of_operations_shows():
    """Weights a rounding error away from the middle of two codes."""
    steps = np.array([7, -6.5, 5.5, -4.5, 3.5, -2.5, 1.5, -0.5])[:, None]
    random = np.random.default_rng(0)
    check_quantized_weight((steps * random.random((1, 1000))).astype(F32), 4)


def test_weight_channels_that_are_zero_tiny_or_not_finite():
    w = np.array([[0, 1e-40, np.nan, np.inf, 3, 7], [0, 0, 1, 1, -1.5, -7]], F32)
    codes, scales, sums = quantize_weight(w)
    assert scales[:2].tolist() == [1, 1] and np.isnan(scales[2:4]).all()
    assert (codes[:, :4] == 0).all() and (sums[:4] == 0).all()
    # −1.5 / (3/7) = −3.5 goes to −4; the last channel has a scale of 1.
    assert codes[:, 4].tolist() == [7, -4] and sums[4] == 3
    assert codes[:, 5].tolist() == [7, -7] and scales[5] == 1


def test_integer_matmul_wraps():
    random = np.random.default_rng(0)
    x = random.integers(-128, 128, (5, 300)).astype(np.int8)
    w = random.integers(-127, 128, (300, 7)).astype(np.int8)
    exact = x.astype(np.int64) @ w.astype(np.int64)
    assert np.array_equal(integer_matmul(x, w), exact)
    long = np.full((1, 140_000), -128, np.int8)
    acc = integer_matmul(long, long.T)
    assert acc.dtype == np.int32
    assert int(acc[0, 0]) == (140_000 * 128 * 128 + 2**31) % 2**32 - 2**31


def test_accumulator_is_exact_up_to_the_stated_width():
    """255·127·66,311 < 2³¹: all codes and zero points at their extremes."""
    inner = 66_311
    codes = np.full((1, inner), 127, np.int8)
    zeros = np.array([-128], np.int32)
    weight = np.full((inner, 1), 127, np.int8)
    acc = integer_matmul(codes, weight)
    one = np.ones(1, F32)
    y = rescale(acc, one, zeros, one, weight.sum(axis=0, dtype=np.int32))
    assert y[0, 0] == F32(255 * 127 * inner)


@given(st.integers(1, 30), st.integers(1, 40), st.integers(1, 9), seeds)
def test_integer_linear_is_the_product_of_the_dequantized(size, inner, outer, seed):
    x, w = ar1(size, inner, seed=seed), ar1(inner, outer, seed=seed + 1)
    b = ar1(1, outer, seed=seed + 2)[0]
    activation, weight = quantize(x, MIXED), quantize_weight(w)
    exact = dequantize(activation).astype(float) @ (weight.codes * weight.scales)
    size_of_terms = np.abs(dequantize(activation)).max() * np.abs(w).max() * inner
    y = integer_linear(activation, weight)
    assert y.dtype == F32
    assert np.abs(y - exact).max() <= 1e-6 * size_of_terms
    assert np.array_equal(integer_linear(activation, weight, b), y + b)
    l = Haar(2).transformed_ones(size)
    assert np.array_equal(integer_linear(activation, weight, b, l), y + np.outer(l, b))


def test_rescale_order_of_operations():
    random = np.random.default_rng(3)
    acc = random.integers(-(2**30), 2**30, (4, 3)).astype(np.int32)
    zeros = random.integers(-8, 8, 4).astype(np.int32)
    sums = random.integers(-900, 900, 3).astype(np.int32)
    s_x, s_w, l, b = (random.random(n).astype(F32) for n in (4, 3, 4, 3))
    y = rescale(acc, s_x, zeros, s_w, sums, b, l)
    for i in range(4):
        for j in range(3):
            difference = F32(int(acc[i, j]) - int(zeros[i]) * int(sums[j]))
            assert y[i, j] == (s_x[i] * s_w[j]) * difference + l[i] * b[j]


@given(inputs(), st.integers(1, 8), seeds)
def test_stamp_linear_end_to_end(case, outer, seed):
    basis, x = case
    w, b = ar1(x.shape[1], outer, seed=seed), ar1(1, outer, seed=seed + 1)[0]
    schedule = Schedule([(2, 8)], 6)
    y = stamp_linear(x, w, basis, schedule, b)
    # The same thing said without integers, in float64.
    noisy = dequantize(quantize(basis.forward(x), schedule)).astype(float)
    weight = quantize_weight(w)
    exact = basis.inverse(noisy) @ (weight.codes * weight.scales.astype(float)) + b
    assert y.dtype == F32
    terms = np.abs(x).max() * np.abs(w).max() * x.shape[1] + np.abs(b).max()
    assert np.abs(y - exact).max() <= 1e-5 * terms


def test_stamp_linear_takes_batches():
    x, w = ar1(60, 8).reshape(3, 20, 8), ar1(8, 5, seed=1)
    y = stamp_linear(x, w, WHT(4, skip=1), MIXED)
    for i in range(3):
        assert np.array_equal(y[i], stamp_linear(x[i], w, WHT(4, skip=1), MIXED))


def test_stamp_linear_approaches_the_float_linear_with_more_bits():
    x, w = ar1(128, 48), ar1(48, 24, seed=1)
    quality = [
        sqnr_db(x @ w, stamp_linear(x, w, Haar(4), Schedule([], bits), weight_bits=8))
        for bits in (2, 4, 6, 8)
    ]
    assert (np.diff(quality) > 5).all() and quality[-1] > 35


# ---------------------------------------------------------------------- codes --


def test_kept_codes_by_hand():
    kept = keep_codes([[0, 15], [7, 8], [15, 0]], [0.5, -2.0], [7, 8])
    assert kept.codes.tolist() == [[-7, 7], [0, 0], [8, -8]]
    assert kept.scales.tolist() == [0.5, -2.0] and kept.sums.tolist() == [1, -1]
    kept = keep_codes([[0], [7], [15]], [[1.0], [2.0]], [[1], [2]], group=2)
    assert kept.codes.tolist() == [[-1], [6], [13]]
    assert kept.scales.tolist() == [[1.0], [2.0]] and kept.sums.tolist() == [[5], [13]]
    with pytest.raises(ValueError, match="do not fit 8 bits"):
        keep_codes([[200]], 1.0, 0)


@given(seeds, st.sampled_from([None, 2, 5]))
def test_kept_codes_are_those_of_the_quantizer(seed, group):
    x = ar1(16, 12, outliers=1, seed=seed)
    w = np.random.default_rng(seed).standard_normal((12, 3)).astype(np.float32)
    weight = quantize_weight(w, 4, group)
    kept = keep_codes(weight.codes, weight.scales, 0, group)
    for mine, other in zip(kept, weight):
        np.testing.assert_array_equal(mine, other)
    options = {"weight_group": group}
    np.testing.assert_array_equal(
        stamp_linear(x, kept, Haar(2), Schedule([], 4), **options),
        stamp_linear(x, w, Haar(2), Schedule([], 4), **options),
    )


def test_codes_take_no_features():
    kept = keep_codes(np.eye(4), 1.0)
    with pytest.raises(ValueError, match="would change the codes"):
        stamp_linear(np.eye(4, dtype=np.float32), kept, Haar(1), Schedule([], 4), features=[Hadamard(1)])
