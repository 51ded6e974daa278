"""The past contract: what a family of sequence models is, and the registry of families.

    forward(inputs (B, T, D), where (B, T, 2)) → (B, T, D)         all at once, causal
    start(batch) → state                                           before the first row
    step(inputs (B, D), where (B, 2), state) → ((B, D), state)     one row; equals forward

A past sums up vectors and does not know what they stand for (notes, frames of a score); `where` says when and
how high each is (ticks, 24 a quarter; MIDI pitch, 128 where there is none), for families that look at distances.
A family is one file with a `Past` and one line in `FAMILIES`; `tests/models/test_contract.py` takes it up.
"""

from __future__ import annotations

import importlib
from typing import Any

from torch import Tensor, nn

from ..errors import SettingsError
from .config import ModelConfig

FAMILIES = {
    "rnn": "musegen.models.rnn:RNN",
    "gru": "musegen.models.gru:GRU",
    "lstm": "musegen.models.lstm:LSTM",
    "wavenet": "musegen.models.wavenet:WaveNet",
    "transformer": "musegen.models.transformer:Transformer",
}
"""Family name → where its class is."""


class Past(nn.Module):
    """A family's summary of what came before, of `config.width` = D; the base class of all of them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, inputs: Tensor, where: Tensor) -> Tensor:
        """The summary (B, T, D) after each of `inputs` (B, T, D), which stand at `where` (B, T, 2)."""
        raise TypeError(f"{type(self).__name__} does not say how it sums up the past")

    def start(self, batch: int) -> Any:
        """The state before the first row, for `batch` sequences."""
        raise TypeError(f"{type(self).__name__} has no start state")

    def step(self, inputs: Tensor, where: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The summary (B, D) after one more of `inputs` (B, D) at `where` (B, 2), and the new state."""
        raise TypeError(f"{type(self).__name__} cannot go step by step")


def new_past(config: ModelConfig) -> Past:
    """The past of `config.family`. Raises SettingsError for an unknown family."""
    if config.family not in FAMILIES:
        raise SettingsError(f"Unknown model {config.family!r}; choose one of {', '.join(FAMILIES)}.")
    module, name = FAMILIES[config.family].split(":")
    past: Past = getattr(importlib.import_module(module), name)(config)
    return past


def initialise(module: nn.Module) -> None:
    """Fresh weights of one layer, by variance; for `nn.Module.apply` of any model that holds a past."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=module.in_features**-0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.3)
