"""The transformer family in numpy: see `models.transformer`. The state is a cache of keys and values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..checkpoint import Checkpoint
from ..events import attributes as at
from ..events import derived
from ..events.derived import ModelRows
from ..models.relative import FARTHEST, bias_lookups, turning_rates
from .base import Floats
from .numpy_engine import NumpyEngine, rms_norm, squared_relu

Spots = npt.NDArray[np.int64]


class State:
    """Keys (layers, B, heads, D / heads, memory), values (…, memory, D / heads), spots (B, memory, 3) of the rows
    held, how many they are, the last input."""

    def __init__(self, keys: Floats, values: Floats, spots: Spots) -> None:
        self.keys, self.values, self.spots, self.count = keys, values, spots, 0
        self.before: Floats | None = None


class TransformerEngine(NumpyEngine):
    """Reads the prompt at once, then one row a step over the cache."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        c, w = self.config, self.weights
        self.memory = c.context
        learned = c.attention == "bias"
        self._rates = None if learned else np.array(turning_rates(c.width // c.heads // 2, c.attention), np.float64)
        self._biases = self._by_distance() if learned else []
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
        keys, values = np.zeros((*shape[:3], shape[4], shape[3]), np.float32), np.zeros(shape, np.float32)
        state = State(keys, values, np.zeros((batch, c.context, 3), np.int64))
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
        spots = state.spots[:, first:last]
        spots[..., 0] = np.arange(first, last)
        spots[..., 1:] = rows[..., [derived.TIME, at.PITCH]]
        turn = self._turn(spots)
        bias = self._bias(spots, state.spots[:, :last]) if self._biases else None
        for i, (norm_a, qkv, join, norm_n, widen, narrow) in enumerate(self._blocks):
            heads = (rms_norm(x, norm_a) @ qkv).reshape(batch, length, 3, c.heads, -1).transpose(2, 0, 3, 1, 4)
            turned = heads if turn is None else _rotate(heads[:2], *turn)
            state.keys[i, ..., first:last] = turned[1].swapaxes(-1, -2)
            state.values[i, :, :, first:last] = heads[2]
            scores = turned[0] @ state.keys[i, ..., :last]
            scores *= np.float32((c.width // c.heads) ** -0.5)
            if bias is not None:
                scores += bias
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

    def _turn(self, spots: Spots) -> tuple[Floats, Floats] | None:
        if self._rates is None:
            return None
        angle = spots @ self._rates
        return np.cos(angle).astype(np.float32)[:, None], np.sin(angle).astype(np.float32)[:, None]

    def _by_distance(self) -> list[Floats]:
        """What each distance in rows, ticks and semitones adds to the scores, each (distances, heads)."""
        return [
            sum(
                (self.weights[f"past.biases.tables.{i}.{j}.weight"][places] for j, places in enumerate(each)),
                np.zeros((), np.float32),
            )
            for i, each in enumerate(bias_lookups())
        ]

    def _bias(self, queries: Spots, keys: Spots) -> Floats:
        """(B, heads, T, S) of spots (B, T, 3) and (B, S, 3)."""
        far = np.array(FARTHEST)
        place = np.clip(queries[:, :, None] - keys[:, None], -far, far) + far
        silent = (queries[:, :, None, 2] >= 128) | (keys[:, None, :, 2] >= 128)
        place[..., 2][silent] = 2 * far[2] + 1
        total: Floats = sum((table[place[..., i]] for i, table in enumerate(self._biases)), np.zeros((), np.float32))
        return total.transpose(0, 3, 1, 2)


def _rotate(x: Floats, cos: Floats, sin: Floats) -> Floats:
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)
