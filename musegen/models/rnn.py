"""The plainest recurrent family: h_t = f(h_{t-1}, x_t), with f a network of two layers.

As it stands that formula cannot be trained over hundreds of rows: gradients are multiplied by f's Jacobian at every
row, and vanish or explode (Bengio et al. 1994). So f adds to the state instead of replacing it, and the sum is
normalised, which keeps both the state's length and, near the start, the Jacobian close to those of the identity:

    h_t = norm(h_{t-1} + s ⊙ W₂ tanh(W₁ [x_t, h_{t-1}] + b))

The learned s begins small, and differently so in every unit: some remember a few rows, some hundreds.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import ModelConfig
from .recurrent import Recurrent


class Cell(nn.Module):
    """One layer: a sequence of vectors (B, T, D) and the state (B, D) before it → the states after each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.row = nn.Linear(width, 2 * width)
        self.carry = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(2 * width, width, bias=False)
        self.scale = nn.Parameter(torch.logspace(-1.5, 0, width))
        self.norm = nn.RMSNorm(width, eps=1e-5)

    def forward(self, inputs: Tensor, state: Tensor) -> Tensor:
        states = []
        for row in self.row(inputs).unbind(1):  # the rows' share of W₁ for all of them at once
            state = self.norm(torch.addcmul(state, self.scale, self.out(torch.tanh(row + self.carry(state)))))
            states.append(state)
        return torch.stack(states, 1)


class Cells(nn.Module):
    """The layers, called as `nn.GRU` is."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Cell(config.width) for _ in range(config.layers))
        self.dropout = config.dropout

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x, last = inputs, []
        for i, layer in enumerate(self.layers):
            if i:
                x = F.dropout(x, self.dropout, self.training)
            x = layer(x, torch.zeros_like(inputs[:, 0]) if state is None else state[i])
            last.append(x[:, -1])
        return x, torch.stack(last)


class RNN(Recurrent):
    """`config.layers` such layers of `config.width`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, Cells(config))
