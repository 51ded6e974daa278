"""Constraints: what may be drawn, and what had better be, given what is drawn and what sounds.

All steering is this one mechanism: key lock, range, voices, polyphony, grid; density, register and loudness are in
`biases`. A constraint sees the next rows as far as they are drawn (`target`, model rows (B, WIDTH)) and the past
(`tracker`, whose ticks count from the start of the piece), and weighs the values of its attribute, (1, V) for all
rows or (B, V): a mask (bool), or a bias (finite floats) that is added to the model's log-probabilities.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import SettingsError
from ..events import attributes as at
from ..events.derived import ModelRows, Tracker

Mask = npt.NDArray[np.bool_]
Bias = npt.NDArray[np.float32]

_SHIFTS = at.ATTRIBUTES[at.SHIFT].outputs
_TICKS = np.arange(at.LONGEST_SHIFT)
_PASSED = np.concatenate([_TICKS, at.SKIPS, [0]])  # ticks that pass at each shift
_ANY_PITCH, _ANY_INSTRUMENT = frozenset(range(128)), frozenset(range(at.INSTRUMENTS))
_VALUES = [np.arange(a.outputs) for a in at.ATTRIBUTES]
_ONSETS = np.concatenate([_TICKS, np.full(len(at.SKIPS) + 1, 2**40)])  # … until the next note, if it has one


class Constraint(Protocol):
    """A mask or a bias on one attribute."""

    @property
    def attribute(self) -> int:
        """Which attribute: SHIFT, INSTRUMENT, …"""

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask | Bias:
        """Which values may be drawn, or what is added to their log-probabilities."""


@dataclass(frozen=True)
class PitchSet:
    """Only these pitches: a range, a key, or both; and of drums only the keys `drums`."""

    pitches: frozenset[int]
    drums: frozenset[int] = _ANY_PITCH
    attribute: int = at.PITCH

    def __post_init__(self) -> None:
        if self.pitches.isdisjoint(range(128)):
            raise SettingsError("The key and the range leave no pitch to play: widen the range.")

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        tuned = target[:, at.INSTRUMENT, None] != at.DRUM_INSTRUMENT
        return np.where(tuned, _among(self.pitches, 128), _among(self.drums, 128))


@dataclass(frozen=True)
class Instruments:
    """Only these instruments (program * 4 + copy; 512 is drums)."""

    instruments: frozenset[int]
    attribute: int = at.INSTRUMENT

    def __post_init__(self) -> None:
        if self.instruments.isdisjoint(range(at.INSTRUMENTS)):
            raise SettingsError("No instrument is left to play: allow at least one.")

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        return _among(self.instruments, at.INSTRUMENTS)


@dataclass(frozen=True)
class Polyphony:
    """At most `voices` notes sound together: the next one waits until one has ended."""

    voices: int
    attribute: int = at.SHIFT

    def __post_init__(self) -> None:
        if self.voices < 1:
            raise SettingsError(f"The polyphony is {self.voices}; it must be at least 1.")

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        return tracker.fewer(self.voices, _ONSETS)


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
        now = tracker.now
        latest = np.maximum(tracker.silent_from, self.start) + self.rest
        mask: Mask = np.maximum(latest - now, 0)[:, None] >= _PASSED
        mask &= (self.start - now)[:, None] <= _ONSETS
        mask[:, at.END] = not self.endless and (now >= self.start).all()
        return mask


@dataclass(frozen=True)
class Longest:
    """No note lasts longer than `ticks`."""

    ticks: int
    attribute: int = at.DURATION

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        return (max(self.ticks, at.DURATIONS[0]) >= at.DURATIONS)[None]  # type: ignore[no-any-return]


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
        mask: Mask = _VALUES[at.SHIFT] == shift[:, None]
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
        return _among(frozenset({self.value}), at.ATTRIBUTES[self.attribute].outputs)


@dataclass(frozen=True)
class InOrder:
    """Notes that begin together come by instrument, then pitch, as the codec writes them; none is doubled.

    One of these on each of SHIFT, INSTRUMENT and PITCH, as `in_order` makes them. `top` is the highest pitch that
    may be played, `top_drum` the highest key of drums and `last` the last instrument: above them no note can join those
    that begin together.
    """

    attribute: int
    top: int = 127
    last: int = at.DRUM_INSTRUMENT
    top_drum: int = 127

    def bias(self, target: ModelRows, tracker: Tracker) -> Mask:
        instrument, pitch = tracker.last_note
        together = target[:, at.SHIFT] == 0
        if self.attribute == at.PITCH:
            floor = (together & (target[:, at.INSTRUMENT] == instrument)) * (pitch + 1)
        else:
            full = pitch >= np.where(instrument == at.DRUM_INSTRUMENT, self.top_drum, self.top)
            if self.attribute == at.INSTRUMENT:
                floor = together * (instrument + full)
            else:  # a later instrument than the last is somebody else's, whom every note may join
                floor = full & (instrument == self.last)
        return _VALUES[self.attribute] >= floor[:, None]  # type: ignore[no-any-return]


def in_order(constraints: tuple[Constraint, ...]) -> tuple[InOrder, ...]:
    """What keeps notes that begin together in order under `constraints`, which come before it."""
    pitches, drums, instruments = _ANY_PITCH, _ANY_PITCH, _ANY_INSTRUMENT
    for constraint in constraints:
        if isinstance(constraint, PitchSet):
            pitches, drums = pitches & constraint.pitches or pitches, drums & constraint.drums or drums
        elif isinstance(constraint, Instruments):
            instruments = instruments & constraint.instruments or instruments
        elif isinstance(constraint, Only):
            if constraint.attribute == at.PITCH:
                pitches = pitches & {constraint.value} or pitches
            elif constraint.attribute == at.INSTRUMENT:
                instruments = instruments & {constraint.value} or instruments
    top, last, top_drum = max(pitches), max(instruments), max(drums)
    return tuple(InOrder(attribute, top, last, top_drum) for attribute in (at.SHIFT, at.INSTRUMENT, at.PITCH))


@lru_cache(256)  # of what a jam asks for, which is made anew for every note
def _among(values: frozenset[int], count: int) -> Mask:
    """Which of 0 … `count` - 1 are `values`: (1, count), not to be written to."""
    mask = np.isin(np.arange(count), list(values))[None]
    mask.flags.writeable = False
    return mask


def combine(
    constraints: Iterable[Constraint], attribute: int, target: ModelRows, tracker: Tracker
) -> tuple[Mask | None, Bias | None]:
    """What may be drawn of `attribute` and the sum of all biases, each (1, V) or (B, V), or None where there is none.

    Where the masks together would leave nothing, the later ones yield: the list is in order of importance.
    """
    masks: list[Mask] = []
    total: Bias | None = None
    for constraint in constraints:
        if constraint.attribute == attribute:
            new: npt.NDArray[Any] = constraint.bias(target, tracker)
            if new.dtype == np.bool_:
                masks.append(new)
            else:
                total = new if total is None else total + new
    return (_common(masks) if masks else None), total


def _common(masks: list[Mask]) -> Mask:
    common = masks[0]
    for mask in masks[1:]:
        common = common & mask
    if common.any(1).all():
        return common
    common = np.ones((1, 1), np.bool_)
    for mask in masks:
        both = common & mask
        common = np.where(both.any(1, keepdims=True), both, common)
    return common
