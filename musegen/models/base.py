"""The sequence-model contract (contract 1 of the design) and the registry of families.

    forward(rows (B, T, WIDTH)) → context (B, T, D)        all at once, causal
    start(batch) → state                                   before the first row
    advance(row (B, WIDTH), state) → (context (B, D), state)   one row; equals forward
    head.logits(attribute, context, target, situation)     the shared note head

A family is one file with a `SequenceModel` subclass and one line in `FAMILIES`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import CheckpointError, SettingsError
from ..events import derived
from .config import ModelConfig
from .notes import NoteHead, RowEmbedding, Situation

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint

FAMILIES = {
    "lstm": "musegen.models.lstm:LSTM",
    "transformer": "musegen.models.transformer:Transformer",
}
"""Family name → where its class is. One line adds a family, and the contract test takes it up."""


class SequenceModel(nn.Module):
    """P(x_1 … x_n) = Π P(x_t | x_<t): embedding, a family's summary of the past, and the note head."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.situation = Situation(config)
        self.embed = RowEmbedding(config)
        self.head = NoteHead(config)

    def summarise(self, inputs: Tensor, rows: Tensor) -> Tensor:
        """The family's own part: embedded rows (B, T, D) and the rows themselves → context (B, T, D)."""
        raise TypeError(f"{type(self).__name__} does not say how it summarises the past")

    def start(self, batch: int) -> Any:
        """The state before the first row, for `batch` sequences."""
        raise TypeError(f"{type(self).__name__} has no start state")

    def step(self, inputs: Tensor, row: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The family's own part of `advance`: (B, D) → (B, D)."""
        raise TypeError(f"{type(self).__name__} cannot advance")

    def forward(self, rows: Tensor) -> Tensor:
        """Context (B, T, D) after each of `rows` (B, T, WIDTH)."""
        return self.summarise(self.embed(rows, self.situation(rows)), rows)

    def advance(self, row: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Context (B, D) after one more row (B, WIDTH), and the new state."""
        return self.step(self.embed(row, self.situation(row)), row, state)

    def nats(self, rows: Tensor, heard: Tensor | None = None) -> Tensor:
        """−log P of rows 1 … T-1 given those before: (B, T-1, 5), float32. `rows` is (B, T, WIDTH).

        `heard` is what is known of the same rows where that is less (notes still held): the past and each row's
        derived columns are read there, and the events that are to be predicted in `rows`.
        """
        if heard is None:
            heard = rows
        situation = self.situation(heard)
        context = self.summarise(self.embed(heard[:, :-1], situation[:, :-1]), heard[:, :-1])
        target = torch.cat([rows[:, 1:, : derived.TIME], heard[:, 1:, derived.TIME :]], -1)
        return self.head.nats(context, target, situation[:, 1:])


def build(config: ModelConfig) -> SequenceModel:
    """A model of `config.family` with fresh weights. Raises SettingsError for an unknown family."""
    if config.family not in FAMILIES:
        raise SettingsError(f"Unknown model {config.family!r}; choose one of {', '.join(FAMILIES)}.")
    module, name = FAMILIES[config.family].split(":")
    model: SequenceModel = getattr(importlib.import_module(module), name)(config)
    model.apply(_initialise)
    return model


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=module.in_features**-0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.3)


def parameters(model: nn.Module) -> int:
    """How many weights `model` has."""
    return sum(p.numel() for p in model.parameters())


def load_weights(model: SequenceModel, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's weights into `model`. Raises CheckpointError where they do not fit."""
    try:
        model.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in checkpoint.weights.items()})
    except RuntimeError as error:
        raise CheckpointError(
            f"The checkpoint's weights do not fit the model ({str(error).splitlines()[1]})."
        ) from error
