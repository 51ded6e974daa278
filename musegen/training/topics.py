"""Fit the topic model by variational inference (scikit-learn), and choose how many topics it has.

The number is the one that predicts the pitch classes of bars that were set aside best, each from those before it in its
bar. Octave, rhythm, instruments and loudness are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import CorpusError, MissingPackageError
from ..models.baselines.base import Pieces, training_rows
from ..models.baselines.counts import Floats, Ints
from ..models.baselines.ngram import NGram
from ..models.baselines.topics import CHAINS, Topics, words_of_bars
from ..models.config import BaselineConfig

TOPICS = (4, 12, 24)
MOST_BARS = 5_000  # that the fit sees
_MOST_ASIDE = 500
_ASIDE = 10  # every tenth piece is set aside for the choice
_ROUNDS, _BAR_ROUNDS = 10, 20  # over all bars, and inside each


def fit_topics(corpus: Pieces, components: int | None = None, seed: int = 0) -> Topics:
    """The topics of the corpus's training bars. Raises CorpusError, MissingPackageError."""
    pieces = [words_of_bars(rows) for rows in training_rows(corpus)]
    if not sum(len(p) for p in pieces):
        raise CorpusError("The corpus has no bar with a note that is not a drum: there are no topics to find.")
    if components is None:
        components = _choose(pieces, seed)
    words, prior = _fit(_some(pieces, MOST_BARS, seed), components, seed)
    return Topics(words, prior, NGram(BaselineConfig("ngram"), CHAINS).fit(corpus))


def _choose(pieces: Sequence[Ints], seed: int) -> int:
    known = _some([p for n, p in enumerate(pieces) if n % _ASIDE != _ASIDE - 1], MOST_BARS, seed)
    aside = _some([p for n, p in enumerate(pieces) if n % _ASIDE == _ASIDE - 1] or pieces[:1], _MOST_ASIDE, seed)
    return min(TOPICS, key=lambda k: _surprise(*_fit(known, k, seed), aside, seed))


def _fit(bars: Ints, topics: int, seed: int) -> tuple[Floats, Floats]:
    """Each topic's pitch classes (K, 12), and α (K,)."""
    found = _lda(topics, seed).fit(bars)
    words: Floats = found.components_ / found.components_.sum(1, keepdims=True)
    return words, np.full(topics, float(found.doc_topic_prior_))


def _lda(topics: int, seed: int) -> Any:
    try:
        from sklearn.decomposition import LatentDirichletAllocation
    except ModuleNotFoundError:
        raise MissingPackageError("scikit-learn", "Fitting topics", "train") from None
    return LatentDirichletAllocation(
        topics, learning_method="batch", max_iter=_ROUNDS, max_doc_update_iter=_BAR_ROUNDS, random_state=seed
    )


def _surprise(words: Floats, prior: Floats, bars: Ints, seed: int) -> float:
    """−log P of the pitch classes of bars (N, 12), each bar's in a random order: nats a note."""
    rng, model, total = np.random.default_rng(seed), Topics(words, prior, NGram(chains=CHAINS)), 0.0
    for bar in bars:
        order = rng.permutation(np.repeat(np.arange(12), bar))
        struck = np.eye(12, dtype=np.int64)[order]
        before = np.cumsum(struck, axis=0) - struck
        total -= float(np.log((model.classes(before) * struck).sum(1)).sum())
    return total / max(1, int(bars.sum()))


def _some(pieces: Sequence[Ints], most: int, seed: int) -> Ints:
    """At most `most` of the pieces' bars (N, 12)."""
    bars = np.concatenate(pieces)
    return bars[np.sort(np.random.default_rng(seed).permutation(len(bars))[:most])]
