"""The LSTM family (Hochreiter & Schmidhuber 1997): the past is (h, c) of each layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base import SequenceModel
from .config import ModelConfig

State = tuple[Tensor, Tensor]


class LSTM(SequenceModel):
    """`config.layers` LSTM layers of `config.width`, and a residual path around them all."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.cells = nn.LSTM(
            config.width, config.width, config.layers, batch_first=True, dropout=config.dropout * (config.layers > 1)
        )
        self.mix = nn.Linear(config.width, config.width)
        self.norm = nn.RMSNorm(config.width, eps=1e-5)

    def summarise(self, inputs: Tensor, rows: Tensor) -> Tensor:
        return self._out(self.cells(inputs)[0], inputs)

    def start(self, batch: int) -> State:
        weight = self.mix.weight
        zeros = torch.zeros(self.config.layers, batch, self.config.width, device=weight.device, dtype=weight.dtype)
        return zeros, zeros

    def step(self, inputs: Tensor, row: Tensor, state: State) -> tuple[Tensor, State]:
        out, state = self.cells(inputs[:, None], state)
        return self._out(out[:, 0], inputs), state

    def _out(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        # The last row reaches the head directly too: much of a note depends on the one before it.
        result: Tensor = self.norm(self.mix(hidden) + inputs)
        return result
