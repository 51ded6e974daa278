"""Biases: constraints that make some values likelier and others less so, and forbid none (see `constraints`).

Their strengths are in nats (log-probability). Each pulls towards a fixed place rather than always further, so that
an endless jam stays where the knob stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events.derived import METERS, ModelRows, Tracker, bar_position
from ..piece import Meter
from .constraints import Bias
from .keys import scale_around

_TICKS = np.arange(at.LONGEST_SHIFT)
_PITCHES = np.arange(128)
_VELOCITIES = np.arange(at.ATTRIBUTES[at.VELOCITY].outputs) * at.VELOCITY_STEP + at.VELOCITY_STEP // 2

# The networks are sure of their rhythm, in a jig by ten nats and more: knobs that only hinted would do nothing there.
SOONER, LATER = 18.0, 2.0  # nats for each halving of the time to the next onset at density 1, each doubling at -1
REACH = 1.5  # halvings or doublings of a quarter beyond which nothing more is added
FINEST = (6, 8)  # ticks: onsets off these grids win nothing from density, so that it never breaks the beat
OFF_BEAT = 60.0  # nats that onsets on the bar line win over those in the middle of nowhere, at most
THINNER = 4.0  # nats that one more note in a chord loses at density -1
SPREAD = 1.0  # nats by which, at most, a sooner onset wins more than one more note in a chord: else chords clot
PULL = 3.5  # semitones from where the register wants a note, at which it loses half a nat
SOFTEST = 20  # velocity at -1: below it many instruments are silent
NEAR = 2.5  # velocity on the wrong side of where it should be, at which a note loses half a nat
BEYOND = 6.0  # how many times farther a note may go on the right side
STRAY = 1.5  # nats that a pitch outside the key loses
AWAY = 0.5  # nats a semitone that a pitch loses outside its part's range: parts of bands and choirs keep to theirs …
SLACK = 2  # … give or take so many semitones; so they leave it as often as those of real music do
RARE = 0.05  # the share of the notes up to which a pitch class outside the key has only passed by
UNKNOWN = (60.0, 76.0)  # pitch and velocity from which to count for an instrument of which nothing is known

Homes = tuple[tuple[int, float, float], ...]
"""(instrument, mean pitch, mean velocity) of each instrument: where `Register` and `Loudness` count from."""


@dataclass(frozen=True)
class Density:
    """More notes above 0, fewer below: the next onset comes sooner or later by `amount` (-2 … 1).

    Thinning takes the metrically weakest places first: at -0.25 what lies between half beats, at -0.75 the half
    beats, at -1 most beats but for the bar line and the middle of the bar. What is left still carries the beat.
    """

    amount: float
    attribute: int = at.SHIFT

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        onset, kind = bar_position(tracker.now[:, None] + _TICKS, tracker.meters)
        if self.amount < 0:
            each, voice, weak = LATER, THINNER * self.amount, _weakness(onset, kind)
            places = -OFF_BEAT * np.maximum(weak - 1 - self.amount * 0.75, 0)
        else:
            each, on_grid = SOONER, np.any([onset % ticks == 0 for ticks in FINEST], axis=0)
            voice = SOONER * REACH * self.amount - SPREAD * min(1.0, 4 * self.amount)
            places = np.where(on_grid, 0, -SOONER * REACH * self.amount)
        out = np.zeros((len(target), at.ATTRIBUTES[at.SHIFT].outputs), np.float32)
        out[:, : at.LONGEST_SHIFT] = each * self.amount * _SHORTNESS + places
        out[:, 0] = voice  # whatever its place, something sounds there already
        out[:, at.SKIP_BASE : at.END] = -each * self.amount * REACH
        return out


@dataclass(frozen=True)
class Register:
    """Notes lie `shift` semitones (-24 … 24) from their instrument's home. Drums have no register."""

    shift: float
    homes: Homes = ()
    attribute: int = at.PITCH

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        centre = _home(self.homes, target)[:, :1] + self.shift
        off = np.minimum(np.abs(_PITCHES - centre), 24) / PULL
        tuned = target[:, at.INSTRUMENT] != at.DRUM_INSTRUMENT
        strength = min(1.0, abs(self.shift) / 6)
        result: Bias = (-0.5 * strength * tuned[:, None] * off**2).astype(np.float32)
        return result


