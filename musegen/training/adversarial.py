"""Adversarial training: Algorithm 1 of Goodfellow et al. 2014, with their names.

    for number of training iterations do
      for k steps do
        sample m noise examples z from p(z), and m examples x of the data
        update D by ascending its stochastic gradient  ∇ 1/m Σ [log D(x) + log(1 − D(G(z)))]
      sample m noise examples z from p(z)
      update G by descending its stochastic gradient  ∇ 1/m Σ log(1 − D(G(z)))

"The gradient-based updates can use any standard gradient-based learning rule": here momentum, as in the paper, or
Adam. `losses` has what else may stand for V; the discriminator and the generator each have a rate (Heusel et al. 2017);
and the generator that is kept is a moving average of it. Knows nothing of music: a `Game` says what is played.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .losses import NAMED, between, gradient_penalty, value
from .progress import Average
from .settings import GameSettings


class Data(NamedTuple):
    """A minibatch of m examples."""

    x: Tensor  # (m, …): what is real
    known: tuple[Tensor, ...] = ()  # (m, …) each: conditions, which both networks may be told


class Game(ABC):
    """Two networks, and where their minibatches come from.

    All that is random must be drawn from torch's own generator or from `rng`, which are seeded for every iteration.
    """

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

    def distance(self, made: Tensor, data: Data) -> Tensor | None:
        """How far `made` is from the `data` with the same conditions, a scalar that the generator descends besides;
        None: it only has to fool D."""
        return None


@dataclass
class Turns:
    """Both players' gradient rules, and the moving average of the generator."""

    discriminator: torch.optim.Optimizer
    generator: torch.optim.Optimizer
    average: Average

    @classmethod
    def of(cls, game: Game, settings: GameSettings) -> Turns:
        """As `settings` have them."""
        of_d, of_g = settings.rates
        return cls(
            rule(game.discriminator, settings, of_d),
            rule(game.generator, settings, of_g),
            Average(game.generator, settings.average),
        )


def rule(network: nn.Module, settings: GameSettings, rate: float) -> torch.optim.Optimizer:
    """The gradient rule of one player: SGD with momentum, or Adam (Kingma & Ba 2015) with `momentum` for β₁."""
    if settings.rule == "momentum":
        return torch.optim.SGD(network.parameters(), rate, momentum=settings.momentum)
    return torch.optim.Adam(network.parameters(), rate, betas=(settings.momentum, 0.99))


def iteration(game: Game, turns: Turns, settings: GameSettings, step: int) -> dict[str, float]:
    """One iteration of Algorithm 1, the `step`-th from 0; returns what `discriminate` and `generate` found.

    It is a function of the weights, the seed and `step`, as far as the game keeps to its generators.
    """
    torch.manual_seed(settings.seed * 1_000_003 + step)
    rng = np.random.default_rng([settings.seed, step])
    m, found = settings.batch, {}
    for _ in range(settings.k):
        z, data = game.noise(m), game.data(m, rng)
        found = discriminate(game, turns, settings, z, data) if settings.eta else {}
    z = game.noise(m)
    found |= generate(game, turns, settings, z, data)
    turns.average.update(game.generator, step)
    return found


def discriminate(game: Game, turns: Turns, settings: GameSettings, z: Tensor, data: Data) -> dict[str, float]:
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
    turns.discriminator.zero_grad(set_to_none=True)
    (-ascended).backward()  # type: ignore[no-untyped-call]
    turns.discriminator.step()
    chance = torch.sigmoid(torch.stack([on_real.detach().float(), on_made.detach().float()])).mean(1)
    return {
        "V": value(on_made, on_real),
        "D(x)": float(chance[0]),
        "D(G(z))": float(chance[1]),
        "ascended": float(ascended.detach()),
    }


def generate(game: Game, turns: Turns, settings: GameSettings, z: Tensor, data: Data) -> dict[str, float]:
    """Update G by descending its stochastic gradient; D stays as it is.

    The conditions, where there are any, are those of the last minibatch of `data`. Returns what was descended, before
    the update, and the distance to the data where the game has one.
    """
    made = game.make(z, data.known)
    descended = made.new_zeros(())
    if settings.eta:
        descended = settings.eta * NAMED[settings.loss](game.judge(made, data.known), None)
    distance = game.distance(made, data)
    if distance is not None:
        descended = distance + descended
    turns.generator.zero_grad(set_to_none=True)
    descended.backward()  # type: ignore[no-untyped-call]
    turns.generator.step()
    found = {"descended": float(descended.detach())}
    return found if distance is None else {**found, "distance": float(distance.detach())}
