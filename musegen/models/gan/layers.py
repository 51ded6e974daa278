"""What both networks of the bar GAN are built from: per-track layers, and neurons that give 0 or 1.

Knows nothing of music.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOPE = 0.2  # of every leaky ReLU


class PerTrack(nn.Module):
    """A linear layer for each of K tracks: (B, K, N, inputs) → (B, K, N, outputs). No track sees another's."""

    def __init__(self, tracks: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.tracks = tracks
        self.weight = nn.Parameter(torch.randn(tracks * outputs, inputs) * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(tracks, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, K, N, inputs), or (B, 1, N, inputs) that all tracks share, → (B, K, N, outputs)."""
        each = self.weight.view(self.tracks, -1, self.weight.shape[1])
        return torch.matmul(x, each.transpose(1, 2)) + self.bias


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


def around(x: Tensor, dim: int) -> Tensor:
    """Each place of `x` with the one before and the one after it along `dim`, in the last dimension: (…, 3D)."""
    edge = torch.zeros_like(x.narrow(dim, 0, 1))
    before = torch.cat([edge, x.narrow(dim, 0, x.shape[dim] - 1)], dim)
    after = torch.cat([x.narrow(dim, 1, x.shape[dim] - 1), edge], dim)
    return torch.cat([before, x, after], -1)
