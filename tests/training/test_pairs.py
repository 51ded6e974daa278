"""Stored prefix pairs and the shifted sequence: the same loss and the same gradient, for every family."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from musegen.models.base import SequenceModel
from musegen.models.pasts import FAMILIES
from musegen.training.pairs import pairs, pairs_loss, shifted_loss

from ..models.small import small, tensor, tune


def gradient(model: SequenceModel, loss: Tensor) -> Tensor:
    """Of all weights in one vector."""
    weights = list(model.parameters())
    parts = torch.autograd.grad(loss, weights, allow_unused=True)
    return torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for w, g in zip(weights, parts, strict=True)])


@pytest.mark.parametrize("family", FAMILIES)
def test_both_give_the_same_gradient(family: str) -> None:
    model, rows = small(family), tensor(tune(), tune(seed=5))
    one, many = shifted_loss(model, rows), pairs_loss(model, rows)
    torch.testing.assert_close(one, many, rtol=1e-6, atol=0)
    a, b = gradient(model, one), gradient(model, many)
    assert float((a - b).norm() / a.norm()) < 1e-5 and float(a.norm()) > 1


def test_pairs_are_every_prefix_with_its_next_row() -> None:
    rows = tensor(tune())
    found = pairs(rows)
    assert len(found) == rows.shape[1] - 1
    for t, (prefix, target) in enumerate(found, 1):
        assert prefix.shape[1] == t and torch.equal(torch.cat([prefix, target], 1), rows[:, : t + 1])
