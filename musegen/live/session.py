"""A session: one performance from the first note to silence, with everything that can go wrong on the way.

Whatever ends it (the last bar, Ctrl-C, SIGTERM, an error of the model, its sudden death, a port that goes), the same
things happen in the same order: silence, the port closed, the model stopped, the recording saved.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ..errors import PortError
from .clock import Clock
from .feed import Feed
from .performer import Listener, Performer
from .ports import Port
from .recorder import Recorder
from .scheduler import Scheduler
from .timeline import Timeline


class Session:
    """Plays `feed` through `port` on `timeline` and records it at `recording`."""

    def __init__(
        self,
        feed: Feed,
        port: Port,
        timeline: Timeline,
        clock: Clock,
        recording: Path,
        *,
        bars: int | None = None,
        listener: Listener | None = None,
        title: str = "",
    ) -> None:
        self._feed = feed
        self.recorder = Recorder(port, clock, timeline, recording, title)
        self.scheduler = Scheduler(clock, self.recorder)
        self.performer = Performer(feed, self.scheduler, timeline, bars, listener)

    def run(self, stop: threading.Event | None = None) -> bool:
        """Play; True if it came to its end, False if `stop` was set.

        Raises MusegenError (the model), PortError (the port) or FileError (the recording), always after silence
        and after saving what can be saved.
        """
        stop = stop or threading.Event()
        try:
            return self.performer.run(stop.is_set, self.recorder.start)
        finally:
            self._end()

    def _end(self) -> None:
        try:
            with contextlib.suppress(PortError):  # gone: its sender has ended what sounded
                self.scheduler.panic()
            self.recorder.close()
            self._feed.close()
        finally:
            self.recorder.save()


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Within it, Ctrl-C, SIGTERM and the end of the terminal set the event instead of ending the program."""
    stop = threading.Event()
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, n) for n in names if hasattr(signal, n)]
    before = {n: signal.signal(n, lambda *_: stop.set()) for n in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def hurry() -> None:
    """Ask that the calling thread be preferred to ordinary ones, where the system permits it.

    A busy machine may otherwise leave it without a turn for longer than the look-ahead.
    """
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)


def new_recording(folder: Path, now: datetime | None = None) -> Path:
    """A name in `folder`, which is made if need be, that no file has yet, from the date and time. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"jam-{now or datetime.now():%Y%m%d-%H%M%S}"
    path, n = folder / f"{stem}.mid", 1
    while path.exists():
        n += 1
        path = folder / f"{stem}-{n}.mid"
    return path
