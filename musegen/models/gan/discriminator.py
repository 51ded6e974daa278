"""The bar GAN's discriminator: whether a phrase (see `patches`) is music or made.

Layers of its own for each track first, then shared ones, as in MuseGAN (Dong & Yang 2018), with their chroma stream
beside them: which pitch classes sound and begin in each beat, how many notes sound at once, and how often a pitch
sounds after silence: in notes torn to shreds, whose gradient mends them, it does so most. How far the phrases
of a batch differ is a feature too (Karras et al. 2018, section 3), so that a generator that makes one phrase is found
out.

B phrases, K tracks, Q quarters of a beat, O octaves, P numbers in a patch, D = config.width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ..config import OCTAVE, PARTS, GanConfig
from . import patches as form
from .layers import SLOPE, PerTrack, around

OWN = 16  # channels of a track's patch
VOICES = 2  # that are counted: whether one note sounds, or two and more


class Discriminator(nn.Module):
    """D(x): a number a phrase, larger for music. Whoever uses it decides what it means (a logit, a critic's)."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.config = config
        k, d, beat = config.tracks, config.width, 4 * config.width
        self.q, self.o = form.quarters(config), form.octaves(config)
        self.patch = PerTrack(k, form.patch(config), OWN)
        self.octave, self.told = (nn.Parameter(torch.zeros(k, 1, n, OWN)) for n in (self.o, 1))
        self.own = PerTrack(k, 3 * OWN, OWN)
        self.merge = nn.Linear(k * OWN, d)
        self.down = nn.Linear(PARTS * self.o * d, beat)
        self.chroma = nn.Linear(k * (OCTAVE * form.CHANNELS + VOICES + 1), beat)
        self.near = nn.Conv1d(beat, beat, 3, padding=1)
        self.far = nn.Conv1d(beat, beat, 3, padding=4, dilation=4)
        self.bar = nn.Linear(4 * beat, beat)
        self.whole = nn.Linear(config.bars * beat, beat)
        self.value = nn.Linear(beat + 1, 1)
        if config.spectral:
            for layer in self.children():
                spectral_norm(layer)

    def forward(self, phrases: Tensor, mask: Tensor) -> Tensor:
        """(B,): what is thought of `phrases` (B, K, Q, O, P), of which `mask` (B, K, bars) was known."""
        beats = F.leaky_relu(self.down(self.merged(phrases, mask)) + self.chroma(self.summary(phrases)), SLOPE)
        x = beats.transpose(1, 2)
        x = x + F.leaky_relu(self.near(x), SLOPE)
        x = x + F.leaky_relu(self.far(x), SLOPE)
        bars = F.leaky_relu(self.bar(x.transpose(1, 2).reshape(len(x), self.config.bars, -1)), SLOPE)
        whole = F.leaky_relu(self.whole(bars.flatten(1)), SLOPE)
        value: Tensor = self.value(torch.cat([whole, spread(whole)], 1))
        return value[:, 0]

    def merged(self, phrases: Tensor, mask: Tensor) -> Tensor:
        """The patches of each beat, of all tracks: (B, beats, 4·O·D)."""
        flags = mask.repeat_interleave(self.q // self.config.bars, 2)[..., None, None]
        x = self.patch(phrases.flatten(2, 3)).view(*phrases.shape[:4], OWN)
        x = F.leaky_relu(x + (self.octave + flags * self.told), SLOPE)
        x = F.leaky_relu(self.own(around(x, 2).flatten(2, 3)), SLOPE)
        merged = F.leaky_relu(self.merge(x.transpose(1, 2).flatten(2)), SLOPE)
        return merged.view(len(phrases), self.q // PARTS, -1)

    def summary(self, phrases: Tensor) -> Tensor:
        """Of each beat and track: for how much of it each pitch class sounds, how many notes of it begin, for how
        much of it one note sounds and two do, and how often silence ends: (B, beats, K·(12·2+2+1))."""
        beats = phrases.view(*phrases.shape[:2], self.q // PARTS, PARTS, self.o, form.CHANNELS, -1, OCTAVE)
        grains = beats.sum(4)  # of the octaves: (B, K, beats, 4, 2, grains of a quarter of a beat, 12)
        scale = grains.new_tensor([[self.config.grain / self.config.steps], [1.0]])
        classes = grains.sum((3, 5)) * scale
        notes = grains[..., 0, :, :].sum(-1).flatten(3)
        voices = torch.stack([(notes - i).clamp(0, 1).mean(-1) for i in range(VOICES)], -1)
        sounding = beats[..., 0, :, :].transpose(4, 5).flatten(2, 4).flatten(3)  # (B, K, grains, pitches)
        rises = F.pad((sounding[:, :, 1:] - sounding[:, :, :-1]).relu().sum(-1), (1, 0))
        torn = rises.view(*voices.shape[:3], -1).sum(-1, keepdim=True)
        return torch.cat([classes.flatten(3), voices, torn], -1).transpose(1, 2).flatten(2)


def spread(x: Tensor) -> Tensor:
    """The mean standard deviation over a batch of features (B, N), the same for each of them: (B, 1)."""
    deviation = (x.var(0, unbiased=False) + 1e-8).sqrt().mean()
    return deviation.expand(len(x), 1)
