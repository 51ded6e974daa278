"""The transformer family in onnxruntime: the cache, its window, and the angles.

When the cache holds `config.context` rows the older half is dropped, and nothing is computed again: a row costs the
same at hour ten. The rows kept still know, in their keys and values, of those that went. Keys keep the angle at which
they were turned, since attention knows differences only; angles are reckoned in double precision and lose no phase.
"""

from __future__ import annotations

import numpy as np

from ..events import attributes as at
from ..events import derived
from ..events.derived import ModelRows
from ..models.config import ModelConfig
from ..models.relative import turning_rates
from .base import Floats
from .bound import Bound
from .onnx_engine import OnnxEngine, Player


class _Cache:
    """Keys and values of up to `size` rows of B sequences, the first of them the music's row number `first`.

    Whoever holds it sees as many rows as it knows of; those after them may be overwritten. One that is full is left
    to those who hold it, and another is begun.
    """

    def __init__(self, layers: int, shape: tuple[int, int, int, int], first: int = 0) -> None:
        self.first, self.size = first, shape[2]
        self.arrays = [np.zeros(shape, np.float32) for _ in range(2 * layers)]
        self.spots = np.zeros((shape[0], self.size, 3), np.int64)
        self.step: _Step | None = None

    def later(self, kept: int) -> _Cache:
        """Another with the last `kept` rows."""
        new = _Cache.__new__(_Cache)
        new.first, new.size, new.step = self.first + self.size - kept, self.size, None
        new.arrays = [np.empty_like(a) for a in self.arrays]
        new.spots = np.empty_like(self.spots)
        for mine, its in zip(self.arrays, new.arrays, strict=True):
            its[:, :, :kept] = mine[:, :, self.size - kept :]
        new.spots[:, :kept] = self.spots[:, self.size - kept :]
        return new


class State:
    """A cache, how many rows of the music were taken in, and the last input (B, 1, D)."""

    def __init__(self, cache: _Cache, count: int, before: Floats) -> None:
        self.cache, self.count, self.before = cache, count, before


class _Step:
    """The arrays of a call that takes in T rows of some sequences of a cache, and the call."""

    def __init__(self, engine: TransformerEngine, arrays: list[Floats], length: int) -> None:
        c, (batch, _, size, wide) = engine.config, arrays[0].shape
        self.rows = np.zeros((batch, length, derived.WIDTH), np.int32)
        self.situation = np.zeros((batch, length, c.width), np.float32)
        self.before = np.zeros((batch, 1, c.width), np.float32)
        self.last, self.total = np.zeros(batch, np.int32), np.zeros(1, np.int32)
        self.context, self.input = np.empty_like(self.situation), np.empty_like(self.before)
        inputs = {n: getattr(self, n) for n in ("rows", "situation", "before", "last", "total")}
        outputs = {"context": self.context, "input": self.input}
        for i in range(c.layers):
            for kind, array in (("keys", arrays[2 * i]), ("values", arrays[2 * i + 1])):
                inputs[f"{kind} {i}"] = outputs[f"new {kind} {i}"] = array
        self.learned = c.attention == "bias"
        if self.learned:
            self.spots = np.zeros((batch, length, 3), np.int32)
            inputs |= {"spots": self.spots, "heard": self.spots}
        else:
            # As long as onnxruntime asks for; the first batch · length rows are looked at.
            shape = max(size, batch * length), wide // 2
            self.cos, self.sin = np.ones(shape, np.float32), np.zeros(shape, np.float32)
            places = np.arange(batch * length, dtype=np.int64).reshape(batch, length)
            inputs |= {"cos": self.cos, "sin": self.sin, "places": places}
        self.run = Bound(engine.session, inputs, outputs)


class TransformerEngine(OnnxEngine[State]):
    """Reads the prompt at once, then one row a step over the cache."""

    def __init__(self, config: ModelConfig, styles: tuple[str, ...], player: Player) -> None:
        super().__init__(config, styles, player)
        self.session, self._own = player.step, config.width // config.heads
        self._wide = next(i.shape[3] for i in player.step.get_inputs() if i.name == "keys 0")
        rates = None if config.attention == "bias" else turning_rates(self._own // 2, config.attention)
        self._rates = None if rates is None else np.array(rates, np.float64)

    def contexts(self, rows: ModelRows) -> Floats:
        cache = self._cache(len(rows), rows.shape[1])
        return self._read(rows, cache)[0]

    def start(self, rows: ModelRows) -> tuple[Floats, State]:
        length, size = rows.shape[1], self.config.context
        late = length - size * 3 // 4 if length > size else 0  # of a prompt that is too long the latest rows
        cache = self._cache(len(rows), size)
        cache.first = late
        contexts, before = self._read(rows[:, late:], cache)
        return contexts[:, -1], State(cache, length, before)

    def _cache(self, batch: int, size: int) -> _Cache:
        return _Cache(self.config.layers, (batch, self.config.heads, size, self._wide))

    def _read(self, rows: ModelRows, cache: _Cache) -> tuple[Floats, Floats]:
        """Contexts (B, T, D) of the first `rows` (B, T, WIDTH) of an empty cache, and the last input (B, 1, D)."""
        batch, length = rows.shape[:2]
        contexts = np.empty((batch, length, self.config.width), np.float32)
        before = np.empty((batch, 1, self.config.width), np.float32)
        for b in range(batch):
            if b and np.array_equal(rows[b], rows[0]):  # a prompt that all share
                for array in (*cache.arrays, contexts, before):
                    array[b] = array[0]
                cache.spots[b] = cache.spots[0]
                continue
            step = _Step(self, [a[b : b + 1] for a in cache.arrays], length)
            step.before[:] = 0
            self._run(step, rows[b : b + 1], self.situation(rows[b : b + 1]), cache.spots[b : b + 1], 0, cache.first)
            contexts[b], before[b] = step.context[0], step.input[0]
        return contexts, before

    def _take(self, rows: ModelRows, state: State, situation: Floats) -> tuple[Floats, State]:
        cache = state.cache
        if state.count - cache.first == cache.size:
            cache = state.cache = cache.later(cache.size // 2)
        if cache.step is None:
            cache.step = _Step(self, cache.arrays, 1)
        step = cache.step
        step.before[:] = state.before
        self._run(step, rows[:, None], situation[:, None], cache.spots, state.count - cache.first, cache.first)
        state.before = step.input.copy()
        state.count += 1
        return step.context[:, 0].copy(), state

    def _run(self, step: _Step, rows: ModelRows, situation: Floats, spots: np.ndarray, slot: int, first: int) -> None:
        """Take in `rows` (B, T, WIDTH) after the `slot` rows that the cache holds."""
        length = rows.shape[1]
        total = slot + length
        step.rows[:], step.situation[:] = rows, situation
        step.last[:], step.total[:] = total - 1, total
        new = spots[:, slot:total]
        new[..., 0] = np.arange(first + slot, first + total)
        new[..., 1], new[..., 2] = rows[..., derived.TIME], rows[..., at.PITCH]
        if self._rates is None:
            # Biases know differences: both counted from the same row, they stay small.
            heard = spots[:, :total] - [spots[0, 0, 0], 0, 0]
            step.spots[:] = heard[:, slot:]
            heard = np.ascontiguousarray(heard, np.int32)
            step.run.bind("heard", heard)
        else:
            angle = (new @ self._rates).reshape(-1, self._own // 2)
            np.cos(angle, out=step.cos[: len(angle), : self._own // 2], casting="same_kind")
            np.sin(angle, out=step.sin[: len(angle), : self._own // 2], casting="same_kind")
        step.run()
