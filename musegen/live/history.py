"""The record of what both players have played, in ticks: the truth that every partner's memory is a copy of.

Knows nothing of clocks, ports or models.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable

from ..sampling.duet import Played

KEPT = 2048  # notes


def _place(note: Played) -> tuple[int, int, int]:
    return note.place


class History:
    """Notes by onset. `begin` holds a seed phrase's notes, at negative ticks; they are never taken back."""

    def __init__(self, begin: tuple[Played, ...] = ()) -> None:
        self._begin = begin
        self._notes: list[Played] = []

    @property
    def notes(self) -> list[Played]:
        """All that was played, without the seed phrase."""
        return list(self._notes)

    def latest(self, count: int) -> list[Played]:
        """The last so many notes."""
        return self._notes[-count:]

    def add(self, note: Played) -> None:
        """Put `note` in its place."""
        insort(self._notes, note, key=_place)
        if len(self._notes) > 2 * KEPT:
            del self._notes[:KEPT]

    def end(self, number: int, duration: int) -> None:
        """The held note `number` lasted `duration` ticks."""
        for i in range(len(self._notes) - 1, -1, -1):
            if self._notes[i].number == number:
                self._notes[i] = self._notes[i]._replace(duration=max(1, duration))
                return

    def between(self, start: int, end: int) -> list[Played]:
        """The notes with an onset in [start, end), the seed phrase's too."""
        old = [n for n in self._begin if start <= n.onset < end]
        first, last = (bisect_left(self._notes, (t, -1, -1), key=_place) for t in (start, end))
        return old + self._notes[first:last]

    def forget(self, start: int, which: Callable[[Played], bool] = lambda note: True) -> None:
        """Take back the notes from `start` on that are `which`."""
        self._notes = [n for n in self._notes if n.onset < start or not which(n)]

    def move(self, ticks: int) -> None:
        """Move everything by `ticks`, so that what comes next follows on what is left."""
        self._notes = [n._replace(onset=n.onset + ticks) for n in self._notes]
