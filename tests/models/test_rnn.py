"""The plain recurrent family can be trained over hundreds of rows: gradients neither vanish nor explode."""

from __future__ import annotations

import pytest
import torch

from musegen.models.config import ModelConfig
from musegen.models.pasts import initialise, new_past


@pytest.mark.parametrize("seed", range(3))
def test_a_gradient_reaches_hundreds_of_rows_back(seed: int) -> None:
    torch.manual_seed(seed)
    past = new_past(ModelConfig(family="rnn", width=64, layers=1)).apply(initialise)
    inputs = torch.randn(1, 300, 64, requires_grad=True)
    out = past(inputs, torch.zeros(1, 300, 2, dtype=torch.long))
    (gradient,) = torch.autograd.grad((out[0, -1] * torch.randn(64)).sum(), inputs)
    size = gradient[0].norm(dim=-1)
    for back in (16, 100, 299):
        assert 1e-5 < size[-1 - back] / size[-1] < 1e2, f"{back} rows back: {float(size[-1 - back] / size[-1]):.1e}"
