"""`manifest.csv`: a line for each piece of a folder, appended as it is made, for people to sort and for going on.

A line is written whole before its file is; whatever follows the last whole line when a process was killed is cut off.
Knows nothing of how pieces are made.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ..errors import FileError

NAME = "manifest.csv"


@dataclass(frozen=True)
class Row:
    """One piece. `nats_per_note` is −log P a note under the checkpoint at temperature 1, "" where it has none.

    `left_out` says why a piece was not kept; then it has no file. `run` stands for everything that decides the bytes.
    """

    file: str
    number: int
    nats_per_note: str
    notes: int
    bars: int
    seed: str
    seed_number: int
    checkpoint: str
    settings: str
    left_out: str
    weights: str
    run: str

    @property
    def nats(self) -> float | None:
        """The likelihood as a number."""
        return float(self.nats_per_note) if self.nats_per_note else None


_HEAD = [field.name for field in fields(Row)]


class Manifest:
    """The manifest of a folder, which is made if need be; use as a context manager. Raises FileError.

    While it is open no other process can open it, where the system can see to that.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "a+b")  # noqa: SIM115 (closed in __exit__)
        except OSError as error:
            raise FileError(f"{self.path}: the file cannot be written ({error.strerror}).") from None
        try:
            _lock(self._file.fileno(), folder)
            self.rows = self._recover()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.rows:  # nothing was made: leave no trace
            self.path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # something else is in it
                self.path.parent.rmdir()
        self._file.close()

    def _recover(self) -> list[Row]:
        self._file.seek(0)
        whole = self._file.read()
        whole = whole[: whole.rfind(b"\n") + 1]
        self._file.truncate(len(whole))
        if not whole:
            self._write(_line(_HEAD))
            return []
        try:
            head, *rest = csv.reader(io.StringIO(whole.decode(), newline=""))
            if head != _HEAD:
                raise ValueError
            return [Row(**{**dict(zip(_HEAD, r, strict=True)), **_numbers(r)}) for r in rest]  # type: ignore[arg-type]
        except (UnicodeDecodeError, ValueError, csv.Error):
            raise FileError(
                f"{self.path} is not a manifest of this musegen: move it away, or give another folder with --out."
            ) from None

    def add(self, row: Row) -> None:
        """Append a line. Raises FileError."""
        self._write(_line(astuple(row)))
        self.rows.append(row)

    def _write(self, line: bytes) -> None:
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise FileError(f"{self.path}: the file cannot be written ({error.strerror}).") from None

    def of(self, run: str) -> Iterator[Row]:
        """The rows of one run."""
        return (row for row in self.rows if row.run == run)


def _numbers(values: list[str]) -> dict[str, int]:
    whole = [field.name for field in fields(Row) if field.type == "int"]
    return {name: int(value) for name, value in zip(_HEAD, values, strict=True) if name in whole}


def _line(values: Iterable[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([" ".join(str(v).split()) for v in values])
    return out.getvalue().encode()


def _lock(file: int, folder: Path) -> None:
    """Hold the folder for this process; the system lets go when it ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileError(f"Another musegen is writing to {folder}: wait for it, or give another folder.") from None
    except OSError:  # a disk of another machine that knows no locks
        return
