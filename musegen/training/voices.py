"""Training of a model of voices: maximum likelihood by teacher forcing, whole pieces, every key.

What is expected of the training pieces is counted without themselves, so the gates learn to trust the counts as far as
they are right about pieces that are new. There is no early stopping: a run is so many passes, and the moving average of
the weights at the end is the model; the pieces that are reported choose nothing in it. How it goes on is `steps`.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..models.voices import batches
from ..models.voices.counting import Expected
from ..models.voices.features import VOICES, Cells
from ..models.voices.gate import Gate
from ..models.voices.network import VoicesConfig, VoicesModel
from .device import machine
from .progress import Progress
from .settings import TrainSettings
from .steps import Passes, Report

_NOTE = 4.6  # cells: the loss is scaled to nats a note, which the rates of the other models are made for


def train_voices(
    pieces: Sequence[Cells],
    expected: Sequence[Sequence[Expected]],
    config: VoicesConfig,
    settings: TrainSettings,
    folder: Path,
    report: Report = lambda record: None,
) -> tuple[VoicesModel, Progress]:
    """A model of `pieces` (T, 4), and how far it came: trained in `folder`, going on from there if it was begun.

    `expected` is what the counts of the other pieces expect of each; none where the model has no counts.

    Of `settings` it reads epochs, batch_rows (frames a step), rate, warm_up, weight_decay, clip, average, transpose,
    seed and device. `report` is called with a record an epoch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    with machine(settings) as here:
        model = VoicesModel(config).to(here.device)
        for voice, gate in enumerate(model.gates):
            assert isinstance(gate, Gate)
            gate.standardise(torch.cat([torch.from_numpy(e[voice].trust).float() for e in expected]))
        data = hashlib.sha256(b"".join(p.tobytes() for p in pieces)).hexdigest()[:16]
        identity = {"model": dataclasses.asdict(config), "pieces": data}
        run = _Run(model, settings, folder, here, identity, report)
        run.pieces, run.expected = pieces, expected
        run.go()
        model.load_state_dict(run.average.weights)
    return model.eval(), run.progress


Batch = tuple[list[int], list[int]]
"""Numbers of pieces, and the semitones by which each is moved."""


class _Run(Passes[Batch]):
    model: VoicesModel
    pieces: Sequence[Cells]
    expected: Sequence[Sequence[Expected]]

    def batches(self, epoch: int) -> list[Batch]:
        """Pieces of like length, each in a key of its own."""
        found = _batches(self.pieces, self.settings, epoch)
        self.expect(len(found))
        return found

    def learn(self, batch: Batch) -> dict[str, Any]:
        """One step; finds the nats of the cells, and how many there were."""
        model, device = self.model, self.here.device
        which, keys = batch
        cells, real = batches.pad([batches.transposed(self.pieces[i], key) for i, key in zip(which, keys, strict=True)])
        weighed = batches.weighed([self.expected[i] for i in which], keys) if model.config.counts else ()
        nats = model.nats(cells.to(device), [(a.to(device), b.to(device)) for a, b in weighed])
        total = (nats * real.to(device)[..., None]).sum()
        count = VOICES * int(real.sum())
        self.descend(total * (_NOTE / count))
        return {"nats": float(total.detach()), "count": count}


def _batches(pieces: Sequence[Cells], settings: TrainSettings, epoch: int) -> list[Batch]:
    rng = np.random.default_rng((settings.seed, epoch))
    keys = [batches.semitones(p, settings.transpose, rng) for p in pieces]
    near = [len(p) * rng.uniform(0.85, 1.15) for p in pieces]
    found: list[list[int]] = [[]]
    for i in np.argsort(near).tolist():
        if found[-1] and (len(found[-1]) + 1) * len(pieces[i]) > settings.batch_rows:
            found.append([])
        found[-1].append(i)
    return [(found[b], [keys[i] for i in found[b]]) for b in rng.permutation(len(found))]
