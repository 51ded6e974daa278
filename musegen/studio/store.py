"""The files of this session: dropped on the page, or made by it; kept until the studio ends, or others need the room.

Each is known by an id that nobody can guess, and never by its name. What a studio that was killed has left, the next
one deletes. Knows nothing of music.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from ..atomic import write_atomically
from ..errors import FileError
from .pieces import Shown

PREFIX = "musegen-studio-"
_LOCK = "lock"

MOST_FILES = 4096
MOST_BYTES = 256 * 2**20


class GoneError(FileError):
    """There is no such file, or no longer."""


@dataclass(frozen=True)
class Kept:
    """A file: its MIDI bytes at `path`, the JSON of its view at `view`."""

    id: str
    name: str
    path: Path
    view: Path
    size: int


class Store:
    """A folder that ends with the program; any thread may use it."""

    def __init__(self) -> None:
        _sweep()
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self._lock_file = _locked(self.folder)
        self._kept: OrderedDict[str, Kept] = OrderedDict()  # the one used longest ago first
        self._size = 0
        self._lock = threading.Lock()

    def add(self, shown: Shown, midi: bytes) -> Kept:
        """Keep a file; those used longest ago go where there are too many. Raises FileError."""
        path, view = self.folder / f"{shown.id}.mid", self.folder / f"{shown.id}.json"
        write_atomically(path, midi)
        write_atomically(view, shown.view)
        kept = Kept(shown.id, shown.name, path, view, len(midi) + len(shown.view))
        with self._lock:
            self._kept[kept.id] = kept
            self._size += kept.size
            while len(self._kept) > MOST_FILES or (self._size > MOST_BYTES and len(self._kept) > 1):
                _, oldest = self._kept.popitem(last=False)
                self._size -= oldest.size
                oldest.path.unlink(missing_ok=True)
                oldest.view.unlink(missing_ok=True)
        return kept

    def get(self, id: str) -> Kept:
        """The file of that id. Raises GoneError."""
        with self._lock:
            if id not in self._kept:
                raise GoneError("That file is not here any more: drop it on the page again.")
            self._kept.move_to_end(id)
            return self._kept[id]

    def close(self) -> None:
        """Delete everything."""
        self._folder.cleanup()
        if self._lock_file is not None:
            os.close(self._lock_file)


def _locked(folder: Path) -> int | None:
    """A file descriptor that holds a lock in `folder`; the system lets go when this process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    file = os.open(folder / f".{_LOCK}", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    os.rename(folder / f".{_LOCK}", folder / _LOCK)  # nobody finds it before it is locked
    return file


def _sweep() -> None:
    """Delete this user's folders that no studio holds."""
    try:
        import fcntl
    except ImportError:  # Windows, where nobody could tell whether a studio holds them
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with open(folder / _LOCK, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # a studio holds it, or has just made it or left
            continue
