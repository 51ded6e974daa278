"""How likely whole pieces of frames are under a frame model, exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .frames import FrameModel
from .long_pieces import batches, cut

Frames = npt.NDArray[np.uint8]
Nats = npt.NDArray[np.float64]


def nats_of_frames(model: FrameModel, pieces: Sequence[Frames], batch_frames: int = 4096) -> list[Nats]:
    """−log P of every frame but the first of each piece (T, K): a list of (T-1,) arrays, in nats."""
    out = [np.zeros(max(0, len(p) - 1)) for p in pieces]
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for batch in batches(cut([len(p) for p in pieces], model.config.past.context), batch_frames):
            frames = pad([pieces[w.piece][w.start : w.end] for w in batch]).to(device)
            for w, values in zip(batch, model.nats(frames).cpu().numpy(), strict=True):
                first = w.counted_from - w.start - 1
                out[w.piece][w.counted_from - 1 : w.end - 1] = values[first : w.end - w.start - 1]
    model.train(was_training)
    return out


def pad(windows: Sequence[Frames]) -> Tensor:
    """Windows (T, K) of different lengths as one tensor (B, T, K) of float32, silence at their ends."""
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(w).float() for w in windows], batch_first=True)
