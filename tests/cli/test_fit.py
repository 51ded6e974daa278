"""`musegen train --model ngram|mixture|topics` and playing what it makes, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musegen.cli.main import main
from musegen.corpus.store import Corpus
from musegen.midi import read_music, write_music

from ..small_corpus import tune

OPTIONS = {"ngram": [], "mixture": ["--components", "6"], "topics": ["--components", "3", "--seed", "2"]}


@pytest.fixture
def phrase(tmp_path: Path) -> Path:
    path = tmp_path / "phrase.mid"
    write_music(tune(100, 4), path)
    return path


@pytest.mark.parametrize("family", OPTIONS)
def test_it_is_fitted_generates_and_scores(
    family: str, corpus: Corpus, phrase: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / family
    assert main(["train", str(corpus.path), "--model", family, "--out", str(out), *OPTIONS[family]]) == 0
    said = capsys.readouterr().out
    metrics = json.loads((out / "metrics.json").read_text())
    for split in ("valid", "test"):
        assert f"{split} {metrics[split]['total']:.4f}" in said
        assert f"**{split}**: {metrics[split]['total']:.3f} nats/note" in (out / "README.md").read_text()
    if family == "topics":
        assert said.count("like ") == 3 and (out / "topics.png").stat().st_size > 5000
    made = tmp_path / "made"
    command = ["generate", "--checkpoint", str(out), "--seed", str(phrase), "--out", str(made)]
    assert main([*command, "-n", "2", "--bars", "3"]) == 0
    for path in made.glob("*.mid"):
        notes = read_music(path).notes
        assert len(notes) >= 3
        assert set(notes["program"]) <= {0, 32}  # the instruments of the seed, as with any other model


def test_a_baseline_jams(corpus: Corpus, phrase: Path, tmp_path: Path) -> None:
    out, record = tmp_path / "ngram", tmp_path / "jam"
    assert main(["train", str(corpus.path), "--model", "ngram", "--out", str(out)]) == 0
    command = ["jam", "--fast", "--bars", "4", "--seed", str(phrase), "--checkpoint", str(out), "--no-wav"]
    assert main([*command, "--record", str(record)]) == 0
    (recording,) = record.glob("*.mid")
    assert len(read_music(recording)) > 10


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "ngram", "--width", "8"], "--width is for networks, and ngram is none: leave it out."),
        (["--model", "mixture", "--no-bar"], "--no-bar is for networks, and mixture is none: leave it out."),
        (["--model", "topics", "--from", "lstm"], "--from is for networks, and topics is none: leave it out."),
        (["--model", "ngram", "--components", "8"], "ngram has no --components: leave it out."),
        (["--model", "mixture", "--components", "-1"], "A mixture of -1 components cannot be"),
        (["--model", "lstm", "--components", "8"], "A lstm has no --components: leave it out."),
    ],
)
def test_what_makes_no_sense_is_a_sentence(
    options: list[str], sentence: str, corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(corpus.path), "--out", str(tmp_path / "out"), *options]) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
