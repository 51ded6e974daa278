"""The transformer family in numpy: see `models.transformer`. The state is a cache of keys and values."""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from ..events import attributes as at
from ..events import derived
from ..events.derived import ModelRows
from ..models.config import turning_rates
from .base import Floats
from .numpy_engine import NumpyEngine, rms_norm, squared_relu


class State:
    """Keys (layers, B, heads, D / heads, memory), values (…, memory, D / heads), the rows held, the last input."""

    def __init__(self, keys: Floats, values: Floats) -> None:
        self.keys, self.values, self.count = keys, values, 0
        self.before: Floats | None = None


class TransformerEngine(NumpyEngine):
    """Reads the prompt at once, then one row a step over the cache."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        c, w = self.config, self.weights
        self.memory = c.context
        index, time, pitch = (np.array(r, np.float64) for r in turning_rates(c.width // c.heads // 2))
        self._rates = np.zeros((3, len(index) + len(time) + len(pitch)))
        self._rates[0, : len(index)] = index
        self._rates[1, len(index) : len(index) + len(time)] = time
        self._rates[2, len(index) + len(time) :] = pitch
        self._blocks = [
            (
                w[f"past.blocks.{i}.norm_attention.weight"],
                self._matrix(f"past.blocks.{i}.qkv"),
                self._matrix(f"past.blocks.{i}.join"),
                w[f"past.blocks.{i}.norm_network.weight"],
                self._matrix(f"past.blocks.{i}.widen"),
                self._matrix(f"past.blocks.{i}.narrow"),
            )
            for i in range(c.layers)
        ]
        self._norm, self._before = w["past.norm.weight"], self._matrix("past.before")

    def _sum_up(self, inputs: Floats, rows: ModelRows) -> tuple[Floats, State]:
        c, (batch, length) = self.config, rows.shape[:2]
        shape = (c.layers, batch, c.heads, c.context, c.width // c.heads)
        state = State(np.zeros((*shape[:3], shape[4], shape[3]), np.float32), np.zeros(shape, np.float32))
        future = np.triu(np.full((length, length), -np.inf, np.float32), 1)
        return self._run(inputs, rows, state, future), state

    def _step(self, inputs: Floats, rows: ModelRows, state: State) -> tuple[Floats, State]:
        return self._run(inputs[:, None], rows[:, None], state, None)[:, 0], state

    def _run(self, x: Floats, rows: ModelRows, state: State, future: Floats | None) -> Floats:
        """`x` (B, T, D) through all blocks; its keys and values join the cache."""
        c, (batch, length) = self.config, rows.shape[:2]
        first, last = state.count, state.count + length
        before = np.zeros_like(x)
        before[:, 1:] = x[:, :-1]
        if state.before is not None:
            before[:, 0] = state.before
        state.before = x[:, -1]
        x = x + before @ self._before
        cos, sin = self._angles(rows, np.arange(first, last))
        for i, (norm_a, qkv, join, norm_n, widen, narrow) in enumerate(self._blocks):
            heads = (rms_norm(x, norm_a) @ qkv).reshape(batch, length, 3, c.heads, -1).transpose(2, 0, 3, 1, 4)
            turned = _rotate(heads[:2], cos, sin)
            state.keys[i, ..., first:last] = turned[1].swapaxes(-1, -2)
            state.values[i, :, :, first:last] = heads[2]
            scores = turned[0] @ state.keys[i, ..., :last]
            scores *= np.float32((c.width // c.heads) ** -0.5)
            if future is not None:
                scores += future
            scores -= scores.max(-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(-1, keepdims=True)
            attended = scores @ state.values[i, :, :, :last]
            x = x + attended.swapaxes(1, 2).reshape(batch, length, -1) @ join
            x += squared_relu(rms_norm(x, norm_n) @ widen) @ narrow
        state.count = last
        return rms_norm(x, self._norm)

    def _angles(self, rows: ModelRows, index: np.ndarray) -> tuple[Floats, Floats]:
        where = np.empty((*rows.shape[:-1], 3))
        where[..., 0] = index
        where[..., 1] = rows[..., derived.TIME]
        where[..., 2] = rows[..., at.PITCH]
        angle = where @ self._rates
        return np.cos(angle).astype(np.float32)[:, None], np.sin(angle).astype(np.float32)[:, None]


def _rotate(x: Floats, cos: Floats, sin: Floats) -> Floats:
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)
