"""`musegen train --preset NAME` and `musegen corpus build --preset NAME`: one command from packages to a checkpoint."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from musegen import presets
from musegen.checkpoint import Checkpoint, load, tell
from musegen.cli.main import main
from musegen.corpus.store import Corpus
from musegen.midi.write import write_midi
from musegen.models.config import GanConfig, HumaniserConfig, ModelConfig
from musegen.piece import Note, Piece
from musegen.training.settings import GameSettings, TrainSettings

from ..small_grooves import groove_folder

TINY = ["--width", "8", "--layers", "1", "--batch-rows", "64", "--epochs", "0.5", "--evaluate-every", "1"]


@pytest.fixture
def tunes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, where the corpus of record is a few tunes."""
    for seed in range(70, 82):  # the stable hash holds out 77
        pitches = np.random.default_rng(seed).integers(50, 80, 12)
        notes = [Note(24 * i, 24, int(pitch)) for i, pitch in enumerate(pitches)]
        (tmp_path / "songs").mkdir(exist_ok=True)
        write_midi(Piece.from_notes(notes), tmp_path / "songs" / f"{seed}.mid")
    known = {**presets.CORPORA, "folk": (str(tmp_path / "songs"),)}
    monkeypatch.setattr(presets, "CORPORA", known)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_command_makes_corpus_and_checkpoint(tunes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    assert main(["train", "--preset", "folk", "--seed", "3", *TINY]) == 0
    made = tunes / "checkpoints" / "lstm-folk"
    about = load(made).about
    corpus = Corpus.open(tunes / "corpora" / "folk")
    assert about["corpus"] == f"fingerprint {corpus.fingerprint}"
    assert about["recipe"].startswith("musegen train --preset folk --seed 3, but ")
    assert "width 8" in about["recipe"] and about["seed"] == 3
    assert about["device"].endswith("of a CPU") and about["core-hours"] < 1
    assert load(made).shape(ModelConfig).dropout == 0.1, "what was not typed is the preset's"
    card = (made / "README.md").read_text()
    assert corpus.fingerprint in card and about["recipe"] in card
    before = (tunes / "corpora" / "folk" / "corpus.json").stat().st_mtime_ns
    capsys.readouterr()
    assert main(["train", "--preset", "folk", "--seed", "3", *TINY]) == 0, "again: it is done, and says so"
    assert "best: " in capsys.readouterr().out
    assert load(made).about == about
    assert (tunes / "corpora" / "folk" / "corpus.json").stat().st_mtime_ns == before


def test_build_of_a_preset_prints_the_fingerprint(tunes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "build", "--preset", "folk"]) == 0
    corpus = Corpus.open(tunes / "corpora" / "folk")
    assert f"fingerprint: {corpus.fingerprint}\n" in capsys.readouterr().out
    assert main(["corpus", "build", "elsewhere", "--preset", "folk"]) == 0
    assert Corpus.open(tunes / "elsewhere").fingerprint == corpus.fingerprint


def test_a_preset_of_two_runs(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    grooves, out = groove_folder(tmp_path / "grooves", 4), tmp_path / "out"
    small = ["--width", "8", "--layers", "1", "--evaluate-every", "1", "--batch", "2", "--iterations", "1"]
    assert main(["train", str(grooves), "--preset", "humaniser", "--out", str(out), *small]) == 0
    about = load(out).about
    assert about["fine_tuned_from"]["eta"] == 0 and about["eta"] > 0
    assert about["recipe"].startswith("musegen train GROOVE --preset humaniser, but ")


def test_drums_from_the_folder_of_groove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    place = groove_folder(tmp_path / "groove", 4)
    tiny = ["--width", "8", "--layers", "1", "--heads", "1", *TINY[4:-4], "--epochs", "0.1", "--evaluate-every", "9"]
    assert main(["train", str(place), "--preset", "drums", *tiny]) == 0
    about = load(tmp_path / "checkpoints" / "transformer-drums").about
    assert about["recipe"].startswith("musegen train GROOVE --preset drums, but ")
    assert "Gillick" in about["licence"], "who made the music is named in the card"
    assert Corpus.open(tmp_path / "corpora" / "drums").pieces("valid") == [2, 3], "the dataset's own split"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train"], "Give a corpus to learn from, or --preset"),
        (["train", "--preset", "polka"], "There is no preset 'polka': choose one of default, "),
        (["train", "--preset", "drums"], "musegen corpus build corpora/drums groove:FOLDER"),
        (["train", "--preset", "humaniser"], "musegen train groove --preset humaniser"),
        (["corpus", "build", "--preset", "drums"], "musegen corpus build corpora/drums groove:FOLDER"),
        (["corpus", "build", "--preset", "lstm"], "There is no corpus 'lstm': choose one of default, "),
        (["corpus", "build", "out", "songs", "--preset", "folk"], "Say which folder to make, then its sources; or"),
    ],
)
def test_one_sentence(tunes: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert main(words) == 1
    said = capsys.readouterr().err
    assert message in said and said.startswith("musegen: ") and len(said.splitlines()) == 1


def test_help_lists_every_preset(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in presets.PRESETS)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_options_are_those_of_the_verb(name: str) -> None:
    """Each is a field of the model or of how it is trained, so that none is passed over in silence."""
    found = presets.preset(name)
    shapes = {"gan": (GanConfig, GameSettings), "humaniser": (HumaniserConfig, GameSettings)}
    for options in (found.options, found.first or found.options):
        kinds = shapes.get(options["model"], (ModelConfig, TrainSettings))
        fields = {f.name for kind in kinds for f in dataclasses.fields(kind)}
        assert set(options) - {"model"} <= fields
    assert found.corpus in {*presets.CORPORA, ""}


def test_telling_changes_the_card_and_nothing_else(tmp_path: Path) -> None:
    config = ModelConfig(width=8, layers=1, heads=1)
    Checkpoint(config, {}, ("jig",), {"seed": 1}, {"valid": {"total": 2.0}}).save(tmp_path, player=b"the player")
    weights = (tmp_path / "model.safetensors").read_bytes()
    tell(tmp_path, recipe="by hand")
    found = load(tmp_path)
    assert found.about == {"seed": 1, "recipe": "by hand"}
    assert found.styles == ("jig",) and found.config == config and found.metrics == {"valid": {"total": 2.0}}
    assert "**recipe**: by hand" in (tmp_path / "README.md").read_text()
    assert (tmp_path / "model.safetensors").read_bytes() == weights
    assert (tmp_path / "player.onnx").read_bytes() == b"the player"
