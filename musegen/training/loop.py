"""Maximum likelihood by teacher forcing: the target is the input shifted by one.

    loss = −(1/n) Σ_t log P(x_t | x_<t)          over the n predicted rows of a batch

How a run goes on is `steps`. Knows a corpus and a model; not how either came to be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..checkpoint import Checkpoint, Weights, load
from ..corpus.augment import Augmentation
from ..corpus.store import Corpus
from ..corpus.windows import Window, Windows
from ..events import attributes as at
from ..events import derived
from ..models.base import SequenceModel, build, load_weights, parameters, round_weights
from ..models.config import ModelConfig
from ..models.likelihood import nats_of_pieces, nats_with_holes, pad, pad_known, summary, summary_with_holes
from . import player
from .about import describe, fingerprint
from .device import Machine, machine
from .settings import TrainSettings
from .steps import Likelihood, Report
from .tags import all_styles, with_styles

LOOK_ROWS = 2**18
"""Held-out rows that a run is judged by, about: 66 MB of model rows."""


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
    player.require()
    folder.mkdir(parents=True, exist_ok=True)
    config = dataclasses.replace(config, infill=settings.infill > 0)
    with machine(settings) as here:
        run = _Run(corpus, config, settings, folder, here, start_from, report)
        try:
            run.go()
            return run.finish()
        finally:
            run.let_go()


class _Run(Likelihood[list[Window]]):
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
        self.corpus, self.config, self.start_from = corpus, config, start_from
        torch.manual_seed(settings.seed)
        model = build(config).to(here.device)
        self.styles = corpus.styles
        if start_from is not None:
            self.styles = all_styles(corpus.styles, start_from.styles)
            load_weights(model, with_styles(start_from, self.styles))
        self.wrapped = here.wrap(_Loss(model))  # before the optimiser sees the weights: they may become parts
        identity = {
            "model": dataclasses.asdict(config),
            "corpus": fingerprint(corpus),
            "start_from": None if start_from is None else start_from.about,
            "processes": here.world,
        }
        super().__init__(model, settings, folder, here, identity, report)
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
        self.steps = max(1, int(settings.epochs * len(self.windows.epoch(0))))
        self.looked_at = looked_at(corpus)
        self.held_out = [derived.derive(corpus.rows(i), corpus.meters(i)) for i in self.looked_at]
        holes, chosen = Windows(corpus, "valid", config.context, tag_rate=0.0, infill=1.0), set(self.looked_at)
        windows = [w for batch in holes.epoch(0) for w in batch if w.piece in chosen] if settings.infill else []
        self.with_holes = [(rows, known) for rows, _, known in (holes.lesson(w, 0) for w in windows)]

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

    def batches(self, epoch: int) -> Sequence[list[Window]]:
        """Those of the windows."""
        return self.windows.epoch(epoch)

    def learn(self, batch: list[Window]) -> dict[str, Any]:
        """One step; finds the mean nats per predicted row, and how many there were."""
        here, rate = self.here, self.rate
        mine = batch[here.rank :: here.world]
        # A process with nothing to do repeats a window with weight 0: all must take part in the averaging.
        lessons = [self.windows.lesson(w, self.progress.epoch) for w in mine or batch[:1]]
        rows, heard = pad([x.rows for x in lessons]), pad([x.heard for x in lessons])
        known = pad_known([x.known for x in lessons])
        count = here.total(float(scored(rows, known)) if mine else 0.0)
        with here.autocast():
            nats = self.wrapped(*(torch.from_numpy(r).to(here.device) for r in (rows, heard, known)))
            nats = nats * (1.0 if mine else 0.0)
        self.descend(nats * (here.world / count))
        return {"train": here.total(float(nats.detach())) / count, "rows": int(count), "rate": rate}

    def look(self) -> dict[str, Any]:
        """Held-out nats/note of the averaged weights, also of sequences with holes where some are trained on.

        The checkpoint is the best so far, in the proportion in which the two are trained; with nothing held out, the
        latest.
        """
        averaged = build(self.config).to(self.here.device)
        averaged.load_state_dict(self.average.whole())
        weights = round_weights(averaged)
        figures, share = dict[str, dict[str, float]](), self.settings.infill
        if self.held_out:
            figures["valid"] = summary(nats_of_pieces(averaged, self.held_out), self.held_out)
        if self.with_holes:
            found = nats_with_holes(averaged, self.with_holes)
            figures["valid with holes"] = summary_with_holes(found, self.with_holes)
        totals = {name: each["total"] for name, each in figures.items()}
        plain = totals.get("valid", -float(self.progress.step))
        mean = (1 - share) * plain + share * totals.get("valid with holes", plain)
        if self.better(mean) and self.here.rank == 0:
            self._save_best(averaged, weights, figures)
        return totals

    def _save_best(self, model: SequenceModel, weights: Weights, figures: dict[str, dict[str, float]]) -> None:
        about = {
            **describe(self.corpus),
            "split": "by piece; train only for training, valid for choosing the step",
            **({} if len(self.looked_at) == len(self.corpus.pieces("valid")) else {"looked_at": len(self.looked_at)}),
            **({} if self.start_from is None else self._before(self.start_from)),
            **self.about(),
            "weights": parameters(model),
        }
        checkpoint = Checkpoint(self.config, weights, self.styles, about, figures)
        checkpoint.save(self.folder, player.export(checkpoint, self.held_out or self._learnt(), model.cpu()))

    def _before(self, start: Checkpoint) -> dict[str, Any]:
        """What a fine-tuned checkpoint says of the one that it comes from."""
        pieces = dict(start.about.get("pieces of each style", {}))
        now = describe(self.corpus)["pieces of each style"]
        each = {style: pieces.get(style, 0) + now.get(style, 0) for style in self.styles}
        return {"fine_tuned_from": start.about, "pieces of each style": each}

    def _learnt(self) -> list[derived.ModelRows]:
        """A piece that was learnt from, for want of one that was not."""
        return [derived.derive(self.corpus.rows(i), self.corpus.meters(i)) for i in self.corpus.pieces("train")[:1]]


class _Loss(nn.Module):
    """Total nats of a batch, as a module so that DistributedDataParallel sees one forward."""

    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, rows: torch.Tensor, heard: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return self.model.nats(rows, heard, known).sum()


def looked_at(corpus: Corpus) -> list[int]:
    """The held-out pieces that a run is judged by: all of them, or every so manieth of a large corpus, whose model
    rows would outweigh the corpus itself."""
    pieces = corpus.pieces("valid")
    rows = sum(corpus.entries[i].length for i in pieces)
    return pieces[:: 1 + rows // LOOK_ROWS]


def scored(rows: derived.ModelRows, known: npt.NDArray[np.bool_]) -> int:
    """Of how many of `rows` (B, T, WIDTH) anything is predicted."""
    shift = rows[:, 1:, at.SHIFT]
    all_known = np.where(shift < at.LONGEST_SHIFT, known[:, 1:].all(-1), known[:, 1:, at.SHIFT])
    return int(((shift <= at.END) & ~all_known).sum())


def size(config: ModelConfig) -> int:
    """How many weights a model of `config` has."""
    return parameters(build(config))
