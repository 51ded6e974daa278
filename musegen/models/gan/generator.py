"""The bar GAN's generator: noise, and what is known of a phrase, to a whole phrase (see `patches` for its form).

After MuseGAN with binary neurons (Dong & Yang 2018): first layers that all tracks share, then layers that each has for
itself; a latent for the phrase and one for each bar. It works on three scales: beats, where the latents come
in; patches; and within a patch one linear layer a track. One network serves for everything, as an hourglass: what is
known goes in at the patches, down to the beats and up again, and is pasted into the result.

B phrases, K tracks, Q quarters of a beat, O octaves, P numbers in a patch, D = config.width.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config import OCTAVE, PARTS, GanConfig
from . import patches as form
from .layers import SLOPE, PerTrack, around, binary

KNOWN = 8  # channels in which each track's known patches are summed up
EPSILON = 1e-5  # of every RMS normalisation
FINE = 0.1  # how fast a generator learns what happens within a quarter of a beat (with 1 short runs tore more notes)
LEANING = 3.0  # how much likelier an untrained generator plays pitch classes that are known
FAST = 3.0  # how fast it learns which tracks play and in what harmony
PRESENCE, HARMONY = 2.0, 1.8
"""Standard deviations of an untrained generator's logits from bar to bar, and of the pitch classes of a beat, about;
what each track adds has 1."""


class BeatLayer(nn.Module):
    """A residual layer of beats: neighbours first, then the same beat of the bars beside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Conv1d(width, width, 3, padding=1)
        self.far = nn.Conv1d(width, width, 3, padding=4, dilation=4)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4D, beats) → the same."""
        result: Tensor = x + self.far(F.leaky_relu(self.near(unit(x)), SLOPE))
        return result


def unit(x: Tensor) -> Tensor:
    """RMS normalisation over the channels of (B, C, …)."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + EPSILON)


