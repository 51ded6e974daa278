"""The gate: how far to trust each count in this place, and how to correct what they say together.

    logits = (1 + a) · log Σ_k share_k P_k  +  Σ_k b_k log P_k  +  c · scores

with shares (a softmax), a, b and c from the network's hidden units and from how often each context was seen: mixing by
a network in the manner of context mixing (Mahoney 2005, "Adaptive weighing of context models for lossless data
compression"), sums and products together. Knows counts as numbers, not what they are of.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .counting import TRUST
from .features import CHAINS

_STEP = 0.3  # what one unit of the outputs a and b is worth: the plain mixture is left slowly


class Gate(nn.Module):
    """Of one voice; `units` hidden ones."""

    mean: Tensor
    spread: Tensor

    def __init__(self, hidden: int, units: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(TRUST))
        self.register_buffer("spread", torch.ones(TRUST))
        self.trust = nn.Linear(TRUST + 2 * len(CHAINS), units)
        self.hidden = nn.Linear(hidden, units)
        self.middle = nn.Linear(units, units)
        self.out = nn.Linear(units, 2 * len(CHAINS) + 2)
        self.dropout = nn.Dropout(dropout)

    def start_plain(self) -> None:
        """Begin with equal shares, no correction and half the scores."""
        nn.init.zeros_(self.out.weight)
        self.hidden.weight.data.mul_(_STEP)

    def standardise(self, trust: Tensor) -> None:
        """See trust (N, TRUST) from now on in units of its spread."""
        self.mean.copy_(trust.mean(0))
        self.spread.copy_(trust.std(0) + 1e-3)

    def forward(self, hidden: Tensor, scores: Tensor, logs: Tensor, trust: Tensor) -> Tensor:
        """Logits (B, T, V) from `hidden` (B, T, H), the network's own `scores` (B, T, V), the chains' `logs`
        (B, T, chains, V), each a distribution, and their `trust` (B, T, TRUST)."""
        p = logs.exp()
        heights = torch.cat([(p * logs).sum(-1), p.amax(-1)], -1)
        seen = self.trust(torch.cat([(trust - self.mean) / self.spread, heights], -1))
        inner = self.dropout(F.relu(seen + self.hidden(hidden)))
        inner = self.dropout(F.relu(self.middle(inner)))
        shares, each, both, own = self.out(inner).split([len(CHAINS), len(CHAINS), 1, 1], -1)
        mixed = torch.logsumexp(shares.log_softmax(-1)[..., None] + logs, -2)
        product = torch.einsum("btk,btkv->btv", _STEP * each, logs)
        result: Tensor = mixed * (1 + _STEP * both) + product + own.sigmoid() * scores
        return result
