"""The PixelCNN cell by cell, for drawing: equal to the whole network, at a small part of its cost.

The vertical stack runs once a row and keeps, in each layer, as many earlier rows as it looks back (ring buffers);
the horizontal stack runs along the pitches of the row, a column at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from ..events.roll import HOLD, SILENT
from .pixelcnn import NEVER, REACH, ROWS, GatedLayer, Head, PixelCNN, gate

Logits = npt.NDArray[np.float32]
Chosen = npt.NDArray[np.uint8]
Choose = Callable[[int, int, Logits], Chosen]
"""(pitch, track, logits (B, S)) → the state of that cell (B,)."""


class PixelSteps:
    """B rolls that grow together, row by row. Use under `torch.no_grad()`."""

    def __init__(self, model: PixelCNN, batch: int) -> None:
        self.model, self.batch = model, batch
        c = model.config
        self._layers = [layer for layer in model.layers if isinstance(layer, GatedLayer)]
        self._heads = [head for head in model.heads if isinstance(head, Head)]
        planes = c.tracks * (c.states - 1) + 1
        self._past = deque([torch.zeros(batch, planes, c.pitches)] * ROWS, ROWS)
        empty = torch.zeros(batch, c.width, c.pitches)
        self._rings = [deque([empty] * layer.time, layer.time) for layer in self._layers]
        self._last = torch.zeros(batch, c.pitches, c.tracks, dtype=torch.uint8)
        # The three taps of each horizontal convolution as one matrix.
        self._taps = [layer.horizontal.weight[:, :, 0].permute(2, 1, 0).flatten(0, 1) for layer in self._layers]
        self._below = model.below.weight[:, :, 0].permute(2, 1, 0).flatten(0, 1)

    def take(self, row: Tensor, place: Tensor) -> None:
        """A row that is known: cells (B, P, K), and its place in the bar (B, 2)."""
        self._vertical(place)
        self._push(row)

    def draw(self, place: Tensor, choose: Choose) -> Tensor:
        """A new row (B, P, K) at `place` (B, 2), each cell chosen by `choose` from the logits."""
        c = self.model.config
        helps = self._vertical(place)
        x = torch.zeros(self.batch, c.tracks * (c.states - 1) + 1, c.pitches + REACH)
        x[:, -1, REACH:] = 1
        hs = [torch.zeros(self.batch, c.width, c.pitches + 2 * layer.pitch) for layer in self._layers]
        row = torch.zeros(self.batch, c.pitches, c.tracks, dtype=torch.uint8)
        for pitch in range(c.pitches):
            known = self._horizontal(pitch, x, hs, row, helps)
            given = torch.zeros(self.batch, c.tracks * (c.states - 1) + 1)
            for track in range(c.tracks):
                row[:, pitch, track] = self._choose(pitch, track, known, given, row, choose)
                for state in range(1, c.states):
                    given[:, track * (c.states - 1) + state - 1] = row[:, pitch, track] == state
            x[:, :-1, pitch + REACH] = given[:, :-1]
        self._push(row)
        return row

    def _vertical(self, place: Tensor) -> list[Tensor]:
        """What each layer gives the horizontal stack in the next row: (B, 2D, P) each. The rings move on."""
        model, where = self.model, self.model.where(place[:, None])
        v = model.above(F.pad(torch.stack([*self._past], 2), (REACH, REACH))) + model.pitch[0]
        helps = []
        for layer, ring in zip(self._layers, self._rings, strict=True):
            rows = torch.stack([ring[0], v[:, :, 0]], 2)
            ring.append(v[:, :, 0])
            # Only two rows are kept of those that the kernel spans, so its dilation in time is 1 here.
            padded = F.pad(rows, (layer.pitch, layer.pitch))
            seen = F.conv2d(padded, layer.vertical.weight, layer.vertical.bias, dilation=(1, layer.pitch))
            seen = seen + layer.place[0](where).transpose(1, 2)[..., None]
            helps.append(layer.help(seen, where)[:, :, 0])
            v = v + gate(seen)
        return helps

    def _horizontal(self, pitch: int, x: Tensor, hs: list[Tensor], row: Tensor, helps: list[Tensor]) -> Tensor:
        """What is known before column `pitch`: (B, D)."""
        model = self.model
        h = F.linear(x[..., pitch : pitch + REACH].permute(0, 2, 1).flatten(1), self._below.T, model.below.bias)
        counted = (row[:, :pitch] != SILENT).sum(1).float() / 4
        h = h + F.linear(counted, model.counted.weight[..., 0, 0], model.counted.bias) + model.pitch[1, :, 0, pitch]
        for layer, taps, kept, give in zip(self._layers, self._taps, hs, helps, strict=True):
            reach = layer.pitch
            kept[..., pitch + 2 * reach] = h
            three = kept[..., pitch : pitch + 2 * reach + 1 : reach].permute(0, 2, 1).flatten(1)
            seen = give[..., pitch] + F.linear(three, taps.T, layer.horizontal.bias)
            h = h + F.linear(gate(seen), layer.out.weight[..., 0, 0], layer.out.bias)
        return h

    def _choose(self, pitch: int, track: int, known: Tensor, given: Tensor, row: Tensor, choose: Choose) -> Tensor:
        head, config = self._heads[track], self.model.config
        seen = torch.cat([known, given[:, : head.given]], 1)  # a linear layer is a 1×1 convolution, and quicker
        hidden = F.relu(F.linear(seen, head.hidden.weight[..., 0, 0], head.hidden.bias))
        logits = F.linear(hidden, head.out.weight[..., 0, 0], head.out.bias)
        if config.states > HOLD:
            logits[self._last[:, pitch, track] == SILENT, HOLD] = NEVER
        if config.one_note:
            logits[(row[:, :pitch, track] != SILENT).any(1), 1:] = NEVER
        return torch.from_numpy(choose(pitch, track, logits.numpy()))

    def _push(self, row: Tensor) -> None:
        self._past.append(self.model.planes(row[:, None])[:, :, 0])
        self._last = row
