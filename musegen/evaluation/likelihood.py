"""How likely a corpus's held-out pieces are under a checkpoint: the figures of record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..checkpoint import Checkpoint
from ..corpus.store import Corpus
from ..events.derived import ModelRows, derive
from ..models.base import SequenceModel, build, load_weights
from ..models.baselines import base as baselines
from ..models.config import BaselineConfig, ModelConfig
from ..models.likelihood import nats_of_pieces, summary
from ..models.long_pieces import Nats
from .density import SPREAD


def model_of(checkpoint: Checkpoint) -> SequenceModel:
    """The checkpoint's network, ready to evaluate."""
    model = build(checkpoint.shape(ModelConfig))
    load_weights(model, checkpoint)
    return model.eval()


def nats_of(checkpoint: Checkpoint, pieces: Sequence[ModelRows]) -> list[Nats]:
    """−log P of every row but the first of each piece (N, WIDTH), whatever the model: a list of (N-1, 5) arrays."""
    if isinstance(checkpoint.config, BaselineConfig):
        model = baselines.build(checkpoint.config, checkpoint.weights)
        return [model.nats(p)[1:] for p in pieces]
    return nats_of_pieces(model_of(checkpoint), pieces)


def held_out(checkpoint: Checkpoint, corpus: Corpus, split: str) -> dict[str, float]:
    """Nats per note of a split, in total and by attribute (see `models.long_pieces.summary`)."""
    return _figures(checkpoint, corpus, split)[0]


def _figures(checkpoint: Checkpoint, corpus: Corpus, split: str) -> tuple[dict[str, float], list[float]]:
    """The summary of a split, and the `SPREAD` of its pieces' nats per note."""
    pieces = [derive(corpus.rows(i), corpus.meters(i)) for i in corpus.pieces(split)]
    nats = nats_of(checkpoint, pieces)
    each = [summary([n], [p])["total"] for n, p in zip(nats, pieces, strict=True)]
    return summary(nats, pieces), np.quantile(each, SPREAD).round(4).tolist()


def nats_of_each(checkpoint: Checkpoint, corpus: Corpus, split: str) -> list[float]:
    """Total nats of each piece of a split, in corpus order."""
    pieces = [derive(corpus.rows(i), corpus.meters(i)) for i in corpus.pieces(split)]
    return [float(n.sum()) for n in nats_of(checkpoint, pieces)]


def with_figures(checkpoint: Checkpoint, corpus: Corpus, **floors: dict[str, float]) -> Checkpoint:
    """The checkpoint with its figures on both held-out splits, and those of the baselines in `floors`.

    `spread of valid` (and of test) says among which values the pieces' own nats per note lie: see `density.percentile`.
    """
    found = {split: _figures(checkpoint, corpus, split) for split in ("valid", "test") if corpus.pieces(split)}
    spreads = {f"spread of {split}": spread for split, (_, spread) in found.items()}
    return replace(checkpoint, metrics={**{split: f for split, (f, _) in found.items()}, **floors, **spreads})
