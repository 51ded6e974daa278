"""Feeds: notes on their way from a source to the performer.

`ModelProcess` runs the source in a process of its own, so that neither torch nor a crash can disturb the music;
`DirectFeed` runs it here, for tests and for playing faster than real time. Knows nothing of clocks or ports.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Protocol

from ..errors import MusegenError
from ..events.codec import TimedNote
from .sources import Source

AHEAD = 256
"""How many notes a model process may be ahead of the performer."""


class Feed(Protocol):
    """Hands out notes by onset."""

    @property
    def ended(self) -> bool:
        """Whether there are no more notes."""
        ...

    def take(self, wait: bool) -> TimedNote | None:
        """The next note. None if there are no more, or, unless `wait`, if none is ready.

        Raises MusegenError if the source failed or its process died.
        """
        ...

    def check(self) -> None:
        """Raise MusegenError if the source can give no more notes though it has not ended."""
        ...

    def close(self) -> None:
        """Stop the source. Never raises; twice is once."""
        ...


class DirectFeed:
    """A source in this process: a note is always ready."""

    def __init__(self, source: Source) -> None:
        self._notes = source.open()
        self.ended = False

    def take(self, wait: bool) -> TimedNote | None:
        """The next note, or None at the end."""
        note = next(self._notes, None)
        self.ended = note is None
        return note

    def check(self) -> None:
        """Always well."""

    def close(self) -> None:
        """Nothing to stop."""


class ModelProcess:
    """A source in a process of its own, at most `ahead` notes ahead.

    The two ends share one pipe and no lock: notes come in, permits for more go out. So the death of either
    end, however sudden, is the end of the pipe for the other.
    """

    def __init__(self, source: Source, ahead: int = AHEAD) -> None:
        self.ended = False
        # One note at a time is fastest on one thread (two gave stalls of tens of milliseconds), and the other core is
        # the music's. The child reads these when it loads numpy.
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, source, ahead), name="musegen-model", daemon=True)
        self._process.start()
        theirs.close()
        self._taken = 0
        self._closed = False
        self._grant = max(1, ahead // 4)

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process.pid is not None
        return self._process.pid

    def take(self, wait: bool) -> TimedNote | None:
        """The next note, as `Feed.take` says."""
        if self.ended or not (wait or self._pipe.poll()):
            return None
        try:
            what, value = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(1.0)
            raise self._death() from None
        if what == "error":
            raise MusegenError(str(value))
        if what == "end":
            self.ended = True
            return None
        self._taken += 1
        if self._taken % self._grant == 0:
            with contextlib.suppress(OSError):  # if it has died, the next recv says so
                self._pipe.send(self._grant)
        return TimedNote(*value)

    def check(self) -> None:
        """Raise MusegenError if the process was killed; what it had sent by then is not worth playing."""
        if not self._closed and self._process.exitcode:
            raise self._death()

    def close(self) -> None:
        """End the process, whatever it is doing: it holds nothing that could be lost."""
        if self._closed:
            return
        self._closed = True
        self._pipe.close()
        self._process.terminate()
        self._process.join(2.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _death(self) -> MusegenError:
        return MusegenError(f"The model process died ({_why(self._process.exitcode)}).")


def _why(status: int | None) -> str:
    if status is None:
        return "it does not say why"
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


def _run(pipe: Connection, source: Source, ahead: int) -> None:
    """The model process: send notes while there are permits, wait for permits when there are none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    if hasattr(os, "nice"):
        os.nice(5)
    try:
        _pump(pipe, source.open(), ahead)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has gone
    except MusegenError as error:
        _tell(pipe, ("error", str(error)))
    except Exception as error:  # noqa: BLE001 - whatever a model raises must reach the player as a sentence
        _tell(pipe, ("error", f"The model stopped: {type(error).__name__}: {error}"))


def _pump(pipe: Connection, notes: Iterator[TimedNote], permits: int) -> None:
    for note in notes:
        while permits == 0 or pipe.poll():
            permits += pipe.recv()
        pipe.send(("note", tuple(note)))
        permits -= 1
    pipe.send(("end", None))
    with contextlib.suppress(EOFError, OSError):
        while True:  # stay until the parent has read everything and closes
            pipe.recv()


def _tell(pipe: Connection, what: tuple[str, str]) -> None:
    with contextlib.suppress(OSError):
        pipe.send(what)
