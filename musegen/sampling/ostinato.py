"""Notices that the model has got stuck in a pattern, and leads it out.

A network that has played the same bar for a minute is ever surer that it goes on: left alone, endless music ends in a
loop. When a short pattern has gone round too often, the pitches with which it would go on are made unlikely for a few
notes, so that the model's next best idea comes in. Loops that a player asks for are not judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import ne

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events import derived
from ..events.derived import ModelRows, Tracker
from .constraints import Bias
from .duet import Played

LONGEST = 100  # notes of a pattern: sixteen bars of a jig
PHRASE = 24  # longer ones are phrases, which …
THRICE = 3  # … may come three times: of 428 held-out tunes three go on as a fourth time would
ROUNDS = 4  # how often a shorter one must have gone round …
LEAST = 40  # … and for how many notes at least: bands of real music do repeat a bar a few times
NEARLY = 0.1  # the share of a round that may differ: a sure network varies a note or two and is as stuck
WAY_OUT = 8  # notes at least during which its continuation is unlikely, …
SHARE = 0.5  # … and so much of the pattern: a network whose memory is full of it soon finds back
UNLIKELY = -8.0  # nats
SURE = 3  # notes in a row that must be those of the pattern's last round before it is looked at

_NEEDED = [max(LEAST, (THRICE if k > PHRASE else ROUNDS) * k) for k in range(LONGEST + 1)]
_OTHERS = [int(NEARLY * max(LEAST, k)) for k in range(LONGEST + 1)]
_AWAY = [max(WAY_OUT, int(SHARE * k)) for k in range(LONGEST + 1)]
KEPT = max(_NEEDED) + max(_AWAY) + 1
"""So many notes decide."""

_FREE = np.zeros((1, 1), np.float32)
_PITCHES = np.arange(128)
_LONG_AGO = -(2**20)


class WayOut:
    """A constraint that holds the next note of a pattern that went round too often against B sequences, drums apart.

    It is told what they play (`hear`) and is a function of their latest KEPT notes alone.
    """

    attribute: int = at.PITCH

    def __init__(self, batch: int) -> None:
        self._players = [_Player() for _ in range(batch)]

    @classmethod
    def after(cls, notes: Sequence[Played]) -> WayOut:
        """For one sequence that has played `notes`."""
        found, notes = cls(1), notes[-KEPT:]
        for left, note in zip(range(len(notes), 0, -1), notes, strict=True):
            found._players[0].hear(note.onset, note.instrument, note.pitch, judge=left <= max(_AWAY))
        return found

    def hear(self, rows: ModelRows) -> None:
        """Model rows (B, WIDTH) were played; those that are no notes pass by."""
        for player, row in zip(self._players, rows[:, : derived.TIME + 1].tolist(), strict=True):
            if row[at.SHIFT] < at.LONGEST_SHIFT:
                player.hear(row[derived.TIME], row[at.INSTRUMENT], row[at.PITCH])

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        """Nats (B, 128), or nothing."""
        pitches = self.unlikely()
        if max(pitches) < 0:
            return _FREE
        tuned = target[:, at.INSTRUMENT] != at.DRUM_INSTRUMENT
        avoided: npt.NDArray[np.int64] = np.where(tuned, pitches, -1)[:, None]
        return np.where(avoided == _PITCHES, np.float32(UNLIKELY), np.float32(0))

    def unlikely(self) -> list[int]:
        """The pitch that would go on with each sequence's pattern; -1: none."""
        return [player.unlikely() for player in self._players]

    def periods(self) -> list[int]:
        """How many notes long the pattern is that has gone round too often up to each one's last note; 0: none."""
        return [p.length if p.noticed == len(p.steps) else 0 for p in self._players]


class _Player:
    """One sequence: what each note is beside the one before it, as one number, from which % 128 is its pitch."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.noticed, self.length = 0, 0  # with which note, from 1, the latest pattern, and how long that is
        self._onset = _LONG_AGO
        self._ends: dict[tuple[int, ...], list[int]] = {}  # where the same SURE steps have ended

    def hear(self, onset: int, instrument: int, pitch: int, judge: bool = True) -> None:
        self._take((onset - self._onset) * (at.INSTRUMENTS * 128) + instrument * 128 + pitch, judge)
        self._onset = onset
        if len(self.steps) >= 2 * KEPT:
            self._forget_oldest()

    def unlikely(self) -> int:
        since = len(self.steps) - self.noticed
        if not self.noticed or since >= _AWAY[self.length]:
            return -1
        return self.steps[self.noticed - self.length + since % self.length] % 128

    def _take(self, step: int, judge: bool) -> None:
        self.steps.append(step)
        n, ends = len(self.steps), self._ends.setdefault(tuple(self.steps[-SURE:]), [])
        if judge:
            for end in reversed(ends):
                if n - end > LONGEST:
                    break
                if n > _NEEDED[n - end] and self._gone_round(n - end):
                    self.noticed, self.length = n, n - end
                    break
        ends.append(n)

    def _gone_round(self, length: int) -> bool:
        """Whether the latest notes are nearly those of `length` before, for long enough."""
        count = _NEEDED[length] - length
        others = sum(map(ne, self.steps[-count:], self.steps[-count - length : -length]), 0)
        return bool(others <= _OTHERS[length])

    def _forget_oldest(self) -> None:
        """Only the latest KEPT notes are left, and what was noticed among them."""
        kept, noticed, length = self.steps[-KEPT:], self.noticed - len(self.steps) + KEPT, self.length
        self.steps, self._ends = [], {}
        for step in kept:
            self._take(step, False)
        self.noticed, self.length = max(0, noticed), length
