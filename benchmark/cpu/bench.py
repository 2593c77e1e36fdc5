# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times linear layers: STaMP with and without a transform, and other libraries.

docs/Benchmark.md says how to read what this prints and writes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

import machine
from contender import Contender, Reference
from layer import Layer, Shape
from lockstep import Failed, Worker, close_all, run_rounds
from plot import save_plot
from references import references
from registry import all_contenders
from results import Match, noise
from tables import limits_line, match_table

SHAPES = (
    "2048x4096x4096 2048x4096x14336 4096x1152x4608 1024x1152x1152 256x2048x2048 "
    "512x384x1536 197x768x3072 1x4096x4096 1x4096x14336"
).split()

# The smoke test: two rounds, too few for an interval, and what is there anyway.
_QUICK_SHAPE = "96x64x80"
_QUICK_CONTENDERS = r"^portable|^OpenBLAS"

# Of tables that do not go to a terminal.
_FILE_WIDTH = 150


def main() -> int:
    options = _parse_arguments()
    os.environ["STAMP_BUILD"] = str(options.build.resolve())
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    facts = machine.lscpu()
    load_at_start = machine.load_average()
    console.print(
        f"{machine.summary(facts)}; load average {load_at_start:.2f}", highlight=False
    )
    contenders = [
        contender
        for contender in all_contenders()
        if re.search(options.contenders, contender.name)
    ]
    cpus = sorted(os.sched_getaffinity(0))
    matches = []
    for shape in options.shapes:
        with tempfile.TemporaryDirectory(prefix="stamp-bench-") as name:
            folder = Path(name)
            Layer.make(shape).save(folder)
            for threads in options.threads:
                entrants = [c for c in contenders if c.takes(shape, threads)]
                if not entrants:
                    continue
                # The last ones have the fewest interrupts.
                match = _play(
                    console, shape, cpus[-threads:], entrants, folder, options
                )
                _print_match(console, match)
                matches.append(match)
    if not matches:
        console.print("[red]error:[/] nobody takes part")
        return 1

    document = {
        "machine": {
            "lscpu": facts,
            "versions": machine.versions(),
            "load_average_at_start": load_at_start,
            "load_average_at_end": machine.load_average(),
        },
        "noise": noise(matches),
        "limits": [
            {"shape": str(match.shape), "threads": match.threads, **match.json_limits()}
            for match in matches
        ],
        "skipped": [
            {
                "shape": str(match.shape),
                "threads": match.threads,
                "contender": contender,
                "reason": reason,
            }
            for match in matches
            for contender, reason in match.skipped.items()
        ],
        "rows": [row for match in matches for row in match.rows()],
    }
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "cpu.json").write_text(json.dumps(document, indent=1) + "\n")
    save_plot(matches, options.output / "cpu.svg")
    console.print(
        f"noise: the machine's peak varied by {document['noise']:.1%} within a match; "
        f"written: {options.output / 'cpu.json'}, cpu.svg",
        highlight=False,
    )
    ours = {contender.name for contender in contenders if contender.ours}
    return 1 if any(ours & match.skipped.keys() for match in matches) else 0


def _play(
    console: Console,
    shape: Shape,
    cpus: Sequence[int],
    contenders: Sequence[Contender],
    folder: Path,
    options: argparse.Namespace,
) -> Match:
    match = Match(shape, len(cpus))
    logs = options.output / "logs" / f"{shape}-{len(cpus)}"
    logs.mkdir(parents=True, exist_ok=True)
    workers: dict[Worker, Reference | Contender] = {}
    try:
        with console.status("") as status:
            for entrant in [*references(), *contenders]:
                status.update(f"{match.title}: preparing {escape(entrant.name)}")
                log = logs / f"{entrant.name.replace(' ', '-')}.log"
                environment = getattr(entrant, "environment", {})
                try:
                    worker = Worker(entrant.name, folder, cpus, environment, log)
                    workers[worker] = entrant
                except Failed as failure:
                    match.skipped[entrant.name] = str(failure)
            dropped = run_rounds(
                list(workers),
                options.rounds,
                lambda number: status.update(
                    f"{match.title}: round {number + 1} of {options.rounds}"
                ),
            )
    finally:
        close_all(workers)
    for worker, reason in dropped.items():
        match.skipped[workers.pop(worker).name] = reason
    for worker, entrant in workers.items():
        match.add(entrant, worker.answer, worker.samples)
    return match


def _print_match(console: Console, match: Match) -> None:
    console.print()
    console.print(match_table(match))
    console.print(limits_line(match), highlight=False)
    kernels = (
        f"{timing.name}: {timing.kernel}"
        for timing in match.timings
        if timing.kernel and not timing.contender.ours
    )
    if line := "; ".join(kernels):
        console.print(f"kernels: {escape(line)}", highlight=False)
    for timing in match.timings:
        if timing.busy_threads != match.threads:
            console.print(
                f"[yellow]{escape(timing.name)} kept {timing.busy_threads} threads busy[/]"
            )
    for name, reason in match.skipped.items():
        console.print(
            f"[yellow]without {escape(name)}: {escape(reason)}[/]", highlight=False
        )


def _parse_arguments() -> argparse.Namespace:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=root / "build")
    parser.add_argument(
        "--output",
        type=Path,
        help="receives cpu.json and cpu.svg (default: BUILD/benchmark)",
    )
    parser.add_argument(
        "--shapes",
        nargs="+",
        default=SHAPES,
        metavar="MxKxN",
        help="default: all of the nine",
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument(
        "--contenders", default="", metavar="REGEX", help="only these; default: all"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a tiny layer, two rounds, ours and NumPy only",
    )
    options = parser.parse_args()
    if options.quick:
        options.shapes, options.threads = [_QUICK_SHAPE], [1]
        options.contenders, options.rounds = _QUICK_CONTENDERS, 2
    options.output = options.output or options.build / "benchmark"
    available = len(os.sched_getaffinity(0))
    options.threads = [threads for threads in options.threads if threads <= available]
    try:
        options.shapes = [Shape.parse(str(shape)) for shape in options.shapes]
    except ValueError as error:
        parser.error(str(error))
    try:
        re.compile(options.contenders)
    except re.error:
        parser.error(f"'{options.contenders}' is not a regular expression")
    if options.rounds < 1 or not options.threads or min(options.threads) < 1:
        parser.error(f"--rounds is at least 1, --threads between 1 and {available}")
    return options


if __name__ == "__main__":
    sys.exit(main())
