"""The question that an answer follows: the player's phrase before it, and what an answer takes from its rhythm.

Knows nothing of networks or of how phrases are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..events import attributes as at
from ..events.derived import ModelRows, Tracker, bar_position
from .constraints import Bias
from .duet import Played
from .request import Request

WEIGHT = 0.6  # of its rhythm beside the model's own: the exponent in a product of experts
DOUBT, RARE = 1.0, 0.02  # bars of any rhythm that are added to it, and how often each place has a note in those


@dataclass(frozen=True)
class Rhythm:
    """The next onset is drawn with an eye on where in its bars the question had some.

    `rates` (one a tick of a bar) say in how many of its bars something began there, `together` how many of its notes
    began with the note before. The bias is WEIGHT · log P(shift), where each place has a note by its rate.
    """

    rates: tuple[float, ...]
    together: float
    attribute: int = at.SHIFT

    def bias(self, target: ModelRows, tracker: Tracker) -> Bias:
        place = bar_position(tracker.now, tracker.meters)[0]
        return _biases(self.rates, self.together)[place % len(self.rates)]


@lru_cache(8)  # the same for every note of an answer
def _biases(rates: tuple[float, ...], together: float) -> Bias:
    """The bias (bar, shifts) at each place in the bar."""
    bar, ahead = len(rates), at.LONGEST_SHIFT
    rate = np.array(rates)[(np.arange(bar)[:, None] + np.arange(ahead)) % bar]
    none = np.log1p(-rate)
    passed = np.cumsum(none, axis=1) - none[:, :1]  # nothing at any of these places, of which the first is here
    out = np.zeros((bar, at.ATTRIBUTES[at.SHIFT].outputs), np.float32)
    out[:, 1:ahead] = passed[:, :-1] + np.log(rate[:, 1:]) + np.log1p(-together)
    out[:, 0] = np.log(together)
    out[:, ahead : at.END] = passed[:, -1:] + np.log1p(-together)
    return WEIGHT * out


@dataclass(frozen=True)
class Question:
    """The player's `notes`, in bars of `bar` ticks, that a request is to answer; there may be none."""

    notes: tuple[Played, ...]
    bar: int

    @classmethod
    def before(cls, request: Request, notes: Sequence[Played], bar: int) -> Question:
        """What stands before `request` among `notes`: as long as it is itself, and a bar more for the rest between."""
        if request.end is None or request.template:
            return cls((), bar)
        first = 2 * request.chance_from - request.end - bar
        return cls(tuple(n for n in notes if first <= n.onset < request.chance_from and not n.own), bar)

    @property
    def fewest(self) -> int:
        """The notes of its sparsest bar; the first and last, perhaps not whole, only if there are no others."""
        counts = self._counts()
        return min(counts[1:-1] or counts, default=0)

    def rhythm(self) -> tuple[Rhythm, ...]:
        """What an answer's rhythm takes from it; nothing if there are no notes."""
        if not self.notes:
            return ()
        onsets = sorted({n.onset for n in self.notes})
        bars = len(self._counts())
        hits = np.bincount([o % self.bar for o in onsets], minlength=self.bar)
        rates = (hits + DOUBT * RARE) / (bars + DOUBT)
        together = (len(self.notes) - len(onsets) + DOUBT * RARE) / (len(self.notes) + DOUBT)
        return (Rhythm(tuple(np.minimum(rates, 0.95).tolist()), together),)

    def _counts(self) -> list[int]:
        places = [n.onset // self.bar for n in self.notes]
        return [places.count(i) for i in range(min(places), max(places) + 1)] if places else []
