"""Pieces and what is expected of them as tensors: padded, moved to a key, relative values made absolute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .counting import TRUST, Expected
from .features import CHAINS, PITCHES, REST, STEPS, VALUES, VOICES, Cells


def to_cells(frames: Sequence[Sequence[int]], low: int, rest: int) -> Cells:
    """Frames of MIDI pitches, `rest` for silence, as cells (T, 4)."""
    grid = np.asarray(frames, np.int64).reshape(-1, VOICES)
    return np.where(grid == rest, REST, grid - low)


def transposed(cells: Cells, semitones: int) -> Cells:
    """A piece in another key; all of its pitches must stay on the grid."""
    return np.where(cells == REST, REST, cells + semitones)


def semitones(cells: Cells, most: int, rng: np.random.Generator) -> int:
    """A random transposition by at most `most` that keeps a piece on the grid."""
    pitches = cells[cells != REST]
    low, high = (int(pitches.min()), int(pitches.max())) if len(pitches) else (0, PITCHES - 1)
    return int(rng.integers(max(-most, -low), min(most, PITCHES - 1 - high) + 1))


def pad(pieces: Sequence[Cells]) -> tuple[Tensor, Tensor]:
    """Pieces (T, 4) as one tensor (B, T, 4), rests at their ends, and which frames are real (B, T)."""
    rows = [torch.from_numpy(p) for p in pieces]
    cells = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=REST)
    lengths = torch.tensor([len(p) for p in pieces])
    return cells, torch.arange(cells.shape[1]) < lengths[:, None]


def weighed(expected: Sequence[Sequence[Expected]], keys: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
    """What the chains expect of pieces moved by `keys` semitones, as `network.Weighed`."""
    longest = max(len(e[0].values) for e in expected)
    out = []
    for voice in range(VOICES):
        logs = torch.zeros(len(expected), longest, len(CHAINS), VALUES)
        trust = torch.zeros(len(expected), longest, TRUST)
        for i, (each, key) in enumerate(zip(expected, keys, strict=True)):
            e = each[voice]
            n = len(e.values)
            place = np.arange(PITCHES) - (e.reference[:, None] + key) + PITCHES - 1
            place = np.append(place, np.full((n, 1), STEPS - 1), 1)[:, None]
            logs[i, :n] = torch.from_numpy(np.take_along_axis(e.logs, place, 2)).float()
            trust[i, :n] = torch.from_numpy(e.trust).float()
        out.append((logs.log_softmax(-1), trust))
    return out
