"""Biases: constraints that make some values likelier and others less so, and forbid none (see `constraints`).

Their strengths are in nats (log-probability). Each pulls towards a fixed place rather than always further, so that
an endless jam stays where the knob stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events.derived import METERS, ModelRows, Tracker, bar_position
from .constraints import Bias

_TICKS = np.arange(at.LONGEST_SHIFT)
_PITCHES = np.arange(128)
_VELOCITIES = np.arange(at.ATTRIBUTES[at.VELOCITY].outputs) * at.VELOCITY_STEP + at.VELOCITY_STEP // 2

BRIEF = 4.0  # nats for each halving of the time to the next onset, at density 1: the networks are sure of their rhythm
REACH = 2.0  # halvings or doublings of a quarter beyond which nothing more is added
FINEST = (6, 8)  # ticks: onsets off these grids win nothing from density, so that it never breaks the beat
OFF_BEAT = 6.0  # nats that an onset in the middle of nowhere loses against one on the bar line, at density -1
PULL = 3.5  # semitones from where the register wants a note, at which it loses half a nat
NEAR = 5.0  # velocity on the wrong side of where it should be, at which a note loses half a nat
BEYOND = 3.0  # how many times farther a note may go on the right side
UNKNOWN = (60.0, 76.0)  # pitch and velocity from which to count for an instrument of which nothing is known

Homes = tuple[tuple[int, float, float], ...]
"""(instrument, mean pitch, mean velocity) of each instrument: where `Register` and `Loudness` count from."""


@dataclass(frozen=True)
class Density:
    """More notes above 0, fewer below: the next onset comes sooner or later by `amount` (-2 … 1).

    Where notes are thinned, those off the beat go first, so that what is left still carries the beat.
    """

    amount: float
    attribute: int = at.SHIFT

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        out = np.zeros((len(target), at.ATTRIBUTES[at.SHIFT].outputs), np.float32)
        onset, kind = bar_position(tracker.now[:, None] + _TICKS, tracker.meters)
        out[:, : at.LONGEST_SHIFT] = BRIEF * _SOONER
        out[:, at.SKIP_BASE : at.END] = -BRIEF * REACH
        if self.amount < 0:
            out[:, : at.LONGEST_SHIFT] += OFF_BEAT * _weakness(onset, _BEATS[kind])
        else:
            on_grid = np.any([onset % ticks == 0 for ticks in FINEST], axis=0)
            out[:, : at.LONGEST_SHIFT][~on_grid] = -BRIEF * REACH
        return out * np.float32(self.amount)


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
    """Notes are softer below 0 and louder above: `amount` (-1 … 1) of the way from home to either end."""

    amount: float
    homes: Homes = ()
    attribute: int = at.VELOCITY

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        home = _home(self.homes, target)[:, 1:]
        end = 127 if self.amount > 0 else 1
        off = (_VELOCITIES - (home + (end - home) * abs(self.amount))) / NEAR
        off = np.where((off > 0) == (self.amount > 0), off / BEYOND, off)
        result: Bias = (-0.5 * min(1.0, 3 * abs(self.amount)) * off**2).astype(np.float32)
        return result


_SOONER = np.clip(np.log2(24 / np.maximum(_TICKS, 1)), -REACH, REACH)
"""By how many halvings of a quarter each shift is short."""
_SOONER[0] = 1.0  # another voice is a note more, as an eighth is


def homes(rows: npt.NDArray[np.integer]) -> Homes:
    """The home of each instrument in event rows (N, ≥5)."""
    notes = rows[at.is_note(rows)]
    each = ((int(i), notes[notes[:, at.INSTRUMENT] == i]) for i in np.unique(notes[:, at.INSTRUMENT]))
    return tuple((i, float(n[:, at.PITCH].mean()), float(_VELOCITIES[n[:, at.VELOCITY]].mean())) for i, n in each)


def _home(known: Homes, target: ModelRows) -> npt.NDArray[np.float64]:
    """(pitch, velocity) (B, 2) from which to count for each row's instrument."""
    table = {instrument: home for instrument, *home in known}
    return np.array([table.get(int(i), UNKNOWN) for i in target[:, at.INSTRUMENT]], float)


def _beat(numerator: int, denominator: int) -> int:
    """Ticks of a beat: three eighths or sixteenths where they come in threes."""
    unit = 96 // denominator
    return 3 * unit if denominator >= 8 and numerator % 3 == 0 else unit


_BEATS = np.array([*(_beat(*meter) for meter in METERS), 24])


def _weakness(onset: npt.NDArray[np.int64], beat: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """0 on the bar line, 1/3 on a beat, 2/3 on its half (its thirds in compound time), 1 elsewhere."""
    part = np.where(beat % 36 == 0, beat // 3, np.maximum(beat // 2, 1))
    weak = np.where(onset % beat == 0, 1 / 3, np.where(onset % part == 0, 2 / 3, 1.0))
    return np.where(onset == 0, 0.0, weak)
