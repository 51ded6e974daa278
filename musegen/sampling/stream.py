"""An endless stream of notes from a checkpoint: the continuation of `batch`, note by note, for scripts.

A jam listens as well and has `improviser` instead.

`Stream` is data and can be sent to another process; `open` there loads the engine and begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..engine.base import Engine, load
from ..events.codec import Decoder, TimedNote
from .continuation import Continuation
from .plan import Plan


@dataclass(frozen=True, eq=False)
class Stream:
    """Plays on from `plan` with a checkpoint (a folder or a shipped name)."""

    checkpoint: str
    plan: Plan

    def open(self) -> Iterator[TimedNote]:
        """The notes, in order, without end. Tick 0 is the bar line where the new music begins."""
        return notes(load(self.checkpoint), self.plan)


def notes(engine: Engine, plan: Plan) -> Iterator[TimedNote]:
    """The endless continuation of `plan` by `engine`, note by note."""
    generator = np.random.default_rng([plan.seed_number, 0])
    music = Continuation(
        engine, plan.prompt(engine.styles), plan.seed.meters, plan.settings, plan.constraints(), [generator]
    )
    decoder = Decoder(int(music.tracker.now[0]) - plan.origin)
    while True:
        note = decoder.push(music.next()[0, :5].astype(np.int16))
        if note is not None:
            yield note
