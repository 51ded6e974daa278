"""Training the humaniser: the lecture's translator, L = reconstruction + η · adversarial.

    min_f max_D  E|f(l) − h|  +  η · E[log D(h | l) + log(1 − D(f(l, z) | l))]

l is what is written, h how a drummer played it, f the generator. What is compared with h is f(l), the best guess
without noise; what must fool D is f(l, z), a performance: noise may so spread what a distance alone draws together,
as where only the mean of the draws is compared (Ohayon et al. 2021, "High Perceptual Quality Image Denoising with a
Posterior Sampling CGAN"). η = 0 is plain regression, and noise moves nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..checkpoint import Checkpoint, load
from ..corpus.groove import Groove, Grooves
from ..errors import SettingsError
from ..evaluation.humanising import Figures, Played, figures
from ..events.drums import ANY, CLASSES, DrumRows
from ..models.base import load_weights, parameters, round_weights
from ..models.config import HumaniserConfig
from ..models.humaniser import LOUDNESS, MOMENT, Critic, DrumBatch, Humaniser, Noise
from .adversarial import Data, Game, Match
from .device import Machine, machine
from .settings import GameSettings
from .steps import Report

DEFAULTS: dict[str, Any] = {
    "batch": 8,
    "loss": "non-saturating",
    "rates": (6e-4, 3e-4),
    "eta": 0.3,
    "average": 0.99,
    "evaluate_every": 250,
}
"""Where performances want other settings than any game."""

STEPS = 96  # sixteenths of a window: six bars
MOST = 240  # notes of a window: what comes after them is cut
ANY_STROKE = 0.3  # how often a window only tells its drums, not where they are struck, as most written music
TRIPLETS = 0.5  # how often what is nearer to triplets is written in them
BLUR = (4.0, 5.0)  # standard deviations, in milliseconds and velocity, of what D does not hear
NO_TAG = 0.5  # how often a window hides whose and of what style it is, all of it; then, each tag of the others


class Translation(Game):
    """Windows of performances: the generator plays what is written, the discriminator sees both."""

    def __init__(self, grooves: list[Groove], tags: tuple[str, ...], config: HumaniserConfig, eta: float) -> None:
        super().__init__(Humaniser(config), Critic(config))
        self.grooves, self.tags, self.config, self.eta = grooves, tags, config, eta
        self._ends = np.cumsum([len(g) for g in grooves])

    def noise(self, m: int) -> Tensor:
        """Numbers of each window, each of its 16ths and each of its notes: (m, 1 + STEPS + MOST, Z)."""
        return torch.randn(m, 1 + STEPS + MOST, self.config.noise)

    def data(self, m: int, rng: np.random.Generator) -> Data:
        """x (N, 2): the moments and velocities of all notes of m windows; known: a `DrumBatch`."""
        windows = [self._window(rng) for _ in range(m)]
        tags = torch.from_numpy(np.stack([tags for _, _, tags in windows]))
        played = torch.from_numpy(np.concatenate([x for _, x, _ in windows]))
        return Data(played, DrumBatch.of([rows for rows, _, _ in windows], tags, STEPS))

    def _window(self, rng: np.random.Generator) -> tuple[DrumRows, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """What is written, how it is played and by whom; every note is as likely to be seen as any other."""
        groove = self.grooves[int(np.searchsorted(self._ends, rng.integers(self._ends[-1]), side="right"))]
        if groove.triplets is not None and rng.random() < TRIPLETS:
            groove = groove.triplets
        step = groove.rows.step
        start = int(step[rng.integers(len(step))]) - int(rng.integers(STEPS))
        first, last = np.searchsorted(step, [start, start + STEPS])
        here = slice(int(first), min(int(last), int(first) + MOST))
        rows = groove.rows[here]
        half = 0.98 * rows.half_step
        moment = np.clip(groove.moment[here], -half, half)
        if rng.random() < ANY_STROKE:
            rows = replace(rows, stroke=np.full(len(rows), ANY))
        return rows, np.stack([moment, groove.velocity[here]], 1).astype(np.float32), self._shown(groove, rng)

    def _shown(self, groove: Groove, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """The tags of a performance, as far as they are told."""
        told = rng.random() >= NO_TAG
        return np.array([told and t in groove.tags and rng.random() >= NO_TAG for t in self.tags], np.float32)

    def make(self, z: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        """How the generator plays what is known: (N, 2)."""
        batch = DrumBatch(*known)
        return torch.stack(self.generator(batch, Noise.of(z, batch)), 1)

    def judge(self, x: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        """A logit for each note (N,). What is real and what is made are blurred alike, or D would know the real by its
        whole velocities and its crowd at 127 (instance noise: Arjovsky & Bottou 2017, section 3)."""
        blurred = x + torch.randn_like(x) * torch.tensor(BLUR)
        logits: Tensor = self.discriminator(DrumBatch(*known), blurred[:, 0], blurred[:, 1])
        return logits

    def distance(self, made: Tensor | None, data: Data) -> Tensor:
        """The mean absolute error of the best guess, in `MOMENT` and `LOUDNESS`, summed.

        With an adversary, also how far the mean of what is made lies from that of what is real, drum by drum: D is
        quick to find such a shift, and would have G run from one side of it to the other.
        """
        batch, unit = DrumBatch(*data.known), torch.tensor([MOMENT, LOUDNESS])
        off = ((torch.stack(self.generator(batch), 1) - data.x).abs().mean(0) / unit).sum()
        if made is None:
            return off
        shift = made.new_zeros(len(CLASSES), 2).index_add(0, batch.drum, made - data.x)
        return off + (shift.abs().sum(0) / len(made) / unit).sum()


def train_humaniser(
    grooves: Grooves,
    config: HumaniserConfig,
    settings: GameSettings,
    folder: Path,
    start_from: Checkpoint | None = None,
    report: Report = lambda record: None,
) -> Checkpoint:
    """Train a humaniser on `grooves` into `folder`, going on from there if it was begun; returns the best.

    `start_from` goes on from a humaniser's weights, such as those of plain regression, and keeps its tags. `report` is
    called with every log record. Raises SettingsError for more than one process, CheckpointError where `start_from`
    does not fit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = () if start_from is None else start_from.styles
    tags = (*known, *(tag for tag in grooves.tags if tag not in known))
    config = replace(config, tags=len(tags))
    with machine(settings) as here:
        if here.world > 1:
            raise SettingsError("A humaniser is trained by one process: leave torchrun out.")
        _Run(grooves, tags, config, settings, folder, here, start_from, report).go()
    return load(folder)


