"""Says what a figure was measured on and with, and times contenders fairly. Knows nothing of what is measured."""

from __future__ import annotations

import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
    module = Path(sys.argv[0]).stem
    print(f"date      {date.today().isoformat()}")
    print(f"machine   {machine()}")
    print(f"command   {shlex.join(['python', '-m', f'benchmarks.{module}', *sys.argv[1:]])}")
    print(f"versions  {versions(*packages)}\n")


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
