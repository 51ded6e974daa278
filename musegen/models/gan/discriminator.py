"""The bar GAN's discriminator: whether a phrase (see `form`) is music or made.

It hears as the generator does (`listener`), with MuseGAN's chroma stream (Dong & Yang 2018) beside: which pitch classes
sound and begin in each beat, how many notes sound at once, how often a pitch sounds after silence, and how many notes
begin as they did one and two bars before, because music repeats itself. How far the phrases of a batch differ is a
feature too (Karras et al. 2018, section 3), so that a generator that makes one phrase is found out.

B phrases, K tracks, N beats, P numbers in a beat.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ..config import BEATS, OCTAVE, GanConfig
from . import form
from .layers import PerTrack
from .listener import Heard, Listener

VOICES = 2  # that are counted: whether one note sounds, or two and more
ECHOES = (1, 2)  # bars after which a note may come again
FEATURES = OCTAVE * form.CHANNELS + VOICES + 1 + len(ECHOES)  # of a track's beat that are counted


class Discriminator(nn.Module):
    """D(x): a number a phrase, larger for music. Whoever uses it decides what it means (a logit, a critic's)."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.config = config
        width = max(2, config.width // 2)
        self.listen = Listener(config, width, 2, config.tracks * FEATURES)
        self.value = nn.Linear(width + 1, 1)
        if config.spectral:
            for layer in [m for m in self.modules() if isinstance(m, nn.Linear | PerTrack)]:
                spectral_norm(layer)

    def forward(self, phrases: Tensor, mask: Tensor) -> Tensor:
        """(B,): what is thought of `phrases` (B, K, N, P), of which `mask` (B, K, bars) was known."""
        heard: Heard = self.listen(phrases, mask, self.summary(phrases))
        value: Tensor = self.value(torch.cat([heard.whole, spread(heard.whole)], 1))
        return value[:, 0]

    def summary(self, phrases: Tensor) -> Tensor:
        """Of each beat and track: for how much of it each pitch class sounds, how many notes of it begin, for how
        much of it one note sounds and two do, how often silence ends, and how many notes are echoes: (B, N, K·29)."""
        each = phrases.view(*phrases.shape[:3], form.CHANNELS, -1, self.config.pitches)
        scale = phrases.new_tensor([1 / each.shape[4], 1.0])
        classes = each.sum(4).view(*each.shape[:4], -1, OCTAVE).sum(4) * scale[:, None]
        sounding = each[:, :, :, 0]  # (B, K, N, grains, pitches)
        notes = sounding.sum(4)
        voices = torch.stack([(notes - i).clamp(0, 1).mean(3) for i in range(VOICES)], 3)
        line = sounding.flatten(2, 3)
        rises = F.pad((line[:, :, 1:] - line[:, :, :-1]).relu().sum(3), (1, 0))
        torn = rises.view(*voices.shape[:3], -1).sum(3, keepdim=True)
        begins = each[:, :, :, 1].flatten(3)
        again = [begins[:, :, BEATS * bars :] * begins[:, :, : -BEATS * bars] for bars in ECHOES]
        echoes = [F.pad(a.sum(3), (BEATS * bars, 0)) for a, bars in zip(again, ECHOES, strict=True)]
        return torch.cat([classes.flatten(3), voices, torn, torch.stack(echoes, 3)], 3).transpose(1, 2).flatten(2)


def spread(x: Tensor) -> Tensor:
    """The mean standard deviation over a batch of features (B, N), the same for each of them: (B, 1)."""
    deviation = (x.var(0, unbiased=False) + 1e-8).sqrt().mean()
    return deviation.expand(len(x), 1)
