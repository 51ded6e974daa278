"""What all onnxruntime engines share: the player file, the situation and the note head.

The graphs are `graphs`' work, written when the checkpoint was saved; here they run. A family adds how its state is
kept. Not for several threads at once: the arrays of a call belong to the engine.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from ..errors import CheckpointError
from ..events import attributes as at
from ..events import derived
from ..events.derived import ModelRows
from ..models.config import ModelConfig
from .base import Floats
from .bound import Bound, session

S = TypeVar("S")
_SITUATION = len(at.ATTRIBUTES)  # the branch after those of the attributes
_MOST_BOUND = 64  # rows at once whose arrays are kept; more are rare


class Player(NamedTuple):
    """What player.onnx holds: both graphs, ready to run, and what its metadata says."""

    step: Any
    head: Any
    about: dict[str, str]


def read_player(contents: bytes, name: str | Path = "player.onnx") -> Player:
    """Both sessions. Raises CheckpointError for what is no player."""
    try:
        step = session(contents)
        about = dict(step.get_modelmeta().custom_metadata_map)
        return Player(step, session(base64.b64decode(about.pop("head"))), about)
    except Exception as error:  # onnxruntime's own classes of error have no common base but this
        raise CheckpointError(f"{name} is damaged: delete it, and the checkpoint plays without.") from error


class OnnxEngine(Generic[S]):
    """Embedding and head; a family adds `_begin`, `_take`, and `contexts` where it can do better."""

    memory: int | None = None

    def __init__(self, config: ModelConfig, styles: tuple[str, ...], player: Player) -> None:
        self.config, self.styles, self.order = config, styles, config.drawn
        self._session, self._head = player.step, player.head
        self._calls: dict[tuple[int, int], tuple[Bound, list[Any]]] = {}

    def situation(self, rows: ModelRows) -> Floats:
        flat = rows.reshape(-1, derived.WIDTH)
        found = self._ask(_SITUATION, None, flat, None)
        return found.reshape(*rows.shape[:-1], -1).copy()

    def logits(self, attribute: int, context: Floats, target: ModelRows, situation: Floats | None) -> Floats:
        return self._ask(attribute, context, target, situation)

    def contexts(self, rows: ModelRows) -> Floats:
        state = self._begin(len(rows))
        situation = self.situation(rows)
        out = np.empty_like(situation)
        for t in range(rows.shape[1]):
            out[:, t], state = self._take(rows[:, t], state, situation[:, t])
        return out

    def start(self, rows: ModelRows) -> tuple[Floats, S]:
        state = self._begin(len(rows))
        situation = self.situation(rows)
        for t in range(rows.shape[1]):
            context, state = self._take(rows[:, t], state, situation[:, t])
        return context, state

    def advance(self, rows: ModelRows, state: S, situation: Floats | None = None) -> tuple[Floats, S]:
        return self._take(rows, state, self.situation(rows) if situation is None else situation)

    def _begin(self, batch: int) -> S:
        """The state before the first row."""
        raise TypeError(f"{type(self).__name__} does not say how it begins")

    def _take(self, rows: ModelRows, state: S, situation: Floats) -> tuple[Floats, S]:
        """Context (B, D) after one more of `rows` (B, WIDTH)."""
        raise TypeError(f"{type(self).__name__} cannot advance")

    def _ask(self, which: int, context: Floats | None, target: ModelRows, situation: Floats | None) -> Floats:
        """One branch of the head. The result lasts until the next question of as many rows."""
        key = which, len(target)
        if key not in self._calls:
            call = self._new_call(which, len(target))
            if len(target) <= _MOST_BOUND:
                self._calls[key] = call
        else:
            call = self._calls[key]
        run, (rows, about, moment, out) = call
        rows[:] = target
        if context is not None:
            about[:] = context
        if situation is not None:
            moment[:] = situation
        run()
        result: Floats = out
        return result

    def _new_call(self, which: int, count: int) -> tuple[Bound, list[Any]]:
        width = self.config.width
        outputs = width if which == _SITUATION else at.ATTRIBUTES[which].outputs
        rows = np.zeros((count, derived.WIDTH), np.int32)
        context, situation = np.zeros((2, count, width), np.float32)
        out = np.zeros((count, outputs), np.float32)
        inputs = {"which": np.array(which, np.int32), "target": rows, "context": context, "situation": situation}
        return Bound(self._head, inputs, {"out": out}), [rows, context, situation, out]
