"""Training of a model of voices: maximum likelihood by teacher forcing, whole pieces, every key.

What is expected of the training pieces is counted without themselves, so the gates learn to trust the counts as far as
they are right about pieces that are new. There is no early stopping: a run is so many passes, and the moving average of
the weights at the end is the model; the pieces that are reported choose nothing in it. Batches are a function of
(seed, epoch), dropout of (seed, step); a killed run goes on from its last epoch with the same numbers.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..models.voices import batches
from ..models.voices.counting import Expected
from ..models.voices.features import VOICES, Cells
from ..models.voices.gate import Gate
from ..models.voices.network import VoicesConfig, VoicesModel
from .device import machine
from .optimiser import adamw, rate_at, set_rate
from .progress import Average, Progress, restore, save
from .settings import TrainSettings

Report = Callable[[dict[str, Any]], None]
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
        average, opt = Average(model, settings.average), adamw(model, settings)
        data = hashlib.sha256(b"".join(p.tobytes() for p in pieces)).hexdigest()[:16]
        run = {"model": dataclasses.asdict(config), "settings": dataclasses.asdict(settings), "pieces": data}
        progress = restore(folder, run, model, average, opt)
        last = max(1, round(settings.epochs))
        started = time.monotonic() - progress.seconds
        while progress.epoch < last:
            epoch = _batches(pieces, settings, progress.epoch)
            steps = last * len(epoch) if not progress.epoch else progress.step * last // progress.epoch
            nats = 0.0
            for batch, keys in epoch:
                nats += _step(model, pieces, expected, batch, keys, opt, average, settings, progress, steps)
            progress.epoch += 1
            progress.seconds = time.monotonic() - started
            save(folder, progress, run, model, average, opt)
            train = nats / sum(VOICES * len(p) for p in pieces)
            report({"epoch": progress.epoch, "of": last, "train": train, "seconds": progress.seconds})
        if settings.average:
            model.load_state_dict(average.weights)
    return model.eval(), progress


def _step(
    model: VoicesModel,
    pieces: Sequence[Cells],
    expected: Sequence[Sequence[Expected]],
    batch: Sequence[int],
    keys: Sequence[int],
    opt: torch.optim.AdamW,
    average: Average,
    settings: TrainSettings,
    progress: Progress,
    steps: int,
) -> float:
    """One step; returns the nats of the batch."""
    torch.manual_seed(settings.seed * 1_000_003 + progress.step)
    device = next(model.parameters()).device
    cells, real = batches.pad([batches.transposed(pieces[i], key) for i, key in zip(batch, keys, strict=True)])
    weighed = batches.weighed([expected[i] for i in batch], keys) if model.config.counts else ()
    nats = model.nats(cells.to(device), [(a.to(device), b.to(device)) for a, b in weighed])
    total = (nats * real.to(device)[..., None]).sum()
    set_rate(opt, rate_at(progress.step, steps, settings))
    opt.zero_grad(set_to_none=True)
    (total * (_NOTE / (VOICES * int(real.sum())))).backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
    opt.step()
    average.update(model, progress.step)
    progress.step += 1
    return float(total.detach())


def _batches(pieces: Sequence[Cells], settings: TrainSettings, epoch: int) -> list[tuple[list[int], list[int]]]:
    """The batches of an epoch: numbers of pieces of like length, and the semitones by which each is moved."""
    rng = np.random.default_rng((settings.seed, epoch))
    keys = [batches.semitones(p, settings.transpose, rng) for p in pieces]
    near = [len(p) * rng.uniform(0.85, 1.15) for p in pieces]
    found: list[list[int]] = [[]]
    for i in np.argsort(near).tolist():
        if found[-1] and (len(found[-1]) + 1) * len(pieces[i]) > settings.batch_rows:
            found.append([])
        found[-1].append(i)
    return [(found[b], [keys[i] for i in found[b]]) for b in rng.permutation(len(found))]
