"""Training a PixelCNN: maximum likelihood of the cells of piano rolls, as `loop` does it for sequences of notes.

    loss = −(1/n) Σ log P(row_t | rows before)          over the n scored rows of a batch

The batches are a function of (seed, epoch) and dropout of (seed, step): a killed run goes on exactly. Windows carry as
many rows before them as the network can see, which are not scored, so training and held-out figures mean the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..checkpoint import Checkpoint, load
from ..corpus.store import Corpus
from ..errors import SettingsError
from ..events.codec import EventCodec, Events
from ..events.roll import HOLD, ONSET, SILENT
from ..models.base import load_weights, parameters
from ..models.config import RollConfig
from ..models.images import Image, of_piece, transpose
from ..models.pixelcnn import PixelCNN
from ..models.rolls import nats_of_frames, summary
from .about import describe, fingerprint
from .device import Machine, machine
from .optimiser import adamw, rate_at, set_rate
from .progress import Average, append_log, restore, save
from .settings import TrainSettings

Report = Callable[[dict[str, Any]], None]

DEFAULTS = {"epochs": 2.0, "batch_rows": 768, "rate": 4e-3, "warm_up": 100, "weight_decay": 0.01}
"""Where images want other settings than sequences; `batch_rows` are rows of an image."""


@dataclass(frozen=True, eq=False)
class Images:
    """What to learn from: the images of both splits, a fingerprint, and the lines of the model card."""

    train: list[Image]
    valid: list[Image]
    name: str
    about: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_corpus(cls, corpus: Corpus, config: RollConfig) -> Images:
        """The pieces of a corpus of events on the model's grid; those that have no note there are left out."""
        each = {split: [_image(corpus, i, config) for i in corpus.pieces(split)] for split in ("train", "valid")}
        train, valid = ([image for image in each[s] if image.notes] for s in ("train", "valid"))
        return cls(train, valid, fingerprint(corpus), dict(describe(corpus)))

    @classmethod
    def of_sets(cls, train: list[Image], valid: list[Image], about: dict[str, Any]) -> Images:
        """Images that come from no corpus; `about` says from where."""
        digest = hashlib.sha256()
        for image in (*train, *valid):
            digest.update(image.cells.tobytes())
        return cls(train, valid, digest.hexdigest()[:16], about)


def _image(corpus: Corpus, i: int, config: RollConfig) -> Image:
    return of_piece(EventCodec().decode(Events(corpus.rows(i), corpus.tempos(i), corpus.meters(i))), config)


class Window(NamedTuple):
    """Rows `start` to `end` of an image; those before `scored_from` are only past."""

    image: int
    start: int
    scored_from: int
    end: int


def epoch_of_windows(
    lengths: list[int], context: int, lead: int, batch_rows: int, seed: int, epoch: int
) -> list[list[Window]]:
    """Every batch of an epoch: each row of each image is scored once; windows of like length, at random places."""
    rng = np.random.default_rng([seed, epoch])
    windows = []
    for image, length in enumerate(lengths):
        first = int(rng.integers(1, context + 1)) if length > context else length
        edges = [0, *range(first, length, context), length]
        windows += [Window(image, max(0, a - lead), a, b) for a, b in pairwise(edges)]
    order = np.argsort([(w.end - w.start) * rng.uniform(0.9, 1.1) for w in windows], kind="stable")
    batches: list[list[Window]] = []
    longest = 0
    for w in (windows[i] for i in order):
        longest = max(longest, w.end - w.start)
        if not batches or (len(batches[-1]) + 1) * longest > batch_rows:
            batches.append([])
            longest = w.end - w.start
        batches[-1].append(w)
    return [batches[i] for i in rng.permutation(len(batches))]


def _notes(cells: Tensor, scored: Tensor) -> int:
    """How many notes begin in the scored rows of cells (B, T, P, K)."""
    begins = cells == ONSET
    if int(cells.max()) < HOLD:  # of two states: where the row before is silent
        begins[:, 1:] &= cells[:, :-1] == SILENT
    return int((begins.sum((2, 3)) * scored).sum())


def size(config: RollConfig) -> int:
    """How many weights a model of `config` has."""
    return parameters(PixelCNN(config))


def train_rolls(
    data: Images,
    config: RollConfig,
    settings: TrainSettings,
    folder: Path,
    start_from: Checkpoint | None = None,
    report: Report = lambda record: None,
) -> Checkpoint:
    """Train a PixelCNN on `data` into `folder`, going on from there if it was begun; returns the best.

    `start_from` fine-tunes a checkpoint. `report` is called with every log record. Raises SettingsError where there is
    nothing to learn from, and for more than one process.
    """
    if not data.train or not data.valid:
        raise SettingsError("No piece has a note on this model's grid in both splits: nothing can be learnt.")
    folder.mkdir(parents=True, exist_ok=True)
    with machine(settings) as here:
        if here.world > 1:
            raise SettingsError("A pixelcnn is trained by one process: leave torchrun out.")
        _Run(data, config, settings, folder, here, start_from, report).go()
    return load(folder)


