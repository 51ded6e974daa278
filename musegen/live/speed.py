"""How fast a checkpoint plays on this machine, measured as a jam uses it: note by note, in a process of its own.

Knows nothing of ports.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..checkpoint import find
from ..errors import MusegenError
from ..midi import read_music
from ..sampling.cast import maker_of_bars, voices
from ..sampling.improviser import Improvisation
from ..sampling.plan import Plan
from ..sampling.request import Request
from ..sampling.seeds import find_seed
from .loop_back import Spread
from .model_process import ModelProcess
from .pace import DENSE, Pace

NOTES = 256  # as many as `Pace` judges by
LONGEST = 2.0  # seconds, from the first note on
PATIENCE = 15.0  # seconds until the first note


@dataclass(frozen=True)
class Speed:
    """A checkpoint's speed; with `trouble`, why it cannot play, all else is zero.

    `start` until its first note, `commit` and `ahead` as a jam would choose them (`pace.py`): all in seconds.
    """

    checkpoint: str
    trouble: str = ""
    start: float = 0.0
    notes_a_second: float = 0.0
    cost: Spread | None = None
    commit: float = 0.0
    ahead: float = 0.0

    @property
    def spare(self) -> float:
        """How many times the densest music it could play."""
        return self.notes_a_second / DENSE


def speed(checkpoint: str, patience: float = PATIENCE) -> Speed:
    """Measure a folder or shipped name; takes up to `LONGEST` seconds and the start. Never raises."""
    costs: list[float] = []
    try:
        began = time.monotonic()
        with drawing(checkpoint) as model:
            first = 0.0
            while len(costs) < NOTES and not (costs and time.monotonic() - first > LONGEST):
                new = [answer.seconds for answer in model.take()]
                if new and not costs:
                    first = time.monotonic()
                costs += new
                if not costs and time.monotonic() - began > patience:
                    raise MusegenError(f"The checkpoint {checkpoint} drew no note within {patience:g} seconds.")
                time.sleep(0.002)
    except MusegenError as error:
        return Speed(checkpoint, str(error))
    later = costs[1:] or costs  # the first one reads the seed, which belongs to the start
    pace = Pace(later)
    return Speed(checkpoint, "", first - began, pace.speed, Spread.of(later), pace.commit, pace.ahead)


@contextlib.contextmanager
def drawing(checkpoint: str) -> Iterator[ModelProcess]:
    """The checkpoint's model process, drawing as fast as it can. Raises CheckpointError or FileError."""
    plan = Plan(read_music(Path(find_seed(None))))
    shape = maker_of_bars(checkpoint)
    own = sorted(plan.instruments()) if shape is None else voices(shape, plan)
    model = ModelProcess(Improvisation(str(find(checkpoint).resolve()), plan))
    try:
        model.ask(Request(1, 0, voices=tuple(own)))
        model.until(10**9)
        yield model
    finally:
        model.close()
