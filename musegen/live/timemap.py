"""Which tick sounded when: a piecewise linear map of ticks and clock seconds, with pauses and jumps forward.

It is written from the past to the future: what lies before the beginning of the latest plan never changes, and ticks
never run backwards. Knows nothing of tempo in beats, bars or MIDI.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import inf
from threading import Lock
from typing import NamedTuple


class Knot(NamedTuple):
    """From clock `time` on, ticks count from `tick` at `seconds` each; infinite: they stand still."""

    time: float
    tick: float
    seconds: float


class TimeMap:
    """Ticks ↔ seconds. Any thread may ask; 24 bytes a knot, so that hours of them are small."""

    def __init__(self) -> None:
        self._times, self._ticks, self._seconds = array("d"), array("d"), array("d")
        self._lock = Lock()

    @property
    def begun(self) -> bool:
        """Whether there is anything in it."""
        return bool(self._times)

    def plan(self, knots: Sequence[Knot]) -> None:
        """From `knots[0].time` on, everything is as `knots` say; what was planned from there on before is forgotten.

        A knot whose tick would run backwards is raised to the tick that has been reached. Times must not descend.
        """
        with self._lock:
            keep = bisect_left(self._times, knots[0].time)
            for column in (self._times, self._ticks, self._seconds):
                del column[keep:]
            for knot in knots:
                reached = self._tick(knot.time) if self._times else -inf
                self._times.append(knot.time)
                self._ticks.append(max(knot.tick, reached))
                self._seconds.append(knot.seconds)

    def tick(self, time: float) -> float:
        """The tick at `time`. Before the first knot the first tempo goes on backwards; −1 while there is none."""
        with self._lock:
            return self._tick(time)

    def _tick(self, time: float) -> float:
        if not self._times:
            return -1.0
        at = max(0, bisect_right(self._times, time) - 1)
        tick = self._ticks[at] + (time - self._times[at]) / self._seconds[at]
        return min(tick, self._ticks[at + 1]) if at + 1 < len(self._ticks) else tick

    def time(self, tick: float) -> float:
        """When `tick` is there, infinity for never; of a tick that was jumped over, when it was jumped over.

        A tick at which the music stood is there when the music goes on.
        """
        with self._lock:
            if not self._times:
                return inf
            at = max(0, bisect_right(self._ticks, tick) - 1)
            passed = tick - self._ticks[at]
            time = self._times[at] + (passed * self._seconds[at] if passed else 0.0)
            return min(time, self._times[at + 1]) if at + 1 < len(self._times) else time

    def seconds(self, time: float) -> float:
        """Seconds a tick at `time`; infinite while standing still or not begun."""
        with self._lock:
            return self._seconds[max(0, bisect_right(self._times, time) - 1)] if self._times else inf

    def knots(self, end: float, since: float = -inf) -> list[Knot]:
        """The knots up to clock time `end`, from the one that holds just before tick `since` on."""
        with self._lock:
            part = slice(max(0, bisect_left(self._ticks, since) - 1), bisect_right(self._times, end))
            return [Knot(*row) for row in zip(self._times[part], self._ticks[part], self._seconds[part], strict=True)]
