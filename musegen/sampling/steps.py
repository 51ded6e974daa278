"""The grid that the drums of a piece stand on, found from their onsets, and how far each may leave its place.

Knows nothing of networks or of how a stroke is played.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ticks = npt.NDArray[np.int64]

CHOICES = (4, 3, 6, 8, 12, 16, 24, 48)
"""Steps a quarter, as music is written, the coarsest first: 4 are sixteenths, 3 triplets of eighths, 12 hold both."""

ON_IT = 0.8
"""The part of the onsets that must stand on a grid: flams and a fill in triplets do not make another one of it."""


def steps_of(onsets: Ticks, ticks_per_quarter: int) -> int:
    """Steps a quarter of the coarsest grid that `onsets` (N,) stand on; 0 where they stand on none (played freely).

    A place that the file's ticks cannot say counts as reached by the nearest tick.
    """
    places = np.unique(onsets)
    for steps in CHOICES:
        exact = ticks_per_quarter % steps == 0
        if (exact or ticks_per_quarter >= 3 * steps) and _on_grid(places, ticks_per_quarter, steps, exact) >= ON_IT:
            return steps
    return 0


def _on_grid(places: Ticks, ticks_per_quarter: int, steps: int, exact: bool) -> float:
    """The part of `places` that stand on the grid."""
    if not len(places):
        return 1.0
    off = np.abs((places * steps + ticks_per_quarter // 2) % ticks_per_quarter - ticks_per_quarter // 2)
    return float((off == 0 if exact else 2 * off <= steps).mean())


def nearest(onsets: Ticks, ticks_per_quarter: int, steps: int) -> Ticks:
    """The tick of the place on the grid that is nearest to each of `onsets` (N,)."""
    place = (2 * onsets * steps + ticks_per_quarter) // (2 * ticks_per_quarter)
    result: Ticks = (2 * place * ticks_per_quarter + steps) // (2 * steps)
    return result


def room(onsets: Ticks, step: float) -> tuple[Ticks, Ticks]:
    """How many ticks each of `onsets` (N,) may be early and late: two arrays (N,), on a grid of `step` ticks.

    Strictly less than half a step, and than half the way to the onset before or after it: so no two onsets ever meet or
    change places, and the nearest place on the grid stays the same. Nothing comes before tick 0.
    """
    places, index = np.unique(onsets, return_inverse=True)
    most = max(0, int(np.ceil(step / 2)) - 1)
    between = (np.diff(places) - 1) // 2
    early, late = np.full(len(places), most, np.int64), np.full(len(places), most, np.int64)
    early[1:], late[:-1] = np.minimum(most, between), np.minimum(most, between)
    early[:1] = np.minimum(most, places[:1])
    return early[index], late[index]
