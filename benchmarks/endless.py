"""Does an endless jam stay the same? Speed and memory at minute 1 and at hour 10, on a clock that does not wait.

    python -m benchmarks.endless [--hours H] [--checkpoint NAME] [--seed FILE]

The whole session (model, performer, stage, scheduler, recorder with its journal) plays in one process on the fake
clock, so ten hours take minutes. A row a measured moment: the model's notes a second of work, the time of one look
at everything (median and worst of the last thousand), and the process's resident memory.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import deque
from pathlib import Path

import numpy as np

from musegen.live.desk import Desk
from musegen.live.own_time import OwnTime
from musegen.live.partner import DirectPartner
from musegen.live.session import Session, Setup
from musegen.live.sources import notes_of
from musegen.live.testing import FakeClock, LoopbackPort, hanging
from musegen.live.timeline import Timeline
from musegen.midi import read_music
from musegen.sampling.duet import Played
from musegen.sampling.improviser import Improvisation
from musegen.sampling.plan import Plan
from musegen.sampling.seeds import find_seed

from .machine import print_header

MINUTE, HOUR = 60.0, 3600.0
LOOK = 0.02  # seconds of music between two looks


class PassingClock(FakeClock):
    """A clock that is told the time but counts as one that runs: the recorder writes its journal as it does live."""

    realtime = True


def main() -> None:
    """Play, and print a row at each moment."""
    args = _arguments()
    print_header("numpy")
    seed = read_music(find_seed(args.seed))
    plan, clock = Plan(seed), PassingClock()
    port, conductor = LoopbackPort(clock), OwnTime(Timeline.after(seed), clock)
    before = tuple(Played(*n._replace(onset=n.onset - plan.origin), 0, True) for n in notes_of(plan.seed))
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(voices=sorted(plan.instruments()), seed=before)
        partner = DirectPartner(Improvisation(args.checkpoint, plan))
        session = Session(partner, port, conductor, clock, Path(folder, "jam.mid"), Desk(), setup)
        print(f"jam       {args.checkpoint} after {find_seed(args.seed).stem}, {args.hours:g} hours\n")
        print(f"{'at':>9}{'notes':>9}{'notes/s':>9}{'look p50':>11}{'p99.9 ms':>10}{'RSS MB':>9}")
        rows = _play(session, port, clock, args.hours)
        first, last = rows[0], rows[-1]
        print(f"\nlast / first: notes/s {last[0] / first[0]:.2f}×, memory {last[1] / first[1]:.2f}×")


def _play(session: Session, port: LoopbackPort, clock: FakeClock, hours: float) -> list[tuple[float, float]]:
    moments = deque(m for m in (MINUTE, 10 * MINUTE, *(h * HOUR for h in range(1, 25))) if m <= hours * HOUR)
    session.performer.prepare()
    session.conductor.start(clock.now())  # type: ignore[attr-defined]
    rows: list[tuple[float, float]] = []
    looks: deque[float] = deque(maxlen=1000)
    kept: list[tuple[float, bytes]] = []
    while moments:
        began = time.perf_counter()
        session._step()
        looks.append(time.perf_counter() - began)
        clock.wait_until(clock.now() + LOOK)
        kept = _sounding([*kept, *port.drain()])
        if clock.now() >= moments[0]:
            at, notes = moments.popleft(), session.performer.notes
            memory = _resident()
            p50, worst = (1000 * float(np.percentile(looks, q)) for q in (50, 99.9))
            speed = session.pace.speed
            print(f"{at / HOUR:8.2f}h{notes:9}{speed:9.0f}{p50:11.3f}{worst:10.2f}{memory:9.1f}", flush=True)
            rows.append((speed, memory))
    session.scheduler.panic()
    clock.wait_until(clock.now() + 1)
    print(f"hanging notes at the receiver: {len(hanging([*kept, *port.drain()]))}")
    session._end()
    return rows


def _sounding(messages: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """The note-ons of what still sounds, so that hours of messages need not be kept."""
    left = hanging(messages)
    return [(0.0, bytes((0x90 | channel, pitch, 64))) for channel, pitch in left]


def _resident() -> float:
    """Resident memory in megabytes: now where the system says it, else the most so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=10.0, help="how long to play (%(default)g)")
    parser.add_argument("--checkpoint", default="default", help="a shipped name or a folder (%(default)s)")
    parser.add_argument("--seed", default="jig", help="a file or a shipped name (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
