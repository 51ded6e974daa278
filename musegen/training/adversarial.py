"""Adversarial training: Algorithm 1 of Goodfellow et al. 2014, with their names.

    for number of training iterations do
      for k steps do
        sample m noise examples z from p(z), and m examples x of the data
        update D by ascending its stochastic gradient  ∇ 1/m Σ [log D(x) + log(1 − D(G(z)))]
      sample m noise examples z from p(z)
      update G by descending its stochastic gradient  ∇ 1/m Σ log(1 − D(G(z)))

"The gradient-based updates can use any standard gradient-based learning rule": here momentum, as in the paper, or
Adam. Where a game has a distance to the data, G descends distance + η · its loss, for the first `warm_up` iterations
the distance alone. `losses` has what else may stand for V; the discriminator and the generator each have a rate (Heusel
et al. 2017); and the generator that is kept is a moving average of it. Knows nothing of music: a `Game` says what is
played.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import SettingsError
from .device import Machine
from .learner import Average, Learner
from .losses import NAMED, between, gradient_penalty, value
from .optimiser import set_rate
from .settings import GameSettings
from .steps import Report, Run


class Data(NamedTuple):
    """A minibatch of m examples."""

    x: Tensor  # (m, …): what is real
    known: tuple[Tensor, ...] = ()  # (m, …) each: conditions, which both networks may be told


class Game(ABC):
    """Two networks, and where their minibatches come from.

    All that is random must be drawn from torch's own generator or from `rng`, which are seeded for every iteration;
    then a killed run goes on to the same numbers.
    """

    step = 0  # of the iteration that is played, for games that change

    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        self.generator, self.discriminator = generator, discriminator

    @abstractmethod
    def noise(self, m: int) -> Tensor:
        """z: (m, …)."""

    @abstractmethod
    def data(self, m: int, rng: np.random.Generator) -> Data:
        """m examples of the data, on the networks' device."""

    def make(self, z: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        """G(z | known): (m, …), of the form of the data's x."""
        made: Tensor = self.generator(z, *known)
        return made

    def judge(self, x: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        """The logits (m,) of D(x | known)."""
        logits: Tensor = self.discriminator(x, *known)
        return logits

    def distance(self, made: Tensor | None, data: Data) -> Tensor | None:
        """How far the generator is from the `data`, a scalar that it descends besides; None: it only has to fool D.

        `made` is what it made with the same conditions, if there is an adversary to judge it.
        """
        return None


class Players(NamedTuple):
    """Both networks with their gradient rules, and the moving average of the generator."""

    discriminator: Learner
    generator: Learner
    average: Average

    @classmethod
    def of(cls, game: Game, settings: GameSettings) -> Players:
        """As `settings` have them."""
        of_d, of_g = settings.rates
        d, g = game.discriminator, game.generator
        average = Average(g, settings.average)
        return cls(Learner(d, rule(d, settings, of_d)), Learner(g, rule(g, settings, of_g), average), average)


def rule(network: nn.Module, settings: GameSettings, rate: float) -> torch.optim.Optimizer:
    """The gradient rule of one player: SGD with momentum, or Adam (Kingma & Ba 2015) with `momentum` for β₁."""
    if settings.rule == "momentum":
        return torch.optim.SGD(network.parameters(), rate, momentum=settings.momentum)
    return torch.optim.Adam(network.parameters(), rate, betas=(settings.momentum, 0.99))


def iteration(game: Game, players: Players, settings: GameSettings, step: int) -> dict[str, float]:
    """One iteration of Algorithm 1, the `step`-th from 0; returns what `discriminate` and `generate` found.

    The data are a function of the seed and `step`; noise is if torch's own generator is (see `steps`).
    """
    rng = np.random.default_rng([settings.seed, step])
    m, found = settings.batch, {}
    eta = settings.eta if step >= settings.warm_up else 0.0
    game.step = step
    set_rate(players.generator.rule, settings.rates[1] * min(1.0, (step + 1) / max(1, settings.rise)))
    for _ in range(settings.k if eta else 1):
        z, data = game.noise(m), game.data(m, rng)
        if eta:
            found = discriminate(game, players, settings, z, data)
    z = game.noise(m)
    found |= generate(game, players, settings, z, data, eta)
    players.average.update(game.generator, step)
    return found


def discriminate(game: Game, players: Players, settings: GameSettings, z: Tensor, data: Data) -> dict[str, float]:
    """Update D by ascending its stochastic gradient; G stays as it is.

    Returns V (nats), the means of D(x) and D(G(z)), and what was ascended, all before the update.
    """
    with torch.no_grad():
        made = game.make(z, data.known)
    on_made, on_real = game.judge(made, data.known), game.judge(data.x, data.known)
    ascended = NAMED[settings.loss](on_made, on_real)
    if weight := settings.penalty_weight:
        smooth = settings.loss == "wgan-gp"
        where = between(made, data.x) if smooth else data.x
        ascended = ascended - weight * gradient_penalty(lambda x: game.judge(x, data.known), where, float(smooth))
    players.discriminator.descend(-ascended)
    chance = torch.sigmoid(torch.stack([on_real.detach().float(), on_made.detach().float()])).mean(1)
    return {
        "V": value(on_made, on_real),
        "D(x)": float(chance[0]),
        "D(G(z))": float(chance[1]),
        "ascended": float(ascended.detach()),
    }


def generate(
    game: Game, players: Players, settings: GameSettings, z: Tensor, data: Data, eta: float
) -> dict[str, float]:
    """Update G by descending its stochastic gradient; D stays as it is. With `eta` 0, D is not asked.

    The conditions, where there are any, are those of the last minibatch of `data`. Returns what was descended, before
    the update, and the distance to the data where the game has one.
    """
    made = game.make(z, data.known) if eta else None
    fooling = None if made is None else eta * NAMED[settings.loss](game.judge(made, data.known), None)
    distance = game.distance(made, data)
    both = [term for term in (distance, fooling) if term is not None]
    if not both:
        raise SettingsError("The generator has nothing to learn from: this game has no distance, so eta must not be 0.")
    descended = torch.stack(both).sum()
    players.generator.descend(descended, settings.clip)
    found = {"descended": float(descended.detach())}
    return found if distance is None else {**found, "distance": float(distance.detach())}


class Match(Run[int]):
    """A run of Algorithm 1. A subclass says in `look` how good the players have become.

    Raises SettingsError when the players' figures are no longer numbers.
    """

    def __init__(
        self,
        game: Game,
        settings: GameSettings,
        folder: Path,
        here: Machine,
        identity: Mapping[str, Any],
        report: Report,
    ) -> None:
        self.game, self.settings, self.steps = game, settings, settings.iterations
        self.players = Players.of(game, settings)
        self.averaged = copy.deepcopy(game.generator).eval().requires_grad_(False)
        learners = {"discriminator": self.players.discriminator, "generator": self.players.generator}
        super().__init__(settings, folder, here, identity, learners, report)

    def batches(self, epoch: int) -> range:
        """The iterations: one long epoch, whose minibatches are drawn as they are needed."""
        return range(self.steps)

    def learn(self, batch: int) -> dict[str, Any]:
        """One iteration."""
        found = iteration(self.game, self.players, self.settings, batch)
        if not all(map(math.isfinite, found.values())):
            raise SettingsError(
                f"At step {batch + 1} the two networks left the range of numbers: train with lower --rates, or with "
                "another --loss."
            )
        return found

    def kept(self) -> nn.Module:
        """The generator with averaged weights, for looks; the same module every time."""
        self.averaged.load_state_dict(self.players.average.weights)
        return self.averaged
