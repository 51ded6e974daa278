"""What to play: a seed phrase, how boldly, within which limits. One record for `generate`, `jam` and scripts.

A `Plan` is data: it can be sent to another process, and two equal plans give equal music.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..engine.styles import tags_of
from ..errors import SettingsError
from ..events import attributes as at
from ..events.codec import EventCodec, Rows, instruments_of
from ..piece import DRUMS, TICKS_PER_QUARTER, Piece
from .biases import OwnRanges
from .constraints import Constraint, Grid, Instruments, Longest, PitchSet, Polyphony, Span, in_order
from .keys import pitch_classes
from .sampler import SamplerSettings

RINGS_OVER = TICKS_PER_QUARTER // 4
"""So many ticks a seed's last notes may ring on over a bar line without taking up a bar: played, few end in time."""
KIT = frozenset(range(35, 60))
"""The keys of a drum kit; other drums are played only where the seed has them."""


@dataclass(frozen=True)
class Limits:
    """A musician's limits on what is played; the defaults stay near the seed."""

    key: str = ""  # such as "D dorian"; empty: any
    low: int | None = None  # MIDI pitch; None: an octave below the seed's lowest
    high: int | None = None  # None: an octave above its highest
    programs: tuple[int, ...] = ()  # 0-127, 128 for drums; empty: the seed's own instruments
    voices: int | None = None  # notes at once; None: twice as many as in the seed, 0: any number
    grid: int = 0  # ticks between possible onsets; 0: any
    rest_bars: float = 1.0  # no silence longer than this
    note_bars: float = 2.0  # no note longer than this

    def __post_init__(self) -> None:
        low, high = 0 if self.low is None else self.low, 127 if self.high is None else self.high
        if not 0 <= low <= high <= 127:
            raise SettingsError(f"The pitch range {low}-{high} must lie in 0-127, low end first.")
        if any(not 0 <= p <= 128 for p in self.programs):
            raise SettingsError("Programs are 0-127, and 128 for drums.")


