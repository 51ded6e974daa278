"""What a port process shares between the threads that talk with its parent and the one that sends.

Used only in port processes. Knows nothing of any MIDI system.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque

from . import wire
from .junction import Junction

LATE = 0.1  # seconds; the scheduler drops at 0.03, so this only speaks if this process itself was held up
_WORDS = {wire.THRU: True, wire.NO_THRU: False}


class Trouble(Exception):
    """The port cannot be opened or has gone; the text is one sentence."""


class Closed(Exception):
    """The parent wants no port any more, while one was being opened."""


class Outlet:
    """Records to the parent, from any thread, none of which ever waits: not for the pipe, nor for another."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        if os.name == "posix":
            os.set_blocking(descriptor, False)

    def put(self, data: bytes) -> None:
        """Write `data` as soon as possible."""
        self._waiting.append(data)
        self.flush()

    def flush(self) -> None:
        """Write what waits. Whoever holds the lock writes for all; if the parent has gone there is nobody to tell."""
        stuck = False
        while self._waiting and not stuck and self._lock.acquire(blocking=False):
            try:
                stuck = not self._write()
            finally:
                self._lock.release()

    def _write(self) -> bool:
        while self._waiting:
            data = self._waiting.popleft()
            try:
                rest = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                rest = data
            except OSError:
                self._waiting.clear()
                return False
            if rest:
                self._waiting.appendleft(rest)
                return False
        return True


class Mailbox:
    """What the parent has said: one thread posts, the one that sends sorts. Neither ever waits for the other."""

    def __init__(self, outlet: Outlet) -> None:
        self.junction = Junction(LATE)
        self.junction.shut()  # until the parent says otherwise
        self.arrived = threading.Event()
        self.closing = False
        self.opening: wire.Opening | None = None
        """What to open, once the parent has said it."""
        self._outlet = outlet
        self._posted: deque[tuple[float, bytes]] = deque()
        self._late = 0

    def post(self, time: float, message: bytes) -> None:
        """From any thread: hand in one record."""
        self._posted.append((time, message))
        self.arrived.set()

    def sort(self, now: float) -> None:
        """From the sending thread: carry out what was posted."""
        while self._posted:
            time, message = self._posted.popleft()
            if message == wire.CLOSE:
                if not self.closing:
                    self.junction.silence(now)
                self.closing = True
            elif not self.closing:
                self._carry_out(time, message, now)

    def _carry_out(self, time: float, message: bytes, now: float) -> None:
        junction = self.junction
        if message == wire.CANCEL:
            junction.cancel(now)
        elif message == wire.RESUME:
            junction.open = True
        elif message == wire.SHUT:
            junction.shut()
        elif message == wire.LET_GO:
            for each in junction.let_go(now):
                self._outlet.put(wire.pack(now, each))
        elif message[:1] == wire.OPEN:
            self.opening = wire.Opening.of(message)
        elif message in _WORDS:
            junction.thru = _WORDS[message]
        else:
            junction.push(message, time)

    def hear(self, message: bytes, time: float) -> None:
        """From the sending thread: `message` came in at `time`."""
        if self.junction.hear(message, time):
            self._outlet.put(wire.pack(time, message))

    def look_after(self) -> None:
        """From the watching thread, now and then: tell the parent what it should know."""
        if self.junction.late != self._late:
            self._late = self.junction.late
            self.report("late", count=self._late)
        for text in self.junction.news():
            self.report("news", text=text)
        self._outlet.flush()

    def report(self, what: str, **rest: object) -> None:
        """From any thread: tell the parent."""
        self._outlet.put(wire.pack_report({"what": what, **rest}))

    @property
    def finished(self) -> bool:
        """Whether it was closed and everything has gone out."""
        return self.closing and not self.junction


def spin_until(due: float) -> None:
    """Wait the last moment without sleeping, since a sleep may oversleep."""
    while time.perf_counter() < due:
        pass


def wait_or_close(mailbox: Mailbox, seconds: float) -> None:
    """Wait while a port is being opened. Raises Closed if the parent wants none any more."""
    mailbox.arrived.wait(seconds)
    mailbox.arrived.clear()
    mailbox.sort(time.perf_counter())
    if mailbox.closing:
        raise Closed
