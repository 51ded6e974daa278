"""Things to do at given times of a fake clock, while something else waits on it."""

from __future__ import annotations

from collections.abc import Callable

from musegen.live.clock import Clock


class Agenda:
    """Does what was noted when `clock` passes its time, whoever moves it."""

    def __init__(self, clock: Clock) -> None:
        self._noted: list[tuple[float, Callable[[], None]]] = []
        plain = clock.wait_until

        def wait_until(time: float) -> None:
            while self._noted and self._noted[0][0] <= time:
                when, what = self._noted.pop(0)
                plain(when)
                what()
            plain(time)

        clock.wait_until = wait_until  # type: ignore[method-assign]

    def at(self, time: float, what: Callable[[], None]) -> None:
        """Do `what` at clock `time`."""
        self._noted = sorted([*self._noted, (time, what)], key=lambda t: t[0])
