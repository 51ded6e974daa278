"""Training the bar GAN: Algorithm 1 on the phrases of a corpus, watched for what it plays and for collapse.

Of half of the phrases of a minibatch some tracks or bars are known to both networks (`patches.draw_masks`), so that one
generator plays from nothing, beside a track, and on. At every look the averaged generator plays LOOK phrases from the
same noise; their metrics are compared with those of the training music, and their diversity with its. Nothing held out
is ever heard: the checkpoint that is kept is the one whose phrases are nearest to the training music (`farness`) in the
second half of the run; until then, the last.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

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
from ..models.gan import patches as form
from ..models.gan.discriminator import Discriminator
from ..models.gan.generator import Generator
from ..walls import gan_curves, roll_wall
from .about import describe
from .adversarial import Data, Game, Match
from .device import Machine, machine
from .progress import read_log
from .settings import GameSettings
from .steps import Report

LOOK = 128  # phrases that a look hears
TRAINING = 512  # phrases of the training music that they are compared with
SHOWN = 8  # of them on a wall
COLLAPSED = 0.2  # diversity below which the generator is said to have collapsed


class Phrasing(Game):
    """The phrases of a corpus, transposed, and what is known of them."""

    def __init__(self, phrases: Phrases, config: GanConfig, device: torch.device, seed: int) -> None:
        super().__init__(Generator(config), Discriminator(config))
        self.phrases, self.config, self.device = phrases, config, device
        some = np.random.default_rng(seed).integers(len(phrases), size=TRAINING)
        self.heard = phrases.dense(some)
        self.generator.lean_on(form.to_patches(self.heard, config))  # type: ignore[operator]
        self.generator.to(device)
        self.discriminator.to(device)

    def noise(self, m: int) -> Tensor:
        """Of m phrases: (m, config.noise), normal."""
        return torch.randn(m, self.config.noise, device=self.device)

    def data(self, m: int, rng: np.random.Generator) -> Data:
        """x: patches (m, K, Q, O, P); known: x itself, and the mask (m, K, bars) of what of it is."""
        which = rng.integers(len(self.phrases), size=m)
        cells = self.phrases.dense(which, self.phrases.semitones(which, rng))
        x = torch.from_numpy(form.to_patches(cells, self.config)).to(self.device)
        mask = torch.from_numpy(form.draw_masks(m, self.config, rng)).to(self.device)
        return Data(x, (x, mask))

    def judge(self, x: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        """The logits (m,) of phrases x, of which the mask is told."""
        logits: Tensor = self.discriminator(x, known[1])
        return logits


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
        identity = {"model": dataclasses.asdict(config), "corpus": phrases.fingerprint}
        super().__init__(game, settings, folder, here, identity, report)

    def look(self) -> dict[str, Any]:
        """The metrics of LOOK phrases from nothing, how far they are from the training music, and their diversity."""
        self.played = self.play()
        figures = measure(self.played)
        found: dict[str, Any] = {
            "metrics": _rounded(figures.summary()),
            "gaps": _rounded(gaps(figures, self.training)),
            "diversity": round(diversity(self.played, self.game.heard), 4),
        }
        found["farness"] = round(farness(found["gaps"], self.training.summary(), found["diversity"]), 4)
        early = self.progress.step <= self.steps // 2 and self.progress.step < self.steps
        if early or self.better(found["farness"]):
            self._save(found)
        return found | self._say("collapse", collapse(found["diversity"]))

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
    def play(self) -> Cells:
        """LOOK phrases (n, K, 4, 96, 84) of the averaged generator, always from the same noise."""
        c, device = self.config, self.here.device
        noise = torch.randn(LOOK, c.noise, generator=torch.Generator().manual_seed(self.seed)).to(device)
        given = torch.zeros(1, c.tracks, form.quarters(c), form.octaves(c), form.patch(c), device=device)
        mask = torch.zeros(1, c.tracks, c.bars, device=device)
        generator, made = self.kept(), []
        for i in range(0, LOOK, self.settings.batch):
            z = noise[i : i + self.settings.batch]
            made.append(generator(z, given.expand(len(z), -1, -1, -1, -1), mask.expand(len(z), -1, -1)).cpu().numpy())
        silent = np.zeros((LOOK, c.tracks, c.bars, c.bar, c.pitches), np.uint8)
        return form.complete(np.concatenate(made), silent, np.zeros((LOOK, c.tracks, c.bars)), c)

    def _save(self, found: dict[str, Any]) -> None:
        half = "the least far from the training music of the looks in the second half of the run"
        about = {
            **self.card,
            "split": f"by piece, stable hash; training pieces only, also for choosing the step: {half}",
            "phrases": len(self.game.phrases),
            **self.about(),
            "weights": parameters(self.averaged),
        }
        figures = {
            "generated": found["metrics"],
            "training": _rounded(self.training.summary()),
            **{name: found[name] for name in ("gaps", "diversity", "farness")},
        }
        weights = {k: v.cpu().numpy().astype(np.float16) for k, v in self.averaged.state_dict().items()}
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
