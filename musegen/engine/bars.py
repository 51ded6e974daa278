"""The contract of models that make whole bars at once, as piano rolls, where an `Engine` makes a note at a time.

T steps, P pitches, K tracks of a roll; n rolls side by side. Whoever plays never sees torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .. import checkpoint as checkpoints
from ..events.roll import Cells
from ..models.config import GanConfig, RollConfig
from ..models.images import Image
from ..piece import Piece
from .base import Engine
from .base import load as load_engine

NO_LIKELIHOOD = (
    "A gan has no likelihood: it turns noise into bars and cannot say how likely others are; ask another checkpoint, "
    "such as transformer."
)
"""What whoever asks for one is told."""


class RollNats(NamedTuple):
    """How likely a piece is as a roll: −log P of each step (T,) given those before, and how many notes they hold."""

    steps: npt.NDArray[np.float64]
    notes: int

    @property
    def per_note(self) -> float:
        """Nats a note."""
        return float(self.steps.sum()) / max(1, self.notes)


@dataclass(frozen=True, eq=False)
class BarLimits:
    """What may be drawn: where a note may begin (T, P, K), how many sound together, how long (steps); 0: any."""

    may_begin: npt.NDArray[np.bool_]
    voices: int = 0
    longest: int = 0
    temperature: float = 1.0


class Wanted(NamedTuple):
    """New rows after those of `above`, one roll for each of n generators.

    `place` (T, 2) is where the new rows stand in their bars; `tell` hears how many are done.
    """

    above: Image
    place: npt.NDArray[np.int64]
    limits: BarLimits
    generators: Sequence[np.random.Generator]
    tell: Callable[[int], None] = lambda steps: None


@runtime_checkable
class BarMaker(Protocol):
    """A model that makes bars of piano roll which go on from others, or begin with nothing."""

    @property
    def config(self) -> RollConfig | GanConfig:
        """What it was built from."""

    styles: tuple[str, ...]
    obeys: frozenset[str]
    """Which of `sampling.sampler.SamplerSettings` mean something to it."""
    hears: int
    """How many steps above the new ones it hears."""
    at_once: int
    """How many steps it makes at a time: it costs no more to ask for so many."""
    bar: int
    """The only length of a bar that it knows, in steps; 0: any."""

    def nats(self, piece: Piece) -> RollNats:
        """How likely a piece is on the model's grid (what that grid loses is not scored).

        Raises SettingsError where the model has no likelihood.
        """

    def draw(self, wanted: Wanted) -> Cells:
        """New rows (n, T, P, K) within the limits, from a bar line on. No note of the music above is held on.

        Equal wants give equal rows.
        """


def load(name: str | os.PathLike[str], exact: bool = False) -> Engine | BarMaker:
    """Whatever plays a checkpoint: note by note (`exact`: see `base.load`), or bars at once.

    `name` is a shipped one's, a folder's, or org/name of a Hugging Face repository. Raises as `checkpoint.find`.
    """
    folder = checkpoints.find(name)
    config = checkpoints.config_of(folder)
    if isinstance(config, GanConfig):
        from .phrases import PhraseMaker

        return PhraseMaker(checkpoints.load(folder))
    if not isinstance(config, RollConfig):
        return load_engine(folder, exact)
    from .torch_roll import PixelEngine

    return PixelEngine(checkpoints.load(folder))


from_pretrained = load
"""`load` under the name that other libraries have for it."""
