"""Training the humaniser: the lecture's translator, L = reconstruction + η · adversarial.

    min_f max_D  E|f(l) − h|  +  η · E[log D(h | l) + log(1 − D(f(l, z) | l))]

l is what is written, h how a drummer played it, f the generator. What is compared with h is f(l), the best guess
without noise; what must fool D is f(l, z), a performance: noise may so spread what a distance alone draws together,
as where only the mean of the draws is compared (Ohayon et al. 2021, "High Perceptual Quality Image Denoising with a
Posterior Sampling CGAN"). η = 0 is plain regression, and noise moves nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..events.drums import ANY, DrumRows
from ..models.config import HumaniserConfig
from ..models.humaniser import LOUDNESS, MOMENT, Critic, DrumBatch, Humaniser, Noise
from .adversarial import Data, Game

if TYPE_CHECKING:
    from ..corpus.groove import Groove

STEPS = 96  # sixteenths of a window: six bars
MOST = 240  # notes of a window: what comes after them is cut
ANY_STROKE = 0.3  # how often a window only tells its drums, not where they are struck, as most written music
TRIPLETS = 0.5  # how often what is nearer to triplets is written in them
NO_TAG = 0.5  # how often a window hides whose and of what style it is, all of it; then, each tag of the others


class Translation(Game):
    """Windows of performances: the generator plays what is written, the discriminator sees both."""

    def __init__(self, grooves: list[Groove], tags: tuple[str, ...], config: HumaniserConfig) -> None:
        super().__init__(Humaniser(config), Critic(config))
        self.grooves, self.tags, self.config = grooves, tags, config
        self._ends = np.cumsum([len(g) for g in grooves])

    def noise(self, m: int) -> Tensor:
        """Numbers of each window, each of its 16ths and each of its notes: (m, 1 + STEPS + MOST, Z)."""
        return torch.randn(m, 1 + STEPS + MOST, self.config.noise)

    def data(self, m: int, rng: np.random.Generator) -> Data:
        """x (N, 2): the moments and velocities of all notes of m windows; known: a `DrumBatch`."""
        windows = [self._window(rng) for _ in range(m)]
        tags = torch.from_numpy(np.stack([tags for _, _, tags in windows]))
        played = torch.from_numpy(np.concatenate([x for _, x, _ in windows]))
        return Data(played, DrumBatch.of([rows for rows, _, _ in windows], tags, STEPS))

    def _window(self, rng: np.random.Generator) -> tuple[DrumRows, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """What is written, how it is played and by whom; every note is as likely to be seen as any other."""
        groove = self.grooves[int(np.searchsorted(self._ends, rng.integers(self._ends[-1]), side="right"))]
        if groove.triplets is not None and rng.random() < TRIPLETS:
            groove = groove.triplets
        step = groove.rows.step
        start = int(step[rng.integers(len(step))]) - int(rng.integers(STEPS))
        first, last = np.searchsorted(step, [start, start + STEPS])
        here = slice(int(first), min(int(last), int(first) + MOST))
        rows = groove.rows[here]
        half = 0.98 * rows.half_step
        moment = np.clip(groove.moment[here], -half, half)
        # a velocity is a whole number, which the discriminator must not know it by
        velocity = groove.velocity[here] + rng.uniform(-0.5, 0.5, len(rows))
        if rng.random() < ANY_STROKE:
            rows = replace(rows, stroke=np.full(len(rows), ANY))
        return rows, np.stack([moment, velocity], 1).astype(np.float32), self._shown(groove, rng)

    def _shown(self, groove: Groove, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """The tags of a performance, as far as they are told."""
        told = rng.random() >= NO_TAG
        return np.array([told and t in groove.tags and rng.random() >= NO_TAG for t in self.tags], np.float32)

    def make(self, z: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        """How the generator plays what is known: (N, 2)."""
        batch = DrumBatch(*known)
        return torch.stack(self.generator(batch, Noise.of(z, batch)), 1)

    def judge(self, x: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        """A logit for each note (N,)."""
        logits: Tensor = self.discriminator(DrumBatch(*known), x[:, 0], x[:, 1])
        return logits

    def distance(self, made: Tensor, data: Data) -> Tensor:
        """The mean absolute error of the best guess, in `MOMENT` and `LOUDNESS`, summed."""
        moment, velocity = self.generator(DrumBatch(*data.known))
        off = (moment - data.x[:, 0]).abs().mean() / MOMENT
        apart: Tensor = off + (velocity - data.x[:, 1]).abs().mean() / LOUDNESS
        return apart
