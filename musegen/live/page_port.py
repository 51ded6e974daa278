"""The port of somebody at a page: hears what goes out ahead of its time, and has keys that are played on the screen.

A port around a port, which plays and hears as before. What is struck on the page sounds there at once by itself, so it
is never told back. Knows nothing of lines or pages but the `Broadcast`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .around import Around
from .broadcast import Broadcast
from .clock import Clock
from .messages import ALL_NOTES_OFF, ALL_SOUND_OFF, Key, is_channel, is_off, is_on, note_off
from .ports import Port

AHEAD = 0.15
"""Seconds: so early a page likes to know what is to sound."""


class PagePort(Around):
    """Sends to `port` and tells `page`; hears `port` and what is given to `press`."""

    def __init__(self, port: Port, page: Broadcast, clock: Clock) -> None:
        super().__init__(port)
        self._page, self._clock = page, clock
        self._pressed: deque[tuple[float, bytes]] = deque()
        self._down: set[Key] = set()
        self._wake: Callable[[], None] = lambda: None
        self._thru = False
        self._programs: dict[int, bytes] = {}  # the latest of each channel

    @property
    def lookahead(self) -> float:
        """What both need."""
        return max(self._port.lookahead, AHEAD)

    @property
    def up(self) -> bool:
        """Always: the page can be heard whatever becomes of the port."""
        return True

    @property
    def plugged(self) -> bool:
        """Whether the port itself is there."""
        return self._port.up

    def send(self, message: bytes, time: float) -> None:
        """Send, and tell the page."""
        self._port.send(message, time)
        if message[0] & 0xF0 == 0xC0:
            self._programs[message[0] & 0x0F] = message
        if is_channel(message):
            self._page.midi(message, time)

    def full(self) -> None:
        """Have the page told everything anew, also which sounds there are: it may have come late."""
        self._page.full()
        for _, message in sorted(self._programs.copy().items()):
            self._page.midi(message, self._clock.now())

    def cancel(self) -> None:
        """Cancel there and here."""
        self._port.cancel()
        self._page.cancel()

    def press(self, message: bytes) -> None:
        """`message` was played on the page, now; from any one thread. "All notes off" lifts every key."""
        now = self._clock.now()
        if message[0] & 0xF0 == 0xB0 and message[1] in (ALL_NOTES_OFF, ALL_SOUND_OFF):
            self._pressed += [(now, note_off(*key)) for key in sorted(self._down)]
            self._down.clear()
        else:
            self._pressed.append((now, message))
        if is_on(message):
            self._down.add((message[0] & 0x0F, message[1]))
        elif is_off(message):
            self._down.discard((message[0] & 0x0F, message[1]))
        self._wake()

    def receive(self) -> list[tuple[float, bytes]]:
        """What came in there and here. With thru, each hears what was played at the other."""
        received = self._port.receive()
        pressed = [self._pressed.popleft() for _ in range(len(self._pressed))]
        if self._thru:
            for time, message in received:
                if is_channel(message):
                    self._page.midi(message, time)
            for time, message in pressed:
                self._port.send(message, time)
        return sorted([*received, *pressed], key=lambda m: m[0])

    def thru(self, on: bool) -> None:
        """On both."""
        self._thru = on
        self._port.thru(on)

    def listen(self, wake: Callable[[], None]) -> None:
        """To both."""
        self._wake = wake
        self._port.listen(wake)
