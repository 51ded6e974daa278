"""`musegen train FOLDER --from CHECKPOINT`: from a folder of music to a model that has learnt it, in one command."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from musegen.batches.copies import Known, phrases
from musegen.checkpoint import PLAYER, load
from musegen.cli.main import main
from musegen.corpus.own import with_some_held_out
from musegen.corpus.store import Corpus
from musegen.midi import write_music
from musegen.training.progress import read_log
from musegen.training.settings import FINE_TUNING_ROWS, fine_tuning

from ..batches.test_copies import melody
from ..small_corpus import tune


@pytest.fixture
def start(untrained: Path, tmp_path: Path) -> Path:
    """A checkpoint that learnt a melody."""
    folder = tmp_path / "start"
    shutil.copytree(untrained, folder)
    Known.of_phrases([phrases(melody(1))]).save(folder)
    return folder


def waltzes(place: Path, tunes: int) -> Path:
    place.mkdir()
    for i in range(tunes):
        write_music(tune(i, bars=4), place / f"{i}.mid")
    (place / "broken.mid").write_bytes(b"no music")
    return place


def test_a_folder_of_music_is_learnt_in_one_command(
    start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = waltzes(tmp_path / "waltzes", 10), tmp_path / "mine"
    command = ["train", str(folder), "--from", str(start), "--out", str(out), "--threads", "1", "--epochs", "12"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "8 pieces to learn from, 2 held out to judge by" in said and "1 more left out" in said
    made = load(out)
    assert made.styles == ("waltzes", "chorale", "tune") and made.about["pieces of each style"]["waltzes"] == 8
    looks = [r["valid"] for r in read_log(out) if "valid" in r]
    assert min(looks) < looks[0] - 0.5, "it learns"
    assert made.metrics["valid"]["total"] == pytest.approx(min(looks))
    assert (out / PLAYER).is_file() and len(Corpus.open(out / "corpus")) == 10
    known = Known.load(out)
    assert known is not None
    for music in (melody(1), tune(_learnt(out), bars=4)):  # of before, and new
        hashes = phrases(music)
        assert known.holds(hashes)[hashes != 0].all()
    assert main(["generate", "--checkpoint", str(out), "-n", "1", "--bars", "1", "--out", str(tmp_path / "o")]) == 0
    assert main(command) == 0, "again: it is done"
    assert load(out).about == made.about
    write_music(tune(99, bars=4), folder / "99.mid")
    assert main(command) == 1, "it is another run now"
    assert "another corpus" in capsys.readouterr().err


def _learnt(out: Path) -> int:
    """The number of a tune that was learnt from."""
    split = with_some_held_out(Corpus.open(out / "corpus"))
    return int(Path(split.entries[split.pieces("train")[0]].file).stem)


def test_of_too_few_files_none_is_held_out_and_the_last_step_is_kept(
    start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    options = ["--epochs", "4", "--evaluate-every", "2", "--average", "0"]
    assert main(["train", str(waltzes(tmp_path / "three", 3)), "--from", str(start), "--out", str(out), *options]) == 0
    said = capsys.readouterr().out
    assert (
        "3 pieces; from 5 different tunes on some would be held out" in said
        and "nothing was held out to choose by" in said
    )
    made = load(out)
    assert made.about["steps"] == read_log(out)[-1]["of"] > 2 and "valid" not in made.metrics
    assert any((w != load(start).weights[k]).any() for k, w in made.weights.items())
    assert np.isfinite([r["train"] for r in read_log(out)]).all()


def test_fine_tuning_has_settings_of_its_own() -> None:
    few, more, many = (fine_tuning(rows, infill=True) for rows in (500, FINE_TUNING_ROWS // 5, 10**9))
    assert few["epochs"] == 10 and more["epochs"] == 5 and many["epochs"] == 3
    assert few["infill"] > 0 == fine_tuning(500, infill=False)["infill"]
