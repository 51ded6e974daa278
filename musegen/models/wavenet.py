"""The WaveNet family (van den Oord et al. 2016): causal convolutions with holes, over rows instead of audio.

    z_t = tanh(a_t) ⊙ σ(b_t)    with [a_t, b_t] = W [x_{t-d}, x_t]      a convolution of kernel 2, dilation d
    x_t ← x_t + V z_t           and the context is the sum of all S z_t

Dilations double: 1, 2, 4, …, `config.layers` times over, so that the last layer sees the whole context. To go on by a
row, a layer needs one old input of its own, d rows back: the state is a ring of d inputs a layer (Le Paine et al.
2016, Fast WaveNet), and a row costs the same however far back the network sees.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import ModelConfig
from .pasts import Past
from .relative import dilations


class Layer(nn.Module):
    """One gated convolution: half the width for the gated units, the other half for their gates."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.gates = nn.Linear(2 * width, 2 * (width // 2))
        self.out = nn.Linear(width // 2, 2 * width)
        self.dropout = config.dropout

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Next layer's input and the share of the context, from `x` and the inputs d rows before (…, D)."""
        signal, gate = self.gates(torch.cat([past, x], -1)).chunk(2, -1)
        units = F.dropout(torch.tanh(signal) * torch.sigmoid(gate), self.dropout, self.training)
        onward, skip = self.out(units).chunk(2, -1)
        return x + onward, skip


class State:
    """The last d inputs of each layer, (B, d, D), written round and round, and how many rows went in."""

    def __init__(self, rings: list[Tensor], count: int = 0) -> None:
        self.rings, self.count = rings, count

    def __copy__(self) -> State:
        return State([ring.clone() for ring in self.rings], self.count)


class WaveNet(Past):
    """`config.layers` stacks of dilated convolutions of `config.width`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.dilations = dilations(config.layers, config.context)
        self.layers = nn.ModuleList(Layer(config) for _ in self.dilations)
        self.mix = nn.Linear(config.width, config.width)
        self.norm = nn.RMSNorm(config.width, eps=1e-5)

    def forward(self, inputs: Tensor, where: Tensor) -> Tensor:
        x, length, skips = inputs, inputs.shape[1], []
        for layer, d in zip(self.layers, self.dilations, strict=True):
            x, skip = layer(x, F.pad(x, (0, 0, d, 0))[:, :length])
            skips.append(skip)
        return self._out(skips, inputs)

    def start(self, batch: int) -> State:
        return State([self.norm.weight.new_zeros(batch, d, self.config.width) for d in self.dilations])

    def step(self, inputs: Tensor, where: Tensor, state: State) -> tuple[Tensor, State]:
        x, skips = inputs, []
        for layer, d, ring in zip(self.layers, self.dilations, state.rings, strict=True):
            place = ring[:, state.count % d]
            past = place.clone()
            place.copy_(x)
            x, skip = layer(x, past)
            skips.append(skip)
        state.count += 1
        return self._out(skips, inputs), state

    def _out(self, skips: list[Tensor], inputs: Tensor) -> Tensor:
        # As in the other families, the last row reaches the head directly too.
        result: Tensor = self.norm(self.mix(F.relu(sum(skips, torch.zeros_like(inputs)))) + inputs)
        return result
