"""A small model of any family, and a tune for it."""

from __future__ import annotations

import numpy as np
import torch

from musegen.events import derived
from musegen.events.codec import EventCodec
from musegen.models.base import SequenceModel, build
from musegen.models.config import ModelConfig
from musegen.piece import DRUMS, Note, Piece

SMALL = {"width": 48, "layers": 2, "heads": 2, "head_width": 48, "slot_width": 16, "context": 40, "dropout": 0.0}


def small(family: str, **switches: object) -> SequenceModel:
    torch.manual_seed(1)
    return build(ModelConfig(family=family, **{**SMALL, **switches})).eval()  # type: ignore[arg-type]


def tune(n: int = 24, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    notes = [
        Note(i * 12, int(rng.integers(6, 40)), int(rng.integers(50, 80)), 82, (0, 0, 32, DRUMS)[i % 4], i % 4)
        for i in range(n)
    ]
    piece = Piece.from_notes(notes)
    return derived.derive(EventCodec().encode(piece).rows, piece.meters)


def tensor(*rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(rows))
