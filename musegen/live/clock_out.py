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
    """Sends a conductor's time through `send(message, time)`, each message with its own clock time."""

    def __init__(self, send: Callable[[bytes, float], None]) -> None:
        self._send = send
        self._epoch = 0
        self._next: int | None = None  # the tick of the next F8
        self._started = False  # the others play
        self._sent = -inf  # the time of the latest F8

    def update(self, conductor: Conductor, now: float, until: float) -> None:
        """Send everything due up to clock `until`; to be called more often than every `until - now` seconds.

        After a change of epoch, ticks that were handed over before it may still go out after the stop: a receiver that
        is stopped does not count them, and the song position is sent anew.
        """
        if conductor.epoch != self._epoch:
            self._epoch = conductor.epoch
            self.stop(now)
        if not conductor.rolling:
            return
        if self._next is None:
            self._next = ceil(conductor.tick(max(now, self._sent) + BEFORE))
        while (at := conductor.time(self._next)) <= until:
            if conductor.time(self._next + 1) > at:  # else it is jumped over and never sounds
                self._order(conductor, self._next, at)
                self._sent = max(at, self._sent)  # after a bend of the tempo, never before what is on its way
                self._send(CLOCK, self._sent)
            self._next += 1

    def stop(self, now: float) -> None:
        """Tell the others to stop, at once. If the music goes on, they are told from which sixteenth to go on.

        Also to be called when messages that were on their way have been cancelled, or else the others have lost ticks.
        """
        if self._started:
            self._send(STOP, now)
        self._started, self._next = False, None

    def _order(self, conductor: Conductor, tick: int, at: float) -> None:
        """Before the F8 of `tick`: a start if the others do not play and this is a place they can start from."""
        if self._started or tick < 0 or tick % SIXTEENTH:
            return
        bar = max(1, conductor.timeline.meter(tick).bar_ticks() // SIXTEENTH)
        place = tick // SIXTEENTH % (PLACES // bar * bar)
        if place:
            self._send(bytes([0xF2, place & 0x7F, place >> 7]), at - BEFORE)
        self._send(CONTINUE if place else START, at - BEFORE)
        self._started = True
