"""`musegen benchmark` trains, prints the table, and does no finished run again."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from musegen.cli.main import main


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """A folder with a small Nottingham.npz."""
    pieces = (np.random.default_rng(0).random((60, 88)) < 0.05).astype(np.uint8)
    packed, lengths = np.packbits(pieces, axis=1), np.array([20, 40])
    np.savez(tmp_path / "Nottingham.npz", train=packed, train_len=lengths, valid=packed, valid_len=lengths)
    return tmp_path


def test_the_table_of_frames(sets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["benchmark", "boulanger", "--data", str(sets), "--set", "nottingham", "--out", str(sets / "out")]
    command += ["--model", "lstm", "--epochs", "1", "--seeds", "0,1"]
    assert main(command) == 0
    said = capsys.readouterr()
    tables = said.out.split("\n\n")
    assert tables[0].startswith("Nottingham, bernoulli outputs, nats a frame of valid (published: of test)\n")
    assert tables[1].startswith("Nottingham, chain outputs")
    assert re.search(r"\nTCN \(published\) +3.070\n", tables[0])
    assert re.search(r"\nRNN-NADE \(published\) +2.310\n", tables[1])
    assert "lstm" in tables[0]
    assert "Nottingham, chain, lstm, seed 1: frame-mean" in said.err
    results = sorted(p.relative_to(sets / "out").as_posix() for p in (sets / "out").rglob("result.json"))
    assert results == [f"nottingham/{o}/lstm/seed-{s}/result.json" for o in ("bernoulli", "chain") for s in (0, 1)]
    before = [p.stat().st_mtime_ns for p in (sets / "out").rglob("*") if p.is_file()]
    assert main(command) == 0
    assert capsys.readouterr().out == said.out
    assert [p.stat().st_mtime_ns for p in (sets / "out").rglob("*") if p.is_file()] == before


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["boulanger", "--set", "jsb"], "does not hold JSB_Chorales.npz"),
        (["boulanger", "--model", "gan"], "Unknown model 'gan'"),
        (["boulanger", "--seeds", "one"], "'one' is not numbers with commas between"),
        (["boulanger", "--epochs", "0"], "--epochs is 0; it must be positive"),
        (["jsb16"], "needs .*train.json, which does not exist"),
        (["jsb16", "--model", "gan"], "Unknown model 'gan'"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    sets: Path, command: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", *command, "--data", str(sets), "--out", str(sets / "out")]) == 1
    said = capsys.readouterr().err
    assert re.search(sentence, said)
    assert said.count("\n") == 1
