"""Maximum likelihood by teacher forcing: the target is the input shifted by one.

    loss = −(1/n) Σ_t log P(x_t | x_<t)          over the n predicted rows of a batch

The batches are a function of (seed, epoch) and dropout of (seed, step), so a run is repeatable and a killed
one goes on exactly. Knows a corpus and a model; not how either came to be.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..checkpoint import Checkpoint, load
from ..corpus.augment import Augmentation
from ..corpus.store import Corpus
from ..corpus.windows import Window, Windows
from ..events import attributes as at
from ..events import derived
from ..models.base import SequenceModel, build, load_weights, parameters
from ..models.config import ModelConfig
from ..models.likelihood import nats_of_pieces, pad, summary
from .about import describe, fingerprint
from .device import Machine, machine
from .optimiser import adamw, rate_at, set_rate
from .progress import Average, append_log, restore, save
from .settings import TrainSettings
from .tags import with_styles

Report = Callable[[dict[str, Any]], None]


def train(
    corpus: Corpus,
    config: ModelConfig,
    settings: TrainSettings,
    folder: Path,
    start_from: Checkpoint | None = None,
    report: Report = lambda record: None,
) -> Checkpoint:
    """Train a model on `corpus` into `folder`, going on from there if it was begun; returns the best.

    `start_from` fine-tunes a checkpoint. `report` is called with every log record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with machine(settings) as here:
        run = _Run(corpus, config, settings, folder, here, start_from, report)
        try:
            run.go()
            return run.finish()
        finally:
            run.let_go()


