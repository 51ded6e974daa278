"""The process that a model lives in: a `partner.Partner` whose brain is elsewhere. Knows nothing of clocks or ports."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ..errors import MusegenError
from ..workers import deaf_to_interrupts
from .partner import Answer, Source, Teller, Worker


class ModelProcess(Teller):
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
        with deaf_to_interrupts():
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
        worker = Worker(source)
        pipe.send(("ready", None))
        for answer in worker.rehearse():
            pipe.send(("answer", tuple(answer)))
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