class Patchwork(nn.Module):
    """A patch of each track for each place: of what it is there, of its beat's harmony, of the chords that are known
    (`patches.chords`), of whether the track plays.

    All are inputs of one product, and each place in a bar has a bias. It begins with notes that last as long as the
    patch, in chords that all tracks share and that lean to what is known, by tracks that play or are silent for whole
    bars.
    """

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        k, each = config.tracks, form.patch(config)
        grains = each // form.CHANNELS // OCTAVE
        self.coarse = nn.Parameter(torch.randn(k, config.width, form.CHANNELS, 1, OCTAVE) * (2 / config.width) ** 0.5)
        self.fine = nn.Parameter(torch.zeros(k, config.width, form.CHANNELS, grains, OCTAVE))
        sounding, begins = torch.eye(OCTAVE).repeat(1, grains), torch.zeros(OCTAVE, each // 2)
        self.harmony = nn.Parameter(torch.cat([sounding, begins], 1).repeat(k, 1, 1))
        heard = LEANING * self.harmony.detach().repeat(1, 3, 1)
        heard[: config.tracks > 1] = 0  # drums
        self.chords = nn.Parameter(heard)
        self.plays = nn.Parameter(torch.cat([torch.ones(1, each // 2), begins[:1]], 1).repeat(k, 1, 1))
        self.lean = nn.Parameter(torch.zeros(k, form.quarters(config) // config.bars, form.octaves(config), each))

    def forward(self, x: Tensor, harmony: Tensor, plays: Tensor) -> Tensor:
        """From x (B, K, Q·O, D), `harmony` with chords (B, Q·O, 48) and `plays` (B, K, Q·O): (B, K, Q, O, P)."""
        wide = torch.cat([x, plays[..., None], harmony[:, None].expand(-1, x.shape[1], -1, -1)], -1)
        weight = (self.coarse + FINE * self.fine).flatten(2)
        logits = torch.matmul(wide, torch.cat([weight, self.plays, self.harmony, self.chords], 1))
        bars = logits.view(*x.shape[:2], -1, *self.lean.shape[1:])
        return (bars + self.lean[:, None]).flatten(2, 3)


class Generator(nn.Module):
    """G(z, what is known): phrases of 0 and 1."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.config = config
        k, d, beat = config.tracks, config.width, 4 * config.width
        self.q, self.o, p = form.quarters(config), form.octaves(config), form.patch(config)
        tall = PARTS * self.o * d
        self.known, self.told = PerTrack(k, p, KNOWN), nn.Parameter(torch.randn(k, 1, KNOWN))
        self.merge = nn.Linear(k * KNOWN, d)
        self.down = nn.Linear(tall, beat)
        self.phrase, self.bars = nn.Linear(config.latent, beat), nn.Linear(config.latent, beat)
        self.beat = nn.Parameter(torch.randn(beat, self.q // PARTS) * 0.3)
        self.layers = nn.ModuleList(BeatLayer(beat) for _ in range(config.layers))
        self.up = nn.Linear(beat, tall)
        self.harmony, self.plays = nn.Linear(beat, OCTAVE), nn.Linear(beat, k)
        self.place = nn.Parameter(torch.randn(self.q // config.bars, self.o, d) * 0.3)
        self.mix = nn.ModuleList(nn.Conv2d(d, d, 3, padding=1) for _ in range(2))
        self.own = PerTrack(k, 3 * d, d)
        self.out = Patchwork(config)
        self._begin()

    def forward(self, noise: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Phrases (B, K, Q, O, P) of 0 and 1 from `noise` (B, config.noise), normal.

        `given` has their form and `mask` is (B, K, bars): 1 where `given` is known, and there it is in the result.
        """
        known = self.spread(mask)
        given = given * known
        logits = self.logits(noise, given, mask)
        threshold = torch.rand_like(logits) if self.config.neurons == "stochastic" else None
        return binary(logits, threshold).mul_(1 - known).add_(given)

    def spread(self, mask: Tensor) -> Tensor:
        """A mask of bars (B, K, bars) as one of patches, (B, K, Q, 1, 1)."""
        return mask.repeat_interleave(self.q // self.config.bars, 2)[..., None, None]

    def logits(self, noise: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """What the neurons are given: (B, K, Q, O, P). `given` is 0 where it is not known."""
        grid = self.seen(given, mask)
        beats = self.down(grid.reshape(len(grid), self.q // PARTS, -1)).transpose(1, 2)
        beats = unit(self.beats(beats, noise)).transpose(1, 2)
        up = self.up(beats)
        grid = grid + up.view(-1, self.q, self.o, self.config.width) + self.place.repeat(self.config.bars, 1, 1)
        grid = self.mixed(grid.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        own = F.leaky_relu(self.own(around(grid, 1).flatten(1, 2)[:, None]), SLOPE)
        here, before, whole = form.chords(given, self.config)
        harmony = torch.cat([FAST * self.harmony(beats), here, before, whole.expand_as(here)], -1)
        bars = FAST * self.plays(beats.view(len(beats), self.config.bars, 4, -1).mean(2)).transpose(1, 2)
        plays = bars.repeat_interleave(self.q * self.o // self.config.bars, 2)
        logits: Tensor = self.out(own, harmony.repeat_interleave(PARTS * self.o, 1), plays)
        return logits

    def seen(self, given: Tensor, mask: Tensor) -> Tensor:
        """What is known, of all tracks together: (B, Q, O, D)."""
        told = self.spread(mask).expand(-1, -1, -1, self.o, -1).flatten(2, 3) * self.told
        each = F.leaky_relu(self.known(given.flatten(2, 3)) + told, SLOPE)
        merged: Tensor = self.merge(each.transpose(1, 2).flatten(2))
        return F.leaky_relu(merged, SLOPE).view(-1, self.q, self.o, self.config.width)

    def beats(self, known: Tensor, noise: Tensor) -> Tensor:
        """The beats (B, 4D, beats), of what is known of them and the latents."""
        latents = noise.view(len(noise), 1 + self.config.bars, self.config.latent)
        bars = self.bars(latents[:, 1:]).transpose(1, 2).repeat_interleave(4, 2)
        x: Tensor = known + self.phrase(latents[:, 0])[..., None] + bars + self.beat
        for layer in self.layers:
            x = layer(x)
        return x

    def mixed(self, x: Tensor) -> Tensor:
        """The patches (B, D, Q, O), having heard their neighbours."""
        first, second = self.mix
        y: Tensor = second(F.leaky_relu(first(unit(x)), SLOPE))
        return unit(x + y)

    @torch.no_grad()
    def _begin(self) -> None:
        """A beat's quarters begin alike but for their place in the bar, bars are like their neighbours, and chords and
        who plays are no small matters."""
        self.bars.weight.mul_(0.5)
        alike = self.up.weight[: len(self.up.weight) // PARTS]
        self.up.weight.copy_(alike.repeat(PARTS, 1))
        for layer, spread in ((self.plays, PRESENCE), (self.harmony, HARMONY)):
            layer.weight.normal_(std=spread / FAST * layer.in_features**-0.5)

    @torch.no_grad()
    def lean_on(self, patches: npt.NDArray[np.float32]) -> None:
        """Begin as dense as music is: biases from real `patches` (n, K, Q, O, P), so that in each quarter of a beat of
        the bar an untrained generator sounds each pitch of each track, and begins it on each step, as often as they do.

        The steps of a quarter of a beat share one bias for what sounds, else notes near their thresholds are torn.
        """
        bars = patches.reshape(len(patches), self.config.tracks, self.config.bars, -1, *patches.shape[3:])
        share = torch.from_numpy(bars.mean((0, 2), dtype=np.float64)).chunk(2, -1)
        whole = share[0].view(*share[0].shape[:-1], -1, OCTAVE).mean(-2, keepdim=True)
        sounding = whole.expand(-1, -1, -1, share[0].shape[-1] // OCTAVE, -1).flatten(3)
        rate = torch.cat([sounding, share[1] / share[0].clamp(min=1e-6)], -1).clamp(1e-4, 1 - 1e-4)
        spread = torch.tensor([(1 + PRESENCE**2 + HARMONY**2) ** 0.5, 1.0]).repeat_interleave(rate.shape[-1] // 2)
        self.out.lean.copy_(spread * torch.special.ndtri(rate))