@dataclass(frozen=True)
class Loudness:
    """Notes are softer below 0 and louder above: `amount` (-1 … 1) of the way from home to 127 or SOFTEST."""

    amount: float
    homes: Homes = ()
    attribute: int = at.VELOCITY

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        home = _home(self.homes, target)[:, 1:]
        end = 127 if self.amount > 0 else np.minimum(home, SOFTEST)
        off = (_VELOCITIES - (home + (end - home) * abs(self.amount))) / NEAR
        off = np.where((off > 0) == (self.amount > 0), off / BEYOND, off)
        result: Bias = (-0.5 * min(1.0, 3 * abs(self.amount)) * off**2).astype(np.float32)
        return result


@dataclass(frozen=True)
class OwnRanges:
    """Each part keeps near its own pitches, `ranges` of (instrument, lowest, highest): AWAY nats a semitone beyond.

    SLACK semitones more are free, so that music may move. All lie `shift` semitones higher. Drums, and instruments that
    are not among them, play where they like.
    """

    ranges: tuple[tuple[int, int, int], ...]
    shift: int = 0
    attribute: int = at.PITCH

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        places, table = _away(self.ranges, self.shift)
        return table[places[target[:, at.INSTRUMENT]]]


@lru_cache(16)  # the same for every note of a jam
def _away(ranges: tuple[tuple[int, int, int], ...], shift: int) -> tuple[npt.NDArray[np.int64], Bias]:
    """The row of each input value of instrument, and what each pitch loses there: (rows, 128)."""
    places = np.zeros(at.ATTRIBUTES[at.INSTRUMENT].inputs, np.int64)
    table = np.zeros((len(ranges) + 1, 128), np.float32)
    for row, (instrument, low, high) in enumerate(ranges, 1):
        outside = np.maximum(np.maximum(low + shift - _PITCHES, _PITCHES - high - shift) - SLACK, 0)
        places[instrument], table[row] = row, -AWAY * outside
    return places, table


@dataclass(frozen=True)
class InKey:
    """Pitches outside `classes` lose STRAY nats: music that goes on for long otherwise leaves its key note by note."""

    classes: frozenset[int]
    attribute: int = at.PITCH

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        tuned = target[:, at.INSTRUMENT, None] != at.DRUM_INSTRUMENT
        return tuned * _outside(self.classes)  # type: ignore[no-any-return]


@lru_cache(16)
def _outside(classes: frozenset[int]) -> Bias:
    """What each pitch loses: (1, 128)."""
    return np.where(np.isin(_PITCHES % 12, list(classes)), np.float32(0), np.float32(-STRAY))[None]


def in_key(key: str, heard: Sequence[int]) -> tuple[InKey, ...]:
    """What keeps near `key` (empty: not known) and to the pitch classes that are not rare among the pitches `heard`."""
    if not key:
        return ()
    classes = [p % 12 for p in heard]
    common = {c for c in classes if classes.count(c) > RARE * len(classes)}
    return (InKey(scale_around(key) | common),)


_SHORTNESS = np.clip(np.log2(24 / np.maximum(_TICKS, 1)), -REACH, REACH)
"""By how many halvings each shift is shorter than a quarter."""


def homes(rows: npt.NDArray[np.integer]) -> Homes:
    """The home of each instrument in event rows (N, ≥5)."""
    notes = rows[at.is_note(rows)]
    each = ((int(i), notes[notes[:, at.INSTRUMENT] == i]) for i in np.unique(notes[:, at.INSTRUMENT]))
    return tuple((i, float(n[:, at.PITCH].mean()), float(_VELOCITIES[n[:, at.VELOCITY]].mean())) for i, n in each)


def _home(known: Homes, target: ModelRows) -> npt.NDArray[np.float64]:
    """(pitch, velocity) (B, 2) from which to count for each row's instrument."""
    table = {instrument: home for instrument, *home in known}
    return np.array([table.get(int(i), UNKNOWN) for i in target[:, at.INSTRUMENT]], float)


_BEATS = np.array([*(Meter(0, *meter).beat_ticks() for meter in METERS), 24])
_BARS = np.array([*(96 * n // d for n, d in METERS), 96])


def _weakness(onset: npt.NDArray[np.int64], kind: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """0 on the bar line, then the middle of a bar of 2 or 4 beats, beats, their halves or thirds; 1 elsewhere.

    `onset` counts from the bar line, `kind` is an index into METERS.
    """
    beat, bar = _BEATS[kind], _BARS[kind]
    part = np.where(beat % 36 == 0, beat // 3, beat // 2)
    middle = (2 * onset == bar) & (onset % beat == 0)
    return np.select([onset == 0, middle, onset % beat == 0, onset % part == 0], [0.0, 0.2, 0.4, 0.7], 1.0)
