"""`musegen generate` and `musegen train` from the command line, on real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from musegen.cli.main import main
from musegen.corpus.store import Corpus
from musegen.midi import read_music, write_music

from ..small_corpus import tune


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    path = tmp_path / "seed.mid"
    write_music(tune(100, 4), path)
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def test_two_runs_with_one_seed_number_give_identical_files(
    trained: Path, seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["generate", "--seed", str(seed), "-n", "5", "--bars", "2", "--checkpoint", str(trained)]
    for out, number in (("a", "4"), ("b", "4"), ("c", "5")):
        assert main([*command, "--out", str(tmp_path / out), "--seed-number", number]) == 0
    a, b, c = (files(tmp_path / out) for out in "abc")
    assert list(a) == ["manifest.csv", *(f"seed-{i}.mid" for i in range(1, 6))]
    assert a == b and a != c
    assert "5 files of 2 bars" in capsys.readouterr().out


def test_with_seed_and_notation_and_limits(trained: Path, seed: Path, tmp_path: Path) -> None:
    command = ["generate", "--seed", str(seed), "-n", "1", "--checkpoint", str(trained), "--out", str(tmp_path)]
    assert main([*command, "--bars", "4", "--with-seed", "--key", "C", "--range", "60-72", "--grid", "8"]) == 0
    piece = read_music(tmp_path / "seed-1.mid")
    new = piece.notes[piece.notes["onset"] >= 4 * 4 * piece.ticks_per_quarter]
    assert len(new) and len(new) < len(piece)
    assert set(new["pitch"] % 12) <= {0, 2, 4, 5, 7, 9, 11} and new["pitch"].min() >= 60 and new["pitch"].max() <= 72
    assert not (new["onset"] % (piece.ticks_per_quarter // 2)).any()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seed", "nosuch.mid"], "no such file"),
        (["--key", "H major"], "is not a key"),
        (["--range", "high"], "two MIDI pitches"),
        (["--grid", "7"], "not one of 4, 8"),
        (["--programs", "piano"], "not a program number"),
        (["--temperature", "-1"], "outside 0"),
        (["--top-p", "0"], "top-p is 0"),
        (["-n", "0"], "at least 1"),
        (["--style", "jazz"], "has no style"),
        (["--checkpoint", "nosuch"], "no checkpoint 'nosuch'"),
    ],
)
def test_wrong_input_is_one_sentence_and_writes_nothing(
    options: list[str], sentence: str, trained: Path, seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["generate", "--seed", str(seed), "--checkpoint", str(trained), "--out", str(tmp_path / "out")]
    assert main(base + options) == 1
    error = capsys.readouterr().err
    assert sentence in error and len(error.strip().splitlines()) == 1 and "Traceback" not in error
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_train_then_generate(corpus: Corpus, seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = ["--model", "lstm", "--width", "24", "--layers", "1", "--epochs", "1", "--batch-rows", "1024"]
    assert main(["train", str(corpus.path), "--out", str(tmp_path / "model"), *shape]) == 0
    assert "nats/note held out" in capsys.readouterr().out
    assert (tmp_path / "model" / "loss.png").read_bytes().startswith(b"\x89PNG")
    command = ["generate", "--seed", str(seed), "-n", "1", "--bars", "2", "--out", str(tmp_path / "out")]
    assert main([*command, "--checkpoint", str(tmp_path / "model")]) == 0


def test_train_says_what_is_wrong(corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in (
        ([str(tmp_path)], "holds no .mid"),
        ([str(corpus.path), "--model", "gpt9"], "Unknown model"),
        ([str(corpus.path), "--epochs", "0"], "must be positive"),
        ([str(corpus.path), "--width", "30", "--heads", "4"], "multiple of twice the heads"),
    ):
        assert main(["train", *arguments, "--out", str(tmp_path / "x")]) == 1
        error = capsys.readouterr().err
        assert sentence in error and "Traceback" not in error
