"""The contract between sampling and a network, in numpy arrays: whoever plays never sees torch.

B sequences, WIDTH columns of `events.derived`, D = config.width
"""

from __future__ import annotations

import importlib
import os
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .. import checkpoint as checkpoints
from ..errors import CheckpointError
from ..events.derived import ModelRows
from ..models.config import BASELINES, Config, HumaniserConfig, ModelConfig
from .compiled import load as compiled

Floats = npt.NDArray[np.float32]

ENGINES = {
    "rnn": ("rnn", "RNNEngine"),
    "gru": ("gru", "GRUEngine"),
    "lstm": ("lstm", "LSTMEngine"),
    "wavenet": ("wavenet", "WaveNetEngine"),
    "transformer": ("transformer", "TransformerEngine"),
    **dict.fromkeys(BASELINES, ("baselines", "BaselineEngine")),
}
"""Family → module and class of its engine in numpy."""


class Engine(Protocol):
    """A network that can be advanced a row at a time."""

    @property
    def config(self) -> Config:
        """What it was built from."""

    styles: tuple[str, ...]
    order: tuple[int, ...]
    """All attributes, in the order in which they are drawn."""
    memory: int | None
    """How many rows a state can hold before it must be begun again; None: no end."""

    def situation(self, rows: ModelRows) -> Floats:
        """The moment of each row (…, WIDTH) as a vector (…, D)."""

    def contexts(self, rows: ModelRows) -> Floats:
        """Context (B, T, D) after each of `rows` (B, T, WIDTH)."""

    def start(self, rows: ModelRows) -> tuple[Floats, Any]:
        """Context (B, D) after a prompt (B, T, WIDTH), T ≥ 1, and the state."""

    def advance(self, rows: ModelRows, state: Any, situation: Floats | None = None) -> tuple[Floats, Any]:
        """Context (B, D) after one more row (B, WIDTH). `situation` saves computing it again."""

    def logits(self, attribute: int, context: Floats, target: ModelRows, situation: Floats | None) -> Floats:
        """Unnormalised log-probabilities (B, outputs) of an attribute of the next rows (B, WIDTH)."""


def load(name: str | os.PathLike[str], exact: bool = False) -> Engine:
    """The engine of a checkpoint: a folder, or the name of a shipped one. Raises CheckpointError.

    Where there is a player.onnx, onnxruntime plays it, or the compiled kernel its 8-bit transformer; `exact` is for
    likelihoods, which want the weights as they are.
    """
    folder = checkpoints.find(name)
    if not exact and (folder / checkpoints.PLAYER).is_file():
        if engine := compiled.of_folder(folder):
            return engine
        if find_spec("onnxruntime"):
            from .players import of_folder

            return of_folder(folder)
    return of_checkpoint(checkpoints.load(folder))


def of_checkpoint(checkpoint: checkpoints.Checkpoint) -> Engine:
    """The engine in float32 of a checkpoint's family: its own in numpy, else torch. Raises CheckpointError for none."""
    if isinstance(checkpoint.config, HumaniserConfig):
        raise CheckpointError(
            "A humaniser makes no notes, it plays those that are there:  musegen humanise FILE  or  jam --humanise."
        )
    if checkpoint.config.family not in ENGINES:
        checkpoint.shape(ModelConfig)  # raises for a model of whole bars, and torch need not be there to say so
    module, name = ENGINES.get(checkpoint.config.family, ("torch_engine", "TorchEngine"))
    engine: Engine = getattr(importlib.import_module(f".{module}", __package__), name)(checkpoint)
    return engine
