"""How far from the master's beat a follower of MIDI clock is, in milliseconds.

    python -m benchmarks.follow [--seeds N]

A master made here sends F8 with ±3 ms of uniform jitter; the follower gets the messages at their jittered times. Every
tick it is asked how far it is from the truth at that moment ("now"), and how far a note would be from the truth that it
plans 100 ms ahead ("ahead"): |its time of the tick that truly comes 100 ms later − that time|. Two peers hear the same
messages: `last`, which takes the last F8 and the last interval for true, and `mean24`, which takes the last F8 and the
mean of the last 24 intervals. After a start and a continue, the first beat (24 ticks) is left out for all three, and
shown in a row of its own. The truth is the ramp or the constant tempo itself, in double precision.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musegen.live.follow import FollowedClock
from musegen.live.timeline import Timeline

from .machine import print_header

JITTER = 3e-3  # seconds, either way
AHEAD = 0.1  # seconds
BAR = 96  # ticks
SETTLED = 24  # ticks after a start that are shown apart
Array = NDArray[np.float64]
Errors = dict[str, list[tuple[float, float]]]


class Master(NamedTuple):
    """What a master sends: (arrival, message) in order; `runs` are (first tick, true times of the ticks)."""

    messages: list[tuple[float, bytes]]
    runs: list[tuple[int, Array]]


class Naive:
    """A peer: the last F8 is the truth, and the tempo is the mean of the last `window` intervals."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.arrivals: list[float] = []
        self.next = 0

    def hear(self, time: float, message: bytes) -> None:
        """Count F8 from the start; after a continue the intervals begin anew."""
        if message == b"\xf8":
            self.arrivals.append(time)
            self.next += 1
        elif message == b"\xfa":
            self.arrivals, self.next = [], 0
        elif message == b"\xfb":
            self.arrivals = []

    def time(self, tick: float) -> float:
        """When `tick` is."""
        recent = self.arrivals[-self.window - 1 :]
        period = (recent[-1] - recent[0]) / max(1, len(recent) - 1) or 0.5 / 24
        return recent[-1] + (tick - (self.next - 1)) * period


def times(qpm: Array, start: float) -> Array:
    """True times of ticks whose tempos are `qpm`."""
    return start + np.concatenate([[0.0], np.cumsum(60 / qpm / 24)])


def constant(bars: int) -> Array:
    """120 quarter notes a minute."""
    return np.full(bars * BAR, 120.0)


def ramp() -> Array:
    """Four bars of 90, a straight ramp to 140 over eight bars, four bars of 140."""
    return np.concatenate([np.full(4 * BAR, 90.0), np.linspace(90, 140, 8 * BAR), np.full(4 * BAR, 140.0)])


def leap() -> Array:
    """Four bars of 90, then at once eight of 120."""
    return np.concatenate([np.full(4 * BAR, 90.0), np.full(8 * BAR, 120.0)])


def master(runs: list[Array], rng: np.random.Generator, dropped: float = 0.0) -> Master:
    """Sends the `runs` of tempos with a stop of 1.3 s between them."""
    messages: list[tuple[float, bytes]] = []
    truth = []
    start, tick = 1.0, 0
    for qpm in runs:
        true = times(qpm, start)
        messages.append((start - 0.004, b"\xfb" if tick else b"\xfa"))
        arrivals = true + rng.uniform(-JITTER, JITTER, len(true))
        kept = (rng.random(len(true)) >= dropped) | (np.arange(len(true)) == 0)
        messages += [(float(t), b"\xf8") for t in np.sort(arrivals[kept])]
        messages.append((float(true[-1]) + 0.005, b"\xfc"))
        truth.append((tick, true))
        start, tick = float(true[-1]) + 1.3, tick + len(true)
    return Master(messages, truth)


def errors(sent: Master, follower: FollowedClock | Naive) -> Iterator[tuple[int, int, float, float]]:
    """(run, tick in the run, error now, error ahead) in milliseconds after every F8 that was heard."""
    run, waiting = -1, iter(sent.messages)
    for at, message in waiting:
        follower.hear(at, message)
        if message in (b"\xfa", b"\xfb"):
            run += 1
        if message != b"\xf8":
            continue
        first, true = sent.runs[run]
        places = first + np.arange(len(true), dtype=float)
        now, later = np.interp([at, at + AHEAD], true, places)
        if at + AHEAD < true[-1] and at > true[0]:
            error, ahead = (abs(follower.time(p) - t) * 1e3 for p, t in ((now, at), (later, at + AHEAD)))
            yield run, int(now - first), error, ahead


def follow(sent: Master) -> dict[str, list[tuple[int, int, float, float]]]:
    """The errors of all followers, who hear the same."""
    contenders: dict[str, FollowedClock | Naive] = {
        "musegen": FollowedClock(Timeline()),
        "last": Naive(1),
        "mean24": Naive(24),
    }
    return {name: list(errors(sent, follower)) for name, follower in contenders.items()}


def show(case: str, found: Errors) -> None:
    """One row per follower: p50, p99 and maximum of both errors, and how many times ours the p99 ahead is."""
    ours = None
    for name, rows in found.items():
        table = np.array(rows)
        now, ahead = (np.percentile(table[:, column], [50, 99, 100]) for column in (0, 1))
        ours = ours or ahead[1]
        cells = " ".join(f"{value:8.2f}" for value in (*now, *ahead))
        print(f"{case:26s} {name:8s} {cells} {ahead[1] / ours:7.1f} {len(table):8d}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="masters of each kind (default 10)")
    seeds = parser.parse_args().seeds
    print_header("numpy")
    print(f"{'':35s} {'now, ms':^26s} {'100 ms ahead, ms':^26s}")
    heads = ("p50", "p99", "max", "p50", "p99", "max")
    print(f"{'master':26s} {'follower':8s} {' '.join(f'{h:>8s}' for h in heads)} {'ratio':>7s} {'ticks':>8s}")
    cases = {
        "constant 120": ([constant(32)], 0.0),
        "ramp 90-140 in 8 bars": ([ramp()], 0.0),
        "leap 90-120": ([leap()], 0.0),
        "stop and continue": ([constant(8), constant(8)], 0.0),
        "2% of ticks lost": ([constant(32)], 0.02),
        "ramp, 2% of ticks lost": ([ramp()], 0.02),
    }
    for case, (runs, dropped) in cases.items():
        settled, first = measure(runs, dropped, seeds)
        show(case, settled)
        if not dropped and not case.startswith("ramp"):
            show("  its first beat", first)


def measure(runs: list[Array], dropped: float, seeds: int) -> tuple[Errors, Errors]:
    """The errors in the last of `runs`, all seeds together: those after the first beat, and those in it."""
    settled: Errors = defaultdict(list)
    first: Errors = defaultdict(list)
    for seed in range(seeds):
        for name, rows in follow(master(runs, np.random.default_rng(seed), dropped)).items():
            for run, tick, now, ahead in rows:
                if run == len(runs) - 1:
                    (first if tick < SETTLED else settled)[name].append((now, ahead))
    return settled, first


if __name__ == "__main__":
    main()
