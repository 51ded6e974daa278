"""Constraints: what may be drawn, as a mask over one attribute, given what is drawn and what sounds.

All steering is this one mechanism: key lock, range, voices, polyphony, grid. A constraint sees the next
rows as far as they are drawn (`target`, model rows (B, WIDTH)) and the past (`tracker`), and returns which
values of its attribute are allowed: bool, (V,) or (B, V).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..errors import SettingsError
from ..events import attributes as at
from ..events.derived import ModelRows, Tracker

Mask = npt.NDArray[np.bool_]

_SHIFTS = at.ATTRIBUTES[at.SHIFT].outputs
_TICKS = np.arange(at.LONGEST_SHIFT)


class Constraint(Protocol):
    """A mask on one attribute."""

    @property
    def attribute(self) -> int:
        """Which attribute: SHIFT, INSTRUMENT, …"""

    def allowed(self, target: ModelRows, tracker: Tracker) -> Mask:
        """Which values may be drawn."""


@dataclass(frozen=True)
class PitchSet:
    """Only these pitches, for everything but drums: a range, a key, or both."""

    pitches: frozenset[int]
    attribute: int = at.PITCH

    def __post_init__(self) -> None:
        if not self.pitches & set(range(128)):
            raise SettingsError("The key and the range leave no pitch to play: widen the range.")

    def allowed(self, target: ModelRows, tracker: Tracker) -> Mask:
        mask = np.isin(np.arange(128), list(self.pitches))
        drums = target[:, at.INSTRUMENT] == at.DRUM_INSTRUMENT
        result: Mask = mask | drums[:, None]
        return result


@dataclass(frozen=True)
class Instruments:
    """Only these instruments (program * 4 + copy; 512 is drums)."""

    instruments: frozenset[int]
    attribute: int = at.INSTRUMENT

    def __post_init__(self) -> None:
        if not self.instruments & set(range(at.INSTRUMENTS)):
            raise SettingsError("No instrument is left to play: allow at least one.")

    def allowed(self, target: ModelRows, tracker: Tracker) -> Mask:
        return np.isin(np.arange(at.INSTRUMENTS), list(self.instruments))


@dataclass(frozen=True)
class Polyphony:
    """At most `voices` notes sound together: the next one waits until one has ended."""

    voices: int
    attribute: int = at.SHIFT

    def __post_init__(self) -> None:
        if self.voices < 1:
            raise SettingsError(f"The polyphony is {self.voices}; it must be at least 1.")

    def allowed(self, target: ModelRows, tracker: Tracker) -> Mask:
        mask = np.ones((len(target), _SHIFTS), np.bool_)
        for row, now in enumerate(tracker.now):
            mask[row, : at.LONGEST_SHIFT] = tracker.sounding(now + _TICKS)[row] < self.voices
        return mask


@dataclass(frozen=True)
class Grid:
    """Onsets only every `ticks` (24 a quarter), counted from the start of the piece."""

    ticks: int
    attribute: int = at.SHIFT

    def __post_init__(self) -> None:
        if not 1 <= self.ticks <= at.LONGEST_SHIFT or at.LONGEST_SHIFT % self.ticks:
            raise SettingsError(f"The grid of {self.ticks} ticks does not divide a whole note ({at.LONGEST_SHIFT}).")

    def allowed(self, target: ModelRows, tracker: Tracker) -> Mask:
        mask = np.ones((len(target), _SHIFTS), np.bool_)
        mask[:, : at.LONGEST_SHIFT] = (tracker.now[:, None] + _TICKS) % self.ticks == 0
        return mask


@dataclass(frozen=True)
class Span:
    """The music begins at tick `start` or later, goes on, and is never silent longer than `rest` ticks.

    With `endless` the piece cannot end.
    """

    start: int = 0
    rest: int = 192
    endless: bool = True
    attribute: int = at.SHIFT

    def allowed(self, target: ModelRows, tracker: Tracker) -> Mask:
        now = tracker.now[:, None]
        latest = np.maximum(tracker.silent_from[:, None], self.start) + self.rest
        onset = now + _TICKS
        mask = np.empty((len(target), _SHIFTS), np.bool_)
        mask[:, : at.LONGEST_SHIFT] = (onset >= self.start) & (onset <= np.maximum(latest, now))
        mask[:, at.SKIP_BASE : at.END] = now + at.SKIPS <= latest
        mask[:, at.END] = not self.endless and (now >= self.start).all()
        return mask


@dataclass(frozen=True)
class Longest:
    """No note lasts longer than `ticks`."""

    ticks: int
    attribute: int = at.DURATION

    def allowed(self, target: ModelRows, tracker: Tracker) -> Mask:
        mask = self.ticks >= at.DURATIONS
        return mask if mask.any() else np.arange(len(at.DURATIONS)) == 0


@dataclass(frozen=True)
class InOrder:
    """Notes that begin together come by instrument, then pitch, as the codec writes them; none is doubled.

    One of these on each of INSTRUMENT and PITCH.
    """

    attribute: int

    def allowed(self, target: ModelRows, tracker: Tracker) -> Mask:
        instrument, pitch = tracker.last_note
        together = (target[:, at.SHIFT] == 0) & (instrument >= 0)
        if self.attribute == at.INSTRUMENT:
            floor = np.where(together, instrument + (pitch >= 127), 0)
        else:
            together &= target[:, at.INSTRUMENT] == instrument
            floor = np.where(together, pitch + 1, 0)
        outputs = at.ATTRIBUTES[self.attribute].outputs
        mask: Mask = np.arange(outputs) >= floor[:, None]
        return mask


def combine(constraints: tuple[Constraint, ...], attribute: int, target: ModelRows, tracker: Tracker) -> Mask | None:
    """The values that all constraints on `attribute` allow (B, V), or None where there is no constraint.

    Where together they would leave nothing, the later ones yield: the list is in order of importance.
    """
    mask: Mask | None = None
    for constraint in constraints:
        if constraint.attribute == attribute:
            new = np.broadcast_to(constraint.allowed(target, tracker), (len(target), at.ATTRIBUTES[attribute].outputs))
            both = new if mask is None else mask & new
            mask = both if mask is None else np.where(both.any(1, keepdims=True), both, mask)
    return mask
