"""Partners: whoever plays along, behind one contract, and the process that one lives in.

A `Brain` is told what has been played and asked for more, note by note. `ModelProcess` runs it in a process of its
own, so that neither a network nor a crash can disturb the music; `DirectPartner` runs it here, for tests and for
playing faster than real time. What a brain knows is a copy: the performer's own record of the notes is the truth,
so that a partner can be exchanged for another at any moment. Knows nothing of clocks or ports.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

from ..errors import MusegenError
from ..sampling.duet import Played
from ..sampling.request import Request


class Brain(Protocol):
    """What plays along: a model with its memory, a file, a script."""

    def hear(self, note: Played) -> None:
        """`note` was played (`duration` None: it is still held)."""

    def end(self, number: int, duration: int) -> None:
        """The held note `number` lasted `duration` ticks."""

    def reset(self, notes: Sequence[Played]) -> None:
        """Only `notes` were played."""

    def forget(self, start: int) -> None:
        """What it has planned from tick `start` on will not be played."""

    def ask(self, request: Request) -> None:
        """From now on `next` answers this. What it has planned from its start on will not be played."""

    def next(self) -> Played | None:
        """The next note of the request; None where it ends."""

    def companions(self, request: Request, to: Played) -> list[Played]:
        """Notes to sound together with `to`, which was heard; they end when it ends."""

    def idle(self) -> None:
        """There is time to prepare."""


class Source(Protocol):
    """A picklable recipe for a brain; it is opened in the process where the brain lives."""

    def open(self) -> Brain:
        """The brain. Raises MusegenError."""


class Answer(NamedTuple):
    """A note of request `request`, or its end (`note` None). `to`: the number of the note it accompanies."""

    request: int
    note: Played | None
    to: int | None = None
    seconds: float = 0.0  # what it cost


class Partner(Protocol):
    """Hands out what a brain plays."""

    @property
    def ready(self) -> bool:
        """Whether the brain is there."""

    def hear(self, note: Played) -> None:
        """As `Brain.hear`; so are `end`, `reset` and `forget`."""

    def end(self, number: int, duration: int) -> None: ...

    def reset(self, notes: Sequence[Played]) -> None: ...

    def forget(self, start: int) -> None: ...

    def ask(self, request: Request) -> None:
        """Answer this from now on; answers to older requests may still come."""

    def companions(self, request: Request, to: Played) -> None:
        """Answer with notes to sound with `to`."""

    def until(self, tick: int) -> None:
        """Notes up to `tick` may be drawn."""

    def take(self) -> list[Answer]:
        """The answers since the last call. Raises MusegenError if no more can come."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` (from any thread) when there is something to take."""

    def close(self) -> None:
        """Stop. Never raises; twice is once."""


class _Worker:
    """Obeys commands and draws notes as far as is permitted."""

    def __init__(self, source: Source) -> None:
        self._brain = source.open()
        self._request: Request | None = None
        self._until, self._last = -(10**9), -(10**9)

    @property
    def busy(self) -> bool:
        """Whether there is a note to draw."""
        return self._request is not None and self._last < self._until

    def obey(self, command: str, *values: Any) -> list[Answer]:
        """Do as told; the answers, if any."""
        if command == "until":
            self._until = values[0]
        elif command == "forget":
            self._request = None
            self._brain.forget(values[0])
        elif command == "ask":
            self._request = values[0]
            self._last = values[0].start - 1
            self._brain.ask(values[0])
        elif command == "companions":
            began = time.perf_counter()
            notes = self._brain.companions(*values)
            cost = (time.perf_counter() - began) / max(1, len(notes))
            return [Answer(values[0].number, note, values[1].number, cost) for note in notes]
        else:
            getattr(self._brain, command)(*values)
        return []

    def draw(self) -> Answer:
        """One more note."""
        assert self._request is not None
        began = time.perf_counter()
        note = self._brain.next()
        number, cost = self._request.number, time.perf_counter() - began
        if note is None:
            self._request = None
        else:
            self._last = note.onset
        return Answer(number, note, None, cost)

    def idle(self) -> None:
        """Prepare."""
        self._brain.idle()


class _Teller:
    """The half of a partner that passes commands on."""

    def hear(self, note: Played) -> None:
        """`note` was played."""
        self._tell("hear", note)

    def end(self, number: int, duration: int) -> None:
        """A held note ended."""
        self._tell("end", number, duration)

    def reset(self, notes: Sequence[Played]) -> None:
        """Only `notes` were played."""
        self._tell("reset", list(notes))

    def forget(self, start: int) -> None:
        """What is planned from `start` on will not be played."""
        self._tell("forget", start)

    def ask(self, request: Request) -> None:
        """Answer this from now on."""
        self._tell("ask", request)

    def companions(self, request: Request, to: Played) -> None:
        """Answer with notes to sound with `to`."""
        self._tell("companions", request, to)

    def until(self, tick: int) -> None:
        """Notes up to `tick` may be drawn."""
        self._tell("until", tick)

    def _tell(self, command: str, *values: Any) -> None:
        raise TypeError(f"{type(self).__name__} passes nothing on")


