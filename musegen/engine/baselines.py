"""The older models as engines: played, steered and scored like the networks, in numpy alone.

A context is not a vector here but the past itself: (…, 1) arrays of `Walk`s, which nobody but `logits` looks into.
A walk is replaced and never changed, so that a shallow copy of a state is a mark to go back to.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..checkpoint import Checkpoint
from ..events import attributes as at
from ..events.derived import ModelRows
from ..models.baselines.base import build
from ..models.baselines.contexts import Walk, places
from ..models.config import BaselineConfig
from .base import Floats

State = list[Walk]
_LEAST = 1e-30  # a probability that has run out of digits


class BaselineEngine:
    """Any `models.baselines.base.Baseline`."""

    order = tuple(range(len(at.ATTRIBUTES)))
    memory: int | None = None

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config, self.styles = checkpoint.shape(BaselineConfig), checkpoint.styles
        self.model = build(self.config, checkpoint.weights)

    def situation(self, rows: ModelRows) -> Floats:
        return np.zeros((*rows.shape[:-1], 1), np.float32)  # the walk knows the moment

    def contexts(self, rows: ModelRows) -> Floats:
        out = np.empty((*rows.shape[:2], 1), object)
        for b, row in enumerate(rows):
            walk = Walk()
            for t, place in enumerate(places(row)):
                walk = walk.copy()
                walk.push(*place)
                out[b, t, 0] = walk
        return out

    def start(self, rows: ModelRows) -> tuple[Floats, State]:
        state = []
        for row in rows:
            walk = Walk()
            for place in places(row):
                walk.push(*place)
            state.append(walk)
        return _context(state), state

    def advance(self, rows: ModelRows, state: State, situation: Floats | None = None) -> tuple[Floats, State]:
        new = [walk.copy() for walk in state]
        for walk, place in zip(new, places(rows), strict=True):
            walk.push(*place)
        return _context(new), new

    def logits(self, attribute: int, context: Floats, target: ModelRows, situation: Floats | None) -> Floats:
        p = self.model.probabilities(attribute, context[:, 0].tolist(), target)
        return np.log(np.maximum(p, _LEAST)).astype(np.float32)


def _context(walks: Iterable[Walk]) -> Floats:
    walks = list(walks)
    out = np.empty((len(walks), 1), object)
    out[:, 0] = walks
    return out
