"""Runs a function over files or other jobs in worker processes, so that a hostile one loses only itself.

Each worker is a process of its own that takes one job at a time from a pipe: one that dies, takes too long or
takes too much memory is replaced, and only its job is reported. Knows nothing of what the function does, but
speaks of jobs as files that are read.
"""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, Protocol, TypeVar

from .errors import FileError, MusegenError

Job = TypeVar("Job")
Result = TypeVar("Result")

TIMEOUT = 60.0
"""Seconds that one file may take."""

MEMORY = 2 * 2**30
"""Bytes that reading one file may take, where the system can limit it (Linux)."""

AHEAD = 64
"""How many results for later files may wait for an earlier one, per worker."""

_STARTING = 120.0
"""Seconds that a worker may take to start; imports take a while on a busy machine."""


class Runner(Protocol):
    """`run_jobs`, or another that does the same elsewhere (`cluster.Cluster.run_jobs`)."""

    def __call__(
        self,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        workers: int | None = None,
        timeout: float = TIMEOUT,
        memory: int = MEMORY,
        name: Callable[[Job], str] = str,
    ) -> Iterator[tuple[int, Result | MusegenError]]: ...


def map_files(
    function: Callable[[str], Result],
    paths: Iterable[str | os.PathLike[str]],
    workers: int | None = None,
    timeout: float = TIMEOUT,
    memory: int = MEMORY,
) -> Iterator[tuple[str, Result | MusegenError]]:
    """(path, result or error) for every path, in the order of `paths`; otherwise as `run_jobs`."""
    pool: Pool[str, Result] = Pool(function, workers, timeout, memory, str)
    given: deque[str] = deque()
    done: dict[int, Result | MusegenError] = {}
    turn = 0
    pool.limit = pool.count * AHEAD
    try:
        for number, answer in pool.run(_remembered((os.fspath(p) for p in paths), given)):
            done[number] = answer
            while turn in done:
                yield given.popleft(), done.pop(turn)
                turn += 1
            pool.limit = turn + pool.count * AHEAD
    finally:
        pool.close()


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    workers: int | None = None,
    timeout: float = TIMEOUT,
    memory: int = MEMORY,
    name: Callable[[Job], str] = str,
) -> Iterator[tuple[int, Result | MusegenError]]:
    """(number, result or error) for every job, as they finish.

    `function` takes a job; it, the job and its result must be picklable. `workers` is the number of processes (None:
    one a core), `timeout` the seconds and `memory` the bytes that one job may take. An error is the `MusegenError`
    that the function raised, or a `FileError` that says, of `name(job)`, what happened: the worker crashed, took too
    long, ran out of memory, or raised something else. Closing the iterator ends the workers; so does the end of this
    process, however it ends. Raises FileError if no worker can start.
    """
    pool = Pool(function, workers, timeout, memory, name)
    try:
        yield from pool.run(jobs)
    finally:
        pool.close()


def _remembered(paths: Iterable[str], given: deque[str]) -> Iterator[str]:
    for path in paths:
        given.append(path)
        yield path


@dataclass(frozen=True)
class _Failure:
    """Why a job gave no result, as the end of a sentence."""

    reason: str


@dataclass
class _Worker(Generic[Job]):
    process: SpawnProcess
    pipe: Connection
    deadline: float
    ready: bool = False
    job: tuple[int, Job] | None = None


