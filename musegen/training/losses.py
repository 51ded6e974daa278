"""The four losses of adversarial training, and the gradient penalty.

A loss is a function of the discriminator's logits, with D = σ(logit). Given those of made and of real examples it is
what the discriminator ascends; given those of made examples alone, what the generator descends.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, relu

Loss = Callable[[Tensor, Tensor | None], Tensor]


def minimax(made: Tensor, real: Tensor | None = None) -> Tensor:
    """V(D, G) = E[log D(x)] + E[log(1 − D(G(z)))]; the generator descends its second term (Goodfellow et al. 2014,
    equation 1)."""
    caught = logsigmoid(-made).mean()
    return caught if real is None else logsigmoid(real).mean() + caught


def non_saturating(made: Tensor, real: Tensor | None = None) -> Tensor:
    """The discriminator's as in `minimax`; the generator descends −E[log D(G(z))], which is steep where it is caught
    (Goodfellow et al. 2014, section 3)."""
    return -logsigmoid(made).mean() if real is None else minimax(made, real)


def wgan_gp(made: Tensor, real: Tensor | None = None) -> Tensor:
    """E[C(x)] − E[C(G(z))] of a critic C that `gradient_penalty` keeps smooth (Gulrajani et al. 2017, equation 3)."""
    return -made.mean() if real is None else real.mean() - made.mean()


def hinge(made: Tensor, real: Tensor | None = None) -> Tensor:
    """−E[max(0, 1 − D(x))] − E[max(0, 1 + D(G(z)))] of logits; the generator descends −E[D(G(z))] (Lim & Ye 2017;
    Miyato et al. 2018, equations 16 and 17)."""
    return -made.mean() if real is None else -relu(1 - real).mean() - relu(1 + made).mean()


NAMED: dict[str, Loss] = {"minimax": minimax, "non-saturating": non_saturating, "wgan-gp": wgan_gp, "hinge": hinge}


def value(made: Tensor, real: Tensor) -> float:
    """V(D, G) in nats, at most 0; −log 4 at the equilibrium. Of a critic it is only a number."""
    return float(minimax(made.detach(), real.detach()))


def gradient_penalty(judge: Callable[[Tensor], Tensor], x: Tensor, norm: float) -> Tensor:
    """E[(‖∇ₓ D(x)‖ − norm)²] over `x` (m, …).

    Between real and made examples, `norm` 1: Gulrajani et al. 2017, equation 3. At real ones, `norm` 0: R1 (Mescheder
    et al. 2018, equation 9, without its factor γ/2).
    """
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(judge(x).sum(), x, create_graph=True)
    steep: Tensor = slope.flatten(1).norm(dim=1)
    return (steep - norm).square().mean()


def between(made: Tensor, real: Tensor) -> Tensor:
    """A point on the line between each made and real example (m, …), evenly drawn."""
    share = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    return torch.lerp(made.detach(), real, share)
