"""Fit the discriminative classifiers that stand beside a checkpoint: on the training split the checkpoint had.

Knows nothing of how well they do: `benchmarks/classify.py` says that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..checkpoint import Checkpoint
from ..corpus.store import Corpus
from ..engine.base import Engine, of_checkpoint
from ..errors import CorpusError
from ..events.codec import Rows
from . import linear
from .bayes import FEATURES, FILE, OF_PIANOS, STATE, fingerprint, summaries
from .features import rows_without_instruments
from .linear import Array, Linear

Report = Callable[[int, int], None]


def fit_classifiers(
    checkpoint: Checkpoint, corpus: Corpus, report: Report = lambda done, total: None
) -> dict[str, Linear]:
    """The classifiers on features and on the network's state, of pieces as they are and of pieces on pianos.

    Raises CorpusError for styles that the checkpoint has no tags for, and MissingPackageError.
    """
    pieces = corpus.pieces("train")
    styles = [corpus.entries[i].style for i in pieces]
    if strange := sorted(set(styles) - set(checkpoint.styles)):
        known = ", ".join(checkpoint.styles) or "none"
        raise CorpusError(f"The checkpoint has no tag for the corpus's style {strange[0]}: it knows {known}.")
    engine = of_checkpoint(checkpoint)
    fitted: dict[str, Linear] = {}
    for n, ending in enumerate(("", OF_PIANOS)):

        def tell(done: int, before: int = n * len(pieces)) -> None:
            report(before + done, 2 * len(pieces))

        found = summaries_of(engine, corpus, pieces, bool(ending), tell)
        fitted |= {name + ending: linear.fit(x, styles) for name, x in found.items()}
    return fitted


def summaries_of(
    engine: Engine,
    corpus: Corpus,
    pieces: Sequence[int],
    on_pianos: bool,
    report: Callable[[int], None] = lambda done: None,
) -> dict[str, Array]:
    """What each classifier reads of the pieces of those numbers: by its name, (pieces, numbers)."""
    found = []
    for done, i in enumerate(pieces, 1):
        found.append(summaries(engine, rows_of(corpus, i, on_pianos), corpus.meters(i)))
        report(done)
    return {name: np.stack([f[name] for f in found]) for name in (FEATURES, STATE)}


def rows_of(corpus: Corpus, i: int, on_pianos: bool) -> Rows:
    """The event rows of a piece, as it is or without its instruments."""
    return rows_without_instruments(corpus.rows(i), corpus.meters(i)) if on_pianos else corpus.rows(i)


def save(folder: Path, checkpoint: Checkpoint, fitted: dict[str, Linear]) -> Path:
    """Put the classifiers beside the checkpoint's weights. Raises FileError."""
    linear.save(folder / FILE, fitted, fingerprint(checkpoint))
    return folder / FILE
