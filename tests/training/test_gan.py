"""The bar GAN's training: what it learns from, looks, collapse, going on after kill -9, what it says of mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from musegen.checkpoint import load
from musegen.cli.main import main
from musegen.corpus.phrases import Phrases
from musegen.corpus.store import Corpus
from musegen.engine.gan import GanNetwork
from musegen.errors import CheckpointError, SettingsError
from musegen.events.roll import ONSET, SILENT
from musegen.models.config import GanConfig
from musegen.models.gan import patches as form
from musegen.training import gan
from musegen.training.device import machine
from musegen.training.progress import read_log
from musegen.training.settings import GameSettings

TINY = GanConfig(tracks=1, latent=4, width=6, layers=1)
SETTINGS = GameSettings(iterations=6, batch=4, evaluate_every=3, device="cpu", average=0.5)
COMMAND = ["--model", "gan", "--tracks", "1", "--latent", "4", "--width", "6", "--layers", "1", "--batch", "4"]
COMMAND += ["--iterations", "24", "--evaluate-every", "12", "--threads", "1", "--device", "cpu"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that take no time."""
    for name, value in (("LOOK", 16), ("TRAINING", 32), ("SHOWN", 2)):
        monkeypatch.setattr(gan, name, value)


def begun(corpus: Corpus, folder: Path, config: GanConfig = TINY) -> gan._Run:
    phrases = Phrases.of_corpus(corpus, config.tracks, "train")
    with machine(SETTINGS) as here:
        return gan._Run(phrases, {}, config, SETTINGS, folder, here, lambda record: None)


def musegen(*args: str | Path) -> list[str]:
    return [sys.executable, "-m", "musegen", *map(str, args)]


@pytest.mark.usefixtures("few")
def test_a_run_leaves_a_checkpoint_that_plays_its_figures_and_its_pictures(corpus: Corpus, tmp_path: Path) -> None:
    records: list[dict[str, Any]] = []
    best = gan.train_gan(corpus, TINY, SETTINGS, tmp_path, records.append)
    assert [r["step"] for r in records if "metrics" in r] == [3, 6]
    for look in (r for r in records if "metrics" in r):
        assert {"EB", "UPC", "QN", "PP"} <= set(look["gaps"]) and 0 < look["diversity"] < 3
    assert read_log(tmp_path) == records and all(-20 < r["V"] <= 0 for r in records)
    assert {p.name for p in tmp_path.glob("*.png")} == {"curves.png", "wall-0001.png", "wall-0002.png"}
    figures = json.loads((tmp_path / "metrics.json").read_text())["phrases"]
    assert set(figures["gaps"]) == set(figures["generated"]) & set(figures["training"])
    assert best.about["steps"] == 6 and "licence" in best.about and best.about["phrases"] > 100
    noise = np.random.default_rng(0).standard_normal((2, TINY.noise)).astype(np.float32)
    cells = np.full((2, 1, 4, 96, 84), SILENT, np.uint8)
    played = GanNetwork(load(tmp_path)).phrases(noise, cells, np.zeros((2, 1, 4)))
    assert (played == ONSET).any(), "an untrained one begins as dense as the music"


@pytest.mark.usefixtures("few")
def test_the_checkpoint_is_the_average_at_its_look(corpus: Corpus, tmp_path: Path) -> None:
    run = begun(corpus, tmp_path)
    run.go()
    kept = load(tmp_path).weights
    for name, weight in run.players.average.weights.items():
        np.testing.assert_array_equal(kept[name].astype(np.float32), weight.half().float().numpy(), err_msg=name)
    raw = run.game.generator.state_dict()
    assert any(not np.allclose(kept[name], raw[name].numpy(), atol=1e-3) for name in kept), "not the last weights"


