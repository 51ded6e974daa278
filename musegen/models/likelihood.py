"""How likely whole pieces are under a sequence model, exactly: batched, and longer than the model's context."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..events import attributes as at
from ..events import derived
from .base import SequenceModel
from .long_pieces import BATCH_ROWS, Nats, in_windows, per_note
from .long_pieces import pad as pad
from .long_pieces import summary as summary


def nats_of_pieces(
    model: SequenceModel, pieces: Sequence[derived.ModelRows], batch_rows: int = BATCH_ROWS
) -> list[Nats]:
    """−log P of every row but the first of each piece (N, WIDTH): a list of (N-1, 5) arrays, in nats.

    Rows that are never predicted (START, tags) cost 0, as do the missing attributes of skips and END.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()

    def nats(rows: derived.ModelRows) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = model.nats(torch.from_numpy(rows).to(device)).cpu().numpy()
        return found

    with torch.no_grad():
        out = in_windows(nats, pieces, model.config.context, batch_rows=batch_rows)
    model.train(was_training)
    return out


_OUTPUTS = np.array([a.outputs for a in at.ATTRIBUTES[1:]])

WithHole = tuple[derived.ModelRows, npt.NDArray[np.bool_]]
"""A sequence with a hole: its rows (T, WIDTH), and what is known in them (T, 5). It fits the context."""


def nats_with_holes(model: SequenceModel, sequences: Sequence[WithHole], batch_rows: int = BATCH_ROWS) -> list[Nats]:
    """−log P of every row but the first of each sequence with a hole: (T-1, 5) arrays, in nats."""
    out = [np.zeros((0, len(at.ATTRIBUTES)))] * len(sequences)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i][0]))
    side_by_side = max(1, batch_rows // (1 + model.config.context))
    with torch.no_grad():
        for first in range(0, len(order), side_by_side):
            batch = order[first : first + side_by_side]
            rows = pad([sequences[i][0] for i in batch])
            rows[..., derived.TIME] -= rows[:, :1, derived.TIME]
            known = pad_known([sequences[i][1] for i in batch])
            found = model.nats(*(torch.from_numpy(a).to(device) for a in (rows, rows, known))).cpu().numpy()
            for i, values in zip(batch, found, strict=True):
                out[i] = values[: len(sequences[i][0]) - 1].astype(np.float64)
    model.train(was_training)
    return out


def summary_with_holes(nats: Sequence[Nats], sequences: Sequence[WithHole]) -> dict[str, float]:
    """As `summary`: everything that was predicted, of what is kept and what is not, over the number of notes."""
    # A note that keeps some of its attributes stands there twice, the first time with NONE for the others.
    notes = sum(int((at.is_note(r[1:]) & (r[1:, 1:5] < _OUTPUTS).all(1)).sum()) for r, _ in sequences)
    return per_note(nats, notes)


def pad_known(known: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
    """What is known in sequences of different lengths as one array (B, T, 5); nothing of what fills up."""
    out = np.zeros((len(known), max(map(len, known)), len(at.ATTRIBUTES)), np.bool_)
    for row, each in zip(out, known, strict=True):
        row[: len(each)] = each
    return out
