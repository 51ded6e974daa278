"""Which pieces of a batch to keep in front: those that are as surprising as music is, no more and no less.

The likeliest pieces of a thousand are loops that repeat a bar, the unlikeliest are accidents; what people play lies
between (locally typical: Meister et al. 2023). Knows nothing of how pieces are made.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from ..engine.bars import load
from ..errors import SettingsError
from .group import Run, likelihoods
from .manifest import Row

ON = 0.86
"""The nats a note of eight bars over those of the four before them, a median of real music that no model had learnt
from: what begins is more of a surprise than what goes on. (29 pieces under the shipped transformer; the two go together
with r = .97.)"""

OTHERS = "others"
"""The folder within the batch's where the pieces are that are not among the best."""


def most_typical(run: Run, rows: Sequence[Row], k: int) -> tuple[list[Row], float]:
    """The `k` rows nearest to the nats a note of music that goes on from the seed, in order of number, and that figure.

    Raises SettingsError for a model without a likelihood.
    """
    own = likelihoods(load(run.checkpoint, exact=True), [run.plan.seed], run.plan.style)[0]
    if own is None:
        raise SettingsError("The best are chosen by their likelihood, which needs a seed and a model that has one.")
    target = ON * own
    scored = [row for row in rows if row.nats is not None]
    nearest = sorted(scored, key=lambda row: (abs((row.nats or 0.0) - target), row.number))[:k]
    return sorted(nearest, key=lambda row: row.number), target


def place_of(folder: Path, file: str) -> Path:
    """Where a piece's file is: among the others, or else in the folder."""
    apart = folder / OTHERS / file
    return apart if apart.exists() else folder / file


def arrange(folder: Path, rows: Sequence[Row], chosen: Sequence[Row]) -> None:
    """Have the `chosen` in the folder and the rest in OTHERS, with what was rendered or drawn of each."""
    front = {row.file for row in chosen}
    apart = folder / OTHERS
    for row in rows:
        source, target = (apart, folder) if row.file in front else (folder, apart)
        for path in source.glob(f"{Path(row.file).stem}.*"):
            target.mkdir(exist_ok=True)
            os.replace(path, target / path.name)
    with contextlib.suppress(OSError):  # it is not there, or something of the musician's own is in it
        apart.rmdir()
