"""What all numpy engines share: the row embedding and the note head of `models.notes`, from its weights.

The same sums as the torch modules, kept in the same order; `tests/engine` holds them against each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checkpoint import Checkpoint
from ..events import attributes as at
from ..events import derived
from ..events.derived import ModelRows
from ..models.config import ModelConfig
from .base import Floats

_PITCHES = np.arange(128)[None]
_TABLES = (("bar", derived.BAR), ("meter", derived.METER), ("style", derived.STYLE))
EPSILON = np.float32(1e-5)  # of every RMSNorm


def rms_norm(x: Floats, weight: Floats) -> Floats:
    """RMS normalisation over the last axis (Zhang & Sennrich 2019)."""
    scale = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
    result: Floats = x * (1 / np.sqrt(scale + EPSILON)) * weight
    return result


def shares(counts: np.ndarray) -> Floats:
    """Pitch-class counts (…, 12) as shares of their sum."""
    result: Floats = (counts / (counts.sum(-1, keepdims=True) + 1)).astype(np.float32)
    return result


def interval(pitch: np.ndarray, last: np.ndarray) -> np.ndarray:
    """`pitch` − `last` as an index 0 … 254 (127: the same), 255 where either is missing."""
    return np.where((pitch < 128) & (last < 128), pitch - last + 127, 255)


def squared_relu(x: Floats) -> Floats:
    """max(x, 0)², in place."""
    np.maximum(x, 0, out=x)
    return np.square(x, out=x)


class NumpyEngine:
    """Embedding and head; a family adds `_sum_up` and `_step`."""

    memory: int | None = None

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config, self.styles = checkpoint.shape(ModelConfig), checkpoint.styles
        self.order = self.config.drawn
        self.weights = {k: np.ascontiguousarray(v, np.float32) for k, v in checkpoint.weights.items()}
        w = self.weights
        self._embed = [w[f"embed.attributes.{i}.weight"] for i in range(5)]
        self._embed_norm = w["embed.norm.weight"]
        tables = _TABLES if self.config.bar else _TABLES[2:]
        self._tables = [(w[f"situation.{n}.weight"], c) for n, c in tables]
        self._slot = [w[f"situation.slot_{n}.weight"] for n in ("instrument", "pitch", "remaining")]
        self._slots_out = self._matrix("situation.slots")
        self._key = self._matrix("situation.key")
        self._interval = w["embed.interval.weight"]
        self._head_key, self._harmony = self._matrix("head.key"), w["head.harmony.weight"]
        self._relative, self._relative_bias = self._matrix("head.interval"), w["head.interval.bias"]
        self._recent, self._recent_bias = self._matrix("head.recent"), w["head.recent.bias"]
        self._last_velocity, self._last_duration = w["head.last_velocity.weight"], w["head.last_duration.weight"]
        self._drawn = [w[f"head.drawn.{i}.weight"] for i in range(4)]
        self._last = w["head.last.weight"]
        self._head = [
            (
                w[f"head.norm.{i}.weight"],
                self._matrix(f"head.hidden.{i}"),
                w[f"head.hidden.{i}.bias"],
                self._matrix(f"head.out.{i}"),
                w[f"head.out.{i}.bias"],
            )
            for i in range(5)
        ]

    def situation(self, rows: ModelRows) -> Floats:
        slots = rows[..., derived.SLOTS :].reshape(*rows.shape[:-1], derived.SLOT_COUNT, 3)
        each = self._slot[0][slots[..., 0]]
        each += self._slot[1][slots[..., 1]]
        each += self._slot[2][slots[..., 2]]
        np.maximum(each, 0, out=each)
        result: Floats = each.sum(-2) @ self._slots_out
        result += shares(rows[..., derived.KEY : derived.RECENT]) @ self._key
        for table, column in self._tables:
            result += table[rows[..., column]]
        return result

    def contexts(self, rows: ModelRows) -> Floats:
        return self._sum_up(self._inputs(rows, self.situation(rows)), rows)[0]

    def start(self, rows: ModelRows) -> tuple[Floats, Any]:
        contexts, state = self._sum_up(self._inputs(rows, self.situation(rows)), rows)
        return contexts[:, -1], state

    def advance(self, rows: ModelRows, state: Any, situation: Floats | None = None) -> tuple[Floats, Any]:
        if situation is None:
            situation = self.situation(rows)
        return self._step(self._inputs(rows, situation), rows, state)

    def logits(self, attribute: int, context: Floats, target: ModelRows, situation: Floats | None) -> Floats:
        total = context if attribute == at.SHIFT or situation is None else context + situation
        for i, drawn in zip(self.order[: self.order.index(attribute)], self._drawn, strict=False):
            total = total + drawn[target[:, i]]
        if attribute >= at.PITCH:
            total = total + self._last[target[:, derived.LAST]]
        if attribute == at.PITCH:
            total = total + self._seen_from_last(target)
        elif attribute == at.VELOCITY:
            total = total + self._last_velocity[target[:, derived.LAST_VELOCITY]]
        elif attribute == at.DURATION:
            total = total + self._last_duration[target[:, derived.LAST_DURATION]]
        norm, hidden, hidden_bias, out, out_bias = self._head[attribute]
        inner: Floats = rms_norm(total, norm) @ hidden
        inner += hidden_bias
        squared_relu(inner)
        result: Floats = inner @ out
        result += out_bias
        if attribute == at.INSTRUMENT:
            heard = target[:, derived.RECENT : derived.SLOTS]
            each, place = np.nonzero(heard < at.INSTRUMENTS)
            # An instrument stands in the list once, so no place is added to twice.
            result[each, heard[each, place]] += (inner @ self._recent + self._recent_bias)[each, place]
        elif attribute == at.PITCH:
            last = target[:, derived.LAST, None]
            relative = inner @ self._relative + self._relative_bias
            steps = np.minimum(interval(_PITCHES, last), 254)
            result += np.where(last < 128, np.take_along_axis(relative, steps, 1), np.float32(0))
        return result

    def _seen_from_last(self, target: ModelRows) -> Floats:
        """The key and the sounding notes as intervals from LAST (from C where there is none)."""
        last = target[:, derived.LAST, None]
        turned = (np.where(last < 128, last, 0) + np.arange(12)) % 12
        key = np.take_along_axis(shares(target[:, derived.KEY : derived.RECENT]), turned, 1)
        result: Floats = key @ self._head_key
        result += self._harmony[interval(target[:, derived.SLOTS + 1 :: 3], last)].sum(1)
        return result

    def _inputs(self, rows: ModelRows, situation: Floats) -> Floats:
        total = situation + self._interval[interval(rows[..., at.PITCH], rows[..., derived.LAST])]
        for i, table in enumerate(self._embed):
            total += table[rows[..., i]]
        return rms_norm(total, self._embed_norm)

    def _matrix(self, name: str) -> Floats:
        """A linear layer's weight as (in, out), so that x @ it is the layer."""
        return np.ascontiguousarray(self.weights[f"{name}.weight"].T)

    def _sum_up(self, inputs: Floats, rows: ModelRows) -> tuple[Floats, Any]:
        """The context (B, T, D) after each of `rows`, embedded as `inputs` (B, T, D), and the state after the last."""
        raise TypeError(f"{type(self).__name__} does not say how it sums up the past")

    def _step(self, inputs: Floats, rows: ModelRows, state: Any) -> tuple[Floats, Any]:
        raise TypeError(f"{type(self).__name__} cannot advance")
