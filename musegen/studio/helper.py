"""A worker process that waits for one job after another, within limits of time and memory.

Knows nothing of what the jobs are.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ..errors import FileError, MusegenError
from ..workers import Pool

Job = TypeVar("Job")
Result = TypeVar("Result")

WAITING = 8
"""So many may wait for one helper."""


POLITE = 10  # of 19, as `nice` counts


class BusyError(MusegenError):
    """Too much is asked at once."""


class Helper(Generic[Job, Result]):
    """`function`, run in a process of its own; parameters as for `workers.run_jobs`. Any thread may ask."""

    def __init__(
        self, function: Callable[[Job], Result], timeout: float, memory: int, name: Callable[[Job], str]
    ) -> None:
        self._pool: Pool[Job, Result] = Pool(function, 1, timeout, memory, name)
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(WAITING)
        self._closed = False

    def ask(self, job: Job) -> Result:
        """The function's result; waits for those who asked before.

        Raises what the function raises, FileError where the process could not do it, BusyError where too many wait.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError("The studio is busy with other files: try again in a moment.")
        try:
            with self._turn:
                answer = self._answer(job)
        finally:
            self._places.release()
        if isinstance(answer, MusegenError):
            raise answer
        return answer

    def warm(self) -> None:
        """Start the process, if it is not there: somebody is about to ask."""
        if not self._closed and self._turn.acquire(blocking=False):
            try:
                if not self._pool.workers:
                    self._pool.start()
            finally:
                self._turn.release()

    def _answer(self, job: Job) -> Result | MusegenError:
        if self._closed:
            return FileError("The studio is closing.")
        ((_, answer),) = self._pool.run([job])
        if type(answer) is FileError:
            self._pool.close()  # a file may have harmed the process, or left it little memory: it reads no other
        return answer

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._closed = True
        while not self._turn.acquire(timeout=0.1):
            end_at_once(self._pool)  # again and again: it may be about to start
        self._pool.close()
        self._turn.release()


def give_way() -> None:
    """Have this process let others go first, from now on: a jam may be playing."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(max(0, POLITE - os.nice(0)))


def end_at_once(pool: Pool[Job, Result]) -> None:
    """Kill a pool's processes from another thread than the one that runs it, which then hears of their deaths."""
    for worker in list(pool.workers):
        with contextlib.suppress(ValueError):  # it has ended by itself meanwhile
            worker.process.kill()
