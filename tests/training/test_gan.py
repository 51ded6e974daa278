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
from musegen.models.gan import form
from musegen.training import gan
from musegen.training.device import machine
from musegen.training.progress import read_log
from musegen.training.settings import GameSettings

TINY = GanConfig(tracks=1, latent=4, width=6, layers=1)
SETTINGS = GameSettings(iterations=6, warm_up=1, batch=4, evaluate_every=3, device="cpu", average=0.5)
COMMAND = ["--model", "gan", "--tracks", "1", "--latent", "4", "--width", "6", "--layers", "1", "--batch", "4"]
COMMAND += ["--iterations", "24", "--warm-up", "8", "--evaluate-every", "12", "--threads", "1", "--device", "cpu"]


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
    assert read_log(tmp_path) == records and all(r["distance"] > 0 for r in records)
    assert "V" not in records[0] and all(-20 < r["V"] <= 0 for r in records[1:]), "in the warm-up nobody judges"
    assert {p.name for p in tmp_path.glob("*.png")} == {"curves.png", "wall-0001.png", "wall-0002.png"}
    figures = json.loads((tmp_path / "metrics.json").read_text())["phrases"]
    assert set(figures["gaps"]) == set(figures["generated"]) & set(figures["training"])
    assert best.about["steps"] == 6 and "licence" in best.about and best.about["phrases"] > 100
    noise = np.random.default_rng(0).standard_normal((2, TINY.noise)).astype(np.float32)
    cells = np.full((2, 1, 4, 96, 84), SILENT, np.uint8)
    played = GanNetwork(load(tmp_path)).phrases(noise, cells, np.zeros((2, 1, 4)))
    assert (played == ONSET).any(), "its thresholds are balanced"


@pytest.mark.usefixtures("few")
def test_the_checkpoint_is_the_balanced_average_at_its_look(corpus: Corpus, tmp_path: Path) -> None:
    run = begun(corpus, tmp_path)
    run.go()
    kept = load(tmp_path).weights
    for name, weight in run.balanced().state_dict().items():
        np.testing.assert_array_equal(kept[name].astype(np.float32), weight.half().float().numpy(), err_msg=name)
    raw, average = run.game.generator.state_dict(), run.players.average.weights
    assert any(not np.allclose(kept[name], raw[name].numpy(), atol=1e-3) for name in kept), "not the last weights"
    same = [
        np.allclose(kept[n], w.numpy(), atol=2e-3) for n, w in average.items() if n != "lean" and "mixture" not in n
    ]
    assert all(same) and not np.allclose(kept["lean"], average["lean"].numpy(), atol=1e-2)


@pytest.mark.usefixtures("few")
def test_latents_are_drawn_where_the_music_lies_once_the_adversary_plays(corpus: Corpus, tmp_path: Path) -> None:
    run = begun(corpus, tmp_path)
    assert not run.game.generator.mixture.fitted
    run.learn(0)
    run.progress.step = 1
    assert not run.game.generator.mixture.fitted
    run.learn(1)
    mixture = run.game.generator.mixture
    assert mixture.fitted
    cells = run.game.phrases.dense(np.arange(64))
    x = torch.from_numpy(run.game.at_home(cells, np.ones(cells.shape[:3], np.float32)))
    mean, _ = run.game.generator.encode(x)
    drawn = mixture(run.game.noise(512))
    assert torch.allclose(drawn.mean(0), mean.mean(0), atol=0.5 * mean.std(0).max().item() + 0.05)
    run.place(run.game.generator)
    before = mixture.mean.clone()
    run.place(run.game.generator)
    assert torch.equal(before, mixture.mean), "equal encoders place alike"


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
    for name in ("phrase.weight", "bars.weight"):  # else fresh weights hear little of their noise
        run.players.average.weights[name].mul_(30)
    run.players.average.weights["lean"].zero_()
    healthy = run.look()
    assert healthy["diversity"] > gan.COLLAPSED and "said" not in healthy
    average = run.players.average.weights
    run.progress.step = 1  # the warm-up is over
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


def test_minibatches_are_phrases_at_home_with_some_of_them_known(corpus: Corpus) -> None:
    phrases = Phrases.of_corpus(corpus, 1, "train")
    torch.manual_seed(0)
    game = gan.Phrasing(phrases, TINY, torch.device("cpu"), 0)
    x, (given, mask) = game.data(64, np.random.default_rng(1))
    again = game.data(64, np.random.default_rng(1))
    assert torch.equal(x, again.x) and torch.equal(mask, again.known[1])
    assert given is x and x.shape == (64, 1, 16, form.numbers(TINY)) and 0 < float(x.mean()) < 0.2
    known = mask.flatten(1).mean(1)
    assert 0.25 < float((known == 0).float().mean()) < 0.75, "about half play from nothing"
    assert known[known > 0].min() > 0 and known.max() < 1, "something is always left to play"
    made = game.make(game.noise(64), (given, mask)).detach()
    at = game.generator.spread(mask).bool().expand_as(x)
    assert torch.equal(made[at], x[at]) and not torch.equal(made[~at], x[~at])
    cells = phrases.dense(np.arange(32))
    moved = form.moved(cells, np.full(32, 3), TINY)
    same = [game.at_home(c, np.ones((32, 1, 4), np.float32)) for c in (cells, moved)]
    octaves = (a.reshape(32, -1, 7, 12).sum(2) for a in same)  # a key may come home an octave away
    np.testing.assert_array_equal(*octaves)
    plain = form.to_beats(phrases.dense(np.random.default_rng(1).integers(len(phrases), size=64)), TINY)
    assert plain.sum() == x.sum(), "no note lost"


def test_the_distance_is_the_bound_by_hand(corpus: Corpus) -> None:
    """−log P of the neurons that are asked, and what the latents tell: both by definition."""
    torch.manual_seed(0)
    logits, x, rest = torch.randn(2, 1, 16, 4), torch.zeros(2, 1, 16, 4), torch.ones(2, 1, 16, 1)
    x[0, 0, 3] = torch.tensor([1.0, 0.0, 1.0, 0.0])
    rest[1] = 0
    chance = torch.sigmoid(logits)
    each = -torch.log(torch.where(x > 0, chance, 1 - chance))
    expected = each[0, 0, :, :2].sum() + each[0, 0, 3, 2]
    assert torch.allclose(gan.reconstruction(logits, x, rest), torch.stack([expected, expected * 0]))
    normal = torch.distributions.Normal(torch.zeros(2), torch.tensor([0.5, 3.0]))
    assert torch.allclose(gan.entropy(normal.scale.log()[None]), normal.entropy().sum()[None])
    game = gan.Phrasing(Phrases.of_corpus(corpus, 1, "train"), TINY, torch.device("cpu"), 0)
    data = game.data(8, np.random.default_rng(0))
    told: list[float] = []
    for step in (0, gan.ANNEALED - 1):
        torch.manual_seed(0)
        game.step = step
        told.append(float(game.distance(None, data).detach()))
    assert told[1] > told[0] > 0, "what latents tell costs more later"


def test_the_judge_is_told_what_is_known(corpus: Corpus) -> None:
    game = gan.Phrasing(Phrases.of_corpus(corpus, 1, "train"), TINY, torch.device("cpu"), 0)
    torch.nn.init.normal_(game.discriminator.listen.told)  # type: ignore[arg-type]
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
    one, two = ([{**r, "seconds": 0, "said": ""} for r in read_log(folder)] for folder in (whole, killed))
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
