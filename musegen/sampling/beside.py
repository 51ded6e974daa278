"""What filling a hole needs beside the sampler: a tracker that hears the kept notes as their time comes, and limits.

Knows nothing of networks or pieces. Ticks count from the start of the piece, 24 a quarter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events import derived
from ..events.codec import Rows, shift_ticks
from ..events.derived import ModelRows, Tracker
from ..piece import Meter
from .constraints import Mask

_Ints = npt.NDArray[np.int64]
_SHIFTS = at.ATTRIBUTES[at.SHIFT].outputs
_TICKS = np.arange(at.LONGEST_SHIFT)


class Notes(NamedTuple):
    """Notes as event rows (N, 5) whose shifts mean nothing, and the ticks (N,) at which they begin, in order."""

    rows: Rows
    now: _Ints

    def joined(self, other: Notes) -> Notes:
        """These and `other`, in the codec's order."""
        rows, now = np.concatenate([self.rows, other.rows]), np.concatenate([self.now, other.now])
        order = np.lexsort((rows[:, at.PITCH], rows[:, at.INSTRUMENT], now))
        return Notes(rows[order], now[order])

    def where(self, mask: npt.NDArray[np.bool_]) -> Notes:
        """Those at `mask` (N,)."""
        return Notes(self.rows[mask], self.now[mask])


class HoleTracker(Tracker):
    """The derived columns of one sequence of hole rows from tick `start` on, as `events.holes.permute` has them.

    Kept notes count as soon as a row happens at or after them. `last_note` is the hole's own, for the kept ones that
    begin with it have no say in its order.
    """

    def __init__(self, meters: tuple[Meter, ...], kept: Notes, start: int, style: int = at.STYLE_TAGS) -> None:
        super().__init__(1, meters)
        self._begun[:, derived.STYLE] = style
        self._kept, self._next = kept, 0
        self._ends = derived.ends(kept.rows, kept.now)
        self._own: list[tuple[int, int, int, int]] = []  # onset, end, instrument, pitch
        self._latest = (-1, -1)
        self.now[:] = start
        self._hear(start)

    def peek(self, shift: npt.NDArray[np.int16]) -> ModelRows:
        self._hear(int(self.now[0] + shift_ticks(shift)[0]))
        return super().peek(shift)

    def accept(self, rows: ModelRows) -> None:
        super().accept(rows)
        self._latest = (-1, -1)
        if at.is_note(rows)[0]:
            instrument, pitch, onset = (int(rows[0, c]) for c in (at.INSTRUMENT, at.PITCH, derived.TIME))
            self._latest = instrument, pitch
            self._own.append((onset, onset + int(at.DURATIONS[rows[0, at.DURATION]]), instrument, pitch))

    @property
    def last_note(self) -> tuple[_Ints, _Ints]:
        return np.array([self._latest[0]]), np.array([self._latest[1]])

    def fewer(self, voices: int, wait: _Ints) -> npt.NDArray[np.bool_]:
        """Whether fewer than `voices` notes, kept or filled in, sound after `wait` (V,) ticks: (1, V)."""
        return self._alive(self.now + wait)[1].sum(axis=0)[None] < voices  # type: ignore[no-any-return]

    def sounding_of(self, instrument: int, ticks: _Ints) -> _Ints:
        """How many notes of `instrument` sound at each of `ticks` (V,)."""
        of, alive = self._alive(ticks)
        return alive[of == instrument].sum(axis=0)  # type: ignore[no-any-return]

    def _alive(self, ticks: _Ints) -> tuple[_Ints, npt.NDArray[np.bool_]]:
        """The instrument (N,) of every note, and whether it sounds at each of `ticks`: (N, V)."""
        own = np.array(self._own, np.int64).reshape(-1, 4)
        onset, end = np.concatenate([self._kept.now, own[:, 0]]), np.concatenate([self._ends, own[:, 1]])
        instrument = np.concatenate([self._kept.rows[:, at.INSTRUMENT], own[:, 2]])
        return instrument, (onset[:, None] <= ticks) & (end[:, None] > ticks)

    def pitches(self, instrument: int, tick: int) -> list[int]:
        """What `instrument` sounds at `tick`."""
        kept = self._kept.rows
        alive = (self._kept.now <= tick) & (self._ends > tick) & (kept[:, at.INSTRUMENT] == instrument)
        own = [p for onset, end, i, p in self._own if i == instrument and onset <= tick < end]
        return [*map(int, kept[alive, at.PITCH]), *own]

    def _hear(self, tick: int) -> None:
        """Take in the kept notes that begin until `tick`."""
        now = self.now.copy()
        while self._next < len(self._kept.now) and self._kept.now[self._next] <= tick:
            row = np.zeros((1, derived.WIDTH), np.int32)
            row[0, :5], row[0, derived.TIME] = self._kept.rows[self._next], self._kept.now[self._next]
            super().accept(row)
            self._next += 1
        self.now = now


@dataclass(frozen=True)
class Within:
    """Onsets before `end`, and if there is a `rest` no longer silence than that. The hole may be over if `may_end`.

    `apart`: the next note cannot begin together with the last one, which comes after it in the codec's order.
    """

    start: int
    end: int
    rest: int | None = None
    may_end: bool = True
    apart: bool = False
    attribute: int = at.SHIFT

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        now = int(tracker.now[0])
        latest = self.end - 1
        if self.rest is not None:
            latest = min(latest, max(int(tracker.silent_from[0]), self.start, now) + self.rest)
        mask = np.zeros((1, _SHIFTS), np.bool_)
        mask[0, : at.LONGEST_SHIFT] = now + _TICKS <= latest
        mask[0, at.SKIP_BASE : at.END] = now + at.SKIPS <= latest
        mask[0, at.END] = self.may_end and latest >= self.end - 1
        if self.apart and now < latest:
            mask[0, 0] &= int(tracker.last_note[0][0]) < 0
        return mask


@dataclass(frozen=True)
class Unsounding:
    """No pitch that its instrument still sounds: one key cannot be pressed twice, and a file could not say it."""

    attribute: int = at.PITCH

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        assert isinstance(tracker, HoleTracker)
        sounding = tracker.pitches(int(target[0, at.INSTRUMENT]), int(target[0, derived.TIME]))
        return ~np.isin(np.arange(128), sounding)[None]


@dataclass(frozen=True)
class AtOnce:
    """No instrument sounds more notes at once than it may: `most` has (instrument, notes). One on SHIFT, one on
    INSTRUMENT."""

    most: tuple[tuple[int, int], ...]
    attribute: int

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        assert isinstance(tracker, HoleTracker)
        now = tracker.now + _TICKS if self.attribute == at.SHIFT else target[:, derived.TIME].astype(np.int64)
        free = np.array([tracker.sounding_of(instrument, now) < most for instrument, most in self.most])
        mask = np.ones((1, at.ATTRIBUTES[self.attribute].outputs), np.bool_)
        if self.attribute == at.SHIFT:
            mask[0, : at.LONGEST_SHIFT] = free.any(axis=0)
            # Who may begin together with the last note comes after it in the codec's order.
            later = np.array([instrument for instrument, _ in self.most]) >= tracker.last_note[0]
            mask[0, 0] = (free[:, 0] & later).any()
        else:
            mask[0, [instrument for instrument, _ in self.most]] = free[:, 0]
        return mask
