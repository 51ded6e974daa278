"""What to play: a seed phrase, how boldly, within which limits. One record for `generate`, `jam` and scripts.

A `Plan` is data: it can be sent to another process, and two equal plans give equal music.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import SettingsError
from ..events import attributes as at
from ..events.codec import EventCodec, Rows
from ..piece import DRUMS, TICKS_PER_QUARTER, Piece
from .constraints import Constraint, Grid, InOrder, Instruments, Longest, PitchSet, Polyphony, Span
from .keys import pitch_classes
from .sampler import SamplerSettings


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
    """A seed phrase and how to go on from it."""

    seed: Piece
    settings: SamplerSettings = field(default_factory=SamplerSettings)
    limits: Limits = field(default_factory=Limits)
    seed_number: int = 0
    style: str = ""  # a style tag of the checkpoint; empty: none

    def __post_init__(self) -> None:
        if not len(self.seed):
            raise SettingsError("The seed phrase holds no notes: give a file with some music in it.")
        object.__setattr__(self, "seed", self.seed.at_resolution(TICKS_PER_QUARTER))

    @property
    def origin(self) -> int:
        """The tick at which the new music begins: the bar line at or after the seed's end."""
        return int(self.seed.bar_starts()[-1])

    @property
    def bar(self) -> int:
        """Ticks of a bar from the origin on."""
        return self.seed.meters[-1].bar_ticks()

    def prompt(self, styles: tuple[str, ...]) -> Rows:
        """The seed as event rows, START to its last note. Raises SettingsError for an unknown style."""
        if self.style and self.style not in styles:
            raise SettingsError(f"This checkpoint has no style {self.style!r}; it knows {', '.join(styles) or 'none'}.")
        tags = (styles.index(self.style),) if self.style else ()
        return EventCodec().encode(self.seed, tags).rows[:-1]

    def constraints(self, endless: bool = True) -> tuple[Constraint, ...]:
        """The limits as masks, the firmest first."""
        limits = self.limits
        out: list[Constraint] = [
            Span(self.origin, max(1, int(limits.rest_bars * self.bar)), endless),
            Instruments(self._instruments()),
            PitchSet(self._pitches()),
            Longest(max(1, int(limits.note_bars * self.bar))),
            InOrder(at.INSTRUMENT),
            InOrder(at.PITCH),
        ]
        voices = 2 * _most_at_once(self.seed) if limits.voices is None else limits.voices
        if voices:
            out.append(Polyphony(voices))
        if limits.grid:
            out.append(Grid(limits.grid))
        return tuple(out)

    def _instruments(self) -> frozenset[int]:
        if not self.limits.programs:
            rows = EventCodec().encode(self.seed).rows
            return frozenset(np.unique(rows[at.is_note(rows), at.INSTRUMENT]).tolist())
        each = [range(p * at.COPIES, min((p + 1) * at.COPIES, at.INSTRUMENTS)) for p in self.limits.programs]
        return frozenset(i for r in each for i in r)

    def _pitches(self) -> frozenset[int]:
        notes = self.seed.notes
        heard = notes["pitch"][notes["program"] != DRUMS].astype(int)
        low, high = int(heard.min(initial=127)) - 12, int(heard.max(initial=0)) + 12
        low = max(0, low) if self.limits.low is None else self.limits.low
        high = min(127, high) if self.limits.high is None else self.limits.high
        span = range(low, high + 1) if len(heard) or self.limits.low is not None else range(128)
        classes = pitch_classes(self.limits.key) if self.limits.key else frozenset(range(12))
        return frozenset(p for p in span if p % 12 in classes)

    def with_bars(self, bars: int) -> Plan:
        """This plan with its seed cut to its last `bars` bars."""
        starts = self.seed.bar_starts()
        return replace(self, seed=self.seed.between(int(starts[max(0, len(starts) - 1 - bars)]), self.origin))


def _most_at_once(piece: Piece) -> int:
    """The largest number of notes that sound together."""
    starts, ends = np.sort(piece.notes["onset"]), np.sort(piece.notes["onset"] + piece.notes["duration"])
    return int((np.arange(1, len(starts) + 1) - np.searchsorted(ends, starts, side="right")).max(initial=1))
