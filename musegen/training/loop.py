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

import numpy as np
import numpy.typing as npt
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
from ..models.likelihood import nats_of_pieces, nats_with_holes, pad, pad_known, summary, summary_with_holes
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
    config = dataclasses.replace(config, infill=settings.infill > 0)
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
            infill=settings.infill,
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
        holes = Windows(corpus, "valid", config.context, tag_rate=0.0, infill=1.0)
        windows = [w for batch in holes.epoch(0) for w in batch] if settings.infill else []
        self.with_holes = [(rows, known) for rows, _, known in (holes.lesson(w, 0) for w in windows)]

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
                record |= self._evaluate()
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
        lessons = [self.windows.lesson(w, epoch) for w in mine or batch[:1]]
        rows, heard = pad([x.rows for x in lessons]), pad([x.heard for x in lessons])
        known = pad_known([x.known for x in lessons])
        count = here.total(float(scored(rows, known)) if mine else 0.0)
        set_rate(self.opt, rate_at(step, self.steps, self.settings))
        with here.autocast():
            nats = self.wrapped(*(torch.from_numpy(r).to(here.device) for r in (rows, heard, known)))
            nats = nats * (1.0 if mine else 0.0)
        self.opt.zero_grad(set_to_none=True)
        (nats * (here.world / count)).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.opt.step()
        self.average.update(self.model, step)
        return here.total(float(nats.detach())) / count, int(count)

    def _evaluate(self) -> dict[str, float]:
        """Held-out nats/note of the averaged weights, also of sequences with holes where some are trained on.

        The checkpoint is the best so far, in the proportion in which the two are trained.
        """
        averaged = build(self.config).to(self.here.device)
        averaged.load_state_dict(self.average.weights if self.settings.average else self.model.state_dict())
        figures = {"valid": summary(nats_of_pieces(averaged, self.held_out), self.held_out)}
        share = self.settings.infill
        if share:
            found = nats_with_holes(averaged, self.with_holes)
            figures["valid with holes"] = summary_with_holes(found, self.with_holes)
        totals = {name: each["total"] for name, each in figures.items()}
        mean = (1 - share) * totals["valid"] + share * totals.get("valid with holes", 0.0)
        p = self.progress
        if mean < p.best:
            p.best, p.best_step, p.stale = mean, p.step, 0
            if self.here.rank == 0:
                self._save_best(averaged, figures)
        else:
            p.stale += 1
        return totals

    def _save_best(self, model: SequenceModel, figures: dict[str, dict[str, float]]) -> None:
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
        Checkpoint(self.config, weights, self.corpus.styles, about, figures).save(self.folder)


class _Loss(nn.Module):
    """Total nats of a batch, as a module so that DistributedDataParallel sees one forward."""

    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, rows: torch.Tensor, heard: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return self.model.nats(rows, heard, known).sum()


def scored(rows: derived.ModelRows, known: npt.NDArray[np.bool_]) -> int:
    """Of how many of `rows` (B, T, WIDTH) anything is predicted."""
    shift = rows[:, 1:, at.SHIFT]
    all_known = np.where(shift < at.LONGEST_SHIFT, known[:, 1:].all(-1), known[:, 1:, at.SHIFT])
    return int(((shift <= at.END) & ~all_known).sum())


def size(config: ModelConfig) -> int:
    """How many weights a model of `config` has."""
    return parameters(build(config))