@pytest.mark.usefixtures("few")
def test_the_least_far_look_of_the_second_half_is_kept(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = iter([0.1, 5.0, 2.0, 3.0])  # at steps 3 (of the first half: does not count), 6, 9, 12
    monkeypatch.setattr(gan, "farness", lambda *args: next(far))
    settings = GameSettings(iterations=12, batch=2, evaluate_every=3, device="cpu")
    best = gan.train_gan(corpus, TINY, settings, tmp_path)
    assert best.about["steps"] == 9 and best.metrics["phrases"]["farness"] == 2.0


def test_farness_by_hand() -> None:
    training = {"UPC": 3.0, "QN": 0.9, "PP": 0.3, "EB": 0.1}
    gaps = {"UPC": 1.55, "QN": 0.05, "PP": 0.03, "EB": 0.5}
    assert gan.farness(gaps, training, 1.3) == pytest.approx((1 + 0.5 + 1.5) / 3)
    assert gan.farness(gaps, training, 0.5) == pytest.approx((1 + 0.5 + 1.5) / 3 / 0.5)
    silent = gan.farness({"EB": 0.9}, training, 1.0)
    assert silent == pytest.approx((3 / 1.55 + 9 + 15) / 3), "what is not played at all is as far as it can be"


@pytest.mark.usefixtures("few")
def test_collapse_is_said_once_while_it_lasts(corpus: Corpus, tmp_path: Path) -> None:
    run = begun(corpus, tmp_path)
    healthy = run.look()
    assert healthy["diversity"] > gan.COLLAPSED and "said" not in healthy
    average = run.players.average.weights
    before = {name: average[name].clone() for name in ("phrase.weight", "bars.weight")}
    for name in before:
        average[name].zero_()  # deaf to noise: all phrases are one
    collapsed = run.look()
    assert collapsed["diversity"] < gan.COLLAPSED
    assert "has collapsed" in collapsed["said"] and len(collapsed["said"].splitlines()) == 1
    assert collapsed["farness"] > 3 * healthy["farness"]
    assert "said" not in run.look(), "once is enough"
    for name, weight in before.items():
        average[name].copy_(weight)
    assert "said" not in run.look()
    average["phrase.weight"].zero_()
    average["bars.weight"].zero_()
    assert "said" in run.look(), "it is news again"


def test_minibatches_are_transposed_phrases_with_some_of_them_known(corpus: Corpus) -> None:
    phrases = Phrases.of_corpus(corpus, 1, "train")
    torch.manual_seed(0)
    game = gan.Phrasing(phrases, TINY, torch.device("cpu"), 0)
    x, (given, mask) = game.data(64, np.random.default_rng(1))
    again = game.data(64, np.random.default_rng(1))
    assert torch.equal(x, again.x) and torch.equal(mask, again.known[1])
    assert given is x and x.shape == (64, 1, 64, 7, form.patch(TINY)) and 0 < float(x.mean()) < 0.2
    known = mask.flatten(1).mean(1)
    assert 0.25 < float((known == 0).float().mean()) < 0.75, "about half play from nothing"
    assert known[known > 0].min() > 0 and known.max() < 1, "something is always left to play"
    made = game.make(game.noise(64), (given, mask)).detach()
    at = game.generator.spread(mask).bool().expand_as(x)  # type: ignore[operator]
    assert torch.equal(made[at], x[at]) and not torch.equal(made[~at], x[~at])
    plain = form.to_patches(phrases.dense(np.random.default_rng(1).integers(len(phrases), size=64)), TINY)
    assert not np.array_equal(plain, x.numpy()), "other keys"
    mean = x[:, 0].numpy().sum() / plain[:, 0].sum()
    assert mean == pytest.approx(1, abs=0.02), "and no note lost"


def test_the_judge_is_told_what_is_known(corpus: Corpus) -> None:
    game = gan.Phrasing(Phrases.of_corpus(corpus, 1, "train"), TINY, torch.device("cpu"), 0)
    torch.nn.init.normal_(game.discriminator.told)  # type: ignore[arg-type]
    game.discriminator.eval()
    x, (given, mask) = game.data(8, np.random.default_rng(0))
    with torch.no_grad():
        one, other = game.judge(x, (given, mask)), game.judge(x, (given, 1 - mask))
    assert one.shape == (8,) and not torch.allclose(one, other)


def test_going_on_after_kill_9_gives_the_same_curve_and_weights(corpus: Corpus, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = subprocess.run(musegen("train", corpus.path, "--out", whole, *COMMAND), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "gan, 0.0" in done.stdout and "kept: step" in done.stdout and "diversity" in done.stdout
    assert done.stderr.count("D(G(z))") == 2, "a line a look"
    process = subprocess.Popen(musegen("train", corpus.path, "--out", killed, *COMMAND), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 180
    while len(read_log(killed)) < 14 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 14 <= len(read_log(killed)) < 24, "killed too late to prove anything"
    done = subprocess.run(musegen("train", corpus.path, "--out", killed, *COMMAND), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    one, two = ([{**r, "seconds": 0} for r in read_log(folder)] for folder in (whole, killed))
    assert one == two and len(one) == 24
    assert load(whole).about["steps"] == load(killed).about["steps"]
    a, b = load(whole).weights, load(killed).weights
    assert all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--epochs", "3"], "A gan has no --epochs"),
        (["--heads", "3"], "A gan has no --heads"),
        (["--loss", "mse"], "The loss 'mse' is not one of minimax, non-saturating, wgan-gp, hinge."),
        (["--rates", "1e-3", "0"], "both must be positive"),
        (["--neurons", "wild"], "Unknown neurons 'wild'"),
        (["--tracks", "3"], "1 or 5 tracks, not 3"),
        (["--low", "36", "--pitches", "48"], "leave out --steps, --low and --pitches"),
        (["--from", "{trained}"], "cannot be fine-tuned"),
        (["--model", "lstm", "--k", "2"], "A lstm has no --k"),
        (["--model", "ngram", "--rates", "1", "1"], "--rates is for networks"),
    ],
)
def test_wrong_options_get_one_sentence(
    options: list[str], sentence: str, corpus: Corpus, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [o.format(trained=trained) for o in options]
    assert main(["train", str(corpus.path), "--out", str(tmp_path / "no"), "--model", "gan", *options]) == 1
    said = capsys.readouterr().err.strip()
    assert sentence in said and len(said.splitlines()) == 1
    assert not (tmp_path / "no" / "log.jsonl").exists()


@pytest.mark.usefixtures("few")
def test_another_game_in_the_same_folder_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    gan.train_gan(corpus, TINY, SETTINGS, tmp_path)
    with pytest.raises(CheckpointError, match=r"another settings.*--restart"):
        gan.train_gan(corpus, TINY, GameSettings(iterations=6, batch=4, k=2, device="cpu"), tmp_path)


def test_nothing_to_learn_from_is_said(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"four bars of 4/4"):
        gan.train_gan(nothing(corpus), TINY, SETTINGS, tmp_path)


def nothing(corpus: Corpus) -> Corpus:
    """A corpus of which nothing is for training."""
    import dataclasses

    held_out = tuple(dataclasses.replace(e, split="valid") for e in corpus.entries)
    return dataclasses.replace(corpus, entries=held_out)
