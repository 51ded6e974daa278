"""Notices that the model has got stuck in a pattern, and leads it out.

A network that has played the same bar for a minute is ever surer that it goes on: left alone, endless music ends in a
loop. When a short pattern has gone round too often, the pitches with which it would go on are made unlikely for a few
notes, so that the model's next best idea comes in. Loops that a player asks for are not judged here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events import derived
from ..events.derived import ModelRows, Tracker
from .constraints import Bias
from .duet import Played

LONGEST = 100  # notes of a pattern: sixteen bars of a jig
PHRASE = 24  # longer ones are phrases, which …
THRICE = 3  # … may come three times: in 428 tunes that no model learnt from none went on as a fourth time would
ROUNDS = 4  # how often a shorter one must have gone round …
LEAST = 40  # … and for how many notes at least: bands of real music do repeat a bar a few times
NEARLY = 0.1  # the share of a round that may differ: a sure network varies a note or two and is as stuck
WAY_OUT = 8  # notes at least during which its continuation is unlikely, …
SHARE = 0.5  # … and so much of the pattern: a network whose memory is full of it soon finds back
UNLIKELY = -8.0  # nats

_LENGTHS = np.arange(1, LONGEST + 1)
_NEEDED = np.maximum(LEAST, np.where(_LENGTHS > PHRASE, THRICE, ROUNDS) * _LENGTHS)
_COMPARED = _NEEDED - _LENGTHS  # notes, each with the one a pattern's length before it
_OTHERS = (NEARLY * np.maximum(LEAST, _LENGTHS)).astype(np.int64)
_AWAY = np.maximum(WAY_OUT, SHARE * _LENGTHS).astype(np.int64)
KEPT = int(_NEEDED.max() + _AWAY.max())
"""So many notes decide."""

_ROOM = 4 * KEPT
_FREE = np.zeros((1, 1), np.float32)
_PITCHES = np.arange(128)

_Ints = npt.NDArray[np.int64]


class WayOut:
    """A constraint that holds the next note of a pattern that went round too often against B sequences, drums apart.

    It is told what they play (`hear`) and is a function of their latest KEPT notes alone.
    """

    attribute: int = at.PITCH

    def __init__(self, batch: int) -> None:
        self._heard = np.zeros(batch, np.int64)  # notes, of those that are kept
        self._onset = np.full(batch, -(2**20), np.int64)  # of the last note
        # Of each note, after LONGEST that equal none, what it is: instrument, pitch and ticks since the one before.
        self._steps = np.full((batch, LONGEST + _ROOM), -1, np.int64)
        self._changes = np.zeros((batch, _ROOM + 1, LONGEST), np.int32)
        """How many of the first n notes are not as those so much (by length of a pattern) before them."""
        self._lengths = np.zeros((batch, _ROOM + 1), np.int64)
        """Of the pattern that had gone round too often with the n-th note; 0: none."""
        self._noticed = np.zeros((batch, _ROOM + 1), np.int64)
        """With which of the first n notes, the latest, a pattern had done so; 0: with none."""

    @classmethod
    def after(cls, notes: Sequence[Played]) -> WayOut:
        """For one sequence that has played `notes`."""
        found, notes = cls(1), notes[-KEPT - 1 :]
        if not notes:
            return found
        onset = np.array([n.onset for n in notes], np.int64)
        sound = np.array([n.instrument * 128 + n.pitch for n in notes], np.int64)
        found._steps[0, LONGEST : LONGEST + len(notes)] = _steps(np.diff(onset, prepend=-(2**20)), sound)
        found._heard[:] = len(notes)
        around = np.lib.stride_tricks.sliding_window_view(found._steps[0, : LONGEST + len(notes)], LONGEST + 1)
        np.cumsum(around[:, -2::-1] != around[:, -1:], axis=0, out=found._changes[0, 1 : len(notes) + 1])
        last = np.arange(max(0, len(notes) - _AWAY[-1]), len(notes)) + 1
        found._lengths[0, last] = found._gone_round(np.zeros(len(last), np.int64), last)
        found._noticed[0, last] = np.maximum.accumulate(np.where(found._lengths[0, last], last, 0))
        return found

    def hear(self, rows: ModelRows) -> None:
        """Model rows (B, WIDTH) were played; those that are no notes pass by."""
        each = np.flatnonzero(at.is_note(rows))
        if self._heard.max() == _ROOM:
            self._forget_oldest()
        now = rows[each, derived.TIME].astype(np.int64)
        sound = rows[each, at.INSTRUMENT].astype(np.int64) * 128 + rows[each, at.PITCH]
        step, n = _steps(now - self._onset[each], sound), self._heard[each]
        self._onset[each], self._heard[each] = now, n + 1
        before = self._steps[each[:, None], LONGEST + n[:, None] - _LENGTHS]
        self._steps[each, LONGEST + n] = step
        self._changes[each, n + 1] = self._changes[each, n] + (before != step[:, None])
        self._lengths[each, n + 1] = length = self._gone_round(each, n + 1)
        self._noticed[each, n + 1] = np.where(length, n + 1, self._noticed[each, n])

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        """Nats (B, 128), or nothing."""
        pitch = self.unlikely()
        if (pitch < 0).all():
            return _FREE
        tuned = target[:, at.INSTRUMENT] != at.DRUM_INSTRUMENT
        return np.where(np.where(tuned, pitch, -1)[:, None] == _PITCHES, np.float32(UNLIKELY), np.float32(0))

    def unlikely(self) -> _Ints:
        """The pitch (B,) that would go on with each sequence's pattern; -1: none."""
        out, each = np.full(len(self._heard), -1, np.int64), np.arange(len(self._heard))
        noticed = self._noticed[each, self._heard]
        length, since = self._lengths[each, noticed], self._heard - noticed
        some = np.flatnonzero((noticed > 0) & (since < _AWAY[length - 1]))
        if len(some):
            length, since = length[some], since[some]
            out[some] = self._steps[some, LONGEST + noticed[some] - length + since % length] % 128
        return out

    def period(self) -> _Ints:
        """How many notes (B,) long the pattern is that has gone round too often up to the last note; 0: none."""
        return self._lengths[np.arange(len(self._heard)), self._heard]

    def _gone_round(self, each: _Ints, n: _Ints) -> _Ints:
        """The least length of a pattern that has gone round too often with the n-th note of sequences `each`; or 0."""
        same = self._steps[each, LONGEST + n - 1] % 128
        before = self._steps[each[:, None], LONGEST + n[:, None] - 1 - _LENGTHS] % 128
        since = np.maximum(n[:, None] - _COMPARED, 0)
        others = self._changes[each, n] - self._changes[each[:, None], since, _LENGTHS - 1]
        found = (n[:, None] > _NEEDED) & (before == same[:, None]) & (others <= _OTHERS)
        return np.where(found.any(1), found.argmax(1) + 1, 0)

    def _forget_oldest(self) -> None:
        for i, n in enumerate(self._heard.tolist()):
            drop = max(0, n - KEPT)
            self._steps[i, : LONGEST + KEPT] = self._steps[i, drop : drop + LONGEST + KEPT]
            for table in (self._changes, self._lengths, self._noticed):
                table[i, : KEPT + 1] = table[i, drop : drop + KEPT + 1]
            self._noticed[i] = np.maximum(self._noticed[i] - drop, 0)
            self._heard[i] = n - drop


def _steps(ticks: _Ints, sound: _Ints) -> _Ints:
    """What a note is beside the one before it: one number, from which % 128 is its pitch."""
    return ticks * (at.INSTRUMENTS * 128) + sound
