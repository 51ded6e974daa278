"""The LSTM family in numpy: see `models.lstm`."""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from ..events.derived import ModelRows
from .base import Floats
from .numpy_engine import NumpyEngine, rms_norm

State = list[tuple[Floats, Floats]]  # (h, c) of each layer, (B, D)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow."""
    result: Floats = 0.5 * (np.tanh(0.5 * x) + 1)
    return result


class LSTMEngine(NumpyEngine):
    """One fused matrix product a layer and step: [x, h] → the four gates."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        w = self.weights
        self._gates = []
        for i in range(self.config.layers):
            w_x, w_h, b_x, b_h = (w[f"past.cells.{n}_l{i}"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            self._gates.append((np.ascontiguousarray(np.concatenate([w_x, w_h], axis=1).T), b_x + b_h))
        self._mix, self._mix_bias = self._matrix("past.mix"), w["past.mix.bias"]
        self._norm = w["past.norm.weight"]

    def _summarise(self, inputs: Floats, rows: ModelRows) -> tuple[Floats, State]:
        zeros = np.zeros((len(rows), self.config.width), np.float32)
        state: State = [(zeros, zeros)] * self.config.layers
        for t in range(inputs.shape[1]):
            context, state = self._step(inputs[:, t], rows[:, t], state)
        return context, state

    def _step(self, inputs: Floats, rows: ModelRows, state: State) -> tuple[Floats, State]:
        x, new = inputs, []
        for (matrix, bias), (h, c) in zip(self._gates, state, strict=True):
            gates = np.concatenate([x, h], axis=1) @ matrix + bias
            i, f, g, o = np.split(gates, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            x = sigmoid(o) * np.tanh(c)
            new.append((x, c))
        return rms_norm(x @ self._mix + self._mix_bias + inputs, self._norm), new
