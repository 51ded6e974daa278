"""A fake clock and a loop-back port: run anything live in a test, repeatably and faster than real time.

    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    scheduler.play(Sound(onset=1.0, duration=0.5, channel=0, pitch=60, velocity=80))
    scheduler.advance(); clock.wait_until(2.0); scheduler.advance()
    assert [m.hex() for t, m in port.received()] == ["903c50", "803c40"]

Somebody plays into it with `feed`, it is unplugged for a while with `unplug`, and with `echo=True` its output is
connected to its own input:

    port.feed(3.0, bytes((0x90, 64, 90)))
    port.unplug(4.0, until=5.0)
    clock.wait_until(4.5)
    assert port.receive()[0] == (3.0, b"\\x90\\x40\\x5a") and not port.up

Public: other projects may use it. `LoopbackPort` obeys the whole contract of `ports.Port`, faults included, and shares
with real ports the code that decides what goes out, what was heard, and what is released after a fault.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence

from ..errors import PortError
from .clock import Clock, FakeClock
from .junction import Junction
from .messages import Key, is_off, is_on
from .recovery import Recovery

__all__ = ["FakeClock", "LoopbackPort", "hanging"]


class LoopbackPort:
    """A port that keeps what it sends, as a receiver at its other end would.

    With `gone_at`, it is gone for good at that time: nothing arrives after it, and whoever uses it gets a PortError.
    With `echo`, what it sends comes back to its input 5 ms later, as through a cable from its output.
    """

    name = "loopback:out"
    lookahead = 0.1
    ECHO = 0.005

    def __init__(self, clock: Clock, gone_at: float = math.inf, *, echo: bool = False) -> None:
        self.closed = False
        self._clock, self._gone_at, self._echo = clock, gone_at, echo
        self._swallowed = 0
        self._junction = Junction()
        self._recovery = Recovery()
        self._received: list[tuple[float, bytes]] = []
        self._delivered = clock.now()
        self._events: list[tuple[float, int, str, bytes]] = []  # heap of what comes in, and of faults
        self._count = 0
        self._heard: list[tuple[float, bytes]] = []
        self._news: list[str] = []
        self._wake: Callable[[], None] = lambda: None

    # --- the other end ----------------------------------------------------------------------------------------------

    def received(self) -> list[tuple[float, bytes]]:
        """What has arrived by now, as (time, message), in order of arrival."""
        self._deliver()
        return list(self._received)

    @property
    def lost(self) -> int:
        """Note-ons that never arrived: sent while it had vanished, or on their way when it did or were cancelled."""
        self._deliver()
        return self._swallowed + self._junction.dropped

    def drain(self) -> list[tuple[float, bytes]]:
        """`received`, and forget it: for long tests."""
        self._deliver()
        received, self._received = self._received, []
        return received

    def feed(self, time: float, message: bytes) -> None:
        """Play `message` into its input at `time`. What comes while it has vanished is lost."""
        self._expect(time, "in", message)

    def unplug(self, start: float, until: float = math.inf) -> None:
        """It vanishes at `start`, with all that is on its way, and returns at `until`.

        To the user of a port, the death of the process that holds it is the same.
        """
        self._expect(start, "gone", b"")
        if until < math.inf:
            self._expect(until, "back", b"")

    # --- a port -----------------------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """False from when it is unplugged until it returns."""
        self._deliver()
        return self._junction.open

    def send(self, message: bytes, time: float) -> None:
        """Deliver `message` at `time`, or now if that has passed; nowhere while it has vanished."""
        self.check()
        self._deliver()
        if self._junction.open:
            self._recovery.sent(message, time)
            self._junction.push(message, time)
        else:
            self._swallowed += is_on(message)

    def cancel(self) -> None:
        """Forget what is on its way, except the ends of notes and pedals."""
        self.check()
        self._deliver()
        self._junction.cancel(self._clock.now())

    def receive(self) -> list[tuple[float, bytes]]:
        """What was played into it, without what it played itself."""
        self._deliver()
        heard, self._heard = self._heard, []
        return heard

    def news(self) -> list[str]:
        """That it vanished or returned, or hears itself."""
        self._deliver()
        news, self._news = self._news, []
        return news + self._junction.news()

    def thru(self, on: bool) -> None:
        """Pass on what comes in from now on."""
        self._deliver()
        self._junction.thru = on

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` when something has come in: as soon as anybody looks, since a fake clock has no threads."""
        self._wake = wake

    def check(self) -> None:
        """Raise PortError from `gone_at` on."""
        if self._clock.now() >= self._gone_at:
            raise PortError(f"The MIDI port {self.name} has gone: it was unplugged.")

    def close(self) -> None:
        """End what sounds, unless the port has gone."""
        self._deliver()
        if not self.closed and self._clock.now() < self._gone_at:
            self._junction.silence(self._clock.now())
            self._arrive(math.inf)
        self.closed = True

    # --- time passes ------------------------------------------------------------------------------------------------

    def _expect(self, time: float, what: str, message: bytes) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, what, message))

    def _deliver(self) -> None:
        """Let everything happen that happens before now, in order."""
        now = min(self._clock.now(), self._gone_at)
        if self.closed:
            return
        # Strictly before now, so that messages of one moment are seen together, and in their order.
        while True:
            event = self._events[0] if self._events and self._events[0][0] <= now else None
            if self._arrive(now if event is None else event[0]):
                continue  # its echo may come before anything else
            if event is None:
                break
            heapq.heappop(self._events)
            self._happen(max(event[0], self._delivered), event[2], event[3])
        self._delivered = now

    def _arrive(self, before: float) -> bool:
        """Deliver the messages of the next moment before `before` (all, if that is infinity); False: there are none."""
        due = self._junction.next_time
        if not due < before:
            return False
        moment = math.nextafter(due, math.inf) if before < math.inf else before
        while taken := self._junction.take(moment, 0.0):
            self._received += [(max(at, self._delivered), message) for at, message in taken]
            if self._echo:
                for at, message in taken:
                    self._expect(max(at, self._delivered) + self.ECHO, "in", message)
        return True

    def _happen(self, time: float, what: str, message: bytes) -> None:
        junction = self._junction
        if what == "gone" and junction.open:
            self._hear(time, *junction.let_go(time), passed=True)
            junction.shut()
            self._recovery.vanished(time)
            self._news.append(f"{self.name} has gone: holding until it returns.")
        elif what == "back" and not junction.open:
            junction.open = True
            for i, each in enumerate(self._recovery.returned()):
                junction.push(each, time + i * 1e-9)
            self._news.append(f"{self.name} is back.")
        elif what == "in" and junction.open:
            self._hear(time, message)

    def _hear(self, time: float, *messages: bytes, passed: bool = False) -> None:
        for message in messages:
            if passed or self._junction.hear(message, time):
                if self._junction.thru:
                    self._recovery.sent(message, time)
                self._heard.append((time, message))
                self._wake()


def hanging(received: Sequence[tuple[float, bytes]]) -> set[Key]:
    """The (channel, pitch) of every note-on in `received` that no note-off follows."""
    sounding: set[Key] = set()
    for _, message in received:
        key = (message[0] & 0x0F, message[1] if len(message) > 1 else 0)
        if is_on(message):
            sounding.add(key)
        elif is_off(message):
            sounding.discard(key)
    return sounding
