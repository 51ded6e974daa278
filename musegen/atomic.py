"""Writing a file all or nothing. Knows nothing of what is in it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from .errors import FileError


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace the file at `path` by `data`; a reader sees the old file or the new one, never a part.

    It is written under a temporary name beside `path`, one for each process and thread, and renamed. Raises
    FileError.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name[:40]}.{os.getpid()}-{threading.get_native_id()}.part"
    try:
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"{path}: the file cannot be written ({error.strerror}).") from None
