"""A fake clock and a loop-back port: run anything live in a test, repeatably and faster than real time.

    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    scheduler.play(Sound(onset=1.0, duration=0.5, channel=0, pitch=60, velocity=80))
    scheduler.advance(); clock.wait_until(2.0); scheduler.advance()
    assert [m.hex() for t, m in port.received()] == ["903c50", "803c40"]

Public: other projects may use it. `LoopbackPort` obeys the whole contract of `ports.Port`, faults included.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PortError
from .clock import Clock, FakeClock
from .messages import Key, Outbox, is_off, is_on
from .ports import NoInput

__all__ = ["FakeClock", "LoopbackPort", "hanging"]


class LoopbackPort(NoInput):
    """A port that keeps what it sends. With `gone_at`, it is unplugged at that time: nothing arrives after it."""

    name = "loopback:out"
    lookahead = 0.1

    def __init__(self, clock: Clock, gone_at: float = float("inf")) -> None:
        self.closed = False
        self._clock = clock
        self._gone_at = gone_at
        self._outbox = Outbox()
        self._received: list[tuple[float, bytes]] = []
        self._delivered = clock.now()

    def received(self) -> list[tuple[float, bytes]]:
        """What has arrived by now, as (time, message), in order of arrival."""
        self._deliver()
        return list(self._received)

    def send(self, message: bytes, time: float) -> None:
        """Deliver `message` at `time`, or now if that has passed."""
        self.check()
        self._deliver()
        self._outbox.push(message, time)

    def cancel(self) -> None:
        """Forget what is on its way, except note-offs."""
        self.check()
        self._deliver()
        self._outbox.cancel(self._clock.now())

    def check(self) -> None:
        """Raise PortError from `gone_at` on."""
        if self._clock.now() >= self._gone_at:
            raise PortError(f"The MIDI port {self.name} has gone: it was unplugged.")

    def close(self) -> None:
        """End what sounds, unless the port has gone."""
        if not self.closed and self._clock.now() < self._gone_at:
            self._deliver()
            self._outbox.silence(self._clock.now())
            while taken := self._outbox.take(float("inf"), 0.0):
                self._received += [(max(due, self._delivered), message) for due, message in taken]
        self.closed = True

    def _deliver(self) -> None:
        # Strictly before now, so that messages of one moment are seen together, and in their order.
        now = min(self._clock.now(), self._gone_at)
        while taken := self._outbox.take(now, 0.0):
            self._received += [(max(due, self._delivered), message) for due, message in taken]
        self._delivered = now


def hanging(received: Sequence[tuple[float, bytes]]) -> set[Key]:
    """The (channel, pitch) of every note-on in `received` that no note-off follows."""
    sounding: set[Key] = set()
    for _, message in received:
        key = (message[0] & 0x0F, message[1])
        if is_on(message):
            sounding.add(key)
        elif is_off(message):
            sounding.discard(key)
    return sounding
