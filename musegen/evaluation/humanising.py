"""How near made performances of drums are to real ones: errors, and distances between distributions (table P4).

    played = [Played(*humaniser.perform(g.rows)) for g in grooves.valid]
    figures(grooves.valid, played)

A best guess is judged by its errors: the mean absolute error of moments (ms) and velocities, and r of the velocities.
A performance that was drawn cannot be, for there are many good ones; it is judged by whether each drum on each 16th of
the bar is struck as early and late, as softly and loudly, as often as by the drummers. Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..corpus.groove import Groove
from ..events.drums import BAR, CLASSES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
CELLS = len(CLASSES) * BAR


class Played(NamedTuple):
    """How a piece's N drum notes are played: milliseconds off the grid (N,), velocities (N,)."""

    moment: Floats
    velocity: Floats


@dataclass(frozen=True)
class Figures:
    """Of made performances against the real ones of the same scores.

    moment in milliseconds, velocity in 1–127. `error`: mean absolute error; `r`: Pearson's correlation (0 where nothing
    varies). `distance`: the 1-D Wasserstein distance of each cell (drum × 16th), weighted by its notes. `spread`: the
    standard deviation inside a cell over the real one, weighted alike: 1 is right, 0 is always the same.
    """

    moment_error: float
    velocity_error: float
    velocity_r: float
    moment_distance: float
    velocity_distance: float
    moment_spread: float
    velocity_spread: float


def figures(real: Sequence[Groove], made: Sequence[Played]) -> Figures:
    """All of them over all notes of `real` and `made`, the same pieces in the same order."""
    truth = _joined([Played(g.moment, g.velocity) for g in real])
    found = _joined(made)
    cell = np.concatenate([cell_of(g) for g in real])
    return Figures(
        float(np.abs(found.moment - truth.moment).mean()),
        float(np.abs(found.velocity - truth.velocity).mean()),
        correlation(found.velocity, truth.velocity),
        by_cell(wasserstein, truth.moment, found.moment, cell),
        by_cell(wasserstein, truth.velocity, found.velocity, cell),
        _spread(truth.moment, found.moment, cell),
        _spread(truth.velocity, found.velocity, cell),
    )


def mean(each: Sequence[Figures]) -> Figures:
    """The mean of every figure, such as over several draws."""
    rows = np.array([[getattr(f, name) for name in Figures.__annotations__] for f in each])
    return Figures(*rows.mean(0).tolist())


def cell_of(groove: Groove) -> Ints:
    """The cell of each note: its drum times 16 plus its place in the bar."""
    return groove.rows.drum * BAR + groove.rows.place


def wasserstein(one: Floats, other: Floats) -> float:
    """The 1-D Wasserstein distance W₁ of two sets of values, each of any size ≥ 1: the area between their distribution
    functions (Vallender 1974), in the unit of the values."""
    values = np.sort(np.concatenate([one, other]))
    below = values[:-1]
    part = [np.searchsorted(np.sort(x), below, side="right") / len(x) for x in (one, other)]
    return float((np.abs(part[0] - part[1]) * np.diff(values)).sum())


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's r; 0 where one of them does not vary."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def by_cell(distance: Callable[[Floats, Floats], float], real: Floats, made: Floats, cell: Ints) -> float:
    """The mean `distance` between the real and the made values (N,) of each cell, weighted by its notes."""
    order = np.argsort(cell, kind="stable")
    edges = np.flatnonzero(np.diff(cell[order])) + 1
    return sum(len(i) * distance(real[i], made[i]) for i in np.split(order, edges)) / len(cell)


def _spread(real: Floats, made: Floats, cell: Ints) -> float:
    of_made, of_real = (by_cell(lambda values, _: float(values.std()), x, x, cell) for x in (made, real))
    return of_made / of_real if of_real else 0.0


def _joined(parts: Sequence[Played]) -> Played:
    return Played(np.concatenate([p.moment for p in parts]), np.concatenate([p.velocity for p in parts]))


class Table:
    """What is known without a network: how the drummers of `grooves` struck each drum on each 16th.

    A cell that nobody struck gives way to its drum, and that to all notes.
    """

    def __init__(self, grooves: Sequence[Groove]) -> None:
        self._values = _joined([Played(g.moment, g.velocity) for g in grooves])
        cell = np.concatenate([cell_of(g) for g in grooves])
        choices = ((cell == c, cell // BAR == c // BAR, cell >= 0) for c in range(CELLS))
        self._notes = [np.flatnonzero(next(some for some in each if some.any())) for each in choices]

    def guess(self, groove: Groove) -> Played:
        """The mean of each note's cell."""
        means = np.array([[self._values.moment[i].mean(), self._values.velocity[i].mean()] for i in self._notes])
        return Played(*means[cell_of(groove)].T)

    def draw(self, groove: Groove, generator: np.random.Generator) -> Played:
        """For each note, how one of its cell was struck, moment and velocity together."""
        picked = np.array([generator.choice(self._notes[c]) for c in cell_of(groove)])
        return Played(self._values.moment[picked], self._values.velocity[picked])