class DirectPartner(_Teller):
    """A brain in this process: every answer is there when it is taken."""

    ready = True

    def __init__(self, source: Source) -> None:
        self._worker = _Worker(source)
        self._answers: list[Answer] = []

    def take(self) -> list[Answer]:
        """All answers that are permitted."""
        while self._worker.busy:
            self._answers.append(self._worker.draw())
        answers, self._answers = self._answers, []
        return answers

    def listen(self, wake: Callable[[], None]) -> None:
        """Nothing comes by itself."""

    def close(self) -> None:
        """Nothing to stop."""

    def _tell(self, command: str, *values: Any) -> None:
        self._answers += self._worker.obey(command, *values)


class ModelProcess(_Teller):
    """A brain in a process of its own. One pipe and no lock join it to this one.

    So the death of either end, however sudden, is the end of the pipe for the other.
    """

    def __init__(self, source: Source) -> None:
        # One note at a time is fastest on one thread (two gave stalls of tens of milliseconds), and the other core is
        # the music's. The child reads these when it loads numpy.
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, source), name="musegen-model", daemon=True)
        self._process.start()
        theirs.close()
        self.ready = False
        self._answers: deque[Answer] = deque()
        self._trouble: MusegenError | None = None
        self._wake: Callable[[], None] = lambda: None
        self._closed = False
        self._until: int | None = None
        # Writing has a thread too: a process that stands still may let its pipe run full, and the music must not wait.
        self._commands: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._read, self._write)]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process.pid is not None
        return self._process.pid

    def until(self, tick: int) -> None:
        """Notes up to `tick` may be drawn."""
        if tick != self._until:
            self._until = tick
            super().until(tick)

    def take(self) -> list[Answer]:
        """The answers since the last call; what a process sent before it died is not worth playing."""
        if self._trouble is not None:
            raise self._trouble
        answers = []
        while self._answers:
            answers.append(self._answers.popleft())
        return answers

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` when there is something to take."""
        self._wake = wake

    def close(self) -> None:
        """End the process, whatever it is doing: it holds nothing that could be lost."""
        if self._closed:
            return
        self._closed = True
        self._process.terminate()
        self._process.join(2.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._commands.put(None)
        for thread in self._threads:
            thread.join(1.0)
        self._pipe.close()

    def _tell(self, command: str, *values: Any) -> None:
        if not self._closed and self._trouble is None:
            self._commands.put((command, *values))

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # it has died; the reader sees why
            while (command := self._commands.get()) is not None:
                self._pipe.send(command)

    def _read(self) -> None:
        while True:
            try:
                what, value = self._pipe.recv()
            except (EOFError, OSError):
                if not self._closed:
                    self._process.join(1.0)
                    self._trouble = self._trouble or ModelDied(f"The model process died ({self._why()}).")
                    self._wake()
                return
            if what == "ready":
                self.ready = True
            elif what == "error":
                self._trouble = MusegenError(str(value))
            else:
                self._answers.append(Answer(*value))
            self._wake()

    def _why(self) -> str:
        status = self._process.exitcode
        if status is None:
            return "it does not say why"
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"killed by {signal.Signals(-status).name}"
        return f"exit status {status}"


class ModelDied(MusegenError):
    """The model's process ended by itself or was killed: another one may do better."""


def _run(pipe: Connection, source: Source) -> None:
    """The model process."""
    for name in ("SIGINT", "SIGHUP"):  # the parent decides when to end
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)
    try:
        worker = _Worker(source)
        pipe.send(("ready", None))
        while True:
            if worker.busy:
                pipe.send(("answer", tuple(worker.draw())))
                if not pipe.poll():
                    continue
            elif not pipe.poll():
                worker.idle()
            for answer in worker.obey(*pipe.recv()):
                pipe.send(("answer", tuple(answer)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has gone
    except MusegenError as error:
        _tell(pipe, ("error", str(error)))
    except Exception as error:  # noqa: BLE001 - whatever a model raises must reach the player as a sentence
        _tell(pipe, ("error", f"The model stopped: {type(error).__name__}: {error}"))


def _tell(pipe: Connection, what: tuple[str, str]) -> None:
    with contextlib.suppress(OSError):
        pipe.send(what)
