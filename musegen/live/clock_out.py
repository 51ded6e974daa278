"""Musegen as the master of other machines: MIDI clock with exact times, handed over ahead.

One F8 a tick; FA before tick 0, F2 and FB before any other place, FC when the music stops (MIDI 1.0 Detailed
Specification, System Real Time). The song position that is sent is musegen's own tick. Knows nothing of ports.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf

from .conductor import Conductor

CLOCK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
SIXTEENTH = 6  # ticks: the unit of the song position
PLACES = 1 << 14  # it has 14 bits: later than that, bars are counted from the first again
BEFORE = 0.002  # seconds from an order to the F8 it is for: the specification wants receivers to have one millisecond


class ClockOut:
    """Sends the time of `conductor` through `send(message, time)`, each message with its own clock time."""

    def __init__(self, conductor: Conductor, send: Callable[[bytes, float], None]) -> None:
        self._conductor, self._send = conductor, send
        self._epoch = conductor.epoch
        self._next: int | None = None  # the tick of the next F8
        self._started = False  # the others play
        self._sent = -inf  # the time of the latest message

    def advance(self, now: float, horizon: float) -> None:
        """Send everything due up to `now + horizon`; to be called more often than every `horizon` seconds.

        After a change of epoch, ticks that were handed over before it may still go out after the stop: a receiver that
        is stopped does not count them, and the song position is sent anew.
        """
        if self._conductor.epoch != self._epoch:
            self._epoch = self._conductor.epoch
            self.stop(now)
        if not self._conductor.rolling:
            return
        if self._next is None:
            self._next = ceil(self._conductor.tick(max(now + BEFORE, self._sent)))
        while (at := self._conductor.time(self._next)) <= now + horizon:
            if self._conductor.time(self._next + 1) <= at:  # jumped over: it never sounds
                self._next += 1
                continue
            self._order(self._next, at)
            if at > self._sent:  # after a bend of the tempo, never before what is already on its way
                self._sent = at
            self._send(CLOCK, self._sent)
            self._next += 1

    def stop(self, now: float) -> None:
        """Tell the others to stop, at once."""
        if self._started:
            self._send(STOP, now)
        self._started, self._next = False, None

    def _order(self, tick: int, at: float) -> None:
        """Before the F8 of `tick`: a start if the others do not play and this is a place they can start from."""
        if self._started or tick < 0 or tick % SIXTEENTH:
            return
        bar = max(1, self._conductor.timeline.meter(tick).bar_ticks() // SIXTEENTH)
        place = tick // SIXTEENTH % (PLACES // bar * bar)
        if place:
            self._send(bytes([0xF2, place & 0x7F, place >> 7]), at - BEFORE)
        self._send(CONTINUE if place else START, at - BEFORE)
        self._started = True
