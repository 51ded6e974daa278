"""The sequence-model contract (contract 1 of the design).

    forward(rows (B, T, WIDTH)) → context (B, T, D)        all at once, causal
    start(batch) → state                                   before the first row
    advance(row (B, WIDTH), state) → (context (B, D), state)   one row; equals forward
    head.logits(attribute, context, target, situation)     the shared note head

The families are pasts (`pasts`), and differ in nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import CheckpointError
from ..events import attributes as at
from ..events import derived
from .config import ModelConfig
from .notes import NoteHead, RowEmbedding, Situation
from .pasts import initialise, new_past

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint, Weights


class SequenceModel(nn.Module):
    """P(x_1 … x_n) = Π P(x_t | x_<t): embedding, the family's `past`, and the note head."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.situation = Situation(config)
        self.embed = RowEmbedding(config)
        self.past = new_past(config)
        self.head = NoteHead(config)

    def forward(self, rows: Tensor) -> Tensor:
        """Context (B, T, D) after each of `rows` (B, T, WIDTH)."""
        return self._sum_up(rows, self.situation(rows))

    def start(self, batch: int) -> Any:
        """The state before the first row, for `batch` sequences."""
        return self.past.start(batch)

    def advance(self, row: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Context (B, D) after one more row (B, WIDTH), and the new state."""
        return self.past.step(self.embed(row, self.situation(row)), _where(row), state)

    def nats(self, rows: Tensor, heard: Tensor | None = None, known: Tensor | None = None) -> Tensor:
        """−log P of rows 1 … T-1 given those before: (B, T-1, 5), float32. `rows` is (B, T, WIDTH).

        `heard` is what is known of the same rows where that is less (notes still held): the past and each row's
        derived columns are read there, and the events that are to be predicted in `rows`. `known` (B, T, 5) marks
        attributes that are given rather than predicted (`events.holes`): they cost nothing.
        """
        if heard is None:
            heard = rows
        situation = self.situation(heard)
        context = self._sum_up(heard[:, :-1], situation[:, :-1])
        target = torch.cat([rows[:, 1:, : derived.TIME], heard[:, 1:, derived.TIME :]], -1)
        return self.head.nats(context, target, situation[:, 1:], None if known is None else known[:, 1:])

    def _sum_up(self, rows: Tensor, situation: Tensor) -> Tensor:
        context: Tensor = self.past(self.embed(rows, situation), _where(rows))
        return context


def _where(rows: Tensor) -> Tensor:
    """When and how high rows (…, WIDTH) are, as pasts want it: (…, 2)."""
    return torch.stack([rows[..., derived.TIME], rows[..., at.PITCH]], -1)


def build(config: ModelConfig) -> SequenceModel:
    """A model of `config.family` with fresh weights. Raises SettingsError for an unknown family."""
    model = SequenceModel(config)
    model.apply(initialise)
    return model


def parameters(model: nn.Module) -> int:
    """How many weights `model` has."""
    return sum(p.numel() for p in model.parameters())


def round_weights(model: nn.Module) -> Weights:
    """The weights as a checkpoint keeps them, in half precision.

    They are rounded in the model as well, so that what is measured of it from now on is true of the checkpoint.
    """
    weights = {k: v.to("cpu", torch.float16) for k, v in model.state_dict().items()}
    model.load_state_dict(weights)
    return {k: v.numpy() for k, v in weights.items()}


def load_weights(model: nn.Module, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's weights into `model`. Raises CheckpointError where they do not fit."""
    try:
        model.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in checkpoint.weights.items()})
    except RuntimeError as error:
        raise CheckpointError(
            f"The checkpoint's weights do not fit the model ({str(error).splitlines()[1]})."
        ) from error
