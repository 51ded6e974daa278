"""A progress line for any verb: bar, count, rate, time left. Knows nothing of the work.

On a terminal the line is redrawn in place, at most ten times a second; elsewhere nothing is printed but the
last line, so that logs stay short.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

_WIDTH = 28
_REDRAW_S = 0.1


class Progress:
    """`with Progress("reading", "files") as p: p.update(done, total)`. Writes to stderr unless told otherwise."""

    def __init__(self, label: str, unit: str = "", stream: TextIO | None = None) -> None:
        self.label, self.unit = label, unit
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty()
        self._began = time.monotonic()
        self._drawn = float("-inf")
        self._first: int | None = None
        self._done = self._total = 0
        self._says = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, done: int, total: int, says: str = "") -> None:
        """`done` of `total` are done; what the first call counts was done before and does not enter the rate.

        `says` is shown instead of that rate, such as "1,590 notes/s".
        """
        if self._first is None:
            self._first = done
        self._done, self._total, self._says = done, total, says
        now = time.monotonic()
        if self._terminal and (now - self._drawn >= _REDRAW_S or done == total):
            self._drawn = now
            self._stream.write(f"\r{self.line(now - self._began)}\x1b[K")
            self._stream.flush()

    def close(self) -> None:
        """End the line."""
        if self._first is None:
            return
        last = self.line(time.monotonic() - self._began)
        self._stream.write(f"\r{last}\x1b[K\n" if self._terminal else f"{last}\n")
        self._stream.flush()
        self._first = None

    def line(self, elapsed: float) -> str:
        """The line after `elapsed` seconds."""
        share = self._done / self._total if self._total else 1.0
        bar = ("█" * round(share * _WIDTH)).ljust(_WIDTH, "·")
        rate = (self._done - (self._first or 0)) / elapsed if elapsed > 0 else 0.0
        unit = f" {self.unit}" if self.unit else ""
        text = f"{self.label} {bar} {self._done}/{self._total}{unit}"
        if self._done >= self._total:
            return f"{text}, {self._says}, {clock(elapsed)}" if self._says else f"{text}, {clock(elapsed)}"
        if rate <= 0:
            return text
        return f"{text}, {self._says or f'{rate:.3g}/s'}, {clock((self._total - self._done) / rate)} left"


def clock(seconds: float) -> str:
    """Seconds as 0:07, 3:45 or 1:02:33."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"
