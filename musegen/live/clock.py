"""Clocks: what time it is, and waiting for a time.

Everything live takes a `Clock`, so the same performer plays in real time, or on a `FakeClock` as fast as
the machine goes and the same every time. Knows nothing of MIDI or of musical time.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds on a line that never runs backwards; only differences mean anything."""

    @property
    def realtime(self) -> bool:
        """True if time passes by itself; False if it stands still until somebody waits."""
        ...

    def now(self) -> float:
        """The time, in seconds."""
        ...

    def wait_until(self, time: float) -> None:
        """Return at `time` (seconds), or at once if it has passed."""
        ...


class RealClock:
    """The machine's monotonic clock; every process of the machine reads the same one.

    `time.perf_counter` is documented as system-wide, and unlike `time.monotonic` it is fine-grained on Windows.
    """

    realtime = True

    def now(self) -> float:
        """Seconds since some moment in the past."""
        return time.perf_counter()

    def wait_until(self, time: float) -> None:
        """Sleep until `time`; a signal handler runs meanwhile, and the wait goes on after it."""
        sleep_until(time)


def sleep_until(due: float) -> None:
    """Sleep until `time.perf_counter()` reaches `due`."""
    while (left := due - time.perf_counter()) > 0:
        time.sleep(left)


class FakeClock:
    """A clock that stands still, and jumps when somebody waits: faster than real time, and repeatable."""

    realtime = False

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """The time that was last waited for."""
        return self._now

    def wait_until(self, time: float) -> None:
        """Jump to `time`; never backwards."""
        self._now = max(self._now, time)
