"""The WaveNet family in numpy: see `models.wavenet`. The state is a ring of old inputs a layer."""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from ..events.derived import ModelRows
from ..models.relative import dilations
from .base import Floats
from .numpy_engine import NumpyEngine, rms_norm
from .recurrent import sigmoid


class State:
    """The last d inputs of each layer, (d, B, D), written round and round, and how many rows went in."""

    def __init__(self, rings: list[Floats], count: int = 0) -> None:
        self.rings, self.count = rings, count

    def __copy__(self) -> State:
        return State([ring.copy() for ring in self.rings], self.count)


class WaveNetEngine(NumpyEngine):
    """Two matrix products a layer and row."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        w, self._dilations = self.weights, dilations(self.config.layers, self.config.context)
        names = [f"past.layers.{i}" for i in range(len(self._dilations))]
        self._gates = [(self._matrix(f"{n}.gates"), w[f"{n}.gates.bias"]) for n in names]
        self._out = [(self._matrix(f"{n}.out"), w[f"{n}.out.bias"]) for n in names]
        self._mix, self._mix_bias, self._norm = self._matrix("past.mix"), w["past.mix.bias"], w["past.norm.weight"]

    def _sum_up(self, inputs: Floats, rows: ModelRows) -> tuple[Floats, State]:
        batch, length, width = inputs.shape
        state = State([np.zeros((d, batch, width), np.float32) for d in self._dilations])
        contexts = np.empty_like(inputs)
        for t in range(length):
            contexts[:, t], state = self._step(inputs[:, t], rows[:, t], state)
        return contexts, state

    def _step(self, inputs: Floats, rows: ModelRows, state: State) -> tuple[Floats, State]:
        x, context = inputs, np.zeros_like(inputs)
        for d, ring, (gates, gates_bias), (out, out_bias) in zip(
            self._dilations, state.rings, self._gates, self._out, strict=True
        ):
            slot = state.count % d
            signal, gate = np.split(np.concatenate([ring[slot], x], axis=1) @ gates + gates_bias, 2, axis=1)
            ring[slot] = x
            onward, skip = np.split((np.tanh(signal) * sigmoid(gate)) @ out + out_bias, 2, axis=1)
            x = x + onward
            context += skip
        state.count += 1
        return rms_norm(np.maximum(context, 0) @ self._mix + self._mix_bias + inputs, self._norm), state
