"""The transformer family (Vaswani et al. 2017), its attention relative in index, musical time and pitch.

Rotary embeddings (Su et al. 2021) turn each pair of query and key dimensions by an angle, so that a score
depends on the *difference* of two angles. Here some pairs turn with the row's index, some with its onset in
ticks, some with its pitch: a head can look "one bar ago" or "an octave up" wherever it stands. With the attention
"bias", scores have learned biases of those distances instead. The state is a cache of keys and values, a ring of
`config.context` rows.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import SettingsError
from .config import ModelConfig
from .fused import RMSNorm, Turn, attend, dropout, future, rotate, squared_relu
from .pasts import Past
from .relative import FARTHEST, bias_lookups, turning_rates


class Rotary(nn.Module):
    """The angles of rows, as cosines and sines (B, T, pairs), from their spots (B, T, 3) (`relative`)."""

    rates: Tensor

    def __init__(self, pairs: int, attention: str) -> None:
        super().__init__()
        self.register_buffer("rates", torch.tensor(turning_rates(pairs, attention)), persistent=False)

    def forward(self, spots: Tensor) -> Turn:
        # Ticks reach the thousands, where bf16 would lose the phase: stay in float32.
        with torch.autocast(spots.device.type, enabled=False):
            angle = spots.float() @ self.rates
        return angle.cos(), angle.sin()


class Biases(nn.Module):
    """What distances add to the scores of each head, learned, and the same in all layers (Raffel et al. 2020)."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        lookups = bias_lookups()
        self.tables = nn.ModuleList(
            nn.ModuleList(nn.Embedding(max(places) + 1, heads) for places in each) for each in lookups
        )
        for i, each in enumerate(lookups):
            for j, places in enumerate(each):
                self.register_buffer(f"places_{i}_{j}", torch.tensor(places), persistent=False)

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """(B, heads, T, S) of spots (B, T, 3) and (B, S, 3)."""
        apart = queries[:, :, None] - keys[:, None]
        silent = (queries[:, :, None, 2] >= 128) | (keys[:, None, :, 2] >= 128)
        total = torch.zeros((), device=queries.device)
        for i, far in enumerate(FARTHEST):
            place = apart[..., i].clamp(-far, far) + far
            if i == 2:
                place = torch.where(silent, 2 * far + 1, place)
            total = total + F.embedding(place, self._by_distance(i))
        return total.permute(0, 3, 1, 2)

    def _by_distance(self, i: int) -> Tensor:
        tables = self.tables[i]
        assert isinstance(tables, nn.ModuleList)
        return torch.stack([t(self.get_buffer(f"places_{i}_{j}")) for j, t in enumerate(tables)]).sum(0)


class Block(nn.Module):
    """Attention and a squared-ReLU network (So et al. 2021), each on a normalised residual branch."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, self.dropout = config.heads, config.dropout
        self.norm_attention = RMSNorm(width, eps=1e-5)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.join = nn.Linear(width, width, bias=False)
        self.norm_network = RMSNorm(width, eps=1e-5)
        self.widen = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)

    def project(self, x: Tensor, turn: Turn | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys (both turned) and values, each (B, heads, T, D / heads)."""
        q, k, v = self.qkv(self.norm_attention(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return (q, k, v) if turn is None else (rotate(q, turn), rotate(k, turn), v)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """The residual stream after attention (B, heads, T, D / heads) and the network."""
        x = x + self._drop(self.join(attended.transpose(1, 2).flatten(2)))
        hidden = squared_relu(self.widen(self.norm_network(x)))
        return x + self._drop(self.narrow(hidden))

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout, self.training)


class State:
    """Keys and values (layers, B, heads, context, D / heads) and spots (B, context, 3) of a ring; the last row."""

    def __init__(self, keys: Tensor, values: Tensor, spots: Tensor, before: Tensor) -> None:
        self.keys, self.values, self.spots, self.before, self.count = keys, values, spots, before, 0


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
        self.norm = RMSNorm(config.width, eps=1e-5)
        learned, pairs = config.attention == "bias", config.width // config.heads // 2
        self.biases = Biases(config.heads) if learned else None
        self.rotary = None if learned else Rotary(pairs, config.attention)

    def forward(self, inputs: Tensor, where: Tensor) -> Tensor:
        length = where.shape[1]
        spots = _spots(torch.arange(length, device=where.device), where)
        turn = self.rotary(spots) if self.rotary is not None else None
        bias = self.biases(spots, spots) + future(length, where.device) if self.biases is not None else None
        x = inputs + self.before(F.pad(inputs, (0, 0, 1, 0))[:, :-1])
        for block in self.blocks:
            assert isinstance(block, Block)
            q, k, v = block.project(x, turn)
            mask = None if bias is None else bias.to(q.dtype)
            x = block.finish(x, attend(q, k, v, mask))
        result: Tensor = self.norm(x)
        return result

    def start(self, batch: int) -> State:
        c = self.config
        shape = (c.layers, batch, c.heads, c.context, c.width // c.heads)
        empty = self.norm.weight.new_zeros(shape)
        spots = torch.zeros(batch, c.context, 3, dtype=torch.long, device=empty.device)
        return State(empty, empty.clone(), spots, empty.new_zeros(batch, c.width))

    def step(self, inputs: Tensor, where: Tensor, state: State) -> tuple[Tensor, State]:
        spot = _spots(torch.tensor([state.count], device=where.device), where[:, None])
        slot, filled = state.count % self.config.context, min(state.count + 1, self.config.context)
        state.spots[:, slot] = spot[:, 0]
        turn = self.rotary(spot) if self.rotary is not None else None
        bias = self.biases(spot, state.spots[:, :filled]) if self.biases is not None else None
        x = (inputs + self.before(state.before))[:, None]
        state.before = inputs
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            q, k, v = block.project(x, turn)
            state.keys[i, :, :, slot], state.values[i, :, :, slot] = k[:, :, 0], v[:, :, 0]
            past = state.keys[i, :, :, :filled], state.values[i, :, :, :filled]
            x = block.finish(x, F.scaled_dot_product_attention(q, *past, bias))
        state.count += 1
        result: Tensor = self.norm(x)[:, 0]
        return result, state


def _spots(index: Tensor, where: Tensor) -> Tensor:
    """Spots (B, T, 3) of the rows `index` (T,) at `where` (B, T, 2)."""
    return torch.cat([index.expand(where.shape[:-1])[..., None], where], -1)
