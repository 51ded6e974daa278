"""Musical time that belongs to a host: a DAW that musegen runs inside of, or a bounce faster than real time.

The host says block by block where it is; clock seconds are whatever it counts in (its samples, for instance).
Knows nothing of any plugin interface.
"""

from __future__ import annotations

from .course import Course, seconds_per_tick
from .timeline import Timeline
from .timemap import Knot

TOLERANCE = 1.0  # ticks: a larger difference from what was expected is a jump
CATCH_UP = 24  # ticks in which a smaller one is made up for
EXACT = 5e-5  # seconds: smaller differences are not worth a new line of the map


class HostTime(Course):
    """Where the host is, as `at` and `stop` say."""

    source = "host"

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline)
        self._qpm = timeline.qpm(0)

    @property
    def qpm(self) -> float:
        """Quarter notes a minute, as the host last said."""
        return self._qpm

    def at(self, tick: float, time: float, qpm: float) -> None:
        """The host plays: at clock `time` it is at its `tick` (24 a quarter), at `qpm` quarter notes a minute.

        Once a block is enough. A place that was not expected is a jump.
        """
        self._qpm, seconds = qpm, seconds_per_tick(qpm)
        ours = tick - self._jumps[-1][1]
        if not self._rolling or abs(ours - self._map.tick(time)) > TOLERANCE:
            place = round(tick)
            self._roll(time, place, time + (place - tick) * seconds, seconds)
        elif abs(self._map.time(ours + CATCH_UP) - time - CATCH_UP * seconds) > EXACT:
            self._bend(time, ours, seconds)
        self._past = max(self._past, time)

    def stop(self, time: float) -> None:
        """The host stopped at clock `time`."""
        if self._rolling:
            self._halt(time)
        self._past = max(self._past, time)

    def _bend(self, time: float, tick: float, seconds: float) -> None:
        """Be where the host is within a beat, then go on at its `seconds` a tick."""
        now = max(time, self._past)
        ours = self._map.tick(now)
        there = time + (ours + CATCH_UP - tick) * seconds
        self._map.plan([Knot(now, ours, (there - now) / CATCH_UP), Knot(there, ours + CATCH_UP, seconds)])
