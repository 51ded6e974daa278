"""What the networks of the bar GAN are built from: per-track layers, layers of beats, and neurons that give 0 or 1.

Knows nothing of music. B phrases, K tracks, N beats, W channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2  # of every leaky ReLU
EPSILON = 1e-5  # of every RMS normalisation


class PerTrack(nn.Module):
    """A linear layer for each of K tracks: (K, M, inputs) → (K, M, outputs). No track sees another's."""

    def __init__(self, tracks: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.tracks = tracks
        self.weight = nn.Parameter(torch.randn(tracks * outputs, inputs) * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(tracks, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(K, M, inputs) → (K, M, outputs)."""
        each = self.weight.view(self.tracks, -1, self.weight.shape[1])
        return torch.baddbmm(self.bias, x, each.transpose(1, 2))


class BeatLayer(nn.Module):
    """A residual layer of two convolutions: neighbours first, then the same beat of the bars beside."""

    def __init__(self, width: int, bar: int) -> None:
        super().__init__()
        self.bar = bar
        self.near, self.far = nn.Linear(3 * width, width), nn.Linear(3 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, W) → the same."""
        y = leaky(self.near(around(unit(x), 1)))
        result: Tensor = x + self.far(around(y, self.bar))
        return result


def leaky(x: Tensor) -> Tensor:
    """The leaky ReLU."""
    return F.leaky_relu(x, SLOPE)


def unit(x: Tensor) -> Tensor:
    """RMS normalisation over the channels of (…, W)."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPSILON)


def around(x: Tensor, reach: int) -> Tensor:
    """Each place of `x` (B, N, W) with those `reach` before and after it, in the last dimension: (B, N, 3W)."""
    edge = torch.zeros_like(x[:, :reach])
    before, after = torch.cat([edge, x[:, :-reach]], 1), torch.cat([x[:, reach:], edge], 1)
    return torch.cat([before, x, after], -1)


class _StraightThrough(torch.autograd.Function):
    """Forwards [σ(x) > threshold], backwards the slope of σ (Bengio et al. 2013; Dong & Yang 2018, section 3.2)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, threshold: Tensor | None) -> Tensor:
        """The second half of the last dimension is 1 only where the first is."""
        fired = (x > 0 if threshold is None else torch.sigmoid(x) > threshold).to(x.dtype)
        first, second = fired.chunk(2, -1)
        second *= first
        ctx.save_for_backward(x, first > 0)
        return fired

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None]:
        """As if each neuron had given σ(x), and what begins had no say in what sounds."""
        x, first = ctx.saved_tensors
        slope = torch.ops.aten.sigmoid_backward(grad[0], torch.sigmoid(x))
        slope.chunk(2, -1)[1].mul_(first)
        return slope, None


def binary(logits: Tensor, threshold: Tensor | None = None) -> Tensor:
    """0 or 1 for each of `logits` (…, 2P), with a gradient: 1 where σ(logit) exceeds `threshold` (None: one half).

    The first P say what sounds, the last what begins: only where it sounds. With thresholds drawn evenly from 0 … 1
    the neurons are stochastic: 1 with the chance σ(logit).
    """
    result: Tensor = _StraightThrough.apply(logits, threshold)  # type: ignore[no-untyped-call]
    return result
