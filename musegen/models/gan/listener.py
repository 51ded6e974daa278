"""How both networks of the bar GAN hear a phrase: each track's beats by its own layer, then all tracks together.

B phrases, K tracks, N beats, P numbers in a beat (see `form`), W channels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..config import BEATS, GanConfig
from . import form
from .layers import BeatLayer, PerTrack, leaky, unit


class Heard(NamedTuple):
    """What was heard of phrases: beats (B, N, W), bars (B, bars, W), and the whole (B, W)."""

    beats: Tensor
    bars: Tensor
    whole: Tensor

    @property
    def summary(self) -> Tensor:
        """The whole and the bars, (B, (1 + bars) · W)."""
        return torch.cat([self.whole, self.bars.flatten(1)], 1)


class Listener(nn.Module):
    """Phrases to features of beats, bars and wholes. `hints` numbers a beat may be told besides."""

    def __init__(self, config: GanConfig, width: int, layers: int, hints: int) -> None:
        super().__init__()
        k, own = config.tracks, width // 2
        self.bars = config.bars
        self.track = PerTrack(k, form.numbers(config), own)
        self.told = nn.Parameter(torch.randn(k, 1, own) * 0.5)
        self.merge = nn.Linear(k * own, width)
        self.hint = nn.Linear(hints, width)
        self.place = nn.Parameter(torch.randn(form.beats(config), width) * 0.3)
        self.layers = nn.ModuleList(BeatLayer(width, BEATS) for _ in range(layers))
        self.bar = nn.Linear(BEATS * width, width)
        self.whole = nn.Linear(config.bars * width, width)

    def forward(self, phrases: Tensor, flags: Tensor, hints: Tensor) -> Heard:
        """Of `phrases` (B, K, N, P); `flags` (B, K, bars) say what was known, `hints` (B, N, ·) what else."""
        b, k, n, _ = phrases.shape
        told = flags.transpose(0, 1).repeat_interleave(BEATS, 2).reshape(k, b * n, 1) * self.told
        tracks = self.track(phrases.transpose(0, 1).reshape(k, b * n, -1)) + told
        merged = self.merge(tracks.transpose(0, 1).reshape(b, n, -1))
        x = leaky(merged + self.hint(hints)) + self.place
        for layer in self.layers:
            x = layer(x)
        x = unit(x)
        bars = leaky(self.bar(x.reshape(b, self.bars, -1)))
        return Heard(x, bars, leaky(self.whole(bars.flatten(1))))
