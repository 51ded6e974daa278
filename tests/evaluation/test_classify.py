"""Styles by Bayes' rule and by its rivals: exact where it can be, right where it must be."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import musegen
from musegen import checkpoint as checkpoints
from musegen.cli.main import main
from musegen.corpus.build import build
from musegen.corpus.store import Corpus
from musegen.engine.base import load
from musegen.errors import CheckpointError, CorpusError, MusegenError, SettingsError
from musegen.evaluation import linear
from musegen.evaluation.bayes import FILE, Classifier, classify, nats_by_style, posterior
from musegen.evaluation.density import density
from musegen.evaluation.features import features, names, rows_without_instruments, without_instruments
from musegen.evaluation.fit_classifiers import fit_classifiers, save
from musegen.events import attributes as at
from musegen.events.codec import EventCodec
from musegen.midi import write_music
from musegen.models.config import ModelConfig
from musegen.piece import DRUMS, Meter, Note, Piece

from ..small_corpus import tune


def leaping(seed: int) -> Piece:
    """As `tune`, but in long notes that leap up and down."""
    rng = np.random.default_rng(seed)
    notes = [Note(48 * i, 48, int(rng.choice([48, 55, 64, 76, 79])), 82, 0, 0) for i in range(16)]
    return Piece.from_notes(notes, meters=(Meter(0, 4, 4),), part_names=("tune",))


@pytest.fixture(scope="module")
def two_styles(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Thirty tunes that walk and thirty that leap, in two styles."""
    folder = tmp_path_factory.mktemp("styles")
    for style, make in (("walking", tune), ("leaping", leaping)):
        (folder / style).mkdir()
        for i in range(30):
            write_music(make(i), folder / style / f"{i:02d}.mid")
    return build(folder / "corpus", [f"{s}={folder / s}" for s in ("walking", "leaping")], workers=1)


