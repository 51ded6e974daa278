"""Where the latents of real phrases lie: a mixture of probabilistic principal components (Tipping & Bishop 1999).

A flow leaves thin bridges between kinds of music, on which the decoder has never been; a mixture has none. It is fitted
to what the encoder finds in the training music, each phrase belonging to one component (hard EM, which is k-means), and
is no weight that gradients move. B phrases, Z numbers in all latents, M components, R axes of each.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from . import form

COMPONENTS, AXES = 128, 16
TRUNCATED = 0.8  # of each component's standard deviations: nearer its middle, surer music (Brock et al. 2019)
ROUNDS = 25  # of k-means
Latents = npt.NDArray[np.float32]


class Mixture(nn.Module):
    """Normal noise (B, Z) to latents (B, Z) like those that it was fitted to."""

    until: Tensor
    mean: Tensor
    axes: Tensor
    scale: Tensor
    rest: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        r = min(AXES, numbers)
        self.register_buffer("until", torch.zeros(COMPONENTS))  # the shares of the components, added up
        self.register_buffer("mean", torch.zeros(COMPONENTS, numbers))
        self.register_buffer("axes", torch.zeros(COMPONENTS, r, numbers))  # of length 1
        self.register_buffer("scale", torch.zeros(COMPONENTS, r))  # standard deviations along them
        self.register_buffer("rest", torch.zeros(COMPONENTS, numbers))  # those of what is not along them

    @property
    def fitted(self) -> bool:
        """Whether there is anything to draw from."""
        return bool(self.until[-1] > 0)

    def forward(self, noise: Tensor) -> Tensor:
        """The latents (B, Z) of normal `noise`, of which two numbers choose the component by their angle."""
        turn = torch.from_numpy(form.turn_of(noise.cpu().numpy(), 1)).to(noise)
        which = torch.searchsorted(self.until, turn, right=True).clamp(max=COMPONENTS - 1)
        axes = self.axes[which]
        along = (axes @ noise[:, :, None])[:, :, 0]
        aside = noise - (along[:, None] @ axes)[:, 0]
        return self.mean[which] + ((self.scale[which] * along)[:, None] @ axes)[:, 0] + self.rest[which] * aside

    @torch.no_grad()
    def fit(self, means: Latents, spreads: Latents, seed: int) -> None:
        """Fit to phrases whose latents have `means` (n, Z) and standard deviations `spreads` (n, Z)."""
        label = clusters(means, COMPONENTS, np.random.default_rng(seed))
        count = np.bincount(label, minlength=COMPONENTS)
        self.until.copy_(torch.from_numpy(np.cumsum(count) / len(means)))
        for i in np.flatnonzero(count):
            mine, tell = means[label == i], (spreads[label == i] ** 2).mean(0)
            centre = mine.mean(0)
            _, size, axes = np.linalg.svd(mine - centre, full_matrices=False)
            r = min(len(size), self.axes.shape[1])
            along = axes[:r] * (size[:r, None] / np.sqrt(len(mine)))
            rest = ((mine - centre) ** 2).mean(0) - (along**2).sum(0)
            scale = np.sqrt((along**2).sum(1) + axes[:r] ** 2 @ tell)
            self.mean[i] = torch.from_numpy(centre)
            self.axes[i].zero_()[:r] = torch.from_numpy(axes[:r])
            self.scale[i].zero_()[:r] = torch.from_numpy(TRUNCATED * scale)
            self.rest[i] = torch.from_numpy(TRUNCATED * np.sqrt(np.maximum(rest, 0) + tell))


def clusters(points: Latents, number: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Which of at most `number` clusters each of `points` (n, Z) belongs to: k-means (Lloyd 1982), begun as k-means++
    does (Arthur & Vassilvitskii 2007)."""
    centres = points[generator.integers(len(points), size=1)]
    far = _apart(points, centres)[:, 0]
    while len(centres) < min(number, len(points)) and far.any():
        chosen = points[generator.choice(len(points), p=far / far.sum())][None]
        centres, far = np.concatenate([centres, chosen]), np.minimum(far, _apart(points, chosen)[:, 0])
    label = _apart(points, centres).argmin(1)
    for _ in range(ROUNDS):
        for i in np.unique(label):
            centres[i] = points[label == i].mean(0)
        label = _apart(points, centres).argmin(1)
    result: npt.NDArray[np.int64] = label.astype(np.int64)
    return result


def _apart(points: Latents, centres: Latents) -> npt.NDArray[np.float64]:
    """Squared distances (n, M)."""
    square: npt.NDArray[np.float64] = (
        (points**2).sum(1, dtype=np.float64)[:, None] + (centres**2).sum(1) - 2.0 * (points @ centres.T)
    )
    return np.maximum(square, 0)
