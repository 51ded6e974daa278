"""Where the bar GAN's latents come from: the flow and the mixture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from musegen.models.gan.flow import Flow
from musegen.models.gan.mixture import Mixture, clusters


def test_the_flow_goes_back_the_way_it_came_and_knows_its_density() -> None:
    torch.manual_seed(0)
    flow, known = Flow(6, 4, 16, 3).double(), torch.randn(1, 4).double()
    for layer in flow.layers:
        torch.nn.init.normal_(layer.last.weight, std=0.5)
    z = torch.randn(1, 6).double()
    latents = flow(z, known)
    assert not torch.allclose(latents, z) and not torch.allclose(flow(z, known + 1), latents)
    slopes = torch.autograd.functional.jacobian(lambda x: flow(x[None], known)[0], z[0])
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum()
    assert flow.nats(latents, known).item() == pytest.approx((torch.linalg.slogdet(slopes)[1] - normal).item())


def test_a_mixture_draws_where_it_was_fitted() -> None:
    """Two clouds far apart, one long along an axis: draws lie in one or the other, as long and as often."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2000, 6)).astype(np.float32)
    points[:1500, 0] += 30
    points[:1500, 1] *= 5
    mixture = Mixture(6)
    assert not mixture.fitted
    mixture.fit(points, np.zeros_like(points), 0)
    assert mixture.fitted
    drawn = mixture(torch.from_numpy(rng.standard_normal((4000, 6)).astype(np.float32))).numpy()
    first = drawn[:, 0] > 15
    assert first.mean() == pytest.approx(0.75, abs=0.03) and np.abs(drawn[:, 0] - 15).min() > 8
    assert drawn[first].std(0) == pytest.approx([1, 5, 1, 1, 1, 1], abs=0.5)
    doubtful = Mixture(6)
    doubtful.fit(points, np.full_like(points, 2.0), 0)
    assert doubtful(torch.from_numpy(rng.standard_normal((4000, 6)).astype(np.float32))).numpy()[:, 5].std() > 1.6


def test_clusters_are_found() -> None:
    rng = np.random.default_rng(0)
    points = np.repeat(rng.normal(size=(5, 3)) * 50, 20, 0) + rng.normal(size=(100, 3))
    label = clusters(points.astype(np.float32), 5, rng).reshape(5, 20)
    assert (label == label[:, :1]).all() and len(np.unique(label)) == 5
    assert len(np.unique(clusters(np.zeros((4, 3), np.float32), 8, rng))) == 1
