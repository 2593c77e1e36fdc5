# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inputs that look like activations: correlated tokens, a few loud channels.

White noise or constants would hide what a sequence transform is for: the first
has nothing to concentrate, the second nothing to get wrong.
"""

import numpy as np


def ar1(tokens, features, rho=0.95, outliers=3, loudness=20.0, seed=0):
    """A stationary AR(1) process along the tokens, one per feature channel.

    xₜ = ρ·xₜ₋₁ + √(1 − ρ²)·εₜ, εₜ normal, so every entry has variance 1 and
    tokens i and j of a channel correlate as ρ^|i − j|.  Then `outliers` channels,
    chosen by the seed, are multiplied by `loudness`, as the outlier channels of
    transformers are.

    Returns float32, shape (tokens, features); the same seed gives the same data.
    Raises ValueError unless |ρ| < 1.
    """
    if not -1 < rho < 1:
        raise ValueError(f"rho = {rho} is not inside (-1, 1)")
    random = np.random.default_rng(seed)
    x = random.standard_normal((tokens, features))
    innovation = np.sqrt(1 - rho * rho)
    for t in range(1, tokens):
        x[t] = rho * x[t - 1] + innovation * x[t]
    loud = random.permutation(features)[:outliers]
    x[:, loud] *= loudness
    return x.astype(np.float32)
