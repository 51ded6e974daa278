"""Fit the Gaussian mixture by EM (scikit-learn), and choose how many components it has.

The number is the one with the best likelihood of notes that were set aside; where others come within a hundredth of
a nat a note, the one with the least BIC of these.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import MissingPackageError, SettingsError
from ..events import attributes as at
from ..models.baselines.base import Pieces, training_rows
from ..models.baselines.counts import drawn
from ..models.baselines.mixture import Floats, Ints, Mixture, kinds_of, points

COMPONENTS = (8, 32, 128)
MOST_NOTES = 20_000  # that EM sees; more change the figures in the third place after the point
_ASIDE = 10  # every tenth piece is set aside for the choice
_CLOSE = 0.01  # nats a note
_SHARED = 2.0  # notes' worth of the whole corpus's instruments in each component's


class _Trial(NamedTuple):
    components: int
    nats: float  # a note that was set aside
    bic: float


def fit_mixture(corpus: Pieces, components: int | None = None, seed: int = 0) -> Mixture:
    """The mixture of the corpus's training notes. Raises CorpusError, MissingPackageError."""
    pieces = [rows[:, :5].astype(np.int64) for rows in training_rows(corpus)]
    if components is None:
        components = _choose(pieces, seed)
    return _fit(np.concatenate(pieces), components, seed)[0]


def _choose(pieces: Sequence[Ints], seed: int) -> int:
    known = np.concatenate([p for n, p in enumerate(pieces) if n % _ASIDE != _ASIDE - 1])
    aside = np.concatenate([p for n, p in enumerate(pieces) if n % _ASIDE == _ASIDE - 1] or pieces[:1])
    trials = []
    for k in COMPONENTS:
        if k * 10 > int(drawn(known, at.PITCH).sum()):
            break
        model, bic = _fit(known, k, seed)
        trials.append(_Trial(k, float(model.nats(aside).sum()) / max(1, int(at.is_note(aside).sum())), bic))
    best = min([t.nats for t in trials], default=math.inf)
    close = [t for t in trials if t.nats <= best + _CLOSE]
    return min(close, key=lambda t: t.bic).components if close else 1


def _fit(rows: Ints, components: int, seed: int) -> tuple[Mixture, float]:
    """The mixture of rows (N, 5), and its BIC."""
    rng = np.random.default_rng(seed)
    notes = rows[drawn(rows, at.PITCH)]
    if components > len(notes):
        raise SettingsError(f"{components} components cannot be fitted to {len(notes)} notes: choose fewer.")
    some = notes[np.sort(rng.permutation(len(notes))[:MOST_NOTES])]
    x = points(some, rng)
    scale = x.std(0) + 1e-3  # EM begins with k-means, to which all axes should be as long
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that EM stops after its rounds, as told to
        found = _gaussians(components, seed).fit(x / scale)
    responsibility: Floats = found.predict_proba(x / scale)
    deviations: Floats = np.sqrt(found.covariances_)
    instruments = _instruments(some[:, at.INSTRUMENT], responsibility)
    kinds = kinds_of(rows) + 1.0
    model = Mixture(found.weights_ / found.weights_.sum(), found.means_ * scale, deviations * scale, instruments,
                    kinds / kinds.sum())  # fmt: skip
    return model, float(found.bic(x / scale))


def _gaussians(components: int, seed: int) -> Any:
    try:
        from sklearn.mixture import GaussianMixture
    except ModuleNotFoundError:
        raise MissingPackageError("scikit-learn", "Fitting a mixture", "train") from None
    return GaussianMixture(components, covariance_type="diag", reg_covar=1e-5, max_iter=30, tol=1e-3, random_state=seed)


def _instruments(instrument: Ints, responsibility: Floats) -> Floats:
    """How often each component plays each instrument (K, 513), smoothed by the whole corpus, that by one note each."""
    whole = np.bincount(instrument, minlength=at.INSTRUMENTS) + 1.0
    whole /= whole.sum()
    counts = np.stack([np.bincount(instrument, weights=r, minlength=at.INSTRUMENTS) for r in responsibility.T])
    smoothed = counts + _SHARED * whole
    result: Floats = smoothed / smoothed.sum(1, keepdims=True)
    return result
