"""Table P1: nats a grid cell of the JSB-16 chorales, for models of events (P1b) and for whatever else is registered.

Networks are trained on nine tenths of the training pieces; the rest chooses the step, so that the reported pieces
choose nothing. Baselines take all training pieces. Velocities, tags, other programs and held notes are not varied:
the pieces have none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from ..checkpoint import Checkpoint
from ..corpus.build import build
from ..corpus.store import Corpus
from ..errors import CorpusError, SettingsError
from ..evaluation.jsb16 import load_frames, nats_per_cell
from ..evaluation.likelihood import nats_of
from ..events import attributes as at
from ..events.derived import derive
from ..models.config import BASELINES, ModelConfig
from ..models.pasts import FAMILIES as PASTS
from ..training.settings import TrainSettings
from . import pixelcnn, voices
from .runs import Job, Recipe, Result

FAMILIES = ("ngram", "counts", "transformer", "voices")
"""The models of the table unless others are asked for."""

_SHAPE = ModelConfig(width=160, layers=1, heads=4, head_width=160, slot_width=64, context=512, dropout=0.3)
_LAYERS = {"transformer": 3}  # of the others one
_SETTINGS = TrainSettings(
    epochs=60,
    batch_rows=1536,
    rate=3e-3,
    warm_up=100,
    weight_decay=0.1,
    average=0.995,
    transpose=6,
    louder=0.0,
    rename=0.0,
    tag_rate=0.0,
    hold=0.0,
    infill=0.0,
    evaluate_every=100,
    patience=6,
)


def recipe(model: str) -> Recipe:
    """How `model` is trained and measured: one of `OTHERS`, a baseline, or a family of sequence models.

    Raises SettingsError for an unknown one.
    """
    if model in OTHERS:
        return OTHERS[model]
    if model in BASELINES:
        return Recipe(partial(_run, _baseline), seeded=model != "ngram")
    if model not in PASTS:
        raise SettingsError(f"Unknown model {model!r}; choose of {', '.join([*BASELINES, *PASTS, *OTHERS])}.")
    return Recipe(partial(_run, _network))


OTHERS: dict[str, Recipe] = {pixelcnn.FAMILY: pixelcnn.recipe_of_voices(), **voices.recipes()}
"""Models that are no event models: name → recipe. What they report must be of the same cells (evaluation.jsb16)."""


def _run(learn: Callable[[Corpus, Job], Checkpoint], job: Job) -> Result:
    corpus = build(job.out / "corpus", [f"jsb16:{job.data.resolve()}"])
    checkpoint = learn(corpus, job)
    return Result(_figures(checkpoint, corpus, job), _about(checkpoint))


def _baseline(corpus: Corpus, job: Job) -> Checkpoint:
    from ..training.baselines import fit

    return fit(corpus, job.model, seed=job.seed)


def _network(corpus: Corpus, job: Job) -> Checkpoint:
    from ..training.loop import train

    settings = replace(_SETTINGS, seed=job.seed, epochs=job.epochs or _SETTINGS.epochs)
    return train(with_choosers(corpus), shape(job.model), settings, job.folder, report=job.report)


def shape(family: str) -> ModelConfig:
    """The shape of a family's model."""
    return replace(_SHAPE, family=family, layers=_LAYERS.get(family, _SHAPE.layers))


def with_choosers(corpus: Corpus) -> Corpus:
    """The same corpus where every tenth training piece is "valid", and what was that is "test"."""
    turned = {i for place, i in enumerate(corpus.pieces("train")) if place % 10 == 9}
    entries = [
        replace(e, split="valid" if i in turned else "test" if e.split == "valid" else e.split)
        for i, e in enumerate(corpus.entries)
    ]
    return replace(corpus, entries=tuple(entries))


def _figures(checkpoint: Checkpoint, corpus: Corpus, job: Job) -> dict[str, float]:
    """Nats a cell of the pieces of valid.json, and what each attribute has of them."""
    numbers = corpus.pieces("valid")
    pieces = [derive(corpus.rows(i), corpus.meters(i)) for i in numbers]
    frames = load_frames(job.data / "valid.json")
    sixteenths = [len(frames[int(corpus.entries[i].title.partition(":")[2])]) for i in numbers]
    if len(pieces) < len(frames):
        raise CorpusError(
            f"Of {job.data / 'valid.json'} {len(frames) - len(pieces)} pieces were too short to be built."
        )
    nats = nats_of(checkpoint, pieces)
    found = nats_per_cell([float(n.sum()) for n in nats], sixteenths)
    cells = 4 * sum(sixteenths)
    each = {a.name: float(sum(n[:, i].sum() for n in nats)) / cells for i, a in enumerate(at.ATTRIBUTES)}
    return {**found._asdict(), **each}


def _about(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"split": "valid"} | {
        k: checkpoint.about[k] for k in ("minutes", "epochs", "weights") if k in checkpoint.about
    }
