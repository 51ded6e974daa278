"""The gated PixelCNN on piano rolls (van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders").

The image is time (rows) × pitch (columns) with a channel for each track. Its cells are predicted in the order of
time, then pitch from low to high, then track:

    P(roll) = Π_t Π_p Π_k P(cell_tpk | all rows before t, the pitches below p of row t, the tracks before k)

A *vertical* stack sees the rows before, a *horizontal* one the row itself up to the pitch below; the first feeds the
second in every layer, so nothing is hidden in a blind spot (their section 2.2). The place of each row in its bar
conditions every gate (their equation 4). Layers are dilated in time and pitch, to see bars and chords at little cost.

B rolls, T rows (steps), P pitches, K tracks, S states, D = config.width. Knows nothing of pieces.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..events.roll import HOLD, SILENT
from .config import RollConfig

ROWS = 2  # that the first layer sees above
REACH = 12  # pitches that it sees to each side: an octave
PLACES = 65  # of a row in its bar, from the last bar line and to the next; 64 and more are one
LONGEST_DILATION = 5, 4  # powers of two in time and in pitch
SILENT_BIAS = 3.0  # most cells are silent: known from the start, so that no step is spent on learning it
NEVER = -1e9  # the logit of what cannot be; not −inf, whose gradients are no numbers


class GatedLayer(nn.Module):
    """One layer of both stacks: the paper's figure 2, with a residual in the vertical stack as well."""

    def __init__(self, config: RollConfig, index: int) -> None:
        super().__init__()
        width, (time, pitch) = config.width, LONGEST_DILATION
        self.time, self.pitch = 2 ** (index % time), 2 ** (index % pitch)
        self.vertical = nn.Conv2d(width, 2 * width, (2, 3), dilation=(self.time, self.pitch))
        self.across = nn.Conv2d(2 * width, 2 * width, 1)
        self.horizontal = nn.Conv2d(width, 2 * width, (1, 3), dilation=(1, self.pitch))
        self.out = nn.Conv2d(width, width, 1)
        self.place = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(2))
        self.drop = nn.Dropout2d(config.dropout)  # of whole channels: costs nothing, and neighbours cannot stand in

    def forward(self, v: Tensor, h: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
        """Both stacks (B, D, T, P), given the rows' places in the bar (B, T, D)."""
        seen = self.seen(F.pad(v, (self.pitch, self.pitch, self.time, 0)), place)
        v = v + self.drop(gate(seen))
        below = self.horizontal(F.pad(h, (2 * self.pitch, 0)))
        return v, h + self.out(self.drop(gate(below + self.help(seen, place))))

    def seen(self, padded: Tensor, place: Tensor) -> Tensor:
        """What the vertical gate is given: (B, 2D, T, P)."""
        result: Tensor = self.vertical(padded) + self.place[0](place).transpose(1, 2)[..., None]
        return result

    def help(self, seen: Tensor, place: Tensor) -> Tensor:
        """What the vertical stack and the place give the horizontal gate: (B, 2D, T, P)."""
        result: Tensor = self.across(seen) + self.place[1](place).transpose(1, 2)[..., None]
        return result


def gate(x: Tensor) -> Tensor:
    """tanh(a) · σ(b) of the two halves of (B, 2D, …): the paper's equation 2."""
    a, b = x.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)


