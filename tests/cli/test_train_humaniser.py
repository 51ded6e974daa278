"""`musegen train GROOVES --model humaniser`: a checkpoint that plays, gone on with; sentences for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from musegen.checkpoint import load
from musegen.cli.main import main
from musegen.engine.humaniser import Humaniser

from ..small_grooves import groove_folder

pytest.importorskip("torch")

SMALL = ["--model", "humaniser", "--width", "8", "--layers", "1", "--evaluate-every", "1", "--batch", "2"]


def test_trains_goes_on_and_is_fine_tuned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grooves, out = groove_folder(tmp_path / "grooves", 4), tmp_path / "out"
    command = ["train", str(grooves), *SMALL, "--eta", "0", "--iterations", "2", "--out", str(out)]
    assert main(command) == 0
    said = capsys.readouterr()
    assert "best guess is off by" in said.out and "distance" in said.err
    assert main(command) == 0  # done: says so again
    assert "kept: step" in capsys.readouterr().out
    checkpoint = load(out)
    assert Humaniser(checkpoint).feels == ("eager", "lazy", "rock")
    assert checkpoint.about["licence"] == "CC BY 4.0" and checkpoint.about["eta"] == 0
    more = [
        "train",
        str(grooves),
        "--from",
        str(out),
        "--iterations",
        "1",
        "--batch",
        "2",
        "--out",
        str(tmp_path / "2"),
    ]
    assert main(more) == 0
    assert "D(G(z))" in capsys.readouterr().err
    assert load(tmp_path / "2").about["fine_tuned_from"]["eta"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "humaniser", "--epochs", "3"], "A humaniser has no --epochs: leave it out."),
        (["--model", "humaniser", "--heads", "3"], "A humaniser has no --heads: leave it out."),
        (["--model", "humaniser", "--eta", "-1"], "eta is -1.0; it must not be negative."),
        (["--model", "humaniser"], "0 drum performances to learn from"),
    ],
)
def test_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    folder = tmp_path if message.startswith("0") else groove_folder(tmp_path, 4)
    assert main(["train", str(folder), "--out", str(tmp_path / "out"), *words]) == 1
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said and len(said.strip().splitlines()) == 1
