"""The bar GAN's generator: noise, and what is known of a phrase, to a whole phrase (see `form`).

After MuseGAN with binary neurons (Dong & Yang 2018): a latent for the phrase and one for each bar, layers that all
tracks share, then layers that each has for itself. After VAE/GAN (Larsen et al. 2016): what the latents of real phrases
are is learnt too (`encode`), and where they lie: of all music (`mixture`), and of what goes with what is known
(`flow`). So one network plays from nothing, beside a track, and on.

B phrases, K tracks, N beats, P numbers in a beat, Z numbers in all latents, W = config.width.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..config import BEATS, OCTAVE, GanConfig
from . import form
from .flow import Flow
from .layers import BeatLayer, PerTrack, binary, leaky, unit
from .listener import Heard, Listener
from .mixture import Mixture

COUPLINGS = 8  # of the flow
LEANING = 3.0  # how much likelier an untrained generator plays pitch classes that are known
CONTRAST = 4.0  # logits between a cell that sounds and one that does not, in the basis that training begins with
SPREADS = (-7.0, 2.0)  # logarithms of the least and largest standard deviation of a latent


class Known(NamedTuple):
    """What is known of phrases: beats (B, N, W), what the flow is told (B, W/2), chords (B, N, 3 · 12)."""

    beats: Tensor
    context: Tensor
    chords: Tensor


class Generator(nn.Module):
    """G(z, what is known): phrases of 0 and 1."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.config = config
        k, w, own, z, p = config.tracks, config.width, config.width // 2, config.latent, form.numbers(config)
        self.listen = Listener(config, w, config.layers - 1, 3 * OCTAVE)
        self.whole_latent, self.bar_latent = nn.Linear(w, 2 * z), nn.Linear(w, 2 * z)
        self.context = nn.Linear((1 + config.bars) * w, own)
        self.flow = Flow(config.noise, own, 2 * w, COUPLINGS)
        self.mixture = Mixture(config.noise)
        self.known = nn.Linear(w, w)
        self.phrase, self.bars = nn.Linear(z, w), nn.Linear(z, BEATS * w)
        self.place = nn.Parameter(torch.randn(form.beats(config), w) * 0.3)
        self.layers = nn.ModuleList(BeatLayer(w, BEATS) for _ in range(config.layers))
        self.own, self.blend, self.out = nn.Linear(w, k * own), PerTrack(k, own, own), PerTrack(k, own, p)
        self.chords = nn.Parameter(LEANING * torch.eye(OCTAVE).repeat(3, 1).repeat(k, 1, 1))
        self.lean = nn.Parameter(torch.zeros(k, BEATS, p))
        with torch.no_grad():
            self.chords[: config.tracks > 1] = 0  # drums

    def forward(self, noise: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Phrases (B, K, N, P) of 0 and 1 from `noise` (B, Z), normal.

        `given` has their form and `mask` is (B, K, bars): 1 where `given` is known, and there it is in the result.
        """
        known = self.spread(mask)
        given = given * known
        logits = self.logits(noise, given, mask)
        threshold = torch.rand_like(logits) if self.config.neurons == "stochastic" else None
        return binary(logits, threshold) * (1 - known) + given

    def spread(self, mask: Tensor) -> Tensor:
        """A mask of bars (B, K, bars) as one of beats, (B, K, N, 1)."""
        return mask.repeat_interleave(BEATS, 2)[..., None]

    def logits(self, noise: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """What the neurons are given: (B, K, N, P). `given` is 0 where it is not known."""
        known = self.hear(given, mask)
        latents = self.flow(noise, known.context)
        if self.mixture.fitted:
            latents = torch.where(mask.any(2).any(1)[:, None], latents, self.mixture(noise))
        return self.decode(latents, known)

    def hear(self, given: Tensor, mask: Tensor) -> Known:
        """What there is to know of `given`, which is 0 where it is not known."""
        heard, chords = self._heard(given, mask)
        return Known(heard.beats, self.context(heard.summary), chords)

    def encode(self, phrases: Tensor) -> tuple[Tensor, Tensor]:
        """The latents of real `phrases` (B, K, N, P): means and logarithms of standard deviations, (B, Z) each."""
        heard, _ = self._heard(phrases, phrases.new_ones(*phrases.shape[:2], self.config.bars))
        both = torch.cat([self.whole_latent(heard.whole)[:, None], self.bar_latent(heard.bars)], 1)
        mean, spread = both.chunk(2, 2)
        return mean.flatten(1), (spread.flatten(1) - 3).clamp(*SPREADS)

    def _heard(self, given: Tensor, mask: Tensor) -> tuple[Heard, Tensor]:
        here, before, whole = form.chords(given, self.config)
        chords = torch.cat([here, before, whole.expand_as(here)], 2)
        heard: Heard = self.listen(given, mask, chords)
        return heard, chords

    def decode(self, latents: Tensor, known: Known) -> Tensor:
        """The logits (B, K, N, P) of phrases with `latents` (B, Z)."""
        b, c = len(latents), self.config
        each = latents.view(b, 1 + c.bars, c.latent)
        x = (
            self.phrase(each[:, :1])
            + self.bars(each[:, 1:]).view(b, -1, c.width)
            + self.place
            + self.known(known.beats)
        )
        for layer in self.layers:
            x = layer(x)
        own = leaky(self.own(unit(x))).view(b * BEATS * c.bars, c.tracks, -1).transpose(0, 1)
        logits = self.out(self.blend(own)).view(c.tracks, b * c.bars, BEATS, -1) + self.lean[:, None]
        logits = logits.view(c.tracks, b, BEATS * c.bars, form.CHANNELS, -1, OCTAVE)
        leaning = torch.matmul(known.chords, self.chords[:, None])[:, :, :, None, None]
        sounding = logits[:, :, :, :1] + leaning
        return torch.cat([sounding, logits[:, :, :, 1:]], 3).flatten(3).transpose(0, 1)

    @torch.no_grad()
    def begin_with(self, phrases: npt.NDArray[np.float32]) -> None:
        """Begin with what real `phrases` (n, K, N, P) are made of: how often each track sounds each pitch, and begins
        it, on each grain of a bar; and the principal components of its beats, by which it is heard and played
        (Bourlard & Kamp 1988: the best linear autoencoder)."""
        c, x = self.config, torch.from_numpy(phrases).transpose(0, 1)
        share = x.reshape(c.tracks, -1, BEATS, x.shape[-1]).mean(1)
        sounding, begins = share.chunk(2, -1)
        rate = torch.cat([sounding, begins / sounding.clamp(min=1e-6)], -1)
        self.lean.copy_(torch.logit(rate.clamp(1e-4, 0.95)))
        own = self.blend.weight.shape[1]
        heard, played = self.listen.track.weight.view(c.tracks, own, -1), self.out.weight.view(c.tracks, -1, own)
        for track, rows in enumerate(x.flatten(1, 2)):
            rows = rows[rows.any(1)].double()
            if len(rows) < 2:
                continue
            rows -= rows.mean(0)
            power, basis = torch.linalg.eigh(rows.T @ rows / len(rows))
            power, basis = power.flip(0)[:own].clamp(min=1e-6), basis.flip(1)[:, :own]
            heard[track, : len(power)] = (basis / (power + 0.01 * power[0]).sqrt()).T.float()
            played[track, :, : len(power)] = (CONTRAST * basis * power.sqrt()).float()

    @torch.no_grad()
    def balance(self, logits: Tensor, share: Tensor) -> None:
        """Move each track's thresholds so that of `logits` (B, K, N, P), played from nothing, as large a share sounds,
        and begins, as `share` (K, 2) says of music."""
        for track, (sounds, begins) in enumerate(share.tolist()):
            sounding, beginning = logits[:, track].chunk(2, -1)
            low = _above(sounding.flatten(), sounds)
            fired = beginning[sounding > low]
            moves = torch.stack([low, _above(fired, begins / max(sounds, 1e-9)) if len(fired) else low * 0])
            self.lean[track] -= moves.repeat_interleave(self.lean.shape[-1] // 2)


def _above(values: Tensor, share: float) -> Tensor:
    """The number that a `share` of `values` exceeds."""
    k = min(len(values), max(1, round((1 - share) * len(values))))
    return values.kthvalue(k).values
