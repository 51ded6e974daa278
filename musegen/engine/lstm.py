"""The LSTM family in numpy: see `models.lstm`."""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from .base import Floats
from .recurrent import Cell, RecurrentEngine, sigmoid


class LSTMEngine(RecurrentEngine):
    """One fused matrix product a layer and step: [x, h] → the four gates."""

    carried = 2

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        w = self.weights
        self._gates = []
        for i in range(self.config.layers):
            w_x, w_h, b_x, b_h = (w[f"past.cells.{n}_l{i}"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            self._gates.append((np.ascontiguousarray(np.concatenate([w_x, w_h], axis=1).T), b_x + b_h))

    def _cell(self, layer: int, x: Floats, cell: Cell) -> Cell:
        (h, c), (matrix, bias) = cell, self._gates[layer]
        i, f, g, o = np.split(np.concatenate([x, h], axis=1) @ matrix + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
