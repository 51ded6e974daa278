"""Constraints: what may be drawn, and what had better be, given what is drawn and what sounds.

All steering is this one mechanism: key lock, range, voices, polyphony, grid; density, register and loudness are in
`biases`. A constraint sees the next rows as far as they are drawn (`target`, model rows (B, WIDTH)) and the past
(`tracker`, whose ticks count from the start of the piece), and weighs the values of its attribute, (V,) or (B, V):
a mask (bool), or a bias (float) that is added to the model's log-probabilities; -inf is "not at all".
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
Bias = npt.NDArray[np.float32]

_SHIFTS = at.ATTRIBUTES[at.SHIFT].outputs
_TICKS = np.arange(at.LONGEST_SHIFT)


class Constraint(Protocol):
    """A mask or a bias on one attribute."""

    @property
    def attribute(self) -> int:
        """Which attribute: SHIFT, INSTRUMENT, …"""

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask | Bias:
        """Which values may be drawn, or what is added to their log-probabilities."""


@dataclass(frozen=True)
class PitchSet:
    """Only these pitches, for everything but drums: a range, a key, or both."""

    pitches: frozenset[int]
    attribute: int = at.PITCH

    def __post_init__(self) -> None:
        if not self.pitches & set(range(128)):
            raise SettingsError("The key and the range leave no pitch to play: widen the range.")

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
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

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        return np.isin(np.arange(at.INSTRUMENTS), list(self.instruments))


@dataclass(frozen=True)
class Polyphony:
    """At most `voices` notes sound together: the next one waits until one has ended."""

    voices: int
    attribute: int = at.SHIFT

    def __post_init__(self) -> None:
        if self.voices < 1:
            raise SettingsError(f"The polyphony is {self.voices}; it must be at least 1.")

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
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

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
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

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
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

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        mask = self.ticks >= at.DURATIONS
        return mask if mask.any() else np.arange(len(at.DURATIONS)) == 0


@dataclass(frozen=True)
class At:
    """The next note begins exactly at `tick`, or as soon as possible where that has passed.

    A gap of 96 ticks or more begins with the skips that the codec writes, the longest first.
    """

    tick: int
    attribute: int = at.SHIFT

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        gap = np.maximum(self.tick - tracker.now, 0)
        skip = at.SKIP_BASE + np.searchsorted(at.SKIPS, gap, side="right") - 1
        shift = np.where(gap < at.LONGEST_SHIFT, gap, skip)
        mask: Mask = np.arange(_SHIFTS) == shift[:, None]
        return mask


@dataclass(frozen=True)
class Only:
    """This value of an attribute, and no other."""

    attribute: int
    value: int

    def __post_init__(self) -> None:
        if not 0 <= self.value < at.ATTRIBUTES[self.attribute].outputs:
            raise SettingsError(f"{self.value} is no {at.ATTRIBUTES[self.attribute].name} that can be played.")

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        mask: Mask = np.arange(at.ATTRIBUTES[self.attribute].outputs) == self.value
        return mask


@dataclass(frozen=True)
class InOrder:
    """Notes that begin together come by instrument, then pitch, as the codec writes them; none is doubled.

    One of these on each of SHIFT, INSTRUMENT and PITCH, as `in_order` makes them. `top` is the highest pitch that
    may be played (drums apart) and `last` the last instrument: above them no note can join those that begin together.
    """

    attribute: int
    top: int = 127
    last: int = at.DRUM_INSTRUMENT

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        instrument, pitch = tracker.last_note
        full = pitch >= np.where(instrument == at.DRUM_INSTRUMENT, 127, self.top)
        values = np.arange(at.ATTRIBUTES[self.attribute].outputs)
        if self.attribute == at.SHIFT:
            # A later instrument than the last is somebody else's, whom every note may join.
            return (values > 0) | ~(full & (instrument == self.last))[:, None]  # type: ignore[no-any-return]
        together = (target[:, at.SHIFT] == 0) & (instrument >= 0)
        if self.attribute == at.INSTRUMENT:
            floor = np.where(together, instrument + full, 0)
        else:
            together &= target[:, at.INSTRUMENT] == instrument
            floor = np.where(together, pitch + 1, 0)
        return values >= floor[:, None]


def in_order(constraints: tuple[Constraint, ...]) -> tuple[InOrder, ...]:
    """What keeps notes that begin together in order under `constraints`, which come before it."""
    pitches, instruments = frozenset(range(128)), frozenset(range(at.INSTRUMENTS))
    for constraint in constraints:
        if isinstance(constraint, PitchSet):
            pitches = pitches & constraint.pitches or pitches
        elif isinstance(constraint, Instruments):
            instruments = instruments & constraint.instruments or instruments
        elif isinstance(constraint, Only):
            if constraint.attribute == at.PITCH:
                pitches = pitches & {constraint.value} or pitches
            elif constraint.attribute == at.INSTRUMENT:
                instruments = instruments & {constraint.value} or instruments
    top, last = max(pitches), max(instruments)
    return tuple(InOrder(attribute, top, last) for attribute in (at.SHIFT, at.INSTRUMENT, at.PITCH))


def combine(constraints: tuple[Constraint, ...], attribute: int, target: ModelRows, tracker: Tracker) -> Bias | None:
    """The sum of all biases on `attribute` (B, V), or None where there is no constraint.

    Where together they would leave nothing, the later ones yield: the list is in order of importance.
    """
    total: Bias | None = None
    for constraint in constraints:
        if constraint.attribute == attribute:
            new = constraint.bias(target, tracker)
            weights = np.where(new, np.float32(0), np.float32(-np.inf)) if new.dtype == np.bool_ else new
            if total is None:
                total = np.zeros((len(target), at.ATTRIBUTES[attribute].outputs), np.float32)
            both = total + weights
            total = np.where((both > -np.inf).any(1, keepdims=True), both, total)
    return total
