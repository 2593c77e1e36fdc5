# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Everybody who takes part: first the machine's limits, then we, then the peers."""

from __future__ import annotations

import ggml
import iree_peer
import onednn
import onnxruntime_peer
import openblas
import openvino_peer
import references
import stamp_contenders
from contender import Contender, Reference


def all_contenders() -> list[Contender]:
    return [
        *stamp_contenders.contenders(),
        *openblas.contenders(),
        *onednn.contenders(),
        *onnxruntime_peer.contenders(),
        *ggml.contenders(),
        *openvino_peer.contenders(),
        *iree_peer.contenders(),
    ]


def find(name: str) -> Contender | Reference:
    for entrant in [*references.references(), *all_contenders()]:
        if entrant.name == name:
            return entrant
    raise KeyError(f"nobody is called '{name}'")
