"""Play on from a prompt: the model, its state and the sampler, in step, and a way out of loops.

The state of a family with a bounded memory is begun again from the latest half when it is full, so an
endless jam costs the same at hour ten as at minute one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.base import Engine
from ..events import derived
from ..events.codec import Rows
from ..events.derived import ModelRows, Tracker
from ..piece import Meter
from .constraints import Constraint
from .ostinato import WayOut
from .sampler import Sampler, SamplerSettings

LONGEST_PROMPT = 384  # rows of the prompt that are read; more would push the newest out of a memory of 512


class Continuation:
    """B sequences that share a prompt (N, 5), START first, END left out."""

    def __init__(
        self,
        engine: Engine,
        prompt: Rows,
        meters: tuple[Meter, ...],
        settings: SamplerSettings,
        constraints: tuple[Constraint, ...],
        generators: list[np.random.Generator],
    ) -> None:
        self._engine = engine
        batch = len(generators)
        self._way_out = WayOut(batch)
        self._sampler = Sampler(engine, settings, (*constraints, self._way_out), generators)
        self.tracker = Tracker(batch, meters)
        rows = self.tracker.feed(prompt)
        self._past: list[ModelRows] = [np.repeat(r[None], batch, 0) for r in rows[-self._room() :]]
        self._context, self._state = self._start()

    def next(self) -> ModelRows:
        """Draw and take in one more row (B, WIDTH)."""
        target, situation = self._sampler.draw(self._context, self.tracker)
        self.tracker.accept(target)
        self._way_out.hear(target)
        if self._engine.memory is not None:
            self._past.append(target)
            if len(self._past) > self._engine.memory:
                self._past = self._past[-self._engine.memory // 2 :]
                self._context, self._state = self._start()
                return target
        near = target.copy()
        near[:, derived.TIME] -= self._origin
        self._context, self._state = self._engine.advance(near, self._state, situation)
        return target

    def _room(self) -> int:
        memory = self._engine.memory
        return LONGEST_PROMPT if memory is None else min(LONGEST_PROMPT, memory * 3 // 4)

    def _start(self) -> tuple[np.ndarray, Any]:
        rows = np.stack(self._past, axis=1)
        # Ticks count from this window's first row, as in training: an angle of hours would lose its phase.
        self._origin = rows[:, 0, derived.TIME].copy()
        rows[..., derived.TIME] -= self._origin[:, None]
        return self._engine.start(rows)
