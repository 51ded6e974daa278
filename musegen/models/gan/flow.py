"""Where latents come from: normal noise, carried to latents by an invertible network (Dinh et al. 2017, "Real NVP").

Each coupling layer moves one half of the numbers by an affine map that the other half, and what is known of a phrase,
decide; so the way back, and the density of latents, are as cheap as the way there. Knows nothing of music.

B phrases, Z numbers in all latents.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import SLOPE

STEEPEST = 1.0  # a layer scales by at most e to this: steeper ones leave the range of numbers now and then


class Coupling(nn.Module):
    """One half moved by the other (Dinh et al. 2017, equations 7 and 8), as `known` (B, C) has it."""

    def __init__(self, numbers: int, known: int, hidden: int, odd: bool) -> None:
        super().__init__()
        self.odd = odd
        half = numbers // 2
        self.first = nn.Linear(half + known, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 2 * half)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, known: Tensor, back: bool = False) -> tuple[Tensor, Tensor]:
        """Numbers (B, Z) moved, or moved `back`, and the log of the scales of the way there, summed (B,)."""
        still, moving = x[:, self.odd :: 2], x[:, 1 - self.odd :: 2]
        hidden = F.leaky_relu(self.first(torch.cat([still, known], 1)), SLOPE)
        hidden = F.leaky_relu(self.second(hidden), SLOPE)
        scale, shift = self.last(hidden).chunk(2, 1)
        scale = STEEPEST * torch.tanh(scale / STEEPEST)
        moved = (moving - shift) * torch.exp(-scale) if back else moving * torch.exp(scale) + shift
        halves = (moved, still) if self.odd else (still, moved)
        return torch.stack(halves, 2).flatten(1), scale.sum(1)


class Flow(nn.Module):
    """Noise (B, Z) to latents, and back. Z must be even."""

    def __init__(self, numbers: int, known: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Coupling(numbers, known, hidden, bool(i % 2)) for i in range(layers))

    def forward(self, noise: Tensor, known: Tensor) -> Tensor:
        """The latents (B, Z) of `noise`."""
        x = noise
        for layer in self.layers:
            x, _ = layer(x, known)
        return x

    def nats(self, latents: Tensor, known: Tensor) -> Tensor:
        """−log p(latents | known), (B,)."""
        x, nats = latents, latents.new_zeros(len(latents))
        for layer in reversed(self.layers):
            x, scale = layer(x, known, back=True)
            nats = nats + scale
        result: Tensor = nats + 0.5 * (x.square() + math.log(2 * math.pi)).sum(1)
        return result
