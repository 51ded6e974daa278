"""How likely held-out pieces are under a model, style by style and attribute by attribute. No torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..corpus.store import Corpus
from ..engine.base import Engine
from ..engine.likelihood import nats_of_pieces
from ..events import attributes as at
from ..events.derived import derive
from ..models.long_pieces import per_note

SPLITS = ("valid", "test")
_TOGETHER = 24  # pieces: enough for batches of like length, few enough to say how far it is

Row = dict[str, Any]
"""Nats a note: `total`, each attribute; `pieces` and `notes`."""


def nats_by_style(
    engine: Engine, corpus: Corpus, tell: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Row]:
    """A row of figures for each style, by its name, and for "valid", "test" and "all", of the held-out pieces.

    No style tag is given, as the figures of a model card have it. `engine` must be exact (see `engine.base.load`).
    """
    numbers = [i for split in SPLITS for i in corpus.pieces(split)]
    order = sorted(numbers, key=lambda i: corpus.entries[i].length)
    sums: dict[int, np.ndarray] = {}
    for first in range(0, len(order), _TOGETHER):
        some = order[first : first + _TOGETHER]
        found = nats_of_pieces(engine, [derive(corpus.rows(i), corpus.meters(i)) for i in some])
        sums.update({i: nats.sum(0, keepdims=True) for i, nats in zip(some, found, strict=True)})
        tell(len(sums), len(order))
    groups = {style: [i for i in numbers if corpus.entries[i].style == style] for style in corpus.styles}
    groups |= {split: corpus.pieces(split) for split in SPLITS} | {"all": numbers}
    return {name: _row(corpus, sums, some) for name, some in groups.items() if some}


def _row(corpus: Corpus, sums: dict[int, np.ndarray], numbers: list[int]) -> Row:
    notes = sum(int(at.is_note(corpus.rows(i)).sum()) for i in numbers)
    return {"pieces": len(numbers), **per_note([sums[i] for i in numbers], notes)}
