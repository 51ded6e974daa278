"""How likely whole pieces are under a sequence model, exactly: batched, and longer than the model's context.

A piece longer than the context is cut into windows that overlap by half; each row is counted once, in the
window where it has the longest past.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from ..events import attributes as at
from ..events import derived
from .base import SequenceModel

Nats = npt.NDArray[np.float64]


class _Window(NamedTuple):
    piece: int
    start: int
    end: int
    counted_from: int  # rows before this one are only past


def nats_of_pieces(model: SequenceModel, pieces: Sequence[derived.ModelRows], batch_rows: int = 4096) -> list[Nats]:
    """−log P of every row but the first of each piece (N, WIDTH): a list of (N-1, 5) arrays, in nats.

    Rows that are never predicted (START, tags) cost 0, as do the missing attributes of skips and END.
    """
    out = [np.zeros((max(0, len(p) - 1), len(at.ATTRIBUTES))) for p in pieces]
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for batch in _batches(_cut([len(p) for p in pieces], model.config.context), batch_rows):
            rows = pad([pieces[w.piece][w.start : w.end] for w in batch])
            nats = model.nats(torch.from_numpy(rows).to(device)).cpu().numpy()
            for w, values in zip(batch, nats, strict=True):
                first = w.counted_from - w.start - 1
                out[w.piece][w.counted_from - 1 : w.end - 1] = values[first : w.end - w.start - 1]
    model.train(was_training)
    return out


def summary(nats: Sequence[Nats], pieces: Sequence[derived.ModelRows]) -> dict[str, float]:
    """Nats per note of each attribute and in total: all that was predicted, over the number of notes."""
    notes = sum(int(at.is_note(p[1:]).sum()) for p in pieces)
    each = sum((n.sum(0) for n in nats), np.zeros(len(at.ATTRIBUTES))) / max(1, notes)
    values = {a.name: float(v) for a, v in zip(at.ATTRIBUTES, each, strict=True)}
    return {"total": float(each.sum()), **values, "notes": notes}


def pad(windows: Sequence[derived.ModelRows]) -> derived.ModelRows:
    """Windows of different lengths as one array (B, T, WIDTH); START rows, which nothing predicts, fill up."""
    out = np.zeros((len(windows), max(len(w) for w in windows), derived.WIDTH), np.int32)
    out[..., :5] = at.special_row(at.START)
    out[..., derived.LAST] = at.ATTRIBUTES[at.PITCH].none
    for row, window in zip(out, windows, strict=True):
        row[: len(window)] = window
    return out


def _cut(lengths: Sequence[int], context: int) -> list[_Window]:
    windows = []
    for piece, n in enumerate(lengths):
        if n < 2:
            continue
        end = min(n, context + 1)
        windows.append(_Window(piece, 0, end, 1))
        while end < n:
            counted_from, end = end, min(n, end + context // 2)
            windows.append(_Window(piece, end - context - 1, end, counted_from))
    return windows


def _batches(windows: list[_Window], batch_rows: int) -> Iterator[list[_Window]]:
    batch: list[_Window] = []
    for w in sorted(windows, key=lambda w: (w.end - w.start, w)):
        if batch and (len(batch) + 1) * (w.end - w.start) > batch_rows:
            yield batch
            batch = []
        batch.append(w)
    if batch:
        yield batch
