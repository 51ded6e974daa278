"""The plain recurrent family in numpy: see `models.rnn`."""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from .base import Floats
from .numpy_engine import rms_norm
from .recurrent import Cell, RecurrentEngine


class RNNEngine(RecurrentEngine):
    """Two matrix products a layer and step: [x, h] → hidden → what is added to h."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        w, cells = self.weights, [f"past.cells.layers.{i}" for i in range(self.config.layers)]
        self._into = [np.concatenate([self._matrix(f"{c}.row"), self._matrix(f"{c}.carry")]) for c in cells]
        self._bias = [w[f"{c}.row.bias"] for c in cells]
        self._out = [self._matrix(f"{c}.out") * w[f"{c}.scale"] for c in cells]
        self._norms = [w[f"{c}.norm.weight"] for c in cells]

    def _cell(self, layer: int, x: Floats, cell: Cell) -> Cell:
        (h,) = cell
        hidden = np.tanh(np.concatenate([x, h], axis=1) @ self._into[layer] + self._bias[layer])
        return (rms_norm(h + hidden @ self._out[layer], self._norms[layer]),)
