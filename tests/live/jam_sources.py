"""Brains for tests: scripted, so that every note is foreseen; importable in the model process."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from musegen.errors import CheckpointError
from musegen.events.codec import TimedNote
from musegen.live.sources import Script
from musegen.sampling.duet import Played
from musegen.sampling.request import Request


@dataclass(frozen=True)
class Steady:
    """A note every `spacing` ticks, each two beats long, so that something always sounds; `instruments` take turns."""

    count: int = 0  # 0: without end
    instruments: tuple[int, ...] = (0,)
    spacing: int = 24

    def open(self) -> Script:
        n = self.count or 24 * len(self.instruments)
        notes = [
            TimedNote(i * self.spacing, 48, 48 + i % 24, 80, self.instruments[i % len(self.instruments)])
            for i in range(n)
        ]
        return Script(notes, 0 if self.count else n * self.spacing)


class Parrot(Script):
    """Plays beats from where it is asked to, a fifth above what it heard last, and remembers all that it is told."""

    def __init__(self) -> None:
        super().__init__([])
        self.told: list[tuple[str, object]] = []
        self.asked: list[Request] = []
        self._pitch = 60
        self._at = 0

    def hear(self, note: Played) -> None:
        self.told.append(("hear", note))
        self._pitch = note.pitch + 7

    def end(self, number: int, duration: int) -> None:
        self.told.append(("end", (number, duration)))

    def reset(self, notes: Sequence[Played]) -> None:
        self.told.append(("reset", list(notes)))

    def forget(self, start: int) -> None:
        self.told.append(("forget", start))

    def ask(self, request: Request) -> None:
        self.asked.append(request)
        self._request, self._at, self._steps = request, request.start, list(request.template)

    def next(self) -> Played | None:
        request = self._request
        assert request is not None
        if request.template:
            if not self._steps:
                return None
            step = self._steps.pop(0)
            pitch = 99 if step.pitch is None else step.pitch
            return self._play(TimedNote(step.onset, step.duration, pitch, step.velocity, step.instrument))
        if request.end is not None and self._at >= request.end:
            return None
        note = TimedNote(self._at, 24, self._pitch, 70 + request.seed_number, request.voices[0])
        self._at += 24
        return self._play(note)


@dataclass(frozen=True)
class One:
    """A source whose brain the test holds."""

    brain: Script = field(default_factory=Parrot)

    def open(self) -> Script:
        return self.brain


class _Failing(Script):
    def __init__(self, notes: int, signal_number: int) -> None:
        super().__init__([TimedNote(i * 24, 48, 48 + i % 24, 80, 0) for i in range(notes)])
        self._signal = signal_number

    def next(self) -> Played | None:
        note = super().next()
        if note is None:
            if self._signal:
                time.sleep(0.2)  # so that the notes arrive
                os.kill(os.getpid(), self._signal)
            raise ValueError("the weights hold a NaN")
        return note


@dataclass(frozen=True)
class Failing:
    """Some notes, then an exception, or death by `signal_number`."""

    notes: int = 8
    signal_number: int = 0

    def open(self) -> Script:
        return _Failing(self.notes, self.signal_number)


@dataclass(frozen=True)
class Broken:
    """Cannot even be opened."""

    def open(self) -> Script:
        raise CheckpointError("There is no checkpoint called 'x'.")


KILL = int(signal.SIGKILL)
