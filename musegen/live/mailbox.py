"""What a sender process shares between the thread that listens to its parent and the one that sends.

Used only in sender processes. Knows nothing of any MIDI system.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections import deque

from . import wire
from .messages import Outbox

LATE = 0.1  # seconds; the scheduler drops at 0.03, so this only speaks if this process itself was held up


class Trouble(Exception):
    """The port cannot be opened or has gone; the text is one sentence."""


class Mailbox:
    """What the parent has said: one thread posts, the one that sends sorts. Neither ever waits for the other."""

    def __init__(self) -> None:
        self.outbox = Outbox(LATE)
        self.arrived = threading.Event()
        self.closing = False
        self._posted: deque[tuple[float, bytes]] = deque()

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
                    self.outbox.silence(now)
                self.closing = True
            elif self.closing:
                continue
            elif message == wire.CANCEL:
                self.outbox.cancel(now)
            else:
                self.outbox.push(message, time)

    @property
    def finished(self) -> bool:
        """Whether it was closed and everything has gone out."""
        return self.closing and not self.outbox


def report(what: str, **rest: object) -> None:
    """Tell the parent; if it has gone there is nobody to tell."""
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps({"what": what, **rest}) + "\n")
        sys.stdout.flush()


def report_late(outbox: Outbox, before: int) -> int:
    """Tell the parent how many note-ons were dropped, if that has changed from `before`; returns how many."""
    if outbox.late != before:
        report("late", count=outbox.late)
    return outbox.late


def spin_until(due: float) -> None:
    """Wait the last moment without sleeping, since a sleep may oversleep."""
    while time.perf_counter() < due:
        pass
