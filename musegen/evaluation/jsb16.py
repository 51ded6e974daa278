"""Benchmark of record P1b: likelihood of the JSB-16 chorales per grid cell, for models of events.

Total nats of a piece (every attribute of every row, end of piece included) ÷ (4 × its number of 16ths): since
frames ↔ events is one to one (`corpus.jsb16`), a valid upper bound on the cell-wise figure. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..corpus.jsb16 import Frames as Frames
from ..corpus.jsb16 import frames_to_piece as frames_to_piece
from ..corpus.jsb16 import load_frames as load_frames
from ..corpus.jsb16 import piece_to_frames as piece_to_frames

PUBLISHED = (("Markov chain of a voice", 0.934), ("n-gram of cells, 7 levels, 12 transpositions", 0.469))
"""Figures to compare with: nats a cell of the validation pieces."""


class PerCell(NamedTuple):
    """Nats a grid cell: over all cells (`token_mean`), and the mean of the pieces' own figures (`piece_mean`)."""

    token_mean: float
    piece_mean: float


def nats_per_cell(nats: Sequence[float], sixteenths: Sequence[int]) -> PerCell:
    """Figures of record from the total nats and the length in 16ths of each piece."""
    cells = 4 * np.asarray(sixteenths, dtype=np.float64)
    total = np.asarray(nats, dtype=np.float64)
    return PerCell(float(total.sum() / cells.sum()), float((total / cells).mean()))
