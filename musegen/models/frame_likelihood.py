"""How likely whole pieces of frames are under a frame model, exactly; and by the mean of its views in several keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .frames import FrameModel, key_nats
from .long_pieces import batches, cut

Frames = npt.NDArray[np.uint8]
Nats = npt.NDArray[np.float64]
_SMALLEST = 1e-7  # a mean of probabilities is kept this far from 0 and 1, as float32 would lose its log


def nats_of_frames(
    model: FrameModel, pieces: Sequence[Frames], shifts: Sequence[int] = (0,), batch_frames: int = 4096
) -> list[Nats]:
    """−log P of every frame but the first of each piece (T, K): a list of (T-1,) arrays, in nats.

    With several `shifts` (semitones) the piece is heard in each of those keys and every key's probability is the
    mean of what is found there: the outputs stay of their class. What would fall off either end is not heard.
    """
    out = [np.zeros(max(0, len(p) - 1)) for p in pieces]
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for batch in batches(cut([len(p) for p in pieces], model.config.past.context), batch_frames):
            frames = pad([pieces[w.piece][w.start : w.end] for w in batch]).to(device)
            for w, values in zip(batch, _nats(model, frames, shifts).cpu().numpy(), strict=True):
                first = w.counted_from - w.start - 1
                out[w.piece][w.counted_from - 1 : w.end - 1] = values[first : w.end - w.start - 1]
    model.train(was_training)
    return out


def pad(windows: Sequence[Frames]) -> Tensor:
    """Windows (T, K) of different lengths as one tensor (B, T, K) of float32, silence at their ends."""
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(w).float() for w in windows], batch_first=True)


def shifted(frames: Tensor, by: int) -> Tensor:
    """`frames` (…, K) moved up by so many keys; nothing comes in from the other end."""
    moved = frames.roll(by, -1)
    if by:
        moved[..., slice(0, by) if by > 0 else slice(by, None)] = 0
    return moved


def _nats(model: FrameModel, frames: Tensor, shifts: Sequence[int]) -> Tensor:
    if tuple(shifts) == (0,):
        return model.nats(frames)
    down = sum(shifted(model.logits(shifted(frames, by)).sigmoid(), -by) for by in shifts)
    mean = torch.as_tensor(down / len(shifts)).clamp(_SMALLEST, 1 - _SMALLEST)
    return key_nats(mean.logit(), frames[:, 1:])
