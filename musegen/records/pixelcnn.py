"""The PixelCNN in both tables: frames of 88 keys (P2, chain rule inside the frame) and cells of four voices (P1).

Its likelihoods are of the frames themselves. Every tenth training piece is held out to choose the step, so that the
reported pieces choose nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from ..checkpoint import Checkpoint
from ..evaluation.boulanger import SETS, Frames, load_sets, per_frame
from ..evaluation.jsb16 import load_frames, nats_per_cell
from ..models.config import RollConfig
from ..models.images import Image, of_keys, of_voices
from ..models.rolls import model_of, nats_of_frames, nats_of_keys
from ..training.rolls import Images, train_rolls
from ..training.settings import TrainSettings
from .runs import Job, Recipe, Result

FAMILY = RollConfig.family

_KEYS = RollConfig(layers=6, states=2)
_SHAPES = {
    "jsb": replace(_KEYS, low=40, pitches=60, context=160),
    "nottingham": replace(_KEYS, low=28, pitches=68, context=192, dropout=0.05),
    "jsb16": replace(_KEYS, low=36, pitches=46, tracks=4, one_note=True, context=256),
}
"""The keys that the training pieces use, and a few more; what lies outside is scored all the same (`nats_of_keys`)."""

_ALL = TrainSettings(rate=4e-3, warm_up=60, weight_decay=0.01, average=0.99, transpose=5, patience=6)
_SETTINGS = {
    "jsb": replace(_ALL, epochs=12, batch_rows=256, evaluate_every=80),
    "nottingham": replace(_ALL, epochs=3, batch_rows=512, average=0.995, evaluate_every=200),
    "jsb16": replace(_ALL, epochs=12, batch_rows=512, average=0.995, evaluate_every=150),
}

_Piece = TypeVar("_Piece")


def recipe_of_keys(name: str, chosen: bool = False) -> Recipe:
    """Table P2, set "jsb" or "nottingham". With `chosen` every tenth training piece is what is reported."""
    return Recipe(partial(_keys, name, chosen))


def recipe_of_voices() -> Recipe:
    """Table P1: the four voices of each 16th, exactly, by breaking sticks: a voice is at one pitch or rests."""
    return Recipe(_voices)


def _keys(name: str, chosen: bool, job: Job) -> Result:
    sets = load_sets(job.data, name)
    train, split = sets["train"], "test" if "test" in sets else "valid"
    pieces: list[Frames] = sets[split]
    if chosen:
        train, pieces = _tenths(train, 9)
        split = "every tenth of train"
    config = _SHAPES[name]
    learn, choose = ([of_keys(p, config) for p in part] for part in _tenths(train, 4))
    best = _train(name, learn, choose, job)
    figures = per_frame([n[1:] for n in nats_of_keys(model_of(best), pieces)])._asdict()
    return Result(figures, {"set": SETS[name], "outputs": "chain", "split": split, **_about(best)})


def _voices(job: Job) -> Result:
    config = _SHAPES["jsb16"]
    learn, choose = ([of_voices(p, config) for p in part] for part in _tenths(load_frames(job.data / "train.json"), 9))
    best = _train("jsb16", learn, choose, job)
    frames = load_frames(job.data / "valid.json")
    nats = nats_of_frames(model_of(best), [of_voices(p, config) for p in frames])
    figures = nats_per_cell([float(n.sum()) for n in nats], [len(p) for p in frames])
    return Result(figures._asdict(), {"split": "valid", **_about(best)})


def _train(name: str, learn: list[Image], choose: list[Image], job: Job) -> Checkpoint:
    settings = replace(_SETTINGS[name], seed=job.seed, epochs=job.epochs or _SETTINGS[name].epochs)
    data = Images.of_sets(learn, choose, {"trained on": name})
    return train_rolls(data, _SHAPES[name], settings, job.folder, report=job.report)


def _about(checkpoint: Checkpoint) -> dict[str, Any]:
    return {k: checkpoint.about[k] for k in ("minutes", "epochs", "weights")}


def _tenths(pieces: Sequence[_Piece], first: int) -> tuple[list[_Piece], list[_Piece]]:
    """Nine tenths of the pieces, and every tenth from `first` on."""
    return [p for i, p in enumerate(pieces) if i % 10 != first], list(pieces[first::10])