class Pool(Generic[Job, Result]):
    """Worker processes that stay for more jobs until they are closed; parameters as for `run_jobs`."""

    def __init__(
        self,
        function: Callable[[Job], Result],
        workers: int | None,
        timeout: float,
        memory: int,
        name: Callable[[Job], str],
    ) -> None:
        self.context = mp.get_context("spawn")  # a fork would copy the locks of threads that are not there
        self.function, self.timeout, self.memory, self.name = function, timeout, memory, name
        self.count = max(1, workers or os.cpu_count() or 1)
        self.limit = float("inf")
        """No job of this number or a later one is begun."""
        self.workers: list[_Worker[Job]] = []

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[int, Result | MusegenError]]:
        """(number, result or error) for every job, as they finish; the workers then wait for the next call."""
        source = enumerate(jobs)
        waiting: deque[tuple[int, Job]] = deque()
        while True:
            waiting.extend(islice(source, self.count - len(waiting)))
            if not waiting and all(w.job is None for w in self.workers):
                return
            while len(self.workers) < self.count and sum(w.job is None for w in self.workers) < len(waiting):
                self.start()
            for worker in self.workers:
                if worker.ready and worker.job is None and waiting and waiting[0][0] < self.limit:
                    self.give(worker, waiting.popleft())
            yield from self.collect()

    def start(self) -> None:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_serve, args=(theirs, self.function, self.memory), daemon=True)
        with deaf_to_interrupts():
            process.start()
        theirs.close()
        self.workers.append(_Worker(process, ours, time.monotonic() + _STARTING))

    def give(self, worker: _Worker[Job], job: tuple[int, Job]) -> None:
        worker.job, worker.deadline = job, time.monotonic() + self.timeout
        try:
            worker.pipe.send(job[1])
        except OSError:
            return  # it has died: its pipe is at an end, which `collect` sees

    def collect(self) -> Iterator[tuple[int, Result | MusegenError]]:
        """Wait for results, deaths and starts, or the next deadline."""
        watched = {w.pipe: w for w in self.workers if w.job is not None or not w.ready}
        if not watched:
            return
        left = min(w.deadline for w in watched.values()) - time.monotonic()
        for pipe in wait(list(watched), max(0.0, left)):
            assert isinstance(pipe, Connection)
            yield from self.hear(watched.pop(pipe))
        for worker in watched.values():
            if time.monotonic() >= worker.deadline:
                yield self.lose(worker, f"it took longer than {self.timeout:g} s to read")

    def hear(self, worker: _Worker[Job]) -> Iterator[tuple[int, Result | MusegenError]]:
        """Take what a worker has sent: a result, that it is ready, or nothing because it has died."""
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            worker.process.join(5)
            yield self.lose(worker, f"the process that read it died ({_cause(worker.process.exitcode)})")
            return
        if worker.job is None:
            worker.ready = True
            return
        (number, job), worker.job = worker.job, None
        yield number, self.error(job, answer.reason) if isinstance(answer, _Failure) else answer

    def lose(self, worker: _Worker[Job], reason: str) -> tuple[int, FileError]:
        """End the worker and report its job; another starts when it is needed."""
        self.end(worker)
        self.workers.remove(worker)
        if worker.job is None:
            raise FileError("The worker processes that read files cannot start: see the message above.")
        number, job = worker.job
        return number, self.error(job, reason)

    def error(self, job: Job, reason: str) -> FileError:
        return FileError(f"{self.name(job)}: {reason}; it was left out.")

    def end(self, worker: _Worker[Job]) -> None:
        worker.pipe.close()
        worker.process.kill()
        worker.process.join()
        worker.process.close()

    def close(self) -> None:
        """End the workers."""
        for worker in self.workers:
            self.end(worker)
        self.workers.clear()


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}, {signal.Signals(-code).name}"
    return f"exit status {code}"


@contextlib.contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """What is started within it never hears Ctrl-C, which a terminal sends to all; ours waits until we are through.

    Ignoring it in the process itself would come too late: Python takes a while to get there.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # else it is started within, and lets the signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, function: Callable[[Job], Result], memory: int) -> None:
    """A worker: answer each job with the function's result or an error, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit_memory(memory)
    pipe.send(None)
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(_answer(function, job))


def _end_with_parent() -> None:
    """End this process with its parent, even if a file hangs it and the parent was killed."""
    parent = mp.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _answer(function: Callable[[Job], Result], job: Job) -> Result | MusegenError | _Failure:
    try:
        return function(job)
    except MusegenError as error:
        return error
    except MemoryError:
        return _Failure("reading it takes too much memory")
    except Exception as error:  # noqa: BLE001 (whatever a file does to it is reported with that file)
        return _Failure(f"reading it failed ({type(error).__name__}: {' '.join(str(error).split())[:200]})")


def _limit_memory(memory: int) -> None:
    """Bound what the process may allocate from here on; not every system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = getattr(resource, "RLIMIT_DATA", None)
    if limit is not None:
        hard = resource.getrlimit(limit)[1]
        bound = memory + _used_memory()
        resource.setrlimit(limit, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))


def _used_memory() -> int:
    """Bytes of data this process has: with many cores, numerical libraries take gigabytes for their threads."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
