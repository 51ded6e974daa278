"""How far ahead to plan and to commit, from what a note costs this checkpoint on this machine.

    commit    seconds ahead at which a note becomes final: shorter answers a knob or a hand sooner
    guard     seconds of what is planned that stay when it is planned anew: time for the model to read and draw
    ahead     seconds ahead up to which notes are planned: longer survives longer stalls, and is drawn anew at a change

Knows nothing of music.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

LEAST_COMMIT, MOST_COMMIT = 0.08, 0.25  # seconds
LEAST_AHEAD, MOST_AHEAD = 1.5, 6.0
DENSE = 20.0  # notes a second: as dense as music for ten fingers gets


class Pace:
    """Judges by the latest costs of a note, in seconds."""

    def __init__(self, costs: Iterable[float] = ()) -> None:
        self._costs: deque[float] = deque(costs, maxlen=256)

    def add(self, seconds: float) -> None:
        """A note cost so much."""
        if seconds > 0:
            self._costs.append(seconds)

    @property
    def speed(self) -> float:
        """Notes a second in the long run, the slow ones counted; 0 while nothing is known."""
        return len(self._costs) / sum(self._costs) if self._costs else 0.0

    def cost(self, percent: float) -> float:
        """The percentile of a note's cost, in seconds."""
        return float(np.percentile(self._costs, percent)) if self._costs else 0.0

    @property
    def commit(self) -> float:
        """The commit window: a chord of four notes, one of them slow, and room for the way to the port.

        A slow note is one at which a network takes its memory in again; that never happens twice in a row.
        """
        return min(max(LEAST_COMMIT, 0.06 + 3 * self.cost(50) + self.cost(99)), MOST_COMMIT)

    @property
    def guard(self) -> float:
        """The guard: a few notes to take in again, and one to draw; or a whole bar, which counts to its first note."""
        return max(min(8 * self.cost(90), 0.5), min(self.cost(99), MOST_AHEAD / 2))

    @property
    def ahead(self) -> float:
        """The look-ahead: four times the work of the densest second, and the slowest note twice over."""
        if not self._costs:
            return LEAST_AHEAD
        return min(max(LEAST_AHEAD, 4 * DENSE / self.speed + 2 * self.cost(100)), MOST_AHEAD)
