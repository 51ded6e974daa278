"""A generative model as a classifier: P(style | piece) ∝ P(piece | style) · P(style).

P(piece | style) comes from a network that was trained with style tags: the piece is scored under each tag. Beside it
stand two discriminative classifiers fitted to the same training pieces: logistic regression on `features` of a piece,
and on the network's own mean state. Knows nothing of files shown or written but a checkpoint folder's classifiers.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint as checkpoints
from ..checkpoint import Checkpoint
from ..engine.bars import NO_LIKELIHOOD
from ..engine.base import Engine, of_checkpoint
from ..engine.likelihood import nats_of_pieces
from ..errors import CheckpointError, MusegenError, SettingsError
from ..events import attributes as at
from ..events.codec import EventCodec, Rows
from ..events.derived import derive
from ..midi.music import read_music
from ..models.config import GanConfig, ModelConfig
from ..piece import Meter, Piece
from . import linear
from .features import features, without_instruments
from .linear import Array, Linear, log_softmax

FILE = "classifier.safetensors"
BAYES, FEATURES, STATE = "generative", "features", "state"
PRIORS = ("corpus", "uniform")
MOST_ROWS = 2048
"""Rows of a piece that are scored under every style: some five minutes, and some seconds of computing."""
OF_PIANOS = " on pianos"  # ends the names of classifiers fitted to pieces without their instruments


@dataclass(frozen=True, eq=False)
class Verdict:
    """What each classifier says of a piece. Probabilities are by style, and sum to 1.

    `nats` is −log P(piece | style), `instrument_nats` the part of it that says which instruments play; both over the
    rows that are judged. `posterior` is by classifier, then by style.
    """

    styles: tuple[str, ...]
    prior: dict[str, float]
    nats: dict[str, float]
    instrument_nats: dict[str, float]
    posterior: dict[str, dict[str, float]]

    def best(self, name: str = BAYES) -> str:
        """The likeliest style by classifier `name`."""
        found = self.posterior[name]
        return max(found, key=lambda style: found[style])

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        best = {name: self.best(name) for name in self.posterior}
        nats = {"nats": self.nats, "instrument_nats": self.instrument_nats}
        return {"prior": self.prior, **nats, "posterior": self.posterior, "best": best}


class Classifier:
    """A checkpoint with style tags, and the classifiers fitted beside it where there are any."""

    def __init__(self, checkpoint: Checkpoint, fitted: dict[str, Linear] | None = None) -> None:
        if isinstance(checkpoint.config, GanConfig):
            raise SettingsError(NO_LIKELIHOOD)
        if not isinstance(checkpoint.config, ModelConfig) or len(checkpoint.styles) < 2:
            raise SettingsError("This checkpoint has no style tags to choose among: train a network on several styles.")
        self.checkpoint, self.fitted = checkpoint, fitted or {}
        self.engine = of_checkpoint(checkpoint)
        self.styles = checkpoint.styles

    @classmethod
    def open(cls, name: str | os.PathLike[str]) -> Classifier:
        """Of a checkpoint folder or a shipped name. Raises CheckpointError, SettingsError."""
        folder = checkpoints.find(name)
        checkpoint = checkpoints.load(folder)
        return cls(checkpoint, fitted_classifiers(folder, checkpoint))

    def prior(self, kind: str = "corpus") -> dict[str, float]:
        """P(style): the shares of the pieces that the model was trained on, or all alike. Raises SettingsError."""
        if kind not in PRIORS:
            raise SettingsError(f"There is no prior {kind!r}; the priors are {', '.join(PRIORS)}.")
        counts = self.checkpoint.about.get("pieces of each style")
        if counts is None and FEATURES in self.fitted:  # an older checkpoint; they were fitted to as many pieces
            fitted = self.fitted[FEATURES]
            counts = dict(zip(fitted.classes, fitted.prior.tolist(), strict=True))
        if kind == "uniform":
            counts = dict.fromkeys(self.styles, 1)
        elif not isinstance(counts, dict) or not sum(counts.values()):
            raise SettingsError(
                "This checkpoint does not say how many pieces of each style it learnt from: use  --prior uniform,"
                " or fit classifiers beside it with  --fit CORPUS."
            )
        total = sum(counts.values())
        return {style: counts.get(style, 0) / total for style in self.styles}

    def __call__(self, piece: Piece, prior: str = "corpus", instruments: bool = True) -> Verdict:
        """Classify `piece`; without `instruments`, as if it were played on pianos. Raises MusegenError."""
        if not len(piece):
            raise MusegenError("A piece without notes has no style to find.")
        p = self.prior(prior)
        events = EventCodec().encode(piece if instruments else without_instruments(piece))
        nats = nats_by_style(self.engine, events.rows, events.meters)
        likelihoods = {BAYES: dict(zip(self.styles, (-nats.sum(1)).tolist(), strict=True))}
        for name, x in summaries(self.engine, events.rows, events.meters).items():
            fitted = self.fitted.get(name if instruments else name + OF_PIANOS)
            if fitted is not None:
                found = fitted.likelihoods(x[None])[0]
                likelihoods[name] = dict(zip(fitted.classes, found.tolist(), strict=True))
        return Verdict(
            self.styles,
            p,
            dict(zip(self.styles, nats.sum(1).tolist(), strict=True)),
            dict(zip(self.styles, nats[:, at.INSTRUMENT].tolist(), strict=True)),
            {name: posterior(found, p) for name, found in likelihoods.items()},
        )


def classify(
    model: Classifier | str | os.PathLike[str],
    piece: Piece | str | os.PathLike[str],
    prior: str = "corpus",
    instruments: bool = True,
) -> Verdict:
    """The style of `piece` (or the file of that name) by a checkpoint of that name; `prior` is corpus or uniform.

    Raises FileError, CheckpointError, SettingsError, and MusegenError for a piece without notes.
    """
    classifier = model if isinstance(model, Classifier) else Classifier.open(model)
    return classifier(piece if isinstance(piece, Piece) else read_music(piece), prior, instruments)


def posterior(likelihoods: dict[str, float], prior: dict[str, float]) -> dict[str, float]:
    """Bayes' rule: log P(x | y) by class, and P(y), to P(y | x). A class without a likelihood or prior has 0."""
    known = [style for style in prior if prior[style] > 0 and style in likelihoods]
    logs = log_softmax(np.array([likelihoods[s] + np.log(prior[s]) for s in known]))
    found = dict(zip(known, np.exp(logs).tolist(), strict=True))
    return {style: found.get(style, 0.0) for style in prior}


