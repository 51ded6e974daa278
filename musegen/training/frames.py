"""Training of frame models: maximum likelihood by teacher forcing, on windows of frames in all keys.

There is no early stopping: a run is so many passes over its pieces, and the moving average at the end is the model.
So a run chooses nothing on the pieces that are reported. How it goes on is `steps`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..models.frame_likelihood import Frames, pad
from ..models.frames import FrameConfig, FrameModel
from .device import machine
from .progress import Progress
from .settings import TrainSettings
from .steps import Passes, Report


def train_frames(
    pieces: Sequence[Frames],
    config: FrameConfig,
    settings: TrainSettings,
    folder: Path,
    report: Report = lambda record: None,
) -> tuple[FrameModel, Progress]:
    """A model of `pieces` (T, K), trained in `folder`, going on from there if it was begun; and how far it came.

    Of `settings` it reads epochs, batch_rows (frames a step), rate, warm_up, weight_decay, clip, average, transpose,
    seed and device. `report` is called with a record an epoch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    with machine(settings) as here:
        model = FrameModel(config).to(here.device)
        data = hashlib.sha256(b"".join(np.packbits(p).tobytes() for p in pieces)).hexdigest()[:16]
        identity = {"model": dataclasses.asdict(config), "pieces": data}
        run = _Run(model, settings, folder, here, identity, report)
        run.pieces = pieces
        run.go()
        model.load_state_dict(run.average.weights)
    return model.eval(), run.progress


class _Run(Passes[list[Frames]]):
    pieces: Sequence[Frames]
    model: FrameModel

    def batches(self, epoch: int) -> list[list[Frames]]:
        """Those of `epoch_of`."""
        batches = epoch_of(self.pieces, self.model.config.past.context, self.settings, epoch)
        self.expect(len(batches))
        return batches

    def learn(self, batch: list[Frames]) -> dict[str, Any]:
        """One step; finds the nats of the frames, and how many there were."""
        device, scored = self.here.device, sum(len(w) - 1 for w in batch)
        nats = (self.model.nats(pad(batch).to(device)) * _real(batch).to(device)).sum()
        self.descend(nats / scored)
        return {"nats": float(nats.detach()), "count": scored}


def epoch_of(pieces: Sequence[Frames], context: int, settings: TrainSettings, epoch: int) -> list[list[Frames]]:
    """The batches of an epoch: windows of at most `context` + 1 frames, of like length, each in a key of its own.

    A piece longer than that is cut at another place every time.
    """
    rng = np.random.default_rng((settings.seed, epoch))
    windows = [w for p in pieces for w in _windows(p, context, rng)]
    windows = [_transposed(w, settings.transpose, rng) for w in windows]
    near = np.array([len(w) for w in windows]) + rng.uniform(0, 8, len(windows))  # like lengths, another mixture
    batches: list[list[Frames]] = [[]]
    for i in np.argsort(near):
        if batches[-1] and (len(batches[-1]) + 1) * len(windows[i]) > settings.batch_rows:
            batches.append([])
        batches[-1].append(windows[i])
    return [batches[i] for i in rng.permutation(len(batches))]


def _windows(piece: Frames, context: int, rng: np.random.Generator) -> list[Frames]:
    if len(piece) <= context + 1:
        return [piece]
    first = int(rng.integers(1, context + 1))
    edges = [0, *range(first, len(piece) - 1, context), len(piece) - 1]
    # The frame at an edge is scored in one window and the first of the next.
    return [piece[a : b + 1] for a, b in itertools.pairwise(edges)]


def _transposed(frames: Frames, most: int, rng: np.random.Generator) -> Frames:
    used = np.flatnonzero(frames.any(0))
    low, high = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
    down, up = min(most, low), min(most, frames.shape[1] - 1 - high)
    return np.roll(frames, int(rng.integers(-down, up + 1)), 1)


def _real(batch: list[Frames]) -> Tensor:
    """1 where `nats` of a padded batch are of real frames: (B, T-1)."""
    lengths = torch.tensor([len(w) - 1 for w in batch])
    return (torch.arange(int(lengths.max())) < lengths[:, None]).float()
