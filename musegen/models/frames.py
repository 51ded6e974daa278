"""Music as frames of keys: P(frame | frames before), for the published tables (Boulanger-Lewandowski et al. 2012).

    frames (B, T, K) → embedding → a family's past → summary (B, T, D)
    frames, summary, copies of earlier frames → pictures over the keys → the key head → P(key down)

A *copy* is an earlier frame that attention expects again: its query and keys come from the summaries, its value at
frame s is frame s itself, so a phrase that returns is read off, transposed or not known before (a pointer, Vinyals et
al. 2015). Knows keys 0 … K-1, and nothing of notes, files or tempo.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import SettingsError
from .config import ModelConfig
from .keys import CHANNELS, LAGS, OCTAVE, KeyHead, key_channels, later
from .pasts import initialise, new_past

OUTPUTS = ("bernoulli", "chain")
NOTHING = 128  # the pitch of a silent frame, as pasts want it
_PERIODS = (2, 3, 4, 6, 8, 12, 16, 24, 32)  # frames, of the clock that goes into the embedding
_COPY_WIDTH = 32
_MAPS = 4


@dataclass(frozen=True)
class FrameConfig:
    """The shape of a frame model."""

    past: ModelConfig  # family, width, layers, heads, context (frames), dropout
    outputs: str = "chain"  # or bernoulli
    ticks: int = 24  # a frame, 24 a quarter
    channels: int = 32  # pictures inside the key head
    copies: int = 4  # attention heads that copy
    keys: int = 88
    lowest: int = 21  # MIDI pitch of key 0

    def __post_init__(self) -> None:
        if self.outputs not in OUTPUTS:
            raise SettingsError(f"The outputs {self.outputs!r} are not one of {', '.join(OUTPUTS)}.")
        for name in ("ticks", "channels", "copies", "keys"):
            if getattr(self, name) < 1:
                raise SettingsError(f"The frame setting {name} is {getattr(self, name)}; it must be at least 1.")


class FrameModel(nn.Module):
    """P(x_1 … x_T | x_0) = Π P(x_t | x_<t) for frames x (K,) of 0 and 1."""

    def __init__(self, config: FrameConfig) -> None:
        super().__init__()
        self.config = config
        width, drop = config.past.width, config.past.dropout
        self.embed = nn.Linear(3 * config.keys + OCTAVE + 2 * len(_PERIODS), width)
        self.past = new_past(config.past)
        self.drop = nn.Dropout(drop)
        self.query = nn.Linear(width, config.copies * _COPY_WIDTH)
        self.where_from = nn.Linear(width, config.copies * _COPY_WIDTH)
        self.maps = nn.Linear(width, _MAPS * config.keys)
        chain = config.outputs == "chain"
        self.head = KeyHead(CHANNELS + _MAPS + config.copies, width, config.channels, config.keys, chain, drop)
        self.apply(initialise)  # convolutions keep torch's own

    def logits(self, frames: Tensor) -> Tensor:
        """log-odds that each key is down in frames 1 … T-1, given those before (and, with `chain`, the keys above it
        in its own): (B, T-1, K) of `frames` (B, T, K)."""
        before = frames[:, :-1]
        seen, summary = self.look_back(before)
        logits: Tensor = self.head(seen.flatten(0, 1), summary.flatten(0, 1), frames[:, 1:].flatten(0, 1))
        return logits.view(*before.shape)

    def nats(self, frames: Tensor) -> Tensor:
        """−log P of frames 1 … T-1 given those before: (B, T-1), of `frames` (B, T, K)."""
        return F.binary_cross_entropy_with_logits(self.logits(frames), frames[:, 1:], reduction="none").sum(-1)

    def look_back(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """What the head is told after each of `frames` (B, T, K): pictures (B, T, K, C), and the summary (B, T, D)."""
        channels = key_channels(frames)
        summary = self.drop(self.past(self.drop(self._embedded(frames, channels)), self._where(frames)))
        maps = self.maps(summary).unflatten(-1, (self.config.keys, _MAPS))
        return torch.cat([channels, maps, self._copies(frames, summary)], -1), summary

    @torch.no_grad()
    def draw(self, frames: Tensor, generator: torch.Generator) -> Tensor:
        """A next frame (B, K) drawn after `frames` (B, T, K), key by key from the highest."""
        seen, summary = (x[:, -1] for x in self.look_back(frames))
        new = torch.zeros_like(frames[:, 0])
        for key in reversed(range(self.config.keys)):
            odds = self.head(seen, summary, new)[:, key]
            new[:, key] = (torch.rand(len(new), generator=generator) < odds.sigmoid()).to(new.dtype)
        return new

    def _embedded(self, frames: Tensor, channels: Tensor) -> Tensor:
        time = torch.arange(frames.shape[1], device=frames.device, dtype=frames.dtype)
        angles = 2 * math.pi * time[:, None] / torch.tensor(_PERIODS, device=frames.device, dtype=frames.dtype)
        clock = torch.cat([angles.sin(), angles.cos()], -1).expand(len(frames), -1, -1)
        classes = F.pad(channels[:, :, :OCTAVE, -1], (0, max(0, OCTAVE - self.config.keys)))
        held = channels[..., len(LAGS)]
        embedded: Tensor = self.embed(torch.cat([frames, later(frames, 1), held, classes, clock], -1))
        return embedded

    def _where(self, frames: Tensor) -> Tensor:
        """When each frame is, and its highest pitch: (B, T, 2)."""
        number = torch.arange(self.config.keys, device=frames.device)
        top = torch.where(frames > 0, number + self.config.lowest, -1).amax(-1)
        time = (torch.arange(frames.shape[1], device=frames.device) * self.config.ticks).expand_as(top)
        return torch.stack([time, torch.where(top < 0, NOTHING, top)], -1)

    def _copies(self, frames: Tensor, summary: Tensor) -> Tensor:
        """Frames that are expected again (B, T, K, copies)."""
        query, key = (
            f(x).unflatten(-1, (self.config.copies, _COPY_WIDTH)).transpose(1, 2)
            for f, x in ((self.query, summary), (self.where_from, later(summary, 1)))
        )  # a frame is found by the summary before it: "what came next when it was like now"
        value = frames[:, None].expand(-1, self.config.copies, -1, -1)
        return F.scaled_dot_product_attention(query, key, value, is_causal=True).permute(0, 2, 3, 1)
