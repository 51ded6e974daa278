"""Training a PixelCNN: maximum likelihood of the cells of piano rolls, as `loop` does it for sequences of notes.

    loss = −(1/n) Σ log P(row_t | rows before)          over the n scored rows of a batch

How a run goes on is `steps`. Windows carry as many rows before them as the network can see, which are not scored, so
training and held-out figures mean the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..checkpoint import Checkpoint, Weights, load
from ..corpus.store import Corpus
from ..errors import SettingsError
from ..events.codec import EventCodec, Events
from ..events.roll import HOLD, ONSET, SILENT
from ..models.base import load_weights, parameters, round_weights
from ..models.config import RollConfig
from ..models.images import Image, of_piece, transpose
from ..models.pixelcnn import PixelCNN
from ..models.rolls import nats_of_frames, summary
from .about import describe, fingerprint
from .device import Machine, machine
from .settings import TrainSettings
from .steps import Likelihood, Report

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


class _Run(Likelihood[list[Window]]):
    """One training run: what its parts share."""

    model: PixelCNN

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
        self.data, self.config, self.start_from = data, config, start_from
        torch.manual_seed(settings.seed)
        model = PixelCNN(config).to(here.device)
        if start_from is not None:
            load_weights(model, start_from)
        identity = {
            "model": dataclasses.asdict(config),
            "corpus": data.name,
            "start_from": None if start_from is None else start_from.about,
        }
        super().__init__(model, settings, folder, here, identity, report)
        self.lengths = [len(i.cells) for i in data.train]
        self.steps = max(1, int(settings.epochs * len(self.batches(0))))

    def batches(self, epoch: int) -> list[list[Window]]:
        """Those of `epoch_of_windows`."""
        context, lead = self.config.context, self.model.rows_seen
        return epoch_of_windows(self.lengths, context, lead, self.settings.batch_rows, self.seed, epoch)

    def learn(self, batch: list[Window]) -> dict[str, Any]:
        """One step; finds the nats per note of the scored rows, and how many rows there were."""
        rate = self.rate
        cells, place, scored = (t.to(self.here.device) for t in self._tensors(batch, self.progress.epoch))
        with self.here.autocast():
            nats = self.model.nats(cells, place)
        total, rows = (nats.sum((2, 3)) * scored).sum(), int(scored.sum())
        self.descend(total / rows)
        return {"train": float(total.detach()) / max(1, _notes(cells, scored)), "rows": rows, "rate": rate}

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

    def look(self) -> dict[str, Any]:
        """Held-out figures of the averaged weights; the best so far are saved as the checkpoint."""
        averaged = PixelCNN(self.config).to(self.here.device)
        averaged.load_state_dict(self.average.weights)
        weights = round_weights(averaged)
        figures = summary(nats_of_frames(averaged, self.data.valid), self.data.valid)
        if self.better(figures["total"]):
            self._save_best(weights, figures)
        return {"valid": figures["total"], "valid_frame": figures["later_frame"]}

    def _save_best(self, weights: Weights, figures: dict[str, float]) -> None:
        about = {
            **self.data.about,
            "split": "by piece; train only for training, valid for choosing the step",
            **({} if self.start_from is None else {"fine_tuned_from": self.start_from.about}),
            **self.about(),
            "weights": parameters(self.model),
        }
        Checkpoint(self.config, weights, (), about, {"valid": figures}).save(self.folder)
