"""The fused formulas are their plain ones, and so are their gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from musegen.models import fused


def same(one: Callable[..., Tensor], other: Callable[..., Tensor], *inputs: Tensor) -> None:
    """Assert that both give the same values, and the same slopes of every input that can have one."""
    found = []
    for call in (one, other):
        fresh = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
        out = call(*fresh)
        weights = torch.linspace(-1, 1, out.numel()).view(out.shape)
        found.append([out, *torch.autograd.grad((out * weights).sum(), fresh)])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def plain_rotation(x: Tensor, turn: fused.Turn) -> Tensor:
    """The formula of Su et al. 2021."""
    a, b = x.chunk(2, -1)
    cos, sin = (t[:, None] for t in turn)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def test_a_rotation_and_its_gradient() -> None:
    torch.manual_seed(0)
    angle = torch.randn(2, 5, 3)
    turn = angle.cos(), angle.sin()
    x = torch.randn(2, 5, 4, 6).transpose(1, 2)  # as `Block.project` hands it over: not contiguous
    same(lambda x: fused.rotate(x, turn), lambda x: plain_rotation(x, turn), x)


def test_a_squared_relu_and_its_gradient() -> None:
    torch.manual_seed(0)
    same(fused.squared_relu, lambda x: F.relu(x).square(), torch.randn(7, 9))


def test_a_norm_and_the_gradients_of_input_and_weight() -> None:
    torch.manual_seed(0)
    norm = fused.RMSNorm(8, eps=1e-5)

    def call(x: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(norm, {"weight": weight}, (x,))  # type: ignore[no-any-return]

    def plain(x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, (8,), weight, 1e-5)

    same(call, plain, torch.randn(2, 3, 8), torch.randn(8))
    same(call, plain, torch.full((2, 8), 1e-4), torch.randn(8))  # ε counts here


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_attention_is_that_of_torch_and_sees_no_future(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 6, 4).to(dtype) for _ in "qkv")
    wanted = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    found = fused.attend(q, k, v, None)
    assert found.dtype == dtype
    torch.testing.assert_close(found, wanted, rtol=2e-2, atol=2e-2)
    later = v.clone()
    later[:, :, 4:] = 9.0
    assert torch.equal(fused.attend(q, k, later, None)[:, :, :4], found[:, :, :4])


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    x = torch.ones(1001, 333)
    out = fused.dropout(x, 0.3, training=True)
    assert (out == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)
    assert out.mean().item() == pytest.approx(1.0, abs=0.01)
    assert torch.allclose(out[out != 0], torch.tensor(1 / 0.7))
    columns = (out.flatten()[:333_332].view(-1, 4) == 0).float().mean(0)  # the four that share a number
    assert torch.allclose(columns, torch.tensor(0.3), atol=0.01)
    assert not torch.equal(out, fused.dropout(x, 0.3, training=True))
    assert fused.dropout(x, 0.3, training=False) is x
    torch.manual_seed(0)
    assert torch.equal(out, fused.dropout(x, 0.3, training=True)), "a function of the seed"


def test_the_gradient_of_dropout_is_what_was_kept() -> None:
    x = torch.randn(64, 64, requires_grad=True)
    out = fused.dropout(x, 0.5, training=True)
    (slope,) = torch.autograd.grad(out.sum(), x)
    assert torch.equal(slope == 0, out == 0)
    assert torch.allclose(slope[slope != 0], torch.tensor(2.0))
