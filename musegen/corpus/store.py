"""Read a corpus folder: memory-mapped event rows and one manifest row a piece.

    corpus.json        format version, vocabulary fingerprint, style tags, what it was built from
    manifest.jsonl     one `Entry` a line
    shard-00000.npy …  int16 (N, 5): the rows of the pieces, START to END, one after another
    rejected.jsonl     what was left out, and why

Needs numpy and the standard library only, so that training runs where nothing else is installed. Knows
nothing of how a corpus is built.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import CorpusError
from ..events import attributes as at
from ..events.codec import Rows
from ..piece import Meter, Tempo

FORMAT_VERSION = 1
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Entry:
    """One piece of a corpus. Times are in ticks, 24 a quarter; `offset` and `length` are rows of its shard."""

    file: str
    source: str
    title: str
    composer: str
    style: str
    licence: str
    split: str
    tune: str
    notes: int
    ticks: int
    shard: int
    offset: int
    length: int
    tempos: tuple[Tempo, ...]
    meters: tuple[Meter, ...]

    @classmethod
    def from_json(cls, line: str) -> Entry:
        """The entry of a manifest line. Raises ValueError, KeyError or TypeError where it is not one."""
        row = json.loads(line)
        row["tempos"] = tuple(Tempo(*t) for t in row["tempos"])
        row["meters"] = tuple(Meter(*m) for m in row["meters"])
        return cls(**row)

    def to_json(self) -> str:
        """A manifest line."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)


def vocabulary_fingerprint() -> str:
    """Changes when what a row means changes: sizes and bins of every attribute."""
    parts = [[a.name, a.outputs, a.inputs] for a in at.ATTRIBUTES]
    table = [parts, at.DURATIONS.tolist(), at.SKIPS.tolist(), at.COPIES, at.VELOCITY_STEP]
    return hashlib.sha256(json.dumps(table).encode()).hexdigest()[:16]


def shard_name(number: int) -> str:
    """The file name of a shard."""
    return f"shard-{number:05d}.npy"


@dataclass(frozen=True, eq=False)
class Corpus:
    """An open corpus. Piece numbers run over all splits, in manifest order."""

    path: Path
    entries: tuple[Entry, ...]
    styles: tuple[str, ...]
    settings: dict[str, object]
    shards: tuple[Rows, ...]

    @classmethod
    def open(cls, path: str | Path) -> Corpus:
        """The corpus in folder `path`. Raises CorpusError with what to do."""
        path = Path(path)
        settings = _settings(path)
        entries = _entries(path)
        shards = tuple(_shard(path, n) for n in range(1 + max((e.shard for e in entries), default=-1)))
        for entry in entries:
            if entry.offset + entry.length > len(shards[entry.shard]):
                raise CorpusError(f"{path / shard_name(entry.shard)} is cut short: build the corpus again.")
        styles = settings.get("styles")
        return cls(path, entries, tuple(map(str, styles)) if isinstance(styles, list) else (), settings, shards)

    def __len__(self) -> int:
        return len(self.entries)

    def pieces(self, split: str) -> list[int]:
        """The numbers of the pieces in "train", "valid" or "test"."""
        if split not in SPLITS:
            raise CorpusError(f"There is no split {split!r}: the splits are {', '.join(SPLITS)}.")
        return [i for i, e in enumerate(self.entries) if e.split == split]

    def rows(self, i: int) -> Rows:
        """The event rows (N, 5) of piece `i`, START to END: a read-only view of the file, nothing is copied."""
        entry = self.entries[i]
        return self.shards[entry.shard][entry.offset : entry.offset + entry.length]

    def meters(self, i: int) -> tuple[Meter, ...]:
        """The time signatures of piece `i`; the first is at tick 0."""
        return self.entries[i].meters

    def tempos(self, i: int) -> tuple[Tempo, ...]:
        """The tempo map of piece `i`; the first is at tick 0."""
        return self.entries[i].tempos

    def style(self, i: int) -> int:
        """The index of piece `i`'s style among `styles`."""
        return self.styles.index(self.entries[i].style)

    @property
    def fingerprint(self) -> str:
        """Changes when a piece, its split or its place changes."""
        return hashlib.sha256("\n".join(e.to_json() for e in self.entries).encode()).hexdigest()[:16]

    @property
    def licences(self) -> dict[str, str]:
        """The licence of each source, by the source's name."""
        return {e.source: e.licence for e in self.entries}


def _settings(path: Path) -> dict[str, object]:
    file = path / "corpus.json"
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        version, vocabulary = settings["format_version"], settings["vocabulary"]
    except FileNotFoundError:
        hint = (
            "was not finished: run the same  musegen corpus build  again"
            if (path / ".build").is_dir()
            else ("is not a corpus (it holds no corpus.json): make one with  musegen corpus build")
        )
        raise CorpusError(f"{path} {hint}.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise CorpusError(f"{file} is damaged: build the corpus again.") from None
    if version != FORMAT_VERSION:
        raise CorpusError(
            f"{path} has corpus format {version}, and this musegen reads {FORMAT_VERSION}: build the corpus again, "
            f"or use the musegen that made it."
        )
    if vocabulary != vocabulary_fingerprint():
        raise CorpusError(f"{path} was built with another event vocabulary: build the corpus again.")
    return dict(settings)


def _entries(path: Path) -> tuple[Entry, ...]:
    file = path / "manifest.jsonl"
    try:
        return tuple(Entry.from_json(line) for line in file.read_text(encoding="utf-8").splitlines())
    except OSError as error:
        raise CorpusError(f"{file} cannot be read ({error.strerror}): build the corpus again.") from None
    except (ValueError, KeyError, TypeError):
        raise CorpusError(f"{file} is damaged: build the corpus again.") from None


def _shard(path: Path, number: int) -> Rows:
    file = path / shard_name(number)
    try:
        rows: Rows = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise CorpusError(f"{file} is missing: copy the whole folder, or build the corpus again.") from None
    except (OSError, ValueError):
        raise CorpusError(f"{file} is damaged: build the corpus again.") from None
    if rows.dtype != np.int16 or rows.ndim != 2 or rows.shape[1] != 5:
        raise CorpusError(f"{file} does not hold event rows: build the corpus again.")
    return rows
