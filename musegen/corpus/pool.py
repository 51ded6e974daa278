"""Run a function over many jobs in worker processes, such that a job that crashes or hangs loses only itself.

Knows nothing of music. Unlike concurrent.futures, a worker that dies is replaced, and one that takes too
long is killed; either way its job comes back as a failure.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

_CONTEXT = multiprocessing.get_context("spawn")  # a fork would copy the locks of threads that are not there


@dataclass(frozen=True)
class Failure:
    """Why a job gave no result, as the end of a sentence: "the reader crashed (signal 11)"."""

    reason: str


@dataclass
class _Worker(Generic[Job]):
    process: SpawnProcess
    pipe: Connection
    number: int = -1  # of the job in hand, or -1
    deadline: float = 0.0


def run_jobs(
    work: Callable[[Job], Result], jobs: Sequence[Job], workers: int, limit_s: float
) -> Iterator[tuple[int, Result | Failure]]:
    """(number of the job, its result or Failure), in the order in which they finish.

    `work` must be importable by name, its argument and result picklable; an exception in it is a Failure.
    `limit_s` is the time one job may take.
    """
    waiting = list(range(len(jobs)))[::-1]
    crew: list[_Worker[Job]] = []
    try:
        while waiting or any(w.number >= 0 for w in crew):
            while waiting and len(crew) < min(workers, len(jobs)):
                crew.append(_start(work))
            for worker in crew:
                if worker.number < 0 and waiting:
                    _hand(worker, waiting.pop(), jobs, limit_s)
            yield from _collect(crew)
    finally:
        for worker in crew:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()


def _start(work: Callable[[Job], Result]) -> _Worker[Job]:
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(pipe: Connection, work: Callable[[Job], Result]) -> None:
    """The life of a worker: a job in, a result out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        answer: object
        try:
            answer = work(job)
        except Exception as error:  # noqa: BLE001 (whatever it is, it goes back to the caller)
            answer = Failure(f"{type(error).__name__}: {' '.join(str(error).split())}"[:300])
        pipe.send(answer)


def _hand(worker: _Worker[Job], number: int, jobs: Sequence[Job], limit_s: float) -> None:
    worker.number, worker.deadline = number, time.monotonic() + limit_s
    with suppress(OSError):  # it has died: _collect finds its pipe at an end and says so
        worker.pipe.send(jobs[number])


def _collect(crew: list[_Worker[Job]]) -> Iterator[tuple[int, Result | Failure]]:
    """Wait for something to happen; results of those who finished, failures of those who died or hang."""
    busy = [w for w in crew if w.number >= 0]
    patience = max(0.0, min(w.deadline for w in busy) - time.monotonic())
    ready = wait([w.pipe for w in busy], patience)
    for worker in busy:
        number = worker.number
        if worker.pipe in ready:
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join()
                answer = Failure(f"the reader crashed (exit code {worker.process.exitcode})")
                _dismiss(crew, worker)
            worker.number = -1
            yield number, answer
        elif time.monotonic() >= worker.deadline:
            _dismiss(crew, worker)
            yield number, Failure("reading it took too long")


def _dismiss(crew: list[_Worker[Job]], worker: _Worker[Job]) -> None:
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()
    crew.remove(worker)
