# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every linear of every model is found, and those left have a reason; the numbers
are those of the oracle."""

import re
import subprocess

import numpy as np
import pytest
from conftest import BIN
from models import MODELS, Codes
from more_models import MORE_MODELS
from stamp import reference

SCHEDULE = reference.Schedule([(4, 8)], 4)
PASSES = ["--stamp-quantize", "--stamp-fold"]
ALL_MODELS = MODELS | MORE_MODELS


@pytest.fixture(params=ALL_MODELS.values(), ids=ALL_MODELS.keys())
def model(request):
    return request.param()


def select(basis, schedule, weight_bits, group=None):
    options = [f"schedule={{{schedule}}}", f"weight-bits={weight_bits}"]
    if group is not None:
        options += [f"activation-group={group}", f"weight-group={group}"]
    if basis is not None:
        options.append(f"basis={{{basis}}}")
    return f"--stamp-select={' '.join(options)}"


def proposed(grid):
    """What select proposes for pixels: at most four levels, and no more than make
    a difference along the longer side."""
    return reference.Haar2D(min(4, (max(grid) - 1).bit_length()), tuple(grid))


def stamp_linear(model, group):
    def linear(x, w, grid=None):
        basis = model.basis or proposed(grid)
        groups = {"activation_group": group, "weight_group": group}
        if isinstance(w, Codes):
            groups["weight_group"] = w.group and (group or w.group)
            w = w.keep(group)
        return reference.stamp_linear(x, w, basis, SCHEDULE, **groups)

    return linear


def exact(x, w, grid=None):
    return x @ (w.floats() if isinstance(w, Codes) else w)


def test_each_linear_is_quantized_or_has_a_reason(model):
    command = [BIN / "stamp-opt", select(model.basis, SCHEDULE, 4), *PASSES]
    remarks = ["--remarks-filter=stamp-(select|quantize)", "--remark-format=emitRemark"]
    done = subprocess.run(
        [*command, *remarks], input=model.module, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Remark=quantized") == model.quantized
    reasons = re.findall(r"\[Missed\] Select .*Reason=\"(.*)\"", done.stderr)
    assert reasons == model.left
    assert len(re.findall(r"= stamp\.rescale ", done.stdout)) == model.quantized


def test_no_transform_is_left_that_could_go(model, optimize):
    folded = optimize(model.module, select(model.basis, SCHEDULE, 4), *PASSES)
    transforms = re.findall(r"= stamp\.(?:inverse_)?transform ", folded)
    assert len(transforms) == model.transforms


@pytest.mark.parametrize("group", [None, 5])
def test_the_numbers_are_the_oracle_s(model, group, run, optimize):
    """A code that another order of float sums flips moves a later layer's output
    by per mille."""
    module = optimize(model.module, select(model.basis, SCHEDULE, 4, group), *PASSES)
    [[actual]] = run(module, [("main", model.inputs, 1)])
    expected = model.compute(stamp_linear(model, group))
    assert actual.shape == expected.shape
    error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    assert error < (1e-5 if model.quantized < 2 else 1e-2)


def test_eight_bits_and_no_transform_are_close_to_float(model, run, optimize):
    schedule = reference.Schedule([], 8)
    flag = select(reference.Identity(), schedule, 8)
    module = optimize(model.module, flag, *PASSES)
    [[actual]] = run(module, [("main", model.inputs, 1)])
    expected = model.compute(exact)
    error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    assert error < (0.03 if model.quantized else 1e-6)
    assert error > 0 or not model.quantized