@dataclass(frozen=True, eq=False)
class Plan:
    """A seed phrase and how to go on from it. In a jam the seed may be empty: the player's notes take its place."""

    seed: Piece
    settings: SamplerSettings = field(default_factory=SamplerSettings)
    limits: Limits = field(default_factory=Limits)
    seed_number: int = 0
    style: str = ""  # a style tag of the checkpoint; empty: none

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", self.seed.at_resolution(TICKS_PER_QUARTER))

    @cached_property
    def origin(self) -> int:
        """The tick at which the new music begins: the bar line at or after the seed's end, give or take RINGS_OVER."""
        before, line = self.seed.bar_starts()[-2:].tolist()
        begun = bool((self.seed.notes["onset"] >= before).any())  # something in that bar
        return int(line if begun or self.seed.end - before > RINGS_OVER else before)

    @property
    def bar(self) -> int:
        """Ticks of a bar from the origin on."""
        return self.seed.meters[-1].bar_ticks()

    def prompt(self, styles: tuple[str, ...]) -> Rows:
        """The seed as event rows, START to its last note. Raises SettingsError for an unknown style."""
        return EventCodec().encode(self.seed, tags_of(styles, self.style)).rows[:-1]

    def constraints(
        self,
        endless: bool = True,
        start: int | None = None,
        instruments: frozenset[int] | None = None,
        heard: Sequence[tuple[int, int, int]] = (),
        steering: tuple[Constraint, ...] = (),
        register: float = 0,
    ) -> tuple[Constraint, ...]:
        """The limits as masks, and `steering` among them, the firmest first.

        The music begins at `start` (the origin) on `instruments` (its own). Where there is no seed, `heard` stands
        for it: (onset, duration, pitch) of the player's notes. A `register` in semitones widens a range that comes
        from the seed that far.
        """
        limits = self.limits
        out: list[Constraint] = [
            Span(self.origin if start is None else start, max(1, int(limits.rest_bars * self.bar)), endless),
            Instruments(self.instruments() if instruments is None else instruments),
            PitchSet(self.pitches([pitch for _, _, pitch in heard], round(register)), self.drum_keys()),
            *steering,
            *self.own_ranges(round(register)),
            Longest(max(1, int(limits.note_bars * self.bar))),
        ]
        out += in_order(tuple(out))
        if voices := self.voices([(onset, duration) for onset, duration, _ in heard]):
            out.append(Polyphony(voices))
        if limits.grid:
            out.append(Grid(limits.grid))
        return tuple(out)

    def instruments(self) -> frozenset[int]:
        """The instruments that may play, as in `events.attributes`; none if neither limits nor seed name any."""
        if not self.limits.programs:
            rows = EventCodec().encode(self.seed).rows
            return frozenset(rows[at.is_note(rows), at.INSTRUMENT].tolist())
        each = [range(p * at.COPIES, min((p + 1) * at.COPIES, at.INSTRUMENTS)) for p in self.limits.programs]
        return frozenset(i for r in each for i in r)

    def pitches(self, heard: Sequence[int] = (), register: int = 0) -> frozenset[int]:
        """The pitches that may be played: near the seed's, or if it has none near those `heard` from the player.

        As many semitones more as the `register` is up or down.
        """
        notes = self.seed.notes
        given = notes["pitch"][notes["program"] != DRUMS].astype(int).tolist() or list(heard)
        low, high = (min(given) - 12 + min(0, register), max(given) + 12 + max(0, register)) if given else (0, 127)
        low = max(0, low) if self.limits.low is None else self.limits.low
        high = min(127, high) if self.limits.high is None else self.limits.high
        classes = pitch_classes(self.limits.key) if self.limits.key else frozenset(range(12))
        return frozenset(p for p in range(low, high + 1) if p % 12 in classes)

    def drum_keys(self) -> frozenset[int]:
        """The keys that drums may play: a kit's, and those of the seed."""
        return self._keys | KIT

    @cached_property
    def _keys(self) -> frozenset[int]:
        return frozenset(self.seed.notes["pitch"][self.seed.notes["program"] == DRUMS].tolist())

    def own_ranges(self, register: int = 0) -> tuple[OwnRanges, ...]:
        """What keeps each of several parts near its own notes in the seed; nothing where a range is named."""
        if self.limits.low is not None or self.limits.high is not None or len(self._ranges) < 2:
            return ()
        return (OwnRanges(self._ranges, register),)

    @cached_property
    def _ranges(self) -> tuple[tuple[int, int, int], ...]:
        """(instrument, lowest, highest pitch) of each of the seed's tuned parts."""
        each, notes = instruments_of(self.seed.notes)[0], self.seed.notes
        tuned = {i: notes["pitch"][each == i] for i in np.unique(each[notes["program"] != DRUMS]).tolist()}
        return tuple((i, int(pitch.min()), int(pitch.max())) for i, pitch in tuned.items())

    def voices(self, heard: Sequence[tuple[int, int]] = ()) -> int:
        """How many notes may sound at once (0: any number): twice the seed's, or `heard`'s (onset, duration)."""
        if self.limits.voices is not None:
            return self.limits.voices
        notes = self.seed.notes
        given = np.array(heard, np.int64).reshape(-1, 2).T if not len(notes) else (notes["onset"], notes["duration"])
        return 2 * most_at_once(*given)

    def with_bars(self, bars: int) -> Plan:
        """This plan with its seed cut to its last `bars` bars."""
        starts = [int(s) for s in self.seed.bar_starts() if s <= self.origin]
        return replace(self, seed=self.seed.between(starts[max(0, len(starts) - 1 - bars)], self.origin))


def most_at_once(onset: npt.NDArray[np.int64], duration: npt.NDArray[np.int64]) -> int:
    """The largest number of notes that sound together."""
    starts, ends = np.sort(onset), np.sort(onset + duration)
    return int((np.arange(1, len(starts) + 1) - np.searchsorted(ends, starts, side="right")).max(initial=1))
