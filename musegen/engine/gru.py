"""The GRU family in numpy: see `models.gru`."""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from .base import Floats
from .recurrent import Cell, RecurrentEngine, sigmoid


class GRUEngine(RecurrentEngine):
    """Two matrix products a layer and step: the reset gate stands between the row's and the state's."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        w = self.weights
        self._gates = [
            tuple((w[f"past.cells.weight_{n}_l{i}"].T.copy(), w[f"past.cells.bias_{n}_l{i}"]) for n in ("ih", "hh"))
            for i in range(self.config.layers)
        ]

    def _cell(self, layer: int, x: Floats, cell: Cell) -> Cell:
        (h,) = cell
        (w_x, b_x), (w_h, b_h) = self._gates[layer]
        reset_x, update_x, new_x = np.split(x @ w_x + b_x, 3, axis=1)
        reset_h, update_h, new_h = np.split(h @ w_h + b_h, 3, axis=1)
        update = sigmoid(update_x + update_h)
        new = np.tanh(new_x + sigmoid(reset_x + reset_h) * new_h)
        return ((1 - update) * new + update * h,)
