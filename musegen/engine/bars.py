"""The contract of models that make whole bars at once, as piano rolls, where an `Engine` makes a note at a time.

T steps, P pitches, K tracks of a roll. Whoever plays never sees torch.
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
from ..models.config import RollConfig
from ..models.images import Image
from ..piece import Piece
from .base import Engine, of_checkpoint


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
    """What may be drawn: where a note may begin (T, P), how many sound together, how long (steps); 0: any."""

    may_begin: npt.NDArray[np.bool_]
    voices: int = 0
    longest: int = 0
    temperature: float = 1.0


@runtime_checkable
class BarMaker(Protocol):
    """A model that makes bars of piano roll which go on from others."""

    @property
    def config(self) -> RollConfig:
        """What it was built from."""

    styles: tuple[str, ...]

    def nats(self, piece: Piece) -> RollNats:
        """How likely a piece is on the model's grid (what that grid loses is not scored)."""

    def draw(
        self,
        above: Image,
        place: npt.NDArray[np.int64],
        limits: BarLimits,
        generators: Sequence[np.random.Generator],
        tell: Callable[[int], None] = lambda steps: None,
    ) -> Cells:
        """New rows (n, T, P, K) after those of `above`, one roll for each of n generators.

        `place` (T, 2) is where the new rows stand in their bars; `tell` hears how many are done.
        """


def load(name: str | os.PathLike[str]) -> Engine | BarMaker:
    """Whatever plays a checkpoint: note by note, or bars at once. Raises CheckpointError."""
    checkpoint = checkpoints.load(checkpoints.find(name))
    if not isinstance(checkpoint.config, RollConfig):
        return of_checkpoint(checkpoint)
    from .torch_roll import PixelEngine

    return PixelEngine(checkpoint)
