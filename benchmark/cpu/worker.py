# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One contender in a process of its own, which `lockstep.py` lets run and stops.

Reads a request a line, answers each with one. What libraries print goes to this
process's output, not into the answers.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from contender import Prepared, Reference
from layer import Layer
from registry import find

# A sample is the median of the runs that fit into this time, or a single run.
_SECONDS_PER_SAMPLE = 0.02
# A run that is shorter than this meets caches that others have just used, so a
# first one does not count; longer ones fill the caches by themselves.
_SECONDS_COLD = 0.05
# How long threads are watched, to tell those that compute.
_SECONDS_WATCHED = 0.2

_kept: list[object] = []


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1])).makefile("rw")
    request = json.loads(channel.readline())
    try:
        answer, sample = _prepare(request)
    except Exception as error:  # Whatever a peer does wrong is said, not fatal.
        traceback.print_exc()
        words = str(error).strip().splitlines() or [""]
        answer, sample = {"error": f"{type(error).__name__}: {words[0]}"}, None
    print(json.dumps(answer), file=channel, flush=True)
    if sample is None:
        return
    for _ in channel:
        print(sample(), file=channel, flush=True)


def _prepare(request: dict) -> tuple[dict, Callable[[], float] | None]:
    cpus = request["cpus"]
    os.sched_setaffinity(0, cpus)
    layer = Layer.load(Path(request["folder"]))
    entrant = find(request["name"])
    if isinstance(entrant, Reference):
        run, work = entrant.prepare(layer, cpus)
        if work == 0:
            return {"error": "this CPU has no such instruction"}, None
        answer = {"work": work}
    else:
        prepared = entrant.prepare(layer, cpus)
        run = prepared.run
        answer = _check(prepared, layer, entrant.min_sqnr)
        # Libraries keep addresses, not references: what they may point into stays.
        _kept.extend([layer, prepared])
    gc.collect()
    gc.disable()
    # After the preparation, whose copies of the weight go back to the system.
    _keep_freed_memory()
    answer["busy_threads"] = _pin_busy_threads(run, cpus)
    seconds = _time(run)
    num_runs = max(1, min(1000, round(_SECONDS_PER_SAMPLE / seconds)))

    def sample() -> float:
        if seconds < _SECONDS_COLD:
            run()
        return median(_time(run) for _ in range(num_runs))

    return answer, sample


def _check(prepared: Prepared, layer: Layer, min_sqnr: float) -> dict:
    prepared.run()
    sqnr = layer.sqnr(prepared.output())
    # Written so that a NaN fails.
    if not sqnr >= min_sqnr:
        raise ValueError(
            f"its output is wrong: {sqnr:.1f} dB, less than {min_sqnr:.0f}"
        )
    return {"sqnr": sqnr, "kernel": prepared.kernel}


def _time(run: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) * 1e-9


def _keep_freed_memory() -> None:
    """Otherwise an output of some megabytes would be mapped, and its pages zeroed,
    in each run, or not, depending on what was freed before."""
    libc = ctypes.CDLL(None)
    m_trim_threshold, m_mmap_max = -1, -4
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, -1)


def _pin_busy_threads(run: Callable[[], object], cpus: Sequence[int]) -> int:
    """Puts each thread that computes on a CPU of its own; returns their number.

    Threads that wait passively may otherwise wake on one CPU and share it. Who
    computes is seen from the time it takes, so no library's own knobs are needed.
    """
    before = _cpu_seconds()
    start = time.perf_counter()
    while True:
        run()
        elapsed = time.perf_counter() - start
        if elapsed >= _SECONDS_WATCHED:
            break
    spent = {
        thread: seconds - before.get(thread, 0.0)
        for thread, seconds in _cpu_seconds().items()
    }
    busiest = sorted(spent, key=spent.__getitem__, reverse=True)[: len(cpus)]
    most = spent[busiest[0]]
    for thread, cpu in zip(busiest, cpus):
        # A pool that steals work has threads that came too late for it just now.
        if spent[thread] > 0.02 * most:
            os.sched_setaffinity(thread, {cpu})
    return sum(seconds > 0.25 * most for seconds in spent.values())


def _cpu_seconds() -> dict[int, float]:
    seconds = {}
    for task in os.listdir("/proc/self/task"):
        # How Linux numbers the clock of a thread's CPU time (clock_getcpuclockid).
        clock = (~int(task) << 3) | 6
        try:
            seconds[int(task)] = time.clock_gettime(clock)
        except OSError:
            continue  # The thread has ended.
    return seconds


if __name__ == "__main__":
    main()
