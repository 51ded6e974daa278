"""Says what a figure was measured on and with, and times contenders fairly. Knows nothing of what is measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from musegen.atomic import write_atomically

DEFAULT_ROUNDS = 7
SHORTEST = 0.1  # seconds a timing must last at least, so that one pause of the machine cannot decide it


def machine() -> str:
    """One line: processor, cores, memory, system and Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions(*packages: str) -> str:
    """The installed versions of `packages`, as `name 1.2, …`."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} absent")
    return ", ".join(found)


def print_header(*packages: str) -> None:
    """Date, machine, command and versions: what every figure needs beside it."""
    for name, value in _circumstances(packages).items():
        print(f"{name:<10}{value}")
    print()


def _circumstances(packages: tuple[str, ...]) -> dict[str, str]:
    module = Path(sys.argv[0]).stem
    return {
        "date": date.today().isoformat(),
        "machine": machine(),
        "command": shlex.join(["python", "-m", f"benchmarks.{module}", *sys.argv[1:]]),
        "versions": versions(*packages),
    }


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option --json FILE, whose value `write_json` takes."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here, for performance.py")


def write_json(
    path: Path | None, figures: Mapping[str, Sequence[Mapping[str, object]]], packages: tuple[str, ...] = ()
) -> None:
    """Write the rows of each figure to `path`, a list of records with what `print_header` says; None writes nothing."""
    if path is None:
        return
    told = _circumstances(packages)
    records = [{"figure": name, **told, "rows": list(rows)} for name, rows in figures.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(records, indent=1, ensure_ascii=False) + "\n").encode())


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int = DEFAULT_ROUNDS) -> dict[str, float]:
    """Median seconds of one call of each contender, all timed in turn in every round.

    A call shorter than SHORTEST is repeated within its turn. One untimed call of each comes first. Taking
    turns means that a slow minute of the machine slows everyone: trust the ratios more than the seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    repeats = {}
    for name, call in contenders.items():
        call()
        start = time.perf_counter()
        call()
        repeats[name] = max(1, round(SHORTEST / max(time.perf_counter() - start, 1e-6)))
    names = list(contenders)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            for _ in range(repeats[name]):
                contenders[name]()
            seconds[name].append((time.perf_counter() - start) / repeats[name])
    return {name: statistics.median(taken) for name, taken in seconds.items()}
