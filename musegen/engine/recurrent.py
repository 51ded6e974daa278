"""What the recurrent families share in numpy: see `models.recurrent`."""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from ..events.derived import ModelRows
from .base import Floats
from .numpy_engine import NumpyEngine, rms_norm

Cell = tuple[Floats, ...]  # what a layer carries, (B, D) each: its output first
State = list[Cell]


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow."""
    result: Floats = 0.5 * (np.tanh(0.5 * x) + 1)
    return result


class RecurrentEngine(NumpyEngine):
    """A family adds `_cell`, and says how many vectors a layer carries."""

    carried = 1

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._mix, self._mix_bias = self._matrix("past.mix"), self.weights["past.mix.bias"]
        self._norm = self.weights["past.norm.weight"]

    def _sum_up(self, inputs: Floats, rows: ModelRows) -> tuple[Floats, State]:
        zeros = np.zeros((len(rows), self.config.width), np.float32)
        state: State = [(zeros,) * self.carried] * self.config.layers
        contexts = np.empty_like(inputs)
        for t in range(inputs.shape[1]):
            contexts[:, t], state = self._step(inputs[:, t], rows[:, t], state)
        return contexts, state

    def _step(self, inputs: Floats, rows: ModelRows, state: State) -> tuple[Floats, State]:
        x, new = inputs, []
        for layer, cell in enumerate(state):
            new.append(self._cell(layer, x, cell))
            x = new[-1][0]
        return rms_norm(x @ self._mix + self._mix_bias + inputs, self._norm), new

    def _cell(self, layer: int, x: Floats, cell: Cell) -> Cell:
        """What the layer carries on after its input `x` (B, D)."""
        raise TypeError(f"{type(self).__name__} has no cells")
