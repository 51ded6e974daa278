"""Sources of notes for tests; importable in the model process."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from musegen.events.codec import TimedNote


@dataclass(frozen=True)
class Steady:
    """A quarter note each beat, each two beats long, so that something always sounds; `instruments` take turns."""

    count: int = 10**9
    instruments: tuple[int, ...] = (0,)
    spacing: int = 24

    def open(self) -> Iterator[TimedNote]:
        for i in range(self.count):
            yield TimedNote(i * self.spacing, 48, 48 + i % 24, 80, self.instruments[i % len(self.instruments)])


@dataclass(frozen=True)
class Failing:
    """Some notes, then an exception, or death by `signal_number`."""

    notes: int = 8
    signal_number: int = 0

    def open(self) -> Iterator[TimedNote]:
        yield from Steady(self.notes).open()
        if self.signal_number:
            time.sleep(0.2)  # so that the notes arrive
            os.kill(os.getpid(), self.signal_number)
        raise ValueError("the weights hold a NaN")


@dataclass(frozen=True)
class Broken:
    """Cannot even be opened."""

    def open(self) -> Iterator[TimedNote]:
        from musegen.errors import CheckpointError

        raise CheckpointError("There is no checkpoint called 'x'.")


KILL = int(signal.SIGKILL)
