"""The journal: every message of a performance in a file that only grows, so that kill -9 loses next to nothing.

A line of JSON each: a header, then `["p" or "m", tick, "hex"]` for a message of player or model, `{"tempo": …}` for a
new piece of the tempo map, and a bare number for the tick that was reached while a note was held. Whoever writes it
holds a lock on it, which the system lets go when the process dies, however it dies: what is not locked is to be
recovered. Knows nothing of ports and clocks.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..atomic import write_atomically
from ..errors import FileError
from ..piece import Key, Meter, Tempo
from .status import Who
from .take import Take, take_bytes
from .timeline import Timeline

SUFFIX = ".journal"
VERSION = 1
_WHO: dict[str, Who] = {"p": "player", "m": "model"}
_LOCKED_BYTE = 1 << 40  # Windows locks bytes and forbids reading them: one that no journal reaches
_YOUNG = 60.0  # seconds; an empty journal that is younger may be one that is being started


class Recorded(NamedTuple):
    """What a journal holds."""

    title: str
    timeline: Timeline
    knots: list[tuple[float, float]]
    take: Take
    end: float
    """The last tick that is known."""

    def midi(self) -> bytes:
        """All of it as a Standard MIDI File; empty if there are no notes."""
        return take_bytes(self.take, float("-inf"), self.end, self.timeline, self.knots, self.title)


class Journal:
    """A new journal at `path`, locked. `add` costs next to nothing; `flush` writes, in whatever thread calls it.

    Raises FileError where it cannot be made.
    """

    def __init__(self, path: Path, title: str, timeline: Timeline) -> None:
        self.path = path
        self._lines: list[str] = []
        self._left = b""  # what a full disk did not take
        self._adding, self._writing = threading.Lock(), threading.Lock()
        try:
            self._file = os.open(
                path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666
            )
        except OSError as error:
            raise FileError(f"{path}: the recording cannot be begun ({error.strerror}).") from None
        with contextlib.suppress(OSError):  # a file system without locks
            _lock(self._file)
        self.add({"musegen": VERSION, "title": title, "pid": os.getpid()})
        self.timeline(timeline)
        self.flush()

    def add(self, line: object) -> None:
        """Take in one line, for the next `flush`."""
        text = json.dumps(line, separators=(",", ":"))
        with self._adding:
            self._lines.append(text)

    def message(self, who: Who, tick: float, message: bytes) -> None:
        """Take in a message at `tick`."""
        self.add([who[0], round(tick, 4), message.hex()])

    def timeline(self, timeline: Timeline) -> None:
        """From now on the maps are these."""
        self.add({"tempos": timeline.tempos, "meters": timeline.meters, "keys": timeline.keys})

    def tempo(self, first: int, knots: list[tuple[float, float]]) -> None:
        """The tempo map is, from its knot number `first` on, `knots`."""
        self.add({"tempo": [first, knots]})

    def flush(self) -> None:
        """Write what was added, in one go. Raises FileError; what was not written is kept for the next time."""
        with self._writing:
            with self._adding:
                lines, self._lines = self._lines, []
            self._left += "".join(f"{line}\n" for line in lines).encode()
            try:
                while self._left:
                    self._left = self._left[os.write(self._file, self._left) :]
            except OSError as error:
                raise FileError(f"{self.path}: the recording cannot be written ({error.strerror}).") from None

    def read(self) -> Recorded:
        """All that was added so far, whether it could be written or not."""
        with contextlib.suppress(FileError):
            self.flush()
        with self._writing:
            recorded = parse(self.path.read_bytes() + self._left)
        assert recorded is not None, "the header is written by __init__"
        return recorded

    def close(self, remove: bool) -> None:
        """Let go of it."""
        os.close(self._file)
        if remove:
            self.path.unlink(missing_ok=True)


def parse(data: bytes) -> Recorded | None:
    """What a journal's bytes say, up to the last whole line; None if they are no journal of this version."""
    lines = data.split(b"\n")[:-1]
    header = _json(lines[0]) if lines else None
    if not isinstance(header, dict) or header.get("musegen") != VERSION:
        return None
    take, timeline, knots, end = Take(), Timeline(), list[tuple[float, float]](), 0.0
    for raw in lines[1:]:
        line = _json(raw)
        if isinstance(line, list):
            take.hear(_WHO[line[0]], line[1], bytes.fromhex(line[2]))
            end = max(end, line[1])
        elif isinstance(line, dict) and "tempo" in line:
            first, new = line["tempo"]
            knots[first:] = [(tick, seconds) for tick, seconds in new]
        elif isinstance(line, dict):
            timeline = _timeline(line)
        elif isinstance(line, int | float):
            end = max(end, line)
    return Recorded(header["title"], timeline, knots, take, end)


def recover(folder: Path) -> list[Path]:
    """Make a file of every journal in `folder` that a killed process left; returns the files. Raises FileError."""
    found = (_recover(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
    return [path for path in found if path is not None]


def _recover(path: Path) -> Path | None:
    """The file made of the journal at `path`; None if there is nothing in it, or somebody is writing it."""
    try:
        file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except OSError:
        return None  # not ours, or another process was quicker
    with os.fdopen(file, "rb") as journal:
        try:
            _lock(file)
        except OSError:
            return None
        data = journal.read()
        recorded = parse(data)
        if recorded is None:
            if not data and time.time() - os.fstat(file).st_mtime > _YOUNG:
                path.unlink(missing_ok=True)
            return None
        midi = recorded.midi()
        if midi:
            write_atomically(path.with_suffix(".mid"), midi)
    path.unlink(missing_ok=True)
    return path.with_suffix(".mid") if midi else None


def _timeline(line: dict[str, Any]) -> Timeline:
    return Timeline(
        tuple(Tempo(*t) for t in line["tempos"]),
        tuple(Meter(*m) for m in line["meters"]),
        tuple(Key(*k) for k in line["keys"]),
    )


def _json(raw: bytes) -> object:
    """One line; None for one that is damaged."""
    try:
        return json.loads(raw)
    except ValueError:
        return None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        """Take the lock of an open file. Raises OSError if it is taken."""
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(file: int) -> None:
        """Take the lock of an open file. Raises OSError if it is taken."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