class PixelCNN(nn.Module):
    """P(cell | what comes before it), for rolls of cells (B, T, P, K) in 0 … S−1."""

    def __init__(self, config: RollConfig) -> None:
        super().__init__()
        self.config = config
        width, planes = config.width, config.tracks * (config.states - 1) + 1
        self.above = nn.Conv2d(planes, width, (ROWS, 2 * REACH + 1))
        self.below = nn.Conv2d(planes, width, (1, REACH))
        self.counted = nn.Conv2d(config.tracks, width, 1)
        self.pitch = nn.Parameter(torch.zeros(2, width, 1, config.pitches))
        self.since, self.until = nn.Embedding(PLACES, width), nn.Embedding(PLACES, width)
        self.dilations: list[int] = [2 ** (i % LONGEST_DILATION[0]) for i in range(config.layers)]
        self.layers = nn.ModuleList(GatedLayer(config, i) for i in range(config.layers))
        self.heads = nn.ModuleList(Head(config, track) for track in range(config.tracks))
        _initialise(self)

    def forward(self, cells: Tensor, place: Tensor) -> Tensor:
        """What is known before each cell: (B, D, T, P), from cells (B, T, P, K) and `place` (B, T, 2)."""
        return self.of_planes(self.planes(cells), self.counts(cells), place)

    def of_planes(self, x: Tensor, counts: Tensor, place: Tensor) -> Tensor:
        """`forward` from `planes` and `counts`."""
        where = self.where(place)
        v = self.above(F.pad(x[:, :, :-1], (REACH, REACH, ROWS, 0))) + self.pitch[0]
        h: Tensor = self.below(F.pad(x[..., :-1], (REACH, 0))) + self.counted(counts) + self.pitch[1]
        for layer in self.layers:
            v, h = layer(v, h, where)
        return h

    def planes(self, cells: Tensor) -> Tensor:
        """What the network sees, (B, K(S−1)+1, T, P): a plane for each sounding state, and ones inside the roll."""
        states = torch.arange(1, self.config.states, device=cells.device)
        each = (cells[..., None] == states).flatten(3).permute(0, 3, 1, 2).float()
        return torch.cat([each, torch.ones_like(each[:, :1])], 1)

    def counts(self, cells: Tensor) -> Tensor:
        """How many pitches below each sound in the same row and track: (B, K, T, P), a quarter each."""
        sounding = (cells != SILENT).permute(0, 3, 1, 2).float()
        counts: Tensor = (sounding.cumsum(-1) - sounding) / 4
        return counts

    def where(self, place: Tensor) -> Tensor:
        """The rows' places in their bars (B, T, 2) as vectors (B, T, D)."""
        place = place.clamp(max=PLACES - 1)
        result: Tensor = self.since(place[..., 0]) + self.until(place[..., 1])
        return result

    def log_p(self, cells: Tensor, place: Tensor) -> Tensor:
        """log P of every state of every cell: (B, T, P, K, S), float32; impossible states are near −1e9."""
        known, x = self(cells, place), self.planes(cells)
        each = [head(known, x).permute(0, 2, 3, 1) for head in self.heads]
        logits = torch.stack(each, 3).float().masked_fill(~self.possible(cells), NEVER)
        return logits.log_softmax(-1)

    def nats(self, cells: Tensor, place: Tensor) -> Tensor:
        """−log P of every cell: (B, T, P, K)."""
        return -self.log_p(cells, place).gather(-1, cells.long()[..., None])[..., 0]

    def possible(self, cells: Tensor) -> Tensor:
        """Which states each cell can have given those before it: (B, T, P, K, S).

        A hold continues the cell of the row before. Where a track has one note, the pitches above it are silent.
        """
        result = torch.ones((*cells.shape, self.config.states), dtype=torch.bool, device=cells.device)
        sounding = cells != SILENT
        if self.config.states > HOLD:
            result[:, 0, ..., HOLD] = False
            result[:, 1:, ..., HOLD] = sounding[:, :-1]
        if self.config.one_note:
            result[..., 1:, :, 1:] &= ~(sounding.cumsum(2) > 0)[:, :, :-1, :, None]
        return result

    @property
    def rows_seen(self) -> int:
        """How many rows before its own a cell can depend on."""
        rows: int = ROWS + sum(self.dilations)
        return rows


class Head(nn.Module):
    """The states of one track's cell, given those of the tracks before it in the same cell."""

    def __init__(self, config: RollConfig, track: int) -> None:
        super().__init__()
        self.given = track * (config.states - 1)
        self.hidden = nn.Conv2d(config.width + self.given, config.width, 1)
        self.out = nn.Conv2d(config.width, config.states, 1)
        with torch.no_grad():
            assert self.out.bias is not None
            self.out.bias[SILENT] += SILENT_BIAS

    def forward(self, known: Tensor, planes: Tensor) -> Tensor:
        """Logits (B, S, T, P) from what is known (B, D, T, P) and the planes, of which it sees the tracks before."""
        result: Tensor = self.out(F.relu(self.hidden(torch.cat([known, planes[:, : self.given]], 1))))
        return result


def _initialise(model: PixelCNN) -> None:
    """Weights that pass signals on as strongly as they come, and more so where the few cells that sound come in."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.1)
    for first in (model.above, model.below):
        nn.init.normal_(first.weight, std=0.25)