class _Run:
    """One training run: what its parts share."""

    def __init__(
        self,
        corpus: Corpus,
        config: ModelConfig,
        settings: TrainSettings,
        folder: Path,
        here: Machine,
        start_from: Checkpoint | None,
        report: Report,
    ) -> None:
        self.corpus, self.config, self.settings, self.folder, self.here = corpus, config, settings, folder, here
        self.start_from, self.report = start_from, report
        torch.manual_seed(settings.seed)
        self.model = build(config).to(here.device)
        if start_from is not None:
            load_weights(self.model, with_styles(start_from, corpus.styles))
        self.average = Average(self.model, settings.average)
        self.opt = adamw(self.model, settings)
        self.windows = Windows(
            corpus,
            length=config.context,
            batch_rows=settings.batch_rows,
            seed=settings.seed,
            augmentation=Augmentation(
                settings.transpose, settings.louder, 60 * settings.louder, rename=settings.rename
            ),
            tag_rate=settings.tag_rate,
            hold=settings.hold,
        )
        self.identity = {
            "model": dataclasses.asdict(config),
            "settings": {k: v for k, v in dataclasses.asdict(settings).items() if k not in ("device", "precision")},
            "corpus": fingerprint(corpus),
            "start_from": None if start_from is None else start_from.about,
            "processes": here.world,
        }
        self.progress = restore(folder, self.identity, self.model, self.average, self.opt)
        self.steps = max(1, int(settings.epochs * len(self.windows.epoch(0))))
        self.wrapped = here.wrap(_Loss(self.model))
        self.held_out = [derived.derive(corpus.rows(i), corpus.meters(i)) for i in corpus.pieces("valid")]

    def go(self) -> None:
        """Train until the schedule ends or the held-out figure stops improving."""
        started = time.monotonic() - self.progress.seconds
        for epoch, batch in self._batches():
            p = self.progress
            if p.step >= self.steps or p.stale >= self.settings.patience:
                return
            nats, rows = self._step(batch, epoch)
            p.step += 1
            p.batch += 1
            p.seconds = time.monotonic() - started
            record = {"step": p.step, "of": self.steps, "epoch": epoch, "train": nats, "rows": rows}
            record |= {"rate": rate_at(p.step - 1, self.steps, self.settings), "seconds": round(p.seconds, 2)}
            if p.step % self.settings.evaluate_every == 0 or p.step == self.steps:
                record["valid"] = self._evaluate()
            if self.here.rank == 0:
                append_log(self.folder, record)
                if "valid" in record:
                    save(self.folder, p, self.identity, self.model, self.average, self.opt)
            self.report(record)

    def finish(self) -> Checkpoint:
        """The best checkpoint, as saved."""
        self.here.total(0.0)  # wait for the process that saves
        return load(self.folder)

    def let_go(self) -> None:
        """Drop the wrapped model while its process group still stands.

        As the last holder of a gloo group, torch's reducer joins the group's threads with the interpreter lock held,
        and a thread that still frees a tensor waits for that lock: a process in many hung or aborted at its end.
        """
        del self.wrapped

    def _batches(self) -> Iterator[tuple[int, list[Window]]]:
        while True:
            p = self.progress
            for batch in self.windows.epoch(p.epoch)[p.batch :]:
                yield p.epoch, batch
            p.epoch, p.batch = p.epoch + 1, 0

    def _step(self, batch: list[Window], epoch: int) -> tuple[float, int]:
        """One step; returns the mean nats per predicted row, and how many there were."""
        here, step = self.here, self.progress.step
        torch.manual_seed((self.settings.seed * 1_000_003 + step) * here.world + here.rank)
        mine = batch[here.rank :: here.world]
        # A process with nothing to do repeats a window with weight 0: all must take part in the averaging.
        pairs = [self.windows.rows(w, epoch) for w in mine or batch[:1]]
        rows, heard = (pad(side) for side in zip(*pairs, strict=True))
        count = here.total(float(scored(rows)) if mine else 0.0)
        set_rate(self.opt, rate_at(step, self.steps, self.settings))
        with here.autocast():
            nats = self.wrapped(*(torch.from_numpy(r).to(here.device) for r in (rows, heard)))
            nats = nats * (1.0 if mine else 0.0)
        self.opt.zero_grad(set_to_none=True)
        (nats * (here.world / count)).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.opt.step()
        self.average.update(self.model, step)
        return here.total(float(nats.detach())) / count, int(count)

    def _evaluate(self) -> float:
        """Held-out nats/note of the averaged weights; the best so far are saved as the checkpoint."""
        averaged = build(self.config).to(self.here.device)
        averaged.load_state_dict(self.average.weights if self.settings.average else self.model.state_dict())
        figures = summary(nats_of_pieces(averaged, self.held_out), self.held_out)
        p = self.progress
        if figures["total"] < p.best:
            p.best, p.best_step, p.stale = figures["total"], p.step, 0
            if self.here.rank == 0:
                self._save_best(averaged, figures)
        else:
            p.stale += 1
        return figures["total"]

    def _save_best(self, model: SequenceModel, figures: dict[str, float]) -> None:
        about = {
            **describe(self.corpus),
            "split": "by piece, stable hash; train only for training, valid for choosing the step",
            **({} if self.start_from is None else {"fine_tuned_from": self.start_from.about}),
            "seed": self.settings.seed,
            "steps": self.progress.step,
            "epochs": self.progress.epoch,
            "minutes": round(self.progress.seconds / 60, 1),
            "weights": parameters(model),
        }
        weights = {k: v.cpu().numpy() for k, v in model.state_dict().items()}
        Checkpoint(self.config, weights, self.corpus.styles, about, {"valid": figures}).save(self.folder)


class _Loss(nn.Module):
    """Total nats of a batch, as a module so that DistributedDataParallel sees one forward."""

    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, rows: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        return self.model.nats(rows, heard).sum()


def scored(rows: derived.ModelRows) -> int:
    """How many of `rows` (B, T, WIDTH) are predicted."""
    return int((rows[:, 1:, at.SHIFT] <= at.END).sum())


def size(config: ModelConfig) -> int:
    """How many weights a model of `config` has."""
    return parameters(build(config))