@pytest.fixture(scope="module")
def model(two_styles: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with the two tags, trained for seconds, and the classifiers beside it."""
    from musegen.training.loop import train
    from musegen.training.settings import TrainSettings

    folder = tmp_path_factory.mktemp("model") / "two"
    config = ModelConfig("lstm", width=32, layers=1, head_width=32, slot_width=8, context=128, dropout=0.0)
    settings = TrainSettings(
        epochs=30, batch_rows=1024, rate=1.5e-2, warm_up=5, average=0.9, evaluate_every=20,
        transpose=0, louder=0.0, hold=0.0, tag_rate=1.0, rename=0.0,
    )  # fmt: skip
    checkpoint = train(two_styles, config, settings, folder)
    save(folder, checkpoint, fit_classifiers(checkpoint, two_styles))
    return folder


def test_every_classifier_tells_the_styles_apart(model: Path, two_styles: Corpus) -> None:
    classifier = Classifier.open(model)
    for instruments in (True, False):
        for make, style in ((tune, "walking"), (leaping, "leaping")):
            verdicts = [classify(classifier, make(seed), "corpus", instruments) for seed in range(100, 106)]
            for name in ("generative", "features", "state"):
                assert [v.best(name) for v in verdicts] == [style] * 6, name
                for v in verdicts:
                    assert sum(v.posterior[name].values()) == pytest.approx(1)
    assert verdicts[0].prior == pytest.approx(classifier.prior("corpus"))
    silent = Classifier(replace(classifier.checkpoint, about={}), classifier.fitted)  # of an older musegen
    assert silent.prior() == pytest.approx(classifier.prior())
    train = [two_styles.entries[i].style for i in two_styles.pieces("train")]
    assert verdicts[0].prior["walking"] == pytest.approx(train.count("walking") / len(train))


def test_bayes_rule_is_the_models_own_likelihood(model: Path) -> None:
    """log P(y|x) − log P(z|x) is the difference of the nats that `score` gives under the tags, and of the priors."""
    engine = load(model, exact=True)
    piece = tune(200)
    verdict = classify(model, piece, "uniform")
    scored = {s: density(engine, piece, (i,)).total for i, s in enumerate(engine.styles)}
    for style in engine.styles:
        assert verdict.nats[style] == pytest.approx(scored[style], abs=1e-3)
    p = verdict.posterior["generative"]
    assert np.log(p["walking"]) - np.log(p["leaping"]) == pytest.approx(scored["leaping"] - scored["walking"], abs=1e-3)


def test_posterior_by_hand() -> None:
    nats = {"a": -10.0, "b": -12.0, "c": -11.0}
    found = posterior(nats, {"a": 0.1, "b": 0.9, "c": 0.0})
    one, other = 0.1 * np.exp(-10), 0.9 * np.exp(-12)
    assert found == pytest.approx({"a": one / (one + other), "b": other / (one + other), "c": 0.0})


def test_the_whole_piece_counts_however_short_the_networks_memory(
    untrained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A piece of many windows: the style is in force in each of them, up to where a piece is long enough."""
    checkpoint = checkpoints.load(untrained)
    engine = checkpoints_engine(replace(checkpoint, config=replace(checkpoint.config, context=40)))
    events = EventCodec().encode(tune(3, 40))
    assert len(events) > 120
    found = nats_by_style(engine, events.rows, events.meters).sum(1)
    assert found.tolist() == pytest.approx([density(engine, tune(3, 40), (i,)).total for i in range(2)])
    monkeypatch.setattr("musegen.evaluation.bayes.MOST_ROWS", 40)
    beginning = nats_by_style(engine, events.rows, events.meters).sum(1)
    assert found[0] > 1.5 * beginning[0] and len(beginning) == 2
    assert abs((found[0] - found[1]) - (beginning[0] - beginning[1])) > 0.05


def checkpoints_engine(checkpoint: checkpoints.Checkpoint) -> object:
    from musegen.engine.base import of_checkpoint

    return of_checkpoint(checkpoint)


def test_features_say_what_they_are() -> None:
    events = EventCodec().encode(Piece.from_notes([Note(12 * i, 12, 60 + i % 2, 80, 40, 0) for i in range(16)]))
    named = dict(zip(names(), features(events.rows, events.meters).tolist(), strict=True))
    assert named["step +1"] == pytest.approx(8 / 15) and named["step -1"] == pytest.approx(7 / 15)
    assert named["duration ≤ 12"] == named["gap ≤ 12"] == 1
    assert named["pitch class 0 above the commonest"] == named["pitch class 1 above the commonest"] == 0.5
    assert named["onset at sixteenth 2 of the bar"] == pytest.approx(1 / 8)
    assert named["1 notes together"] == 1 and named["family 5"] == 1 and named["drums"] == 0
    assert named["notes a quarter"] == pytest.approx(2) and named["lowest"] == 5


def test_without_instruments_only_pitch_and_time_are_left() -> None:
    notes = [Note(0, 24, 60, 30, 40, 0), Note(0, 24, 48, 90, 42, 1), Note(24, 6, 38, 99, DRUMS, 2)]
    bare = without_instruments(Piece.from_notes(notes))
    assert [(n.pitch, n.program, n.velocity, n.part) for n in bare] == [(60, 0, 82, 0), (48, 0, 82, 1)]
    rows = EventCodec().encode(Piece.from_notes(notes)).rows
    shown = rows_without_instruments(rows, (Meter(0),))
    assert set(shown[at.is_note(shown), at.INSTRUMENT]) == {0, 1}
    only_drums = Piece.from_notes(notes[2:])
    assert len(without_instruments(only_drums)) == 1


def test_fitted_classifiers_survive_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for classes in (("a", "b"), ("a", "b", "c")):
        y = [classes[i % len(classes)] for i in range(90)]
        x = rng.normal(size=(90, 4)) + [[ord(c)] * 4 for c in y] + 50
        fitted = linear.fit(x, y)
        shown = np.exp(linear.log_softmax(x @ fitted.weight.T + fitted.bias))
        assert (np.array(fitted.classes)[shown.argmax(1)] == y).mean() > 0.7
        linear.save(tmp_path / "c.safetensors", {"one": fitted}, "note")
        again, note = linear.load(tmp_path / "c.safetensors")
        assert note == "note" and again["one"].classes == classes
        assert np.array_equal(again["one"].likelihoods(x), fitted.likelihoods(x))
    with pytest.raises(CorpusError, match="two styles at least"):
        linear.fit(x, ["a"] * 90)


def test_using_them_needs_neither_torch_nor_scikit_learn(model: Path, tmp_path: Path) -> None:
    write_music(tune(300), tmp_path / "tune.mid")
    code = (
        "import sys, musegen\n"
        f"v = musegen.classify({str(model)!r}, {str(tmp_path / 'tune.mid')!r})\n"
        "assert set(v.posterior) == {'generative', 'features', 'state'}, v.posterior\n"
        f"musegen.score({str(model)!r}, {str(tmp_path / 'tune.mid')!r})\n"
        "print(*{'torch', 'sklearn', 'scipy'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_what_cannot_be_classified_is_one_sentence(
    model: Path, two_styles: Corpus, trained: Path, untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MusegenError, match="no style to find"):
        classify(model, Piece.from_notes([]))
    with pytest.raises(SettingsError, match="no prior 'mine'"):
        classify(model, tune(1), "mine")
    with pytest.raises(SettingsError, match="no style tags to choose among"):
        Classifier.open(trained)
    with pytest.raises(SettingsError, match="--prior uniform"):
        classify(untrained, tune(1))
    assert classify(untrained, tune(1), "uniform").prior == {"chorale": 0.5, "tune": 0.5}
    assert main(["classify"]) == 1
    assert "needs a FILE" in capsys.readouterr().err
    with pytest.raises(CorpusError, match="no tag for the corpus's style leaping: it knows chorale, tune"):
        fit_classifiers(checkpoints.load(untrained), two_styles)
    other = shutil.copytree(untrained, tmp_path / "other")
    shutil.copy(model / FILE, other / FILE)
    with pytest.raises(CheckpointError, match="fitted to other weights"):
        Classifier.open(other)
    (other / FILE).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="does not hold classifiers"):
        Classifier.open(other)


def test_the_verb(model: Path, two_styles: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / f"{make.__name__}.mid") for make in (tune, leaping)]
    for make, file in zip((tune, leaping), files, strict=True):
        write_music(make(400), file)
    bare = shutil.copytree(model, tmp_path / "bare")
    (bare / FILE).unlink()
    assert main(["classify", files[0], "--checkpoint", str(bare)]) == 0
    assert "features" not in capsys.readouterr().out
    assert main(["classify", *files, "--checkpoint", str(bare), "--fit", str(two_styles.path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [f["best"]["features"] for f in shown["files"]] == ["walking", "leaping"]
    assert linear.load(bare / FILE)[0].keys() == linear.load(model / FILE)[0].keys()
    assert main(["classify", files[1], "--checkpoint", str(model), "--without-instruments"]) == 0
    assert "leaping (generative), leaping (features), leaping (state)" in capsys.readouterr().out
    assert musegen.classify(model, files[1]).best() == "leaping"
