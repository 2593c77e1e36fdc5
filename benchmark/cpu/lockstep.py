# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Contenders in processes of their own, of which one runs at a time.

A round lets each contender take one sample, in random order. Between its samples
a process is stopped by SIGSTOP, so that threads which spin for work (every OpenMP
runtime's do) take nothing from the others. And a library that crashes, or that
brings another version of what we bring, harms only itself.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_WORKER = Path(__file__).with_name("worker.py")
_SECONDS_TO_PREPARE = 900
_SECONDS_PER_SAMPLE = 300

# Both slow a current OpenBLAS down; they are set where an old one is broken.
_REMOVED_VARIABLES = "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"


class Failed(Exception):
    """Why a contender does not take part."""


class Worker:
    """`answer` is what its preparation said, `samples` are in seconds."""

    def __init__(
        self,
        name: str,
        folder: Path,
        cpus: Sequence[int],
        environment: dict[str, str],
        log: Path,
    ):
        """Prepares the contender; raises Failed if it cannot take part."""
        self.samples: list[float] = []
        ours, theirs = socket.socketpair()
        variables = os.environ | {
            "OMP_NUM_THREADS": str(len(cpus)),
            "OPENBLAS_NUM_THREADS": str(len(cpus)),
            **environment,
        }
        for variable in _REMOVED_VARIABLES:
            variables.pop(variable, None)
        with log.open("w") as output, theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(_WORKER), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=variables,
            )
        self._socket = ours
        self._channel = ours.makefile("rw")
        request = {"name": name, "folder": str(folder), "cpus": list(cpus)}
        try:
            self.answer = json.loads(
                self._ask(json.dumps(request), _SECONDS_TO_PREPARE)
            )
            if "error" in self.answer:
                raise Failed(self.answer["error"])
        except Failed:
            self.close()
            raise
        self._process.send_signal(signal.SIGSTOP)

    def take_sample(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self.samples.append(float(self._ask("sample", _SECONDS_PER_SAMPLE)))
        self._process.send_signal(signal.SIGSTOP)

    def close(self) -> None:
        self._channel.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _ask(self, request: str, seconds: float) -> str:
        self._socket.settimeout(seconds)
        try:
            print(request, file=self._channel, flush=True)
            answer = self._channel.readline()
        except TimeoutError:
            raise Failed(f"no answer within {seconds} s") from None
        except ConnectionError:
            answer = ""
        if answer:
            return answer
        status = self._process.wait()
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        raise Failed(f"its process ended with {how}")


def run_rounds(
    workers: Sequence[Worker], num_rounds: int, report: Callable[[int], None]
) -> dict[Worker, str]:
    """Returns who dropped out, and why."""
    order = list(workers)
    shuffle = random.Random(1).shuffle
    dropped: dict[Worker, str] = {}
    for number in range(num_rounds):
        report(number)
        shuffle(order)
        for worker in order:
            try:
                worker.take_sample()
            except Failed as failure:
                dropped[worker] = str(failure)
        order = [worker for worker in order if worker not in dropped]
    return dropped


def close_all(workers: Iterable[Worker]) -> None:
    for worker in workers:
        worker.close()
