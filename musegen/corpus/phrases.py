"""The phrases of a corpus (see `events.phrases`) in a folder of their own: sparse, memory-mapped, made once.

    CORPUS/phrases/5-train/   (five tracks, training split; 1-valid: one track, held out …)
    notes.npy     uint8 (N, 5): track, pitch, first step, step after the last, whether it begins or goes on from before
    bars.npy      int64 (B + 1,): where each bar's notes begin in notes.npy
    phrases.npy   int32 (P, 3): piece of the corpus, bar of the piece (from 0), first of its four bars in bars.npy
    phrases.json  fingerprint and counts; written last, so a folder that has it is whole

Notes are cut at bar lines, so a bar is the same in each of the four phrases that it is part of, and stored once. Cells
are made when they are asked for. Knows nothing of networks. numpy only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..atomic import write_atomically
from ..errors import CorpusError, FileError
from ..events import phrases as ph
from ..events.codec import EventCodec, Events
from ..events.roll import HOLD, ONSET, Cells, runs
from ..events.tracks import TRACKS
from .store import Corpus

FORMAT_VERSION = 1
STRIDES = {"train": 1, "valid": 4, "test": 4}
"""From one phrase to the next, in bars: training hears every bar in every place, held-out bars count once."""

_FILES: dict[str, tuple[str, tuple[int, ...]]] = {
    "notes.npy": ("u1", (5,)),
    "bars.npy": ("<i8", ()),
    "phrases.npy": ("<i4", (3,)),
}
_TRACK, _PITCH, _BEGIN, _END, _ONSET = range(5)
_PIECE, _BAR, _FIRST = range(3)


@dataclass(frozen=True)
class LeftOut:
    """What a corpus's phrases leave out."""

    pieces: int = 0  # of the split, with and without phrases
    silent_pieces: int = 0  # those without
    bars: int = 0  # not of 96 ticks
    sparse: int = 0  # phrases with a silent bar or few notes
    alone: int = 0  # phrases in which one of five tracks plays
    drums: int = 0  # drum notes outside the pitches
    notes: int = 0  # other notes outside the pitches

    def __add__(self, other: LeftOut) -> LeftOut:
        return LeftOut(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))


