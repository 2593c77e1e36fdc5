# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantizers of activations and weights, packed codes, the integer linear."""

from typing import NamedTuple

import numpy as np

from .bases import valid_lengths
from .elements import widen_to_float32

# Below this range a row or a channel counts as zero: 2⁻¹¹⁸ / 255 is still a
# normal number, so neither the scale nor its reciprocal can go subnormal.
TINY = np.float32(2.0**-118)


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
    x = widen_to_float32(x)
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
    w = widen_to_float32(w)
    top = np.float32(2 ** (bits - 1) - 1)
    with np.errstate(all="ignore"):
        peak = np.abs(w).max(axis=-2, keepdims=True, initial=0)
        scale = np.where(peak < TINY, np.float32(1), peak / top)
        code = np.clip(np.rint(w / scale), -top, top)
    finite = np.isfinite(peak)
    codes = np.where(finite, code, 0).astype(np.int8)
    scales = np.where(finite, scale, np.float32(np.nan))[..., 0, :]
    return QuantizedWeight(codes, scales, codes.sum(axis=-2, dtype=np.int32))


def keep_codes(codes, scales, zeros=0, group=None):
    """A weight that comes as codes: (codes − zeros)·scales, without new rounding.

    codes: integers, (..., K, N).  zeros and scales: anything that broadcasts
    against (..., K, N), or with a `group` against (..., G, N); zeros are integers.
    """
    codes = np.asarray(codes).astype(np.int64)
    groups = 1 if group is None else -(-codes.shape[-2] // group)
    shape = (*codes.shape[:-2], groups, codes.shape[-1])
    zeros = np.broadcast_to(np.asarray(zeros).astype(np.int64), shape)
    scales = np.broadcast_to(np.asarray(scales).astype(np.float32), shape)
    codes = codes - np.repeat(zeros, group or codes.shape[-2], -2)[
        ..., : codes.shape[-2], :
    ]
    if codes.size and (codes.min() < -128 or codes.max() > 127):
        raise ValueError("codes less their zero points do not fit 8 bits")
    codes = codes.astype(np.int8)
    if group is None:
        return QuantizedWeight(
            codes, scales[..., 0, :], codes.sum(axis=-2, dtype=np.int32)
        )
    return QuantizedWeight(codes, scales, group_sums(codes, group))


def _wrap(integers):
    """The low 32 bits, as int32: what wrapping arithmetic leaves."""
    return integers.astype(np.int64).astype(np.int32)


def group_sums(codes, group):
    """The sum of a weight's codes, (..., K, N), over each group: (..., G, N)."""
    parts = _groups(codes, group, -2)
    return np.stack([part.sum(axis=-2, dtype=np.int32) for part in parts], axis=-2)


def long_sum_group(inputs):
    """The group of a linear without groups whose sums may reach 2³¹, else None."""
    if inputs <= 66_311:
        return None
    parts = -(-inputs // 65_536)
    return -(-inputs // parts)


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
    (..., S, N); R is the product of the `features`.

    w may be a `QuantizedWeight` with scales in groups of `weight_group`.  It stays
    as it is, so that there are no `features` then."""
    groups = {activation_group, weight_group} - {None}
    if len(groups) > 1:
        raise ValueError(f"groups of {activation_group} and of {weight_group} differ")
    keeps_codes = isinstance(w, QuantizedWeight)
    if keeps_codes and features:
        raise ValueError("a feature transform would change the codes")
    x = basis.forward(x)
    for transform in features:
        x, w = transform.forward(x), transform.inverse_weight(w)
    activation = quantize(x, schedule, group=activation_group)
    weight = w if keeps_codes else quantize_weight(w, weight_bits, weight_group)
    group = min(groups, default=long_sum_group(x.shape[-1]))
    if group is not None and weight_group is None:
        weight = weight._replace(sums=group_sums(weight.codes, group))
    y = basis.inverse(integer_linear(activation, weight, group=group))
    return y if bias is None else y + np.asarray(bias, np.float32)


# --------------------------------------------------------------------------- #
# Analysis
# --------------------------------------------------------------------------- #


def observe(x, axis=-2):
    """Σ X Xᵀ over all dimensions but the tokens', (S, S), in float64."""
    rows = np.moveaxis(np.asarray(x).astype(np.float64), axis, 0)
    rows = rows.reshape(len(rows), -1)
    return rows @ rows.T


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
