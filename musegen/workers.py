"""Maps a function over files in worker processes, so that a hostile file loses only itself.

`map_files(function, paths)` gives one result or error for each path, in order. Each worker is a process of
its own that reads one file at a time from a pipe: one that dies, takes too long or takes too much memory is
replaced, and only its file is reported. Knows nothing of what the function does.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from ..errors import FileError, MusegenError

Result = TypeVar("Result")

TIMEOUT = 60.0
"""Seconds that one file may take."""

MEMORY = 2 * 2**30
"""Bytes that a worker's data may take, where the system can limit it (Linux)."""

AHEAD = 64
"""How many results for later files may wait for an earlier one, per worker."""


def map_files(
    function: Callable[[str], Result],
    paths: Iterable[str | os.PathLike[str]],
    workers: int | None = None,
    timeout: float = TIMEOUT,
    memory: int = MEMORY,
) -> Iterator[tuple[str, Result | MusegenError]]:
    """(path, result or error) for every path, in the order of `paths`.

    `function` takes a path; it and its result must be picklable. `workers` is the number of processes (None: one
    a core), `timeout` the seconds and `memory` the bytes that one file may take. An error is the `MusegenError`
    that the function raised, or a `FileError` that says what happened to the worker: it crashed, took too
    long, ran out of memory, or raised something else. Closing the iterator ends the workers.
    """
    pool = _Pool(function, max(1, workers or os.cpu_count() or 1), timeout, memory)
    try:
        yield from pool.run(os.fspath(p) for p in paths)
    finally:
        pool.close()


@dataclass
class _Worker(Generic[Result]):
    process: SpawnProcess
    pipe: Connection
    job: int = -1
    path: str = ""
    started: float = 0.0


class _Pool(Generic[Result]):
    def __init__(self, function: Callable[[str], Result], workers: int, timeout: float, memory: int) -> None:
        self.context = mp.get_context("spawn")
        self.function, self.count, self.timeout, self.memory = function, workers, timeout, memory
        self.workers: list[_Worker[Result]] = []
        self.done: dict[int, tuple[str, Result | MusegenError]] = {}

    def run(self, paths: Iterator[str]) -> Iterator[tuple[str, Result | MusegenError]]:
        jobs = enumerate(paths)
        pending = next(jobs, None)
        turn = 0
        while pending is not None or turn in self.done or any(w.job >= 0 for w in self.workers):
            while turn in self.done:
                yield self.done.pop(turn)
                turn += 1
            while pending is not None and pending[0] < turn + AHEAD * self.count and (idle := self.idle()):
                self.give(idle, *pending)
                pending = next(jobs, None)
            self.collect()

    def idle(self) -> _Worker[Result] | None:
        for worker in self.workers:
            if worker.job < 0:
                return worker
        return self.start() if len(self.workers) < self.count else None

    def start(self) -> _Worker[Result]:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_serve, args=(theirs, self.function, self.memory), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker[Result](process, ours)
        self.workers.append(worker)
        # Imports happen before the clock of the first file starts.
        if not (ours.poll(120.0) and _ready(ours)):
            raise FileError("The worker processes that read files cannot start: see the message above.")
        return worker

    def give(self, worker: _Worker[Result], job: int, path: str) -> None:
        worker.job, worker.path, worker.started = job, path, time.monotonic()
        try:
            worker.pipe.send(path)
        except OSError:
            self.lose(worker)

    def collect(self) -> None:
        """Wait for a result, a death or the next deadline."""
        busy = {w.pipe: w for w in self.workers if w.job >= 0}
        if not busy:
            return
        now = time.monotonic()
        left = min(w.started for w in busy.values()) + self.timeout - now
        for pipe in wait(list(busy), max(0.0, left)):
            assert isinstance(pipe, Connection)
            worker = busy.pop(pipe)
            try:
                answer = pipe.recv()
            except (EOFError, OSError, pickle.UnpicklingError):
                self.lose(worker)
            else:
                self.done[worker.job] = (worker.path, answer)
                worker.job = -1
        for worker in busy.values():
            if time.monotonic() - worker.started >= self.timeout:
                self.lose(worker, f"it took longer than {self.timeout:g} s to read")

    def lose(self, worker: _Worker[Result], reason: str = "") -> None:
        """Report the worker's file and end the worker; another starts when it is needed."""
        worker.process.join(0 if reason else 5)
        code = worker.process.exitcode
        if not reason:
            reason = f"the process that read it died ({_cause(code)})"
        self.done[worker.job] = (worker.path, FileError(f"{worker.path}: {reason}; it was left out."))
        self.end(worker)
        self.workers.remove(worker)

    def end(self, worker: _Worker[Result]) -> None:
        worker.pipe.close()
        worker.process.kill()
        worker.process.join()
        worker.process.close()

    def close(self) -> None:
        for worker in self.workers:
            self.end(worker)
        self.workers.clear()


def _ready(pipe: Connection) -> bool:
    try:
        return bool(pipe.recv())
    except EOFError:
        return False


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        from signal import Signals

        return f"signal {-code}, {Signals(-code).name}"
    return f"exit status {code}"


def _serve(pipe: Connection, function: Callable[[str], Result], memory: int) -> None:
    """A worker: answer each path with the function's result or an error, until the pipe closes."""
    from signal import SIG_IGN, SIGINT, signal

    signal(SIGINT, SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    _limit_memory(memory)
    pipe.send(True)
    while True:
        try:
            path = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(_answer(function, path))


def _answer(function: Callable[[str], Result], path: str) -> Result | MusegenError:
    try:
        return function(path)
    except MusegenError as error:
        return error
    except MemoryError:
        return FileError(f"{path}: reading it takes too much memory; it was left out.")
    except Exception as error:  # noqa: BLE001 (whatever a file does to it is reported with that file)
        reason = " ".join(str(error).split())[:200]
        return FileError(f"{path}: reading it failed ({type(error).__name__}: {reason}); it was left out.")


def _limit_memory(memory: int) -> None:
    """Bound what the process may allocate from here on; not every system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = getattr(resource, "RLIMIT_DATA", None)
    if limit is not None:
        hard = resource.getrlimit(limit)[1]
        bound = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(limit, (bound, hard))