class Phrases:
    """The phrases of one split of a corpus on 1 or 5 tracks."""

    def __init__(self, folder: Path) -> None:
        """Open a folder that `of_corpus` made. Raises CorpusError."""
        self.folder = folder
        try:
            about = json.loads((folder / "phrases.json").read_text(encoding="utf-8"))
            self.tracks, self.split = int(about["tracks"]), str(about["split"])
            self.fingerprint, self.left_out = str(about["fingerprint"]), LeftOut(**about["left_out"])
            self._notes, self._bars, self._phrases = (
                np.load(folder / name, mmap_mode="r", allow_pickle=False)
                for name in ("notes.npy", "bars.npy", "phrases.npy")
            )
        except (OSError, ValueError, KeyError, TypeError):
            raise CorpusError(f"{folder} holds no phrases: delete it, and they are made again.") from None

    @classmethod
    def of_corpus(cls, corpus: Corpus, tracks: int, split: str, folder: Path | None = None) -> Phrases:
        """The phrases of `split` on `tracks` tracks, from `folder` (of the corpus's own, if None) or made there.

        They are made again when the corpus or the rules have changed. Raises CorpusError, and FileError where the
        folder cannot be written.
        """
        if tracks not in (1, len(TRACKS)):
            raise CorpusError(f"Phrases have 1 or {len(TRACKS)} tracks, not {tracks}.")
        pieces = corpus.pieces(split)
        folder = folder or corpus.path / "phrases" / f"{tracks}-{split}"
        rules = (FORMAT_VERSION, tracks, split, STRIDES[split], ph.FEWEST_NOTES, corpus.fingerprint)
        fingerprint = hashlib.sha256(repr(rules).encode()).hexdigest()[:16]
        if not _is_there(folder, fingerprint):
            _make(folder, corpus, pieces, tracks, STRIDES[split], {"fingerprint": fingerprint, "split": split})
        return cls(folder)

    def __len__(self) -> int:
        return len(self._phrases)

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """(P, 2): the piece of the corpus that each phrase is from, and its first bar there, from 0."""
        found: npt.NDArray[np.int64] = self._phrases[:, [_PIECE, _BAR]].astype(np.int64)
        return found

    def dense(self, indices: npt.ArrayLike, semitones: npt.ArrayLike = 0) -> Cells:
        """The cells (n, K, 4, 96, 84) of the phrases `indices` (n,), each moved up by `semitones` (n,), drums excepted.

        A note that leaves the pitches is left out: `semitones` draws steps that keep all.
        """
        notes, phrase, bar = self._gather(np.atleast_1d(np.asarray(indices, np.int64)))
        shift = np.broadcast_to(np.asarray(semitones, np.int64), len(np.atleast_1d(indices)))[phrase]
        pitch = notes[:, _PITCH] + np.where(self._tuned(notes), shift, 0)
        kept = (pitch >= 0) & (pitch < ph.GRID.pitches)
        if not kept.all():
            notes, phrase, bar, pitch = notes[kept], phrase[kept], bar[kept], pitch[kept]
        cells = np.zeros((len(np.atleast_1d(indices)), self.tracks, ph.BARS, ph.STEPS, ph.GRID.pitches), np.uint8)
        lane = (phrase * self.tracks + notes[:, _TRACK]) * ph.BARS + bar
        first = (lane * ph.STEPS + notes[:, _BEGIN]) * ph.GRID.pitches + pitch
        length = notes[:, _END] - notes[:, _BEGIN]
        flat = cells.reshape(-1)
        flat[np.repeat(first, length) + _within(length) * ph.GRID.pitches] = HOLD
        flat[first[notes[:, _ONSET] > 0]] = ONSET
        return cells

    def semitones(self, indices: npt.ArrayLike, generator: np.random.Generator, most: int = 6) -> npt.NDArray[np.int64]:
        """For each phrase a whole number from those in -most … most that keep its tuned notes in the pitches, (n,)."""
        indices = np.atleast_1d(np.asarray(indices, np.int64))
        notes, phrase, _ = self._gather(indices)
        tuned = self._tuned(notes)
        low, high = np.full(len(indices), ph.GRID.pitches - 1), np.zeros(len(indices), np.int64)
        np.minimum.at(low, phrase[tuned], notes[tuned, _PITCH])
        np.maximum.at(high, phrase[tuned], notes[tuned, _PITCH])
        down, up = np.maximum(-most, -low), np.minimum(most, ph.GRID.pitches - 1 - high)
        draws: npt.NDArray[np.int64] = down + (generator.random(len(indices)) * (up - down + 1)).astype(np.int64)
        return draws

    def _tuned(self, notes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        if self.tracks == 1:
            return np.ones(len(notes), np.bool_)
        tuned: npt.NDArray[np.bool_] = notes[:, _TRACK] != TRACKS.index("drums")
        return tuned

    def _gather(
        self, indices: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The notes (N, 5) of phrases `indices`, the place in `indices` that each belongs to, and its bar, 0-3."""
        bars = (self._phrases[indices, _FIRST].astype(np.int64)[:, None] + np.arange(ph.BARS)).reshape(-1)
        begin = np.asarray(self._bars[bars])
        count = np.asarray(self._bars[bars + 1]) - begin
        notes = np.asarray(self._notes[np.repeat(begin, count) + _within(count)]).astype(np.int64)
        where = np.repeat(np.arange(len(bars)), count)
        return notes, where // ph.BARS, where % ph.BARS

    def __str__(self) -> str:
        out = self.left_out
        said = [
            f"{out.silent_pieces} pieces without any",
            f"{out.bars} bars not of 4/4",
            f"{out.sparse} phrases too empty",
            *([f"{out.alone} of one track alone"] if self.tracks > 1 else []),
            *([f"{out.drums} drum notes outside the pitches"] if self.tracks > 1 else []),
            f"{out.notes} notes outside the pitches",
        ]
        kind = "five tracks" if self.tracks > 1 else "one track"
        return f"{len(self)} phrases ({self.split}, {kind}) of {out.pieces} pieces; left out: {', '.join(said)}"


class _Growing:
    """An .npy file that rows are added to. It is in its place once it is closed, if nothing went wrong."""

    def __init__(self, path: Path, dtype: str, columns: tuple[int, ...]) -> None:
        self.path, self.dtype, self.columns, self.length = path, np.dtype(dtype), columns, 0

    def __enter__(self) -> _Growing:
        self._part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        self._file = self._part.open("wb")
        self._header()
        return self

    def add(self, rows: npt.NDArray[np.generic]) -> None:
        """Append `rows` (n, …)."""
        self._file.write(np.ascontiguousarray(rows, self.dtype).tobytes())
        self.length += len(rows)

    def _header(self) -> None:
        # numpy leaves room for the length to grow, so that the header can be written over
        shape = (self.length, *self.columns)
        head = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, head)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self._file.seek(0)
                self._header()
            self._file.close()
            if kind is None:
                os.replace(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)


def _within(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1 … count - 1 for each of `counts`, one after another."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def _is_there(folder: Path, fingerprint: str) -> bool:
    try:
        return Phrases(folder).fingerprint == fingerprint
    except CorpusError:
        return False


def _make(folder: Path, corpus: Corpus, pieces: Iterable[int], tracks: int, stride: int, about: dict[str, str]) -> None:
    """Write `folder`, a piece at a time, so that memory does not grow with the corpus."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "phrases.json").unlink(missing_ok=True)
        with ExitStack() as stack:
            files = [stack.enter_context(_Growing(folder / name, *kind)) for name, kind in _FILES.items()]
            left_out = _write(files, corpus, pieces, tracks, stride)
    except OSError as error:
        raise FileError(f"{folder}: the phrases cannot be written ({error.strerror}).") from None
    text = json.dumps({**about, "tracks": tracks, "left_out": dataclasses.asdict(left_out)}, indent=1)
    write_atomically(folder / "phrases.json", text.encode())


def _write(files: list[_Growing], corpus: Corpus, pieces: Iterable[int], tracks: int, stride: int) -> LeftOut:
    notes_file, bars_file, phrases_file = files
    bars_file.add(np.zeros(1, np.int64))
    left_out = LeftOut()
    for number in pieces:
        events = Events(corpus.rows(number), corpus.tempos(number), corpus.meters(number))
        piece = EventCodec().decode(events)
        bars = ph.bars_of(piece, tracks)
        notes, each = _notes_of(bars.cells)
        begins = np.bincount(
            each[notes[:, _ONSET] > 0] * tracks + notes[notes[:, _ONSET] > 0, _TRACK],
            minlength=len(bars.cells) * tracks,
        ).reshape(-1, tracks)
        counts = np.bincount(each, minlength=len(bars.cells))
        worth = ph.worth_learning(begins, counts > 0, bars.numbers, stride)
        if len(worth.starts):
            table = np.stack(
                [np.full(len(worth.starts), number), bars.numbers[worth.starts], bars_file.length - 1 + worth.starts], 1
            )
            phrases_file.add(table.astype(np.int32))
            bars_file.add(notes_file.length + np.cumsum(counts))
            notes_file.add(notes)
        lost = ph.out_of_range(piece, tracks)
        left_out += LeftOut(1, not len(worth.starts), bars.other, worth.sparse, worth.alone, *lost)
    return left_out


def _notes_of(cells: Cells) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The rows (N, 5) of notes.npy in bars (n, K, 96, 84), and the bar of each (N,), sorted by bar."""
    tracks = cells.shape[1]
    lanes = cells.reshape(-1, *cells.shape[2:])
    lane, start, pitch, length = runs(lanes)
    rows = np.stack([lane % tracks, pitch, start, start + length, lanes[lane, start, pitch] == ONSET], 1)
    return rows.astype(np.uint8), lane // tracks
