"""Where a phrase may end: on a beat, at home in its key, late enough, and ringing.

A model that has learnt whole pieces does not know that its answer ends with this bar; so several last bars are drawn,
and the place where the phrase comes to rest is found among them. Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..piece import DRUMS, Meter
from .duet import Played

HOME = 4.0  # nats that an end in the tonic's triad, at the top or at the bottom, is worth
SPARSE = 8.0  # nats that an end without a note before it loses, where the question had some in each bar


@dataclass(frozen=True)
class Close:
    """The end of a phrase that is over at tick `end`; `home` are the pitch classes of rest, if they are known.

    `meter` counts from tick 0. At least `fewest` notes should be in it, as in the sparsest bar of the question.
    """

    end: int
    meter: Meter
    home: frozenset[int]
    fewest: float = 0.0

    def rest(self, notes: Sequence[Played]) -> float | None:
        """What, in nats, is to be said for an end with the last of `notes` and those that begin with it; None: none."""
        onset, duration = notes[-1].onset, notes[-1].duration or 1
        half = self.end - self.meter.bar_ticks() / 2
        if onset % self.meter.beat_ticks() or (onset < half and onset + duration <= half):
            return None
        chord = [n.pitch % 12 for n in notes if n.onset == onset and n.program != DRUMS]
        worth = HOME if chord and {chord[0], chord[-1]} & self.home else 0.0
        return worth - SPARSE * max(0.0, 1 - len(notes) / max(self.fewest, 1))

    def ringing(self, notes: Sequence[Played]) -> list[Played]:
        """`notes`, the last ones for a beat at least, or to the end."""
        if not notes:
            return []
        last = notes[-1].onset
        least = min(self.meter.beat_ticks(), self.end - last)
        return [n._replace(duration=max(n.duration or 1, least)) if n.onset == last else n for n in notes]
