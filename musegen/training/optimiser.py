"""How weights are moved: the rule and its rate, for every model that is trained by its likelihood."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from .settings import TrainSettings
from .shards import as_parts, whole

HIDDEN = ("past.", "head.hidden.")
"""Where the matrices stand that Muon turns: neither tables, nor what reads features or gives logits."""
_QUINTIC = (3.4445, -4.7750, 2.0315)


def rule_of(model: nn.Module, settings: TrainSettings) -> torch.optim.AdamW:
    """The rule that `settings` name, for `model`.

    Matrices of linear layers, images' convolutions and recurrent cells decay, nothing else.
    """
    decayed = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    decayed |= {id(p) for n, p in model.named_parameters() if "cells.weight" in n}
    turned = {id(p) for n, p in model.named_parameters() if p.ndim == 2 and n.startswith(HIDDEN)}
    if settings.rule != "muon":
        turned = set()
    groups: list[dict[str, Any]] = [
        {"params": [], "weight_decay": settings.weight_decay * d, "turned": t} for d in (1, 0) for t in (False, True)
    ]
    for p in model.parameters():
        groups[2 * (id(p) not in decayed) + (id(p) in turned)]["params"].append(p)
    # One pass over the weights instead of eight: a third of the time on a CPU; GPUs have as few by default.
    fused = all(p.device.type == "cpu" for p in model.parameters())
    kind = Muon if settings.rule == "muon" else torch.optim.AdamW
    return kind([g for g in groups if g["params"]], lr=settings.rate, betas=(0.9, 0.98), fused=fused or None)


class Muon(torch.optim.AdamW):
    """AdamW, but for the groups that are `turned`, which hold matrices only: they move by their momentum with all its
    singular values near 1 (Jordan et al. 2024, Muon), scaled so that AdamW's rate fits both (Liu et al. 2025).

    torch has the rule too, in bfloat16 alone, which took twice as long on a CPU.
    """

    momentum = 0.95

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Move all weights by their gradients."""
        found = None if closure is None else closure()
        for group in self.param_groups:
            for weight in group["params"] if group["turned"] else ():
                if weight.grad is not None:
                    self._move(weight, weight.grad, group["lr"], group["weight_decay"])
                    weight.grad = None  # AdamW leaves what has none
        super().step()
        return found

    def _move(self, weight: Tensor, slope: Tensor, rate: float, decay: float) -> None:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(slope, 1 - self.momentum)
        ahead = whole(slope.lerp(state["momentum"], self.momentum))  # Nesterov's
        weight.mul_(1 - rate * decay)
        weight.sub_(as_parts(turned(ahead), weight), alpha=rate * 0.2 * max(weight.shape) ** 0.5)


def turned(matrix: Tensor) -> Tensor:
    """`matrix` with its singular values brought near 1, by five steps of a Newton–Schulz iteration."""
    a, b, c = _QUINTIC
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def set_rate(opt: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step move by `rate`."""
    for group in opt.param_groups:
        group["lr"] = rate


def rate_at(step: int, steps: int, settings: TrainSettings) -> float:
    """The rate of step `step` of `steps`: linear warm-up, then half a cosine to a twentieth of the peak (Loshchilov &
    Hutter 2017)."""
    if step < settings.warm_up:
        return settings.rate * (step + 1) / settings.warm_up
    done = (step - settings.warm_up) / max(1, steps - settings.warm_up)
    return settings.rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
