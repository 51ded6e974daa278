"""Whether music falls apart as it goes on: stuck in a loop, silent, out of its key, out of its meter.

    course = course_of(piece, origin, bar, bars=64)

compares what follows `origin`, eight bars after eight bars, with the seed before it. Real music changes key, rests
and repeats as well: only beside its figures do those of a model mean anything. Ticks are 24 a quarter. Knows nothing
of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..piece import DRUMS, Notes, Piece
from .descriptors import CELL, pitch_classes, scale_consistency

BLOCK = 8
"""Bars that are looked at together."""

PERIODS = (1, 2, 4)
"""A loop repeats what was so many bars ago, note for note."""

STUCK = 16
"""Bars of nothing but repetition from which on music counts as stuck in a loop."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Course:
    """Of one continuation: the longest stretch of bars that only repeat, and of bars without an onset; and of each of B
    blocks of BLOCK bars, NaN where it cannot be said:

    silent: the share of bars without an onset. key: the overlap of its pitch classes with the seed's, 0-1. scale: the
    share of its notes in its best scale. meter: the overlap of its onsets' places in the bar with the seed's. notes:
    how many a bar, over the seed's.
    """

    loop: int
    rest: int
    silent: Floats
    key: Floats
    scale: Floats
    meter: Floats
    notes: Floats

    @property
    def stuck(self) -> bool:
        """Whether it repeats and repeats."""
        return self.loop >= STUCK


CURVES = ("silent", "key", "scale", "meter", "notes")
"""The fields of `Course` that have a value a block."""


def course_of(piece: Piece, origin: int, bar: int, bars: int) -> Course:
    """How the `bars` bars of `bar` ticks after `origin` go on from those before it."""
    seed, new = piece.between(0, origin), piece.between(origin, origin + bars * bar)
    each = [_bar(new.notes, n * bar, bar) for n in range(bars)]
    empty = np.array([not b for b in each])
    blocks = [new.between(n * bar, min(bars, n + BLOCK) * bar) for n in range(0, bars, BLOCK)]
    before = max(1e-9, len(seed) / (origin / bar))
    return Course(
        loop=max((_longest(_repeats(each, period)) for period in PERIODS), default=0),
        rest=_longest(empty),
        silent=np.array([empty[n : n + BLOCK].mean() for n in range(0, bars, BLOCK)]),
        key=np.array([_overlap(pitch_classes(b), pitch_classes(seed)) for b in blocks]),
        scale=np.array([scale_consistency(b)[0] for b in blocks]),
        meter=np.array([_overlap(_places(b.notes, bar), _places(seed.notes, bar)) for b in blocks]),
        notes=np.array([len(b) / min(BLOCK, bars - BLOCK * n) / before for n, b in enumerate(blocks)]),
    )


def mean_course(courses: Sequence[Course], name: str) -> Floats:
    """A curve of `CURVES`, the mean over the courses that have a value in a block (B,)."""
    values = np.array([getattr(c, name) for c in courses])
    there = ~np.isnan(values)
    sums = np.where(there, values, 0).sum(0)
    return np.where(there.any(0), sums / np.maximum(1, there.sum(0)), np.nan)


def _bar(notes: Notes, start: int, bar: int) -> frozenset[tuple[int, ...]]:
    """What begins in a bar: sixteenth, pitch, drum or not."""
    mine = notes[(notes["onset"] >= start) & (notes["onset"] < start + bar)]
    cells = (mine["onset"] - start) // CELL
    return frozenset(zip(cells.tolist(), mine["pitch"].tolist(), (mine["program"] == DRUMS).tolist(), strict=True))


def _repeats(bars: Sequence[frozenset[tuple[int, ...]]], period: int) -> npt.NDArray[np.bool_]:
    """Which bars are not silent and the same as `period` bars before."""
    return np.array([n >= period and bool(b) and b == bars[n - period] for n, b in enumerate(bars)], np.bool_)


def _longest(flags: npt.NDArray[np.bool_]) -> int:
    """The longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _places(notes: Notes, bar: int) -> Floats:
    """How the onsets share out over the ticks of the bar: NaN for no onset."""
    counts = np.bincount(np.unique(notes["onset"]) % bar, minlength=bar).astype(np.float64)
    return counts / counts.sum() if counts.sum() else np.full(bar, np.nan)


def _overlap(a: Floats, b: Floats) -> float:
    """Of two histograms, 0-1; NaN where one is."""
    return float(np.minimum(a, b).sum())
