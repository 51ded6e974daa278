"""The loop of every training: steps, a log, looks at what was learnt, and going on exactly after kill -9.

Batches are a function of (seed, epoch) and all else that is random of (seed, step); what a run has reached is kept at
every look. So a killed run goes on from its last look with the same numbers. Knows neither data nor losses: a subclass
says what a step is.
"""

from __future__ import annotations

import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from .device import Machine
from .learner import Average, Learner
from .optimiser import rate_at, rule_of, set_rate
from .progress import append_log, restore, save
from .settings import GameSettings, TrainSettings

Report = Callable[[dict[str, Any]], None]
B = TypeVar("B")


class Run(ABC, Generic[B]):
    """One training run, begun or gone on with in `folder`.

    `identity` is what makes it this run and no other. `report` is called with every log record.
    """

    steps: int  # of the whole run
    patience = float("inf")  # looks without a better figure before stopping

    def __init__(
        self,
        settings: TrainSettings | GameSettings,
        folder: Path,
        here: Machine,
        identity: Mapping[str, Any],
        learners: Mapping[str, Learner],
        report: Report,
    ) -> None:
        self.seed, self.every = settings.seed, settings.evaluate_every
        self.folder, self.here, self.learners, self.report = folder, here, learners, report
        how = {k: v for k, v in dataclasses.asdict(settings).items() if k not in ("device", "precision", "parallel")}
        self.identity = {**identity, "settings": how}
        self.progress = restore(folder, self.identity, learners)

    @abstractmethod
    def batches(self, epoch: int) -> Sequence[B]:
        """The batches of an epoch, the same whenever it is asked."""

    @abstractmethod
    def learn(self, batch: B) -> dict[str, Any]:
        """One step; returns its figures."""

    @abstractmethod
    def look(self) -> dict[str, Any]:
        """What has been learnt so far, in figures; keeps what is worth keeping."""

    def due(self) -> bool:
        """Whether to look after this step."""
        return self.progress.step % self.every == 0 or self.progress.step == self.steps

    def over(self) -> bool:
        """Whether the run has come to its end, or has ceased to get better."""
        return self.progress.step >= self.steps or self.progress.stale >= self.patience

    def go(self) -> None:
        """Go on to the end."""
        p = self.progress
        started = time.monotonic() - p.seconds
        while not self.over():
            batches = self.batches(p.epoch)
            for number in range(p.batch, len(batches)):
                if self.over():
                    return
                batch = batches[number]
                torch.manual_seed((self.seed * 1_000_003 + p.step) * self.here.world + self.here.rank)
                found = self.learn(batch)
                p.step, p.batch = p.step + 1, p.batch + 1
                if p.batch == len(batches):
                    p.epoch, p.batch = p.epoch + 1, 0
                p.seconds = time.monotonic() - started
                self.note({"step": p.step, "of": self.steps, "epoch": p.epoch, **found, "seconds": round(p.seconds, 2)})

    def note(self, record: dict[str, Any]) -> None:
        """Log and report what a step found; look, and keep what is reached, when that is due."""
        due = self.due()
        if due:
            record |= self.look()
        if self.here.rank == 0:
            append_log(self.folder, record)
        if due:
            save(self.folder, self.progress, self.identity, self.learners, write=self.here.rank == 0)
        self.report(record)

    def better(self, figure: float) -> bool:
        """Whether `figure`, the smaller the better, is the best of all looks; counts the looks since."""
        p = self.progress
        if figure < p.best:
            p.best, p.best_step, p.stale = figure, p.step, 0
            return True
        p.stale += 1
        return False

    def about(self) -> dict[str, Any]:
        """How far the run has come, for a model card."""
        p = self.progress
        minutes = round(p.seconds / 60, 1)
        return {"seed": self.seed, "steps": p.step, "epochs": p.epoch, "minutes": minutes, **self.here.cost(p.seconds)}


class Likelihood(Run[B]):
    """A run of one model, with warm-up and cosine; a moving average of its weights is what is kept."""

    def __init__(
        self,
        model: nn.Module,
        settings: TrainSettings,
        folder: Path,
        here: Machine,
        identity: Mapping[str, Any],
        report: Report,
    ) -> None:
        self.model, self.settings, self.patience = model, settings, settings.patience
        self.average = Average(model, settings.average)
        self.learner = Learner(model, rule_of(model, settings), self.average)
        super().__init__(settings, folder, here, identity, {"model": self.learner}, report)

    @property
    def rate(self) -> float:
        """The learning rate of this step."""
        return rate_at(self.progress.step, self.steps, self.settings)

    def descend(self, loss: Tensor) -> None:
        """One step down the gradient of `loss`."""
        set_rate(self.learner.rule, self.rate)
        self.learner.descend(loss, self.settings.clip)
        self.average.update(self.model, self.progress.step)


class Passes(Likelihood[B]):
    """A run of whole passes that chooses nothing: the average at its end is the model. It reports once a pass.

    `learn` returns the sum of a batch's nats as "nats", and over how many as "count".
    """

    nats, count = 0.0, 0

    @property
    def last(self) -> int:
        """How many passes there are."""
        return max(1, round(self.settings.epochs))

    def expect(self, batches: int) -> None:
        """Reckon how many steps the run will have, as a pass of so many begins."""
        p = self.progress
        self.steps = p.step * self.last // p.epoch if p.epoch else self.last * batches

    def over(self) -> bool:
        """Whether all passes are done."""
        return self.progress.epoch >= self.last

    def due(self) -> bool:
        """At the end of a pass."""
        return self.progress.batch == 0

    def note(self, record: dict[str, Any]) -> None:
        """As every run does, but once a pass: of the whole of it."""
        self.nats, self.count = self.nats + record.pop("nats"), self.count + record.pop("count")
        if self.due():
            super().note(record)

    def look(self) -> dict[str, Any]:
        """The mean of the pass."""
        mean = self.nats / self.count
        self.nats, self.count = 0.0, 0
        return {"train": mean}
