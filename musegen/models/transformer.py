"""The transformer family (Vaswani et al. 2017), its attention relative in index, musical time and pitch.

Rotary embeddings (Su et al. 2021) turn each pair of query and key dimensions by an angle, so that a score
depends on the *difference* of two angles. Here some pairs turn with the row's index, some with its onset in
ticks, some with its pitch: a head can look "one bar ago" or "an octave up" wherever it stands. The state is
a cache of keys and values, a ring of `config.context` rows.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import SettingsError
from .config import ModelConfig, turning_rates
from .pasts import Past


class Rotary(nn.Module):
    """The angles (…, pairs) of rows at `where` (…, 2), the `index`-th (…)."""

    rates: Tensor

    def __init__(self, pairs: int) -> None:
        super().__init__()
        index, time, pitch = turning_rates(pairs)
        rates = torch.zeros(3, pairs)
        rates[0, : len(index)] = torch.tensor(index)
        rates[1, len(index) : len(index) + len(time)] = torch.tensor(time)
        rates[2, len(index) + len(time) :] = torch.tensor(pitch)
        self.register_buffer("rates", rates, persistent=False)

    def forward(self, where: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        where = torch.cat([index.expand(where.shape[:-1])[..., None], where], -1)
        # Ticks reach the thousands, where bf16 would lose the phase: stay in float32.
        with torch.autocast(where.device.type, enabled=False):
            angle = where.float() @ self.rates
        return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (i, i + half) of `x` (…, 2 * pairs) by the angles (…, pairs)."""
    a, b = x.chunk(2, -1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Block(nn.Module):
    """Attention and a squared-ReLU network (So et al. 2021), each on a normalised residual branch."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, self.dropout = config.heads, config.dropout
        self.norm_attention = nn.RMSNorm(width, eps=1e-5)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.join = nn.Linear(width, width, bias=False)
        self.norm_network = nn.RMSNorm(width, eps=1e-5)
        self.widen = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)

    def project(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys (both turned) and values, each (B, heads, T, D / heads)."""
        q, k, v = self.qkv(self.norm_attention(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return rotate(q, cos[:, None], sin[:, None]), rotate(k, cos[:, None], sin[:, None]), v

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """The residual stream after attention (B, heads, T, D / heads) and the network."""
        x = x + self._drop(self.join(attended.transpose(1, 2).flatten(2)))
        hidden = F.relu(self.widen(self.norm_network(x))).square()
        return x + self._drop(self.narrow(hidden))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class State:
    """Keys and values (layers, B, heads, context, D / heads) of a ring, how many rows went in, the last of them."""

    def __init__(self, keys: Tensor, values: Tensor, before: Tensor) -> None:
        self.keys, self.values, self.before, self.count = keys, values, before, 0


class Transformer(Past):
    """`config.layers` blocks of `config.width` with `config.heads` heads."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        if config.width % (2 * config.heads):
            raise SettingsError(f"The width {config.width} must be a multiple of twice the heads ({config.heads}).")
        # Each row also sees the one before it, so that a single layer can find where a phrase occurred
        # before and what came next (the "smeared keys" of Olsson et al. 2022).
        self.before = nn.Linear(config.width, config.width, bias=False)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width, eps=1e-5)
        self.rotary = Rotary(config.width // config.heads // 2)

    def forward(self, inputs: Tensor, where: Tensor) -> Tensor:
        index = torch.arange(where.shape[1], device=where.device)
        cos, sin = self.rotary(where, index)
        x = inputs + self.before(F.pad(inputs, (0, 0, 1, 0))[:, :-1])
        for block in self.blocks:
            assert isinstance(block, Block)
            q, k, v = block.project(x, cos, sin)
            x = block.finish(x, F.scaled_dot_product_attention(q, k, v, is_causal=True))
        result: Tensor = self.norm(x)
        return result

    def start(self, batch: int) -> State:
        c = self.config
        shape = (c.layers, batch, c.heads, c.context, c.width // c.heads)
        weight = self.norm.weight
        empty = torch.zeros(shape, device=weight.device, dtype=weight.dtype)
        return State(empty, empty.clone(), empty.new_zeros(batch, c.width))

    def step(self, inputs: Tensor, where: Tensor, state: State) -> tuple[Tensor, State]:
        cos, sin = self.rotary(where[:, None], torch.tensor(state.count, device=where.device))
        slot, filled = state.count % self.config.context, min(state.count + 1, self.config.context)
        x = (inputs + self.before(state.before))[:, None]
        state.before = inputs
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            q, k, v = block.project(x, cos, sin)
            state.keys[i, :, :, slot], state.values[i, :, :, slot] = k[:, :, 0], v[:, :, 0]
            past = state.keys[i, :, :, :filled], state.values[i, :, :, :filled]
            x = block.finish(x, F.scaled_dot_product_attention(q, *past))
        state.count += 1
        result: Tensor = self.norm(x)[:, 0]
        return result, state
