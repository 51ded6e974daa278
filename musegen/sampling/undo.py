"""Taking a performance back: what was written is kept in the file as a text, and found again note by note.

The text holds every drum note as it was written and as it is played. A note that is still as musegen played it becomes
again what was written, to the tick and the velocity. One that was changed since is put on the grid as it is; what was
added stays, what was taken out stays out. A file without the text (from another program that did not keep it, or never
humanised) is put on the grid that it stands nearest to. Knows nothing of how a performance came about.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import MusegenError
from ..piece import DRUMS, Notes, Piece, sort_notes
from .performing import Performance
from .steps import Ticks, nearest

_MARK = "musegen humanised 1"
_LARGEST = 2**26  # bytes of notes: a text that claims more is none of ours
_KEPT = np.dtype([("pitch", "<i4"), *((f"{k} {v}", "<i4") for k in ("written", "played") for v in ("on", "for", "at"))])
"""A drum note: its pitch; written and played, its onset and duration in fine ticks and its velocity."""

GRIDS = (4, 3)
"""Steps a quarter of the grids for a file that does not say its own: sixteenths, or triplets if those are nearer."""


class Undone(NamedTuple):
    """What was written. `kept`: whether the file said so. Of its drum notes, how many had been changed since."""

    piece: Piece
    kept: bool
    changed: int
    removed: int
    steps: int


class _Original(NamedTuple):
    coarse: int  # ticks a quarter as written
    fine: int  # as played
    steps: int
    notes: npt.NDArray[np.void]


def text_of(performance: Performance) -> str:
    """The text by which `undo` knows what was written."""
    rows = np.zeros(len(performance.fine), _KEPT)
    rows["pitch"] = performance.fine["pitch"]
    for name, notes in (("written", performance.fine), ("played", performance.drums)):
        rows[f"{name} on"], rows[f"{name} for"] = notes["onset"], notes["duration"]
        rows[f"{name} at"] = notes["velocity"]
    columns = b"".join(np.diff(rows[name], prepend=0).astype("<i4").tobytes() for name in _KEPT.names or ())
    packed = base64.b64encode(zlib.compress(columns, 9)).decode()
    return (
        f"{_MARK} {performance.written.ticks_per_quarter} {performance.ticks_per_quarter} {performance.steps} {packed}"
    )


def is_humanised(texts: Iterable[str]) -> bool:
    """Whether one of a file's `texts` says what was written."""
    return _original(texts) is not None


def undo(played: Piece, texts: Iterable[str]) -> Undone:
    """What was written where `played` is, whose file holds `texts`. Raises MusegenError where there are no drums."""
    drums = played.notes[played.notes["program"] == DRUMS]
    original = _original(texts)
    if not len(drums) and original is None:
        raise MusegenError("There are no drums in it, and only drums are ever humanised: it is as it was.")
    if original is None:
        return _on_grid(played)
    fine = played.at_resolution(original.fine)
    is_drum = fine.notes["program"] == DRUMS
    drums, changed, removed = _restored(fine.notes[is_drum], original, played.ticks_per_quarter)
    whole = replace(fine, notes=sort_notes(np.concatenate([fine.notes[~is_drum], drums])))
    return Undone(whole.at_resolution(original.coarse), True, changed, removed, original.steps)


def _restored(drums: Notes, original: _Original, ticks_per_quarter: int) -> tuple[Notes, int, int]:
    """The `drums` (at the original's fine ticks) as they were written; how many were changed or added; and removed."""
    kept, drums = original.notes, drums.copy()
    blur = 0 if ticks_per_quarter == original.fine else -(-original.fine // ticks_per_quarter)
    mine, theirs = _pairs(drums, kept, blur)
    loose = np.ones(len(drums), np.bool_)
    loose[mine] = False
    drums["onset"][loose] = nearest(drums["onset"][loose].astype(np.int64), original.fine, original.steps)
    drums["onset"][mine] = kept["written on"][theirs]
    for name, was, now in (("duration", "written for", "played for"), ("velocity", "written at", "played at")):
        slack = 2 * blur if name == "duration" else 0
        same = np.abs(drums[name][mine].astype(np.int64) - kept[now][theirs]) <= slack
        drums[name][mine[same]] = kept[was][theirs[same]]
        loose[mine[~same]] = True
    return sort_notes(drums), int(loose.sum()), len(kept) - len(mine)


def _pairs(drums: Notes, kept: npt.NDArray[np.void], blur: int) -> tuple[Ticks, Ticks]:
    """Which of `drums` is which of `kept`: two arrays of places. The same key, at most `blur` ticks from there."""
    pairs: list[tuple[int, int]] = []
    for pitch in np.unique(drums["pitch"]):
        here, there = np.flatnonzero(drums["pitch"] == pitch), np.flatnonzero(kept["pitch"] == pitch)
        here = here[np.argsort(drums["onset"][here], kind="stable")]
        there = there[np.argsort(kept["played on"][there], kind="stable")]
        i = j = 0
        while i < len(here) and j < len(there):
            apart = int(drums["onset"][here[i]]) - int(kept["played on"][there[j]])
            if abs(apart) <= blur:
                pairs.append((int(here[i]), int(there[j])))
            i, j = i + (apart <= blur), j + (apart >= -blur)
    mine, theirs = np.array(pairs, np.int64).reshape(-1, 2).T
    return mine, theirs


def _on_grid(played: Piece) -> Undone:
    """Every drum note of `played` at the nearest place of the grid that they are nearest to."""
    notes = played.notes.copy()
    drum = notes["program"] == DRUMS
    onsets = notes["onset"][drum].astype(np.int64)
    grids = {steps: nearest(onsets, played.ticks_per_quarter, steps) for steps in GRIDS}
    steps = min(grids, key=lambda s: float(np.abs(grids[s] - onsets).mean()) * s)  # in steps: a coarse grid is far away
    notes["onset"][drum] = grids[steps]
    return Undone(replace(played, notes=sort_notes(notes)), False, 0, 0, steps)


def _original(texts: Iterable[str]) -> _Original | None:
    """What the first readable text of ours says."""
    for text in texts:
        if text.startswith(_MARK + " "):
            try:
                return _read(text[len(_MARK) :].split())
            except (ValueError, binascii.Error, zlib.error):
                continue  # cut or changed by another program: as good as no text
    return None


def _read(words: list[str]) -> _Original:
    coarse, fine, steps = (int(word) for word in words[:3])
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(base64.b64decode("".join(words[3:]), validate=True), _LARGEST)
    columns = np.frombuffer(data, "<i4").reshape(len(_KEPT.names or ()), -1).cumsum(axis=1, dtype=np.int64)
    possible = 0 < coarse <= fine < 0x8000 and fine % coarse == 0 and steps > 0 and unpacker.eof
    if not possible or columns.min(initial=0) < 0 or columns.max(initial=0) > np.iinfo(np.int32).max:
        raise ValueError("numbers that no file of ours holds")
    notes = np.zeros(columns.shape[1], _KEPT)
    for name, column in zip(_KEPT.names or (), columns, strict=True):
        notes[name] = column
    return _Original(coarse, fine, steps, notes)
