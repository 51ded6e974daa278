"""A network that learns: its weights, the rule that moves them, and their moving average."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .shards import as_parts, part, whole


class Average:
    """An exponential moving average of a network's weights (Polyak & Juditsky 1992)."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {k: v.detach().clone() for k, v in network.state_dict().items()}

    def update(self, network: nn.Module, step: int) -> None:
        """Move towards `network`; early on faster, so that the first weights are soon forgotten. All the way with
        decay 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        mine = [part(v) for v in self.weights.values()]
        torch._foreach_lerp_(mine, [part(v.detach()) for v in network.state_dict().values()], 1 - decay)

    def whole(self) -> dict[str, Tensor]:
        """All the weights; every process must ask."""
        return {k: whole(v) for k, v in self.weights.items()}


@dataclass
class Learner:
    """A network, its gradient rule, and where there is one the moving average of its weights."""

    network: nn.Module
    rule: torch.optim.Optimizer
    average: Average | None = None

    def descend(self, loss: Tensor, clip: float | None = None) -> None:
        """One step down the gradient of the scalar `loss`, whose norm is cut to `clip`."""
        self.rule.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), clip)
        self.rule.step()

    def tensors(self) -> dict[str, Tensor]:
        """All that a later process needs to go on, by name; every process must ask."""
        found = {f"weights/{k}": v for k, v in self.network.state_dict().items()}
        if self.average is not None:
            found |= {f"average/{k}": v for k, v in self.average.weights.items()}
        for name, weight in self.network.named_parameters():
            found |= {f"rule/{k}/{name}": v for k, v in self.rule.state.get(weight, {}).items()}
        return {k: whole(v.detach()).contiguous() for k, v in found.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` once returned."""
        here = self.network.state_dict()
        self.network.load_state_dict({k: as_parts(v, here[k]) for k, v in _under("weights/", tensors).items()})
        if self.average is not None:
            # in the network's order, which `update` relies on
            self.average.weights = {k: as_parts(tensors[f"average/{k}"], v) for k, v in self.average.weights.items()}
        weights = dict(self.network.named_parameters())
        for key, value in _under("rule/", tensors).items():
            kind, name = key.split("/", 1)
            # torch keeps the count of steps where the processor is
            self.rule.state[weights[name]][kind] = value if kind == "step" else as_parts(value, weights[name])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
