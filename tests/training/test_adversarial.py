"""Algorithm 1: its order, what each turn moves, that it comes to rest, and that a stopped run goes on to its end."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from musegen.errors import CheckpointError, SettingsError
from musegen.training import adversarial, progress
from musegen.training.adversarial import Data, Game, Match, Players, iteration
from musegen.training.device import machine
from musegen.training.progress import read_log
from musegen.training.settings import GameSettings

MODES, SPREAD = 8, 0.1
CENTRES = torch.tensor([[math.cos(math.tau * i / MODES), math.sin(math.tau * i / MODES)] for i in range(MODES)])
SETTINGS = GameSettings(iterations=1000, batch=64, k=1, loss="minimax", rates=(2e-3, 2e-3), average=0.99, device="cpu")


def network(inputs: int, outputs: int, width: int = 32) -> nn.Module:
    layers = [nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


class Ring(Game):
    """Eight Gaussians on a circle; keeps what was drawn."""

    def __init__(self, seed: int = 0) -> None:
        torch.manual_seed(seed)
        super().__init__(network(4, 2), network(2, 1))
        self.drawn: list[tuple[str, Tensor]] = []

    def noise(self, m: int) -> Tensor:
        self.drawn.append(("z", torch.randn(m, 4)))
        return self.drawn[-1][1]

    def data(self, m: int, rng: np.random.Generator) -> Data:
        x = CENTRES[torch.from_numpy(rng.integers(MODES, size=m))]
        self.drawn.append(("x", x + SPREAD * torch.from_numpy(rng.standard_normal((m, 2))).float()))
        return Data(self.drawn[-1][1])

    def judge(self, x: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        return self.discriminator(x)[:, 0]  # type: ignore[no-any-return]


class Regression(Ring):
    """A ring with a distance: to the first centre."""

    def distance(self, made: Tensor | None, data: Data) -> Tensor:
        if made is None:
            made = self.make(self.noise(len(data.x)), data.known)
        return (made - CENTRES[0]).square().sum(1).mean()


def weights(module: nn.Module) -> list[Tensor]:
    return [w.detach().clone() for w in module.parameters()]


def same(one: Sequence[Tensor], two: Sequence[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_ring_of_gaussians_comes_to_the_equilibrium() -> None:
    game = Ring()
    players, found = Players.of(game, SETTINGS), []
    for step in range(SETTINGS.iterations):
        torch.manual_seed(step)
        found.append(iteration(game, players, SETTINGS, step))
    end = {name: np.mean([each[name] for each in found[-200:]]) for name in ("V", "D(x)", "D(G(z))")}
    assert end["D(x)"] == pytest.approx(0.5, abs=0.03) and end["D(G(z))"] == pytest.approx(0.5, abs=0.03)
    assert end["V"] == pytest.approx(-math.log(4), abs=0.05)
    game.generator.load_state_dict(players.average.weights)
    with torch.no_grad():
        away, nearest = torch.cdist(game.generator(torch.randn(4000, 4)), CENTRES).min(1)
    share = torch.bincount(nearest[away < 3 * SPREAD], minlength=MODES) / 4000
    assert share.min() > 0.04 and share.sum() > 0.7, f"a mode is missed, or most is between them: {share}"


def test_the_same_discriminator_tells_a_generator_that_does_not_learn() -> None:
    game, still = Ring(), dataclasses.replace(SETTINGS, rates=(2e-3, 1e-12))
    players = Players.of(game, still)
    torch.manual_seed(0)
    found = [iteration(game, players, still, step) for step in range(200)][-1]
    assert found["V"] > -0.6 and found["D(x)"] > 0.7 > 0.3 > found["D(G(z))"]


def test_k_turns_of_the_discriminator_see_fresh_noise_and_data_then_the_generator_fresh_noise() -> None:
    game = Ring()
    settings = dataclasses.replace(SETTINGS, k=3, batch=5)
    players = Players.of(game, settings)
    iteration(game, players, settings, 0)
    assert [kind for kind, _ in game.drawn] == ["z", "x", "z", "x", "z", "x", "z"]
    assert all(len(t) == 5 for _, t in game.drawn)
    for kind in "zx":
        each = torch.stack([t for k, t in game.drawn if k == kind]).flatten(1)
        assert len(each.unique(dim=0)) == len(each), "a minibatch came twice"
    iteration(game, players, settings, 1)
    assert not torch.equal(game.drawn[1][1], game.drawn[8][1]), "other data in another iteration"


def test_each_turn_moves_one_player_only(monkeypatch: pytest.MonkeyPatch) -> None:
    game = Ring()
    settings = dataclasses.replace(SETTINGS, k=2)
    players, moved = Players.of(game, settings), []

    def watch(name: str, turn: Callable[..., dict[str, float]]) -> None:
        def watched(*args: Any) -> dict[str, float]:
            before = weights(game.discriminator), weights(game.generator)
            found = turn(*args)
            moved.append((name, same(before[0], weights(game.discriminator)), same(before[1], weights(game.generator))))
            return found

        monkeypatch.setattr(adversarial, name, watched)

    watch("discriminate", adversarial.discriminate)
    watch("generate", adversarial.generate)
    iteration(game, players, settings, 0)
    in_turn = ("discriminate", False, True)
    assert moved == [in_turn, in_turn, ("generate", True, False)]


class Scalars(Game):
    """G(z) = g·z and D(x) = σ(d·x), with one example of each: all by hand."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
        nn.init.constant_(self.generator.weight, 0.5)  # type: ignore[arg-type]
        nn.init.constant_(self.discriminator.weight, -1.0)  # type: ignore[arg-type]

    def noise(self, m: int) -> Tensor:
        return torch.full((m, 1), 2.0)

    def data(self, m: int, rng: np.random.Generator) -> Data:
        return Data(torch.full((m, 1), 3.0))

    def judge(self, x: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        return self.discriminator(x)[:, 0]  # type: ignore[no-any-return]


def test_one_iteration_by_hand() -> None:
    game = Scalars()
    settings = GameSettings(batch=1, k=1, loss="minimax", rule="momentum", momentum=0.0, rates=(0.1, 0.2), average=0.0)
    players = Players.of(game, settings)
    found = iteration(game, players, settings, 0)

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    g, d, z, x = 0.5, -1.0, 2.0, 3.0
    assert found["V"] == pytest.approx(math.log(sigmoid(d * x)) + math.log(1 - sigmoid(d * g * z)))
    assert (found["D(x)"], found["D(G(z))"]) == pytest.approx((sigmoid(d * x), sigmoid(d * g * z)))
    d += 0.1 * ((1 - sigmoid(d * x)) * x - sigmoid(d * g * z) * g * z)  # ascend log D(x) + log(1 − D(G(z)))
    assert game.discriminator.weight.item() == pytest.approx(d)  # type: ignore[operator]
    assert found["descended"] == pytest.approx(math.log(1 - sigmoid(d * g * z)))
    g -= 0.2 * (-sigmoid(d * g * z) * d * z)  # descend log(1 − D(G(z)))
    assert game.generator.weight.item() == pytest.approx(g)  # type: ignore[operator]
    assert players.average.weights["weight"].item() == pytest.approx(g), "decay 0: no average"


def test_the_paper_s_rule_gathers_momentum_and_adam_does_not_care_for_scale() -> None:
    moved = {}
    for rule, loss in (("momentum", "wgan-gp"), ("adam", "wgan-gp")):
        game = Scalars()
        settings = GameSettings(batch=1, loss=loss, penalty=0.0, rule=rule, rates=(1e-6, 1e-3), momentum=0.5)
        players, way = Players.of(game, settings), [0.5]
        for step in range(2):
            iteration(game, players, settings, step)
            way.append(game.generator.weight.item())  # type: ignore[operator]
        moved[rule] = np.diff(way)
    assert moved["momentum"][1] / moved["momentum"][0] == pytest.approx(1.5, abs=1e-3)
    assert np.abs(moved["adam"]) == pytest.approx([1e-3, 1e-3], rel=1e-3)


def test_the_penalty_flattens_the_discriminator() -> None:
    steep = {}
    for loss, penalty in (("hinge", 0.0), ("hinge", 50.0), ("wgan-gp", None)):
        game = Ring()
        settings = dataclasses.replace(SETTINGS, loss=loss, penalty=penalty, batch=32)
        players = Players.of(game, settings)
        torch.manual_seed(0)
        for step in range(60):
            iteration(game, players, settings, step)
        x = game.data(256, np.random.default_rng(0)).x.requires_grad_()
        (slope,) = torch.autograd.grad(game.judge(x, ()).sum(), x)
        steep[loss, penalty] = float(slope.norm(dim=1).mean())
    assert steep["hinge", 50.0] < 0.5 * steep["hinge", 0.0]
    assert steep["wgan-gp", None] < 1.3


def test_without_an_adversary_it_is_regression() -> None:
    game = Regression()
    settings = dataclasses.replace(SETTINGS, eta=0.0, rates=(1e-2, 1e-2))
    players, before = Players.of(game, settings), weights(game.discriminator)
    found = [iteration(game, players, settings, step) for step in range(150)]
    assert found[-1]["distance"] < 0.05 < 0.5 < found[0]["distance"]
    assert found[-1]["descended"] == found[-1]["distance"] and "V" not in found[-1]
    assert same(before, weights(game.discriminator))
    with pytest.raises(SettingsError, match="nothing to learn from"):
        iteration(Ring(), players, settings, 0)


def test_eta_weighs_the_adversary() -> None:
    found = {}
    for eta in (1.0, 3.0):
        game = Regression()
        settings = dataclasses.replace(SETTINGS, eta=eta)
        torch.manual_seed(0)
        found[eta] = iteration(game, Players.of(game, settings), settings, 0)
    each = {eta: found[eta]["descended"] - found[eta]["distance"] for eta in found}
    assert each[3.0] == pytest.approx(3 * each[1.0], rel=1e-4)


class Watched(Match):
    """A match whose looks draw random numbers, which must not matter."""

    def look(self) -> dict[str, Any]:
        made = self.kept()(torch.randn(int(torch.randint(1, 9, ())), 4))
        return {"spread": float(made.detach().norm())}


def play(settings: GameSettings, folder: Path, until: int | None = None) -> Watched:
    folder.mkdir(exist_ok=True)

    def stop(record: dict[str, Any]) -> None:
        if record["step"] == until:
            raise KeyboardInterrupt

    with machine(settings) as here:
        run = Watched(Ring(settings.seed), settings, folder, here, {"model": "ring"}, stop)
        run.go()
    return run


@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_a_stopped_run_goes_on_to_the_same_players(rule: str, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, iterations=24, evaluate_every=5, k=2, rule=rule)
    whole = play(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        play(settings, tmp_path / "stopped", until=13)  # three steps after a look: they are done again
    again = play(settings, tmp_path / "stopped")
    assert again.progress.step == 24
    for who in ("generator", "discriminator"):
        assert same(weights(getattr(whole.game, who)), weights(getattr(again.game, who))), who
    assert same(list(whole.players.average.weights.values()), list(again.players.average.weights.values()))
    logs = [[{**r, "seconds": 0} for r in read_log(tmp_path / n)] for n in ("whole", "stopped")]
    assert logs[0] == logs[1] and [r["step"] for r in logs[0]] == list(range(1, 25))
    assert [r["step"] for r in logs[0] if "spread" in r] == [5, 10, 15, 20, 24]
    other = play(dataclasses.replace(settings, seed=1), tmp_path / "other")
    assert not same(weights(whole.game.generator), weights(other.game.generator))


def test_a_run_of_another_version_is_refused_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dataclasses.replace(SETTINGS, iterations=2, evaluate_every=1)
    play(settings, tmp_path)
    monkeypatch.setattr(progress, "FORMAT", progress.FORMAT + 1)
    with pytest.raises(CheckpointError, match=r"another format: .*--restart"):
        play(settings, tmp_path)


def test_players_that_leave_the_numbers_are_stopped(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, rule="momentum", loss="wgan-gp", penalty=0.0, rates=(1e6, 1e6))
    with pytest.raises(SettingsError, match=r"At step \d+ the two networks left .*lower --rates"):
        play(settings, tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"loss": "mse"}, {"rule": "sgd"}, {"k": 0}, {"iterations": 0}, {"momentum": 1.0}, {"penalty": -1.0}),
        *({"rates": (1e-3, 0.0)}, {"rates": (math.nan, 1e-3)}, {"average": 1.0}, {"eta": -0.5}),
    ],
)
def test_settings_that_make_no_sense_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        GameSettings(**wrong)