class _Run:
    """One training run: what its parts share."""

    def __init__(
        self,
        data: Images,
        config: RollConfig,
        settings: TrainSettings,
        folder: Path,
        here: Machine,
        start_from: Checkpoint | None,
        report: Report,
    ) -> None:
        self.data, self.config, self.settings, self.folder = data, config, settings, folder
        self.here, self.start_from, self.report = here, start_from, report
        torch.manual_seed(settings.seed)
        self.model = PixelCNN(config).to(here.device)
        if start_from is not None:
            load_weights(self.model, start_from)
        self.average = Average(self.model, settings.average)
        self.opt = adamw(self.model, settings)
        self.lengths = [len(i.cells) for i in data.train]
        self.identity = {
            "model": dataclasses.asdict(config),
            "settings": {k: v for k, v in dataclasses.asdict(settings).items() if k not in ("device", "precision")},
            "corpus": data.name,
            "start_from": None if start_from is None else start_from.about,
        }
        self.progress = restore(folder, self.identity, self.model, self.average, self.opt)
        self.steps = max(1, int(settings.epochs * len(self._epoch(0))))

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
            record: dict[str, Any] = {"step": p.step, "of": self.steps, "epoch": epoch, "train": nats, "rows": rows}
            record |= {"rate": rate_at(p.step - 1, self.steps, self.settings), "seconds": round(p.seconds, 2)}
            if p.step % self.settings.evaluate_every == 0 or p.step == self.steps:
                record |= self._evaluate()
            append_log(self.folder, record)
            if "valid" in record:
                save(self.folder, p, self.identity, self.model, self.average, self.opt)
            self.report(record)

    def _epoch(self, epoch: int) -> list[list[Window]]:
        s = self.settings
        return epoch_of_windows(self.lengths, self.config.context, self.model.rows_seen, s.batch_rows, s.seed, epoch)

    def _batches(self) -> Iterator[tuple[int, list[Window]]]:
        while True:
            p = self.progress
            for batch in self._epoch(p.epoch)[p.batch :]:
                yield p.epoch, batch
            p.epoch, p.batch = p.epoch + 1, 0

    def _step(self, batch: list[Window], epoch: int) -> tuple[float, int]:
        """One step; returns the nats per note of the scored rows, and how many rows there were."""
        step = self.progress.step
        torch.manual_seed(self.settings.seed * 1_000_003 + step)
        set_rate(self.opt, rate_at(step, self.steps, self.settings))
        cells, place, scored = (t.to(self.here.device) for t in self._tensors(batch, epoch))
        with self.here.autocast():
            nats = self.model.nats(cells, place)
        total, rows = (nats.sum((2, 3)) * scored).sum(), int(scored.sum())
        self.opt.zero_grad(set_to_none=True)
        (total / rows).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.opt.step()
        self.average.update(self.model, step)
        return float(total.detach()) / max(1, _notes(cells, scored)), rows

    def _tensors(self, batch: list[Window], epoch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Cells (B, T, P, K), places (B, T, 2), and which rows are scored (B, T); silence fills up."""
        rows, c = max(w.end - w.start for w in batch), self.config
        cells = np.zeros((len(batch), rows, c.pitches, c.tracks), np.uint8)
        place, scored = np.zeros((len(batch), rows, 2), np.int64), np.zeros((len(batch), rows), np.float32)
        for i, w in enumerate(batch):
            image, n = self._augmented(w.image, epoch), w.end - w.start
            cells[i, :n], place[i, :n] = image.cells[w.start : w.end], image.place[w.start : w.end]
            scored[i, w.scored_from - w.start : n] = 1
        return torch.from_numpy(cells), torch.from_numpy(place), torch.from_numpy(scored)

    def _augmented(self, i: int, epoch: int) -> Image:
        """An image of the training split, transposed as this epoch has it."""
        most = self.settings.transpose
        rng = np.random.default_rng([self.settings.seed, epoch, i])
        return transpose(self.data.train[i], int(rng.integers(-most, most + 1)))

    def _evaluate(self) -> dict[str, float]:
        """Held-out figures of the averaged weights; the best so far are saved as the checkpoint."""
        averaged = PixelCNN(self.config).to(self.here.device)
        averaged.load_state_dict(self.average.weights if self.settings.average else self.model.state_dict())
        figures = summary(nats_of_frames(averaged, self.data.valid), self.data.valid)
        p = self.progress
        if figures["total"] < p.best:
            p.best, p.best_step, p.stale = figures["total"], p.step, 0
            self._save_best(averaged, figures)
        else:
            p.stale += 1
        return {"valid": figures["total"], "valid_frame": figures["later_frame"]}

    def _save_best(self, model: PixelCNN, figures: dict[str, float]) -> None:
        about = {
            **self.data.about,
            "split": "by piece; train only for training, valid for choosing the step",
            **({} if self.start_from is None else {"fine_tuned_from": self.start_from.about}),
            "seed": self.settings.seed,
            "steps": self.progress.step,
            "epochs": self.progress.epoch,
            "minutes": round(self.progress.seconds / 60, 1),
            "weights": parameters(model),
        }
        weights = {k: v.cpu().numpy() for k, v in model.state_dict().items()}
        Checkpoint(self.config, weights, (), about, {"valid": figures}).save(self.folder)
