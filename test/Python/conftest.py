# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Hypothesis, made repeatable: the same examples in every run on every machine.

No deadline: how long an example takes says more about the machine than the code.
"""

from hypothesis import settings

settings.register_profile(
    "stamp", derandomize=True, deadline=None, database=None, max_examples=200
)
settings.load_profile("stamp")
