"""The four losses and the penalty, on logits and judges whose values and slopes are known by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from musegen.training.losses import NAMED, between, gradient_penalty, value
from musegen.training.settings import LOSSES

# D = 3/4 and 1/2 of two real examples, 1/4 and 4/5 of two made ones
REAL, MADE = (math.log(3), 0.0), (-math.log(3), math.log(4))
LOGS = (math.log(3 / 4) + math.log(1 / 2)) / 2 + (math.log(3 / 4) + math.log(1 / 5)) / 2


def logits() -> tuple[Tensor, Tensor]:
    return torch.tensor(REAL, requires_grad=True), torch.tensor(MADE, requires_grad=True)


@pytest.mark.parametrize(
    ("name", "ascended", "to_real", "to_made"),
    [
        ("minimax", LOGS, (1 / 8, 1 / 4), (-1 / 8, -2 / 5)),
        ("non-saturating", LOGS, (1 / 8, 1 / 4), (-1 / 8, -2 / 5)),
        ("wgan-gp", (math.log(3) - (-math.log(3) + math.log(4))) / 2, (1 / 2, 1 / 2), (-1 / 2, -1 / 2)),
        # 1 − log 3 < 0 and 1 − log 3 < 0: those two are beyond the margin and are left in peace
        ("hinge", -(0 + 1) / 2 - (0 + 1 + math.log(4)) / 2, (0, 1 / 2), (0, -1 / 2)),
    ],
)
def test_what_the_discriminator_ascends(
    name: str, ascended: float, to_real: tuple[float, ...], to_made: tuple[float, ...]
) -> None:
    real, made = logits()
    found = NAMED[name](made, real)
    found.backward()
    assert found.item() == pytest.approx(ascended, abs=1e-6)
    assert real.grad is not None and real.grad.tolist() == pytest.approx(to_real, abs=1e-6)
    assert made.grad is not None and made.grad.tolist() == pytest.approx(to_made, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "descended", "slopes"),
    [
        ("minimax", (math.log(3 / 4) + math.log(1 / 5)) / 2, (-1 / 8, -2 / 5)),
        ("non-saturating", -(math.log(1 / 4) + math.log(4 / 5)) / 2, (-3 / 8, -1 / 10)),
        ("wgan-gp", -(-math.log(3) + math.log(4)) / 2, (-1 / 2, -1 / 2)),
        ("hinge", -(-math.log(3) + math.log(4)) / 2, (-1 / 2, -1 / 2)),
    ],
)
def test_what_the_generator_descends(name: str, descended: float, slopes: tuple[float, ...]) -> None:
    _, made = logits()
    found = NAMED[name](made, None)
    found.backward()
    assert found.item() == pytest.approx(descended, abs=1e-6)
    assert made.grad is not None and made.grad.tolist() == pytest.approx(slopes, abs=1e-6)


def test_a_caught_generator_is_still_moved_unless_it_saturates() -> None:
    slopes = {}
    for name in ("minimax", "non-saturating"):
        caught = torch.tensor([-12.0], requires_grad=True)
        NAMED[name](caught, None).backward()
        slopes[name] = abs(caught.grad.item())  # type: ignore[union-attr]
    assert slopes["minimax"] < 1e-5 < 0.99 < slopes["non-saturating"]


def test_the_value_at_the_equilibrium_is_minus_log_4() -> None:
    assert value(torch.zeros(5), torch.zeros(3)) == pytest.approx(-math.log(4))
    assert value(*reversed(logits())) == pytest.approx(LOGS)
    assert value(torch.tensor([-200.0]), torch.tensor([200.0])) == 0, "finite however sure D is"


def test_the_settings_know_the_losses() -> None:
    assert tuple(NAMED) == LOSSES


def test_the_penalty_of_a_plane_is_its_slope() -> None:
    weight = torch.tensor([3.0, 4.0], requires_grad=True)  # ‖∇D‖ = 5 everywhere
    x = torch.randn(6, 2)
    to_one = gradient_penalty(lambda x: x @ weight, x, 1.0)
    assert to_one.item() == pytest.approx(16)
    to_one.backward()
    assert weight.grad is not None and weight.grad.tolist() == pytest.approx([8 * 3 / 5, 8 * 4 / 5])
    assert gradient_penalty(lambda x: x @ weight, x, 0.0).item() == pytest.approx(25)


def test_the_penalty_of_a_curve_is_of_each_example() -> None:
    x = torch.tensor([[[1.0, 0.0]], [[0.0, -2.0]]])  # D = ‖x‖²/2 has the slope x
    assert gradient_penalty(lambda x: x.square().sum((1, 2)) / 2, x, 1.0).item() == pytest.approx((0 + 1) / 2)
    assert gradient_penalty(lambda x: x.square().sum((1, 2)) / 2, x, 0.0).item() == pytest.approx((1 + 4) / 2)


def test_a_flat_discriminator_has_a_penalty_with_a_slope() -> None:
    weight = torch.zeros(2, requires_grad=True)
    gradient_penalty(lambda x: x @ weight, torch.randn(3, 2), 0.0).backward()
    assert weight.grad is not None and weight.grad.isfinite().all()


def test_points_between_lie_on_the_lines() -> None:
    torch.manual_seed(0)
    made, real = torch.zeros(500, 2, 3), torch.ones(500, 2, 3)
    found = between(made, real)
    assert (found == found[:, :1, :1]).all(), "one share an example"
    assert 0.45 < found.mean() < 0.55 and found.min() < 0.05 and found.max() > 0.95