class _Run(Match):
    def __init__(
        self,
        grooves: Grooves,
        tags: tuple[str, ...],
        config: HumaniserConfig,
        settings: GameSettings,
        folder: Path,
        here: Machine,
        start_from: Checkpoint | None,
        report: Report,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.grooves, self.tags, self.config, self.start_from = grooves, tags, config, start_from
        game = Translation(grooves.train, tags, config, settings.eta)
        if start_from is not None:
            load_weights(game.generator, with_tags(start_from, len(tags)))
        identity = {
            "model": dataclasses.asdict(config),
            "grooves": fingerprint(grooves),
            "start_from": None if start_from is None else start_from.about,
        }
        super().__init__(game, settings, folder, here, identity, report)

    def look(self) -> dict[str, Any]:
        """How the averaged generator plays the held-out scores, as a best guess and drawn; the best is kept.

        The figure that chooses is `apart`, of the guess's errors and the drawn performance's distances.
        """
        guess, drawn = self._figures(None), self._figures(torch.Generator().manual_seed(self.seed))
        found: dict[str, Any] = {"guess": _rounded(guess), "drawn": _rounded(drawn), "valid": apart(guess, drawn)}
        if self.better(found["valid"]):
            self._save(found)
        return found

    @torch.no_grad()
    def _figures(self, generator: torch.Generator | None) -> Figures:
        """Of the best guess, or with a generator of one performance of each score; nobody's style is told."""
        network, played = self.kept(), []
        round_weights(network)
        for groove in self.grooves.valid:
            batch = DrumBatch.of([groove.rows], torch.zeros(1, self.config.tags))
            noise = None if generator is None else Noise.draw(batch, self.config.noise, generator)
            played.append(Played(*(x.double().numpy() for x in network(batch, noise))))
        return figures(self.grooves.valid, played)

    def _save(self, found: dict[str, Any]) -> None:
        train, valid = self.grooves.train, self.grooves.valid
        about = {
            "trained on": f"{self.grooves.credit}: {len(train)} performances in 4/4, {sum(map(len, train))} strokes",
            "licence": self.grooves.licence,
            "split": f"train only for training; {len(valid)} other performances for choosing the step, not by player",
            **({} if self.start_from is None else {"fine_tuned_from": self.start_from.about}),
            "eta": self.settings.eta,
            **self.about(),
            "weights": parameters(self.averaged),
            "held out": in_words(Figures(**found["guess"]), Figures(**found["drawn"])),
        }
        weights = round_weights(self.averaged)
        metrics = {"valid": {"guess": found["guess"], "drawn": found["drawn"]}}
        Checkpoint(self.config, weights, self.tags, about, metrics).save(self.folder)


def with_tags(checkpoint: Checkpoint, count: int) -> Checkpoint:
    """The same with `count` tags: those after its own change nothing yet."""
    if not count:
        return checkpoint
    name = "notes.tag.weight"
    width = len(checkpoint.weights["notes.drum.weight"][0])
    known = checkpoint.weights.get(name, np.zeros((width, 0), np.float32))
    more = np.zeros((width, count - known.shape[1]), np.float32)
    return replace(checkpoint, weights={**checkpoint.weights, name: np.concatenate([known, more], 1)})


def apart(guess: Figures, drawn: Figures) -> float:
    """How far a humaniser is from drummers, the smaller the better: the errors of its best guess and the distances of a
    drawn performance, in units of `MOMENT` and `LOUDNESS`."""
    moment = guess.moment_error + drawn.moment_distance
    return moment / MOMENT + (guess.velocity_error + drawn.velocity_distance) / LOUDNESS


def in_words(guess: Figures, drawn: Figures) -> str:
    """What a humaniser reaches, for its card."""
    return (
        f"the best guess is off by {guess.moment_error:.1f} ms and {guess.velocity_error:.1f} velocities (r "
        f"{guess.velocity_r:.2f}); what is drawn lies {drawn.moment_distance:.1f} ms and {drawn.velocity_distance:.1f} "
        f"velocities from the drummers' distributions, where the best guess lies {guess.moment_distance:.1f} ms and "
        f"{guess.velocity_distance:.1f}"
    )


def size(config: HumaniserConfig) -> tuple[int, int]:
    """How many weights the generator and the discriminator of `config` have."""
    return parameters(Humaniser(config)), parameters(Critic(config))


def fingerprint(grooves: Grooves) -> str:
    """Changes when a performance, its split or its tags change."""
    digest = hashlib.sha256()
    for groove in (*grooves.train, *grooves.valid):
        digest.update(repr((groove.name, groove.split, groove.tags)).encode())
        digest.update(groove.moment.tobytes() + groove.velocity.tobytes() + groove.rows.step.tobytes())
    return digest.hexdigest()[:16]


def _rounded(found: Figures) -> dict[str, float]:
    return {name: round(value, 4) for name, value in dataclasses.asdict(found).items()}
