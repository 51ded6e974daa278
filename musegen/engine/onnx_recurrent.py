"""The families with a state of fixed size in onnxruntime: recurrent ones, and WaveNet with its rings of old inputs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..events import derived
from ..events.derived import ModelRows
from ..models.config import ModelConfig
from ..models.relative import dilations
from .base import Floats
from .bound import Bound
from .onnx_engine import OnnxEngine, Player


class _Step(NamedTuple):
    """The arrays of a call that takes in a row of each of B sequences, and the call."""

    rows: Any  # (B, 1, WIDTH)
    situation: Any  # (B, 1, D)
    given: Any  # (vectors, B, D)
    context: Any  # (B, 1, D)
    found: Any  # as given
    run: Bound


class _Small(OnnxEngine[Any]):
    """A step that is given some vectors and finds as many."""

    given, found = "", ""

    def __init__(self, config: ModelConfig, styles: tuple[str, ...], player: Player) -> None:
        super().__init__(config, styles, player)
        self._vectors = next(i.shape[0] for i in player.step.get_inputs() if i.name == self.given)
        self._steps: dict[int, _Step] = {}

    def _run(self, rows: ModelRows, situation: Floats, given: Floats) -> tuple[Floats, Floats]:
        """The context (B, D), and a view of what is found, until the next call."""
        batch = len(rows)
        if batch not in self._steps:
            self._steps[batch] = self._new_step(batch)
        step = self._steps[batch]
        step.rows[:, 0], step.situation[:, 0], step.given[:] = rows, situation, given
        step.run()
        return step.context[:, 0].copy(), step.found

    def _new_step(self, batch: int) -> _Step:
        rows = np.zeros((batch, 1, derived.WIDTH), np.int32)
        situation, context = (np.zeros((batch, 1, self.config.width), np.float32) for _ in range(2))
        given, found = (np.zeros((self._vectors, batch, self.config.width), np.float32) for _ in range(2))
        inputs = {"rows": rows, "situation": situation, self.given: given}
        run = Bound(self._session, inputs, {"context": context, self.found: found})
        return _Step(rows, situation, given, context, found, run)


class RecurrentEngine(_Small):
    """The state is what the layers carry, (layers · vectors, B, D), and is replaced, never changed."""

    given, found = "carried", "new carried"

    def _begin(self, batch: int) -> Floats:
        return np.zeros((self._vectors, batch, self.config.width), np.float32)

    def _take(self, rows: ModelRows, state: Floats, situation: Floats) -> tuple[Floats, Floats]:
        context, found = self._run(rows, situation, state)
        return context, found.copy()


class Rings:
    """The last d inputs of each layer, one after another in one array (sum of d, B, D), and how many rows went in."""

    def __init__(self, inputs: Floats, count: int = 0) -> None:
        self.inputs, self.count = inputs, count

    def __copy__(self) -> Rings:
        return Rings(self.inputs.copy(), self.count)


class WaveNetEngine(_Small):
    """Each layer is given its input d rows ago, whose place its input now takes."""

    given, found = "taps", "fed"

    def __init__(self, config: ModelConfig, styles: tuple[str, ...], player: Player) -> None:
        super().__init__(config, styles, player)
        self._dilations = np.array(dilations(config.layers, config.context))
        self._starts = np.cumsum(self._dilations) - self._dilations

    def _begin(self, batch: int) -> Rings:
        return Rings(np.zeros((self._dilations.sum(), batch, self.config.width), np.float32))

    def _take(self, rows: ModelRows, state: Rings, situation: Floats) -> tuple[Floats, Rings]:
        places = self._starts + state.count % self._dilations
        context, fed = self._run(rows, situation, state.inputs[places])
        state.inputs[places] = fed
        state.count += 1
        return context, state