def nats_by_style(engine: Engine, rows: Rows, meters: tuple[Meter, ...]) -> Array:
    """−log P of a piece's event rows (N, 5) under each of the engine's tags, by attribute: (styles, 5).

    The whole piece counts, or as much of its beginning as MOST_ROWS.
    """
    tagged = [np.insert(rows[:MOST_ROWS], 1, at.tag_row(i), axis=0) for i in range(len(engine.styles))]
    nats = nats_of_pieces(engine, [derive(r, meters) for r in tagged])
    return np.stack([n.sum(0) for n in nats])


def summaries(engine: Engine, rows: Rows, meters: tuple[Meter, ...]) -> dict[str, Array]:
    """What each discriminative classifier reads of a piece, by its name: as much of it as the network hears at once.

    The state is the mean (D,) of the network's contexts, without a tag.
    """
    rows = _reached(engine, rows)
    state = engine.contexts(derive(rows, meters)[None])[0].mean(0)
    return {FEATURES: features(rows, meters), STATE: state.astype(np.float64)}


def _reached(engine: Engine, rows: Rows) -> Rows:
    """The beginning of a piece that a network hears at once."""
    return rows[: engine.config.context] if isinstance(engine.config, ModelConfig) else rows


def fitted_classifiers(folder: Path, checkpoint: Checkpoint) -> dict[str, Linear]:
    """The classifiers in a checkpoint folder, none where there is no file. Raises CheckpointError."""
    if not (folder / FILE).is_file():
        return {}
    fitted, weights = linear.load(folder / FILE)
    if weights != fingerprint(checkpoint):  # the features' classifiers would still do, but were fitted beside others
        raise CheckpointError(
            f"{folder / FILE} was fitted to other weights than the checkpoint's: run  musegen classify --fit  again."
        )
    return fitted


def fingerprint(checkpoint: Checkpoint) -> str:
    """Changes when a weight changes."""
    digest = hashlib.sha256()
    for name in sorted(checkpoint.weights):
        digest.update(name.encode() + np.ascontiguousarray(checkpoint.weights[name]).tobytes())
    return digest.hexdigest()[:16]
