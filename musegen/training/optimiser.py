"""How weights are moved: AdamW's groups and the learning rate, for every model that is trained by gradients."""

from __future__ import annotations

import math

import torch
from torch import nn

from .settings import TrainSettings


def adamw(model: nn.Module, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW for `model`: matrices of linear layers, images' convolutions and recurrent cells decay, nothing else."""
    decayed = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    decayed |= {id(p) for n, p in model.named_parameters() if "cells.weight" in n}
    yes = [p for p in model.parameters() if id(p) in decayed]
    no = [p for p in model.parameters() if id(p) not in decayed]
    groups = [{"params": yes, "weight_decay": settings.weight_decay}, {"params": no, "weight_decay": 0.0}]
    # One pass over the weights instead of eight: a third of the time on a CPU; GPUs have as few by default.
    fused = all(p.device.type == "cpu" for p in model.parameters())
    return torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.98), fused=fused or None)


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
