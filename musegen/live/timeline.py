"""The musical timeline that is being played: ticks ↔ seconds, and where the bar lines are.

Immutable, on the codec's grid of 24 ticks a quarter. Knows nothing of clocks or notes.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from ..piece import TICKS_PER_QUARTER, Key, Meter, Piece, Tempo


class Position(NamedTuple):
    """A musical place as people count it: bar and beat from 1, and the fraction of the beat."""

    bar: int
    beat: int
    fraction: float

    def __str__(self) -> str:
        return f"{self.bar}.{self.beat}"


@dataclass(frozen=True)
class Timeline:
    """Tempo, meter and key maps at 24 ticks a quarter; `tempos` and `meters` start at tick 0."""

    tempos: tuple[Tempo, ...] = (Tempo(0),)
    meters: tuple[Meter, ...] = (Meter(0),)
    keys: tuple[Key, ...] = ()

    @classmethod
    def of(cls, piece: Piece) -> Timeline:
        """The whole timeline of `piece`."""
        grid = piece.at_resolution(TICKS_PER_QUARTER)
        return cls(grid.tempos, grid.meters, grid.keys)

    @classmethod
    def after(cls, piece: Piece, qpm: float | None = None) -> Timeline:
        """What goes on after `piece`: its last tempo (or `qpm` quarters a minute), meter and key, from tick 0."""
        tempo = piece.tempos[-1]._replace(tick=0)
        if qpm is not None:
            tempo = Tempo(0, round(60e6 / qpm))
        keys = tuple(k._replace(tick=0) for k in piece.keys[-1:])
        return cls((tempo,), (piece.meters[-1]._replace(tick=0),), keys)

    def seconds(self, tick: float) -> float:
        """Seconds from tick 0 to `tick`."""
        total = 0.0
        for tempo, end in zip(self.tempos, [*(t.tick for t in self.tempos[1:]), float("inf")], strict=True):
            total += (min(tick, end) - tempo.tick) * _per_tick(tempo)
            if tick <= end:
                break
        return total

    def tick(self, seconds: float) -> float:
        """The (fractional) tick at `seconds` from tick 0; negative before it."""
        for tempo, end in zip(self.tempos, [*(t.tick for t in self.tempos[1:]), float("inf")], strict=True):
            here = (end - tempo.tick) * _per_tick(tempo)
            if seconds < here:
                return tempo.tick + seconds / _per_tick(tempo)
            seconds -= here
        raise AssertionError("the last tempo never ends")

    def meter(self, tick: float) -> Meter:
        """The meter that holds at `tick`."""
        return self.meters[max(0, bisect_right([m.tick for m in self.meters], tick) - 1)]

    def qpm(self, tick: float) -> float:
        """Quarter notes a minute at `tick`."""
        return self.tempos[max(0, bisect_right([t.tick for t in self.tempos], tick) - 1)].qpm

    def bar_start(self, bar: int) -> int:
        """The tick at which bar `bar`, counted from 0, begins."""
        for meter, after in zip(self.meters, [*self.meters[1:], None], strict=True):
            length = meter.bar_ticks()
            inside = bar if after is None else -(-(after.tick - meter.tick) // length)
            if bar <= inside:
                return meter.tick + bar * length
            bar -= inside
        raise AssertionError("the last meter never ends")

    def position(self, tick: float) -> Position:
        """The bar, beat and fraction of `tick`; places before tick 0 count as the first."""
        tick = max(0.0, tick)
        bars = 0
        for meter, after in zip(self.meters, [*self.meters[1:], None], strict=True):
            if after is None or tick < after.tick:
                break
            bars += -(-(after.tick - meter.tick) // meter.bar_ticks())
        bar, rest = divmod(tick - meter.tick, meter.bar_ticks())
        beat, fraction = divmod(rest / (TICKS_PER_QUARTER * 4 / meter.denominator), 1.0)
        return Position(bars + int(bar) + 1, int(beat) + 1, fraction)


def _per_tick(tempo: Tempo) -> float:
    return tempo.microseconds / 1e6 / TICKS_PER_QUARTER
