"""How much music has of the music that a model learnt from: the longest run of notes that both share, in any key.

A run is successive notes of one part's melody (the highest where several begin together), told by their intervals and
the times between their onsets. Tunes of one tradition share runs by custom, so a model's figure means something only
beside that of real pieces which it did not learn from. Exact up to LONGEST notes but for collisions of 64-bit hashes;
drums are left out, for their patterns are everybody's. Knows nothing of models. numpy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ..piece import TICKS_PER_QUARTER, Piece
from .descriptors import lines

SHORTEST = 5
"""Notes of the shortest run that is looked for."""
LONGEST = 128
"""Notes of the longest: a run of more counts as one of so many."""

Symbols = npt.NDArray[np.uint64]

_GAP = 192  # ticks; a longer silence, two bars of 4/4, ends a run
_ODD = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # the constants of splitmix64 (Steele et al. 2014)


def steps(piece: Piece) -> list[Symbols]:
    """A number for each step from note to note of each melody: one array for each stretch without a long silence."""
    out: list[Symbols] = []
    for line in lines(piece.at_resolution(TICKS_PER_QUARTER)):
        onset, pitch = line["onset"].astype(np.int64), line["pitch"].astype(np.int64)
        for some in np.split(np.arange(len(line)), np.flatnonzero(np.diff(onset) >= _GAP) + 1):
            code = (np.diff(pitch[some]) + 128) * _GAP + np.diff(onset[some])
            out.append(_mixed(code.astype(np.uint64)))
    return out


class Learnt:
    """The melodies of the music that was learnt from, to look runs up in."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        every = [s for piece in pieces for s in steps(piece)]
        self._row = _Row(every)

    def longest(self, pieces: Sequence[Piece]) -> npt.NDArray[np.int64]:
        """How many notes the longest run of each piece has that a learnt piece has too (N,): 0 for under SHORTEST."""
        each = [steps(piece) for piece in pieces]
        asked = _Row([s for some in each for s in some])
        owner = np.repeat(np.arange(len(pieces)), [sum(len(s) + 1 for s in some) for some in each])
        found = np.zeros(len(pieces), np.int64)
        mine, known = asked.places(), self._row.places()
        for length in range(SHORTEST - 1, LONGEST):  # what is not shared is not the beginning of more that is
            mine, known = asked.inside(mine, length), self._row.inside(known, length)
            hashes, theirs = asked.hashes(mine, length), self._row.hashes(known, length)
            mine, known = mine[np.isin(hashes, theirs)], known[np.isin(theirs, hashes)]
            if not len(mine):
                break
            found[owner[mine]] = length + 1
        return found


class _Row:
    """Stretches of steps one after another, with hashes of all their parts of any length."""

    def __init__(self, stretches: Sequence[Symbols]) -> None:
        """A stretch is followed by a place that belongs to none."""
        lengths = np.array([len(s) for s in stretches], np.int64)
        total = int((lengths + 1).sum())
        symbols = np.zeros(total, np.uint64)
        ends = np.cumsum(lengths + 1)
        for s, end in zip(stretches, ends.tolist(), strict=True):
            symbols[end - 1 - len(s) : end - 1] = s
        self._left = np.repeat(ends - 1, lengths + 1) - np.arange(total)  # steps from here to the stretch's end
        base, inverse = np.uint64(_ODD[0]), np.uint64(pow(_ODD[0], -1, 2**64))
        powers = np.cumprod(np.full(total, base))
        self._sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(symbols * powers)])
        self._back = np.cumprod(np.full(total, inverse))

    def places(self) -> npt.NDArray[np.int64]:
        """All places at which a step begins."""
        return np.flatnonzero(self._left > 0)

    def inside(self, places: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
        """Those of `places` at which `length` steps begin."""
        return places[self._left[places] >= length]

    def hashes(self, places: npt.NDArray[np.int64], length: int) -> Symbols:
        """Of the `length` steps from each of `places` on: equal for equal steps, wherever they are (Rabin & Karp)."""
        found: Symbols = (self._sums[places + length] - self._sums[places]) * self._back[places]
        return found


def _mixed(code: Symbols) -> Symbols:
    code = (code ^ (code >> np.uint64(30))) * np.uint64(_ODD[1]) + np.uint64(_ODD[0])
    code = (code ^ (code >> np.uint64(27))) * np.uint64(_ODD[2])
    return code ^ (code >> np.uint64(31))
