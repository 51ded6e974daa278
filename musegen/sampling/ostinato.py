"""Notices that the model has got stuck in a pattern, and leads it out.

A network that has played the same bar for a minute is ever surer that it goes on: left alone, an endless jam ends in a
loop. When a short pattern has gone round too often, the pitches with which it would go on are made unlikely for a few
notes, so that the model's next best idea comes in. Loops that a player asks for are not judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..events import attributes as at
from ..events.derived import ModelRows, Tracker
from .constraints import Bias
from .duet import Played

LONGEST = 100  # notes of a pattern: sixteen bars of a jig
PHRASE = 24  # longer ones are phrases, which …
TWICE = 2  # … come twice, as in AABB, but not a third time
ROUNDS = 4  # how often a shorter one must have gone round …
LEAST = 64  # … and for how many notes at least: bands of real music do repeat a bar a few times
NEARLY = 0.1  # the share of notes that may differ: a sure network varies a note or two and is as stuck
WAY_OUT = 8  # notes during which its continuation is unlikely
UNLIKELY = -8.0  # nats


@dataclass(frozen=True)
class Avoid:
    """This pitch is unlikely, drums apart."""

    pitch: int
    attribute: int = at.PITCH

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        tuned = target[:, at.INSTRUMENT, None] != at.DRUM_INSTRUMENT
        return np.where(tuned & (np.arange(128) == self.pitch), UNLIKELY, 0.0)


def way_out(notes: Sequence[Played]) -> tuple[Avoid, ...]:
    """What to hold against the next note after `notes`, which are one player's; a function of the notes alone."""
    for since in range(min(WAY_OUT, len(notes) - 1)):
        if length := _period(notes, len(notes) - since):
            return (Avoid(notes[len(notes) - since - length + since % length].pitch),)
    return ()


def period(notes: Sequence[Played]) -> int:
    """How many notes long the pattern is that has gone round and round up to the last note; 0: none."""
    return _period(notes, len(notes))


def _period(notes: Sequence[Played], end: int) -> int:
    """The period of the first `end` of `notes`. Most lengths are out at once: the note so far back is another."""
    if end <= LEAST:
        return 0
    back = [n.pitch for n in notes[max(0, end - 1 - LONGEST) : end]][::-1]
    for length in [k for k, pitch in enumerate(back) if k and pitch == back[0]]:
        needed = max(LEAST, (TWICE if length > PHRASE else ROUNDS) * length)
        if end > needed and _goes_round(notes, end, length, needed - length):
            return length
    return 0


def _goes_round(notes: Sequence[Played], end: int, length: int, count: int) -> bool:
    """Whether the last `count` of the first `end` of `notes` are nearly those of `length` before."""
    others = int(NEARLY * count)
    for i in range(end - 1, end - 1 - count, -1):
        if _step(notes, i) != _step(notes, i - length):
            others -= 1
            if others < 0:
                return False
    return True


def _step(notes: Sequence[Played], i: int) -> tuple[int, int, int]:
    note = notes[i]
    return note.onset - notes[i - 1].onset, note.instrument, note.pitch
