"""How likely whole pieces are under an engine, exactly: the windows and sums of `models.likelihood`, without torch.

−log P(x) = log Σ exp(logits) − logits[x], of the very logits that the sampler draws from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events.derived import ModelRows
from ..models.config import ModelConfig
from ..models.long_pieces import BATCH_ROWS, Nats, in_windows
from .base import Engine, Floats
from .baselines import BaselineEngine


def nats_of_pieces(engine: Engine, pieces: Sequence[ModelRows]) -> list[Nats]:
    """−log P of every row but the first of each piece (N, WIDTH): a list of (N-1, 5) arrays, in nats.

    Rows that are never predicted (START, tags) cost 0, as do the missing attributes of skips and END.
    """
    if isinstance(engine, BaselineEngine):  # it looks values up: no need to spread out all those that were not chosen
        return [engine.model.nats(p)[1:] for p in pieces]
    context = engine.config.context if isinstance(engine.config, ModelConfig) else max(map(len, pieces), default=1)
    return in_windows(lambda rows: nats_of_rows(engine, rows), pieces, context)


def nats_of_rows(engine: Engine, rows: ModelRows) -> Nats:
    """−log P of rows 1 … T-1 of windows (B, T, WIDTH) given those before: (B, T-1, 5)."""
    target = rows[:, 1:].reshape(-1, rows.shape[-1])
    context = _flat(engine.contexts(rows[:, :-1]))
    situation = _flat(engine.situation(rows)[:, 1:])
    out = np.zeros((len(target), len(at.ATTRIBUTES)))
    for i in range(len(at.ATTRIBUTES)):
        predicted = target[:, at.SHIFT] <= at.END if i == at.SHIFT else at.is_note(target)
        where = np.flatnonzero(predicted)
        for some in np.array_split(where, 1 + len(where) // BATCH_ROWS):
            if len(some):
                chosen = target[some]
                known = None if i == at.SHIFT else situation[some]
                out[some, i] = surprise(engine.logits(i, context[some], chosen, known), chosen[:, i])
    return out.reshape(len(rows), -1, len(at.ATTRIBUTES))


def surprise(logits: Floats, chosen: npt.NDArray[np.int32]) -> Nats:
    """−log softmax(logits (B, V)) at `chosen` (B,)."""
    wide = logits.astype(np.float64)
    wide -= wide.max(1, keepdims=True)
    result: Nats = np.log(np.exp(wide).sum(1)) - wide[np.arange(len(wide)), chosen]
    return result


def _flat(values: Floats) -> Floats:
    return values.reshape(-1, values.shape[-1])
