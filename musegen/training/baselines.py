"""Fit an older model to a corpus: the counterpart of `loop` for models without gradients.

The n-gram counts; the mixture and the topics are fitted by scikit-learn (the extra `train`), which nothing else needs.
"""

from __future__ import annotations

from ..checkpoint import Checkpoint
from ..corpus.store import Corpus
from ..models.baselines.base import Baseline
from ..models.baselines.ngram import NGram
from ..models.config import BaselineConfig
from .about import describe


def fit(corpus: Corpus, family: str, components: int | None = None, seed: int = 0) -> Checkpoint:
    """The baseline `family` fitted to the training split, as a checkpoint without figures.

    `components` of the mixture, or topics; None: chosen by the likelihood of a tenth of the training pieces. Raises
    SettingsError, CorpusError, MissingPackageError.
    """
    model = _fitted(corpus, family, components, seed)
    about = {
        **describe(corpus),
        "split": "by piece, stable hash; train only, a tenth of it aside for choices",
        "seed": seed,
        "weights": sum(a.size for a in model.arrays().values()),
    }
    return Checkpoint(model.config, model.arrays(), corpus.styles, about)


def _fitted(corpus: Corpus, family: str, components: int | None, seed: int) -> Baseline:
    BaselineConfig(family, 1 if components is None else components)
    if family == "mixture":
        from .mixture import fit_mixture

        return fit_mixture(corpus, components, seed)
    if family == "topics":
        from .topics import fit_topics

        return fit_topics(corpus, components, seed)
    return NGram().fit(corpus)
