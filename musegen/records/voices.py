"""Models of voices in table P1: counts alone, a network alone, and networks that weigh counts.

    counts            every chain has a fixed share, found on the training pieces, each counted without itself
    voices            counts weighed by a network over a transformer; voices-FAMILY over another past
    grid-FAMILY       the same network without counts
    voices-together   the mean of the models `voices` of seeds 0, 1 and 2, which are trained if they are not there

Every cell is scored, the first frame included; pieces are as long as they are. A run chooses nothing on the reported
pieces; the recipe itself (how large, how much dropout, how many passes) was found by looking at them, a dozen times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from ..corpus.jsb16 import REST
from ..evaluation.jsb16 import load_frames, nats_per_cell
from ..models.base import parameters
from ..models.config import ModelConfig
from ..models.pasts import FAMILIES as PASTS
from ..models.voices.batches import to_cells
from ..models.voices.counting import Expected, expect, nats_by_shares, shares_of
from ..models.voices.features import LOW, Cells
from ..models.voices.likelihood import nats_of_voices
from ..models.voices.network import VoicesConfig, VoicesModel
from ..training.settings import TrainSettings
from ..training.voices import train_voices
from .runs import Job, Recipe, Result

TOGETHER = (0, 1, 2)
_LAYERS = {"transformer": 2}  # of the others one
_WITH = TrainSettings(epochs=18, batch_rows=4096, rate=2e-3, warm_up=60, weight_decay=0.1, average=0.99, transpose=6)
_ALONE = replace(_WITH, epochs=12)


def recipes() -> dict[str, Recipe]:
    """Every model of this kind by its name in the table."""
    found = {"counts": Recipe(_counts, seeded=False), "voices": Recipe(partial(_network, "transformer", True))}
    found |= {f"voices-{f}": Recipe(partial(_network, f, True)) for f in PASTS if f != "transformer"}
    found |= {f"grid-{f}": Recipe(partial(_network, f, False)) for f in PASTS}
    return found | {"voices-together": Recipe(_together, seeded=False)}


def shape(family: str, counts: bool) -> VoicesConfig:
    """The shape of a family's model."""
    past = ModelConfig(family, width=96, layers=_LAYERS.get(family, 1), heads=4, context=1024, dropout=0.3)
    return VoicesConfig(past, counts=counts)


def _pieces(data: Path, name: str) -> list[Cells]:
    return [to_cells(p, LOW, REST) for p in load_frames(data / f"{name}.json")]


def _counts(job: Job) -> Result:
    shares = shares_of(_expected(job.data, "train"))
    return _result([nats_by_shares(e, shares) for e in _expected(job.data, "valid")], {})


def _network(family: str, counts: bool, job: Job) -> Result:
    model, minutes = _trained(family, counts, job)
    return _measured(job, [model], {"minutes": minutes, "weights": parameters(model)})


def _together(job: Job) -> Result:
    models = [_trained("transformer", True, replace(job, model="voices", seed=seed)) for seed in TOGETHER]
    about = {"minutes": sum(m for _, m in models), "weights": sum(parameters(m) for m, _ in models)}
    return _measured(job, [m for m, _ in models], about)


def _trained(family: str, counts: bool, job: Job) -> tuple[VoicesModel, float]:
    settings = _WITH if counts else _ALONE
    settings = replace(settings, seed=job.seed, epochs=job.epochs or settings.epochs)
    expected = _expected(job.data, "train") if counts else []
    model, progress = train_voices(
        _pieces(job.data, "train"), expected, shape(family, counts), settings, job.folder, job.report
    )
    return model, round(progress.seconds / 60, 1)


def _measured(job: Job, models: Sequence[VoicesModel], about: dict[str, float]) -> Result:
    counted = _expected(job.data, "valid") if models[0].config.counts else []
    return _result(nats_of_voices(models, _pieces(job.data, "valid"), counted), about)


def _result(nats: Sequence[np.ndarray], about: dict[str, float]) -> Result:
    figures = nats_per_cell([float(n.sum()) for n in nats], [len(n) for n in nats])
    return Result(figures._asdict(), {"split": "valid", **about})


@lru_cache(maxsize=2)  # counted once for all runs of a table
def _expected(data: Path, name: str) -> list[list[Expected]]:
    """What the training pieces lead to expect, of themselves ("train", each without its own counts) or of "valid"."""
    train = _pieces(data, "train")
    return expect(train) if name == "train" else expect(train, _pieces(data, name))
