"""The takes that people have asked for: made by worker processes, kept as they are done.

Jobs take turns: a batch of a thousand lets the bar in that was asked for after it. Knows what a job asks for only as
an `Order`; nothing of requests.
"""

from __future__ import annotations

import ctypes
import logging
import os
import queue
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.sharedctypes import RawArray
from typing import Any

from ..errors import FileError, MusegenError
from ..workers import Pool
from .helper import BusyError, end_at_once
from .making import Order, Take, Unit, make
from .store import GoneError, Kept, Store

AT_ONCE = 8
"""So many jobs may take turns."""

REMEMBERED = 64
"""So many jobs are known; those asked for longest ago are forgotten first (their takes are files, and stay)."""

UNIT_S, UNIT_BYTES = 1800.0, 8 * 2**30
"""What one group of pieces may take; a slow machine with a large model is no reason to give up."""

IDLE_S = 120.0
"""So long worker processes, and the models in them, wait for another job."""

STOPPING_S = 10.0

SHARES = 128
"""Of units that are being made; no two with the same rest are at the same time."""


@dataclass(eq=False)
class Job:
    """`wanted` is what the page asked for, to be shown again; `kept` are the takes so far, by number."""

    order: Order
    wanted: dict[str, Any]
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: str = "queued"
    error: str = ""
    stopping: bool = False
    kept: dict[int, tuple[Kept, int, float | None]] = field(default_factory=dict)
    left: deque[Unit] = field(init=False)
    """What is not begun."""

    def __post_init__(self) -> None:
        self.left = deque(self.order.units())

    def view(self, begun: float = 0.0) -> dict[str, Any]:
        """protocol.ts' `Job`; `begun`: how much of takes there is that are not yet kept."""
        takes = [
            {"file": kept.id, "name": kept.name, "notes": notes, "nats": None if nats is None else round(nats, 4)}
            for _, (kept, notes, nats) in sorted(self.kept.copy().items())
        ]
        return {
            "id": self.id,
            "wanted": self.wanted,
            "state": self.state,
            "done": len(takes),
            "total": self.order.n,
            "progress": 1.0 if self.state == "done" else round(min(1.0, (len(takes) + begun) / self.order.n), 3),
            "takes": takes,
            "error": self.error,
        }


class Jobs:
    """A queue, and the thread that sees to it; any thread may ask for more."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Condition()  # notified when a job ends
        self._thread: threading.Thread | None = None
        cores = max(1, (os.cpu_count() or 1) - 1)  # one is left for the jam
        self._shares = RawArray(ctypes.c_double, SHARES)
        self._pool: Pool[Unit, list[Take]] = Pool(partial(make, self._shares), cores, UNIT_S, UNIT_BYTES, _name)
        self._running: Job | None = None
        self._closed = False

    def add(self, order: Order, wanted: dict[str, Any]) -> Job:
        """Have it made, in turn with what else is asked for. Raises BusyError where too much waits already."""
        job = Job(order, wanted)
        with self._lock:
            if self._closed or sum(not self._over(other) for other in self._jobs.values()) >= AT_ONCE:
                raise BusyError(f"{AT_ONCE} orders are being made already: stop one, or wait until one is done.")
            self._jobs[job.id] = job
            while len(self._jobs) > REMEMBERED and self._over(next(iter(self._jobs.values()))):
                self._jobs.popitem(last=False)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="takes", daemon=True)
                self._thread.start()
        self._queue.put(job)
        return job

    @staticmethod
    def _over(job: Job) -> bool:
        return job.state in ("done", "failed", "stopped")

    def get(self, id: str) -> Job:
        """The job of that id. Raises GoneError."""
        with self._lock:
            if id not in self._jobs:
                raise GoneError("That order is forgotten: ask for it again.")
            return self._jobs[id]

    def all(self) -> list[Job]:
        """Those that are remembered, the newest first."""
        with self._lock:
            return list(self._jobs.values())[::-1]

    def view(self, job: Job) -> dict[str, Any]:
        """protocol.ts' `Job`."""
        return job.view(sum(self._shares) if job is self._running else 0.0)

    def stop(self, job: Job) -> None:
        """End a job; what it has made stays."""
        with self._lock:
            job.stopping = True
            if not self._over(job) and job is not self._running:
                job.state = "stopped"
            deadline = time.monotonic() + STOPPING_S
            while job is self._running and time.monotonic() < deadline:
                end_at_once(self._pool)  # again and again: one may be about to start
                self._lock.wait(0.1)

    def close(self) -> None:
        """End everything."""
        with self._lock:
            self._closed = True
            jobs, thread = list(self._jobs.values()), self._thread
        for job in jobs:
            self.stop(job)
        self._queue.put(None)
        if thread is not None:
            thread.join(STOPPING_S)

    def _work(self) -> None:
        while True:
            try:
                job = self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                self._pool.close()
                continue
            if job is None:
                self._pool.close()
                return
            if self._begin(job):
                self._finish(job, *self._outcome(job))

    def _begin(self, job: Job) -> bool:
        with self._lock:
            if job.stopping:
                job.state = "stopped"
                return False
            job.state, self._running = "running", job
            return True

    def _outcome(self, job: Job) -> tuple[str, str]:
        """Give it its turn; how it stands then, and why if not well."""
        begun: list[Unit] = []
        self._shares[:] = [0.0] * SHARES
        try:
            for number, answer in self._pool.run(self._turn(job, begun)):
                self._shares[begun[number].number % SHARES] = 0.0
                if job.stopping:
                    return "stopped", ""
                if isinstance(answer, MusegenError):
                    return "failed", _sentence(answer)
                for take in answer:
                    job.kept[take.number] = self._store.add(take.shown, take.midi), take.shown.notes, take.nats
        except MusegenError as error:
            return ("stopped", "") if job.stopping else ("failed", str(error))
        except Exception as error:
            logging.getLogger(__name__).exception("a job of takes failed")
            return "failed", f"Something in musegen itself went wrong ({type(error).__name__}): please report it."
        if job.left:
            return "running", ""
        return ("done", "") if job.kept else ("failed", "Nothing but silence came of it: try a higher temperature.")

    def _turn(self, job: Job, begun: list[Unit]) -> Iterator[Unit]:
        """What is left of a job, until another waits; all that is given out is `begun`."""
        while job.left and not (begun and self._queue.qsize()):
            begun.append(job.left.popleft())
            yield begun[-1]

    def _finish(self, job: Job, state: str, error: str) -> None:
        if state in ("failed", "stopped"):
            self._pool.close()  # its processes may still be at it
        with self._lock:
            if job.stopping and state == "running":
                state = "stopped"
            job.state, job.error, self._running = state, error, None
            self._lock.notify_all()
        if state == "running":
            self._queue.put(job)


def _name(unit: Unit) -> str:
    return f"{unit.order.stem}, {unit.order.kind}"


def _sentence(error: MusegenError) -> str:
    """What a worker says of a file that it was to read, said of music that it was to make."""
    text = str(error)
    if type(error) is FileError:
        for reader, maker in (
            ("s to read", "s to make"),
            ("reading it", "making it"),
            ("that read it", "that made it"),
        ):
            text = text.replace(reader, maker)
        text = text.replace("; it was left out", "")
    return text
