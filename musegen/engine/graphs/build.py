"""A checkpoint as `player.onnx`: the step's graph, and in its metadata the head's, and whose weights they are."""

from __future__ import annotations

import base64

import numpy as np

from ...checkpoint import Checkpoint
from ...models.config import ModelConfig
from .head import build_head
from .pasts import build_step


def build(checkpoint: Checkpoint, bits: int = 8) -> bytes:
    """The contents of player.onnx, its numbers in 8 or 32 `bits`. Raises CheckpointError for another kind of model."""
    config = checkpoint.shape(ModelConfig)
    weights = {name: np.asarray(w, np.float32) for name, w in checkpoint.weights.items()}  # kept in half precision
    head = build_head(config, weights, bits, {})
    about = {"weights": checkpoint.digest(), "bits": str(bits), "head": base64.b64encode(head).decode()}
    return build_step(config, weights, bits, about)
