"""What a build has read so far, kept so that it survives kill -9: a line a file, and the event rows beside it.

`rows.bin` is appended to before the line that describes it is, so that whatever follows the last whole line
is waste, which the next start cuts off. Knows nothing of splits or shards.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CorpusError
from ..events.codec import Rows


@dataclass(frozen=True)
class ReadPiece:
    """One piece as a worker hands it back: its rows and what the manifest and the splits need to know."""

    rows: Rows
    facts: dict[str, Any]


@dataclass(frozen=True)
class ReadFile:
    """What reading one file gave: pieces, and (name, reason) of what could not be read."""

    pieces: list[ReadPiece] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)


class Journal:
    """The journal in folder `path`; use as a context manager. `version` other than the stored one starts it anew."""

    def __init__(self, path: Path, version: str) -> None:
        self.path = path
        self._version = version
        self._lines: dict[str, dict[str, Any]] = {}
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._log: BufferedRandom = open(path / "journal.jsonl", "a+b")  # noqa: SIM115 (closed in __exit__)
            self._rows: BufferedRandom = open(path / "rows.bin", "a+b")  # noqa: SIM115
        except OSError as error:
            raise CorpusError(f"{path} cannot be written: {error.strerror}.") from None
        self._recover()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()
        self._rows.close()

    def _recover(self) -> None:
        self._log.seek(0)
        size, whole, end = self._rows.seek(0, 2), 0, 0
        for number, raw in enumerate(self._log):
            try:
                line = json.loads(raw) if raw.endswith(b"\n") else None
            except ValueError:
                line = None
            if line is None or (number == 0 and line != {"version": self._version}) or line.get("end", 0) > size:
                break
            whole += len(raw)
            if number:
                end = line["end"]
                self._lines[line["key"]] = line
        self._log.truncate(whole)
        self._rows.truncate(end)
        if not whole:
            self._append({"version": self._version})

    def _append(self, line: dict[str, Any]) -> None:
        self._log.seek(0, 2)
        self._log.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._log.flush()

    def holds(self, key: str) -> bool:
        """Whether the file with this key (which contains its digest) has been read."""
        return key in self._lines

    def add(self, key: str, found: ReadFile) -> None:
        """Keep what reading a file gave."""
        start = self._rows.seek(0, 2)
        for piece in found.pieces:
            self._rows.write(np.ascontiguousarray(piece.rows, dtype="<i2").tobytes())
        self._rows.flush()
        line = {
            "key": key,
            "start": start,
            "end": self._rows.tell(),
            "pieces": [{"rows": len(p.rows), **p.facts} for p in found.pieces],
            "rejected": found.rejected,
        }
        self._append(line)
        self._lines[key] = line

    def facts(self, key: str) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
        """What was kept of a file but its rows: the facts of each piece, and the rejected."""
        line = self._lines[key]
        return line["pieces"], [(name, reason) for name, reason in line["rejected"]]

    def rows(self, key: str) -> list[Rows]:
        """The event rows of each piece of a file."""
        """What was kept of a file."""
        line = self._lines[key]
        self._rows.seek(line["start"])
        rows = np.frombuffer(self._rows.read(line["end"] - line["start"]), dtype="<i2").astype(np.int16).reshape(-1, 5)
        return np.split(rows, np.cumsum([p["rows"] for p in line["pieces"]])[:-1]) if line["pieces"] else []
