"""The two ways to train on a sequence, and that they are one.

*Pairs*: store every prefix x_1 … x_t with its next event as an example
of its own, and run the network over each. *Shifted*: run it once over the whole sequence, and predict at every row
the next one, which is the same sequence shifted by one. A causal network sees the same past in both, so losses and
gradients are equal; but pairs run it over T(T+1)/2 rows instead of T. `benchmarks/pairs.py` measures by how much that
is slower; training here (`loop`) is always shifted.
"""

from __future__ import annotations

from torch import Tensor

from ..models.base import SequenceModel


def shifted_loss(model: SequenceModel, rows: Tensor) -> Tensor:
    """−log P of rows 1 … T-1 of `rows` (B, T, WIDTH), summed, in nats: one pass."""
    return model.nats(rows).sum()


def pairs(rows: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Every prefix of `rows` (B, T, WIDTH) with the row after it: T-1 pairs of (B, t, WIDTH) and (B, 1, WIDTH)."""
    return [(rows[:, :t], rows[:, t : t + 1]) for t in range(1, rows.shape[1])]


def pair_loss(model: SequenceModel, prefix: Tensor, target: Tensor) -> Tensor:
    """−log P of `target` (B, 1, WIDTH) after `prefix` (B, t, WIDTH), summed, in nats: one pass over the prefix."""
    context = model(prefix)[:, -1:]
    return model.head.nats(context, target, model.situation(target)).sum()


def pairs_loss(model: SequenceModel, rows: Tensor) -> Tensor:
    """The sum of `pair_loss` over all pairs of `rows` (B, T, WIDTH): T-1 passes."""
    losses = [pair_loss(model, prefix, target) for prefix, target in pairs(rows)]
    return sum(losses, rows.new_zeros(()).float())
