"""The transformer family in the compiled kernel: weights in 8 bits, caches in float32. See `models.transformer`.

A full cache loses its older half, as in `engine.onnx_transformer`. What a stream plays does not hang on how many are
played beside it. Its numbers are those of onnxruntime's 8 bits but for the rounding, so it stands in for those only.
"""

from __future__ import annotations

import ctypes as c

import numpy as np

from ...checkpoint import Checkpoint
from ...events import attributes as at
from ...events import derived
from ...events.derived import ModelRows
from ...models.config import ModelConfig
from ..base import Floats
from .library import Cache, address, library
from .weights import Packed, record

_MOST_KEPT = 64  # rows at once whose arrays are kept; more are rare
_WIDEST, _LONGEST = 4096, 8192
_SPAN = 64  # rows of the cache that the kernel looks at together


def fits(config: ModelConfig) -> bool:
    """Whether the kernel can run such a model: its vectors are 16 floats wide, and some of them lie on the stack."""
    widths = (config.width, config.width // config.heads, config.head_width, config.slot_width)
    known = config.family == "transformer" and config.attention != "bias"
    held = config.context <= _LONGEST and config.context % (2 * _SPAN) == 0
    return known and held and all(w % 16 == 0 and w <= _WIDEST for w in widths)


class _Memory:
    """Keys and values of `size` rows of B sequences in bfloat16, the first of them the music's row number `first`."""

    def __init__(self, config: ModelConfig, batch: int, rows: int, first: int = 0) -> None:
        spans, own = -(-rows // _SPAN), config.width // config.heads
        self.first, self.size = first, spans * _SPAN
        shape = (config.layers, batch, config.heads, spans)
        self.keys = np.zeros((*shape, own, _SPAN), np.uint16)
        self.values = np.zeros((*shape, _SPAN, own), np.uint16)
        self.record = Cache(address(self.keys), address(self.values), batch, self.size)
        self.at = c.addressof(self.record)

    def take(self, other: _Memory, since: int = 0) -> None:
        """Begin with what `other` holds from row `since` on, a multiple of 64."""
        first = since // _SPAN
        for mine, its in ((self.keys, other.keys), (self.values, other.values)):
            mine[:, :, :, : its.shape[3] - first] = its[:, :, :, first:]


class State:
    """A memory, how many rows of the music were taken in, and the last input (B, D)."""

    def __init__(self, memory: _Memory, count: int, before: Floats) -> None:
        self.memory, self.count, self.before = memory, count, before


class CompiledEngine:
    """Reads the prompt at once, then a row a step over the cache."""

    memory: int | None = None

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config, self.styles = checkpoint.shape(ModelConfig), checkpoint.styles
        self.order = self.config.drawn
        self._kernel, self._weights = library(), Packed(checkpoint.weights)
        self._record = record(self.config, self._weights)
        self._model = c.addressof(self._record)
        self._calls: dict[int, _Call] = {}

    def situation(self, rows: ModelRows) -> Floats:
        flat = rows.reshape(-1, derived.WIDTH)
        call = self._call(len(flat))
        call.rows[:] = flat
        self._kernel.musegen_situation(self._model, call.rows_at, len(flat), call.situation_at)
        return call.situation.reshape(*rows.shape[:-1], self.config.width).copy()

    def logits(self, attribute: int, context: Floats, target: ModelRows, situation: Floats | None) -> Floats:
        """As `base.Engine.logits`; what is returned lasts until the attribute is asked for again."""
        count = len(target)
        call = self._call(count)
        call.rows[:], call.context[:] = target, context
        moment = None
        if situation is not None:
            call.situation[:], moment = situation, call.situation_at
        out = call.logits[attribute]
        self._kernel.musegen_logits(
            self._model, attribute, call.context_at, call.rows_at, moment, count, out.shape[1],
            call.logits_at[attribute],
        )  # fmt: skip
        return out

    def contexts(self, rows: ModelRows) -> Floats:
        # One sequence after the other gives the same numbers, and needs a batch's share of the memory.
        return np.concatenate([self._read(sequence[None]) for sequence in rows])

    def start(self, rows: ModelRows) -> tuple[Floats, State]:
        (batch, length), size = rows.shape[:2], self.config.context
        late = length - size * 3 // 4 if length > size else 0  # of a prompt that is too long the latest rows
        alike = 1 if (rows == rows[:1]).all() else batch  # a prompt that all share is read once
        rows = rows[:alike, late:]
        state = State(_Memory(self.config, alike, size, late), late, self._nothing(alike))
        context = self._take(rows, state, self.situation(rows))[:, -1]
        if alike < batch:
            memory = _Memory(self.config, batch, size, late)
            memory.take(state.memory)
            state = State(memory, length, state.before.repeat(batch, 0))
            context = context.repeat(batch, 0)
        return context, state

    def advance(self, rows: ModelRows, state: State, situation: Floats | None = None) -> tuple[Floats, State]:
        if state.count - state.memory.first == state.memory.size:
            gone = state.memory.size // 2
            memory = _Memory(self.config, len(rows), state.memory.size, state.memory.first + gone)
            memory.take(state.memory, gone)
            state.memory = memory
        return self._take(rows[:, None], state, self.situation(rows) if situation is None else situation)[:, 0], state

    def _read(self, rows: ModelRows) -> Floats:
        """Contexts (B, T, D) of `rows` (B, T, WIDTH), with nothing before them."""
        state = State(_Memory(self.config, *rows.shape[:2]), 0, self._nothing(len(rows)))
        return self._take(rows, state, self.situation(rows))

    def _nothing(self, batch: int) -> Floats:
        return np.zeros((batch, self.config.width), np.float32)

    def _call(self, rows: int) -> _Call:
        if rows not in self._calls:
            call = _Call(self.config, rows)
            if rows > _MOST_KEPT:
                return call
            self._calls[rows] = call
        return self._calls[rows]

    def _take(self, rows: ModelRows, state: State, situation: Floats) -> Floats:
        """Contexts (B, T, D) of `rows` (B, T, WIDTH), which join the memory."""
        (batch, length), memory = rows.shape[:2], state.memory
        call = self._call(batch * length)
        call.rows[:], call.situation[:] = rows.reshape(-1, derived.WIDTH), situation.reshape(-1, self.config.width)
        call.before[:batch] = state.before
        self._kernel.musegen_step(
            self._model, memory.at, state.count - memory.first, state.count, length, call.rows_at, call.situation_at,
            call.before_at, call.context_at,
        )  # fmt: skip
        state.before = call.before[:batch].copy()
        state.count += length
        return call.context.reshape(batch, length, self.config.width).copy()


class _Call:
    """The arrays of calls with so many rows, and where they lie: asking numpy takes as long as a small call."""

    def __init__(self, config: ModelConfig, rows: int) -> None:
        self.rows = np.zeros((rows, derived.WIDTH), np.int32)
        self.context, self.situation, self.before = np.zeros((3, rows, config.width), np.float32)
        self.logits = [np.zeros((rows, a.outputs), np.float32) for a in at.ATTRIBUTES]
        self.rows_at, self.context_at = address(self.rows), address(self.context)
        self.situation_at, self.before_at = address(self.situation), address(self.before)
        self.logits_at = [address(a) for a in self.logits]
