"""How likely whole images are under a PixelCNN, exactly, however long they are; and how surprising each row is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .base import load_weights
from .config import RollConfig
from .images import Image, of_keys
from .pixelcnn import PixelCNN

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint

CHUNK = 512  # rows scored at once

Nats = npt.NDArray[np.float64]


def model_of(checkpoint: Checkpoint) -> PixelCNN:
    """The checkpoint's network, ready to evaluate. Raises CheckpointError where it is none of ours."""
    model = PixelCNN(checkpoint.shape(RollConfig))
    load_weights(model, checkpoint)
    return model.eval()


def nats_of_cells(model: PixelCNN, image: Image) -> Iterator[tuple[slice, Tensor]]:
    """−log P of the cells (t, P, K) of each stretch of rows of an image, exactly however long it is."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    for start in range(0, len(image.cells), CHUNK):
        stretch = slice(max(0, start - model.rows_seen), start + CHUNK)
        with torch.no_grad():
            cells, place = (torch.from_numpy(a[stretch].copy()).to(device)[None] for a in image[:2])
            nats = model.nats(cells, place)[0, start - stretch.start :]
        yield slice(start, start + CHUNK), nats.float().cpu()
    model.train(was_training)


def nats_of_frames(model: PixelCNN, images: Sequence[Image]) -> list[Nats]:
    """−log P of every row of each image given those before: a list of (T,), in nats."""
    return [np.concatenate([n.double().sum((1, 2)).numpy() for _, n in nats_of_cells(model, i)]) for i in images]


def nats_of_voices(model: PixelCNN, image: Image) -> Nats:
    """−log P of every voice in every row, (T, K): how the frame's nats divide among the tracks."""
    return np.concatenate([n.double().sum(1).numpy() for _, n in nats_of_cells(model, image)])


OUTSIDE = 1e-6
"""P(a key sounds that the model does not have): a constant, so that the figure is of all keys."""


def nats_of_keys(model: PixelCNN, pieces: Sequence[npt.NDArray[np.uint8]], lowest: int = 21) -> list[Nats]:
    """−log P of every frame (T, N keys) of each piece, all keys counted: a list of (T,), in nats."""
    config = model.config
    pitches = np.arange(lowest, lowest + pieces[0].shape[1]) if len(pieces) else np.arange(0)
    missing = (pitches < config.low) | (pitches >= config.low + config.pitches)
    inside = nats_of_frames(model, [of_keys(keys, config, lowest) for keys in pieces])
    sounding = [keys[:, missing].sum(1, dtype=np.int64) for keys in pieces]
    extra = [-n * np.log(OUTSIDE) - (missing.sum() - n) * np.log1p(-OUTSIDE) for n in sounding]
    return [a + b for a, b in zip(inside, extra, strict=True)]


def summary(nats: Sequence[Nats], images: Sequence[Image]) -> dict[str, float]:
    """Nats per note (`total`), per frame, and per frame but each piece's first; how many notes and frames."""
    whole, notes, frames = sum(float(n.sum()) for n in nats), sum(i.notes for i in images), sum(map(len, nats))
    later = whole - sum(float(n[0]) for n in nats if len(n))
    per_later = later / max(1, frames - len(nats))
    return {
        "total": whole / max(1, notes),
        "frame": whole / max(1, frames),
        "later_frame": per_later,
        "notes": notes,
        "frames": frames,
    }
