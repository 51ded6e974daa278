"""What a counted model looks at: for each event row, features of the past from which contexts are made.

The rows are walked once, keeping what still sounds, what each instrument did last and the pitch classes of this bar;
a feature never looks at anything that is not known when its attribute is drawn. Knows nothing of counts.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...events import attributes as at
from ...events import derived
from ...events.derived import ModelRows

NEVER = -1  # no such note, instrument or time
_LONG = 97  # remaining ticks beyond a bar are all one
_HELD = 2**40  # ticks until a note ends whose key is still down
_FADE = 0.97  # how much of a pitch's say in the key is left a note later
# Krumhansl and Kessler (1982), "Tracing the dynamic changes in perceived tonal organization": C major, c minor.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_KEYS = np.stack([np.roll(np.array(p) - np.mean(p), k) / np.std(p) for p in (_MAJOR, _MINOR) for k in range(12)])

FEATURES = (
    # known before the shift: about the row before
    "expected",  # the lowest instrument that is free and could still strike at the same onset
    "gap",  # ticks until the next sounding note ends
    "bar",  # ticks since the bar line, of the onset before
    "step1",  # the last shift that was not 0 …
    "step2",  # … and the one before it
    "step3",
    "struck",  # notes struck so far at the onset before
    "i1",  # instruments of the last rows
    "i2",
    "i3",
    "d1",  # duration of the row before
    # known once the shift is
    "fresh",  # whether this is a new onset
    "free1",  # the lowest instrument that is free at this onset and has not been passed
    "free2",  # the next one
    "phase",  # ticks since the bar line, of this onset
    "chord1",  # pitches struck before in this onset, the latest first
    "chord2",
    "left",  # ticks until the next sounding note ends, from this onset
    # known once the instrument is
    "p1",  # last pitches of the same instrument
    "p2",
    "p3",
    "p4",
    "p5",
    "n1",  # sounding pitch of the instrument just below in number, …
    "n2",  # … of the one below that
    "harmony",  # all other sounding pitches relative to p1, as one number
    "own_d1",  # last durations of the same instrument
    "own_d2",
    "own_v1",  # last velocity of the same instrument
    "row_v",  # velocity of the row before
    "row_d",  # duration of the row before at this onset
    "since",  # ticks since the same instrument last struck
    "key",  # the key of the last dozens of notes, relative to p1
)


class _Voice(NamedTuple):
    """What one instrument did last."""

    pitches: tuple[int, ...] = (NEVER,) * 5
    durations: tuple[int, ...] = (NEVER,) * 2
    velocity: int = NEVER
    onset: int = NEVER
    end: int = 0


_SILENT = _Voice()


class _Sounding(NamedTuple):
    end: int
    instrument: int
    pitch: int


class Walk:
    """The past of one piece, row by row. A *phase* is ticks since the bar line + 1000 · the meter's class.

    What it holds is replaced rather than changed, so that a copy is cheap and goes on by itself.
    """

    def __init__(self) -> None:
        self.now = self.phase = 0
        self.voices: dict[int, _Voice] = {}
        self.sounding: tuple[_Sounding, ...] = ()
        self.struck: tuple[int, ...] = ()  # pitches at the latest onset
        self.steps = self.instruments = (NEVER,) * 3
        self.duration = self.velocity = NEVER
        self.scale = np.zeros(12)
        self.words: tuple[int, ...] = ()  # pitch classes struck since the bar line, drums apart

    def copy(self) -> Walk:
        """One that goes on from here by itself."""
        return copy.copy(self)

    def words_before(self, now: int, phase: int) -> tuple[int, ...]:
        """The pitch classes that were struck in the bar of a row at `now`."""
        same = now - phase % 1000 == self.now - self.phase % 1000
        return self.words if same else ()

    def _free(self, now: int, above: int, count: int) -> list[int]:
        """The lowest `count` instruments above `above` that are silent at `now`."""
        found = sorted(i for i, v in self.voices.items() if i > above and v.end <= now)[:count]
        return found + [NEVER] * (count - len(found))

    def _next_end(self, now: int) -> int:
        return min((min(s.end - now, _LONG) for s in self.sounding if s.end > now), default=0)

    def features(self, now: int, phase: int, row: Sequence[int]) -> tuple[int, ...]:
        """The features of `row`, whose onset is `now`."""
        before = self.instruments[0]
        fresh = int(now > self.now or before == NEVER)
        passed = NEVER if fresh else before
        chord = (NEVER, NEVER) if fresh else (*self.struck[:-3:-1], NEVER, NEVER)[:2]
        shift_known = (fresh, *self._free(now, passed, 2), phase, *chord, self._next_end(now))
        shift_unknown = (
            self._free(self.now, before, 1)[0],
            self._next_end(self.now),
            self.phase,
            *self.steps,
            len(self.struck),
            *self.instruments,
            self.duration,
        )
        return (*shift_unknown, *shift_known, *self._instrument_known(now, row[at.INSTRUMENT], fresh))

    def _instrument_known(self, now: int, instrument: int, fresh: int) -> tuple[int, ...]:
        voice = self.voices.get(instrument, _SILENT)
        others = [s for s in self.sounding if s.end > now and not (s.instrument == instrument and fresh)]
        below = [NEVER, NEVER]
        for s in others:
            if 1 <= instrument - s.instrument <= 2:
                below[instrument - s.instrument - 1] = s.pitch
        harmony = NEVER
        for interval in sorted(s.pitch - voice.pitches[0] for s in others):
            harmony = (harmony * 1_000_003 + interval) % 2**61
        return (
            *voice.pitches,
            *below,
            harmony,
            *voice.durations,
            voice.velocity,
            self.velocity,
            NEVER if fresh else self.duration,
            min(now - voice.onset, 2 * _LONG) if voice.onset != NEVER else NEVER,
            self._key(voice.pitches[0]),
        )

    def _key(self, pitch: int) -> int:
        """0-23: how far the tonic is above `pitch`, plus 12 for minor."""
        if pitch == NEVER:
            return NEVER
        key = int((_KEYS @ self.scale).argmax())
        return (key - pitch) % 12 + key // 12 * 12

    def push(self, now: int, phase: int, row: Sequence[int]) -> None:
        """Take in a row (after its features were asked for). A held note, whose duration is none, goes on sounding."""
        self.words = self.words_before(now, phase)
        if now > self.now:
            self.steps = (now - self.now, *self.steps[:2])
            self.struck = ()
            self.sounding = tuple(s for s in self.sounding if s.end > now)
        self.now, self.phase = now, phase
        shift, instrument, pitch, velocity, duration = row
        if shift >= at.LONGEST_SHIFT:
            return
        end = now + (int(at.DURATIONS[duration]) if duration < len(at.DURATIONS) else _HELD)
        voice = self.voices.get(instrument, _SILENT)
        pitches, durations = (pitch, *voice.pitches[:4]), (duration, voice.durations[0])
        self.voices = {
            **self.voices,
            instrument: _Voice(pitches, durations, velocity, now, max(end, voice.end)),
        }
        self.sounding = (*self.sounding, _Sounding(end, instrument, pitch))
        self.struck = (*self.struck, pitch)
        if instrument != at.DRUM_INSTRUMENT:
            self.words = (*self.words, pitch % 12)
            self.scale = self.scale * _FADE
            self.scale[pitch % 12] += 1
        self.instruments = (instrument, *self.instruments[:2])
        self.duration, self.velocity = duration, velocity


def features(rows: ModelRows) -> npt.NDArray[np.int64]:
    """The features (N, len(FEATURES)) of a piece's rows (N, WIDTH); those of START and tags mean nothing."""
    walk, out = Walk(), np.empty((len(rows), len(FEATURES)), np.int64)
    for n, (now, phase, row) in enumerate(places(rows)):
        out[n] = walk.features(now, phase, row)
        walk.push(now, phase, row)
    return out


def places(rows: ModelRows) -> Iterator[tuple[int, int, list[int]]]:
    """Tick, phase and event of each of `rows` (N, WIDTH), as a `Walk` takes them."""
    phase = rows[:, derived.BAR] + 1000 * rows[:, derived.METER]
    return zip(rows[:, derived.TIME].tolist(), phase.tolist(), rows[:, :5].tolist(), strict=True)
