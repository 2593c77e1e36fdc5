# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""On what it ran, and with which versions of the peers."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata

_PACKAGES = (
    "numpy",
    "onednn",
    "onednn-cpu-gomp",
    "onnxruntime",
    "libggml-python",
    "openvino",
    "iree-base-compiler",
    "iree-base-runtime",
)
# What decides about the speed of small integers and of f32.
_FLAGS = (
    "avx2 fma avx_vnni avx512f avx512vl avx512_vnni avx512_bf16 amx_int8 "
    "asimddp i8mm sve"
).split()
_CACHES = "L1d", "L2", "L3"


def lscpu() -> dict[str, str]:
    try:
        done = subprocess.run(
            ["lscpu"],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"LC_ALL": "C"},
        )
    except (OSError, subprocess.CalledProcessError):
        return {"Architecture": platform.machine()}
    pairs = (line.partition(":") for line in done.stdout.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def summary(facts: dict[str, str]) -> str:
    flags = set(facts.get("Flags", facts.get("Features", "")).split())
    parts = [
        *(facts.get(key, "") for key in ("Model name", "Architecture")),
        f"{facts.get('CPU(s)', '?')} CPUs",
        *(f"{level} {facts.get(f'{level} cache', '?')}" for level in _CACHES),
        " ".join(flag for flag in _FLAGS if flag in flags),
    ]
    return ", ".join(part.strip() for part in parts if part)


def versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def load_average() -> float:
    return os.getloadavg()[0]
