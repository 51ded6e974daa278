"""Table P2: nats a frame of the chorales and the Nottingham tunes, every family with both classes of outputs.

A run trains on all training pieces for so many passes and looks at the reported split once, at its end. The dropout,
the batch and the order of the keys were chosen on the chorales with `chosen`, which holds out every tenth training
piece and reports that; the passes, and all settings of the Nottingham tunes, were set without a search.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ..errors import SettingsError
from ..evaluation.boulanger import SETS, Frames, load_sets, per_frame
from ..models.base import parameters
from ..models.config import ModelConfig
from ..models.frame_likelihood import nats_of_frames
from ..models.frames import FrameConfig
from ..models.pasts import FAMILIES as PASTS
from ..training.frames import train_frames
from ..training.settings import TrainSettings
from . import pixelcnn
from .runs import Job, Recipe, Result

FAMILIES = ("lstm", "transformer")
"""The families of the table unless others are asked for; any past will do."""

_WIDTH, _HEADS = 128, 4
_LAYERS = {"transformer": 2}  # of the others one
_TICKS = {"jsb": 24, "nottingham": 12}
_CONTEXT = {"jsb": 160, "nottingham": 256}
_DROPOUT = {"jsb": 0.2, "nottingham": 0.1}
_SETTINGS = {
    "jsb": TrainSettings(epochs=24, batch_rows=256, rate=4e-3, warm_up=50, average=0.995),
    "nottingham": TrainSettings(epochs=4, batch_rows=512, rate=4e-3, warm_up=50, average=0.995),
}


def recipes(name: str, outputs: str, families: tuple[str, ...] = FAMILIES, chosen: bool = False) -> dict[str, Recipe]:
    """The recipes of a set and a class of outputs, by family. With `chosen` what is reported is a part of the training
    pieces that was held out, for choosing between recipes. Raises SettingsError for an unknown family."""
    unknown = [family for family in families if family not in (*PASTS, pixelcnn.FAMILY)]
    if unknown:
        raise SettingsError(f"Unknown model {unknown[0]!r}; choose of {', '.join([*PASTS, pixelcnn.FAMILY])}.")
    if pixelcnn.FAMILY in families and outputs != "chain":
        raise SettingsError("A pixelcnn has no independent outputs: say  --outputs chain  with it.")
    each = {f: Recipe(partial(_run, name, outputs, f, chosen)) for f in families if f != pixelcnn.FAMILY}
    return each | ({pixelcnn.FAMILY: pixelcnn.recipe_of_keys(name, chosen)} if pixelcnn.FAMILY in families else {})


def shape(name: str, outputs: str, family: str) -> FrameConfig:
    """The shape of a family's model of a set."""
    past = ModelConfig(
        family=family,
        width=_WIDTH,
        layers=_LAYERS.get(family, 1),
        heads=_HEADS,
        context=_CONTEXT[name],
        dropout=_DROPOUT[name],
    )
    return FrameConfig(past, outputs, ticks=_TICKS[name])


def reported(sets: dict[str, list[Frames]], chosen: bool = False) -> tuple[str, list[Frames], list[Frames]]:
    """The name of the split that is reported, the pieces to train on, and those to report."""
    train = sets["train"]
    if chosen:
        return "every tenth of train", [p for i, p in enumerate(train) if i % 10 != 9], train[9::10]
    split = "test" if "test" in sets else "valid"
    return split, train, sets[split]


def _run(name: str, outputs: str, family: str, chosen: bool, job: Job) -> Result:
    split, train, pieces = reported(load_sets(job.data, name), chosen)
    settings = _settings(name, job)
    model, progress = train_frames(train, shape(name, outputs, family), settings, job.folder, job.report)
    figures = per_frame(nats_of_frames(model, pieces))._asdict()
    about = {
        "set": SETS[name],
        "outputs": outputs,
        "split": split,
        "minutes": round(progress.seconds / 60, 1),
        "epochs": progress.epoch,
        "weights": parameters(model),
    }
    return Result(figures, about)


def _settings(name: str, job: Job) -> TrainSettings:
    settings = replace(_SETTINGS[name], seed=job.seed)
    return settings if job.epochs is None else replace(settings, epochs=job.epochs)
