"""Any family through torch: the reference, and the way to play a family that has no engine of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..checkpoint import Checkpoint
from ..events.derived import ModelRows
from ..models.base import build, load_weights
from ..models.config import ModelConfig
from .base import Floats


class TorchEngine:
    """Wraps a `SequenceModel`; batch-1 decoding is fastest on one thread, which is the caller's choice."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config, self.styles = checkpoint.shape(ModelConfig), checkpoint.styles
        self.order = self.config.drawn
        self.model = build(self.config).eval()
        load_weights(self.model, checkpoint)
        self.memory = self.config.context if self.config.family == "transformer" else None

    @torch.inference_mode()
    def situation(self, rows: ModelRows) -> Floats:
        return _numpy(self.model.situation(torch.from_numpy(rows)))

    @torch.inference_mode()
    def contexts(self, rows: ModelRows) -> Floats:
        return _numpy(self.model(torch.from_numpy(rows)))

    @torch.inference_mode()
    def start(self, rows: ModelRows) -> tuple[Floats, Any]:
        state = self.model.start(len(rows))
        for t in range(rows.shape[1]):
            context, state = self.model.advance(torch.from_numpy(rows[:, t]), state)
        return _numpy(context), state

    @torch.inference_mode()
    def advance(self, rows: ModelRows, state: Any, situation: Floats | None = None) -> tuple[Floats, Any]:
        context, state = self.model.advance(torch.from_numpy(rows), state)
        return _numpy(context), state

    @torch.inference_mode()
    def logits(self, attribute: int, context: Floats, target: ModelRows, situation: Floats | None) -> Floats:
        known = None if situation is None else torch.from_numpy(situation)
        return _numpy(self.model.head.logits(attribute, torch.from_numpy(context), torch.from_numpy(target), known))


def _numpy(tensor: torch.Tensor) -> Floats:
    array: np.ndarray = tensor.float().numpy()
    return array
