"""Habits that are known are learnt in seconds; the adversary brings back the spread that regression lost."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from musegen.checkpoint import Checkpoint
from musegen.corpus.groove import Grooves
from musegen.engine.humaniser import Humaniser
from musegen.errors import CheckpointError
from musegen.evaluation.humanising import Figures
from musegen.events.drums import ANY, DrumRows
from musegen.models.config import HumaniserConfig
from musegen.models.humaniser import DrumBatch
from musegen.training.humaniser import DEFAULTS, MOST, STEPS, Translation, apart, train_humaniser
from musegen.training.settings import GameSettings

from ..small_grooves import HAT, LATE_SNARE, LOUD, SOFT, grooves

CONFIG = HumaniserConfig(width=24, layers=2, noise=8)
KICK, SNARE, HIHAT = 0, 1, 2


def settings(**given: object) -> GameSettings:
    quick = {"iterations": 160, "batch": 4, "evaluate_every": 80, "average": 0.9, "rates": (8e-3, 8e-3), "eta": 0.0}
    return GameSettings(**(DEFAULTS | quick | given))


@pytest.fixture(scope="module")
def data() -> Grooves:
    train, valid = grooves(12), [dataclasses.replace(g, split="valid") for g in grooves(2, first=100)]
    return Grooves(train, valid, Counter(), "made up", "none")


@pytest.fixture(scope="module")
def plain(data: Grooves, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return train_humaniser(data, CONFIG, settings(), tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def fooled(data: Grooves, plain: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    how = settings(eta=0.5, iterations=240, evaluate_every=80, rates=(6e-3, 4e-3))
    return train_humaniser(data, CONFIG, how, tmp_path_factory.mktemp("fooled"), plain)


def of_drum(rows: DrumRows, values: np.ndarray, drum: int, place: int | None = None) -> float:
    return float(values[(rows.drum == drum) & ((rows.place == place) | (place is None))].mean())


@pytest.mark.parametrize("player", list(HAT))
def test_habits_are_learnt(data: Grooves, plain: Checkpoint, player: str) -> None:
    rows = data.valid[0].rows
    moment, velocity = Humaniser(plain).perform(rows, player)
    assert of_drum(rows, moment, SNARE) == pytest.approx(LATE_SNARE, abs=6)
    assert of_drum(rows, moment, KICK) == pytest.approx(0, abs=6)
    assert of_drum(rows, moment, HIHAT) == pytest.approx(HAT[player], abs=7)
    assert of_drum(rows, velocity, KICK, 0) == pytest.approx(LOUD, abs=12)
    assert of_drum(rows, velocity, KICK, 8) == pytest.approx(SOFT, abs=12)


def test_the_adversary_brings_the_spread_back(plain: Checkpoint, fooled: Checkpoint) -> None:
    """Whoever plays is not told, so that the hi-hats could be either player's: regression plays between them."""
    regression, drawn = (Figures(**c.metrics["valid"]["drawn"]) for c in (plain, fooled))
    assert regression.moment_spread < 0.15 and regression.velocity_spread < 0.15
    assert 0.25 < drawn.moment_spread < 2 and 0.25 < drawn.velocity_spread < 2
    assert drawn.moment_distance < 0.9 * regression.moment_distance
    assert drawn.velocity_distance < 0.9 * regression.velocity_distance


def test_more_players_are_learnt_beside_the_known(data: Grooves, plain: Checkpoint, tmp_path: Path) -> None:
    other = [dataclasses.replace(g, tags=("anna",)) for g in data.train[:2]]
    how = settings(iterations=1, evaluate_every=1, rates=(1e-9, 1e-9))
    found = train_humaniser(data._replace(train=other), CONFIG, how, tmp_path, plain)
    assert found.styles == ("eager", "lazy", "anna")
    before, after = Humaniser(plain), Humaniser(found)
    rows = data.valid[0].rows
    np.testing.assert_allclose(after.perform(rows, "lazy"), before.perform(rows, "lazy"), atol=1e-3)
    np.testing.assert_allclose(after.perform(rows, "anna"), before.perform(rows), atol=1e-3)


def test_the_card_says_where_it_comes_from(plain: Checkpoint, data: Grooves) -> None:
    assert plain.about["eta"] == 0 and plain.about["licence"] == "none"
    assert "made up: 12 performances" in plain.about["trained on"]
    assert plain.styles == data.tags == ("eager", "lazy") and plain.config.tags == 2
    guess, drawn = (Figures(**plain.metrics["valid"][k]) for k in ("guess", "drawn"))
    assert guess == drawn  # η = 0


def test_killed_and_gone_on_with(data: Grooves, tmp_path: Path) -> None:
    """A run that dies after its first look comes to the same weights and the same log."""
    how = settings(iterations=8, evaluate_every=4, eta=0.3)

    class Killed(Exception):
        pass

    def die(record: dict[str, object]) -> None:
        if record["step"] == 6:
            raise Killed

    whole = train_humaniser(data, CONFIG, how, tmp_path / "whole")
    with pytest.raises(Killed):
        train_humaniser(data, CONFIG, how, tmp_path / "killed", report=die)
    again = train_humaniser(data, CONFIG, how, tmp_path / "killed")
    for name, weight in whole.weights.items():
        np.testing.assert_array_equal(weight, again.weights[name])
    assert whole.metrics == again.metrics
    with pytest.raises(CheckpointError, match="another grooves"):
        train_humaniser(data._replace(train=data.train[1:]), CONFIG, how, tmp_path / "killed")


def test_another_shape_cannot_be_gone_on_from(data: Grooves, plain: Checkpoint, tmp_path: Path) -> None:
    wider = dataclasses.replace(CONFIG, width=32)
    with pytest.raises(CheckpointError, match="do not fit"):
        train_humaniser(data, wider, settings(), tmp_path, plain)


def test_minibatches_are_windows_of_the_data(data: Grooves) -> None:
    game = Translation(data.train, data.tags, dataclasses.replace(CONFIG, tags=2), 0.3)
    found = game.data(40, np.random.default_rng(0))
    batch = DrumBatch(*found.known)
    assert len(batch.tags) == 40 and len(found.x) == len(batch.cell)
    inside = batch.cell - batch.window * STEPS
    assert inside.min() == 0 and inside.max() < STEPS
    assert torch.bincount(batch.window).max() <= MOST
    tags = batch.tags.sum(1)
    assert set(tags.tolist()) == {0.0, 1.0}
    assert 0 < (batch.stroke == ANY).float().mean() < 1
    snares = batch.drum == SNARE
    assert found.x[snares, 0].mean() == pytest.approx(LATE_SNARE, abs=3)
    assert found.x[:, 0].abs().max() <= 62.5


def test_what_chooses_the_step() -> None:
    good, bad = (Figures(*[x] * 7) for x in (1.0, 2.0))
    assert apart(good, good) == pytest.approx(2 / 25 + 2 / 32)
    assert apart(good, good) < apart(bad, good) and apart(good, good) < apart(good, bad)
