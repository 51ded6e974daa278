"""Training the bar GAN: Algorithm 1 on the phrases of a corpus, watched for what it plays and for collapse.

L = reconstruction + η · adversarial, as VAE/GAN has it (Larsen et al. 2016): the generator descends how far its decoder
is from real phrases with their own latents (`Phrasing.distance`), and besides it must fool D with phrases from noise.
For `warm_up` iterations the distance alone is descended: on so little music D would win before G can play. Then noise
becomes latents by a mixture fitted to those of the training music (`_Run.place`).

Of half of the phrases of a minibatch some tracks or bars are known to both networks (`form.draw_masks`), so that one
generator plays from nothing, beside a track, and on. At every look the averaged generator, its thresholds balanced
(`Generator.balance`), plays LOOK phrases from the same noise; their metrics are compared with those of the training
music, and their diversity with its. Nothing held out is ever heard: the checkpoint that is kept is the one whose
phrases are nearest to the training music (`farness`) in the second half of the run and with the adversary; until then,
the last.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ..checkpoint import Checkpoint, load
from ..corpus.phrases import Phrases
from ..corpus.store import Corpus
from ..errors import MissingPackageError, SettingsError
from ..evaluation.bar_metrics import GOALS, gaps, measure
from ..evaluation.phrase_likeness import diversity
from ..events.phrases import BARS, GRID
from ..events.roll import Cells
from ..models.base import parameters
from ..models.config import GanConfig
from ..models.gan import form
from ..models.gan.discriminator import Discriminator
from ..models.gan.generator import Generator
from ..walls import gan_curves, roll_wall
from .about import describe
from .adversarial import Data, Game, Match
from .device import Machine, machine
from .progress import read_log
from .settings import GameSettings
from .steps import Report

DEFAULTS: dict[str, Any] = {
    "iterations": 13500,
    "warm_up": 12000,
    "rise": 200,
    "k": 1,
    "eta": 3.0,
    "rates": (4e-4, 1.5e-3),
    "momentum": 0.9,
    "average": 0.999,
    "clip": 10.0,
    "evaluate_every": 500,
}
"""Where phrases want other settings than any game."""

BETA = 0.3  # nats of the reconstruction for one of what the latents tell (Higgins et al. 2017)
ANNEALED = 400  # iterations over which it rises to that, else the latents soon tell nothing (Bowman et al. 2016)
LOOK = 128  # phrases that a look hears
TRAINING = 512  # phrases of the training music that they are compared with
SHOWN = 8  # of them on a wall
CHUNK = 64  # phrases that are heard at a time
COLLAPSED = 0.2  # diversity below which the generator is said to have collapsed


class Phrasing(Game):
    """The phrases of a corpus, at home, and what is known of them."""

    generator: Generator

    def __init__(self, phrases: Phrases, config: GanConfig, device: torch.device, seed: int) -> None:
        super().__init__(Generator(config), Discriminator(config))
        self.phrases, self.config, self.device = phrases, config, device
        some = np.random.default_rng(seed).integers(len(phrases), size=TRAINING)
        self.heard = phrases.dense(some)
        beats = self.at_home(self.heard, np.ones((TRAINING, config.tracks, config.bars), np.float32))
        self.generator.begin_with(beats)
        self.share = torch.from_numpy(beats.reshape(TRAINING, config.tracks, -1, form.CHANNELS, beats.shape[3] // 2)
                                      .mean((0, 2, 4)))  # fmt: skip
        self.generator.to(device)
        self.discriminator.to(device)

    def noise(self, m: int) -> Tensor:
        """Of m phrases: (m, config.noise), normal."""
        return torch.randn(m, self.config.noise, device=self.device)

    def data(self, m: int, rng: np.random.Generator) -> Data:
        """x: phrases (m, K, N, P); known: x itself, and the mask (m, K, bars) of what of it is."""
        cells = self.phrases.dense(rng.integers(len(self.phrases), size=m))
        mask = form.draw_masks(m, self.config, rng)
        x = torch.from_numpy(self.at_home(cells, mask)).to(self.device)
        return Data(x, (x, torch.from_numpy(mask).to(self.device)))

    def at_home(self, cells: Cells, mask: form.Mask) -> form.Beats:
        """Phrases (m, K, 4, 96, 84) as beats, at the home of what `mask` says is known; else at their own."""
        own = form.semitones_home(cells, np.ones_like(mask), 0, self.config)
        home = form.semitones_home(cells, mask, own, self.config)
        return form.to_beats(form.moved(cells, home, self.config), self.config)

    def judge(self, x: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        """The logits (m,) of phrases x, of which the mask is told."""
        logits: Tensor = self.discriminator(x, known[1])
        return logits

    def distance(self, made: Tensor | None, data: Data) -> Tensor:
        """The evidence bound of what is not known (Kingma & Welling 2014, equation 3; Chen et al. 2017 for the flow),
        in nats a beat: those of its neurons, and BETA of those by which its latents are told from drawn ones."""
        given, mask = data.known
        rest = 1 - self.generator.spread(mask)
        mean, spread = self.generator.encode(data.x)
        latents = mean + spread.exp() * torch.randn_like(mean)
        known = self.generator.hear(given * (1 - rest), mask)
        nats = reconstruction(self.generator.decode(latents, known), data.x, rest)
        told = self.generator.flow.nats(latents, known.context) - entropy(spread)
        beta = BETA * min(1.0, (self.step + 1) / ANNEALED)
        return (nats + beta * told).mean() / form.beats(self.config)


def reconstruction(logits: Tensor, x: Tensor, rest: Tensor) -> Tensor:
    """−log P (m,) of phrases x (m, K, N, P) by neurons with `logits`, where `rest` (m, K, N, 1) is 1; that a note
    begins is asked where it sounds."""
    asked = torch.ones_like(x)
    asked.chunk(2, 3)[1].copy_(x.chunk(2, 3)[0])
    return binary_cross_entropy_with_logits(logits, x, asked * rest, reduction="none").sum((1, 2, 3))


def entropy(spread: Tensor) -> Tensor:
    """Of normal latents with logarithms of standard deviations `spread` (m, Z), in nats (m,)."""
    return (spread + 0.5 * math.log(2 * math.pi * math.e)).sum(1)


def train_gan(
    corpus: Corpus,
    config: GanConfig,
    settings: GameSettings,
    folder: Path,
    report: Report = lambda record: None,
) -> Checkpoint:
    """Train a bar GAN on the phrases of `corpus` into `folder`, going on from there if it was begun.

    Beside the checkpoint the folder gets curves.png and a wall of phrases a look. `report` is called with every log
    record; "said" in one is a sentence for whoever waits. Raises SettingsError where there is nothing to learn from,
    for other grids than that of phrases, and for more than one process.
    """
    if config.grid != GRID or config.bars != BARS:
        raise SettingsError(
            f"The phrases of a gan are {BARS} bars of {GRID.steps} steps a quarter and {GRID.pitches} pitches from "
            f"{GRID.low}: leave out --steps, --low and --pitches."
        )
    phrases = Phrases.of_corpus(corpus, config.tracks, "train")
    if not len(phrases):
        raise SettingsError("No piece of the corpus has four bars of 4/4 that are worth learning: add such pieces.")
    folder.mkdir(parents=True, exist_ok=True)
    with machine(settings) as here:
        if here.world > 1:
            raise SettingsError("A gan is trained by one process: leave torchrun out.")
        _Run(phrases, describe(corpus), config, settings, folder, here, report).go()
    return load(folder)


class _Run(Match):
    game: Phrasing
    played: Cells | None = None  # at this step's look
    said: tuple[str, ...] = ()  # which is not said again

    def __init__(
        self,
        phrases: Phrases,
        card: dict[str, Any],
        config: GanConfig,
        settings: GameSettings,
        folder: Path,
        here: Machine,
        report: Report,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.config, self.card = config, card
        game = Phrasing(phrases, config, here.device, settings.seed)
        self.training = measure(game.heard)
        home = form.semitones_home(game.heard, np.ones(game.heard.shape[:3]), 0, config)
        self.data = form.moved(game.heard, home, config)  # one phrase in twelve keys is no diversity
        identity = {"model": dataclasses.asdict(config), "corpus": phrases.fingerprint}
        super().__init__(game, settings, folder, here, identity, report)

    def learn(self, batch: int) -> dict[str, Any]:
        """One iteration. As the adversary enters, and from then on before each look, latents are drawn anew."""
        step, mixture = self.progress.step, self.game.generator.mixture
        played = self.settings.eta > 0 and step >= self.settings.warm_up
        if played and (step % self.every == 0 or not mixture.fitted):
            self.place(self.game.generator)
        return super().learn(batch)

    @torch.no_grad()
    def place(self, generator: Generator) -> None:
        """Fit the mixture of `generator` to where its encoder finds the training phrases."""
        found = []
        for i in range(0, len(self.game.phrases), CHUNK):
            cells = self.game.phrases.dense(np.arange(i, min(i + CHUNK, len(self.game.phrases))))
            x = self.game.at_home(cells, np.ones(cells.shape[:3], np.float32))
            mean, spread = generator.encode(torch.from_numpy(x).to(self.here.device))
            found.append(torch.stack([mean, spread.exp()]).cpu().numpy())
        means, spreads = np.concatenate(found, 1)
        generator.mixture.fit(means, spreads, self.seed)

    def look(self) -> dict[str, Any]:
        """The metrics of LOOK phrases from nothing, how far they are from the training music, and their diversity."""
        generator = self.balanced()
        self.played = self.play(generator)
        figures = measure(self.played)
        found: dict[str, Any] = {
            "metrics": _rounded(figures.summary()),
            "gaps": _rounded(gaps(figures, self.training)),
            "diversity": round(diversity(self.played, self.data), 4),
        }
        found["farness"] = round(farness(found["gaps"], self.training.summary(), found["diversity"]), 4)
        early = self.progress.step <= max(self.steps // 2, self.settings.warm_up) and self.progress.step < self.steps
        if early or self.better(found["farness"]):
            self._save(found, generator)
        begun = self.progress.step >= self.settings.warm_up  # before, what is drawn is alike because little is learnt
        return found | self._say("collapse", collapse(found["diversity"]) if begun else "")

    def note(self, record: dict[str, Any]) -> None:
        """As every run does; with pictures after a look."""
        super().note(record)
        if self.played is not None:
            try:
                number = math.ceil(self.progress.step / self.every)
                roll_wall(self.played[:SHOWN], self.folder / f"wall-{number:04d}.png", f"Step {self.progress.step}")
                gan_curves(read_log(self.folder), self.folder / "curves.png")
            except MissingPackageError as error:
                self.report({**record, **self._say("pictures", f"(no pictures: {error})")})
            self.played = None

    def _say(self, what: str, sentence: str) -> dict[str, str]:
        """`sentence` for the record when it is news."""
        before, self.said = self.said, tuple({*self.said, what} if sentence else {*self.said} - {what})
        return {"said": sentence} if sentence and what not in before else {}

    @torch.no_grad()
    def balanced(self) -> Generator:
        """The averaged generator, its mixture its own, its thresholds balanced on phrases from other noise than a
        look's."""
        generator: Generator = copy.deepcopy(self.kept())  # type: ignore[assignment]
        self.place(generator)
        noise, given, mask = self._nothing(self.seed + 1)
        generator.balance(generator.logits(noise, given, mask), self.game.share)
        return generator

    @torch.no_grad()
    def play(self, generator: Generator) -> Cells:
        """LOOK phrases (n, K, 4, 96, 84) of `generator`, at home, always from the same noise."""
        noise, given, mask = self._nothing(self.seed)
        made = generator(noise, given, mask).cpu().numpy()
        silent = np.zeros((LOOK, self.config.tracks, self.config.bars, self.config.bar, self.config.pitches), np.uint8)
        return form.complete(made, silent, mask.cpu().numpy(), self.config)

    def _nothing(self, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """What LOOK phrases from nothing are made of: noise of a seed number, what is given, and its mask."""
        c, device = self.config, self.here.device
        noise = torch.randn(LOOK, c.noise, generator=torch.Generator().manual_seed(seed)).to(device)
        given = torch.zeros(LOOK, c.tracks, form.beats(c), form.numbers(c), device=device)
        return noise, given, torch.zeros(LOOK, c.tracks, c.bars, device=device)

    def _save(self, found: dict[str, Any], generator: Generator) -> None:
        half = "the least far from the training music of the looks in the second half of the run, after the warm-up"
        about = {
            **self.card,
            "split": f"by piece, stable hash; training pieces only, also for choosing the step: {half}",
            "phrases": len(self.game.phrases),
            **self.about(),
            "weights": parameters(generator),
        }
        figures = {
            "generated": found["metrics"],
            "training": _rounded(self.training.summary()),
            **{name: found[name] for name in ("gaps", "diversity", "farness")},
        }
        weights = {k: v.cpu().numpy().astype(np.float16) for k, v in generator.state_dict().items()}
        Checkpoint(self.config, weights, (), about, {"phrases": figures}).save(self.folder)


def farness(gap: Mapping[str, float], training: Mapping[str, float], diverse: float) -> float:
    """How far phrases are from the training music: the mean of their gaps in units of `GOALS`, over their diversity as
    far as that falls short of 1. Of what they lack altogether, the gap is all that the training music has of it."""
    each = [gap.get(name, training[name]) / goal for name, goal in GOALS.items() if name in training]
    return float(np.mean(each)) / min(1.0, max(diverse, 1e-6))


def collapse(diverse: float) -> str:
    """A sentence if the diversity `diverse` of LOOK phrases means that the generator has collapsed, else nothing."""
    if diverse >= COLLAPSED:
        return ""
    return (
        f"The generator has collapsed: its phrases differ {diverse:.2f} times as much as the training music's; if that "
        "lasts, begin again with lower --rates, another --loss or more --k."
    )


def size(config: GanConfig) -> tuple[int, int]:
    """How many weights the generator and the discriminator of `config` have."""
    return parameters(Generator(config)), parameters(Discriminator(config))


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in figures.items()}
