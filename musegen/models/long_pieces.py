"""Whole pieces through a network whose context is shorter: the windows, and what their nats add up to.

A piece longer than the context is cut into windows that overlap by half; each row is counted once, in the
window where it has the longest past. Imports no torch, so that networks and engines are scored by one rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events import derived

Nats = npt.NDArray[np.float64]
Value = TypeVar("Value", bound=np.generic)

BATCH_ROWS = 4096


class Window(NamedTuple):
    """Rows `start` to `end` of a piece; those before `counted_from` are only past."""

    piece: int
    start: int
    end: int
    counted_from: int


def in_windows(
    of_rows: Callable[[derived.ModelRows], npt.NDArray[Value]],
    pieces: Sequence[derived.ModelRows],
    context: int,
    width: int = len(at.ATTRIBUTES),
    batch_rows: int = BATCH_ROWS,
) -> list[Nats]:
    """`of_rows` of whole pieces (N, WIDTH): a list of (N-1, width) arrays.

    `of_rows` takes padded windows (B, T, WIDTH), T ≤ `context` + 1, and gives (B, T-1, width): something of every
    row but the first, which may depend on the rows before it.
    """
    out = [np.zeros((max(0, len(p) - 1), width)) for p in pieces]
    for batch in batches(cut([len(p) for p in pieces], context), batch_rows):
        rows = pad([pieces[w.piece][w.start : w.end] for w in batch])
        rows[..., derived.TIME] -= rows[:, :1, derived.TIME]  # an angle of a thousand bars would lose its phase
        found = of_rows(rows)
        for w, values in zip(batch, found, strict=True):
            first = w.counted_from - w.start - 1
            out[w.piece][w.counted_from - 1 : w.end - 1] = values[first : w.end - w.start - 1]
    return out


def summary(nats: Sequence[Nats], pieces: Sequence[derived.ModelRows]) -> dict[str, float]:
    """Nats per note of each attribute and in total: all that was predicted, over the number of notes."""
    return per_note(nats, sum(int(at.is_note(p[1:]).sum()) for p in pieces))


def per_note(nats: Sequence[Nats], notes: int) -> dict[str, float]:
    """Nats (…, 5) of rows that hold so many notes, per note: of each attribute and in total."""
    each = sum((n.sum(0) for n in nats), np.zeros(len(at.ATTRIBUTES))) / max(1, notes)
    values = {a.name: float(v) for a, v in zip(at.ATTRIBUTES, each, strict=True)}
    return {"total": float(each.sum()), **values, "notes": notes}


def pad(windows: Sequence[derived.ModelRows]) -> derived.ModelRows:
    """Windows of different lengths as one array (B, T, WIDTH); START rows, which nothing predicts, fill up."""
    out = np.zeros((len(windows), max(len(w) for w in windows), derived.WIDTH), np.int32)
    out[..., :5] = at.special_row(at.START)
    out[..., derived.STYLE], out[..., derived.LAST] = at.STYLE_TAGS, at.ATTRIBUTES[at.PITCH].none
    for row, window in zip(out, windows, strict=True):
        row[: len(window)] = window
    return out


def cut(lengths: Sequence[int], context: int) -> list[Window]:
    """The windows of pieces of so many rows, each of at most `context` rows and the one they predict."""
    windows = []
    for piece, n in enumerate(lengths):
        if n < 2:
            continue
        end = min(n, context + 1)
        windows.append(Window(piece, 0, end, 1))
        while end < n:
            counted_from, end = end, min(n, end + max(1, context // 2))
            windows.append(Window(piece, end - context - 1, end, counted_from))
    return windows


def batches(windows: list[Window], batch_rows: int) -> Iterator[list[Window]]:
    """Windows of like length together, at most `batch_rows` rows once they are padded."""
    batch: list[Window] = []
    for w in sorted(windows, key=lambda w: (w.end - w.start, w)):
        if batch and (len(batch) + 1) * (w.end - w.start) > batch_rows:
            yield batch
            batch = []
        batch.append(w)
    if batch:
        yield batch
